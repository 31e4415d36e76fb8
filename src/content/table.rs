//! What is known of every blob, in eight bytes each: a library may have a million.
//!
//! A slot says in which *version* of its file the blob was seen, where its data begins there, and whether they passed
//! their check there. A version is a number that [`super::origin`] gives to one state of a file; a slot of another
//! version than the bytes just read is worth nothing, so a changed archive forgets itself without a sweep.
//!
//! Slots are independent and each is one atomic word, so there is no lock and no order to keep. Two threads that find
//! out the same write the same.

use std::sync::atomic::{AtomicU64, Ordering};

const CHECKED: u64 = 1 << 63;
/// Bits for the offset of the data: archives up to 128 TiB are remembered, greater ones read their header each time.
const START_BITS: u32 = 47;
const START_MASK: u64 = (1 << START_BITS) - 1;

/// One state of a file. For an archive a small number counted up from 1; for a plain file, whose data begin at 0, a
/// hash of its stamp. Never 0, which means that nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Archive(u16),
    File(u64),
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) start: u64,
    pub(super) checked: bool,
}

pub(super) struct Table(Vec<AtomicU64>);

impl Table {
    pub(super) fn new(blobs: usize) -> Table {
        let mut slots = Vec::new();
        slots.resize_with(blobs, AtomicU64::default);
        Table(slots)
    }

    /// What is known of a blob; `plain` tells the two kinds apart, which the slot has no bit for.
    pub(super) fn get(&self, index: u32, plain: bool) -> Option<Known> {
        let slot = self.0.get(index as usize)?.load(Ordering::Acquire);
        let checked = slot & CHECKED != 0;
        let rest = slot & !CHECKED;
        let version = if plain {
            Version::File(rest)
        } else {
            Version::Archive((rest >> START_BITS) as u16)
        };
        let start = if plain { 0 } else { rest & START_MASK };
        (version != Version::Archive(0) && version != Version::File(0)).then_some(Known {
            version,
            start,
            checked,
        })
    }

    /// Takes over what another table says.
    pub(super) fn take(&self, index: u32, from: &Table, of: u32) {
        if let (Some(to), Some(from)) = (self.0.get(index as usize), from.0.get(of as usize)) {
            to.store(from.load(Ordering::Acquire), Ordering::Release);
        }
    }

    /// Remembers. An index beyond the table is not remembered and costs speed, never rightness.
    pub(super) fn set(&self, index: u32, known: Known) {
        let Some(slot) = self.0.get(index as usize) else {
            return;
        };
        let rest = match known.version {
            Version::File(hash) => hash & !CHECKED,
            Version::Archive(_) if known.start > START_MASK => return,
            Version::Archive(number) => u64::from(number) << START_BITS | known.start,
        };
        slot.store(
            rest | if known.checked { CHECKED } else { 0 },
            Ordering::Release,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_back_what_was_put() {
        let table = Table::new(2);
        assert_eq!(table.get(0, false), None);
        let zip = Known {
            version: Version::Archive(u16::MAX),
            start: START_MASK,
            checked: true,
        };
        table.set(0, zip);
        assert_eq!(table.get(0, false), Some(zip));
        let file = Known {
            version: Version::File(CHECKED - 1),
            start: 0,
            checked: false,
        };
        table.set(1, file);
        assert_eq!(table.get(1, true), Some(file));
        table.set(
            0,
            Known {
                start: START_MASK + 1,
                ..zip
            },
        );
        assert_eq!(table.get(0, false), Some(zip));
        table.set(7, zip);
        assert_eq!(table.get(7, false), None);
    }
}
