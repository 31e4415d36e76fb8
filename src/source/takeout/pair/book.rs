//! The sidecars of one folder, to be looked up by the media name they are written for.
//!
//! A sidecar's name can be read in several ways, as `(2)` may be a counter or part of the title and `.su` the start of
//! `.supplemental-metadata` or of nothing; each reading gets an entry, and titles decide later.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

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

/// One reading of a card's name.
struct Entry {
    card: usize,
    /// The bytes of the card's name that are the media name it is written for.
    base: Range<usize>,
    /// The bytes that are the counter.
    digits: Range<usize>,
    style: Style,
    /// The next entry of the same hash.
    next: Option<usize>,
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
    entries: Vec<Entry>,
    /// The latest entry by the hash of its base and counter. Hashes instead of texts spare a copy of every name; what
    /// is found is compared with the names themselves.
    latest: HashMap<u64, usize>,
    /// Secret, so that hostile names cannot collide on purpose.
    hashes: RandomState,
    /// Cards whose names may be cut, by the media names that their titles become.
    forward: HashMap<String, Vec<usize>>,
}

impl<'a> Book<'a> {
    pub fn new(sidecars: &[SidecarName<'a>]) -> Self {
        let mut book = Self {
            cards: Vec::with_capacity(sidecars.len()),
            entries: Vec::with_capacity(sidecars.len()),
            latest: HashMap::with_capacity(sidecars.len()),
            hashes: RandomState::new(),
            forward: HashMap::new(),
        };
        let mut known: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(sidecars.len());
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
        self.read_as(stem, stem.len()..stem.len(), stem);
        if let Some((rest, digits)) = name::counter(stem) {
            self.read_as(rest, rest.len() + 1..rest.len() + 1 + digits.len(), stem);
        }
    }

    /// Enters the start `text` of the next card's name, with and without what may be the suffix.
    fn read_as(&mut self, text: &str, digits: Range<usize>, stem: &str) {
        let Some(dot) = text
            .rfind('.')
            .filter(|dot| *dot > 0 && SUFFIX.starts_with(&text[*dot..]))
        else {
            self.enter(stem, text.len(), digits, Style::Old);
            return;
        };
        let whole = text.len() - dot == SUFFIX.len();
        let style = if whole {
            Style::NewWhole
        } else {
            Style::NewCut
        };
        self.enter(stem, dot, digits.clone(), style);
        if digits.is_empty()
            && let Some((rest, inner)) = name::counter(&text[..dot])
        {
            // The counter before the suffix, after the extension.
            let inner = rest.len() + 1..rest.len() + 1 + inner.len();
            self.enter(stem, rest.len(), inner, Style::NewCut);
        }
        // A short suffix may be the end of a title instead: `v1.s`. A long one cannot.
        if text.len() - dot <= ".supp".len() {
            self.enter(stem, text.len(), digits, Style::Old);
        }
    }

    fn enter(&mut self, stem: &str, length: usize, digits: Range<usize>, style: Style) {
        let hash = self.hash(&stem[..length], &stem[digits.clone()]);
        let next = self.latest.insert(hash, self.entries.len());
        self.entries.push(Entry {
            card: self.cards.len(),
            base: 0..length,
            digits,
            style,
            next,
        });
    }

    /// Base and counter as one number. The extension, cut or whole, is taken in lowercase: its case may differ between
    /// a photo and its sidecar, that of the stem never does.
    fn hash(&self, base: &str, digits: &str) -> u64 {
        let (stem, tail) = base.split_at(tail_start(base));
        let mut lower = [0; TAIL_BYTES];
        let lower = &mut lower[..tail.len()];
        lower.copy_from_slice(tail.as_bytes());
        lower.make_ascii_lowercase();
        let mut hasher = self.hashes.build_hasher();
        hasher.write(stem.as_bytes());
        hasher.write(lower);
        // No name holds this byte, so base and counter cannot flow into each other.
        hasher.write_u8(0xff);
        hasher.write(digits.as_bytes());
        hasher.finish()
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
        count();
        let mut best: Option<(Style, Found)> = None;
        let mut next = self.latest.get(&self.hash(base, digits)).copied();
        while let Some(entry) = next.map(|place| &self.entries[place]) {
            next = entry.next;
            count();
            let name = &self.cards[entry.card].name;
            let (named, numbered) = (&name[entry.base.clone()], &name[entry.digits.clone()]);
            let meant = numbered == digits
                && if exact {
                    named == base
                } else {
                    same(named, base)
                };
            // Entries come latest first, and the first card wins.
            let better =
                best.is_none_or(|(style, found)| (entry.style, entry.card) < (style, found.card));
            if meant && better && open(entry.card) {
                best = self
                    .take(entry.card, &passes)
                    .map(|found| (entry.style, found))
                    .or(best);
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

    /// The title of a sidecar that was found.
    pub fn title(&self, found: Found) -> Option<&'a str> {
        let takes = &self.cards[found.card].takes;
        takes
            .iter()
            .find(|(_, index)| *index == found.index)
            .and_then(|(title, _)| *title)
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
            count();
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

/// A media name's key and a counter as one word.
fn key(name: &str, digits: &str) -> String {
    format!("{name}\0{digits}")
}

/// The dot and the longest extension, whose case does not count.
const TAIL_BYTES: usize = 6;

fn tail_start(base: &str) -> usize {
    base.rfind('.')
        .filter(|dot| base.len() - dot <= TAIL_BYTES)
        .unwrap_or(base.len())
}

/// Whether two bases differ at most in the case of the extension.
fn same(one: &str, other: &str) -> bool {
    let start = tail_start(one);
    start == tail_start(other)
        && one.as_bytes()[..start] == other.as_bytes()[..start]
        && one.as_bytes()[start..].eq_ignore_ascii_case(&other.as_bytes()[start..])
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many lookups, and comparisons within them, this thread has made since the last call.
#[cfg(test)]
pub fn steps() -> usize {
    STEPS.with(std::cell::Cell::take)
}

/// Tests count steps instead of measuring time.
#[inline]
fn count() {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}
