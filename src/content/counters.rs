//! What content did so far. For `status`, and for tests, which count instead of timing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sums since the mount began. Each is right by itself; together they are no snapshot.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes read from archives and plain files, local headers included.
    pub bytes_read_from_archives: AtomicU64,
    /// Bytes that inflating gave.
    pub bytes_inflated: AtomicU64,
    /// Blobs whose length and checksum were compared to the end, with either outcome.
    pub checks: AtomicU64,
    /// Reads answered from a cached file.
    pub cache_hits: AtomicU64,
    /// Times a blob that belongs into the cache was not there.
    pub cache_misses: AtomicU64,
    /// Files removed from the cache to make room.
    pub evictions: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
