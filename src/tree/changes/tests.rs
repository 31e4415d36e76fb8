//! A kernel that remembers everything is told the changes; then it must know nothing wrong, and have lost nothing right.

use super::*;
use crate::model::{Location, Role};
use crate::tree::image::{DirRecord, Extent, FileRecord, Hidden, Image, PlaceRecord, TextRecord};
use crate::tree::{Links, Options, numbers};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const FILES: usize = 6;
const FOLDERS: [&str; 3] = ["2021", "2022", "2023"];

/// What may differ about one photo.
#[derive(Debug, Clone)]
struct Photo {
    there: bool,
    hidden: bool,
    mtime: i64,
    ctime: i64,
    folder: usize,
    /// Of the name: two photos may exchange theirs, since each has its own in its folder or none.
    name: usize,
    album: bool,
    text: Option<u32>,
}

fn photo() -> impl Strategy<Value = Photo> {
    let flags = (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        any::<bool>(),
    );
    let text = prop::option::of(0..2_u32);
    (flags, 0..2_i64, 0..2_i64, 0..3_usize, 0..2_usize, text).prop_map(
        |((there, hidden, album), mtime, ctime, folder, name, text)| Photo {
            there,
            hidden,
            mtime,
            ctime,
            folder,
            name,
            album,
            text,
        },
    )
}

fn record(number: usize, photo: &Photo) -> FileRecord {
    FileRecord {
        ino: 100 + number as u64,
        size: 10 + number as u64,
        mtime: photo.mtime,
        ctime: photo.ctime,
        ctime_nsec: number as u32,
        crc32: number as u32,
        location: Location::File {
            part: 1,
            path: 0,
            mtime_ns: 7,
        },
        taken: None,
        ahead_minutes: None,
        entry: number as u32,
        sidecar: None,
        role: Role::Original,
        follows: false,
        hidden: if photo.hidden {
            Hidden::Older
        } else {
            Hidden::No
        },
        video: false,
        copies: 1,
        gone: false,
    }
}

fn dir(ino: u64, parent: u32, name: &str, fixed: bool) -> DirRecord {
    DirRecord {
        ino,
        parent,
        name: name.into(),
        title: name.into(),
        fixed,
    }
}

fn tree(photos: &[Photo], links: Links) -> Tree {
    let dirs = vec![
        dir(ROOT, 0, "", true),
        dir(numbers::BY_DATE, 0, "by-date", true),
        dir(numbers::ALBUMS, 0, "albums", true),
        dir(numbers::dir_inode("albums/x", 0), 2, "x", false),
    ];
    let mut image = Image {
        dirs,
        ..Image::default()
    };
    for name in FOLDERS {
        let path = format!("by-date/{name}");
        image
            .dirs
            .push(dir(numbers::dir_inode(&path, 0), 1, name, false));
    }
    image.documents.extent = Some(Extent::Entered);
    let mut taken = BTreeSet::new();
    for (number, photo) in photos.iter().enumerate().filter(|(_, photo)| photo.there) {
        let file = image.files.len() as u32;
        image.files.push(record(number, photo));
        let mut place = |dir: u32, name: &str, home: bool| {
            let name_at = image.names.len() as u32;
            image.names.extend_from_slice(name.as_bytes());
            image.places.push(PlaceRecord {
                dir,
                file,
                name_at,
                name_len: name.len() as u8,
                home,
            });
        };
        let wish = format!("{}.jpg", photo.name);
        let folder = 4 + photo.folder as u32;
        // The one that comes first has the name that two wish for.
        let name = if taken.insert((folder, wish.clone())) {
            wish
        } else {
            format!("own{number}.jpg")
        };
        place(folder, &name, true);
        if photo.album {
            place(3, &format!("a{number}.jpg"), false);
        }
        if let Some(fingerprint) = photo.text {
            image.documents.texts.push(TextRecord {
                file,
                size: 100,
                fingerprint,
            });
        }
    }
    image.paths.push(b"Takeout/x.jpg".to_vec());
    Tree::plant(
        image,
        Options {
            links,
            ..Options::default()
        },
    )
}

type Names = BTreeMap<Vec<u8>, u64>;

/// What a kernel remembers that has seen all of a tree.
#[derive(Debug, Default)]
struct Kernel {
    listings: BTreeMap<u64, Vec<(Vec<u8>, u64)>>,
    names: BTreeMap<u64, Names>,
    attributes: BTreeMap<u64, Attr>,
    bytes: BTreeMap<u64, (Option<u32>, Option<Vec<u8>>)>,
}

fn bytes(tree: &Tree, ino: u64) -> (Option<u32>, Option<Vec<u8>>) {
    (tree.sum_at(ino), tree.target(ino))
}

fn listing(tree: &Tree, dir: u64) -> Option<Vec<(Vec<u8>, u64)>> {
    let list = tree.list(dir, 0)?;
    Some(list.map(|(attr, name)| (name.to_vec(), attr.ino)).collect())
}

impl Kernel {
    fn of(tree: &Tree) -> Kernel {
        let mut kernel = Kernel::default();
        kernel.see(tree, ROOT);
        kernel
    }

    fn see(&mut self, tree: &Tree, ino: u64) {
        self.attributes.insert(ino, tree.attr(ino).unwrap());
        self.bytes.insert(ino, bytes(tree, ino));
        let Some(list) = listing(tree, ino) else {
            return;
        };
        for (name, child) in &list {
            self.names
                .entry(ino)
                .or_default()
                .insert(name.clone(), *child);
            self.see(tree, *child);
        }
        self.listings.insert(ino, list);
    }

    fn hear(&mut self, changes: &Changes) {
        for Listing { dir, names } in &changes.listings {
            for name in names {
                self.names.get_mut(dir).unwrap().remove(&**name);
            }
            self.listings.remove(dir);
            self.attributes.remove(dir);
        }
        for ino in &changes.attributes {
            self.attributes.remove(ino);
        }
        for ino in &changes.bytes {
            self.attributes.remove(ino);
            self.bytes.remove(ino);
        }
    }

    /// Asks as programs do, from the root: nothing that is remembered on the way is wrong.
    fn knows_nothing_wrong(&self, new: &Tree, ino: u64) {
        if let Some(attr) = self.attributes.get(&ino) {
            assert_eq!(Some(*attr), new.attr(ino));
        }
        if let Some(known) = self.bytes.get(&ino) {
            assert_eq!(*known, bytes(new, ino));
        }
        if let Some(list) = self.listings.get(&ino) {
            assert_eq!(Some(list), listing(new, ino).as_ref());
        }
        for (name, child) in self.names.get(&ino).into_iter().flatten() {
            assert_eq!(new.lookup(ino, name).map(|attr| attr.ino), Some(*child));
            self.knows_nothing_wrong(new, *child);
        }
    }
}

/// Each notice is about something that is another.
fn nothing_right_is_lost(old: &Tree, new: &Tree, changes: &Changes) {
    for Listing { dir, names } in &changes.listings {
        assert_ne!(listing(old, *dir), listing(new, *dir));
        for name in names {
            let ino = |tree: &Tree| tree.lookup(*dir, name).map(|attr| attr.ino);
            assert_ne!(ino(old), ino(new));
        }
    }
    for ino in &changes.attributes {
        assert_ne!(old.attr(*ino), new.attr(*ino));
    }
    for ino in &changes.bytes {
        assert_ne!(bytes(old, *ino), bytes(new, *ino));
    }
}

fn check(old: &Tree, new: &mut Tree) {
    new.carry(old);
    let changes = Changes::between(old, new);
    let mut kernel = Kernel::of(old);
    kernel.hear(&changes);
    kernel.knows_nothing_wrong(new, ROOT);
    nothing_right_is_lost(old, new, &changes);
    for number in 0..FILES as u64 {
        let ino = 100 + number;
        let Some(was) = old.blob(ino) else { continue };
        let is = new.blob(ino).unwrap();
        assert_eq!(
            (was.size, was.crc32, was.path),
            (is.size, is.crc32, is.path)
        );
        assert_eq!(new.attr(ino).unwrap().size, was.size);
    }
    for (before, now, _) in new.same_blobs(old) {
        let find = |tree: &Tree, index: u32| {
            let found = (0..FILES as u64).find(|number| {
                tree.blob(100 + number)
                    .is_some_and(|blob| blob.index == index)
            });
            found.unwrap()
        };
        assert_eq!(find(old, before), find(new, now));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_kernel_that_was_told_knows_nothing_wrong_and_has_lost_nothing_right(
        before in prop::collection::vec(photo(), FILES),
        between in prop::collection::vec(photo(), FILES),
        after in prop::collection::vec(photo(), FILES),
        symlinks in any::<bool>(),
    ) {
        let links = if symlinks { Links::Symlink } else { Links::Hard };
        let old = tree(&before, links);
        let mut new = tree(&between, links);
        check(&old, &mut new);
        let mut newest = tree(&after, links);
        check(&new, &mut newest);
        let mut same = tree(&after, links);
        same.carry(&newest);
        prop_assert!(Changes::between(&newest, &same).is_empty());
    }
}

#[test]
fn what_left_has_no_links_and_what_came_back_has_a_place() {
    let photo = |there| Photo {
        there,
        hidden: false,
        mtime: 0,
        ctime: 0,
        folder: 0,
        name: 0,
        album: false,
        text: None,
    };
    let old = tree(&[photo(true), photo(true)], Links::Hard);
    let mut without = tree(&[photo(true), photo(false)], Links::Hard);
    without.carry(&old);
    assert_eq!(without.attr(101).unwrap().nlink, 0);
    assert_eq!(without.path(101), None);
    assert_eq!(without.totals().files, 1);
    let mut again = tree(&[photo(true), photo(true)], Links::Hard);
    again.carry(&without);
    assert_eq!(again.attr(101).unwrap().nlink, 1);
    assert_eq!(again.blobs(), 2);
}
