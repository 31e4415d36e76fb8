//! The tree: names, inodes and times for what the catalog knows.
//!
//! [`fold`] turns the facts of all exports into an [`image::Image`], which the catalog keeps. [`Tree::plant`] makes of
//! it what a mount answers from: everything in memory, no I/O and no locks, so that a name never waits for anything.
//! An image holds every photo, also those in the trash; planting leaves out what was not asked for. Options therefore
//! hide photos but never move a name.
//!
//! Each account has a library of its own in it: the first in the root, others in `accounts/NAME`, see `accounts`.
//!
//! Invariants of a planted tree:
//! - files and directories are sorted by inode, so that a look-up by inode is a binary search;
//! - the places of a directory lie together, in inode order, which is the order of `readdir`;
//! - an inode stands at most once in a directory, hence it can serve as the key of a listing's position;
//! - documents have no places: they follow the photos of a directory, see [`document`].

mod accounts;
mod carried;
pub mod changes;
pub mod document;
pub mod fold;
pub mod image;
mod kin;
pub mod moves;
pub mod names;
pub mod numbers;
mod plant;

use crate::model::Blob;
use carried::Carried;
use document::ByFile;
use image::{Documents, FileRecord, Hidden, View};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::OnceLock;

pub use image::Sidecars;

/// Inode of the root directory.
pub const ROOT: u64 = 1;

/// What stands at an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Dir,
    /// A photo, video or other media file, or a document.
    File,
    /// A symbolic link to a file in `by-date`.
    Link,
}

/// What `stat` needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// Inode number.
    pub ino: u64,
    /// Directory, file or link.
    pub kind: Kind,
    /// Length in bytes; 0 for directories.
    pub size: u64,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Change time, seconds since 1970.
    pub ctime: i64,
    /// Fraction of the change time, nanoseconds.
    pub ctime_nsec: u32,
    /// Number of places of a file; 2 and the number of subdirectories for a directory.
    pub nlink: u32,
}

impl Attr {
    fn of(file: &FileRecord, nlink: u32) -> Attr {
        Attr {
            ino: file.ino,
            kind: Kind::File,
            size: file.size,
            mtime: file.mtime,
            ctime: file.ctime,
            ctime_nsec: file.ctime_nsec,
            nlink,
        }
    }
}

/// How albums, people and favorites show a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Links {
    /// As a further hard link of the file in `by-date`.
    #[default]
    Hard,
    /// As a relative symbolic link to it.
    Symlink,
}

/// What to show beyond the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Hard or symbolic links.
    pub links: Links,
    /// Show what is in the trash.
    pub trash: bool,
    /// Show what is in the locked folder.
    pub locked: bool,
    /// Which documents stand beside the photos in `by-date`.
    #[serde(default)]
    pub sidecars: Sidecars,
}

impl Options {
    /// Whether these options show a file.
    pub fn shows(&self, hidden: Hidden) -> bool {
        match hidden {
            Hidden::No => true,
            Hidden::Trash => self.trash,
            Hidden::Locked => self.locked,
            Hidden::Older | Hidden::Forgotten => false,
        }
    }
}

/// Sums over a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Photos and videos, each once however many places it has.
    pub files: u64,
    /// Documents beside them.
    pub documents: u64,
    /// Directories, the root included.
    pub dirs: u64,
    /// Bytes of all files, each once.
    pub bytes: u64,
    /// Bytes of a copy that does not keep hard links.
    pub bytes_without_links: u64,
}

#[derive(Debug, Clone)]
struct Dir {
    ino: u64,
    parent: u32,
    name: Box<str>,
    title: Box<str>,
    view: Option<View>,
    first: u32,
    count: u32,
    nlink: u32,
    ctime: i64,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    Dir(u32),
    File(u32),
    Link(u32),
}

#[derive(Debug, Clone, Copy)]
struct Place {
    child: Child,
    dir: u32,
    name_at: u32,
    name_len: u8,
}

type Hasher = BuildHasherDefault<DefaultHasher>;

/// A library as a mount shows it.
#[derive(Debug)]
pub struct Tree {
    files: Vec<FileRecord>,
    nlink: Vec<u32>,
    /// The place of each file in `by-date`, and of each link the place it stands in.
    home: Vec<u32>,
    dirs: Vec<Dir>,
    /// Directory numbers sorted by inode.
    dirs_by_ino: Vec<u32>,
    /// Sorted by inode: `(inode, place)` of symbolic links.
    links: Vec<(u64, u32)>,
    places: Vec<Place>,
    names: Vec<u8>,
    /// Open addressing over places, keyed by directory and name; `u32::MAX` is free.
    by_name: Vec<u32>,
    paths: Vec<Vec<u8>>,
    documents: Documents,
    /// Sorted by inode.
    carried: Vec<Carried>,
    /// Made when first asked for: few mounts are.
    by_file: OnceLock<ByFile>,
    totals: Totals,
    hasher: Hasher,
}

impl Tree {
    /// Sums over what is shown.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Attributes of an inode; `None` when there is none of that number.
    pub fn attr(&self, ino: u64) -> Option<Attr> {
        if let Some(attr) = self.document_attr(ino) {
            return Some(attr);
        }
        if let Some(file) = self.file_number(ino) {
            return Some(self.file_attr(file));
        }
        if let Some(dir) = self.dir_number(ino) {
            return Some(self.dir_attr(dir));
        }
        if let Some(place) = self.link_place(ino) {
            return Some(self.link_attr(ino, &place));
        }
        self.carried_attr(ino)
    }

    /// The child of a directory by its exact name.
    pub fn lookup(&self, dir: u64, name: &[u8]) -> Option<Attr> {
        let dir = self.dir_number(dir)?;
        match self.place_at(dir, name) {
            Some((_, place)) => Some(self.place_attr(&place)),
            None => self.document_lookup(dir, name),
        }
    }

    /// The place of this name in a directory, and its number.
    fn place_at(&self, dir: u32, name: &[u8]) -> Option<(u32, Place)> {
        let mut slot = self.slot(dir, name);
        loop {
            let at = self.by_name[slot];
            if at == u32::MAX {
                return None;
            }
            let place = self.places[at as usize];
            if place.dir == dir && self.name(&place) == name {
                return Some((at, place));
            }
            slot = (slot + 1) & (self.by_name.len() - 1);
        }
    }

    /// The entries of a directory whose inode is greater than `after`, in inode order.
    pub fn list(
        &self,
        dir: u64,
        after: u64,
    ) -> Option<impl Iterator<Item = (Attr, Cow<'_, [u8]>)> + '_> {
        let number = self.dir_number(dir)?;
        let dir = &self.dirs[number as usize];
        let places = &self.places[dir.first as usize..][..dir.count as usize];
        let from = places.partition_point(|place| self.place_ino(place) <= after);
        let places = places[from..]
            .iter()
            .map(|place| (self.place_attr(place), Cow::Borrowed(self.name(place))));
        Some(places.chain(self.document_list(number, after)))
    }

    /// The inode of a directory's parent; the root is its own.
    pub fn parent(&self, dir: u64) -> Option<u64> {
        let dir = self.dir_number(dir)?;
        Some(self.dirs[self.dirs[dir as usize].parent as usize].ino)
    }

    /// Where a symbolic link leads, relative to the directory it stands in.
    pub fn target(&self, ino: u64) -> Option<Vec<u8>> {
        let place = self.link_place(ino)?;
        Some(self.link_target(&place))
    }

    /// How to read a photo, or Google's own document beside it; `None` when the inode is of nothing that lies somewhere.
    pub fn blob(&self, ino: u64) -> Option<Blob<'_>> {
        let Some(index) = self.file_number(ino) else {
            return self.document_blob(ino).or_else(|| self.carried_blob(ino));
        };
        let file = &self.files[index as usize];
        Some(Blob {
            index,
            ino,
            size: file.size,
            crc32: file.crc32,
            location: file.location,
            path: self.path_of(file.location),
        })
    }

    /// How many numbers [`Blob::index`] may take.
    pub fn blobs(&self) -> usize {
        self.files.len() + self.documents.json.len() + self.carried.len()
    }

    /// What the catalog recorded of a file.
    pub fn file(&self, ino: u64) -> Option<&FileRecord> {
        Some(&self.files[self.file_number(ino)? as usize])
    }

    /// All shown files.
    pub fn files(&self) -> impl Iterator<Item = &FileRecord> {
        self.files
            .iter()
            .zip(&self.nlink)
            .filter(|(_, nlink)| **nlink > 0)
            .map(|(file, _)| file)
    }

    /// The titles of the shown directories that stand in a view, with the name of the account; `None` is the first.
    pub fn titles(&self, view: View) -> impl Iterator<Item = (Option<&str>, &str)> {
        let in_view = move |dir: &&Dir| {
            dir.view == Some(view) && self.dirs[dir.parent as usize].view == Some(view)
        };
        let dirs = self.dirs.iter().filter(in_view);
        dirs.map(|dir| (self.account_at(dir.parent), &*dir.title))
    }

    /// The names of the accounts that stand in `accounts`.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        let holds = |dir: &Dir| dir.parent == 0 && dir.view.is_none();
        let dirs = self.dirs.iter().skip(1);
        dirs.filter(move |dir| dir.parent != 0 && holds(&self.dirs[dir.parent as usize]))
            .map(|dir| &*dir.name)
    }

    /// The name of the account to which a file belongs; `None` is the first.
    pub fn account(&self, ino: u64) -> Option<&str> {
        let home = *self.home.get(self.file_number(ino)? as usize)?;
        self.account_at(self.places.get(home as usize)?.dir)
    }

    /// The same for a directory, by its number.
    fn account_at(&self, dir: u32) -> Option<&str> {
        let top = self.top(dir);
        (top != 0).then(|| &*self.dirs[top as usize].name)
    }

    /// The directory of the account to which a directory in a view belongs: the root is that of the first.
    fn top(&self, mut dir: u32) -> u32 {
        while self.dirs[dir as usize].view.is_some() {
            dir = self.dirs[dir as usize].parent;
        }
        dir
    }

    /// For each place of a file: the view, and the title of the directory it stands in.
    pub fn places(&self, ino: u64) -> Vec<(View, &str)> {
        self.file_number(ino)
            .map(|number| self.places_of(number))
            .unwrap_or_default()
    }

    /// A path below the root at which an inode is shown, for messages.
    pub fn path(&self, ino: u64) -> Option<String> {
        if let Some((photo, document)) = self.beside(ino) {
            return Some(self.path(photo)? + document.ending());
        }
        if let Some(file) = self.file_number(ino) {
            let home = *self.home.get(file as usize)?;
            return Some(self.place_path(self.places.get(home as usize)?));
        }
        if let Some(dir) = self.dir_number(ino) {
            return Some(self.dir_path(dir));
        }
        self.link_place(ino).map(|place| self.place_path(&place))
    }

    fn place_path(&self, place: &Place) -> String {
        self.place_path_from(0, place)
    }

    fn place_path_from(&self, above: u32, place: &Place) -> String {
        let mut path = self.path_between(above, place.dir);
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&String::from_utf8_lossy(self.name(place)));
        path
    }

    fn dir_path(&self, dir: u32) -> String {
        self.path_between(0, dir)
    }

    /// The path of a directory from one above it.
    fn path_between(&self, above: u32, mut dir: u32) -> String {
        let mut names = Vec::new();
        while dir != above {
            names.push(&*self.dirs[dir as usize].name);
            dir = self.dirs[dir as usize].parent;
        }
        names.reverse();
        names.join("/")
    }

    fn link_target(&self, place: &Place) -> Vec<u8> {
        let Child::Link(file) = place.child else {
            return Vec::new();
        };
        // It stays within the account, so that a copy of the account alone is whole.
        let top = self.top(place.dir);
        let mut target = String::new();
        let mut dir = place.dir;
        while dir != top {
            target.push_str("../");
            dir = self.dirs[dir as usize].parent;
        }
        if let Some(home) = self.places.get(self.home[file as usize] as usize) {
            target.push_str(&self.place_path_from(top, home));
        }
        target.into_bytes()
    }

    fn name(&self, place: &Place) -> &[u8] {
        &self.names[place.name_at as usize..][..place.name_len as usize]
    }

    fn place_ino(&self, place: &Place) -> u64 {
        match place.child {
            Child::Dir(dir) => self.dirs[dir as usize].ino,
            Child::File(file) => self.files[file as usize].ino,
            Child::Link(_) => {
                numbers::link_inode(self.dirs[place.dir as usize].ino, self.name(place))
            }
        }
    }

    fn place_attr(&self, place: &Place) -> Attr {
        match place.child {
            Child::Dir(dir) => self.dir_attr(dir),
            Child::File(file) => self.file_attr(file),
            Child::Link(_) => self.link_attr(self.place_ino(place), place),
        }
    }

    fn file_attr(&self, number: u32) -> Attr {
        Attr::of(&self.files[number as usize], self.nlink[number as usize])
    }

    fn dir_attr(&self, number: u32) -> Attr {
        let dir = &self.dirs[number as usize];
        Attr {
            ino: dir.ino,
            kind: Kind::Dir,
            size: 0,
            mtime: dir.ctime,
            ctime: dir.ctime,
            ctime_nsec: 0,
            nlink: dir.nlink,
        }
    }

    fn link_attr(&self, ino: u64, place: &Place) -> Attr {
        let times = self.dir_attr(place.dir);
        Attr {
            ino,
            kind: Kind::Link,
            size: self.link_target(place).len() as u64,
            nlink: 1,
            ..times
        }
    }

    /// The number of a shown file.
    fn file_number(&self, ino: u64) -> Option<u32> {
        let at = self
            .files
            .binary_search_by_key(&ino, |file| file.ino)
            .ok()?;
        (self.nlink[at] > 0).then_some(at as u32)
    }

    fn dir_number(&self, ino: u64) -> Option<u32> {
        let at = self
            .dirs_by_ino
            .binary_search_by_key(&ino, |number| self.dirs[*number as usize].ino)
            .ok()?;
        Some(self.dirs_by_ino[at])
    }

    fn link_place(&self, ino: u64) -> Option<Place> {
        let at = self
            .links
            .binary_search_by_key(&ino, |(ino, _)| *ino)
            .ok()?;
        Some(self.places[self.links[at].1 as usize])
    }
}

/// Counts what stands more than once, for tests and `doctor`-like checks: names that differ only in case, those of all
/// documents among them that any options may show.
pub fn clashes(tree: &Tree) -> usize {
    let mut seen: HashMap<(u32, String), u32> = HashMap::new();
    for place in &tree.places {
        let name = String::from_utf8_lossy(tree.name(place));
        *seen.entry((place.dir, names::fold(&name))).or_default() += 1;
        if matches!(place.child, Child::File(_)) && tree.in_by_date(place.dir) {
            for document in numbers::Document::ALL {
                let name = names::fold(&format!("{name}{}", document.ending()));
                *seen.entry((place.dir, name)).or_default() += 1;
            }
        }
    }
    seen.values().filter(|count| **count > 1).count()
}
