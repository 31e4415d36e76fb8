//! Where bytes lie: archives and files on local disks.
//!
//! Promises: [`Store::read`] gives exactly the bytes asked for, out of the very file that was indexed, or an error.
//! It opens lazily, keeps the [`OPEN_FILES`] used last open, and opens anew what was renamed away and put back.
//!
//! Never: mmap (a disk that is pulled would kill the mount with SIGBUS), a wait on a pipe that took a file's place, an
//! offset that a seek shares between threads.
//!
//! Why the stat comes *after* the read: a stat before it says nothing about the moment of reading, while a change made
//! before or during the read shows in a stat that follows. So one stat and one pread prove a read.

pub mod watch;

use std::borrow::Cow;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use nix::fcntl::OFlag;

/// How many files stay open. Fewer cost an open per read where a backup walks by date through more archives than
/// this; many more come near the usual limit of 1024 descriptors.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Why bytes could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nothing is there.
    #[error("{} is missing", path.display())]
    Missing {
        /// The archive or file.
        path: PathBuf,
    },
    /// Something else is there than was indexed.
    #[error("{} is not the file that was indexed: it was replaced or changed", path.display())]
    Changed {
        /// The archive or file.
        path: PathBuf,
    },
    /// The system does not let us read it.
    #[error("{} may not be read", path.display())]
    Denied {
        /// The archive or file.
        path: PathBuf,
    },
    /// The disk failed, or something else that the system says.
    #[error("failed to read {}", path.display())]
    Io {
        /// The archive or file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
}

impl Error {
    /// Gives a system error the kind that callers act on.
    fn of(path: &Path, source: io::Error) -> Error {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Missing { path },
            io::ErrorKind::PermissionDenied => Error::Denied { path },
            _ => Error::Io {
                path,
                source: Arc::new(source),
            },
        }
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The filesystem it is on; may be another one after a reboot.
    pub dev: u64,
    /// Its inode.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Time of the last change of any kind, nanoseconds since 1970; nobody can set it back.
    pub ctime_ns: i64,
}

impl Stamp {
    fn of(meta: &Metadata) -> Stamp {
        let nanos =
            |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        Stamp {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanos(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// Short name of a file that may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The archive of a part.
    Archive(u32),
    /// A file of an unpacked part, by what tells its content from any other.
    File(u64),
}

/// Which file is meant, and what it was when it was indexed.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its short name.
    pub key: Key,
    /// Where it lies.
    pub path: Cow<'a, Path>,
    /// Its length when it was indexed.
    pub size: u64,
    /// Its modification time when it was indexed, nanoseconds since 1970.
    pub mtime_ns: i64,
}

/// A file that is open, and what it was at that moment.
struct Object {
    file: File,
    stamp: Stamp,
}

/// Reads from local files. The lock is held for a look into the table only, never during I/O.
pub struct Store {
    open: Mutex<LruCache<Key, Arc<Object>>>,
    opens: AtomicU64,
}

impl Default for Store {
    fn default() -> Store {
        Store {
            open: Mutex::new(LruCache::new(OPEN_FILES)),
            opens: AtomicU64::new(0),
        }
    }
}

impl Store {
    /// How many files were opened so far.
    pub fn opens(&self) -> u64 {
        self.opens.load(Ordering::Relaxed)
    }

    /// What the file is, opening it where it is not open. No proof that its path still leads to it: that is
    /// [`Store::read`]'s, which tells the stamp of what it read.
    pub fn stamp(&self, wanted: &Wanted<'_>) -> Result<Stamp, Error> {
        Ok(self.object(wanted)?.stamp)
    }

    /// Fills `buf` from `offset` on. The stamp is that of the file the bytes came from.
    pub fn read(&self, wanted: &Wanted<'_>, offset: u64, buf: &mut [u8]) -> Result<Stamp, Error> {
        // A second try is for a file that is the right one but not the one that is open: a disk that was unmounted
        // and mounted again, or a change of mode or links, which moves the ctime.
        for _ in 0..2 {
            let object = self.object(wanted)?;
            let outcome = object.file.read_exact_at(buf, offset);
            match std::fs::metadata(&wanted.path) {
                Ok(meta) if Stamp::of(&meta) == object.stamp => {
                    return outcome
                        .map(|()| object.stamp)
                        .map_err(|source| Error::of(&wanted.path, source));
                }
                Ok(_) => self.forget(wanted.key),
                Err(source) => {
                    self.forget(wanted.key);
                    return Err(Error::of(&wanted.path, source));
                }
            }
        }
        Err(Error::Changed {
            path: wanted.path.to_path_buf(),
        })
    }

    fn table(&self) -> MutexGuard<'_, LruCache<Key, Arc<Object>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, key: Key) {
        let closed = self.table().pop(&key);
        drop(closed);
    }

    fn object(&self, wanted: &Wanted<'_>) -> Result<Arc<Object>, Error> {
        if let Some(object) = self.table().get(&wanted.key) {
            return Ok(Arc::clone(object));
        }
        let object = Arc::new(open(wanted)?);
        self.opens.fetch_add(1, Ordering::Relaxed);
        // What falls out is closed after the lock is gone.
        let fallen = self.table().push(wanted.key, Arc::clone(&object));
        drop(fallen);
        Ok(object)
    }
}

/// Opens what was indexed, or says why not.
fn open(wanted: &Wanted<'_>) -> Result<Object, Error> {
    let failed = |source| Error::of(&wanted.path, source);
    // A pipe or a device that took the file's place must not block the open, nor become our terminal.
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(&wanted.path)
        .map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let stamp = Stamp::of(&meta);
    if !meta.is_file() || stamp.size != wanted.size || stamp.mtime_ns != wanted.mtime_ns {
        return Err(Error::Changed {
            path: wanted.path.to_path_buf(),
        });
    }
    Ok(Object { file, stamp })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(path: &Path) -> Wanted<'static> {
        let stamp = Stamp::of(&std::fs::metadata(path).unwrap());
        Wanted {
            key: Key::Archive(1),
            path: path.to_owned().into(),
            size: stamp.size,
            mtime_ns: stamp.mtime_ns,
        }
    }

    #[test]
    fn many_reads_open_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let (store, wanted) = (Store::default(), wanted(&path));
        let mut buf = [0; 4];
        for _ in 0..5 {
            store.read(&wanted, 3, &mut buf).unwrap();
            assert_eq!(&buf, b"3456");
        }
        assert_eq!(store.opens(), 1);
    }

    #[test]
    fn a_change_of_links_opens_anew_and_tells_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let (store, wanted) = (Store::default(), wanted(&path));
        let mut buf = [0; 4];
        let before = store.read(&wanted, 0, &mut buf).unwrap();
        // The clock of ctimes is coarse, so the change is repeated until it shows.
        let mut turn = 0;
        while Stamp::of(&std::fs::metadata(&path).unwrap()) == before {
            std::fs::hard_link(&path, dir.path().join(format!("link{turn}"))).unwrap();
            turn += 1;
        }
        let after = store.read(&wanted, 0, &mut buf).unwrap();
        assert_eq!((before.ino, before.mtime_ns), (after.ino, after.mtime_ns));
        assert_ne!(before.ctime_ns, after.ctime_ns);
        assert_eq!(store.opens(), 2);
    }

    #[test]
    fn what_is_not_a_file_is_no_file_and_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let wanted = wanted(&path);
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(
            Store::default().read(&wanted, 0, &mut [0; 1]),
            Err(Error::Changed { .. })
        ));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(
            Store::default().read(&wanted, 0, &mut [0; 1]),
            Err(Error::Missing { .. })
        ));
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(
            Store::default().read(&wanted, 0, &mut [0; 1]),
            Err(Error::Changed { .. })
        ));
    }

    #[test]
    fn errors_of_the_system_become_kinds() {
        let kind = |errno: nix::errno::Errno| Error::of(Path::new("a"), errno.into());
        assert!(matches!(
            kind(nix::errno::Errno::ENOENT),
            Error::Missing { .. }
        ));
        assert!(matches!(
            kind(nix::errno::Errno::ENOTDIR),
            Error::Missing { .. }
        ));
        assert!(matches!(
            kind(nix::errno::Errno::EACCES),
            Error::Denied { .. }
        ));
        assert!(matches!(
            kind(nix::errno::Errno::EPERM),
            Error::Denied { .. }
        ));
        assert!(matches!(kind(nix::errno::Errno::EIO), Error::Io { .. }));
    }

    #[test]
    fn no_more_files_are_open_than_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::default();
        for number in 0..80u32 {
            let path = dir.path().join(number.to_string());
            std::fs::write(&path, b"x").unwrap();
            let wanted = Wanted {
                key: Key::File(u64::from(number)),
                ..wanted(&path)
            };
            store.read(&wanted, 0, &mut [0; 1]).unwrap();
        }
        assert_eq!(store.table().len(), OPEN_FILES.get());
    }
}
