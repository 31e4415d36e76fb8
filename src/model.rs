//! The vocabulary of the house: what a photo, a blob, an album and an export are.
//!
//! Plain data without I/O and without foreign types, so that every room can speak of the same things. Times are
//! seconds since 1970 in UTC unless a name says otherwise.

use serde::{Deserialize, Serialize};

/// What makes bytes "the same bytes": their length and CRC-32, and, only where two different contents share both,
/// a hash of their first 64 KiB (0 otherwise).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobKey {
    /// Length in bytes.
    pub size: u64,
    /// CRC-32 (ISO-HDLC, as in zip) of the whole content.
    pub crc32: u32,
    /// Hash of the first 64 KiB, 0 unless `(size, crc32)` is ambiguous in this library.
    pub head: u64,
}

/// What a media file is to its photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The file as it was uploaded.
    Original,
    /// A copy edited in Google Photos, which stands beside its original.
    Edited,
    /// The video of a live or motion photo, which stands beside its still.
    Clip,
}

/// A position, as a sidecar gives it. Never `0/0`, which means "none" there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Geo {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres above sea level; 0 where unknown.
    pub altitude: f64,
}

/// The facts of one media sidecar that gphotosfs uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The name at upload, never made legal: it may hold `/`, lack an extension, or be missing.
    pub title: Option<String>,
    /// What the user wrote, without surrounding blanks; `None` when empty.
    pub description: Option<String>,
    /// `photoTakenTime`; `None` when missing, `0`, or outside the years 1826 to 2100.
    pub taken: Option<i64>,
    /// `creationTime`, the upload; same rules.
    pub uploaded: Option<i64>,
    /// Names of people that have one, in the order of the sidecar, without repeats.
    pub people: Vec<String>,
    /// Marked as a favourite.
    pub favorite: bool,
    /// In the archive of Google Photos: shown like any other.
    pub archived: bool,
    /// In the trash.
    pub trashed: bool,
    /// In the locked folder.
    pub locked: bool,
    /// Position as Google shows it, perhaps set by the user.
    pub geo: Option<Geo>,
    /// Position as the file's EXIF had it.
    pub geo_exif: Option<Geo>,
    /// The photo's page at Google.
    pub url: Option<String>,
    /// Came through partner sharing.
    pub partner: bool,
}

/// The facts of one album's metadata file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AlbumCard {
    /// The album's own title; `None` when missing or empty.
    pub title: Option<String>,
    /// What the user wrote; `None` when empty.
    pub description: Option<String>,
    /// The album's date, seconds since 1970.
    pub date: Option<i64>,
}

/// Where the bytes of a file lie. Small and plain, since every file of a mounted library has one in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// An entry of a zip archive, as its central directory tells.
    Zip {
        /// Which part, see [`Part::id`].
        part: u32,
        /// Method 8; otherwise stored.
        deflated: bool,
        /// Offset of the entry's local header from the start of the archive.
        header: u64,
        /// Bytes it takes in the archive.
        packed: u64,
    },
    /// A file of its own in an unpacked folder.
    File {
        /// Which part, see [`Part::id`].
        part: u32,
        /// Number of its path in the tree's table of paths.
        path: u32,
        /// Its modification time when it was indexed, nanoseconds since 1970.
        mtime_ns: i64,
    },
}

impl Location {
    /// The part that holds the bytes.
    pub fn part(&self) -> u32 {
        match self {
            Location::Zip { part, .. } | Location::File { part, .. } => *part,
        }
    }
}

/// One archive or unpacked folder of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number in the catalog.
    pub id: u32,
    /// The archive, or the folder that holds `Takeout`.
    pub path: std::path::PathBuf,
    /// Size of the archive in bytes when it was indexed; 0 for a folder.
    pub size: u64,
    /// Modification time of the archive when it was indexed, nanoseconds since 1970; 0 for a folder.
    pub mtime_ns: i64,
    /// An unpacked folder, not an archive.
    pub folder: bool,
}

/// All that is needed to read one file: what its bytes are and where they lie.
#[derive(Debug, Clone, Copy)]
pub struct Blob<'a> {
    /// A dense number below the number of files in the tree, the same as long as this tree is mounted.
    pub index: u32,
    /// Its inode.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// CRC-32 of the whole content.
    pub crc32: u32,
    /// Where it lies.
    pub location: Location,
    /// For [`Location::File`]: the path below the part's folder, as bytes; empty otherwise.
    pub path: &'a [u8],
}
