//! Checks blobs whose bytes lie as they are, stored entries and plain files, and serves them while they are unchecked.
//!
//! Promises: up to [`WHOLE`] bytes, the whole passes before its first byte is served. A larger blob is served as it is
//! read and its checksum runs along; the read that includes its last byte fails unless the whole passes.
//!
//! A checksum runs from front to back, but the kernel has two or three reads under way at once and they may come in
//! any order. So a read that begins a little ahead of the sum reads the gap as well; what lies behind the sum is
//! answered by a plain read; what lies far ahead is a reader that jumped, is answered at once, and leaves the sum be.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::counters::add;
use super::error::Error;
use super::memory::Memory;
use super::origin::{Id, Origin, Place};
use super::table::{Known, Version};

/// Blobs up to this many bytes are checked whole before anything is served: the contract's number. More delays the
/// first byte, less lets tools store the head of a damaged photo before they learn of it.
pub(super) const WHOLE: u64 = 16 << 20;
/// How far ahead of the sum a read may begin and still drag the sum along: well above the few 128 KiB reads that the
/// kernel has under way, well below what makes a jump expensive.
const AHEAD: u64 = 4 << 20;
/// Bytes summed at once: fits the processor's cache.
const CHUNK: u64 = 256 << 10;
/// Sums that are remembered at once. One that falls out begins anew, so far fewer make many readers slow.
const SUMS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// How far the checksum of one blob has run.
struct Sum {
    /// The version of the file, once known; another one begins anew.
    version: Option<Version>,
    at: u64,
    crc: crc32fast::Hasher,
}

/// The range of a read and the buffer for it.
pub(super) struct Slice {
    offset: u64,
    bytes: Vec<u8>,
}

impl Slice {
    fn new(offset: u64, len: usize) -> Slice {
        Slice {
            offset,
            bytes: vec![0; len],
        }
    }

    /// Takes what it needs of a chunk that begins at `at`.
    fn take(&mut self, at: u64, chunk: &[u8]) {
        let end = self.offset + self.bytes.len() as u64;
        let (from, to) = (at.max(self.offset), (at + chunk.len() as u64).min(end));
        if from < to {
            let target = (from - self.offset) as usize..(to - self.offset) as usize;
            self.bytes[target].copy_from_slice(&chunk[(from - at) as usize..(to - at) as usize]);
        }
    }
}

/// Sums under way. Lock order: the table of sums is released before a sum is locked; a sum is held while its blob is
/// read, so that readers of one blob wait for each other and read it once.
pub(super) struct Checks {
    sums: Mutex<LruCache<Id, Arc<Mutex<Sum>>>>,
}

impl Default for Checks {
    fn default() -> Checks {
        Checks {
            sums: Mutex::new(LruCache::new(SUMS)),
        }
    }
}

impl Checks {
    /// Serves a range of a blob that is not yet checked. The range is not empty and within the blob.
    pub(super) fn read(
        &self,
        origin: &Origin,
        memory: &Memory,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Vec<u8>, Error> {
        let (offset, len) = range;
        let end = offset + len as u64;
        let (stamp, known) = origin.locate(place)?;
        let shared = self.sum(place.id);
        let mut sum = lock(&shared);
        if place
            .known()
            .is_some_and(|now| now.checked && now.version == known.version)
        {
            drop(sum);
            return plain(origin, place, known, range);
        }
        if sum.version == Some(known.version) && sum.at == place.size {
            // Whoever held it before us ran it to the end, and it did not pass.
            return Err(place
                .judge(sum.crc.clone().finalize())
                .err()
                .unwrap_or_else(|| place.changed()));
        }
        if sum.version != Some(known.version) || place.size <= WHOLE {
            *sum = Sum {
                version: Some(known.version),
                at: 0,
                crc: crc32fast::Hasher::new(),
            };
        }
        let whole = place.size <= WHOLE || end == place.size;
        if !whole && (end <= sum.at || offset > sum.at.saturating_add(AHEAD)) {
            drop(sum);
            return plain(origin, place, known, range);
        }
        let mut slice = Slice::new(offset, len);
        if offset < sum.at {
            let before = (sum.at.min(end) - offset) as usize;
            slice.take(offset, &plain(origin, place, known, (offset, before))?);
        }
        sum.run(
            origin,
            place,
            known,
            if whole { place.size } else { end },
            &mut slice,
        )?;
        if whole {
            self.done(place.id);
            add(&origin.counters.checks, 1);
            place.judge(sum.crc.clone().finalize())?;
            place.learn(Known {
                checked: true,
                ..known
            });
            memory.add(place.proof(&stamp));
        }
        Ok(slice.bytes)
    }

    fn sum(&self, id: Id) -> Arc<Mutex<Sum>> {
        let fresh = || {
            Arc::new(Mutex::new(Sum {
                version: None,
                at: 0,
                crc: crc32fast::Hasher::new(),
            }))
        };
        Arc::clone(lock(&self.sums).get_or_insert(id, fresh))
    }

    fn done(&self, id: Id) {
        lock(&self.sums).pop(&id);
    }
}

impl Sum {
    /// Runs on to `to`.
    fn run(
        &mut self,
        origin: &Origin,
        place: &Place,
        known: Known,
        to: u64,
        slice: &mut Slice,
    ) -> Result<(), Error> {
        let mut chunk = vec![0; CHUNK.min(to.saturating_sub(self.at)) as usize];
        while self.at < to {
            let len = CHUNK.min(to - self.at) as usize;
            let chunk = &mut chunk[..len];
            let (_, version) = origin.raw(place, known.start + self.at, chunk)?;
            if version != known.version {
                return Err(place.changed());
            }
            self.crc.update(chunk);
            slice.take(self.at, chunk);
            self.at += len as u64;
        }
        Ok(())
    }
}

/// Reads a range as it lies, of one version of the file.
pub(super) fn plain(
    origin: &Origin,
    place: &Place,
    known: Known,
    range: (u64, usize),
) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; range.1];
    let (_, version) = origin.raw(place, known.start + range.0, &mut bytes)?;
    if version == known.version {
        Ok(bytes)
    } else {
        Err(place.changed())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
