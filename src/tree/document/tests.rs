//! Which photos get a document, and that documents stand in a tree as anything else does.

use super::*;
use crate::model::{Album, Batch, BlobKey, Decided, Location, Medium};
use crate::tree::fold::{Fold, Rules};
use crate::tree::image::{Hidden, JsonRecord, Sidecars};
use crate::tree::numbers::{self, Document};
use crate::tree::{Kind, Options, ROOT, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const JULY: i64 = 1_689_329_472;

fn medium(number: u32, title: &str, facts: impl FnOnce(&mut Sidecar)) -> Medium {
    let mut sidecar = Sidecar {
        title: Some(title.into()),
        taken: Some(JULY + i64::from(number)),
        uploaded: Some(JULY + 100),
        ..Sidecar::default()
    };
    facts(&mut sidecar);
    Medium {
        entry: number,
        key: BlobKey {
            size: 1000,
            crc32: number,
            head: 0,
        },
        location: Location::Zip {
            part: 1,
            deflated: false,
            header: u64::from(number),
            packed: 1000,
        },
        absent: false,
        file: title.into(),
        year: None,
        in_album: false,
        role: Role::Original,
        head: None,
        sidecar: Some((1000 + number, Arc::new(sidecar))),
        borrowed: false,
        told: None,
        zone: None,
    }
}

fn geo(latitude: f64, altitude: f64) -> Option<Geo> {
    Some(Geo {
        latitude,
        longitude: 9.0,
        altitude,
    })
}

/// A library with one photo for each thing that may be said, an edited copy and a clip, and one album.
fn batch() -> Batch {
    let mut edited = medium(11, "said-edited.jpg", |facts| {
        facts.description = Some("Words".into());
    });
    (edited.role, edited.head) = (Role::Edited, Some(1));
    let mut clip = medium(12, "said.MP4", |facts| {
        facts.description = Some("Words".into());
    });
    (clip.role, clip.head) = (Role::Clip, Some(1));
    let mut bare = medium(13, "bare.jpg", |_| {});
    bare.sidecar = None;
    let media = vec![
        medium(0, "plain.jpg", |_| {}),
        medium(1, "said.jpg", |facts| {
            facts.description = Some("Words".into());
        }),
        medium(2, "who.jpg", |facts| {
            facts.people = vec!["Zoe".into(), "Ada".into()];
        }),
        medium(3, "liked.jpg", |facts| facts.favorite = true),
        medium(4, "moved.jpg", |facts| {
            (facts.geo, facts.geo_exif) = (geo(1.0, 0.0), geo(1.000_000_1, 0.0));
        }),
        medium(5, "placed.jpg", |facts| facts.geo = geo(1.0, 0.0)),
        medium(6, "there.jpg", |facts| {
            (facts.geo, facts.geo_exif) = (geo(1.0, 7.0), geo(1.0, 0.0));
        }),
        medium(7, "unplaced.jpg", |facts| facts.geo_exif = geo(1.0, 0.0)),
        medium(8, "gone.jpg", |facts| {
            (facts.description, facts.trashed) = (Some("Words".into()), true);
        }),
        medium(9, "dated.jpg", |facts| {
            facts.title = Some("other title.jpg".into());
        }),
        medium(10, "archived.jpg", |facts| facts.archived = true),
        edited,
        clip,
        bare,
    ];
    let album = Album {
        title: "Trip".into(),
        members: vec![0, 2],
        ..Album::default()
    };
    Batch {
        stamp: "1".into(),
        media,
        albums: vec![album],
        ..Batch::default()
    }
}

fn sidecars(batch: &Batch) -> BTreeMap<u32, Arc<Sidecar>> {
    let media = batch.media.iter();
    media.filter_map(|medium| medium.sidecar.clone()).collect()
}

fn planted(batch: &Batch, options: Options) -> Tree {
    let mut fold = Fold::new(Rules::default(), &Decided::default(), Box::new(|_| None));
    fold.step(batch);
    let mut image = fold.image();
    let sidecars = sidecars(batch);
    let texts = measure(&image, |entry| sidecars.get(&entry).map(|facts| &**facts));
    image.documents.extent = options.sidecars.extent();
    image.documents.texts = match options.sidecars.extent() {
        Some(Extent::Entered) => texts.entered,
        Some(Extent::All) => texts.all,
        None => Vec::new(),
    };
    if options.sidecars.json() {
        for (file, record) in (0..).zip(&image.files) {
            if record.sidecar.is_some() && !record.follows {
                image.documents.json.push(JsonRecord {
                    file,
                    size: 700,
                    crc32: 70 + file,
                    location: record.location,
                });
            }
        }
    }
    Tree::plant(image, options)
}

fn with(sidecars: Sidecars) -> Options {
    Options {
        sidecars,
        ..Options::default()
    }
}

/// Name and inode of all files of a directory, as listed.
fn listed(tree: &Tree, dir: u64) -> Vec<(String, u64)> {
    let entries = tree.list(dir, 0).unwrap();
    entries
        .map(|(attr, name)| (String::from_utf8(name.into_owned()).unwrap(), attr.ino))
        .collect()
}

fn dir(tree: &Tree, path: &str) -> u64 {
    path.split('/').fold(ROOT, |dir, name| {
        tree.lookup(dir, name.as_bytes()).unwrap().ino
    })
}

fn month(tree: &Tree) -> u64 {
    dir(tree, "by-date/2023/2023-07")
}

fn names(tree: &Tree, ending: &str) -> BTreeSet<String> {
    let names = listed(tree, month(tree)).into_iter().map(|(name, _)| name);
    names.filter(|name| name.ends_with(ending)).collect()
}

#[test]
fn documents_stand_beside_what_a_person_entered() {
    let batch = batch();
    let tree = planted(&batch, with(Sidecars::Auto));
    let said = ["liked", "moved", "placed", "said", "said-edited", "who"];
    let said: BTreeSet<String> = said.iter().map(|name| format!("{name}.jpg.xmp")).collect();
    assert_eq!(names(&tree, ".xmp"), said);
    assert!(names(&tree, ".json").is_empty());
    let trash = Options {
        trash: true,
        ..with(Sidecars::Auto)
    };
    let more = names(&planted(&batch, trash), ".xmp");
    assert_eq!(more.len(), said.len() + 1);
    assert!(more.contains("gone.jpg.xmp"));
}

#[test]
fn every_mode_shows_its_documents_and_the_same_photos() {
    let batch = batch();
    let photos = names(&planted(&batch, with(Sidecars::None)), "");
    assert_eq!(photos.len(), 12);
    let json: BTreeSet<String> = photos
        .iter()
        .filter(|name| !["said-edited.jpg", "said.MP4"].contains(&name.as_str()))
        .map(|name| format!("{name}.json"))
        .collect();
    let xmp: BTreeSet<String> = photos.iter().map(|name| format!("{name}.xmp")).collect();
    for (sidecars, documents) in [
        (Sidecars::Xmp, xmp.clone()),
        (Sidecars::Json, json.clone()),
        (Sidecars::Both, &xmp | &json),
    ] {
        let tree = planted(&batch, with(sidecars));
        assert_eq!(names(&tree, ""), &photos | &documents, "{sidecars:?}");
        // Besides there is the photo without a sidecar, of which XMP has nothing to say.
        let bare = u64::from(sidecars != Sidecars::Json);
        assert_eq!(tree.totals().documents, documents.len() as u64 + bare);
        assert_eq!(tree.totals().files, 13);
        let undated = listed(&tree, dir(&tree, "by-date/undated"));
        assert_eq!(undated.len() as u64, 1 + bare);
    }
}

#[test]
fn documents_are_found_listed_and_told_like_files() {
    let batch = batch();
    let sidecars = sidecars(&batch);
    let tree = planted(&batch, with(Sidecars::Both));
    let dir = month(&tree);
    let all = listed(&tree, dir);
    let mut sorted = all.clone();
    sorted.sort_by_key(|(_, ino)| *ino);
    sorted.dedup_by_key(|(_, ino)| *ino);
    assert_eq!(all, sorted, "in the order of inodes, each once");
    let mut newest = i64::MIN;
    let mut bytes = 0;
    for (at, (name, ino)) in all.iter().enumerate() {
        // A listing goes on behind any entry.
        let rest: Vec<u64> = tree.list(dir, *ino).unwrap().map(|(a, _)| a.ino).collect();
        let should: Vec<u64> = all[at + 1..].iter().map(|(_, ino)| *ino).collect();
        assert_eq!(rest, should, "{name}");
        let attr = tree.lookup(dir, name.as_bytes()).unwrap();
        assert_eq!(Some(attr), tree.attr(*ino));
        assert_eq!((attr.ino, attr.kind), (*ino, Kind::File));
        assert_eq!(
            tree.path(*ino),
            Some(format!("by-date/2023/2023-07/{name}"))
        );
        newest = newest.max(attr.ctime);
        bytes += attr.size;
        let Some((photo, document)) = tree.beside(*ino) else {
            continue;
        };
        assert_eq!(attr.ctime_nsec, tree.attr(photo).unwrap().ctime_nsec);
        assert_eq!(
            (attr.nlink, attr.mtime, tree.file(*ino)),
            (1, attr.ctime, None)
        );
        assert_eq!(
            tree.path(photo).unwrap() + document.ending(),
            tree.path(*ino).unwrap()
        );
        let facts = tree.file(photo).unwrap();
        match document {
            Document::Xmp => {
                let sidecar = facts.sidecar.map(|entry| &*sidecars[&entry]);
                let text = tree.text(*ino, sidecar).unwrap().unwrap();
                assert_eq!(text.len() as u64, attr.size);
                let print = i64::from(crc32fast::hash(&text) & 0xf_ffff);
                assert_eq!(attr.ctime, facts.ctime + print);
                assert!(tree.blob(*ino).is_none());
            }
            Document::Json => {
                let blob = tree.blob(*ino).unwrap();
                assert_eq!((blob.size, attr.size, blob.ino), (700, 700, *ino));
                assert!(blob.index as usize >= 14 && (blob.index as usize) < tree.blobs());
                assert_eq!(attr.ctime, facts.ctime + i64::from(blob.crc32));
                assert!(tree.text(*ino, None).is_none());
            }
        }
    }
    assert_eq!(tree.attr(dir).unwrap().ctime, newest);
    let undated = tree.list(self::dir(&tree, "by-date/undated"), 0).unwrap();
    bytes += undated.map(|(attr, _)| attr.size).sum::<u64>();
    assert_eq!(tree.totals().bytes, bytes);
    for name in [
        "plain.jpg.xmp.xmp",
        "said.jpg.Xmp",
        ".xmp",
        "no.jpg.xmp",
        "said.MP4.json",
    ] {
        assert_eq!(tree.lookup(dir, name.as_bytes()), None, "{name}");
    }
    let albums = tree.lookup(ROOT, b"albums").unwrap().ino;
    let trip = tree.lookup(albums, b"Trip").unwrap().ino;
    assert_eq!(listed(&tree, trip).len(), 2, "albums hold no documents");
    assert_eq!(tree.lookup(trip, b"plain.jpg.xmp"), None);
}

#[test]
fn a_document_says_what_is_entered_or_all() {
    let batch = batch();
    let sidecars = sidecars(&batch);
    let said = |which: Sidecars, name: &str| {
        let tree = planted(&batch, with(which));
        let folder = if name.starts_with("bare") {
            dir(&tree, "by-date/undated")
        } else {
            month(&tree)
        };
        let ino = tree.lookup(folder, name.as_bytes()).unwrap().ino;
        let photo = tree.file(tree.beside(ino).unwrap().0).unwrap();
        let sidecar = photo.sidecar.map(|entry| &*sidecars[&entry]);
        String::from_utf8(tree.text(ino, sidecar).unwrap().unwrap()).unwrap()
    };
    let entered = said(Sidecars::Auto, "who.jpg.xmp");
    assert!(entered.contains("People/Ada") && !entered.contains("Trip"));
    assert!(!entered.contains("DateTime"));
    assert!(entered.find("Ada").unwrap() < entered.find("Zoe").unwrap());
    let all = said(Sidecars::Xmp, "who.jpg.xmp");
    assert!(all.contains("Albums/Trip") && all.contains("2023-07-14T10:11:14Z"));
    let there = said(Sidecars::Xmp, "there.jpg.xmp");
    assert!(there.contains("GPSLatitude") && there.contains("700/100"));
    assert!(!said(Sidecars::Xmp, "bare.jpg.xmp").contains("exif:Date"));
    assert!(said(Sidecars::Auto, "said-edited.jpg.xmp").contains("Words"));
    assert!(said(Sidecars::Auto, "liked.jpg.xmp").contains("<xmp:Rating>5<"));
}

#[test]
fn another_text_than_the_measured_one_is_refused() {
    let batch = batch();
    let tree = planted(&batch, with(Sidecars::Auto));
    let ino = tree.lookup(month(&tree), b"said.jpg.xmp").unwrap().ino;
    let other = Sidecar {
        description: Some("Wordz".into()),
        ..Sidecar::default()
    };
    assert!(tree.text(ino, Some(&other)).unwrap().is_err());
}

#[test]
fn names_leave_room_for_documents_whatever_is_shown() {
    // The one uploaded later gets out of the way, whichever of the two it is; in any case, and for both endings.
    for [first, second] in [
        ["x.jpg", "X.JPG.xmp"],
        ["X.JPG.xmp", "x.jpg"],
        ["x.jpg", "x.jpg.jſon"],
        ["x.jpg.JSON", "X.jpg"],
    ] {
        let mut media = vec![
            medium(1, first, |facts| facts.description = Some("1".into())),
            medium(2, second, |facts| facts.description = Some("2".into())),
        ];
        for (at, medium) in media.iter_mut().enumerate() {
            // Such an ending only stays a photo's where the file has it.
            let (entry, facts) = medium.sidecar.clone().unwrap();
            let uploaded = Some(JULY + 100 + at as i64);
            let facts = Sidecar {
                uploaded,
                ..(*facts).clone()
            };
            medium.sidecar = Some((entry, Arc::new(facts)));
        }
        let batch = Batch {
            stamp: "1".into(),
            media,
            ..Batch::default()
        };
        let alone = names(&planted(&batch, with(Sidecars::None)), "");
        assert_eq!(alone.len(), 2);
        assert!(alone.contains(first), "{alone:?}");
        assert!(alone.iter().any(|name| name.contains('~')), "{alone:?}");
        let both = planted(&batch, with(Sidecars::Both));
        let all = listed(&both, month(&both));
        let folded: BTreeSet<String> = all
            .iter()
            .map(|(name, _)| crate::tree::names::fold(name))
            .collect();
        assert_eq!((all.len(), folded.len()), (6, 6), "{all:?}");
        let photos = all.iter().filter(|(_, ino)| both.file(*ino).is_some());
        assert_eq!(
            photos
                .map(|(name, _)| name.clone())
                .collect::<BTreeSet<_>>(),
            alone
        );
    }
}

#[test]
fn a_photo_in_the_trash_has_no_document_where_it_is_not_shown() {
    let tree = planted(&batch(), with(Sidecars::Both));
    let hidden: Vec<&FileRecord> = tree
        .files
        .iter()
        .filter(|file| file.hidden == Hidden::Trash)
        .collect();
    assert_eq!(hidden.len(), 1);
    for document in Document::ALL {
        let ino = numbers::document_inode(hidden[0].ino, document);
        assert!(tree.attr(ino).is_none() && tree.beside(ino).is_none());
    }
}
