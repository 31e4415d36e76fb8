//! Where documents stand in a tree: after the photos of a directory, first all XMP, then all JSON, each in the order of
//! the photos, which is the order of their inodes.

use super::{ByFile, Facts, xmp};
use crate::model::{Blob, Location, Sidecar};
use crate::tree::image::{Documents, JsonRecord, TextRecord, View};
use crate::tree::numbers::{self, Document};
use crate::tree::{Attr, Child, Kind, Place, Tree};
use std::borrow::Cow;

impl Documents {
    /// Forgets those of files that are not shown.
    pub(in crate::tree) fn keep(&mut self, shown: &[bool]) {
        self.texts.retain(|text| shown[text.file as usize]);
        self.texts.shrink_to_fit();
        self.json.retain(|json| shown[json.file as usize]);
        self.json.shrink_to_fit();
    }

    pub(in crate::tree) fn len(&self) -> usize {
        self.texts.len() + self.json.len()
    }

    /// Of which file each document of a kind is, with its size and fingerprint.
    fn at(&self, document: Document, index: usize) -> Option<(u32, u64, u32)> {
        match document {
            Document::Xmp => {
                let text = self.texts.get(index)?;
                Some((text.file, u64::from(text.size), text.fingerprint))
            }
            Document::Json => {
                let json = self.json.get(index)?;
                Some((json.file, json.size, json.crc32))
            }
        }
    }

    /// Where the documents of a kind begin that are of this file or a later one.
    fn from(&self, document: Document, file: u32) -> usize {
        match document {
            Document::Xmp => self.texts.partition_point(|text| text.file < file),
            Document::Json => self.json.partition_point(|json| json.file < file),
        }
    }

    fn index(&self, document: Document, file: u32) -> Option<usize> {
        let index = self.from(document, file);
        (self.at(document, index)?.0 == file).then_some(index)
    }

    /// The time of the youngest document of each file, and its size, for sums.
    pub(in crate::tree) fn each(&self) -> impl Iterator<Item = (u32, u64, u32)> + '_ {
        let texts = (0..self.texts.len()).filter_map(|at| self.at(Document::Xmp, at));
        texts.chain((0..self.json.len()).filter_map(|at| self.at(Document::Json, at)))
    }
}

impl Tree {
    /// Whose document an inode is, and of what kind; `None` when it is none that is shown.
    pub fn beside(&self, ino: u64) -> Option<(u64, Document)> {
        let (file, document, _) = self.document(ino)?;
        Some((self.files[file as usize].ino, document))
    }

    /// How many documents are shown.
    pub fn documents(&self) -> u64 {
        self.documents.len() as u64
    }

    /// The text of an XMP document, out of the tree and of what its photo's sidecar says. `None` when the inode is none,
    /// `Err` when the text is not the one that was measured.
    pub fn text(&self, ino: u64, sidecar: Option<&Sidecar>) -> Option<Result<Vec<u8>, String>> {
        let (number, Document::Xmp, index) = self.document(ino)? else {
            return None;
        };
        let TextRecord {
            size, fingerprint, ..
        } = self.documents.texts[index];
        let facts = self.documents.extent.and_then(|extent| {
            let file = &self.files[number as usize];
            Facts::of(extent, file, sidecar, &self.places_of(number))
        })?;
        let text = xmp::write(&facts).into_bytes();
        let is_same = text.len() == size as usize && crc32fast::hash(&text) == fingerprint;
        Some(if is_same {
            Ok(text)
        } else {
            Err("what is known of the photo has changed; try again".to_owned())
        })
    }

    /// All that is known of a shown file; `None` when there is none at the inode.
    pub fn facts<'a>(&'a self, ino: u64, sidecar: Option<&'a Sidecar>) -> Option<Facts<'a>> {
        let number = self.file_number(ino)?;
        let file = &self.files[number as usize];
        let all = crate::tree::image::Extent::All;
        Facts::of(all, file, sidecar, &self.places_of(number))
    }

    /// Of each directory that shows a file its view and its title.
    pub(in crate::tree) fn places_of(&self, file: u32) -> Vec<(View, &str)> {
        let by_file = self.by_file.get_or_init(|| {
            let of_files = self.places.iter().filter_map(|place| match place.child {
                Child::File(file) | Child::Link(file) => Some((file, place.dir)),
                Child::Dir(_) => None,
            });
            ByFile::new(self.files.len(), of_files)
        });
        let shown_in = |dir: &u32| {
            let dir = &self.dirs[*dir as usize];
            Some((dir.view?, &*dir.title))
        };
        by_file.of(file).iter().filter_map(shown_in).collect()
    }

    /// File, kind and index of a document.
    fn document(&self, ino: u64) -> Option<(u32, Document, usize)> {
        let (photo, document) = numbers::document_of(ino)?;
        let file = self.file_number(photo)?;
        Some((file, document, self.documents.index(document, file)?))
    }

    pub(in crate::tree) fn document_attr(&self, ino: u64) -> Option<Attr> {
        let (_, document, index) = self.document(ino)?;
        self.attr_at(document, index)
    }

    fn attr_at(&self, document: Document, index: usize) -> Option<Attr> {
        let (file, size, fingerprint) = self.documents.at(document, index)?;
        let photo = &self.files[file as usize];
        let time = numbers::document_time(photo.ctime, fingerprint);
        Some(Attr {
            ino: numbers::document_inode(photo.ino, document),
            kind: Kind::File,
            size,
            mtime: time,
            ctime: time,
            // The photo's: documents of equal texts and upload seconds share no change time.
            ctime_nsec: photo.ctime_nsec,
            nlink: 1,
        })
    }

    /// The document of this name in a directory, by its number.
    pub(in crate::tree) fn document_lookup(&self, dir: u32, name: &[u8]) -> Option<Attr> {
        let of = |document: &Document| {
            let photo = name.strip_suffix(document.ending().as_bytes())?;
            let (at, place) = self.place_at(dir, photo)?;
            let Child::File(file) = place.child else {
                return None;
            };
            let is_home = self.home[file as usize] == at;
            let index = self.documents.index(*document, file).filter(|_| is_home)?;
            self.attr_at(*document, index)
        };
        Document::ALL.iter().find_map(of)
    }

    /// The documents of a directory behind an inode, in the order of their inodes.
    pub(in crate::tree) fn document_list(
        &self,
        dir: u32,
        after: u64,
    ) -> impl Iterator<Item = (Attr, Cow<'_, [u8]>)> + '_ {
        let place = &self.dirs[dir as usize];
        let places = place.first..place.first + place.count;
        let number = |place: Option<&Place>| match place?.child {
            Child::File(file) => Some(file),
            Child::Dir(_) | Child::Link(_) => None,
        };
        let own = &self.places[places.start as usize..places.end as usize];
        // Photos come before all else of a directory; what holds no photo first holds none.
        let files = own.partition_point(|place| matches!(place.child, Child::File(_)));
        let range = number(own.first()).zip(number(own[..files].last()));
        let range = range.filter(|_| self.documents.len() > 0 && self.in_by_date(dir));
        let kinds = range
            .into_iter()
            .flat_map(|range| Document::ALL.map(|kind| (kind, range)));
        kinds.flat_map(move |(document, (first, last))| {
            // All of a kind when `after` lies before its numbers, none when it lies behind them.
            let behind = after.checked_sub(numbers::document_inode(0, document));
            let from = behind.map_or(0, |photo| {
                self.files.partition_point(|file| file.ino <= photo) as u32
            });
            let begin = self.documents.from(document, first.max(from));
            let places = places.clone();
            (begin..)
                .map_while(move |index| Some((index, self.documents.at(document, index)?.0)))
                .take_while(move |(_, file)| *file <= last)
                .filter_map(move |(index, file)| {
                    let home = self.home[file as usize];
                    let place = places
                        .contains(&home)
                        .then(|| &self.places[home as usize])?;
                    let mut name = self.name(place).to_vec();
                    name.extend_from_slice(document.ending().as_bytes());
                    Some((self.attr_at(document, index)?, Cow::Owned(name)))
                })
        })
    }

    pub(in crate::tree) fn document_blob(&self, ino: u64) -> Option<Blob<'_>> {
        let (_, Document::Json, index) = self.document(ino)? else {
            return None;
        };
        let JsonRecord {
            size,
            crc32,
            location,
            ..
        } = self.documents.json[index];
        Some(Blob {
            index: (self.files.len() + index) as u32,
            ino,
            size,
            crc32,
            location,
            path: self.path_of(location),
        })
    }

    /// The inode of one of Google's own documents, by its number among them.
    pub(in crate::tree) fn json_inode(&self, index: usize) -> Option<u64> {
        let json = self.documents.json.get(index)?;
        let photo = self.files[json.file as usize].ino;
        Some(numbers::document_inode(photo, Document::Json))
    }

    /// What tells the bytes at an inode from others that it may come to have: a checksum.
    pub(in crate::tree) fn sum_at(&self, ino: u64) -> Option<u32> {
        if let Some((_, document, index)) = self.document(ino) {
            let (_, _, fingerprint) = self.documents.at(document, index)?;
            return Some(fingerprint);
        }
        self.file(ino).map(|file| file.crc32)
    }

    pub(in crate::tree) fn path_of(&self, location: Location) -> &[u8] {
        match location {
            Location::File { path, .. } => &self.paths[path as usize],
            Location::Zip { .. } | Location::Tgz { .. } => &[],
        }
    }
}
