//! Whole blobs in memory that were inflated a moment ago: the kernel asks for 128 KiB at a time, and each of its reads
//! would inflate the blob again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::origin::Id;

/// Bytes kept: two blobs of the largest size that is inflated in memory, so that two readers do not undo each other.
const MAX_BYTES: usize = 2 * super::check::WHOLE as usize;

struct Blobs {
    by_id: LruCache<Id, Arc<Vec<u8>>>,
    bytes: usize,
}

/// Every blob here was checked. The lock is held for a look or a change.
pub(super) struct Recent(Mutex<Blobs>);

impl Default for Recent {
    fn default() -> Recent {
        Recent(Mutex::new(Blobs {
            by_id: LruCache::unbounded(),
            bytes: 0,
        }))
    }
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Blobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: Id) -> Option<Arc<Vec<u8>>> {
        self.lock().by_id.get(&id).map(Arc::clone)
    }

    pub(super) fn put(&self, id: Id, bytes: Arc<Vec<u8>>) {
        let mut blobs = self.lock();
        blobs.bytes += bytes.len();
        if let Some(before) = blobs.by_id.put(id, bytes) {
            blobs.bytes -= before.len();
        }
        while blobs.bytes > MAX_BYTES
            && let Some((_, gone)) = blobs.by_id.pop_lru()
        {
            blobs.bytes -= gone.len();
        }
    }
}
