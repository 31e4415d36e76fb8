//! Which sidecar belongs to which media file, within one folder of all parts merged.
//!
//! Promises: pure and deterministic; about `n log n` for any input; a sidecar is the own one of at most one media name;
//! a title that is known is never contradicted, unless the sidecar bears the whole media name and the title differs from
//! it only as garbling and renaming do; where names and titles leave a tie nobody gets the sidecar. A missing sidecar is
//! reported and can be looked for in other folders; a wrong one would put a photo into the wrong year without a word.
//!
//! Why in waves: one media name can be read in several ways, and so can one sidecar name. Going from the most to the
//! least exact reading over all files together keeps a loose reading of one file from taking what is exactly another's.
//! What is left then borrows: edited copies from their originals, videos of live and motion photos from their stills.

mod book;
mod borrow;
mod shelf;
#[cfg(test)]
mod tests;
mod title;

pub use title::title_agrees;

use self::book::{Book, Found};
use self::shelf::Shelf;
use self::title::{Bond, agrees};
use super::name::{self, Kind};
use crate::model::Role;

/// A sidecar: its file name, and the title inside where that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidecarName<'a> {
    /// The file name with `.json`.
    pub name: &'a str,
    /// `title`; `None` when the document could not be read or has none.
    pub title: Option<&'a str>,
}

/// What is known of one media file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pairing {
    /// The sidecar with this file's facts, its own or that of its original or still.
    pub sidecar: Option<usize>,
    /// What the file is to its photo.
    pub role: Role,
    /// The original or still where it is in the folder. It has no head itself.
    pub head: Option<usize>,
}

/// From the most to the least exact. The order decides only where titles do not.
const WAVES: [Wave; 8] = [
    Wave::Exact,
    Wave::Cut,
    Wave::InPlace,
    Wave::Folded,
    Wave::Bare,
    Wave::Lax,
    Wave::Title,
    Wave::Resembling,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wave {
    /// The whole media name, its counter moved.
    Exact,
    /// The same, cut at 46 units.
    Cut,
    /// The counter as a part of the title, whole and cut.
    InPlace,
    /// All of these with the extension in another case.
    Folded,
    /// The title had no extension.
    Bare,
    /// Cut elsewhere or not at all.
    Lax,
    /// Cut names collide in other ways than media names do, so their counters differ; the title alone tells.
    Title,
    /// The whole name, with a title that was garbled or renamed.
    Resembling,
}

/// Pairs the media files of one folder with its sidecars; one answer per media file, in order.
pub fn pair(media: &[&str], sidecars: &[SidecarName<'_>]) -> Vec<Pairing> {
    let book = Book::new(sidecars);
    let shelf = Shelf::new(media);
    let mut desk = Desk::new(&shelf, &book);
    desk.own();
    if desk.answers.iter().any(|answer| !answer.settled) {
        desk.borrow(&shelf.stems());
    }
    desk.tidy();
    shelf
        .place
        .iter()
        .map(|place| desk.pairing(*place))
        .collect()
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    settled: bool,
    sidecar: Option<Found>,
    role: Role,
    head: Option<usize>,
}

struct Desk<'d, 'a> {
    shelf: &'d Shelf<'a>,
    book: &'d Book<'a>,
    answers: Vec<Answer>,
    /// The media that a card is the own sidecar of.
    owners: Vec<Option<usize>>,
    /// Cards that several media had equal claims to. Nobody gets them.
    contested: Vec<bool>,
}

impl<'d, 'a> Desk<'d, 'a> {
    fn new(shelf: &'d Shelf<'a>, book: &'d Book<'a>) -> Self {
        let answer = Answer {
            settled: false,
            sidecar: None,
            role: Role::Original,
            head: None,
        };
        Self {
            shelf,
            book,
            answers: vec![answer; shelf.media.len()],
            owners: vec![None; book.cards()],
            contested: vec![false; book.cards()],
        }
    }

    fn pairing(&self, place: usize) -> Pairing {
        let answer = &self.answers[place];
        Pairing {
            sidecar: answer.sidecar.map(|found| found.index),
            role: answer.role,
            head: answer.head.map(|head| self.shelf.media[head].first),
        }
    }

    /// Gives every media file the sidecar that was written for it.
    fn own(&mut self) {
        let mut open: Vec<usize> = (0..self.shelf.media.len()).collect();
        for wave in WAVES {
            let mut claims: Vec<(Found, usize)> = open
                .iter()
                .filter_map(|place| Some((self.claim(wave, *place)?, *place)))
                .collect();
            claims.sort_unstable_by_key(|(found, place)| (found.card, *place));
            for rivals in claims.chunk_by(|one, other| one.0.card == other.0.card) {
                match self.strongest(rivals) {
                    Some((found, place)) => {
                        self.owners[found.card] = Some(place);
                        self.answers[place].sidecar = Some(found);
                        self.answers[place].settled = true;
                    }
                    None => self.contested[rivals[0].0.card] = true,
                }
            }
            open.retain(|place| !self.answers[*place].settled);
            if open.is_empty() {
                break;
            }
        }
    }

    /// The one claim that is better than its rivals, if there is one.
    fn strongest(&self, rivals: &[(Found, usize)]) -> Option<(Found, usize)> {
        if let [only] = rivals {
            return Some(*only);
        }
        let mut ranked: Vec<_> = rivals
            .iter()
            .map(|claim| (self.weakness(*claim), *claim))
            .collect();
        ranked.sort_unstable();
        match ranked[..] {
            [(best, claim), (next, _), ..] if best != next => Some(claim),
            _ => None,
        }
    }

    /// How unlikely it is, among equal claims, that this file is the one that was uploaded.
    fn weakness(&self, (found, place): (Found, usize)) -> (bool, bool, Kind) {
        let media = &self.shelf.media[place];
        let copy = !title::originals(media.plain().0).0.is_empty();
        let extension = name::split(&media.name).1;
        let strange = self
            .book
            .title(found)
            .is_some_and(|title| !title.ends_with(extension));
        (copy, strange, media.kind)
    }

    fn claim(&self, wave: Wave, place: usize) -> Option<Found> {
        let media = &self.shelf.media[place];
        let (plain, digits) = media.plain();
        let mut readings = media.readings();
        match wave {
            Wave::Exact => self.look(plain, digits, true, plain),
            Wave::Cut => self.look_cut(plain, digits, true, plain),
            Wave::InPlace => readings
                .nth(1)
                .and_then(|(name, _)| self.look_in_place(name, true)),
            Wave::Folded => self
                .look(plain, digits, false, plain)
                .or_else(|| self.look_cut(plain, digits, false, plain))
                .or_else(|| {
                    readings
                        .nth(1)
                        .and_then(|(name, _)| self.look_in_place(name, false))
                }),
            Wave::Bare => readings.find_map(|(name, digits)| {
                let (stem, extension) = name::split(name);
                let bare = !extension.is_empty();
                bare.then(|| {
                    self.look(stem, digits, false, name)
                        .or_else(|| self.look_cut(stem, digits, false, name))
                })
                .flatten()
            }),
            Wave::Lax => readings.find_map(|(name, digits)| self.look_lax(name, digits)),
            Wave::Title => {
                readings.find_map(|(name, digits)| self.look_titles(name, !digits.is_empty()))
            }
            Wave::Resembling => {
                let free = |card: usize| self.free(card);
                self.book
                    .find(&media.name, "", true, free, |title| {
                        title::resembles(title, &media.name)
                    })
                    .or_else(|| {
                        self.book.find(plain, digits, true, free, |title| {
                            title::resembles(title, plain)
                        })
                    })
            }
        }
    }

    fn free(&self, card: usize) -> bool {
        self.owners[card].is_none() && !self.contested[card]
    }

    /// A free sidecar written for `base`, whose title leads to `name`.
    fn look(&self, base: &str, digits: &str, exact: bool, name: &str) -> Option<Found> {
        self.book.find(
            base,
            digits,
            exact,
            |card| self.free(card),
            |title| agrees(title, name, Bond::Own),
        )
    }

    fn look_cut(&self, base: &str, digits: &str, exact: bool, name: &str) -> Option<Found> {
        if counter_cut(name, digits) {
            return None;
        }
        cuts(base)
            .iter()
            .find_map(|base| self.look(base, digits, exact, name))
    }

    fn look_in_place(&self, name: &str, exact: bool) -> Option<Found> {
        self.look(name, "", exact, name)
            .or_else(|| self.look_cut(name, "", exact, name))
    }

    fn look_lax(&self, name: &str, digits: &str) -> Option<Found> {
        if let Some(found) = starts(name).find_map(|start| self.look(start, digits, false, name)) {
            return Some(found);
        }
        if !name::at_limit(name) {
            return None;
        }
        let free = |card: usize| self.free(card);
        let found = self.book.find_forward(name, Some(digits), free, |title| {
            agrees(title, name, Bond::Own)
        });
        (found.len() == 1).then(|| found[0])
    }

    fn look_titles(&self, plain: &str, counted: bool) -> Option<Found> {
        if name::units(plain) < name::SIDECAR_UNITS {
            return None;
        }
        // A numbered file and a plain sidecar are the case of an edited copy that lost its suffix.
        let free = |card: usize| self.free(card) && (self.book.counted(card) || !counted);
        let found = self
            .book
            .find_forward(plain, None, free, |title| agrees(title, plain, Bond::Own));
        (found.len() == 1).then(|| found[0])
    }

    /// Makes every head a root, and lets files whose head found its sidecar late have it too.
    fn tidy(&mut self) {
        for place in 0..self.answers.len() {
            let mut head = self.answers[place].head;
            // Each step goes to a shorter name or from a video to a still, so this ends after a few.
            for _ in 0..8 {
                match head.and_then(|head| self.answers[head].head) {
                    Some(next) if next != place => head = Some(next),
                    _ => break,
                }
            }
            self.answers[place].head = head;
            if let Some(head) = head
                && self.answers[place].sidecar.is_none()
            {
                self.answers[place].sidecar = self.answers[head].sidecar;
            }
        }
    }
}

/// Whether a number that is read as a part of the title stands where no title reaches. A title this long would have
/// been cut, so the number is a counter, and no plain sidecar is meant.
fn counter_cut(name: &str, digits: &str) -> bool {
    digits.is_empty() && name::units(name) > name::MEDIA_UNITS + 1 && name::uncount(name).is_some()
}

/// What a sidecar's 46 units leave of a media name: with both roundings, and for both spellings of accents, as the
/// archive has one and the cut may have seen the other. Nothing for names that fit.
fn cuts(name: &str) -> Vec<String> {
    let mut cuts = Vec::new();
    for spelled in [name::nfc(name), name::nfd(name)] {
        if spelled.len() <= name::SIDECAR_UNITS {
            continue;
        }
        let (down, up) = name::cut(&spelled, name::SIDECAR_UNITS);
        for cut in [down, up].map(name::nfc) {
            if cut.len() < name.len() && !cuts.iter().any(|known: &String| *known == cut) {
                cuts.push(cut.into_owned());
            }
        }
    }
    cuts
}

/// Starts of a media name that are longer than 46 units, longest first. Some exports cut late or not at all; 60 units
/// leave them room and keep hostile names cheap.
fn starts(name: &str) -> impl Iterator<Item = &str> {
    let mut used = 0;
    let mut ends: Vec<usize> = Vec::new();
    if name.len() > name::SIDECAR_UNITS + 1 {
        for (at, char) in name.char_indices() {
            if used > 60 {
                break;
            }
            if used > name::SIDECAR_UNITS {
                ends.push(at);
            }
            used += char.len_utf16();
        }
    }
    ends.into_iter().rev().map(|end| &name[..end])
}
