//! All copies of one content in one export, seen together: which of them speaks for it.

use crate::model::{Batch, BlobKey, Medium, Role};
use crate::tree::image::Hidden;
use jiff::tz::TimeZone;
use std::collections::HashMap;

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

    pub(super) fn date(&self) -> (Option<i64>, DateSource) {
        let leading = self.leading().and_then(|medium| medium.sidecar.as_ref());
        if let Some(taken) = leading.and_then(|(_, sidecar)| sidecar.taken) {
            return (Some(taken), DateSource::Sidecar);
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
