//! Ways into the middle of what is deflated: the checkpoints of tgz archives and large zip entries, and the runners that
//! stand somewhere in a tgz.
//!
//! Checkpoints lie in the folder of state, not in the cache: they are what makes a read quick when the cache is full,
//! wiped, or not allowed, and take less than a hundredth of what they lead into. Those of a tgz are made when it is indexed,
//! those of a zip entry by the first pass through it.
//!
//! Promise: a checkpoint only saves the way. What it leads to is checked as if it had been inflated from the beginning,
//! but for reads that the contract lets be answered before the whole was checked.
//!
//! Why runners are kept: a photo in a tgz begins up to one spacing behind a checkpoint. A tool that reads photo after
//! photo as they lie would inflate that way for each; where a runner has just ended it goes on with none.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::Hand;
use super::counters::add;
use super::error::Error;
use super::memory::Memory;
use super::origin::{Origin, Place};
use super::table::{Known, Version};
use crate::deflate::{self, Frame, Ident, Marks, Pass, Points, ReadAt, Runner};

/// Files of checkpoints that are open at once: a descriptor and a table of some KiB each.
const OPEN: std::num::NonZeroUsize = std::num::NonZeroUsize::new(32).unwrap();
/// Runners that wait where they ended: one for each reader of a tool that reads several files at once. Each holds some
/// 400 KiB.
const IDLE: std::num::NonZeroUsize = std::num::NonZeroUsize::new(8).unwrap();
/// Most checkpoints of a zip entry, about: up to [`IDLE`] and some entries are passed at once, at 32 KiB for each.
const MARKS: u64 = 256;

/// A runner that somebody left, and in which state of which archive it stands.
struct Idle {
    part: u32,
    version: Version,
    runner: Runner<Spring>,
}

/// Locks are held for a look or a change, and none while another is taken.
pub(super) struct Seeks {
    pub(super) origin: Arc<Origin>,
    memory: Arc<Memory>,
    dir: PathBuf,
    hand: Hand,
    /// By the name of their file; `None` where there are none.
    points: Mutex<LruCache<String, Option<Arc<Points>>>>,
    idle: Mutex<LruCache<u64, Idle>>,
    serial: AtomicU64,
}

/// The packed bytes of one blob, or of the whole archive around it, in one state of the archive.
pub(super) struct Spring {
    origin: Arc<Origin>,
    place: Place,
    version: Version,
    base: u64,
    len: u64,
}

impl ReadAt for Spring {
    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        let read = self
            .origin
            .raw(&self.place, self.base + offset, &mut buf[..want]);
        let (_, version) = read.map_err(io::Error::other)?;
        if version == self.version {
            Ok(want)
        } else {
            Err(io::Error::other(self.place.changed()))
        }
    }
}

/// A spring that is read from front to back.
struct Flow {
    spring: Spring,
    at: u64,
}

impl Read for Flow {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.spring.read_at(self.at, buf)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seeks {
    pub(super) fn new(origin: Arc<Origin>, memory: Arc<Memory>, dir: PathBuf, hand: Hand) -> Seeks {
        Seeks {
            origin,
            memory,
            dir,
            hand,
            points: Mutex::new(LruCache::new(OPEN)),
            idle: Mutex::new(LruCache::new(IDLE)),
            serial: AtomicU64::new(0),
        }
    }

    /// Whether a blob passed its check, in the state in which its archive is.
    pub(super) fn passed(&self, place: &Place) -> Result<bool, Error> {
        let (stamp, version) = self.origin.raw(place, 0, &mut [])?;
        let known = place.known();
        Ok(
            known.is_some_and(|known| known.checked && known.version == version)
                || self.memory.knows(place.proof(&stamp)),
        )
    }

    /// Remembers that a blob passed its check just now.
    pub(super) fn remember(&self, place: &Place, known: Known) -> Result<(), Error> {
        let (stamp, version) = self.origin.raw(place, 0, &mut [])?;
        if version != known.version {
            return Err(place.changed());
        }
        let before = place.known();
        let known = Known {
            checked: true,
            ..known
        };
        place.learn(known);
        let proof = place.proof(&stamp);
        if before != Some(known) && !self.memory.knows(proof) {
            self.memory.add(proof);
        }
        Ok(())
    }

    /// The last place at or before byte `offset` of a blob where a reader can begin; 0 for the blob's beginning, and
    /// where there are no checkpoints.
    pub(super) fn before(&self, place: &Place, offset: u64) -> u64 {
        let points = self.points(place);
        let base = place.base();
        points.map_or(0, |points| {
            points
                .before(base.saturating_add(offset))
                .saturating_sub(base)
        })
    }

    /// Whether a reader can begin anywhere but at the beginning.
    pub(super) fn has_points(&self, place: &Place) -> bool {
        self.points(place).is_some()
    }

    fn points(&self, place: &Place) -> Option<Arc<Points>> {
        let name = place.points_name();
        if let Some(known) = lock(&self.points).get(&name) {
            return known.clone();
        }
        let ident = self.ident(place).ok()?;
        let path = self.dir.join(&name);
        let points = match Points::open(&path, &ident) {
            Ok(points) => Some(Arc::new(points)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("{} {error}; seeking is slow", path.display());
                None
            }
        };
        lock(&self.points).put(name, points.clone());
        points
    }

    fn ident(&self, place: &Place) -> Result<Ident, Error> {
        if !place.gzipped {
            return Ok(Ident {
                packed: place.packed,
                check: u64::from(place.crc32) << 32 ^ place.size,
            });
        }
        let packed = place.archive_size();
        let mut end = [0; 8];
        self.origin.raw(place, packed.saturating_sub(8), &mut end)?;
        Ok(Ident {
            packed,
            check: u64::from_le_bytes(end),
        })
    }

    /// Keeps the checkpoints of a zip entry that was just passed.
    pub(super) fn keep(&self, place: &Place, marks: &Marks) {
        if self.hand == Hand::Reads {
            return;
        }
        let name = place.points_name();
        let path = self.dir.join(&name);
        let kept = self
            .ident(place)
            .map_err(io::Error::other)
            .and_then(|ident| {
                std::fs::create_dir_all(&self.dir)?;
                marks.write(&path, &ident)?;
                Points::open(&path, &ident)
            });
        match kept {
            Ok(points) => {
                lock(&self.points).put(name, Some(Arc::new(points)));
            }
            Err(error) => tracing::warn!("failed to keep {}: {error}", path.display()),
        }
    }

    /// Begins a pass through a zip entry.
    pub(super) fn pass(&self, place: &Place, known: Known) -> Result<Pass, Error> {
        let flow = Flow {
            spring: self.spring(place, known),
            at: 0,
        };
        let spacing = deflate::spacing(place.size, MARKS);
        Pass::new(flow, Frame::Raw, spacing).map_err(|error| wrong(place, error))
    }

    fn spring(&self, place: &Place, known: Known) -> Spring {
        let (base, len) = if place.gzipped {
            (0, place.archive_size())
        } else {
            (known.start, place.packed)
        };
        Spring {
            origin: Arc::clone(&self.origin),
            place: place.clone(),
            version: known.version,
            base,
            len,
        }
    }

    /// A runner that stands at byte `from` of a blob.
    pub(super) fn runner(
        &self,
        place: &Place,
        known: Known,
        from: u64,
    ) -> Result<Runner<Spring>, Error> {
        let to = place.base().saturating_add(from);
        let points = self.points(place);
        let nearest = points.as_ref().map_or(0, |points| points.before(to));
        let (frame, left) = if place.gzipped {
            let left = self.take(place.part(), known.version, nearest, to);
            (Frame::Gzip, left)
        } else {
            (Frame::Raw, None)
        };
        let mut runner = match left {
            Some(runner) => runner,
            None => Runner::start(self.spring(place, known), frame, points.as_deref(), to)
                .map_err(|error| wrong(place, error))?,
        };
        let before = runner.inflated();
        let skipped = runner.skip(to);
        add(
            &self.origin.counters.bytes_inflated,
            runner.inflated() - before,
        );
        skipped.map_err(|error| wrong(place, error))?;
        Ok(runner)
    }

    /// Takes the runner that has the least way to go, if one is nearer than the nearest checkpoint.
    fn take(&self, part: u32, version: Version, nearest: u64, to: u64) -> Option<Runner<Spring>> {
        let mut idle = lock(&self.idle);
        let fits = idle.iter().filter(|(_, idle)| {
            let there = nearest..=to;
            idle.part == part && idle.version == version && there.contains(&idle.runner.position())
        });
        let best = fits.max_by_key(|(_, idle)| idle.runner.position());
        let serial = best.map(|(serial, _)| *serial)?;
        idle.pop(&serial).map(|idle| idle.runner)
    }

    /// Leaves a runner where it is, for whoever goes on from there.
    pub(super) fn leave(&self, place: &Place, version: Version, runner: Runner<Spring>) {
        if !place.gzipped {
            return;
        }
        let idle = Idle {
            part: place.part(),
            version,
            runner,
        };
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let fallen = lock(&self.idle).push(serial, idle);
        drop(fallen);
    }
}

/// What is wrong with a blob, or with what it is read from.
pub(super) fn wrong(place: &Place, error: deflate::Error) -> Error {
    match error {
        deflate::Error::Damaged(what) => place.garbled(&format!("cannot be inflated: {what}")),
        deflate::Error::Io(source) => {
            let own = source
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Error>());
            own.cloned().unwrap_or_else(|| Error::Io {
                path: place.path().to_owned(),
                source: Arc::clone(&source),
            })
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
