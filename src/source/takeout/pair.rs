//! Which sidecar belongs to which media file, within one folder of all parts merged.
//!
//! Promises: pure and deterministic; about `n log n` for any input; a title that is known is never contradicted, but
//! for a sidecar that bears the whole media name ([`title::resembles`]); a sidecar is the own one of at most one media
//! name; where names and titles leave a tie nobody gets the sidecar. A missing sidecar is reported and can be looked
//! for in other folders; a wrong one would put a photo into the wrong year without a word.
//!
//! Why in waves: one media name can be read in several ways, and so can one sidecar name. Going from the most to the
//! least exact reading over all files together keeps a loose reading of one file from taking what is exactly another's.
//! What is left then borrows: edited copies from their originals, videos of live and motion photos from their stills.

mod book;
mod shelf;
#[cfg(test)]
mod tests;
mod title;

pub use title::title_agrees;

use self::book::{Book, Found};
use self::shelf::{Index, Shelf};
use self::title::{Bond, agrees};
use super::name::{self, Edit, Kind};
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

/// Extensions of stills, in the order in which a video without a sidecar prefers them.
const STILLS: [&str; 8] = [
    ".heic", ".heif", ".jpg", ".jpeg", ".png", ".dng", ".webp", ".avif",
];
/// Extensions that an edited video's original can have.
const MOVIES: [&str; 5] = [".mp4", ".mov", ".m4v", ".3gp", ".avi"];

/// Pairs the media files of one folder with its sidecars; one answer per media file, in order.
pub fn pair(media: &[&str], sidecars: &[SidecarName<'_>]) -> Vec<Pairing> {
    let book = Book::new(sidecars);
    let shelf = Shelf::new(media);
    let mut desk = Desk::new(&shelf, &book);
    desk.own();
    if desk.answers.iter().any(|answer| !answer.settled) {
        desk.borrow(&shelf.index());
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
            claims
                .sort_unstable_by_key(|(found, place)| (found.card, self.weakness(*place), *place));
            for rivals in claims.chunk_by(|one, other| one.0.card == other.0.card) {
                let (found, place) = rivals[0];
                if rivals
                    .get(1)
                    .is_some_and(|(_, other)| self.weakness(*other) == self.weakness(place))
                {
                    self.contested[found.card] = true;
                    continue;
                }
                self.owners[found.card] = Some(place);
                self.answers[place].sidecar = Some(found);
                self.answers[place].settled = true;
            }
            open.retain(|place| !self.answers[*place].settled);
            if open.is_empty() {
                break;
            }
        }
    }

    /// How unlikely it is, among equal claims, that this file is the one that was uploaded.
    fn weakness(&self, place: usize) -> (bool, Kind) {
        let media = &self.shelf.media[place];
        let (originals, _) = title::originals(media.plain().0);
        (!originals.is_empty(), media.kind)
    }

    fn claim(&self, wave: Wave, place: usize) -> Option<Found> {
        let media = &self.shelf.media[place];
        let (plain, digits) = media.plain();
        let mut readings = media.readings();
        match wave {
            Wave::Exact => self.look(plain, digits, true, plain),
            Wave::Cut => self.look_cut(plain, digits, true, plain),
            Wave::InPlace => readings.nth(1).and_then(|(name, _)| {
                self.look(name, "", true, name)
                    .or_else(|| self.look_cut(name, "", true, name))
            }),
            Wave::Folded => readings.find_map(|(name, digits)| {
                self.look(name, digits, false, name)
                    .or_else(|| self.look_cut(name, digits, false, name))
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
            Wave::Title => self.look_titles(plain, media.counted()),
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
        cuts(base)
            .iter()
            .find_map(|base| self.look(base, digits, exact, name))
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

    /// Lets what has no sidecar of its own borrow one. Pictures go first, so that the video of an edited live photo
    /// finds its still in place.
    fn borrow(&mut self, index: &Index<'_>) {
        let open: Vec<usize> = (0..self.answers.len())
            .filter(|place| !self.answers[*place].settled)
            .collect();
        let moving =
            |place: usize| matches!(self.shelf.media[place].kind, Kind::Video | Kind::Clip);
        let (videos, pictures): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|place| moving(**place));
        self.each(&pictures, |desk, place| desk.edited(index, place));
        self.each(&videos, |desk, place| desk.clip(index, place));
        self.each(&pictures, |desk, place| {
            let bare = name::split(&desk.shelf.media[place].name).1.is_empty();
            bare.then(|| desk.clip(index, place)).flatten()
        });
        self.each(&videos, |desk, place| desk.edited(index, place));
        self.each(&open, |desk, place| desk.suffix_lost(index, place));
        self.each(&open, |desk, place| desk.edited_alone(place));
    }

    fn each(&mut self, places: &[usize], answer: impl Fn(&Self, usize) -> Option<Answer>) {
        for place in places {
            if !self.answers[*place].settled
                && let Some(answer) = answer(self, *place)
            {
                self.answers[*place] = answer;
            }
        }
    }

    /// The answer of a file that belongs to the one at `head`.
    fn beside(&self, head: usize, role: Role) -> Answer {
        let head = self.answers[head].head.unwrap_or(head);
        Answer {
            settled: true,
            sidecar: self.answers[head].sidecar,
            role,
            head: Some(head),
        }
    }

    /// The answer of a file that borrows the sidecar `found`.
    fn sharing(&self, found: Found, role: Role, place: usize) -> Answer {
        let head = self.owners[found.card].filter(|owner| *owner != place);
        Answer {
            settled: true,
            sidecar: Some(found),
            role,
            head,
        }
    }

    fn edited(&self, index: &Index<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        for (name, digits) in media.readings() {
            let (originals, _) = title::originals(name);
            for (original, inner) in &originals {
                let digits = if inner.is_empty() { digits } else { inner };
                let found = self
                    .edit_of(index, media.kind, original, digits)
                    .or_else(|| self.edit_of_lost(original, digits, place))
                    // Edits are numbered among themselves, so the number may be theirs alone.
                    .or_else(|| {
                        let own = !digits.is_empty() && inner.is_empty();
                        own.then(|| self.edit_of(index, media.kind, original, ""))
                            .flatten()
                    })
                    .or_else(|| {
                        let own = !digits.is_empty() && inner.is_empty();
                        own.then(|| self.edit_of_lost(original, "", place))
                            .flatten()
                    });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// An edited copy whose original is in the folder. The video of a live photo has edited copies as well, which are
    /// its videos too.
    fn edit_of(
        &self,
        index: &Index<'_>,
        kind: Kind,
        original: &str,
        digits: &str,
    ) -> Option<Answer> {
        let name = name::recount(original, digits);
        if let Some(head) = index.named(self.shelf, &name) {
            let role = if self.answers[head].role == Role::Clip {
                Role::Clip
            } else {
                Role::Edited
            };
            return Some(self.beside(head, role));
        }
        // Edits of HEIC come as JPEG, so the extension may differ.
        let stem = name::split(&name).0;
        let same = |other: &usize| self.shelf.media[*other].kind == kind;
        if let Some(head) = self.best(index.of_stem(stem).iter().copied().filter(same)) {
            let role = if self.answers[head].role == Role::Clip {
                Role::Clip
            } else {
                Role::Edited
            };
            return Some(self.beside(head, role));
        }
        let image = |other: &usize| self.shelf.media[*other].kind == Kind::Image;
        if kind == Kind::Video
            && let Some(head) = self.best(index.of_stem(stem).iter().copied().filter(image))
        {
            return Some(self.beside(head, Role::Clip));
        }
        None
    }

    /// An edited copy whose original is not in the folder, but whose sidecar is.
    fn edit_of_lost(&self, original: &str, digits: &str, place: usize) -> Option<Answer> {
        let certain = |card: usize| !self.contested[card];
        let look = |base: &str, digits: &str, name: &str, bond: Bond| {
            self.book.find(base, digits, false, certain, |title| {
                agrees(title, name, bond)
            })
        };
        let (stem, extension) = name::split(original);
        let (kin, role) = match name::kind(original) {
            Kind::Image => (&STILLS[..], Role::Edited),
            Kind::Video => (&MOVIES[..], Role::Edited),
            _ => (&[][..], Role::Edited),
        };
        let whole = [
            original.to_owned(),
            if extension.is_empty() {
                String::new()
            } else {
                stem.to_owned()
            },
        ];
        let others = kin.iter().map(|extension| format!("{stem}{extension}"));
        for base in whole
            .into_iter()
            .chain(others)
            .filter(|base| !base.is_empty())
        {
            let found = look(&base, digits, original, Bond::Edited)
                .or_else(|| {
                    cuts(&base)
                        .iter()
                        .find_map(|base| look(base, digits, original, Bond::Edited))
                })
                .or_else(|| {
                    starts(&base).find_map(|base| look(base, digits, original, Bond::Edited))
                });
            if let Some(found) = found {
                return Some(self.sharing(found, role, place));
            }
        }
        if name::kind(original) != Kind::Video {
            return None;
        }
        self.still_sidecar(original, digits)
            .map(|found| self.sharing(found, Role::Clip, place))
    }

    /// The video of a live or motion photo, beside its still or at least its still's sidecar.
    fn clip(&self, index: &Index<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        for (name, digits) in media.readings() {
            let (stem, extension) = name::split(name);
            let mut stems = Vec::new();
            if media.kind != Kind::Video {
                stems.push(numbered(name, digits));
            }
            if !extension.is_empty() {
                stems.push(numbered(stem, digits));
                // The still's extension may be longer, and its stem shorter by as much.
                let shorter =
                    [4, 5].map(|extension| name::cut(stem, name::MEDIA_UNITS - extension).0);
                let cut = shorter
                    .iter()
                    .filter(|cut| name::at_limit(name) && cut.len() < stem.len());
                stems.extend(cut.map(|cut| numbered(cut, digits)));
            }
            let image = |other: &usize| self.shelf.media[*other].kind == Kind::Image;
            let still = stems
                .iter()
                .find_map(|stem| self.best(index.of_stem(stem).iter().copied().filter(image)));
            if let Some(still) = still.filter(|still| *still != place) {
                return Some(self.beside(still, Role::Clip));
            }
        }
        let mut readings = media.readings();
        let found = readings.find_map(|(name, digits)| self.still_sidecar(name, digits))?;
        Some(self.sharing(found, Role::Clip, place))
    }

    /// The sidecar of the still to the video `name`.
    fn still_sidecar(&self, name: &str, digits: &str) -> Option<Found> {
        let certain = |card: usize| !self.contested[card];
        let look = |base: &str| {
            self.book.find(base, digits, false, certain, |title| {
                agrees(title, name, Bond::Clip)
            })
        };
        let (stem, _) = name::split(name);
        let whole = (name::kind(name) != Kind::Video).then_some(name);
        let bases = whole.into_iter().chain((stem != name).then_some(stem));
        for base in bases {
            for extension in STILLS {
                let still = format!("{base}{extension}");
                if let Some(found) =
                    look(&still).or_else(|| cuts(&still).iter().find_map(|still| look(still)))
                {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The likeliest head among files of one stem: one with a sidecar, then by extension.
    fn best(&self, places: impl Iterator<Item = usize>) -> Option<usize> {
        places.min_by_key(|place| {
            let name = name::split(&self.shelf.media[*place].name).1;
            let order = STILLS
                .iter()
                .chain(&MOVIES)
                .position(|extension| extension.eq_ignore_ascii_case(name));
            (
                self.answers[*place].sidecar.is_none(),
                order.unwrap_or(usize::MAX),
                *place,
            )
        })
    }

    /// A numbered file at the limit without a numbered sidecar: the cut took the edit suffix away, the rest collided
    /// with the original and was numbered. Below the limit the same names are two photos.
    fn suffix_lost(&self, index: &Index<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        let (plain, digits) = media.plain();
        if digits.is_empty() || !name::at_limit(plain) {
            return None;
        }
        let original = index
            .named(self.shelf, plain)
            .filter(|original| self.answers[*original].sidecar.is_some());
        if let Some(original) = original {
            return Some(self.beside(original, Role::Edited));
        }
        let certain = |card: usize| !self.contested[card];
        let look = |base: &str| {
            self.book.find(base, "", false, certain, |title| {
                agrees(title, plain, Bond::Own)
            })
        };
        let found = look(plain)
            .or_else(|| cuts(plain).iter().find_map(|base| look(base)))
            .or_else(|| starts(plain).find_map(look))?;
        Some(self.sharing(found, Role::Edited, place))
    }

    /// An edited copy with neither original nor sidecar, told by a suffix that only Google Photos writes.
    fn edited_alone(&self, place: usize) -> Option<Answer> {
        let sure = self.shelf.media[place]
            .readings()
            .any(|(name, _)| title::originals(name).1 == Some(Edit::Sure));
        sure.then_some(Answer {
            settled: true,
            sidecar: None,
            role: Role::Edited,
            head: None,
        })
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

/// A stem with its counter.
fn numbered(stem: &str, digits: &str) -> String {
    if digits.is_empty() {
        stem.to_owned()
    } else {
        format!("{stem}({digits})")
    }
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
