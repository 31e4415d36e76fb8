//! Turns "these bytes of that blob" into bytes.
//!
//! # Promises
//!
//! - A byte that is served is right, or was served while a blob of more than 16 MiB is still being read for the first
//!   time; then the read with its last byte fails unless all of it was right.
//! - A read before the end of a blob is never short, and one beyond it is empty.
//! - What passed its check once is not checked again, also after a restart, until its archive changes in any way.
//! - The cache stays below its cap at every moment, and is never needed: without room for it bytes are as right, slower.
//! - A blob that is damaged fails at once for a minute. What is missing is looked for each time.
//!
//! It never waits for anything but the bytes themselves, never writes to an archive, never tells errnos.
//!
//! # The parts
//!
//! `origin` finds bytes as they lie, in the stock of a tree, and `table` remembers where; `check` serves stored entries and plain files, `memory`
//! writes down what passed; `deflated` serves the rest, by `inflate` and `seek`, through `cache` (`folder` is where it lies, `cached` one file of it, `room`
//! its accounts, `shelf` its order), on one `flight` per blob, or without it from `recent` and `stream`.
//!
//! Why two ways in: a reply that costs one or two preads is given on the kernel's own request thread; handing it to
//! another thread would cost more than the reply. What may wait must not wait there, or two slow reads stop `ls`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::deflate;
use crate::model::{Blob, Part};

use cache::Cache;
use check::Checks;
use deflated::Deflated;
use failures::{Clock, Failures};
use memory::Memory;
use origin::{Origin, Place, Stock};
use seek::Seeks;
use table::Known;

mod cache;
mod cached;
mod check;
mod counters;
mod deflated;
mod error;
mod failures;
mod flight;
mod folder;
mod inflate;
mod memory;
mod origin;
mod recent;
mod room;
mod seek;
mod shelf;
mod stream;
mod table;
#[cfg(test)]
mod tests;
pub mod usage;
mod zip;

pub use counters::Counters;
pub use error::Error;

/// Largest stored blob or plain file that is checked on the kernel's request thread: under a millisecond from the page
/// cache. More makes `ls` wait, less sends every thumbnail through another thread.
const NOW: u64 = 1 << 20;

/// Where things are kept, and how much of them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the cache. One mount at a time makes use of it.
    pub cache_dir: PathBuf,
    /// What all files in it may take together; 0 for none.
    pub cache_max_bytes: u64,
    /// What has to stay free on its filesystem.
    pub min_free_bytes: u64,
    /// The folder where it is remembered what passed its check, and where checkpoints lie.
    pub state_dir: PathBuf,
}

/// What is done with cache and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// They are read and written.
    Writes,
    /// They are somebody else's: they are read.
    Reads,
}

/// The bytes of a library. All its methods may be called from any number of threads.
///
/// It belongs to one tree, whose numbers its stock is sorted by. [`Content::next`] makes one for another tree of the same
/// library: both share the house, that is cache, memory and all that goes on.
pub struct Content {
    stock: Arc<Stock>,
    house: Arc<House>,
}

/// What outlives a tree.
struct House {
    origin: Arc<Origin>,
    failures: Arc<Failures>,
    memory: Arc<Memory>,
    checks: Checks,
    deflated: Arc<Deflated>,
}

impl Content {
    /// The same beside whoever makes use of the folders: reads what lies there and writes nothing. What is not in the cache
    /// is read from the archives and checked, each time.
    ///
    /// # Errors
    /// None that are known; as for [`Content::new`].
    pub fn guest(settings: Settings, parts: Vec<Part>, blobs: usize) -> io::Result<Content> {
        Content::build(
            settings,
            parts,
            blobs,
            (Box::new(Instant::now), Hand::Reads),
        )
    }

    /// Gets ready to serve blobs with indexes below `blobs` that lie in `parts`. Fails only where the folder for its
    /// memory cannot be made; a cache that cannot be used is logged and done without.
    pub fn new(settings: Settings, parts: Vec<Part>, blobs: usize) -> io::Result<Content> {
        Content::with_clock(settings, parts, blobs, Box::new(Instant::now))
    }

    fn with_clock(
        settings: Settings,
        parts: Vec<Part>,
        blobs: usize,
        clock: Clock,
    ) -> io::Result<Content> {
        Content::build(settings, parts, blobs, (clock, Hand::Writes))
    }

    fn build(
        settings: Settings,
        parts: Vec<Part>,
        blobs: usize,
        (clock, hand): (Clock, Hand),
    ) -> io::Result<Content> {
        let counters = Arc::new(Counters::default());
        let caps = (settings.cache_max_bytes, settings.min_free_bytes);
        let cache = Cache::open(settings.cache_dir, caps, Arc::clone(&counters), hand);
        let memory = match hand {
            Hand::Writes => Memory::open(&settings.state_dir, blobs)?,
            Hand::Reads => Memory::read(&settings.state_dir, blobs),
        };
        let memory = Arc::new(memory);
        let origin = Arc::new(Origin::new(counters));
        let failures = Arc::new(Failures::new(clock));
        let seeks = Seeks::new(
            Arc::clone(&origin),
            Arc::clone(&memory),
            settings.state_dir.join(deflate::FOLDER),
            hand,
        );
        let deflated = Arc::new(Deflated::new(
            Arc::clone(&origin),
            Arc::clone(&failures),
            cache,
            seeks,
        ));
        Ok(Content {
            stock: Arc::new(Stock::new(parts, blobs)),
            house: Arc::new(House {
                origin,
                failures,
                memory,
                checks: Checks::default(),
                deflated,
            }),
        })
    }

    /// The content of the tree that comes after, with indexes below `blobs` in `parts`. `same` tells of blobs that lie
    /// where they lay: their index before, their index now, and their part. What is known of these stays known. Failures
    /// are forgotten, since what was damaged may have been put right.
    pub fn next(
        &self,
        parts: Vec<Part>,
        blobs: usize,
        same: impl IntoIterator<Item = (u32, u32, u32)>,
    ) -> Content {
        self.house.failures.forget();
        Content {
            stock: Arc::new(self.stock.next(parts, blobs, same)),
            house: Arc::clone(&self.house),
        }
    }

    /// What it did so far.
    pub fn counters(&self) -> &Counters {
        &self.house.origin.counters
    }

    /// The same, to outlive it.
    pub fn shared_counters(&self) -> Arc<Counters> {
        Arc::clone(&self.house.origin.counters)
    }

    /// Serves a range if that takes a read or two and no waiting. `None` says to ask [`Content::read`] on a thread that
    /// may wait.
    pub fn read_now(
        &self,
        blob: &Blob<'_>,
        offset: u64,
        len: usize,
    ) -> Option<Result<Vec<u8>, Error>> {
        self.serve(blob, offset, len, |place, range| {
            if place.deflated {
                self.house.deflated.read_now(place, range)
            } else {
                self.house.lying_now(place, range)
            }
        })
        .transpose()
    }

    /// Serves a range, and waits for it if need be.
    pub fn read(&self, blob: &Blob<'_>, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let served = self.serve(blob, offset, len, |place, range| {
            if place.deflated {
                return self.house.deflated.read(place, range).map(Some);
            }
            match self.house.lying_now(place, range)? {
                Some(bytes) => Ok(Some(bytes)),
                None => self
                    .house
                    .checks
                    .read(&self.house.origin, &self.house.memory, place, range)
                    .map(Some),
            }
        })?;
        Ok(served.unwrap_or_default())
    }

    /// What both ways in have in common: the failures of late, the ends of the blob, a second try.
    fn serve(
        &self,
        blob: &Blob<'_>,
        offset: u64,
        len: usize,
        how: impl Fn(&Place, (u64, usize)) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(error) = self.house.failures.get(blob.ino) {
            return Err(error);
        }
        let left = blob.size.saturating_sub(offset);
        let range = (offset, left.min(len as u64) as usize);
        if range.1 == 0 {
            return Ok(Some(Vec::new()));
        }
        let place = self
            .stock
            .place(blob)
            .inspect_err(|error| self.house.failures.note(blob.ino, error))?;
        // A file that changed while it was read is looked at once more: it may be the right one all the same, with
        // other links or on a disk that was mounted anew. If it is not, that look costs one open.
        let outcome = match how(&place, range) {
            Err(Error::Changed { .. }) => how(&place, range),
            outcome => outcome,
        };
        outcome.inspect_err(|error| self.house.failures.note(blob.ino, error))
    }
}

impl House {
    /// Serves bytes that lie as they are, if they passed their check or are few.
    fn lying_now(&self, place: &Place, range: (u64, usize)) -> Result<Option<Vec<u8>>, Error> {
        if let Some(known) = place.known().filter(|known| known.checked) {
            match check::plain(&self.origin, place, known, range) {
                // Another state of the file: what is known is worth nothing.
                Err(Error::Changed { .. }) => {}
                outcome => return outcome.map(Some),
            }
        }
        let stamp = self.origin.stamp(place)?;
        if self.memory.knows(place.proof(&stamp)) {
            let (found, known) = self.origin.locate(place)?;
            if found == stamp {
                let known = Known {
                    checked: true,
                    ..known
                };
                let bytes = check::plain(&self.origin, place, known, range)?;
                place.learn(known);
                return Ok(Some(bytes));
            }
        }
        if place.size > NOW {
            return Ok(None);
        }
        let (bytes, stamp, known) = self.origin.packed(place)?;
        counters::add(&self.origin.counters.checks, 1);
        place.judge(crc32fast::hash(&bytes))?;
        place.learn(Known {
            checked: true,
            ..known
        });
        self.memory.add(place.proof(&stamp));
        Ok(Some(if range == (0, bytes.len()) {
            bytes
        } else {
            deflated::cut(&bytes, range)
        }))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.deflated.stop();
    }
}
