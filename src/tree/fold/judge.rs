//! Whether an export holds the whole library, and what is gone from Google.
//!
//! A scheduled export after the first holds only what is new, and nothing in it says so. What an export lacks is gone
//! from Google only if that export is full; and being gone takes nothing out of sight.

use super::candidate::Candidate;
use super::lines::Arrived;
use super::{Fold, PhotoId};
use crate::model::Batch;
use crate::tree::image::{Hidden, Judged};
use std::collections::BTreeSet;

/// A full export holds at least so many of ten photos that were there before.
const OF_TEN: usize = 9;

impl Fold<'_> {
    /// Judges the export of this step, and marks what is gone. `known` photos were there before it.
    pub(super) fn judge(
        &mut self,
        batch: &Batch,
        candidates: &[Candidate<'_>],
        arrived: &Arrived,
        known: usize,
    ) {
        let full = self.is_full(batch, arrived, known);
        if full {
            for (number, photo) in self.photos.iter_mut().enumerate() {
                photo.gone |= !arrived.present.contains(&number);
            }
        }
        for candidate in candidates {
            if let Some(photo) = self.photo_of(&candidate.key) {
                self.photos[photo].gone = candidate.hidden() != Hidden::No;
            }
        }
        self.years.extend(years(batch));
        self.found.judged.push(Judged {
            stamp: batch.stamp.clone(),
            full,
            contents: candidates.len() as u64,
            new: arrived.new.len() as u64,
        });
    }

    fn is_full(&self, batch: &Batch, arrived: &Arrived, known: usize) -> bool {
        if self.decided.full.contains(&batch.stamp) {
            return true;
        }
        if self.decided.partial.contains(&batch.stamp) || !batch.whole {
            return false;
        }
        let here: Vec<PhotoId> = (0..known)
            .filter(|photo| !self.photos[*photo].gone)
            .collect();
        let held = here
            .iter()
            .filter(|photo| arrived.present.contains(photo))
            .count();
        self.years.is_subset(&years(batch)) && held * 10 >= here.len() * OF_TEN
    }
}

fn years(batch: &Batch) -> BTreeSet<i16> {
    batch
        .media
        .iter()
        .filter_map(|medium| medium.year)
        .collect()
}
