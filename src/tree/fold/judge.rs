//! Whether an export holds the whole library, and what is gone from Google.
//!
//! A scheduled export after the first holds only what is new, and nothing in it says so. What an export lacks is gone
//! from Google only if that export is full; and being gone takes nothing out of sight.

use super::candidate::Candidate;
use super::lines::Arrived;
use super::{Fold, Gone, PhotoId};
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
        let export = self.found.judged.len() as u32;
        if full {
            let lacking = Gone {
                export,
                held: false,
            };
            let photos = self.photos.iter_mut().enumerate();
            for (_, photo) in photos.filter(|(number, _)| !arrived.present.contains(number)) {
                photo.gone.get_or_insert(lacking);
            }
        }
        for candidate in candidates {
            let Some(photo) = self.photo_of(&candidate.key) else {
                continue;
            };
            let gone = &mut self.photos[photo].gone;
            if candidate.hidden() == Hidden::No {
                *gone = None;
            } else {
                gone.get_or_insert(Gone { export, held: true });
            }
        }
        self.years.extend(years(batch));
        self.found.judged.push(Judged {
            account: self.account.clone(),
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
            .filter(|photo| self.photos[*photo].gone.is_none())
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
