//! What a mount needs from the house, as one private interface.
//!
//! Two things implement it: [`Shelves`], the tree and the content of a real library, and the in-memory library of the
//! tests, which can fail and stall on command. Nothing outside `fs` sees it.

use std::sync::Arc;

use crate::content::{Content, Error};
use crate::tree::{Attr, Totals, Tree};

/// Takes one entry of a listing; answers `true` when it wants no more.
pub(super) type Take<'a> = &'a mut dyn FnMut(&Attr, &[u8]) -> bool;

/// Names and bytes, as the kernel asks for them.
///
/// Everything but `read` answers at once: it runs on the threads that also answer `ls`.
pub(super) trait Library: Send + Sync + 'static {
    /// What `stat` tells of an inode.
    fn attr(&self, ino: u64) -> Option<Attr>;
    /// The entry `name` of `dir`.
    fn lookup(&self, dir: u64, name: &[u8]) -> Option<Attr>;
    /// Hands over the entries of `dir` with an inode above `after`, in inode order; `None` if `dir` is no directory.
    fn list(&self, dir: u64, after: u64, take: Take<'_>) -> Option<()>;
    /// The directory that holds `dir`; the root holds itself.
    fn parent(&self, dir: u64) -> Option<u64>;
    /// Where a symbolic link points.
    fn target(&self, ino: u64) -> Option<Vec<u8>>;
    /// A path under which the inode is shown.
    fn path(&self, ino: u64) -> Option<String>;
    /// The size of the library.
    fn totals(&self) -> Totals;
    /// Bytes that are at hand; `None` when getting them may take time, or the inode has no bytes.
    fn read_now(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>>;
    /// Bytes, however long it takes; `None` when the inode has none.
    fn read(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>>;
}

/// A real library.
pub(super) struct Shelves {
    pub(super) tree: Arc<Tree>,
    pub(super) content: Arc<Content>,
}

impl Library for Shelves {
    fn attr(&self, ino: u64) -> Option<Attr> {
        self.tree.attr(ino)
    }

    fn lookup(&self, dir: u64, name: &[u8]) -> Option<Attr> {
        self.tree.lookup(dir, name)
    }

    fn list(&self, dir: u64, after: u64, take: Take<'_>) -> Option<()> {
        for (attr, name) in self.tree.list(dir, after)? {
            if take(&attr, name) {
                break;
            }
        }
        Some(())
    }

    fn parent(&self, dir: u64) -> Option<u64> {
        self.tree.parent(dir)
    }

    fn target(&self, ino: u64) -> Option<Vec<u8>> {
        self.tree.target(ino)
    }

    fn path(&self, ino: u64) -> Option<String> {
        self.tree.path(ino)
    }

    fn totals(&self) -> Totals {
        self.tree.totals()
    }

    fn read_now(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>> {
        let blob = self.tree.blob(ino)?;
        self.content.read_now(&blob, offset, len)
    }

    fn read(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>> {
        let blob = self.tree.blob(ino)?;
        Some(self.content.read(&blob, offset, len))
    }
}
