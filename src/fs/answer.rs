//! The kernel's words for ours: attributes, modes and error numbers.
//!
//! An errno is made here and nowhere else, from one match without a wildcard, so that a new kind of failure cannot
//! be served as something it is not. Never EAGAIN or EINTR (tools then loop for ever or copy an empty file), never
//! ENOENT for a name that is listed (tools then take the photo for deleted).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, INodeNo};

use super::options::Owner;
use crate::content::Error;
use crate::tree::{Attr, Kind};

/// What `cat` and `cp` take for their buffer: at 128 KiB they read 256 KiB at a time, at 4 KiB far less.
const BLOCK_BYTES: u32 = 128 * 1024;

/// The unit of `st_blocks`, fixed by POSIX practice.
const SECTOR_BYTES: u64 = 512;

/// The error number for bytes that cannot be served.
pub(super) fn errno(error: &Error) -> Errno {
    match error {
        Error::Missing { .. } => Errno::EIO,
        Error::Garbled { .. } => Errno::EIO,
        Error::Changed { .. } => Errno::ESTALE,
        Error::Denied { .. } => Errno::EACCES,
        Error::Io { .. } => Errno::EIO,
    }
}

/// Type of an entry.
pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Dir => FileType::Directory,
        Kind::File => FileType::RegularFile,
        Kind::Link => FileType::Symlink,
    }
}

/// What `stat` shows. Write bits stand although nothing can be written: a copy shall be its owner's to repair.
pub(super) fn file_attr(attr: &Attr, owner: &Owner) -> FileAttr {
    let mtime = time(attr.mtime, 0);
    let perm = match attr.kind {
        Kind::Dir => 0o755 & !owner.umask,
        Kind::File => 0o644 & !owner.umask,
        Kind::Link => 0o777,
    };
    FileAttr {
        ino: INodeNo(attr.ino),
        size: attr.size,
        blocks: attr.size.div_ceil(SECTOR_BYTES),
        atime: mtime,
        mtime,
        ctime: time(attr.ctime, attr.ctime_nsec),
        crtime: UNIX_EPOCH,
        kind: file_type(attr.kind),
        perm,
        nlink: attr.nlink,
        uid: owner.uid,
        gid: owner.gid,
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

/// A moment; before 1970 the seconds are negative and the fraction still counts forwards.
fn time(secs: i64, nsec: u32) -> SystemTime {
    let whole = Duration::from_secs(secs.unsigned_abs());
    let second = if secs < 0 {
        UNIX_EPOCH - whole
    } else {
        UNIX_EPOCH + whole
    };
    second + Duration::from_nanos(u64::from(nsec))
}

/// Remembers which files were complained about, so that a tool that tries for ever does not fill the disk with log.
#[derive(Default)]
pub(super) struct Complaints {
    last: Mutex<HashMap<u64, Instant>>,
}

impl Complaints {
    /// One line per file and minute.
    const PAUSE: Duration = Duration::from_secs(60);

    /// Above this many files of one minute the oldest are forgotten, so that a dead archive of a million photos
    /// does not grow the process.
    const MOST: usize = 16 * 1024;

    /// Is a complaint about `ino` due? Counts as made if so.
    pub(super) fn due(&self, ino: u64, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(then) = last.get(&ino)
            && now.saturating_duration_since(*then) < Self::PAUSE
        {
            return false;
        }
        if last.len() >= Self::MOST {
            last.retain(|_, then| now.saturating_duration_since(*then) < Self::PAUSE);
            if last.len() >= Self::MOST {
                last.clear();
            }
        }
        last.insert(ino, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_keep_second_and_fraction() {
        assert_eq!(time(0, 5), UNIX_EPOCH + Duration::from_nanos(5));
        assert_eq!(time(-1, 0), UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(
            time(-1, 250_000_000),
            UNIX_EPOCH - Duration::from_millis(750)
        );
        assert_eq!(time(7, 9), UNIX_EPOCH + Duration::new(7, 9));
    }

    #[test]
    fn one_complaint_per_file_and_minute() {
        let complaints = Complaints::default();
        let start = Instant::now();
        assert!(complaints.due(7, start));
        assert!(complaints.due(8, start));
        assert!(!complaints.due(7, start + Duration::from_secs(59)));
        assert!(complaints.due(7, start + Duration::from_secs(60)));
        for ino in 0..100_000 {
            complaints.due(ino, start);
        }
        assert!(complaints.last.lock().unwrap().len() <= Complaints::MOST);
    }
}
