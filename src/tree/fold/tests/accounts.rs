//! Several accounts in one image: each as if it were alone, in its place.

use super::*;
use crate::tree::image::View;
use crate::tree::{Links, Sidecars};
use std::collections::HashSet;

fn of_account(account: Option<&str>, taken: HashSet<u64>, batches: &[Batch]) -> Image {
    with(account, taken, batches, &Decided::default())
}

fn with(account: Option<&str>, taken: HashSet<u64>, batches: &[Batch], decided: &Decided) -> Image {
    let mut fold = Fold::of_account(account, taken, rules(), decided, Box::new(|_| None));
    for batch in batches {
        fold.step(batch);
    }
    fold.image()
}

/// The first account, and further ones in the order of their names.
fn joined(first: &[Batch], others: &[(&str, &[Batch])]) -> Image {
    let mut image = of_account(None, HashSet::new(), first);
    for (name, batches) in others {
        let taken = image.inodes();
        image.join(of_account(Some(name), taken, batches));
    }
    image
}

/// An export with an album, a person, a favourite, an edited copy and names that clash.
fn export(stamp: &str) -> Batch {
    let mut media = Vec::new();
    for (file, crc) in [("IMG_1.jpg", 7), ("img_1.jpg", 8), ("IMG_2.jpg", 9)] {
        let mut facts = sidecar(file, JULY + i64::from(crc), JULY + 60);
        facts.people = vec!["Ada Lovelace".into()];
        facts.favorite = crc == 9;
        facts.description = Some(format!("number {crc}"));
        media.push(medium(file, crc, Some(facts)));
    }
    let mut edited = medium("IMG_2-edited.jpg", 10, None);
    edited.role = Role::Edited;
    edited.head = Some(2);
    media.push(edited);
    let album = Album {
        title: "Lisbon".into(),
        members: vec![0, 2],
        ..Album::default()
    };
    Batch {
        albums: vec![album],
        ..batch(stamp, media)
    }
}

fn below(tree: &Tree, top: &str) -> BTreeMap<String, (u64, i64, i64, u32, u32, u32)> {
    let found = walk(tree).into_iter();
    let own = found.filter_map(|(path, facts)| Some((path.strip_prefix(top)?.to_owned(), facts)));
    own.collect()
}

fn grow(image: Image) -> Tree {
    Tree::plant(image, Options::default())
}

#[test]
fn one_account_is_as_it_was() {
    let image = joined(&[export("1")], &[]);
    assert_eq!(image, super::image(&[export("1")]));
    let lines = walk(&grow(image.clone()));
    let lines: Vec<String> = lines.iter().map(|line| format!("{line:?}\n")).collect();
    let dirs = image
        .dirs
        .iter()
        .map(|dir| format!("{} {}\n", dir.ino, dir.name));
    let text: String = lines.into_iter().chain(dirs).collect();
    // Whoever has a backup of a library with one account has these names and numbers in it.
    assert_eq!(crc32fast::hash(text.as_bytes()), 2_321_740_310, "{text}");
}

#[test]
fn the_first_account_does_not_see_the_others() {
    let alone = walk(&plant(&[export("1")]));
    let image = joined(
        &[export("1")],
        &[("ada", &[export("1")]), ("ben", &[export("2")])],
    );
    let tree = grow(image);
    let mut all = walk(&tree);
    all.retain(|path, _| !path.starts_with("/accounts/"));
    assert_eq!(all, alone);
    assert_eq!(clashes(&tree), 0);
    assert_eq!(tree.accounts().collect::<Vec<_>>(), ["ada", "ben"]);
}

#[test]
fn an_account_depends_on_no_other() {
    let both = grow(joined(
        &[export("1")],
        &[("ada", &[export("1")]), ("ben", &[export("2")])],
    ));
    let alone = grow(joined(&[], &[("ben", &[export("2")])]));
    assert_eq!(
        below(&both, "/accounts/ben"),
        below(&alone, "/accounts/ben")
    );
    assert!(!below(&both, "/accounts/ben").is_empty());
}

#[test]
fn equal_bytes_in_two_accounts_are_two_files() {
    let tree = grow(joined(
        &[export("1")],
        &[("ada", &[export("1")]), ("ben", &[export("1")])],
    ));
    let root = below(&tree, "/by-date");
    let (ada, ben) = (
        below(&tree, "/accounts/ada/by-date"),
        below(&tree, "/accounts/ben/by-date"),
    );
    assert_eq!(root.len(), 4);
    for (path, (ino, mtime, ctime, nsec, links, crc)) in &root {
        for other in [&ada, &ben] {
            let other = &other[path];
            assert_eq!(
                (mtime, ctime, links, crc),
                (&other.1, &other.2, &other.4, &other.5)
            );
            assert_ne!(ino, &other.0);
            assert_ne!(nsec, &other.3, "Borg reads all again that share the newest");
            assert_eq!(ino >> 28, other.0 >> 28);
        }
        assert_ne!(ada[path].0, ben[path].0);
    }
}

#[test]
fn every_number_is_used_once() {
    let mut image = of_account(None, HashSet::new(), &[export("1")]);
    // As if the first account had the numbers that the other one would get.
    let wanted = of_account(Some("ada"), image.inodes(), &[export("1")]);
    let mut taken = image.inodes();
    taken.extend(wanted.inodes());
    let ada = of_account(Some("ada"), taken, &[export("1")]);
    let numbers = |image: &Image| -> HashSet<u64> {
        let files = image.files.iter().map(|file| file.ino);
        files.chain(image.dirs.iter().map(|dir| dir.ino)).collect()
    };
    assert!(numbers(&wanted).is_disjoint(&numbers(&ada)));
    image.join(ada);
    assert_eq!(numbers(&image).len(), image.files.len() + image.dirs.len());
    assert!(image.files.is_sorted_by_key(|file| file.ino));
    let tree = grow(image);
    assert_eq!(below(&tree, "/accounts/ada/albums").len(), 3);
}

#[test]
fn the_views_of_an_account_are_views() {
    // Names of accounts that look like something else.
    let names = ["accounts", "albums", "by-date"];
    let export = export("1");
    let others = names.map(|name| (name, std::slice::from_ref(&export)));
    let image = joined(std::slice::from_ref(&export), &others);
    let views = image.views();
    let paths = |view: Option<View>| -> usize { views.iter().filter(|of| **of == view).count() };
    assert_eq!(paths(None), 1 + 1 + names.len());
    let tree = grow(image);
    let mut seen = BTreeSet::new();
    for top in [
        "",
        "/accounts/accounts",
        "/accounts/albums",
        "/accounts/by-date",
    ] {
        let dirs = ["by-date", "albums", "people", "favorites"].map(|view| {
            let path = format!("{top}/{view}");
            let path = path.split('/').skip(1);
            path.fold(ROOT, |dir, name| {
                tree.lookup(dir, name.as_bytes()).unwrap().ino
            })
        });
        assert!(dirs.is_sorted(), "Borg must meet a photo in by-date first");
        for (path, facts) in below(&tree, &format!("{top}/by-date")) {
            let ino = facts.0;
            seen.insert(ino);
            let name = top.rsplit('/').next().filter(|name| !name.is_empty());
            assert_eq!(tree.account(ino), name, "{top}{path}");
            let places = tree.places(ino);
            assert!(places.contains(&(View::ByDate, "2023-07")), "{places:?}");
            assert!(
                places.contains(&(View::People, "Ada Lovelace")),
                "{places:?}"
            );
            let favorite = places.iter().any(|(view, _)| *view == View::Favorites);
            assert_eq!(favorite, path.contains("IMG_2"));
            let facts = tree.facts(ino, None).unwrap();
            assert_eq!(facts.people, ["Ada Lovelace"]);
            assert_eq!(facts.favorite, favorite);
        }
    }
    assert_eq!(seen.len(), 4 * 4);
    for view in [View::Albums, View::People] {
        let titles: BTreeSet<_> = tree.titles(view).collect();
        let title = if view == View::Albums {
            "Lisbon"
        } else {
            "Ada Lovelace"
        };
        let all = [None, Some("accounts"), Some("albums"), Some("by-date")];
        assert_eq!(titles, all.map(|account| (account, title)).into());
    }
}

#[test]
fn links_stay_within_their_account() {
    let image = joined(&[export("1")], &[("ada", &[export("1")])]);
    let links = Options {
        links: Links::Symlink,
        ..Options::default()
    };
    let tree = Tree::plant(image, links);
    for top in ["", "/accounts/ada"] {
        let album = below(&tree, &format!("{top}/albums/Lisbon/"));
        assert_eq!(album.len(), 3);
        for (name, facts) in album {
            let target = String::from_utf8(tree.target(facts.0).unwrap()).unwrap();
            assert_eq!(target, format!("../../by-date/2023/2023-07/{name}"));
            let home = format!("{top}/by-date/2023/2023-07/{name}");
            assert!(walk(&tree).contains_key(&home), "{home}");
        }
    }
}

#[test]
fn documents_stand_in_the_by_date_of_each_account() {
    let export = export("1");
    let facts: BTreeMap<u32, Sidecar> = export
        .media
        .iter()
        .filter_map(|medium| medium.sidecar.clone())
        .map(|(entry, facts)| (entry, (*facts).clone()))
        .collect();
    let mut image = joined(
        std::slice::from_ref(&export),
        &[("ada", std::slice::from_ref(&export))],
    );
    let texts = crate::tree::document::measure(&image, |entry| facts.get(&entry));
    image.documents.texts = texts.entered;
    image.documents.extent = Sidecars::Auto.extent();
    let tree = grow(image);
    let root = below(&tree, "/by-date");
    assert_eq!(root.len(), 8, "{root:?}");
    let ada = below(&tree, "/accounts/ada/by-date");
    assert!(root.keys().eq(ada.keys()));
    for found in [root, ada] {
        for (path, (ino, ..)) in found.iter().filter(|(path, _)| path.ends_with(".xmp")) {
            let (photo, _) = tree.beside(*ino).unwrap();
            let sidecar = tree.file(photo).unwrap().sidecar;
            let sidecar = sidecar.and_then(|entry| facts.get(&entry));
            let text = tree.text(*ino, sidecar).unwrap().unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("Ada Lovelace"), "{path}: {text}");
        }
    }
}

#[test]
fn what_is_forgotten_in_one_account_stays_in_the_other() {
    let key = export("1").media[0].key;
    let mut decided = Decided::default();
    decided.forgotten_in.insert("ada".into(), [key].into());
    let mut image = with(None, HashSet::new(), &[export("1")], &decided);
    let taken = image.inodes();
    image.join(with(Some("ada"), taken, &[export("1")], &decided));
    let tree = grow(image);
    let count = |top: &str| below(&tree, top).len();
    assert_eq!((count("/by-date"), count("/accounts/ada/by-date")), (4, 3));
}

#[test]
fn an_account_with_nothing_to_show_has_its_views() {
    let tree = grow(joined(&[export("1")], &[("ada", &[])]));
    let ada = tree.lookup(ROOT, b"accounts").unwrap().ino;
    let ada = tree.lookup(ada, b"ada").unwrap();
    assert_eq!((ada.kind, ada.nlink), (Kind::Dir, 6));
    let names: Vec<_> = tree.list(ada.ino, 0).unwrap().collect();
    let names: Vec<&[u8]> = names.iter().map(|(_, name)| &**name).collect();
    assert_eq!(names, [&b"by-date"[..], b"albums", b"people", b"favorites"]);
}

/// Versions, followers and what is gone, by inodes, with the stamp and the account of the export that says so.
type Kin = (
    BTreeSet<(u64, u64)>,
    BTreeSet<(u64, u64)>,
    BTreeSet<(u64, String, Option<String>)>,
);

fn kin(image: &Image) -> Kin {
    let ino = |file: u32| image.files[file as usize].ino;
    let pairs = |pairs: &[(u32, u32)]| pairs.iter().map(|(a, b)| (ino(*a), ino(*b))).collect();
    let gone = image.lines.gone.iter().map(|gone| {
        let export = &image.found.judged[gone.export as usize];
        (ino(gone.file), export.stamp.clone(), export.account.clone())
    });
    assert!(image.lines.versions.is_sorted());
    (
        pairs(&image.lines.versions),
        pairs(&image.lines.followers),
        gone.collect(),
    )
}

#[test]
fn what_belongs_together_does_so_in_each_account() {
    // An export, then another edit of the edited copy, then a full export that lacks a photo.
    let first = {
        let mut batch = export("1");
        for number in 20..60 {
            let facts = sidecar(&format!("{number}.jpg"), JULY - i64::from(number), JULY);
            batch
                .media
                .push(medium(&format!("{number}.jpg"), number, Some(facts)));
        }
        let facts = sidecar("IMG_2.jpg", JULY + 9, JULY + 60);
        batch.media[3].sidecar = Some((10, Arc::new(facts)));
        batch
    };
    let mut second = batch("2", vec![first.media[2].clone(), first.media[3].clone()]);
    second.media[1].head = Some(0);
    second.media[1].key.crc32 = 11;
    second.media[1].entry = 11;
    let mut third = first.clone();
    third.stamp = "3".into();
    third.media[3] = second.media[1].clone();
    third.media[3].head = Some(2);
    third.media.pop();
    let series = [first, second, third];
    let root = of_account(None, HashSet::new(), &series);
    let alone = kin(&root);
    assert_eq!((alone.0.len(), alone.1.len(), alone.2.len()), (1, 1, 1));
    let ada = of_account(Some("ada"), root.inodes(), &series);
    let hers = kin(&ada);
    let image = joined(&series, &[("ada", &series)]);
    let both = kin(&image);
    assert_eq!(both.0, alone.0.union(&hers.0).copied().collect());
    assert_eq!(both.1, alone.1.union(&hers.1).copied().collect());
    assert_eq!(both.2, alone.2.union(&hers.2).cloned().collect());
    assert_eq!(both.2.len(), 2);
}
