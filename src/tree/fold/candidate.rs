//! All copies of one content in one export, seen together: which of them speaks for it.

use crate::model::{Batch, BlobKey, Medium, Role, Stated};
use crate::tree::image::Hidden;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::Arc;

use super::DateSource;

/// All copies of one content in one export, seen together.
pub(super) struct Candidate<'a> {
    pub(super) key: BlobKey,
    pub(super) copies: Vec<(u32, &'a Medium)>,
}

impl<'a> Candidate<'a> {
    /// The copy whose sidecar is in use: the one uploaded first.
    pub(super) fn leading(&self) -> Option<&'a Medium> {
        let facts = self
            .copies
            .iter()
            .filter_map(|(_, medium)| Some((medium.sidecar.as_ref()?, *medium)));
        facts
            .min_by_key(|((_, sidecar), _)| {
                let uploaded = sidecar.uploaded.unwrap_or(i64::MAX);
                (
                    uploaded,
                    sidecar.taken.unwrap_or(i64::MAX),
                    sidecar.title.clone(),
                )
            })
            .map(|(_, medium)| medium)
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

    /// The best date there is, and where it comes from. `zone` is that of clocks that do not tell theirs.
    pub(super) fn date(&self, zone: &TimeZone) -> (Option<i64>, DateSource) {
        let leading = self.leading().and_then(|medium| medium.sidecar.as_ref());
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
        let mut media: Vec<&Medium> = self.leading().into_iter().chain(self.nearest()).collect();
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

    /// The zone at the place that the sidecar in use tells.
    pub(super) fn zone(&self) -> Option<Arc<str>> {
        self.leading()?.zone.clone()
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
