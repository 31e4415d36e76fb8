//! Lets the kernel ask: translates FUSE requests into questions to tree and content, and their answers back.
//!
//! | file | what it is |
//! | --- | --- |
//! | `fs.rs` | the translation itself |
//! | `library`, `listings`, `notices` | what is shown, and another in its place |
//! | [`options`], [`check`], [`mount`] | from `-o` and a mountpoint to a running mount, and to its end |
//! | [`mounts`], `registry` | what is mounted where; unmounting |
//! | [`privilege`] | root or not; namespaces |
//! | [`machine`] | what this machine offers for a mount, piece by piece |
//! | [`daemon`], [`log`], [`lock`], [`control`] | the background server, its log, its lock, its socket |
//!
//! Promises:
//! - Read only by construction: every request to change something answers EROFS.
//! - `open` succeeds without looking at a byte; errors come from `read` alone, and say once a minute per file in the
//!   log what is wrong. A read is never short before the end of a file: too few bytes are an error.
//! - A request thread never waits for bytes: what may wait goes to the `pool` together with its reply.
//! - A position in a directory is a key of the entry there, its inode plus one, never an index: whatever happens to
//!   the entries before it, none behind it is skipped.
//!
//! Why the kernel may remember everything for a year: when another tree is shown it is told, directory by directory, what
//! does not hold any more (see `listings` and `notices`). Names that do not exist are not remembered at all: asking costs
//! microseconds, and nothing has to be taken back should one appear.

mod answer;
pub mod check;
pub mod control;
mod counters;
pub mod daemon;
mod desk;
pub mod helper;
mod library;
mod listings;
pub mod lock;
pub mod log;
pub mod machine;
pub mod mount;
pub mod mounts;
mod notices;
pub mod options;
mod pool;
pub mod privilege;
mod registry;
#[cfg(test)]
mod tests;
mod xattr;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, FopenFlags,
    Generation, INodeNo, InitFlags, IoctlFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags,
    ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry,
    ReplyIoctl, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow,
    WriteFlags,
};

use nix::unistd::{getegid, geteuid};

use crate::content::Content;
use crate::tree::Tree;
use answer::{Complaints, file_type};
use counters::bump;
pub use counters::{Counters, Snapshot};
use desk::{Desk, Door};
pub use library::Register;
use library::{Library, Shelves};
use listings::Listings;
pub use notices::Shown;
use options::{Access, Options};
use pool::Pool;

/// How long the kernel may answer for us. It is told what changes, so any long time is right; a short one costs a request
/// per entry and walk.
const TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Inodes are permanent and never reused for something else, so one generation does for ever (NFS needs one).
const GENERATION: Generation = Generation(0);

/// Reads that may wait at the same time. Fewer let one slow disk hold up the others; each costs a thread that sleeps.
const READERS: usize = 8;

/// Requests that the kernel may have under way by itself (readahead). Its default of 12 starves parallel readers.
const BACKGROUND: u16 = 64;

/// The block of `statfs`; `df` and `stat -f` count in it.
const STATFS_BLOCK_BYTES: u32 = 4096;

/// Whether the kernel tells us when a file is opened, for the whole life of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// It need not: all bytes lie in local archives. Saves a request per file and keeps the page cache.
    Untold,
    /// It must, so that bytes in use can be held.
    Told,
}

/// The filesystem, ready to be mounted.
pub struct Fs {
    desk: Arc<Desk>,
    pool: Arc<Pool>,
    opens: Opens,
    xattrs: bool,
    /// OPEN is answered ENOSYS: the kernel agreed to open by itself from then on.
    no_open: bool,
}

impl Fs {
    /// A filesystem that shows `tree` with the bytes of `content`, and what is made of `register`.
    pub fn new(
        tree: Arc<Tree>,
        content: Arc<Content>,
        register: Option<Register>,
        options: &Options,
        opens: Opens,
    ) -> io::Result<Fs> {
        let counted = content.shared_counters();
        let shelves = Shelves {
            tree,
            content,
            register,
        };
        let fs = Fs::show(Arc::new(shelves), options, opens)?;
        fs.desk.counters.content.get_or_init(|| counted);
        Ok(fs)
    }

    /// The same, with extended attributes or without.
    pub fn with_xattrs(self, xattrs: bool) -> Fs {
        Fs { xattrs, ..self }
    }

    /// Answers a question for attributes on a thread that may wait.
    fn attributes(
        &self,
        ino: u64,
        reply: ReplyXattr,
        answer: impl FnOnce(&[xattr::Xattr], ReplyXattr) + Send + 'static,
    ) {
        let desk = self.desk.clone();
        self.pool.submit(move || match desk.now().xattrs(ino) {
            Ok(found) => answer(&found, reply),
            Err(error) => reply.error(desk.refuse(ino, &error)),
        });
    }

    fn show(library: Arc<dyn Library>, options: &Options, opens: Opens) -> io::Result<Fs> {
        let door = (options.access == Access::Root).then(|| Door {
            uid: geteuid().as_raw(),
            gid: getegid().as_raw(),
        });
        Ok(Fs {
            desk: Arc::new(Desk {
                listings: Listings::new(library),
                owner: options.owner,
                door,
                counters: Arc::default(),
                complaints: Complaints::default(),
                doubted: OnceLock::new(),
            }),
            pool: Arc::new(Pool::start(READERS)?),
            opens,
            xattrs: false,
            no_open: false,
        })
    }

    /// What it shows, to be exchanged while it is mounted.
    pub fn shown(&self) -> Shown {
        Shown {
            desk: self.desk.clone(),
        }
    }

    /// The counters of this filesystem; they live on after it.
    pub fn counters(&self) -> Arc<Counters> {
        self.desk.counters.clone()
    }
}

impl Filesystem for Fs {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // One by one: asked together, one that an older kernel lacks would lose them all. Readahead and the size of
        // a read are at the kernel's maximum already.
        let mut ask = |flag: InitFlags| {
            let granted = config.add_capabilities(flag).is_ok();
            if !granted {
                tracing::debug!("this kernel lacks {flag:?}");
            }
            granted
        };
        ask(InitFlags::FUSE_ASYNC_READ);
        ask(InitFlags::FUSE_PARALLEL_DIROPS);
        ask(InitFlags::FUSE_CACHE_SYMLINKS);
        // Without READDIRPLUS_AUTO, which stops after the first page: a walk with stat took 33 s instead of 9.
        ask(InitFlags::FUSE_DO_READDIRPLUS);
        // Right, since `lookup` finds `.` and `..` of every inode, and inodes are permanent.
        ask(InitFlags::FUSE_EXPORT_SUPPORT);
        self.no_open = self.opens == Opens::Untold && ask(InitFlags::FUSE_NO_OPEN_SUPPORT);
        config
            .set_max_background(BACKGROUND)
            .map_err(|least| io::Error::other(format!("max_background must be {least}")))?;
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        bump(&self.desk.counters.lookup);
        match self.desk.lookup(parent.0, name.as_bytes()) {
            Some(attr) => reply.entry(&TTL, &self.desk.shown(&attr), GENERATION),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        bump(&self.desk.counters.getattr);
        match self.desk.now().attr(ino.0) {
            Some(attr) => reply.attr(&TTL, &self.desk.shown(&attr)),
            None => reply.error(Errno::ESTALE),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.desk.now().target(ino.0) {
            Some(target) => reply.data(&target),
            None => reply.error(Errno::EINVAL),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        bump(&self.desk.counters.open);
        if self.no_open {
            // Not an error: the kernel opens this and every later file by itself, keeping the page cache.
            reply.error(Errno::ENOSYS);
        } else {
            let flags = FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_NOFLUSH;
            reply.opened(FileHandle(0), flags);
        }
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let (handle, kept) = self.desk.listings.open(ino.0);
        let mut flags = FopenFlags::FOPEN_KEEP_CACHE;
        flags.set(FopenFlags::FOPEN_CACHE_DIR, kept);
        reply.opened(FileHandle(handle), flags);
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.desk.listings.close(handle.0);
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        bump(&self.desk.counters.read);
        let ino = ino.0;
        let len = match self.desk.clamp(ino, offset, size) {
            Some(0) => return reply.data(&[]),
            Some(len) => len,
            None => return self.desk.answer(ino, 0, None, reply),
        };
        if let Some(bytes) = self.desk.now().read_now(ino, offset, len) {
            return self.desk.answer(ino, len, Some(bytes), reply);
        }
        let desk = self.desk.clone();
        self.pool.submit(move || {
            let bytes = desk.read(ino, offset, len);
            desk.answer(ino, len, bytes, reply);
        });
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self
            .desk
            .list((ino.0, handle.0), offset, &mut |attr, next, name| {
                let name = OsStr::from_bytes(name);
                reply.add(INodeNo(attr.ino), next, file_type(attr.kind), name)
            });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdirplus(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let desk = &self.desk;
        bump(&desk.counters.readdirplus);
        let now = desk.now();
        let is_current = Arc::ptr_eq(&now, &desk.listings.of(handle.0));
        let listed = desk.list((ino.0, handle.0), offset, &mut |attr, next, name| {
            let (attr, holds) = if is_current || matches!(name, b"." | b"..") {
                (*attr, true)
            } else {
                desk::current(&*now, ino.0, attr, name)
            };
            let ttl = if holds { &TTL } else { &Duration::ZERO };
            let (name, shown) = (OsStr::from_bytes(name), desk.shown(&attr));
            reply.add(shown.ino, next, name, ttl, &shown, GENERATION)
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let totals = self.desk.now().totals();
        let blocks = totals.bytes.div_ceil(u64::from(STATFS_BLOCK_BYTES));
        let files = totals.files + totals.documents + totals.dirs;
        reply.statfs(
            blocks,
            0,
            0,
            files,
            0,
            STATFS_BLOCK_BYTES,
            255,
            STATFS_BLOCK_BYTES,
        );
    }

    /// The kernel answers by itself from owner and mode (`default_permissions`); this is for one that does not.
    fn access(&self, _: &Request, _: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        if mask.contains(AccessFlags::W_OK) {
            reply.error(Errno::EROFS);
        } else {
            reply.ok();
        }
    }

    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        _: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        reply.error(Errno::ENOTTY);
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        if !self.xattrs {
            // Never ask again.
            reply.error(Errno::ENOSYS);
        } else if name.as_bytes().starts_with(xattr::PREFIX.as_bytes()) {
            let name = name.to_owned();
            self.attributes(ino.0, reply, move |found, reply| {
                xattr::get(found, &name, size, reply);
            });
        } else {
            // The kernel itself asks for those of others, with every `ls -l`.
            reply.error(Errno::ENODATA);
        }
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        if self.xattrs {
            self.attributes(ino.0, reply, move |found, reply| {
                xattr::list(found, size, reply);
            });
        } else {
            reply.error(Errno::ENOSYS);
        }
    }

    // ENOSYS to the following means: never ask again. Nothing is held back to be flushed; files have no holes.

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn lseek(&self, _: &Request, _: INodeNo, _: FileHandle, _: i64, _: i32, reply: ReplyLseek) {
        reply.error(Errno::ENOSYS);
    }

    // Whatever would change something. The kernel refuses first, since the mount is `ro`; this is the second lock.

    #[rustfmt::skip]
    fn setattr(
        &self, _: &Request, _: INodeNo, _: Option<u32>, _: Option<u32>, _: Option<u32>, _: Option<u64>,
        _: Option<TimeOrNow>, _: Option<TimeOrNow>, _: Option<SystemTime>, _: Option<FileHandle>,
        _: Option<SystemTime>, _: Option<SystemTime>, _: Option<SystemTime>, _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn mknod(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn mkdir(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn unlink(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn rmdir(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn symlink(&self, _: &Request, _: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn rename(
        &self, _: &Request, _: INodeNo, _: &OsStr, _: INodeNo, _: &OsStr, _: RenameFlags, reply: ReplyEmpty,
    ) {
        reply.error(Errno::EROFS);
    }

    fn link(&self, _: &Request, _: INodeNo, _: INodeNo, _: &OsStr, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn write(
        &self, _: &Request, _: INodeNo, _: FileHandle, _: u64, _: &[u8], _: WriteFlags, _: OpenFlags,
        _: Option<LockOwner>, reply: ReplyWrite,
    ) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn setxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: &[u8], _: i32, _: u32, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn create(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn fallocate(&self, _: &Request, _: INodeNo, _: FileHandle, _: u64, _: u64, _: i32, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    #[rustfmt::skip]
    fn copy_file_range(
        &self, _: &Request, _: INodeNo, _: FileHandle, _: u64, _: INodeNo, _: FileHandle, _: u64, _: u64,
        _: CopyFileRangeFlags, reply: ReplyWrite,
    ) {
        reply.error(Errno::EROFS);
    }
}
