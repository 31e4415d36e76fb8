//! What an export holds, file by file, as it is found and as it is remembered.

use super::{AlbumCard, Sidecar};
use std::sync::Arc;

/// What a file in an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not JSON and not junk: a picture, a video, or something that may be one.
    Media = 0,
    /// A media sidecar.
    Sidecar = 1,
    /// An album's metadata.
    Album = 2,
    /// JSON of an empty object, which some albums have.
    Empty = 3,
    /// A JSON file that could not be read; it may be a sidecar by its name.
    Unreadable = 4,
    /// Other JSON, web pages: no media.
    Other = 5,
    /// Thumbnails and system files of other programs.
    Junk = 6,
}

impl Kind {
    /// The kind of a number as the catalog keeps it.
    pub fn of(number: i64) -> Option<Kind> {
        use Kind::{Album, Empty, Junk, Media, Other, Sidecar, Unreadable};
        let all = [Media, Sidecar, Album, Empty, Unreadable, Other, Junk];
        usize::try_from(number)
            .ok()
            .and_then(|number| all.get(number))
            .copied()
    }
}

/// What a JSON file says.
#[derive(Debug, Clone, PartialEq)]
pub enum Facts {
    /// Of a photo.
    Sidecar(Box<Sidecar>),
    /// Of an album.
    Album(AlbumCard),
}

/// A file in an export, whichever way it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// File name as text.
    pub name: String,
    /// Path below the folder as bytes where it is not UTF-8 (unpacked folders only).
    pub raw: Option<Vec<u8>>,
    /// What it is.
    pub kind: Kind,
    /// Method 8.
    pub deflated: bool,
    /// Offset of the local header; in a tgz of the bytes in the inflated stream; 0 in a folder.
    pub header: u64,
    /// Bytes in the archive; in a folder or a tgz as its size.
    pub packed: u64,
    /// Bytes.
    pub size: u64,
    /// CRC-32.
    pub crc32: u32,
    /// Modification time of a file in a folder, nanoseconds since 1970; 0 in an archive.
    pub mtime_ns: i64,
}

/// A file to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Folder in the export, begins with `Takeout`.
    pub dir: String,
    /// The file.
    pub file: Listed,
    /// What a JSON file says.
    pub facts: Option<Facts>,
}

/// A file as remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: u32,
    /// The number of its part.
    pub part: u32,
    /// Folder in the export.
    pub dir: Arc<str>,
    /// The file.
    pub file: Listed,
    /// Hash of the first 64 KiB, 0 where not needed.
    pub head: u64,
}

impl Entry {
    /// Its path in the export.
    pub fn path(&self) -> String {
        if self.dir.is_empty() {
            self.file.name.clone()
        } else {
            format!("{}/{}", self.dir, self.file.name)
        }
    }

    /// Where it lies below the folder of its part, if that is an unpacked one.
    pub fn path_below_root(&self) -> Vec<u8> {
        if let Some(raw) = &self.file.raw {
            return raw.clone();
        }
        match self.dir.split_once('/') {
            Some((_, below)) => format!("{below}/{}", self.file.name).into_bytes(),
            None => self.file.name.clone().into_bytes(),
        }
    }
}
