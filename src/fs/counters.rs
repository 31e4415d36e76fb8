//! How often the kernel asked, by kind of request. Plain sums since the mount, for `status` and for tests that count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::content;

/// Requests answered since the mount. Bumped by many threads, hence atomics; nothing is ordered by them.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) lookup: AtomicU64,
    pub(super) getattr: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) read: AtomicU64,
    pub(super) readdirplus: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) swaps: AtomicU64,
    pub(super) notices: AtomicU64,
    pub(super) dirs_told: AtomicU64,
    /// What content counts of its own.
    pub(super) content: OnceLock<Arc<content::Counters>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Names asked for.
    pub lookup: u64,
    /// Attributes asked for.
    pub getattr: u64,
    /// Files opened, as far as the kernel says so: at most one where it need not (see [`super::Opens`]).
    pub open: u64,
    /// Reads that reached the server; those answered by the page cache do not.
    pub read: u64,
    /// Pages of directory listings.
    pub readdirplus: u64,
    /// Bytes of files handed to the kernel.
    pub bytes: u64,
    /// Trees that took the place of the one before.
    #[serde(default)]
    pub swaps: u64,
    /// Notices to the kernel of what does not hold any more.
    #[serde(default)]
    pub notices: u64,
    /// Directories among what those were about, once for each tree.
    #[serde(default)]
    pub dirs_told: u64,
    /// Bytes that inflating gave, those on the way to what was asked for included.
    pub inflated: u64,
}

impl Counters {
    /// The sums now.
    pub fn snapshot(&self) -> Snapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            lookup: get(&self.lookup),
            getattr: get(&self.getattr),
            open: get(&self.open),
            read: get(&self.read),
            readdirplus: get(&self.readdirplus),
            bytes: get(&self.bytes),
            swaps: get(&self.swaps),
            notices: get(&self.notices),
            dirs_told: get(&self.dirs_told),
            inflated: self
                .content
                .get()
                .map_or(0, |content| get(&content.bytes_inflated)),
        }
    }
}

/// One more.
pub(super) fn bump(counter: &AtomicU64) {
    add(counter, 1);
}

/// `n` more.
pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
