//! The sidecars of one folder, to be looked up by the media name they are written for.
//!
//! A sidecar's name can be read in several ways, as `(2)` may be a counter or part of the title and `.su` the start of
//! `.supplemental-metadata` or of nothing; each reading gets an entry, and titles decide later.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::name;
use super::SidecarName;
use super::title;

/// What today's exports put between the media name and `.json`, cut anywhere.
const SUFFIX: &str = ".supplemental-metadata";

/// Beyond these many different titles under one file name, or sidecars of one forward name, the rest is not looked at:
/// no export is like that, and hostile ones must not make pairing quadratic.
const MOST: usize = 64;

/// All sidecars of one name.
struct Card<'a> {
    name: Cow<'a, str>,
    /// Different titles with the first sidecar that has each.
    takes: Vec<(Option<&'a str>, usize)>,
    /// Whether the name ends with a counter.
    counted: bool,
}

struct Entry {
    card: usize,
    /// How many bytes of the card's name are the media name it is written for.
    length: usize,
    style: Style,
}

/// In order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    NewWhole,
    Old,
    NewCut,
}

/// A sidecar that was found: its card and its index in the caller's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub card: usize,
    pub index: usize,
}

/// The index.
pub struct Book<'a> {
    cards: Vec<Card<'a>>,
    entries: HashMap<String, Vec<Entry>>,
    /// Cards whose names may be cut, by the media names that their titles become.
    forward: HashMap<String, Vec<usize>>,
}

impl<'a> Book<'a> {
    pub fn new(sidecars: &[SidecarName<'a>]) -> Self {
        let mut book = Self {
            cards: Vec::new(),
            entries: HashMap::new(),
            forward: HashMap::new(),
        };
        let mut known: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(sidecars.len());
        book.entries.reserve(sidecars.len());
        for (index, sidecar) in sidecars.iter().enumerate() {
            let title = sidecar.title.filter(|title| !title.trim().is_empty());
            let name = name::nfc(sidecar.name);
            if title.is_none() && name::is_album_card(&name) {
                continue;
            }
            if let Some(card) = known.get(&name) {
                let takes = &mut book.cards[*card].takes;
                if takes.len() < MOST && !takes.iter().any(|(known, _)| *known == title) {
                    takes.push((title, index));
                }
                continue;
            }
            known.insert(name.clone(), book.cards.len());
            book.write(&name);
            let counted = stem(&name).and_then(name::counter).is_some();
            book.cards.push(Card {
                name,
                takes: vec![(title, index)],
                counted,
            });
        }
        // Titles of later parts count as well, so this waits until all are known.
        book.write_forward();
        book
    }

    /// How many different sidecar names there are.
    pub fn cards(&self) -> usize {
        self.cards.len()
    }

    fn write(&mut self, name: &str) {
        let Some(stem) = stem(name) else { return };
        self.read_as(stem, "");
        if let Some((rest, digits)) = name::counter(stem) {
            self.read_as(rest, digits);
        }
    }

    /// Enters the start `text` of the next card's name, with and without what may be the suffix.
    fn read_as(&mut self, text: &str, digits: &str) {
        let Some(dot) = text
            .rfind('.')
            .filter(|dot| *dot > 0 && SUFFIX.starts_with(&text[*dot..]))
        else {
            self.enter(text, digits, Style::Old);
            return;
        };
        let whole = text.len() - dot == SUFFIX.len();
        self.enter(
            &text[..dot],
            digits,
            if whole {
                Style::NewWhole
            } else {
                Style::NewCut
            },
        );
        // A short suffix may be the end of a title instead: `v1.s`. A long one cannot.
        if text.len() - dot <= ".supp".len() {
            self.enter(text, digits, Style::Old);
        }
        if digits.is_empty()
            && let Some((rest, inner)) = name::counter(&text[..dot])
        {
            // The counter before the suffix, after the extension.
            self.enter(rest, inner, Style::NewCut);
        }
    }

    fn enter(&mut self, base: &str, digits: &str, style: Style) {
        let entry = Entry {
            card: self.cards.len(),
            length: base.len(),
            style,
        };
        self.entries
            .entry(key(base, digits))
            .or_default()
            .push(entry);
    }

    fn write_forward(&mut self) {
        for (place, card) in self.cards.iter().enumerate() {
            let Some(stem) = stem(&card.name) else {
                continue;
            };
            if name::units(stem) < name::SIDECAR_UNITS - 1 {
                continue;
            }
            let (rest, digits) = name::counter(stem).unwrap_or((stem, ""));
            for (title, _) in &card.takes {
                for name in title::forward(title.unwrap_or_else(|| unsuffixed(rest))) {
                    self.forward
                        .entry(key(&name, digits))
                        .or_default()
                        .push(place);
                    if title.is_some() {
                        self.forward.entry(key(&name, ANY)).or_default().push(place);
                    }
                }
            }
        }
    }

    /// The best sidecar written for `base` with this counter, whose title passes. With `exact` the extension's case
    /// counts.
    pub fn find(
        &self,
        base: &str,
        digits: &str,
        exact: bool,
        open: impl Fn(usize) -> bool,
        passes: impl Fn(&str) -> bool,
    ) -> Option<Found> {
        let entries = self.entries.get(&key(base, digits))?;
        let mut best: Option<(Style, Found)> = None;
        for entry in entries {
            let named = self.cards[entry.card].name.get(..entry.length);
            if exact && named != Some(base)
                || !open(entry.card)
                || best.is_some_and(|(style, _)| style <= entry.style)
            {
                continue;
            }
            if let Some(found) = self.take(entry.card, &passes) {
                best = Some((entry.style, found));
            }
        }
        best.map(|(_, found)| found)
    }

    /// The sidecars, at most [`MOST`], whose titles become the media name `plain`; those of one counter, or all.
    pub fn find_forward(
        &self,
        plain: &str,
        digits: Option<&str>,
        open: impl Fn(usize) -> bool,
        passes: impl Fn(&str) -> bool,
    ) -> Vec<Found> {
        let Some(cards) = self
            .forward
            .get(&key(&title::media_key(plain), digits.unwrap_or(ANY)))
        else {
            return Vec::new();
        };
        let mut found: Vec<Found> = cards
            .iter()
            .take(MOST)
            .filter(|card| open(**card))
            .filter_map(|card| self.take(*card, &passes))
            .collect();
        found.dedup();
        found
    }

    /// Whether the card's name ends with a counter.
    pub fn counted(&self, card: usize) -> bool {
        self.cards[card].counted
    }

    /// The first sidecar of the card whose title passes; one without a title only where none has one.
    fn take(&self, card: usize, passes: &impl Fn(&str) -> bool) -> Option<Found> {
        let takes = &self.cards[card].takes;
        let mut untitled = None;
        let mut titled = false;
        for (title, index) in takes {
            match title {
                Some(title) if passes(title) => {
                    return Some(Found {
                        card,
                        index: *index,
                    });
                }
                Some(_) => titled = true,
                None => untitled = untitled.or(Some(*index)),
            }
        }
        untitled
            .filter(|_| !titled)
            .map(|index| Found { card, index })
    }
}

/// In place of a counter: whatever it is. No counter is like this.
const ANY: &str = "*";

fn stem(name: &str) -> Option<&str> {
    let cut = name.len().checked_sub(".json".len())?;
    let tail = name.get(cut..)?;
    (cut > 0 && tail.eq_ignore_ascii_case(".json")).then(|| &name[..cut])
}

fn unsuffixed(stem: &str) -> &str {
    match stem.rfind('.') {
        Some(dot) if dot > 0 && SUFFIX.starts_with(&stem[dot..]) => &stem[..dot],
        _ => stem,
    }
}

/// Base and counter as one word. The extension, cut or whole, is taken in lowercase: its case may differ between a
/// photo and its sidecar, that of the stem never does.
fn key(base: &str, digits: &str) -> String {
    let mut key = String::with_capacity(base.len() + digits.len() + 1);
    key.push_str(base);
    if let Some(dot) = base.rfind('.')
        && base.len() - dot <= 6
    {
        key[dot..].make_ascii_lowercase();
    }
    key.push('\0');
    key.push_str(digits);
    key
}
