//! The cache on disk: blobs that were inflated, one file each.
//!
//! ```text
//! lock                          held by the mount that owns the folder
//! tmp/PID-N                     being written
//! blobs/CD/SIZE-CRC32-IDENT     finished, see [`super::cached`]; mode 0400 when kept, 0600 on trial (see shelf)
//! ```
//!
//! Promises: all files together stay below the cap at every moment, those being written with their full size from the
//! beginning, removed ones until their last reader closed them; the filesystem keeps its floor of free space as far as
//! we are concerned. A file has a finished name only after all of it was checked. `kill -9` leaves files in `tmp`, which
//! the next owner removes.
//!
//! Never: SQL, a write per read (recency lives in memory; a file's mode and mtime change when its rank does), a file
//! removed that is not named as ours.
//!
//! **One owner.** A second mount on the same folder gets no room here and serves without it, until the first is gone:
//! two programs that do not know of each other's files cannot keep one cap. A guest reads finished files by their
//! names, owned or not, and keeps none open, so that none outlives its eviction for long.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use nix::errno::Errno;

use super::Hand;
use super::cached::{Cached, Name};
use super::counters::{Counters, add};
use super::folder::{TRIAL, claim, create_dirs, mark, scan};
use super::room::{Budget, Room, Unwritten};
use super::shelf::{Rank, Shelf};

/// Cached files that stay open: a few per reader of the mount.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(32).unwrap();
/// Why a blob gets no room.
#[derive(Debug)]
pub(super) enum NoRoom {
    /// It is larger than the whole cache.
    Large,
    /// All there is belongs to blobs that are being written or read right now.
    Busy,
    /// The filesystem would have less free space than it has to keep.
    Floor,
    /// Another mount owns the folder.
    Shared,
    /// This mount reads the cache alone.
    Guest,
    /// The folder cannot be written to, or its disk is full.
    Broken(io::Error),
}

struct Index {
    /// The locked file, while this mount owns the folder.
    owner: Option<File>,
    shelf: Shelf<Name, Arc<Room>>,
    open: LruCache<Name, Arc<Cached>>,
}

/// Lock order: `disk`, then `index`. `disk` is held by who adds or removes finished files, `index` for a look or a
/// change in memory, never during I/O.
///
/// Invariant: what the shelf names has a file, unless a stranger removed it; what it does not name has none.
pub(super) struct Cache {
    dir: PathBuf,
    max_bytes: u64,
    min_free_bytes: u64,
    counters: Arc<Counters>,
    hand: Hand,
    budget: Arc<Budget>,
    disk: Mutex<()>,
    index: Mutex<Index>,
    serial: AtomicU64,
    /// One bit per cause that was logged.
    logged: AtomicU32,
}

/// A file being written, with room for all of it. Removed on drop unless it got its name.
pub(super) struct Temp {
    path: PathBuf,
    /// Shared with those who read it while it grows.
    pub(super) file: Arc<File>,
    pub(super) room: Arc<Room>,
    _unwritten: Unwritten,
    named: bool,
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.named
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!("failed to remove {}: {error}", self.path.display());
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // Closing the file is not enough where a child process that was just started still has a copy of it.
        if let Some(owner) = lock(&self.index).owner.take()
            && let Err(error) = owner.unlock()
        {
            tracing::warn!("failed to unlock {}: {error}", self.dir.display());
        }
    }
}

impl Cache {
    /// Looks at the folder and owns it if nobody else does. A folder that cannot be used is no failure: it has no room.
    pub(super) fn open(
        dir: PathBuf,
        (max_bytes, min_free_bytes): (u64, u64),
        counters: Arc<Counters>,
        hand: Hand,
    ) -> Cache {
        let kept_max_bytes = max_bytes / 5 * 4;
        let index = Index {
            owner: None,
            shelf: Shelf::new(kept_max_bytes),
            open: LruCache::new(OPEN_FILES),
        };
        let cache = Cache {
            dir,
            max_bytes,
            min_free_bytes,
            counters,
            hand,
            budget: Arc::default(),
            disk: Mutex::default(),
            index: Mutex::new(index),
            serial: AtomicU64::new(0),
            logged: AtomicU32::new(0),
        };
        if let Err(cause) = cache.own(&lock(&cache.disk)) {
            cache.log(&cause);
        }
        cache
    }

    /// A finished file, if it is there. `again` says that a reader begins at the beginning.
    pub(super) fn get(&self, name: &Name, again: bool) -> Option<Arc<Cached>> {
        if self.hand == Hand::Reads {
            let room = Arc::new(self.budget.found(0));
            let opened = Cached::open(&self.path(name), name, room);
            return opened.ok().map(Arc::new);
        }
        let mut moved = Vec::new();
        let (room, open) = {
            let mut index = lock(&self.index);
            let room = Arc::clone(index.shelf.touch(name, again, &mut moved)?);
            (room, index.open.get(name).map(Arc::clone))
        };
        for (name, rank) in moved {
            if let Err(error) = mark(&self.path(&name), rank) {
                tracing::debug!("failed to mark {}: {error}", self.path(&name).display());
            }
        }
        if open.is_some() {
            return open;
        }
        match Cached::open(&self.path(name), name, room) {
            Ok(cached) => Some(self.keep_open(name, Arc::new(cached))),
            // Too many open files say nothing about this one.
            Err(error)
                if matches!(
                    error.raw_os_error().map(Errno::from_raw),
                    Some(Errno::EMFILE | Errno::ENFILE)
                ) =>
            {
                None
            }
            Err(error) => {
                self.discard(name, &error);
                None
            }
        }
    }

    /// Takes the folder over if its owner is gone. That nobody but `reserve` logs why not is on purpose.
    pub(super) fn inherit(&self) -> bool {
        self.own(&lock(&self.disk)).is_ok()
    }

    /// Whether it is there, as far as is known.
    pub(super) fn contains(&self, name: &Name) -> bool {
        lock(&self.index).shelf.contains(name)
    }

    /// Removes a file that turned out to be damaged.
    pub(super) fn discard(&self, name: &Name, cause: &io::Error) {
        if self.hand == Hand::Reads {
            tracing::warn!("{} in the cache: {cause}", self.path(name).display());
            return;
        }
        let _disk = lock(&self.disk);
        let removed = self.forget(name);
        if removed.is_some() {
            tracing::warn!(
                "dropped {} from the cache: {cause}",
                self.path(name).display()
            );
            self.unlink(name);
        }
    }

    /// Makes room for a blob and begins its file.
    pub(super) fn reserve(&self, name: &Name) -> Result<Temp, NoRoom> {
        let bytes = name.disk_bytes();
        if bytes > self.max_bytes && self.hand == Hand::Writes {
            return Err(NoRoom::Large);
        }
        let disk = lock(&self.disk);
        self.own(&disk)?;
        self.free_disk(bytes)?;
        let room = loop {
            match self.budget.take(bytes, self.max_bytes) {
                Some(room) => break Arc::new(room),
                None if self.evict().is_some() => {}
                None => return Err(NoRoom::Busy),
            }
        };
        drop(disk);
        let path = self.dir.join("tmp").join(format!(
            "{}-{}",
            std::process::id(),
            self.serial.fetch_add(1, Ordering::Relaxed)
        ));
        let file = self.create(&path).map_err(NoRoom::Broken)?;
        Ok(Temp {
            path,
            file: Arc::new(file),
            _unwritten: room.unwritten(),
            room,
            named: false,
        })
    }

    /// Gives a file that was written and checked its name.
    pub(super) fn commit(
        &self,
        mut temp: Temp,
        name: &Name,
        sums: Vec<u32>,
    ) -> io::Result<Arc<Cached>> {
        let path = self.path(name);
        let disk = lock(&self.disk);
        if let Err(error) = std::fs::rename(&temp.path, &path) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            create_dirs(path.parent().unwrap_or(&self.dir))?;
            std::fs::rename(&temp.path, &path)?;
        }
        temp.named = true;
        let replaced = lock(&self.index).shelf.insert(
            *name,
            name.disk_bytes(),
            Arc::clone(&temp.room),
            Rank::Trial,
        );
        drop(disk);
        drop(replaced);
        let cached = Cached::new(
            Arc::clone(&temp.file),
            name.size,
            sums,
            Arc::clone(&temp.room),
        );
        Ok(self.keep_open(name, Arc::new(cached)))
    }

    /// Logs a cause, the first time it comes up.
    pub(super) fn log(&self, cause: &NoRoom) {
        let dir = self.dir.display();
        let (bit, text) = match cause {
            NoRoom::Large => (
                1,
                format!("a file is larger than the cache in {dir} may be"),
            ),
            NoRoom::Busy => (
                2,
                format!("the cache in {dir} is too small for what is read at once"),
            ),
            NoRoom::Floor => (
                4,
                format!("the disk of the cache in {dir} has too little free space"),
            ),
            NoRoom::Shared => (8, format!("another mount uses the cache in {dir}")),
            // That is how it is meant.
            NoRoom::Guest => return,
            NoRoom::Broken(error) => (
                16,
                format!("failed to write to the cache in {dir}: {error}"),
            ),
        };
        if self.logged.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            tracing::warn!("{text}; such files are inflated anew each time");
        }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.dir.join("blobs").join(name.path())
    }

    /// Keeps a file open unless it left the shelf meanwhile. What has to be closed for it is closed without a lock.
    fn keep_open(&self, name: &Name, cached: Arc<Cached>) -> Arc<Cached> {
        let mut index = lock(&self.index);
        let known = index.shelf.contains(name);
        let closed = if known {
            index.open.push(*name, Arc::clone(&cached))
        } else {
            None
        };
        drop(index);
        drop(closed);
        cached
    }

    /// Takes a name out of memory. What is returned has to be dropped after the file is unlinked.
    fn forget(&self, name: &Name) -> Option<(Option<Arc<Cached>>, Arc<Room>)> {
        let mut index = lock(&self.index);
        let room = index.shelf.remove(name)?;
        Some((index.open.pop(name), room))
    }

    /// Removes the file that has to leave next, and says what it took.
    fn evict(&self) -> Option<u64> {
        let (name, bytes, room, open) = {
            let mut index = lock(&self.index);
            let (name, bytes, room) = index.shelf.pop()?;
            let open = index.open.pop(&name);
            (name, bytes, room, open)
        };
        self.unlink(&name);
        drop(open);
        drop(room);
        add(&self.counters.evictions, 1);
        Some(bytes)
    }

    fn unlink(&self, name: &Name) {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("failed to remove {}: {error}", self.path(name).display());
            }
            _ => {}
        }
    }

    /// Sees to it that the floor stays free after `bytes` more were written. Files are removed only as far as that
    /// should do; filesystems that free space late must not cost the whole cache.
    fn free_disk(&self, bytes: u64) -> Result<(), NoRoom> {
        let short = || {
            let stat = nix::sys::statvfs::statvfs(&self.dir)
                .map_err(|errno| NoRoom::Broken(errno.into()))?;
            let free = (stat.blocks_available() as u64).saturating_mul(stat.fragment_size() as u64);
            let need = self
                .min_free_bytes
                .saturating_add(self.budget.unwritten())
                .saturating_add(bytes);
            Ok(need.saturating_sub(free))
        };
        let missing = short()?;
        let mut freed = 0;
        while freed < missing
            && let Some(bytes) = self.evict()
        {
            freed += bytes;
        }
        if missing == 0 || short()? == 0 {
            Ok(())
        } else {
            Err(NoRoom::Floor)
        }
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(TRIAL);
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_dirs(&self.dir.join("tmp"))?;
                options.open(path)
            }
            outcome => outcome,
        }
    }

    /// Owns the folder, unless another mount does: removes what the last owner left half done, and finds out what is
    /// there. The guard shows that nobody else changes files meanwhile.
    fn own(&self, _disk: &MutexGuard<'_, ()>) -> Result<(), NoRoom> {
        if self.hand == Hand::Reads {
            return Err(NoRoom::Guest);
        }
        if lock(&self.index).owner.is_some() {
            return Ok(());
        }
        let owner = claim(&self.dir)?;
        let found = scan(&self.dir).map_err(NoRoom::Broken)?;
        let mut index = lock(&self.index);
        for (name, rank, _) in found {
            let room = Arc::new(self.budget.found(name.disk_bytes()));
            index.shelf.insert(name, name.disk_bytes(), room, rank);
        }
        index.owner = Some(owner);
        drop(index);
        while self.budget.used() > self.max_bytes && self.evict().is_some() {}
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
