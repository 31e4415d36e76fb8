//! What the request threads and the reading threads share: the library, and how its answers become replies.

use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use fuser::{Errno, FileAttr, ReplyData};

use super::answer::{Complaints, errno, file_attr};
use super::counters::{Counters, add};
use super::library::Library;
use super::listings::Listings;
use super::options::Owner;
use crate::content::Error;
use crate::model::chain;
use crate::tree::{Attr, Kind};

/// Positions of `.` and `..`; every other entry stands at its inode plus one, so inodes start above 1.
const DOT: u64 = 1;
const DOTDOT: u64 = 2;

/// The root directory.
const ROOT: u64 = 1;

/// Keeps strangers out where the mount is open to root besides its owner (`allow_root`).
///
/// The kernel knows no such mount. Answering strangers with an error, as FUSE libraries do, is not enough: what the
/// kernel remembers it tells them without asking, and files that it opens by itself it lets them read. The mode of
/// the root directory is the kernel's own to enforce.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What holds now of an entry in a listing that began with an earlier library: its attributes, and whether its name still
/// stands for it. Where it does not, the kernel is to ask before it believes any of it.
pub(super) fn current(now: &dyn Library, dir: u64, listed: &Attr, name: &[u8]) -> (Attr, bool) {
    match now.lookup(dir, name) {
        Some(attr) if attr.ino == listed.ino => (attr, true),
        _ => (now.attr(listed.ino).unwrap_or(*listed), false),
    }
}

/// What the request threads and the reading threads share.
pub(super) struct Desk {
    pub(super) listings: Listings,
    pub(super) owner: Owner,
    /// To whom alone the root directory belongs, if only root and the owner of the mount may come in.
    pub(super) door: Option<Door>,
    pub(super) counters: Arc<Counters>,
    pub(super) complaints: Complaints,
    /// Takes inodes of which the kernel is to forget all bytes, once there is a mount.
    pub(super) doubted: OnceLock<Sender<u64>>,
}

impl Desk {
    /// The library that is shown.
    pub(super) fn now(&self) -> Arc<dyn Library> {
        self.listings.now()
    }

    /// What `stat` shows of an entry.
    pub(super) fn shown(&self, attr: &Attr) -> FileAttr {
        let mut shown = file_attr(attr, &self.owner);
        if let Some(door) = self.door
            && attr.ino == ROOT
        {
            (shown.uid, shown.gid, shown.perm) = (door.uid, door.gid, 0o700);
        }
        shown
    }

    /// `.` and `..` come only from NFS, which opens by inode number: they work on any inode that is known.
    pub(super) fn lookup(&self, dir: u64, name: &[u8]) -> Option<Attr> {
        let library = self.now();
        match name {
            b"." => library.attr(dir),
            b".." => library.attr(library.parent(dir)?),
            name => library.lookup(dir, name),
        }
    }

    /// Hands the entries of `dir`, open as `handle`, behind position `offset` to `put` with their positions, until it says `true`.
    ///
    /// `.` and `..` carry their true attributes: the kernel takes their inode numbers and instantiates neither.
    pub(super) fn list(
        &self,
        (dir, handle): (u64, u64),
        offset: u64,
        put: &mut dyn FnMut(&Attr, u64, &[u8]) -> bool,
    ) -> Result<(), Errno> {
        let library = self.listings.of(handle);
        let this = library.attr(dir).ok_or(Errno::ESTALE)?;
        if this.kind != Kind::Dir {
            return Err(Errno::ENOTDIR);
        }
        if offset < DOT && put(&this, DOT, b".") {
            return Ok(());
        }
        if offset < DOTDOT {
            let parent = library.parent(dir).ok_or(Errno::ESTALE)?;
            let parent = library.attr(parent).ok_or(Errno::ESTALE)?;
            if put(&parent, DOTDOT, b"..") {
                return Ok(());
            }
        }
        let after = offset.max(DOTDOT) - 1;
        library
            .list(dir, after, &mut |attr, name| put(attr, attr.ino + 1, name))
            .ok_or(Errno::ENOTDIR)
    }

    /// How many of `size` bytes at `offset` the file has; `None` if nobody knows the file.
    pub(super) fn clamp(&self, ino: u64, offset: u64, size: u32) -> Option<usize> {
        let attr = self.now().attr(ino)?;
        Some(attr.size.saturating_sub(offset).min(u64::from(size)) as usize)
    }

    /// Reads, however long it takes. What failed while another library took the place of this one is tried once more: it
    /// may be known there where the bytes lie now.
    pub(super) fn read(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>> {
        let library = self.now();
        match library.read(ino, offset, len) {
            Some(Ok(bytes)) => Some(Ok(bytes)),
            failed => {
                let now = self.now();
                if Arc::ptr_eq(&now, &library) {
                    failed
                } else {
                    now.read(ino, offset, len)
                }
            }
        }
    }

    /// Sends the bytes, or the error that is theirs.
    pub(super) fn answer(
        &self,
        ino: u64,
        len: usize,
        bytes: Option<Result<Vec<u8>, Error>>,
        reply: ReplyData,
    ) {
        match bytes {
            Some(Ok(bytes)) if bytes.len() == len => {
                add(&self.counters.bytes, len as u64);
                reply.data(&bytes);
            }
            Some(Ok(bytes)) => {
                self.complain(ino, &format!("{} bytes came where {len} must", bytes.len()));
                reply.error(Errno::EIO);
            }
            Some(Err(error)) => {
                reply.error(self.refuse(ino, &error));
                self.doubt(ino);
            }
            None => {
                self.complain(ino, "nobody knows where its bytes are");
                reply.error(Errno::EIO);
            }
        }
    }

    /// Writes down why something is not served; gives the number for it.
    pub(super) fn refuse(&self, ino: u64, error: &Error) -> Errno {
        self.complain(ino, &chain(error));
        errno(error)
    }

    /// A large file is served while it is checked. When it fails in the end, what the kernel keeps of its beginning
    /// must not be given to the next reader. Only after the reply: the kernel holds the pages of a read until then.
    fn doubt(&self, ino: u64) {
        if let Some(doubted) = self.doubted.get()
            && doubted.send(ino).is_err()
        {
            tracing::debug!("nobody is left to tell the kernel of inode {ino}");
        }
    }

    fn complain(&self, ino: u64, why: &str) {
        if self.complaints.due(ino, Instant::now()) {
            let path = self
                .now()
                .path(ino)
                .unwrap_or_else(|| format!("inode {ino}"));
            tracing::error!("failed to read {path}: {why}");
        }
    }
}
