//! Large deflated blobs for which the cache has no room, or not yet: inflated as they are read, from front to back.
//!
//! Promises: right bytes at any offset, at the price of inflating again from a checkpoint, or from the beginning where
//! there is none, for a read that lies before what the blob's streams still have; the read with the last byte fails
//! unless the whole passed, now or before.
//!
//! A blob may have several streams, since two readers that are far apart would else throw each other back at every
//! read. One that began at a checkpoint cannot judge; while the blob was never checked, its last byte is read by one that
//! began at the beginning.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::error::Error;
use super::inflate::Inflater;
use super::origin::{Id, Place};
use super::seek::Seeks;

/// Bytes behind the front that can still be read: far above the kernel's reads under way, which come in any order.
/// Less makes those inflate again, more is memory, twice this times [`STREAMS`].
const WINDOW: usize = 4 << 20;
/// Streams that are open at once, of all blobs. With more readers than this some begin again and again.
const STREAMS: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// How far before what is wanted a stream begins, for the reads under way that come later than those behind them.
const SLACK: u64 = 512 << 10;
/// How far behind a checkpoint a stream may stand and still be the way to what lies behind that. The reads under way
/// come in any order: with less, one that overtakes another across a checkpoint leaves the stream that judges.
const AHEAD: u64 = 1 << 20;
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
    id: Id,
    /// Where the stream began or will begin; 0 for one that judges the whole.
    from: u64,
    /// The first byte that the stream still has and the one that comes next, to choose one without waiting for it. True
    /// only under the lock.
    begin: AtomicU64,
    front: AtomicU64,
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
    /// Whether somebody streams this blob already and has not yet passed this offset; with `judged`, from its
    /// beginning.
    pub(super) fn serves(&self, id: Id, offset: u64, judged: bool) -> bool {
        nearest(&lock(&self.table), id, offset, judged).is_some()
    }

    /// Lets the next readers of a blob find a stream.
    pub(super) fn begin(&self, id: Id) {
        self.choose(id, 0, 0, true);
    }

    /// Serves a range, which is not empty and within the blob.
    pub(super) fn read(
        &self,
        seeks: &Seeks,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Vec<u8>, Error> {
        let judged = range.0 + range.1 as u64 == place.size && !seeks.passed(place)?;
        let enter = if judged {
            0
        } else {
            seeks.before(place, range.0)
        };
        loop {
            let slot = self.choose(place.id, range.0, enter, judged);
            let mut held = lock(&slot.stream);
            if slot.begin.load(Ordering::Relaxed) > range.0 {
                // Another reader moved it on while we waited.
                continue;
            }
            let mut stream = match held.take() {
                Some(stream) => stream,
                None => Stream {
                    inflater: Inflater::at(seeks, place, slot.from)?,
                    window: Vec::new(),
                },
            };
            // Until then the slot says where the stream stood, so that those who wait do not take it for far away.
            let outcome = stream.read(seeks, range);
            let Ok(bytes) = outcome else {
                // The slot is empty, and the next reader begins anew.
                slot.stands(slot.from, slot.from);
                return outcome;
            };
            slot.stands(stream.begin(), stream.inflater.given());
            *held = Some(stream);
            return Ok(bytes);
        }
    }

    /// The stream with the least to go, or a new place for one, where entering at `enter` is less.
    fn choose(&self, id: Id, offset: u64, enter: u64, judged: bool) -> Arc<Slot> {
        let mut table = lock(&self.table);
        if let Some(serial) = nearest(&table, id, offset, judged)
            && let Some(slot) = table.get(&serial)
            && slot.front.load(Ordering::Relaxed).saturating_add(AHEAD) >= enter
        {
            return Arc::clone(slot);
        }
        let from = if enter == 0 {
            0
        } else {
            offset.saturating_sub(SLACK).max(enter)
        };
        let slot = Arc::new(Slot {
            id,
            from,
            begin: AtomicU64::new(from),
            front: AtomicU64::new(from),
            stream: Mutex::default(),
        });
        table.put(
            self.serial.fetch_add(1, Ordering::Relaxed),
            Arc::clone(&slot),
        );
        slot
    }
}

impl Slot {
    fn stands(&self, begin: u64, front: u64) {
        self.begin.store(begin, Ordering::Relaxed);
        self.front.store(front, Ordering::Relaxed);
    }
}

/// Of the streams that have not yet passed this offset the one that is nearest.
fn nearest(table: &LruCache<u64, Arc<Slot>>, id: Id, offset: u64, judged: bool) -> Option<u64> {
    let begins = table
        .iter()
        .filter(|(_, slot)| slot.id == id && !(judged && slot.from > 0));
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

    fn read(&mut self, seeks: &Seeks, (offset, len): (u64, usize)) -> Result<Vec<u8>, Error> {
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
            let got = self.inflater.fill(seeks, &mut chunk)?;
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
