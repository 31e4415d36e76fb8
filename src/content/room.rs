//! Room in the cache: who holds how many bytes of it.
//!
//! Promise: the sum of all [`Room`]s never exceeds what it was when the last one was granted, and one is granted only
//! below the cap. A room is shared by all that keep its bytes on disk, the name in the folder as well as each open
//! file, and is given back by the last of them. So a file that was removed while somebody reads it still counts.
//!
//! Whoever shares a room drops its file before it; structs therefore name the file first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The sum of all rooms, and how much of it is promised but not yet written.
#[derive(Default)]
pub(super) struct Budget {
    used: AtomicU64,
    unwritten: AtomicU64,
}

impl Budget {
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::SeqCst)
    }

    /// Bytes that will be taken from the disk soon.
    pub(super) fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::SeqCst)
    }

    /// Grants room unless that exceeds `max_bytes`.
    pub(super) fn take(self: &Arc<Budget>, bytes: u64, max_bytes: u64) -> Option<Room> {
        let grow = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= max_bytes);
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, grow)
            .ok()?;
        Some(Room {
            bytes,
            budget: Arc::clone(self),
        })
    }

    /// Counts bytes that are there already, whether they fit or not.
    pub(super) fn found(self: &Arc<Budget>, bytes: u64) -> Room {
        self.used.fetch_add(bytes, Ordering::SeqCst);
        Room {
            bytes,
            budget: Arc::clone(self),
        }
    }
}

/// A share of the cache, given back on drop.
pub(super) struct Room {
    bytes: u64,
    budget: Arc<Budget>,
}

impl Room {
    /// Marks it as not yet written, until the mark is dropped.
    pub(super) fn unwritten(&self) -> Unwritten {
        self.budget
            .unwritten
            .fetch_add(self.bytes, Ordering::SeqCst);
        Unwritten {
            bytes: self.bytes,
            budget: Arc::clone(&self.budget),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

/// Bytes that are promised and not yet written.
pub(super) struct Unwritten {
    bytes: u64,
    budget: Arc<Budget>,
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        self.budget
            .unwritten
            .fetch_sub(self.bytes, Ordering::SeqCst);
    }
}
