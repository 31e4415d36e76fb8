//! Sidecars for files that own none: edited copies share that of their original, videos of live and motion photos that
//! of their still.
//!
//! What lies in the folder is asked before what its sidecars say, so that a borrower and its head never disagree.

use super::super::name::{self, Edit, Kind};
use super::book::Found;
use super::shelf::Stems;
use super::title::{self, Bond, agrees};
use super::{Answer, Desk, counter_cut, cuts, starts};
use crate::model::Role;

/// Extensions of stills, in the order in which a video without a sidecar prefers them.
const STILLS: [&str; 8] = [
    ".heic", ".heif", ".jpg", ".jpeg", ".png", ".dng", ".webp", ".avif",
];
/// Extensions that an edited video's original can have.
const MOVIES: [&str; 5] = [".mp4", ".mov", ".m4v", ".3gp", ".avi"];

impl Desk<'_, '_> {
    /// Lets what has no sidecar of its own borrow one. Pictures go first, so that the video of an edited live photo
    /// finds its still in place.
    pub(super) fn borrow(&mut self, stems: &Stems<'_>) {
        let open: Vec<usize> = (0..self.answers.len())
            .filter(|place| !self.answers[*place].settled)
            .collect();
        let moving =
            |place: usize| matches!(self.shelf.media[place].kind, Kind::Video | Kind::Clip);
        let (videos, pictures): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|place| moving(**place));
        self.each(&pictures, |desk, place| desk.edited(stems, place));
        self.each(&videos, |desk, place| desk.edited_video(stems, place));
        self.each(&videos, |desk, place| desk.clip(stems, place));
        self.each(&pictures, |desk, place| {
            let bare = name::split(&desk.shelf.media[place].name).1.is_empty();
            bare.then(|| desk.clip(stems, place)).flatten()
        });
        self.each(&videos, |desk, place| desk.edited(stems, place));
        self.each(&open, |desk, place| desk.suffix_lost(stems, place));
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

    /// The answer of an edited copy; copies of a live photo's video are its videos too.
    fn copy_of(&self, original: usize) -> Answer {
        let clip = self.answers[original].role == Role::Clip;
        self.beside(original, if clip { Role::Clip } else { Role::Edited })
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

    fn edited(&self, stems: &Stems<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        for (name, digits) in media.readings() {
            let (originals, _) = title::originals(name);
            for (original, inner) in &originals {
                let digits = if inner.is_empty() { digits } else { inner };
                let number = |digits: &str| {
                    self.edit_of(stems, media.kind, original, digits)
                        .or_else(|| self.edit_of_lost(original, digits, place))
                };
                // Edits are numbered among themselves, so a number may be theirs alone.
                let alone = !digits.is_empty() && inner.is_empty();
                let found = number(digits).or_else(|| alone.then(|| number("")).flatten());
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// An edited copy of a video that is a photo of its own, whatever pictures share its stem.
    fn edited_video(&self, stems: &Stems<'_>, place: usize) -> Option<Answer> {
        let certain = |card: usize| !self.contested[card];
        self.shelf.media[place]
            .readings()
            .find_map(|(name, digits)| {
                title::originals(name)
                    .0
                    .iter()
                    .find_map(|(original, inner)| {
                        let digits = if inner.is_empty() { digits } else { inner };
                        let head = stems.named(&name::recount(original, digits));
                        if let Some(head) =
                            head.filter(|head| self.answers[*head].sidecar.is_some())
                        {
                            return Some(self.copy_of(head));
                        }
                        let passes = |title: &str| agrees(title, original, Bond::Edited);
                        let found = self.book.find(original, digits, false, certain, passes)?;
                        Some(self.sharing(found, Role::Edited, place))
                    })
            })
    }

    /// An edited copy whose original is in the folder.
    fn edit_of(
        &self,
        stems: &Stems<'_>,
        kind: Kind,
        original: &str,
        digits: &str,
    ) -> Option<Answer> {
        let name = name::recount(original, digits);
        if let Some(head) = stems.named(&name) {
            return Some(self.copy_of(head));
        }
        // Edits of HEIC come as JPEG, so the extension may differ.
        let stem = name::split(&name).0;
        let same = |other: &usize| self.shelf.media[*other].kind == kind;
        if let Some(head) = self.best(stems.of_stem(stem).iter().copied().filter(same)) {
            return Some(self.copy_of(head));
        }
        if kind == Kind::Video
            && let Some(head) = self.still(stems, stem, |_| true)
        {
            return Some(self.beside(head, Role::Clip));
        }
        None
    }

    /// An edited copy whose original is not in the folder, but whose sidecar is.
    fn edit_of_lost(&self, original: &str, digits: &str, place: usize) -> Option<Answer> {
        let certain = |card: usize| !self.contested[card];
        let look = |base: &str| {
            self.book.find(base, digits, false, certain, |title| {
                agrees(title, original, Bond::Edited)
            })
        };
        let (stem, extension) = name::split(original);
        let others: &[&str] = match name::kind(original) {
            Kind::Image => &STILLS,
            Kind::Video => &MOVIES,
            Kind::Clip | Kind::Unknown => &[],
        };
        let bare = (!extension.is_empty()).then(|| stem.to_owned());
        let others = others.iter().map(|extension| format!("{stem}{extension}"));
        for base in std::iter::once(original.to_owned())
            .chain(bare)
            .chain(others)
        {
            let found = look(&base).or_else(|| cuts(&base).iter().find_map(|base| look(base)));
            if let Some(found) = found {
                return Some(self.sharing(found, Role::Edited, place));
            }
        }
        if let Some(found) = starts(original).find_map(look) {
            return Some(self.sharing(found, Role::Edited, place));
        }
        if name::kind(original) != Kind::Video {
            return None;
        }
        let found = self.still_sidecar(original, digits)?;
        Some(self.sharing(found, Role::Clip, place))
    }

    /// The video of a live or motion photo, beside its still or at least its still's sidecar.
    fn clip(&self, stems: &Stems<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        for (name, digits) in media.readings() {
            let (stem, extension) = name::split(name);
            let mut heads = Vec::new();
            if media.kind != Kind::Video {
                heads.push(numbered(name, digits));
            }
            if !extension.is_empty() {
                heads.push(numbered(stem, digits));
            }
            let still = heads
                .iter()
                .find_map(|stem| self.still(stems, stem, |_| true));
            if let Some(still) = still.filter(|still| *still != place) {
                return Some(self.beside(still, Role::Clip));
            }
        }
        let cut = self
            .cut_still(stems, place)
            .map(|still| self.beside(still, Role::Clip));
        cut.or_else(|| {
            let mut readings = media.readings();
            let found = readings.find_map(|(name, digits)| self.still_sidecar(name, digits))?;
            Some(self.sharing(found, Role::Clip, place))
        })
    }

    /// The likeliest picture of a stem.
    fn still(&self, stems: &Stems<'_>, stem: &str, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let places = stems.of_stem(stem).iter().copied();
        self.best(
            places.filter(|place| self.shelf.media[*place].kind == Kind::Image && fits(*place)),
        )
    }

    /// The still of a video at the limit, whose stem the cut made shorter by as much as its extension is longer.
    fn cut_still(&self, stems: &Stems<'_>, place: usize) -> Option<usize> {
        let (name, digits) = self.shelf.media[place].plain();
        let (stem, extension) = name::split(name);
        if extension.is_empty() || !name::at_limit(name) {
            return None;
        }
        let fits = |still: usize| {
            let title = self.answers[still]
                .sidecar
                .and_then(|found| self.book.title(found));
            name::at_limit(self.shelf.media[still].plain().0)
                && title.is_none_or(|title| agrees(title, name, Bond::Clip))
        };
        [".jpg", ".jpeg"].iter().find_map(|extension| {
            let (down, up) = name::cut(stem, name::MEDIA_UNITS - extension.len());
            [down, up]
                .iter()
                .find_map(|stem| self.still(stems, &numbered(stem, digits), fits))
        })
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
                let cuts = if counter_cut(name, digits) {
                    Vec::new()
                } else {
                    cuts(&still)
                };
                if let Some(found) =
                    look(&still).or_else(|| cuts.iter().find_map(|still| look(still)))
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
    fn suffix_lost(&self, stems: &Stems<'_>, place: usize) -> Option<Answer> {
        let media = &self.shelf.media[place];
        let (plain, digits) = media.plain();
        if digits.is_empty() || !name::at_limit(plain) {
            return None;
        }
        let original = stems
            .named(plain)
            .filter(|original| self.answers[*original].sidecar.is_some());
        if let Some(original) = original {
            return Some(self.copy_of(original));
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
}

/// A stem with its counter.
fn numbered(stem: &str, digits: &str) -> String {
    if digits.is_empty() {
        stem.to_owned()
    } else {
        format!("{stem}({digits})")
    }
}
