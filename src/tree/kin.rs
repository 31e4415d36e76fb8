//! What a person means by a path: the photos at or below it, and what belongs to them.

use super::image::{FileRecord, Hidden, Image};
use super::{Attr, Kind, ROOT, Tree};
use std::collections::{BTreeMap, BTreeSet};

impl Tree {
    /// What stands at a path below the root; blanks between slashes are left out.
    pub fn at(&self, path: &[u8]) -> Option<Attr> {
        let names = path.split(|byte| *byte == b'/');
        let mut at = self.attr(ROOT)?;
        for name in names.filter(|name| !name.is_empty()) {
            at = self.lookup(at.ino, name)?;
        }
        Some(at)
    }

    /// Inodes of all photos at an inode or below it; of a document, that of its photo.
    pub fn photos_at(&self, ino: u64) -> BTreeSet<u64> {
        let mut photos = BTreeSet::new();
        let mut left = vec![ino];
        while let Some(ino) = left.pop() {
            if let Some(entries) = self.list(ino, 0) {
                left.extend(entries.map(|(attr, _)| attr.ino));
            } else if let Some((photo, _)) = self.beside(ino) {
                photos.insert(photo);
            } else if self.attr(ino).is_some_and(|attr| attr.kind == Kind::File) {
                photos.insert(ino);
            }
        }
        photos
    }
}

impl Image {
    /// The number of a file.
    pub fn number(&self, ino: u64) -> Option<u32> {
        let found = self.files.binary_search_by_key(&ino, |file| file.ino);
        found.ok().map(|number| number as u32)
    }

    /// A file by its number.
    pub fn file(&self, number: u32) -> Option<&FileRecord> {
        self.files.get(number as usize)
    }

    /// The version that is shown of the photo to which a file belongs.
    pub fn shown(&self, file: u32) -> u32 {
        let versions = &self.lines.versions;
        match versions.binary_search_by_key(&file, |(version, _)| *version) {
            Ok(at) => versions[at].1,
            Err(_) => file,
        }
    }

    /// Adds the edited copies and the clips of the originals among some photos.
    pub fn add_followers(&self, photos: &mut BTreeSet<u32>) {
        let followers = self.lines.followers.iter();
        let theirs: Vec<u32> = followers
            .filter(|(_, original)| photos.contains(original))
            .map(|(follower, _)| *follower)
            .collect();
        photos.extend(theirs);
    }

    /// All versions of some photos, those that are shown among them, each with the one that is shown.
    pub fn versions(&self, photos: &BTreeSet<u32>) -> BTreeMap<u32, u32> {
        let mut versions: BTreeMap<u32, u32> =
            photos.iter().map(|photo| (*photo, *photo)).collect();
        let others = self.lines.versions.iter();
        versions.extend(others.filter(|(_, shown)| photos.contains(shown)).copied());
        versions
    }

    /// Photos that are gone from Google and still in view.
    pub fn gone(&self) -> BTreeSet<u32> {
        let gone = self.lines.gone.iter().map(|gone| gone.file);
        gone.filter(|file| {
            self.file(*file)
                .is_some_and(|file| file.hidden == Hidden::No)
        })
        .collect()
    }
}
