//! All copies of one content in one export, seen together: which of them speaks for it.

use crate::model::{Batch, BlobKey, Medium, Role, Stated};
use crate::tree::image::Hidden;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashMap;

use super::DateSource;

/// All copies of one content in one export, seen together.
pub(super) struct Candidate<'a> {
    pub(super) key: BlobKey,
    pub(super) copies: Vec<(u32, &'a Medium)>,
}

impl<'a> Candidate<'a> {
    /// The copies with a sidecar, the one uploaded first before the others.
    pub(super) fn told(&self) -> Vec<&'a Medium> {
        let copies = self.copies.iter().map(|(_, medium)| *medium);
        let mut told: Vec<&Medium> = copies.filter(|medium| medium.sidecar.is_some()).collect();
        told.sort_by_cached_key(|medium| {
            medium.sidecar.as_ref().map(|(_, facts)| {
                let uploaded = facts.uploaded.unwrap_or(i64::MAX);
                let taken = facts.taken.unwrap_or(i64::MAX);
                (uploaded, taken, facts.title.clone())
            })
        });
        told
    }

    /// The uploads that these copies stand for. An upload is known only by a copy outside albums: the copies in them may
    /// differ by seconds.
    pub(super) fn uploads(&self) -> Uploads {
        let mut uploads = Uploads::default();
        for (_, medium) in self.copies.iter().filter(|(_, medium)| !medium.in_album) {
            let facts = medium.sidecar.as_ref().filter(|_| !medium.borrowed);
            match facts.and_then(|(_, facts)| facts.uploaded) {
                Some(second) => uploads.add(second),
                None => uploads.unknown = true,
            }
        }
        uploads
    }

    /// The copy that lends its file name: outside albums where there is one.
    pub(super) fn nearest(&self) -> Option<&'a Medium> {
        let copies = self.copies.iter().map(|(_, medium)| *medium);
        copies.min_by_key(|medium| medium.in_album)
    }

    /// The copy that is read: one that is there, where there is one.
    pub(super) fn readable(&self) -> Option<&'a Medium> {
        let copies = self.copies.iter().map(|(_, medium)| *medium);
        copies.min_by_key(|medium| (medium.absent, medium.in_album))
    }

    pub(super) fn role(&self) -> Role {
        self.copies
            .iter()
            .map(|(_, medium)| medium.role)
            .min()
            .unwrap_or(Role::Original)
    }

    pub(super) fn hidden(&self) -> Hidden {
        let mut trashed = true;
        let mut locked = true;
        for (_, medium) in &self.copies {
            let (is_trashed, is_locked) = medium
                .sidecar
                .as_ref()
                .map_or((false, false), |(_, s)| (s.trashed, s.locked));
            if !is_trashed && !is_locked {
                return Hidden::No;
            }
            trashed &= is_trashed;
            locked &= is_locked;
        }
        // What is locked in one copy and trashed in another counts as locked, the stricter of the two.
        if trashed && !locked {
            Hidden::Trash
        } else {
            Hidden::Locked
        }
    }

    /// The best date there is, and where it comes from. `in_use` is the copy whose sidecar speaks, `zone` that of clocks
    /// that do not tell theirs.
    pub(super) fn date(
        &self,
        in_use: Option<&'a Medium>,
        zone: &TimeZone,
    ) -> (Option<i64>, DateSource) {
        let leading = in_use.and_then(|medium| medium.sidecar.as_ref());
        if let Some(taken) = leading.and_then(|(_, sidecar)| sidecar.taken) {
            return (Some(taken), DateSource::Sidecar);
        }
        // The sidecar in use may lack what that of another copy has.
        let of_copies = self.copies.iter().filter_map(|(_, medium)| {
            let (_, sidecar) = medium.sidecar.as_ref()?;
            Some((sidecar.uploaded.unwrap_or(i64::MAX), sidecar.taken?))
        });
        if let Some((_, taken)) = of_copies.min() {
            return (Some(taken), DateSource::Sidecar);
        }
        let told = |medium: &'a Medium| medium.told.as_deref();
        let mut media = self.copies.iter().map(|(_, medium)| *medium);
        if let Some(written) = media.find_map(|medium| told(medium)?.written)
            && let Some(date) = instant(written, zone)
        {
            return (Some(date), DateSource::Written);
        }
        // The name at upload speaks first, then that outside albums.
        let mut media: Vec<&Medium> = in_use.into_iter().chain(self.nearest()).collect();
        media.extend(self.copies.iter().map(|(_, medium)| *medium));
        if let Some(named) = media.into_iter().find_map(|medium| told(medium)?.named)
            && let Some(date) = instant(named, zone)
        {
            return (Some(date), DateSource::Named);
        }
        if let Some(year) = self.copies.iter().find_map(|(_, medium)| medium.year) {
            return (noon_of_new_year(year), DateSource::YearFolder);
        }
        match leading.and_then(|(_, sidecar)| sidecar.uploaded) {
            Some(uploaded) => (Some(uploaded), DateSource::Upload),
            None => (None, DateSource::None),
        }
    }
}

/// Uploads, by their seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uploads {
    /// Without repeats, in the order in which they became known.
    seconds: Vec<i64>,
    /// There are copies that do not tell when they were uploaded.
    unknown: bool,
}

impl Uploads {
    fn add(&mut self, second: i64) {
        if !self.seconds.contains(&second) {
            self.seconds.push(second);
        }
    }

    pub(super) fn join(&mut self, other: &Uploads) {
        for second in &other.seconds {
            self.add(*second);
        }
        self.unknown |= other.unknown;
    }

    /// The one upload that there is; `None` where there are more, or none is known for sure.
    pub(super) fn only(&self) -> Option<i64> {
        match self.seconds.as_slice() {
            [second] if !self.unknown => Some(*second),
            _ => None,
        }
    }
}

/// When a clock showed a time. What it showed twice, when it was put back, was the first time; what it left out, when
/// it was put forward, comes after the gap.
fn instant(stated: Stated, zone: &TimeZone) -> Option<i64> {
    if let Some(ahead) = stated.ahead {
        return stated.clock.checked_sub(i64::from(ahead));
    }
    let clock = Timestamp::from_second(stated.clock).ok()?;
    let shown = clock.to_zoned_datetime(TimeZone::UTC).datetime();
    let zoned = shown.to_zoned_datetime(zone.clone()).ok()?;
    Some(zoned.timestamp().as_second())
}

/// A bare year means 1 January, 12:00 UTC.
fn noon_of_new_year(year: i16) -> Option<i64> {
    let noon = jiff::civil::date(year, 1, 1).at(12, 0, 0, 0);
    noon.to_zoned_datetime(TimeZone::UTC)
        .ok()
        .map(|noon| noon.timestamp().as_second())
}

/// The contents of an export, each with its copies, in the order of their paths.
pub(super) fn candidates<'a>(batch: &'a Batch, keys: &[BlobKey]) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'_>> = Vec::new();
    let mut by_key: HashMap<BlobKey, usize> = HashMap::new();
    for (index, (medium, key)) in batch.media.iter().zip(keys).enumerate() {
        let at = *by_key.entry(*key).or_insert_with(|| {
            found.push(Candidate {
                key: *key,
                copies: Vec::new(),
            });
            found.len() - 1
        });
        found[at].copies.push((index as u32, medium));
    }
    found
}
