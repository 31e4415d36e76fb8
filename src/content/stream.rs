//! Large deflated blobs for which the cache has no room: inflated as they are read, from front to back.
//!
//! Promises: right bytes at any offset, at the price of inflating again from the beginning for a read that lies before
//! what the blob's streams still have; the read with the last byte fails unless the whole passes.
//!
//! A blob may have several streams, since two readers that are far apart would else throw each other back to the
//! beginning at every read.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::error::Error;
use super::inflate::Inflater;
use super::origin::{Origin, Place};

/// Bytes behind the front that can still be read: far above the kernel's reads under way, which come in any order.
/// Less makes those inflate again, more is memory, twice this times [`STREAMS`].
const WINDOW: usize = 4 << 20;
/// Streams that are open at once, of all blobs. With more readers than this some begin again and again.
const STREAMS: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// Bytes inflated at once.
const CHUNK: usize = 256 << 10;

/// A blob on its way. The window ends where the inflater stands.
struct Stream {
    inflater: Inflater,
    window: Vec<u8>,
}

/// A stream, or the place for one: who finds none begins it. So the first readers of a blob, which come together,
/// share one.
struct Slot {
    index: u32,
    /// The first byte that the stream still has, to choose one without waiting for it. True only under the lock.
    begin: AtomicU64,
    stream: Mutex<Option<Stream>>,
}

/// Lock order: the table is released before a stream is locked; a stream is held while it is read, so its readers take
/// turns.
pub(super) struct Streams {
    table: Mutex<LruCache<u64, Arc<Slot>>>,
    serial: AtomicU64,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams {
            table: Mutex::new(LruCache::new(STREAMS)),
            serial: AtomicU64::new(0),
        }
    }
}

impl Streams {
    /// Whether somebody streams this blob already and has not yet passed this offset.
    pub(super) fn serves(&self, index: u32, offset: u64) -> bool {
        nearest(&lock(&self.table), index, offset).is_some()
    }

    /// Lets the next readers of a blob find a stream.
    pub(super) fn begin(&self, index: u32) {
        self.choose(index, 0);
    }

    /// Serves a range, which is not empty and within the blob.
    pub(super) fn read(
        &self,
        origin: &Origin,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Vec<u8>, Error> {
        loop {
            let slot = self.choose(place.index, range.0);
            let mut held = lock(&slot.stream);
            if slot.begin.load(Ordering::Relaxed) > range.0 {
                // Another reader moved it on while we waited.
                continue;
            }
            let mut stream = match held.take() {
                Some(stream) => stream,
                None => Stream {
                    inflater: Inflater::new(origin, place)?,
                    window: Vec::new(),
                },
            };
            // After an error the slot is empty, and the next reader begins anew.
            slot.begin.store(0, Ordering::Relaxed);
            let bytes = stream.read(origin, range)?;
            slot.begin.store(stream.begin(), Ordering::Relaxed);
            *held = Some(stream);
            return Ok(bytes);
        }
    }

    /// The stream with the least to go, or a new place for one.
    fn choose(&self, index: u32, offset: u64) -> Arc<Slot> {
        let mut table = lock(&self.table);
        if let Some(serial) = nearest(&table, index, offset)
            && let Some(slot) = table.get(&serial)
        {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot {
            index,
            begin: AtomicU64::new(0),
            stream: Mutex::default(),
        });
        table.put(
            self.serial.fetch_add(1, Ordering::Relaxed),
            Arc::clone(&slot),
        );
        slot
    }
}

/// Of the streams that have not yet passed this offset the one that is nearest.
fn nearest(table: &LruCache<u64, Arc<Slot>>, index: u32, offset: u64) -> Option<u64> {
    let begins = table.iter().filter(|(_, slot)| slot.index == index);
    let begins = begins.map(|(serial, slot)| (slot.begin.load(Ordering::Relaxed), *serial));
    begins
        .filter(|(begin, _)| *begin <= offset)
        .max()
        .map(|(_, serial)| serial)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    /// The first byte that the window has.
    fn begin(&self) -> u64 {
        self.inflater.given() - self.window.len() as u64
    }

    fn read(&mut self, origin: &Origin, (offset, len): (u64, usize)) -> Result<Vec<u8>, Error> {
        let end = offset + len as u64;
        let mut chunk = vec![
            0;
            if self.inflater.given() < end {
                CHUNK
            } else {
                0
            }
        ];
        while self.inflater.given() < end {
            let got = self.inflater.fill(origin, &mut chunk)?;
            self.window.extend_from_slice(&chunk[..got]);
            // What the read itself needs stays, however long it is.
            self.trim(offset);
        }
        let from = (offset - self.begin()) as usize;
        let bytes = self.window[from..from + len].to_vec();
        self.trim(u64::MAX);
        Ok(bytes)
    }

    /// Lets go of what lies more than a window behind, up to `offset`. Once per window, so that moving the rest down
    /// costs little.
    fn trim(&mut self, offset: u64) {
        if self.window.len() > 2 * WINDOW {
            let spare = offset
                .saturating_sub(self.begin())
                .min(self.window.len() as u64) as usize;
            self.window.drain(..spare.min(self.window.len() - WINDOW));
        }
    }
}
