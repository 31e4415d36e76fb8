//! What a tree no longer lists and somebody may still have open: contents that the tree before it showed.
//!
//! The kernel reads by inode. A photo that was replaced by its edited version, or that got another number, leaves the
//! tree while programs read or map it; they go on with the bytes they began with. Such contents have no name and no
//! place, and as an unlinked file has, no links. They are kept as long as the mount lives: few photos ever leave.

use super::image::FileRecord;
use super::{Attr, Tree};
use crate::model::{Blob, Location};

/// A content without a place.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    file: FileRecord,
    /// For [`Location::File`] the path below the part's folder.
    path: Box<[u8]>,
}

impl Tree {
    /// Keeps readable what the tree before this one showed, or carried itself, and this one does not show.
    pub fn carry(&mut self, before: &Tree) {
        let shown = before.files.iter().zip(&before.nlink);
        let shown = shown.filter(|(_, nlink)| **nlink > 0);
        let shown = shown.map(|(file, _)| (file, before.path_of(file.location)));
        let older = before.carried.iter().map(|old| (&old.file, &*old.path));
        let mut carried: Vec<Carried> = shown
            .chain(older)
            .filter(|(file, _)| self.file_number(file.ino).is_none())
            .map(|(file, path)| self.carried_of(file, path))
            .collect();
        carried.sort_unstable_by_key(|carried| carried.file.ino);
        carried.dedup_by_key(|carried| carried.file.ino);
        self.carried = carried;
    }

    /// As this tree knows the content, where it does: its bytes may lie elsewhere by now.
    fn carried_of(&self, file: &FileRecord, path: &[u8]) -> Carried {
        let known = self.files.binary_search_by_key(&file.ino, |file| file.ino);
        let known = known.ok().map(|at| &self.files[at]);
        let known = known.filter(|known| (known.size, known.crc32) == (file.size, file.crc32));
        let (file, path) =
            known.map_or((file, path), |known| (known, self.path_of(known.location)));
        Carried {
            file: *file,
            path: path.into(),
        }
    }

    fn carried(&self, ino: u64) -> Option<(usize, &Carried)> {
        let at = self
            .carried
            .binary_search_by_key(&ino, |carried| carried.file.ino)
            .ok()?;
        Some((at, &self.carried[at]))
    }

    pub(super) fn carried_attr(&self, ino: u64) -> Option<Attr> {
        Some(Attr::of(&self.carried(ino)?.1.file, 0))
    }

    pub(super) fn carried_blob(&self, ino: u64) -> Option<Blob<'_>> {
        let (at, Carried { file, path }) = self.carried(ino)?;
        Some(Blob {
            index: (self.files.len() + self.documents.json.len() + at) as u32,
            ino,
            size: file.size,
            crc32: file.crc32,
            location: file.location,
            path,
        })
    }

    /// Blobs that lie where the tree before this one had them: their index there, their index here, and their part.
    pub fn same_blobs<'a>(
        &'a self,
        before: &'a Tree,
    ) -> impl Iterator<Item = (u32, u32, u32)> + 'a {
        let json = (0..self.documents.json.len()).filter_map(|at| self.json_inode(at));
        let carried = self.carried.iter().map(|carried| carried.file.ino);
        let inodes = self.files.iter().map(|file| file.ino);
        inodes.chain(json).chain(carried).filter_map(|ino| {
            let (was, is) = (before.blob(ino)?, self.blob(ino)?);
            lies_alike(&was, &is).then(|| (was.index, is.index, is.location.part()))
        })
    }
}

/// Numbers of paths are each tree's own.
fn lies_alike(a: &Blob<'_>, b: &Blob<'_>) -> bool {
    let lie = match (a.location, b.location) {
        (
            Location::File { part, mtime_ns, .. },
            Location::File {
                part: other,
                mtime_ns: then,
                ..
            },
        ) => (part, mtime_ns, a.path) == (other, then, b.path),
        (a, b) => a == b,
    };
    lie && (a.size, a.crc32) == (b.size, b.crc32)
}
