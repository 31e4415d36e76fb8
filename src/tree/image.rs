//! The projection as the catalog keeps it: every file, directory and place, with what `info` and `status` ask.
//!
//! An image is a pure function of the facts and the configuration. It can be dropped at any time and is then made anew.

use crate::model::{Location, Role};
use serde::{Deserialize, Serialize};

/// Why a file is not shown by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Hidden {
    /// It is shown.
    No,
    /// Every copy of it is in the trash.
    Trash,
    /// Every copy of it is in the locked folder.
    Locked,
    /// An earlier version of a photo.
    Older,
    /// The user had it forgotten.
    Forgotten,
}

/// One content.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Inode number, unique.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Seconds since 1970.
    pub ctime: i64,
    /// Nanoseconds.
    pub ctime_nsec: u32,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Where the bytes lie.
    pub location: Location,
    /// When it was taken, seconds since 1970, where a source says so (a year's folder alone does not).
    pub taken: Option<i64>,
    /// Minutes that the clock at its place was ahead of UTC then, where the place is known.
    pub ahead_minutes: Option<i16>,
    /// The catalog's number of the archive entry with the bytes.
    pub entry: u32,
    /// The catalog's number of the sidecar in use.
    pub sidecar: Option<u32>,
    /// Original, edited copy or clip.
    pub role: Role,
    /// An edited copy or a clip whose head is in the library: the head's sidecar is its own.
    pub follows: bool,
    /// Whether it is shown.
    pub hidden: Hidden,
    /// A video by its name.
    pub video: bool,
    /// In how many archive entries the content occurs.
    pub copies: u32,
    /// A full export lacks it, or holds it in the trash or the locked folder alone: it is gone from Google.
    pub gone: bool,
}

/// The directory in the root that holds the directories of further accounts.
pub const ACCOUNTS: &str = "accounts";

/// One of the four directories that an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Every photo, by month.
    ByDate,
    /// A directory for each album.
    Albums,
    /// A directory for each person.
    People,
    /// What is marked as a favourite.
    Favorites,
}

impl View {
    /// All of them, in the order of their inodes.
    pub const ALL: [View; 4] = [View::ByDate, View::Albums, View::People, View::Favorites];

    /// The name of its directory.
    pub fn name(self) -> &'static str {
        match self {
            View::ByDate => "by-date",
            View::Albums => "albums",
            View::People => "people",
            View::Favorites => "favorites",
        }
    }
}

/// One directory. The root stands first, and a parent before its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirRecord {
    /// Inode number.
    pub ino: u64,
    /// Index of the parent; the root's is 0.
    pub parent: u32,
    /// Name in the parent.
    pub name: String,
    /// The title it was made of: an album's or a person's.
    pub title: String,
    /// Shown even when empty.
    pub fixed: bool,
}

/// One name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRecord {
    /// Index of the directory.
    pub dir: u32,
    /// Index of the file.
    pub file: u32,
    /// Where the name starts in [`Image::names`].
    pub name_at: u32,
    /// Bytes of the name.
    pub name_len: u8,
    /// The file's place in `by-date`.
    pub home: bool,
}

/// What was made of one export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Whose it is; `None` for the first account.
    pub account: Option<String>,
    /// Its stamp.
    pub stamp: String,
    /// It holds the whole library, so what it lacks is gone from Google; by its contents or by the user's decision.
    pub full: bool,
    /// Contents that it holds.
    pub contents: u64,
    /// Those that no earlier export held.
    pub new: u64,
}

/// What was found in the archives, for the sum that `status` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The exports that are shown: those of the first account, then those of the others by name, each in the order of
    /// their stamps.
    pub judged: Vec<Judged>,
    /// Media entries in all archives.
    pub media: u64,
    /// System files and thumbnails of other programs, left out.
    pub junk: u64,
    /// Files of other Google products, left out.
    pub foreign: u64,
    /// Sidecars for which there is no media file.
    pub lone_sidecars: u64,
    /// Media files for which there is no sidecar.
    pub lone_media: u64,
    /// Things the user should know.
    pub problems: Vec<String>,
}

/// Which documents stand beside the photos in `by-date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sidecars {
    /// XMP with what a person entered at Google, beside the photos of which there is such.
    #[default]
    Auto,
    /// XMP with all that is known, beside every photo.
    Xmp,
    /// Google's own.
    Json,
    /// All XMP and Google's own.
    Both,
    /// None.
    None,
}

impl Sidecars {
    /// Which of the XMP documents.
    pub fn extent(self) -> Option<Extent> {
        match self {
            Sidecars::Auto => Some(Extent::Entered),
            Sidecars::Xmp | Sidecars::Both => Some(Extent::All),
            Sidecars::Json | Sidecars::None => None,
        }
    }

    /// Whether Google's own are shown.
    pub fn json(self) -> bool {
        matches!(self, Sidecars::Json | Sidecars::Both)
    }
}

/// How much an XMP document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// What a person entered and the photo does not carry.
    Entered,
    /// All that is known.
    All,
}

/// An XMP document, as far as `stat` needs to know it. Its text is made again when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRecord {
    /// Index of the file beside which it stands.
    pub file: u32,
    /// Bytes of the text.
    pub size: u32,
    /// CRC-32 of the text.
    pub fingerprint: u32,
}

/// All XMP documents of a library, whatever is shown of them. Sorted by file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Those of [`Extent::Entered`].
    pub entered: Vec<TextRecord>,
    /// Those of [`Extent::All`].
    pub all: Vec<TextRecord>,
}

/// A sidecar of Google's that is shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonRecord {
    /// Index of the file beside which it stands.
    pub file: u32,
    /// Bytes.
    pub size: u64,
    /// CRC-32 of them.
    pub crc32: u32,
    /// Where they lie.
    pub location: Location,
}

/// The documents that a mount shows, each kind sorted by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    /// XMP.
    pub texts: Vec<TextRecord>,
    /// How much those say.
    pub extent: Option<Extent>,
    /// Google's own.
    pub json: Vec<JsonRecord>,
}

/// How contents belong to one photo, and which photos are gone from Google. Apart from the files, since few have any of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Versions that are not shown, each with the one that is: indices of files. Sorted.
    pub versions: Vec<(u32, u32)>,
    /// Edited copies and clips, each with its original, by the versions that are shown: indices of files. Sorted.
    pub followers: Vec<(u32, u32)>,
    /// Photos that are gone, by the versions that are shown. Sorted by file.
    pub gone: Vec<GoneRecord>,
}

/// Since when a photo is gone from Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GoneRecord {
    /// Index of the file.
    pub file: u32,
    /// Index in [`Found::judged`]: the first export that says so.
    pub export: u32,
    /// That export holds the photo, in the trash or in the locked folder alone; otherwise it is full and lacks it.
    pub held: bool,
}

/// The whole projection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Sorted by inode.
    pub files: Vec<FileRecord>,
    /// Root first.
    pub dirs: Vec<DirRecord>,
    /// In no particular order.
    pub places: Vec<PlaceRecord>,
    /// All names, one after the other.
    pub names: Vec<u8>,
    /// Paths of unpacked files below their part's folder.
    pub paths: Vec<Vec<u8>>,
    /// The sum.
    pub found: Found,
    /// What belongs together.
    pub lines: Lines,
    /// What a mount shows beside the photos. Kept apart, since a mount needs one kind at most.
    #[serde(skip)]
    pub documents: Documents,
}
