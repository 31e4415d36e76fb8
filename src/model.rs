//! The vocabulary of the house: what a photo, a blob, an album and an export are.
//!
//! Plain data without I/O and without foreign types, so that every room can speak of the same things. Times are
//! seconds since 1970 in UTC unless a name says otherwise.

pub mod listing;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

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

/// A time as a file or a name states it: what a clock showed, and how far from UTC that clock was, where it says so.
/// Kept as stated, so that it can be read in another zone later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// What the clock showed: seconds since 1970, as if it had been in UTC.
    pub clock: i64,
    /// Seconds that the clock was ahead of UTC; `None` where nothing tells its zone.
    pub ahead: Option<i32>,
}

impl Stated {
    /// `None` for what cannot be the time of a photo: outside [`FIRST_SECS`] to [`LAST_SECS`], or the start of 1970, which
    /// clocks show that were never set.
    pub fn of(clock: i64, ahead: Option<i32>) -> Option<Stated> {
        let second = clock.checked_sub(i64::from(ahead.unwrap_or(0)))?;
        (second != 0 && (FIRST_SECS..=LAST_SECS).contains(&second))
            .then_some(Stated { clock, ahead })
    }
}

/// Start of 1826, the year of the oldest photograph: nothing was taken earlier.
pub const FIRST_SECS: i64 = -4_544_208_000;
/// End of 2100: later times are broken clocks, seen up to the year 184894.
pub const LAST_SECS: i64 = 4_133_980_799;

/// What tells when a medium was taken, where its sidecar does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The time that the file itself carries: EXIF, or the header of a video.
    pub written: Option<Stated>,
    /// The time in its title or its file name.
    pub named: Option<Stated>,
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
    /// An entry of a tgz archive.
    Tgz {
        /// Which part, see [`Part::id`].
        part: u32,
        /// Where its bytes begin in what the archive inflates to.
        at: u64,
    },
}

impl Location {
    /// The part that holds the bytes.
    pub fn part(&self) -> u32 {
        match self {
            Location::Zip { part, .. }
            | Location::File { part, .. }
            | Location::Tgz { part, .. } => *part,
        }
    }

    /// The same where so many paths stand before those that its path number refers to.
    pub fn behind(self, paths: u32) -> Location {
        match self {
            Location::File {
                part,
                path,
                mtime_ns,
            } => Location::File {
                part,
                path: path + paths,
                mtime_ns,
            },
            archived @ (Location::Zip { .. } | Location::Tgz { .. }) => archived,
        }
    }

    /// What sorts locations into the order in which they lie: part, then offset or path.
    pub fn place(&self) -> (u32, u64) {
        match self {
            Location::Zip { part, header, .. } => (*part, *header),
            Location::File { part, path, .. } => (*part, u64::from(*path)),
            Location::Tgz { part, at } => (*part, *at),
        }
    }
}

/// One archive or unpacked folder of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number in the catalog.
    pub id: u32,
    /// The archive, the unpacked folder `Takeout`, or the loose file.
    pub path: std::path::PathBuf,
    /// Size of the archive or the loose file in bytes when it was indexed; 0 for a folder.
    pub size: u64,
    /// Its modification time when it was indexed, nanoseconds since 1970; 0 for a folder.
    pub mtime_ns: i64,
    /// Not an archive: an unpacked folder, or one file that lies by itself.
    pub folder: bool,
    /// A gzipped tar archive; otherwise, unless a folder, a zip.
    pub gzipped: bool,
}

impl Part {
    /// Where an unpacked file lies. `below` is its path below the folder, as bytes; empty for a part that is one file.
    pub fn file(&self, below: &[u8]) -> std::path::PathBuf {
        if below.is_empty() {
            return self.path.clone();
        }
        self.path.join(std::ffi::OsStr::from_bytes(below))
    }

    /// Whether it is a file that lies by itself.
    pub fn is_loose(&self) -> bool {
        self.folder && (self.size, self.mtime_ns) != (0, 0)
    }
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

/// One media file as an export holds it, with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Medium {
    /// The catalog's number of the entry.
    pub entry: u32,
    /// What its bytes are.
    pub key: BlobKey,
    /// Where they lie; a path number refers to [`Batch::paths`].
    pub location: Location,
    /// Its part cannot be read now. This decides from where bytes are read, and nothing else.
    pub absent: bool,
    /// Its file name in the export: cut and numbered by Takeout.
    pub file: String,
    /// The year of the folder it lies in.
    pub year: Option<i16>,
    /// It lies in an album's folder, where upload times may differ by seconds.
    pub in_album: bool,
    /// What it is to its photo.
    pub role: Role,
    /// For an edited copy or a clip: index of its original or still in [`Batch::media`].
    pub head: Option<u32>,
    /// The catalog's number of the sidecar and its facts.
    pub sidecar: Option<(u32, std::sync::Arc<Sidecar>)>,
    /// That sidecar lies in another folder: it probably speaks of this file, and proves nothing about its upload.
    pub borrowed: bool,
    /// What else tells its time; looked for only where its sidecar has none.
    pub told: Option<Box<Told>>,
    /// The time zone at the position in its sidecar, by its IANA name.
    pub zone: Option<std::sync::Arc<str>>,
}

/// One album as an export holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Album {
    /// Its own title, or its folder's name where it has none.
    pub title: String,
    /// It has no title of its own. Its folder's name ends in a number that another export may give to another album.
    pub untitled: bool,
    /// Its date, seconds since 1970.
    pub date: Option<i64>,
    /// Indices in [`Batch::media`].
    pub members: Vec<u32>,
}

/// All facts of one export, its parts merged: what the tree folds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// When it was made; exports are folded in this order.
    pub stamp: String,
    /// Nothing of it is missing, as far as can be known.
    pub whole: bool,
    /// Sorted by path in the export, so that the order of parts cannot matter.
    pub media: Vec<Medium>,
    /// Sorted by folder.
    pub albums: Vec<Album>,
    /// Paths of unpacked files below their part's folder.
    pub paths: Vec<Vec<u8>>,
    /// Sidecars that belong to no media file.
    pub lone_sidecars: u64,
    /// System files and thumbnails of other programs.
    pub junk: u64,
    /// Files of other Google products.
    pub foreign: u64,
}

/// What the user decided about one library. It is part of the configuration: the same sources and the same decisions
/// give the same tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// Stamps of exports that are shown although something is missing.
    pub accepted: BTreeSet<String>,
    /// Stamps of exports that count as full, whatever they hold: what they lack is gone from Google.
    pub full: BTreeSet<String>,
    /// Stamps of exports that count as partial: what they lack proves nothing.
    pub partial: BTreeSet<String>,
    /// Contents whose photos are not shown any more, in the first account.
    pub forgotten: BTreeSet<BlobKey>,
    /// The same in further accounts, by their names.
    pub forgotten_in: BTreeMap<String, BTreeSet<BlobKey>>,
    /// The name of the first account, if it has one.
    pub first_account: Option<String>,
    /// The names of further accounts, by the paths of their sources. All other sources are of the first account.
    pub accounts: BTreeMap<PathBuf, String>,
}

impl Decided {
    /// The decisions as they count in one account; `None` is the first. Equal bytes in two accounts are two photos, and
    /// forgotten one by one.
    pub fn of(&self, account: Option<&str>) -> Decided {
        let mut decided = self.clone();
        if let Some(account) = account {
            decided.forgotten = decided.forgotten_in.remove(account).unwrap_or_default();
        }
        decided
    }
}

/// Extensions of pictures, lower case.
pub const IMAGES: &[&str] = &[
    "3fr", "ari", "arw", "avif", "bay", "bmp", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff",
    "gif", "heic", "heif", "hif", "ico", "jfif", "jp2", "jpe", "jpeg", "jpg", "jxl", "k25", "kdc",
    "mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "png", "psd", "raf", "raw", "rw2", "rwl",
    "sr2", "srf", "srw", "svg", "tif", "tiff", "webp", "x3f",
];

/// Extensions of videos, lower case; `mp` and `mv` are the clips of motion photos.
pub const VIDEOS: &[&str] = &[
    "3g2", "3gp", "3gpp", "asf", "avi", "divx", "flv", "insv", "lrv", "m2t", "m2ts", "m4v", "mkv",
    "mmv", "mod", "mov", "mp", "mp4", "mpe", "mpeg", "mpg", "mts", "mv", "ogv", "qt", "tod", "ts",
    "vob", "webm", "wmv",
];

fn extension(name: &str) -> Option<String> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    // Pixel phones write `X.MP~2` for the second of two motion photos.
    let (ending, count) = ending.split_once('~').unwrap_or((&ending, ""));
    count
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| ending.to_owned())
}

/// Whether a name's ending is a video's. Names without an ending are the clips of old motion photos and not told apart.
pub fn is_video(name: &str) -> bool {
    extension(name).is_some_and(|ending| VIDEOS.contains(&ending.as_str()))
}

/// Whether an ending such as `.jpg` is that of a picture or a video.
pub fn is_media_extension(ending: &str) -> bool {
    extension(ending).is_some_and(|ending| {
        VIDEOS.contains(&ending.as_str()) || IMAGES.contains(&ending.as_str())
    })
}

/// An error with all its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
