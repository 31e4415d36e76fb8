//! One server per state directory: a lock that ends with the process that holds it, however it dies.
//!
//! The lock is the kernel's (flock on the file `lock`), so a dead owner's lock is free by nature and no process number
//! has to be believed. The file's text, `pid\nmountpoint\n`, only tells people who it is; it is never removed, since a
//! lock on a file that was removed and made anew would be two locks. The lock belongs to the open file: handed to a
//! child it stays held until both have closed it.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Its name in the state directory.
const NAME: &str = "lock";

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another server has it, or a command that works on the library without mounting it.
    #[error("{}", told(.0.as_ref()))]
    Busy(Option<Holder>),
    /// The file cannot be made or locked.
    #[error("failed to lock {path}", path = .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Who holds a lock, in their own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process number.
    pub pid: u32,
    /// Where it mounts; empty when it only works on the catalog.
    pub mountpoint: PathBuf,
}

/// The lock, held until this and every copy that was handed over is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `state_dir`, which must exist, and writes into it who has it. Who mounts nothing gives an empty
    /// path.
    pub fn take(state_dir: &Path, mountpoint: &Path) -> Result<Lock, Error> {
        let path = state_dir.join(NAME);
        let failed = |source| Error::Io {
            path: path.clone(),
            source,
        };
        // Not truncated: the text is the owner's until the lock is ours.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let lock = Lock {
            file: opened.map_err(failed)?,
        };
        match lock.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy(lock.holder().map_err(failed)?));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        lock.sign(mountpoint).map_err(failed)?;
        Ok(lock)
    }

    /// Takes over a lock that a parent process has handed over, and signs it anew.
    pub fn inherit(handed: OwnedFd, mountpoint: &Path) -> io::Result<Lock> {
        let lock = Lock {
            file: File::from(handed),
        };
        lock.sign(mountpoint)?;
        Ok(lock)
    }

    /// A copy for a child process.
    pub fn hand_over(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Who holds the lock of `state_dir` now; `None` when nobody does.
    pub fn held_by(state_dir: &Path) -> io::Result<Option<Holder>> {
        let file = match File::open(state_dir.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Lock { file }.holder(),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Asks whoever holds the lock of `state_dir` for a mount on `mountpoint` to end.
    pub fn ask_to_end(state_dir: &Path, mountpoint: &Path) -> io::Result<()> {
        let holder = Lock::held_by(state_dir)?.filter(|holder| holder.mountpoint == mountpoint);
        let Some(pid) = holder.and_then(|holder| i32::try_from(holder.pid).ok()) else {
            return Ok(());
        };
        match kill(Pid::from_raw(pid), Signal::SIGTERM) {
            // It has ended by itself meanwhile.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until nobody holds the lock of `state_dir`; `false` if that takes longer than `patience`.
    pub fn wait_until_free(state_dir: &Path, patience: Duration) -> io::Result<bool> {
        let file = match File::open(state_dir.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        // flock knows no deadline, so it waits on a thread; one that waits in vain ends with the process.
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let locked = file.lock_shared();
            // Before the word goes out, so that who hears it can take the lock.
            drop(file);
            // Nobody listens any more once the time is over.
            let _ = tell.send(locked);
        });
        match told.recv_timeout(patience) {
            Ok(locked) => locked.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Written over the old text first and cut afterwards, so that a reader never finds nothing.
    fn sign(&self, mountpoint: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", std::process::id()).into_bytes();
        text.extend_from_slice(mountpoint.as_os_str().as_bytes());
        text.push(b'\n');
        self.file.write_all_at(&text, 0)?;
        self.file.set_len(text.len() as u64)
    }

    fn holder(&self) -> io::Result<Option<Holder>> {
        let mut text = Vec::new();
        (&self.file).read_to_end(&mut text)?;
        Ok(parse(&text))
    }
}

fn parse(text: &[u8]) -> Option<Holder> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let pid = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    let mountpoint = text[end + 1..].strip_suffix(b"\n")?;
    Some(Holder {
        pid,
        mountpoint: std::ffi::OsString::from_vec(mountpoint.to_vec()).into(),
    })
}

fn told(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { pid, mountpoint }) if mountpoint.as_os_str().is_empty() => {
            format!(
                "the library is in use by process {pid}, which works on its catalog; wait until it has ended"
            )
        }
        Some(Holder { pid, mountpoint }) => {
            let mountpoint = mountpoint.display();
            format!(
                "the library is mounted already, on {mountpoint} by process {pid}; `gphotosfs unmount {mountpoint}` takes \
                 it away"
            )
        }
        None => "the library is mounted already".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn one_owner_who_is_named_and_a_copy_that_holds_on() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Lock::wait_until_free(dir.path(), SOON).unwrap());
        let first = Lock::take(dir.path(), Path::new("/mnt/a longer\nname")).unwrap();
        let Err(Error::Busy(Some(holder))) = Lock::take(dir.path(), Path::new("/other")) else {
            panic!("taken twice")
        };
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.mountpoint, Path::new("/mnt/a longer\nname"));

        let copy = first.hand_over().unwrap();
        drop(first);
        assert!(!Lock::wait_until_free(dir.path(), SOON).unwrap());
        let child = Lock::inherit(copy, Path::new("/b")).unwrap();
        let busy = Lock::take(dir.path(), Path::new("/other"))
            .unwrap_err()
            .to_string();
        assert!(busy.contains("on /b by process"), "{busy}");
        drop(child);
        assert!(Lock::wait_until_free(dir.path(), LONG).unwrap());
        let working = Lock::take(dir.path(), Path::new("")).unwrap();
        let busy = Lock::take(dir.path(), Path::new("/other"))
            .unwrap_err()
            .to_string();
        assert!(
            busy.contains("in use by process") && !busy.contains("mounted"),
            "{busy}"
        );
        drop(working);
        Lock::take(dir.path(), Path::new("/other")).unwrap();
    }

    #[test]
    fn the_text_may_be_anything() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"12"), None);
        assert_eq!(parse(b"x\n/a\n"), None);
        assert_eq!(parse(b"12\n/a"), None);
    }
}
