//! What a mount needs from the house, as one private interface.
//!
//! Two things implement it: [`Shelves`], the tree and the content of a real library, and the in-memory library of the
//! tests, which can fail and stall on command. Nothing outside `fs` sees it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::xattr::{self, Xattr};
use crate::content::{Content, Error};
use crate::model::Sidecar;
use crate::tree::numbers::Document;
use crate::tree::{Attr, Kind, Totals, Tree};

/// Takes one entry of a listing; answers `true` when it wants no more.
pub(super) type Take<'a> = &'a mut dyn FnMut(&Attr, &[u8]) -> bool;

/// Names and bytes, as the kernel asks for them.
///
/// Everything but `read` answers at once: it runs on the threads that also answer `ls`.
pub(super) trait Library: Send + Sync + 'static {
    /// What `stat` tells of an inode.
    fn attr(&self, ino: u64) -> Option<Attr>;
    /// Whether an inode is a directory.
    fn is_dir(&self, ino: u64) -> bool {
        self.attr(ino).is_some_and(|attr| attr.kind == Kind::Dir)
    }
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
    /// The extended attributes of an inode; this may take a read from a disk.
    fn xattrs(&self, ino: u64) -> Result<Vec<Xattr>, Error>;
}

/// What sidecars say, for texts that are made when they are read.
pub struct Register {
    /// Where it is written, for messages.
    pub path: PathBuf,
    /// Looks up a sidecar by its number.
    #[allow(
        clippy::type_complexity,
        reason = "it is written here and nowhere else"
    )]
    pub look: Box<dyn Fn(u32) -> io::Result<Option<Sidecar>> + Send + Sync>,
}

/// A real library, as one tree shows it.
pub(super) struct Shelves {
    pub(super) tree: Arc<Tree>,
    pub(super) content: Arc<Content>,
    /// Only where something is shown that is made of it.
    pub(super) register: Option<Register>,
}

impl Shelves {
    /// What is known of the sidecar of a photo.
    fn sidecar(&self, photo: u64) -> Result<Option<Sidecar>, Error> {
        let number = self.tree.file(photo).and_then(|file| file.sidecar);
        let (Some(register), Some(number)) = (&self.register, number) else {
            return Ok(None);
        };
        (register.look)(number).map_err(|error| Error::Io {
            path: register.path.clone(),
            source: Arc::new(error),
        })
    }

    /// A range of the XMP document beside a photo; `None` when there is none.
    fn text(
        &self,
        photo: u64,
        ino: u64,
        offset: u64,
        len: usize,
    ) -> Option<Result<Vec<u8>, Error>> {
        let sidecar = match self.sidecar(photo) {
            Ok(sidecar) => sidecar,
            Err(error) => return Some(Err(error)),
        };
        let text = self.tree.text(ino, sidecar.as_ref())?;
        Some(match text {
            Ok(text) => {
                let from = text
                    .len()
                    .min(usize::try_from(offset).unwrap_or(usize::MAX));
                let to = text.len().min(from.saturating_add(len));
                Ok(text[from..to].to_vec())
            }
            Err(what) => Err(Error::Garbled {
                path: self
                    .register
                    .as_ref()
                    .map(|register| register.path.clone())
                    .unwrap_or_default(),
                what,
            }),
        })
    }
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
            if take(&attr, &name) {
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
        if let Some((photo, Document::Xmp)) = self.tree.beside(ino) {
            return self.text(photo, ino, offset, len);
        }
        let blob = self.tree.blob(ino)?;
        Some(self.content.read(&blob, offset, len))
    }

    fn xattrs(&self, ino: u64) -> Result<Vec<Xattr>, Error> {
        let Some(file) = self.tree.file(ino) else {
            return Ok(Vec::new());
        };
        let sidecar = self.sidecar(ino)?;
        let facts = self.tree.facts(ino, sidecar.as_ref());
        Ok(facts
            .map(|facts| xattr::of(&facts, sidecar.as_ref(), file.role))
            .unwrap_or_default())
    }
}
