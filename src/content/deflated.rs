//! Serves entries of zip and tgz archives that have to be inflated: out of the cache, out of memory, or while they are being inflated.
//!
//! | blob | where it is inflated to |
//! | --- | --- |
//! | small ([`small`]) | memory, on the reader's thread, at each visit. Inflating it takes about as long as a disk takes to find a cached file, and the kernel keeps its pages anyway, so it is worth neither disk nor eviction |
//! | up to [`WHOLE`] | the cache, on the reader's thread, served once it passed |
//! | larger | the cache, on a thread of its own, served as it grows; the last byte once it passed |
//! | no room in the cache | up to [`WHOLE`] memory, a few at once; larger ones are streamed |
//! | far ahead of what is inflated | a stream that begins at a checkpoint |
//! | in a tgz, up to [`SMALL`] | memory |
//!
//! Promises: however many ask for a blob at once, it is inflated once; nothing that failed its check is cached; a cache
//! that fails in any way costs time and never rightness.
//!
//! A large blob is inflated to its end even if its reader goes away after the first block: who looks at the head of a
//! video mostly comes back for the rest, and half a file would be of use to nobody.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::cache::{Cache, NoRoom, Temp};
use super::cached::{Name, Sums};
use super::check::WHOLE;
use super::counters::add;
use super::error::Error;
use super::failures::Failures;
use super::flight::{Flight, Growing, Landed, Outcome, Permits};
use super::inflate::Inflater;
use super::origin::{Id, Origin, Place};
use super::recent::Recent;
use super::seek::Seeks;
use super::stream::Streams;

/// Largest blob, packed and inflated, that the kernel's request thread inflates: some 3 ms. More makes `ls` wait.
const SMALL_PACKED: u64 = 256 << 10;
const SMALL: u64 = 1 << 20;
/// Blobs up to one read of the kernel's are not kept in memory: nobody will ask twice.
const ONE_READ: u64 = 128 << 10;
/// Large blobs inflated at once: a processor each.
const LARGE_AT_ONCE: usize = 4;
/// Blobs inflated in memory at once, each up to [`WHOLE`].
const IN_MEMORY_AT_ONCE: usize = 2;
/// How far ahead of what is inflated a read of a large blob goes by a checkpoint: less than it takes to get there.
const JUMP: u64 = 16 << 20;
/// Bytes between two looks at who waits.
const CHUNK: usize = 256 << 10;

/// Whether a blob never sees the cache.
pub(super) fn small(place: &Place) -> bool {
    place.packed <= SMALL_PACKED && place.size <= SMALL && !place.gzipped
}

/// Lock order: `flights`, then those of cache and recent, which take no other. A flight is never locked under
/// `flights`.
pub(super) struct Deflated {
    origin: Arc<Origin>,
    failures: Arc<Failures>,
    cache: Cache,
    seeks: Seeks,
    recent: Recent,
    streams: Streams,
    flights: Mutex<HashMap<Id, Arc<Flight>>>,
    large: Arc<Permits>,
    in_memory: Arc<Permits>,
    stopping: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Why a blob did not get into the cache.
enum Fault {
    /// It cannot be had.
    Source(Error),
    /// It cannot be written.
    Sink(std::io::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Source(error)
    }
}

/// Ends a flight whatever happens: who waits for a thread that died reads for himself.
struct Pilot {
    house: Arc<Deflated>,
    place: Place,
    flight: Arc<Flight>,
    outcome: Outcome,
}

impl Drop for Pilot {
    fn drop(&mut self) {
        // Whoever comes after this looks into the cache first, where it is by now.
        lock(&self.house.flights).remove(&self.place.id);
        self.flight.finish(self.outcome.clone());
    }
}

impl Deflated {
    pub(super) fn new(
        origin: Arc<Origin>,
        failures: Arc<Failures>,
        cache: Cache,
        seeks: Seeks,
    ) -> Deflated {
        Deflated {
            origin,
            failures,
            cache,
            seeks,
            recent: Recent::default(),
            streams: Streams::default(),
            flights: Mutex::default(),
            large: Permits::new(LARGE_AT_ONCE),
            in_memory: Permits::new(IN_MEMORY_AT_ONCE),
            stopping: AtomicBool::new(false),
            threads: Mutex::default(),
        }
    }

    /// Ends what goes on behind the readers' backs, and waits for it.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            if thread.join().is_err() {
                tracing::warn!("a thread that inflated a file died");
            }
        }
    }

    /// Serves what takes no waiting.
    pub(super) fn read_now(
        &self,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(bytes) = self.at_hand(place, range) {
            return Ok(Some(bytes));
        }
        if small(place) {
            self.read_small(place, range).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Serves a range, which is not empty and within the blob.
    pub(super) fn read(
        self: &Arc<Self>,
        place: &Place,
        range: (u64, usize),
    ) -> Result<Vec<u8>, Error> {
        let end = range.0 + range.1 as u64;
        // A second turn is for a cache that loses or spoils the file right after it was written.
        for _ in 0..2 {
            if let Some(bytes) = self.read_now(place, range)? {
                return Ok(bytes);
            }
            let last = place.size > WHOLE && end == place.size && !self.seeks.passed(place)?;
            if self.streams.serves(place.id, range.0, last) {
                break;
            }
            let Some(flight) = self.board(place) else {
                continue;
            };
            if !last && self.is_jump(place, range.0, &flight) {
                break;
            }
            match flight.wait(place.size, end) {
                Landed::Growing(growing) => {
                    let mut bytes = vec![0; range.1];
                    match growing.file.read_exact_at(&mut bytes, range.0) {
                        Ok(()) => return Ok(bytes),
                        Err(error) => self.cache.log(&NoRoom::Broken(error)),
                    }
                }
                Landed::Done(Outcome::Cached(cached)) => match cached.read(range.0, range.1) {
                    Ok(bytes) => return Ok(bytes),
                    Err(error) => self.cache.discard(&name(place), &error),
                },
                Landed::Done(Outcome::Memory(bytes)) => return Ok(cut(&bytes, range)),
                Landed::Done(Outcome::Failed(error)) => return Err(error),
                Landed::Done(Outcome::Alone) => break,
            }
        }
        if place.size <= WHOLE {
            return Ok(cut(&self.inflate_in_memory(place)?, range));
        }
        self.streams.read(&self.seeks, place, range)
    }

    /// Whether a read of a large blob lies so far ahead of what is inflated that a checkpoint is the shorter way.
    fn is_jump(&self, place: &Place, offset: u64, flight: &Flight) -> bool {
        place.size > WHOLE
            && flight
                .written()
                .is_some_and(|written| offset > written.saturating_add(JUMP))
            && self.seeks.has_points(place)
    }

    /// What is there already, in memory or in the cache.
    fn at_hand(&self, place: &Place, range: (u64, usize)) -> Option<Vec<u8>> {
        if place.size <= WHOLE
            && let Some(bytes) = self.recent.get(place.id)
        {
            return Some(cut(&bytes, range));
        }
        if small(place) {
            return None;
        }
        let name = name(place);
        let cached = self.cache.get(&name, range.0 == 0)?;
        match cached.read(range.0, range.1) {
            Ok(bytes) => {
                add(&self.origin.counters.cache_hits, 1);
                Some(bytes)
            }
            Err(error) => {
                self.cache.discard(&name, &error);
                None
            }
        }
    }

    fn read_small(&self, place: &Place, range: (u64, usize)) -> Result<Vec<u8>, Error> {
        let (packed, _, known) = self.origin.packed(place)?;
        place.learn(known);
        let bytes = Inflater::over(place, known, packed).whole(&self.seeks)?;
        if place.size <= ONE_READ {
            return Ok(cut(&bytes, range));
        }
        let bytes = Arc::new(bytes);
        self.recent.put(place.id, Arc::clone(&bytes));
        Ok(cut(&bytes, range))
    }

    /// Joins the flight of this blob, or begins one. `None` where it landed just now.
    fn board(self: &Arc<Self>, place: &Place) -> Option<Arc<Flight>> {
        self.cache.inherit();
        let flight = {
            let mut flights = lock(&self.flights);
            if let Some(flight) = flights.get(&place.id) {
                return Some(Arc::clone(flight));
            }
            if self.cache.contains(&name(place)) || self.recent.get(place.id).is_some() {
                return None;
            }
            let flight = Arc::new(Flight::default());
            flights.insert(place.id, Arc::clone(&flight));
            flight
        };
        add(&self.origin.counters.cache_misses, 1);
        let (place, house) = (place.clone(), Arc::clone(self));
        let mut pilot = Pilot {
            house,
            place,
            flight: Arc::clone(&flight),
            outcome: Outcome::Alone,
        };
        if pilot.place.gzipped && pilot.place.size <= SMALL {
            // Not worth a file in the cache; and whoever reads on in the archive has it cheaper still.
            pilot.without_room();
            return Some(flight);
        }
        match self.cache.reserve(&name(&pilot.place)) {
            Ok(temp) if pilot.place.size > WHOLE => self.take_off(pilot, temp),
            Ok(temp) => pilot.fly(temp),
            Err(cause) => {
                self.cache.log(&cause);
                pilot.without_room();
            }
        }
        Some(flight)
    }

    /// Lets a large blob fly on a thread of its own. Where there is no thread to be had, its readers stay alone.
    fn take_off(&self, mut pilot: Pilot, temp: Temp) {
        let permit = self.large.take();
        let fly = move || {
            let _permit = permit;
            pilot.fly(temp);
        };
        match std::thread::Builder::new()
            .name("inflate".to_owned())
            .spawn(fly)
        {
            Ok(thread) => {
                let mut threads = lock(&self.threads);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => tracing::warn!("failed to start a thread: {error}"),
        }
    }

    fn inflate_in_memory(&self, place: &Place) -> Result<Arc<Vec<u8>>, Error> {
        let _permit = self.in_memory.take();
        let bytes = Arc::new(Inflater::new(&self.seeks, place)?.whole(&self.seeks)?);
        self.recent.put(place.id, Arc::clone(&bytes));
        Ok(bytes)
    }
}

impl Pilot {
    /// Brings the blob into the cache.
    fn fly(&mut self, temp: Temp) {
        match self.inflate(temp) {
            Ok(outcome) => self.outcome = outcome,
            Err(Fault::Source(error)) => self.fail(error),
            Err(Fault::Sink(error)) => {
                self.house.cache.log(&NoRoom::Broken(error));
                self.without_room();
                // Those who were served so far go on in a stream, instead of having the cache fail once more for each
                // of their reads.
                if self.place.size > WHOLE {
                    self.house.streams.begin(self.place.id);
                }
            }
        }
    }

    fn without_room(&mut self) {
        if self.place.size > WHOLE {
            return;
        }
        match self.house.inflate_in_memory(&self.place) {
            Ok(bytes) => self.outcome = Outcome::Memory(bytes),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.house.failures.note(self.place.id.ino, &error);
        self.outcome = Outcome::Failed(error);
    }

    fn inflate(&self, temp: Temp) -> Result<Outcome, Fault> {
        let (house, name) = (&self.house, name(&self.place));
        let mut inflater = Inflater::new(&house.seeks, &self.place)?;
        self.flight.begin(Growing {
            file: Arc::clone(&temp.file),
            _room: Arc::clone(&temp.room),
        });
        let (mut sums, mut chunk) = (
            Sums::default(),
            vec![0; CHUNK.min(self.place.size as usize)],
        );
        loop {
            let got = inflater.fill(&house.seeks, &mut chunk)?;
            if got == 0 {
                break;
            }
            sums.update(&chunk[..got]);
            (&*temp.file)
                .write_all(&chunk[..got])
                .map_err(Fault::Sink)?;
            self.flight.grew(inflater.given());
            if house.stopping.load(Ordering::Acquire) {
                return Ok(Outcome::Alone);
            }
        }
        let (sums, trailer) = sums.finish(&name);
        (&*temp.file).write_all(&trailer).map_err(Fault::Sink)?;
        let cached = house.cache.commit(temp, &name, sums).map_err(Fault::Sink)?;
        Ok(Outcome::Cached(cached))
    }
}

fn name(place: &Place) -> Name {
    Name {
        size: place.size,
        crc32: place.crc32,
        ident: place.ident(),
    }
}

/// A range of a whole blob.
pub(super) fn cut(bytes: &[u8], (offset, len): (u64, usize)) -> Vec<u8> {
    let from = offset.min(bytes.len() as u64) as usize;
    let to = from.saturating_add(len).min(bytes.len());
    bytes[from..to].to_vec()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
