//! Large deflated blobs for which the cache has no room: inflated as they are read, from front to back.
//!
//! Promises: right bytes at any offset, at the price of inflating again from the beginning for a read that lies before
//! the last [`WINDOW`] bytes; the read with the last byte fails unless the whole passes.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::error::Error;
use super::inflate::Inflater;
use super::origin::{Origin, Place};

/// Bytes behind the front that can still be read: far above the kernel's reads under way, which come in any order.
/// Less makes those inflate again, more is memory, twice this times [`STREAMS`].
const WINDOW: usize = 4 << 20;
/// Blobs that are streamed at once.
const STREAMS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
/// Bytes inflated at once.
const CHUNK: usize = 256 << 10;

/// A blob on its way. The window ends where the inflater stands.
struct Stream {
    inflater: Inflater,
    window: Vec<u8>,
}

/// Lock order: the table of streams is released before a stream is locked; a stream is held while it is read, so its
/// readers take turns.
pub(super) struct Streams(Mutex<LruCache<u32, Arc<Mutex<Option<Stream>>>>>);

impl Default for Streams {
    fn default() -> Streams {
        Streams(Mutex::new(LruCache::new(STREAMS)))
    }
}

impl Streams {
    /// Whether somebody streams this blob already and has not yet passed this offset.
    pub(super) fn serves(&self, index: u32, offset: u64) -> bool {
        let shared = {
            let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            streams.peek(&index).map(Arc::clone)
        };
        shared.is_some_and(|shared| {
            let slot = shared.lock().unwrap_or_else(PoisonError::into_inner);
            slot.as_ref().is_some_and(|stream| offset >= stream.begin())
        })
    }

    /// Serves a range, which is not empty and within the blob.
    pub(super) fn read(
        &self,
        origin: &Origin,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Vec<u8>, Error> {
        let shared = {
            let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(streams.get_or_insert(place.index, Arc::default))
        };
        let mut slot = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = match slot.take() {
            Some(stream) if range.0 >= stream.begin() => stream,
            _ => Stream {
                inflater: Inflater::new(origin, place)?,
                window: Vec::new(),
            },
        };
        // After an error the slot stays empty: the next read begins anew.
        let stream = slot.insert(stream);
        let outcome = stream.read(origin, range);
        if outcome.is_err() {
            *slot = None;
        }
        outcome
    }
}

impl Stream {
    /// The first byte that the window has.
    fn begin(&self) -> u64 {
        self.inflater.given() - self.window.len() as u64
    }

    fn read(&mut self, origin: &Origin, (offset, len): (u64, usize)) -> Result<Vec<u8>, Error> {
        let end = offset + len as u64;
        let mut chunk = vec![0; CHUNK];
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
