//! What the fold promises, on exports made by hand and by chance.

use super::{Fold, Rules};
use crate::model::{Album, Batch, BlobKey, Decided, Location, Medium, Role, Sidecar};
use crate::tree::image::Image;
use crate::tree::{Kind, Options, ROOT, Tree, clashes, numbers};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn rules() -> Rules {
    Rules::default()
}

fn sidecar(title: &str, taken: i64, uploaded: i64) -> Sidecar {
    Sidecar {
        title: Some(title.into()),
        taken: Some(taken),
        uploaded: Some(uploaded),
        ..Sidecar::default()
    }
}

fn medium(file: &str, crc32: u32, facts: Option<Sidecar>) -> Medium {
    Medium {
        entry: crc32,
        key: BlobKey {
            size: 1000,
            crc32,
            head: 0,
        },
        location: Location::Zip {
            part: 1,
            deflated: false,
            header: u64::from(crc32),
            packed: 1000,
        },
        absent: false,
        file: file.into(),
        year: None,
        in_album: false,
        role: Role::Original,
        head: None,
        sidecar: facts.map(|facts| (crc32, Arc::new(facts))),
        borrowed: false,
        told: None,
        zone: None,
    }
}

fn batch(stamp: &str, media: Vec<Medium>) -> Batch {
    Batch {
        stamp: stamp.into(),
        whole: true,
        media,
        ..Batch::default()
    }
}

fn image(batches: &[Batch]) -> Image {
    image_with(batches, &Decided::default(), Box::new(|_| None))
}

fn image_with(batches: &[Batch], decided: &Decided, pixels: super::Pixels<'_>) -> Image {
    let mut fold = Fold::new(rules(), decided, pixels);
    for batch in batches {
        fold.step(batch);
    }
    fold.image()
}

fn plant(batches: &[Batch]) -> Tree {
    Tree::plant(image(batches), Options::default())
}

/// Every file of a tree: path → (inode, times, links, checksum).
fn walk(tree: &Tree) -> BTreeMap<String, (u64, i64, i64, u32, u32, u32)> {
    fn below(
        tree: &Tree,
        dir: u64,
        path: &str,
        found: &mut BTreeMap<String, (u64, i64, i64, u32, u32, u32)>,
    ) {
        for (attr, name) in tree.list(dir, 0).unwrap() {
            let path = format!("{path}/{}", std::str::from_utf8(&name).unwrap());
            match attr.kind {
                Kind::Dir => below(tree, attr.ino, &path, found),
                Kind::File | Kind::Link => {
                    let crc = tree.file(attr.ino).map_or(0, |file| file.crc32);
                    let facts = (
                        attr.ino,
                        attr.mtime,
                        attr.ctime,
                        attr.ctime_nsec,
                        attr.nlink,
                        crc,
                    );
                    assert!(found.insert(path, facts).is_none());
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    below(tree, ROOT, "", &mut found);
    found
}

fn paths(tree: &Tree) -> Vec<String> {
    walk(tree).into_keys().collect()
}

mod accounts;
mod compare;
mod dates;
mod series;

const JULY: i64 = 1_689_329_472;

#[test]
fn a_photo_stands_in_its_month_with_its_times() {
    let tree = plant(&[batch(
        "1",
        vec![medium(
            "IMG_1.jpg",
            7,
            Some(sidecar("IMG_1.jpg", JULY, JULY + 60)),
        )],
    )]);
    let found = walk(&tree);
    let (ino, mtime, ctime, _, nlink, _) = found["/by-date/2023/2023-07/IMG_1.jpg"];
    assert_eq!((mtime, ctime, nlink), (JULY, JULY + 60, 1));
    assert_eq!(ino >> 28, (JULY + 2_208_988_800) as u64);
    assert_eq!(tree.lookup(ROOT, b"albums").unwrap().ino, numbers::ALBUMS);
    assert_eq!(tree.totals().files, 1);
}

#[test]
fn the_view_directories_are_there_when_empty() {
    let tree = plant(&[]);
    for (name, ino) in [
        ("by-date", 2),
        ("albums", 3),
        ("people", 4),
        ("favorites", 5),
    ] {
        assert_eq!(tree.lookup(ROOT, name.as_bytes()).unwrap().ino, ino);
    }
    assert_eq!(tree.attr(ROOT).unwrap().nlink, 6);
}

#[test]
fn a_bare_year_means_noon_of_new_year_and_nothing_means_undated() {
    let mut year = medium("a.jpg", 1, None);
    year.year = Some(2019);
    let uploaded = medium(
        "b.jpg",
        2,
        Some(Sidecar {
            uploaded: Some(JULY),
            ..Sidecar::default()
        }),
    );
    let found = walk(&plant(&[batch(
        "1",
        vec![year, uploaded, medium("c.jpg", 3, None)],
    )]));
    assert_eq!(found["/by-date/2019/2019-01/a.jpg"].1, 1_546_344_000);
    assert_eq!(found["/by-date/2023/2023-07/b.jpg"].1, JULY);
    assert_eq!(found["/by-date/undated/c.jpg"].1, 1_000_000_000);
}

#[test]
fn the_earlier_upload_keeps_the_plain_name() {
    let late = medium("IMG_1.jpg", 1, Some(sidecar("IMG_1.jpg", JULY, 900)));
    let early = medium("IMG_1(1).jpg", 2, Some(sidecar("img_1.JPG", JULY, 800)));
    let found = walk(&plant(&[batch("1", vec![late, early])]));
    assert_eq!(found.len(), 2);
    assert_eq!(found["/by-date/2023/2023-07/img_1.JPG"].5, 2);
    let suffixed = found.keys().find(|path| path.contains('~')).unwrap();
    assert!(
        suffixed.starts_with("/by-date/2023/2023-07/IMG_1~") && suffixed.ends_with(".jpg"),
        "{suffixed}"
    );
}

#[test]
fn a_name_given_in_an_earlier_export_stays() {
    let resident = batch(
        "1",
        vec![medium(
            "IMG_1.jpg",
            1,
            Some(sidecar("IMG_1.jpg", JULY, 900)),
        )],
    );
    // Uploaded earlier, but first seen in a later export.
    let newcomer = batch(
        "2",
        vec![medium(
            "IMG_1.jpg",
            2,
            Some(sidecar("IMG_1.jpg", JULY, 100)),
        )],
    );
    let found = walk(&plant(&[resident, newcomer]));
    assert_eq!(found["/by-date/2023/2023-07/IMG_1.jpg"].5, 1);
}

#[test]
fn edits_and_clips_follow_their_head_everywhere() {
    let mut facts = sidecar("IMG_1.HEIC", JULY, 900);
    facts.people = vec!["Ada".into()];
    facts.favorite = true;
    let other = medium("IMG_1.HEIC", 9, Some(sidecar("IMG_1.HEIC", JULY, 1)));
    let head = medium("IMG_1(1).HEIC", 1, Some(facts.clone()));
    let mut edit = medium("IMG_1-bearbeitet(1).HEIC", 2, Some(facts.clone()));
    (edit.role, edit.head) = (Role::Edited, Some(1));
    let mut clip = medium("IMG_1(1).MP4", 3, Some(facts));
    (clip.role, clip.head) = (Role::Clip, Some(1));
    let found = walk(&plant(&[batch("1", vec![other, head, edit, clip])]));
    let of = |crc: u32| -> Vec<&String> {
        found
            .iter()
            .filter(|(_, facts)| facts.5 == crc)
            .map(|(path, _)| path)
            .collect()
    };
    let stem = of(1)[0]
        .strip_prefix("/by-date/2023/2023-07/")
        .unwrap()
        .strip_suffix(".HEIC")
        .unwrap();
    assert!(stem.starts_with("IMG_1~"), "{stem}");
    assert_eq!(
        of(2)[0],
        &format!("/by-date/2023/2023-07/{stem}-edited.HEIC")
    );
    assert_eq!(of(3)[0], &format!("/by-date/2023/2023-07/{stem}.MP4"));
    assert_eq!(
        of(2)[1..],
        [
            "/favorites/IMG_1-edited.HEIC",
            "/people/Ada/IMG_1-edited.HEIC"
        ]
    );
    assert_eq!(
        of(3)[1..],
        ["/favorites/IMG_1.MP4", "/people/Ada/IMG_1.MP4"]
    );
    assert_eq!(found["/favorites/IMG_1.MP4"].4, 3);
}

#[test]
fn equal_bytes_are_one_photo_and_the_earliest_upload_speaks() {
    let year = medium("IMG_1.jpg", 1, Some(sidecar("IMG_1.jpg", JULY, 900)));
    let mut copy = medium("IMG_1(1).jpg", 1, Some(sidecar("Renamed.jpg", JULY, 500)));
    copy.in_album = true;
    let image = image(&[batch("1", vec![copy, year])]);
    assert_eq!(image.files[0].copies, 2);
    assert_eq!(
        paths(&Tree::plant(image, Options::default())),
        ["/by-date/2023/2023-07/Renamed.jpg"]
    );
}

#[test]
fn contents_that_share_size_and_checksum_are_told_apart_by_their_head() {
    let mut one = medium("a.jpg", 1, Some(sidecar("a.jpg", JULY, 1)));
    let mut two = medium("b.jpg", 1, Some(sidecar("b.jpg", JULY, 2)));
    one.key.head = 11;
    two.key.head = 12;
    let alone = walk(&plant(&[batch(
        "1",
        vec![medium("a.jpg", 1, Some(sidecar("a.jpg", JULY, 1)))],
    )]));
    let both = walk(&plant(&[batch("1", vec![one, two])]));
    assert_eq!(both.len(), 2);
    // The first keeps its numbers, as if the other had never come.
    assert_eq!(
        both["/by-date/2023/2023-07/a.jpg"],
        alone["/by-date/2023/2023-07/a.jpg"]
    );
}

#[test]
fn what_is_hidden_keeps_its_name() {
    let mut trashed = sidecar("IMG_1.jpg", JULY, 1);
    trashed.trashed = true;
    let batch = batch(
        "1",
        vec![
            medium("IMG_1.jpg", 1, Some(trashed)),
            medium("IMG_1.jpg", 2, Some(sidecar("IMG_1.jpg", JULY, 2))),
        ],
    );
    let shown = paths(&plant(std::slice::from_ref(&batch)));
    assert_eq!(shown.len(), 1);
    assert!(shown[0].contains('~'));
    let all = Options {
        trash: true,
        ..Options::default()
    };
    let with_trash = paths(&Tree::plant(image(&[batch]), all));
    assert_eq!(with_trash.len(), 2);
    assert!(with_trash.contains(&shown[0]));
}

#[test]
fn albums_are_joined_by_title_and_shared_photos() {
    let photo = |crc: u32| {
        let title = format!("{crc}.jpg");
        medium(&title, crc, Some(sidecar(&title, JULY, i64::from(crc))))
    };
    let album = |title: &str, members: &[u32]| Album {
        title: title.into(),
        untitled: title.starts_with("Untitled"),
        date: None,
        members: members.to_vec(),
    };
    let mut first = batch("1", (1..=4).map(photo).collect());
    first.albums = vec![
        album("Paris", &[0]),
        album("Paris", &[1]),
        album("Untitled(1)", &[2]),
    ];
    let mut second = batch("2", (1..=6).map(photo).collect());
    second.albums = vec![
        album("Paris", &[1, 4]),
        album("Paris", &[0, 5]),
        album("Untitled(7)", &[2, 3]),
    ];
    let before = walk(&plant(std::slice::from_ref(&first)));
    let after = walk(&plant(&[first, second]));
    let dirs = |tree: &BTreeMap<String, _>| -> BTreeSet<String> {
        let albums = tree.keys().filter(|path| path.starts_with("/albums/"));
        albums
            .map(|path| path.split('/').nth(2).unwrap().to_owned())
            .collect()
    };
    assert_eq!(dirs(&before), dirs(&after));
    assert_eq!(dirs(&after).len(), 3);
    for path in before.keys() {
        assert!(after.contains_key(path), "{path}");
    }
    let with = |crc: u32| {
        after
            .iter()
            .find(|(path, facts)| path.starts_with("/albums/") && facts.5 == crc)
    };
    let dir = |crc: u32| with(crc).unwrap().0.rsplit_once('/').unwrap().0.to_owned();
    assert_eq!(dir(1), dir(6));
    assert_eq!(dir(2), dir(5));
}

#[test]
fn links_lead_home() {
    let mut facts = sidecar("IMG_1.jpg", JULY, 1);
    facts.favorite = true;
    let batch = batch("1", vec![medium("IMG_1.jpg", 1, Some(facts))]);
    let options = Options {
        links: crate::tree::Links::Symlink,
        ..Options::default()
    };
    let tree = Tree::plant(image(&[batch]), options);
    let link = tree.lookup(numbers::FAVORITES, b"IMG_1.jpg").unwrap();
    assert_eq!(link.kind, Kind::Link);
    let target = tree.target(link.ino).unwrap();
    assert_eq!(target, b"../by-date/2023/2023-07/IMG_1.jpg");
    assert_eq!(link.size, target.len() as u64);
    assert_eq!(tree.attr(link.ino), Some(link));
}

#[derive(Debug, Clone)]
struct Chance {
    title: usize,
    taken: i64,
    uploaded: i64,
    crc: u32,
    people: usize,
    favorite: bool,
    trashed: bool,
    album: Option<usize>,
}

fn chances() -> impl Strategy<Value = Vec<Chance>> {
    let one = (
        0..TITLES.len(),
        0..4_i64,
        0..3_i64,
        0..12_u32,
        0..4_usize,
        any::<bool>(),
        any::<bool>(),
        prop::option::of(0..4_usize),
    );
    let one = one.prop_map(
        |(title, taken, uploaded, crc, people, favorite, trashed, album)| Chance {
            title,
            taken,
            uploaded,
            crc,
            people,
            favorite,
            trashed,
            album,
        },
    );
    prop::collection::vec(one, 1..24)
}

const TITLES: [&str; 9] = [
    "IMG_1.jpg",
    "img_1.jpg.XMP",
    "IMG_1.jpg.xmp.json",
    "strasse.png.j\u{17f}on",
    "img_1.JPG",
    "IMG_1~abcd.jpg",
    "straße.png",
    "STRASSE.png",
    "no ending",
];
const PEOPLE: [&[&str]; 4] = [&[], &["Ada"], &["ada", "Ada"], &["A/da"]];
const ALBUMS: [&str; 4] = ["Paris", "PARIS", "Pa/ris", "Untitled(2)"];

fn chance_batch(stamp: &str, chances: &[Chance]) -> Batch {
    let mut made = batch(stamp, Vec::new());
    made.albums = ALBUMS
        .map(|title| Album {
            title: title.into(),
            untitled: title.starts_with("Untitled"),
            ..Album::default()
        })
        .into();
    for (index, chance) in chances.iter().enumerate() {
        let mut facts = sidecar(
            TITLES[chance.title],
            JULY + chance.taken * 86_400 * 20,
            chance.uploaded,
        );
        facts.people = PEOPLE[chance.people]
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        facts.favorite = chance.favorite;
        facts.trashed = chance.trashed;
        made.media
            .push(medium(TITLES[chance.title], chance.crc, Some(facts)));
        if let Some(album) = chance.album {
            made.albums[album].members.push(index as u32);
        }
    }
    made
}

proptest! {
    /// Whatever an export holds: every content is in by-date once, no two names differ in case alone, and every name
    /// fits with all suffixes.
    #[test]
    fn any_exports_give_a_sound_tree(one in chances(), two in chances()) {
        let all = Options { trash: true, locked: true, ..Options::default() };
        // Other uploads: none of them is an edit of what the first export holds.
        let two: Vec<Chance> = two.into_iter().map(|chance| Chance { uploaded: chance.uploaded + 10, ..chance }).collect();
        let batches = [chance_batch("1", &one), chance_batch("2", &two)];
        let tree = Tree::plant(image(&batches), all);
        prop_assert_eq!(clashes(&tree), 0);
        let found = walk(&tree);
        let mut homes: BTreeMap<u32, u32> = BTreeMap::new();
        let mut places: BTreeMap<u64, u32> = BTreeMap::new();
        for (path, facts) in &found {
            prop_assert!(path.rsplit('/').next().unwrap().len() <= 255);
            *places.entry(facts.0).or_default() += 1;
            if path.starts_with("/by-date/") {
                *homes.entry(facts.5).or_default() += 1;
            }
        }
        let contents: BTreeSet<u32> = one.iter().chain(&two).map(|chance| chance.crc).collect();
        prop_assert_eq!(homes.keys().copied().collect::<BTreeSet<_>>(), contents);
        prop_assert!(homes.values().all(|count| *count == 1));
        for facts in found.values() {
            prop_assert_eq!(facts.4, places[&facts.0]);
        }
    }

    /// A later export never takes a name from a photo whose own facts did not change.
    #[test]
    fn a_later_export_moves_nothing(one in chances(), two in chances()) {
        let first = chance_batch("1", &one);
        // The later export has only contents of its own, and no edits.
        let own = |chance: Chance| Chance { crc: chance.crc + 100, uploaded: chance.uploaded + 10, ..chance };
        let two: Vec<Chance> = two.into_iter().map(own).collect();
        let before = walk(&plant(std::slice::from_ref(&first)));
        let after = walk(&plant(&[first, chance_batch("2", &two)]));
        for (path, facts) in &before {
            let now = after.get(path).copied();
            prop_assert_eq!(now, Some(*facts), "{}", path);
        }
    }

    /// Listings go on after any entry, and look-ups find what listings show.
    #[test]
    fn listings_and_lookups_agree(one in chances()) {
        let tree = plant(&[chance_batch("1", &one)]);
        let mut dirs = vec![ROOT];
        while let Some(dir) = dirs.pop() {
            let all: Vec<(u64, Vec<u8>)> = tree.list(dir, 0).unwrap().map(|(attr, name)| (attr.ino, name.to_vec())).collect();
            prop_assert!(all.windows(2).all(|two| two[0].0 < two[1].0));
            for (at, (ino, name)) in all.iter().enumerate() {
                prop_assert_eq!(tree.lookup(dir, name).map(|attr| attr.ino), Some(*ino));
                prop_assert_eq!(tree.list(dir, *ino).unwrap().count(), all.len() - at - 1);
                if tree.attr(*ino).unwrap().kind == Kind::Dir {
                    prop_assert_eq!(tree.parent(*ino), Some(dir));
                    dirs.push(*ino);
                }
            }
            prop_assert_eq!(tree.lookup(dir, b"nothing of that name"), None);
        }
    }
}
