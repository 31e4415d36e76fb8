//! A tree as a backup tool sees it, and what the program told of how it was made.

use super::bytes::Content;
use std::collections::BTreeMap;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Change time, seconds since 1970 and nanoseconds.
    pub ctime: (i64, u32),
    /// The content that it leads to; `None` for a document.
    pub content: Option<Content>,
    /// What tells the texts of documents apart.
    pub document: Option<u32>,
    /// It is marked as gone from Google.
    pub gone: bool,
}

/// What the program made of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its stamp.
    pub stamp: String,
    /// It holds the whole library.
    pub full: bool,
}

/// Everything below a mountpoint.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Files by path.
    pub files: BTreeMap<String, Entry>,
    /// Inodes of directories by path.
    pub dirs: BTreeMap<String, u64>,
    /// Paths that the program says to have changed: from, to.
    pub moves: Vec<(String, String)>,
    /// What it complained of.
    pub problems: Vec<String>,
    /// What it made of each export.
    pub judged: Vec<Judged>,
}

impl Tree {
    /// The files that have a content, in all places.
    pub fn media(&self) -> impl Iterator<Item = (&str, &Entry, Content)> {
        let media = self.files.iter();
        media.filter_map(|(path, entry)| Some((path.as_str(), entry, entry.content?)))
    }

    /// The same in `by-date` alone, where each stands once.
    pub fn homes(&self) -> impl Iterator<Item = (&str, &Entry, Content)> {
        self.media()
            .filter(|(path, ..)| path.starts_with("by-date/"))
    }
}

/// What differs first between two trees; `None` when nothing does.
pub fn difference(one: &Tree, other: &Tree) -> Option<String> {
    for path in one.files.keys().chain(other.files.keys()) {
        let (a, b) = (one.files.get(path), other.files.get(path));
        if a != b {
            return Some(format!("{path}: {a:?}\n  against {b:?}"));
        }
    }
    for path in one.dirs.keys().chain(other.dirs.keys()) {
        let (a, b) = (one.dirs.get(path), other.dirs.get(path));
        if a != b {
            return Some(format!("{path}/: {a:?} against {b:?}"));
        }
    }
    (one.judged != other.judged).then(|| format!("{:?} against {:?}", one.judged, other.judged))
}

/// The name in a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// What stands before the name.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// How names are compared where case does not count. Composed and decomposed letters do not occur side by side here.
pub fn fold(path: &str) -> String {
    path.to_uppercase().to_lowercase()
}
