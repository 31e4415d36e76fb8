//! What is looked into, what is remembered, and what the map of zones says.

use super::{Facts, Map, tell};
use crate::catalog::{Catalog, KnownPart};
use crate::model::listing::{Kind, Listed, NewEntry};
use crate::model::{Batch, BlobKey, Geo, Location, Medium, Part, Role, Sidecar, Told};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A JPEG with `DateTimeOriginal` 2023:07:14 10:11:12.
fn picture() -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0".to_vec();
    tiff.extend(b"\0\x01\x90\x03\0\x02\0\0\0\x14\0\0\0\x2c\0\0\0\0");
    tiff.extend(b"2023:07:14 10:11:12\0");
    let mut out = vec![0xff, 0xd8, 0xff, 0xe1, 0, tiff.len() as u8 + 8];
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out
}

const MORNING: i64 = 1_689_329_472;

fn medium(entry: u32, file: &str, crc32: u32) -> Medium {
    Medium {
        entry,
        key: BlobKey {
            size: 10,
            crc32,
            head: 0,
        },
        location: Location::File {
            part: 1,
            path: 0,
            mtime_ns: 0,
        },
        absent: false,
        file: file.into(),
        year: None,
        in_album: false,
        role: Role::Original,
        head: None,
        sidecar: None,
        borrowed: false,
        told: None,
        zone: None,
    }
}

/// A catalog with an unpacked folder of one file.
fn folder(state: &Path, path: &Path) -> (Catalog, KnownPart, u32) {
    let mut catalog = Catalog::open(state).unwrap();
    let mut known = KnownPart {
        part: Part {
            id: 0,
            path: path.into(),
            size: 0,
            mtime_ns: 0,
            gzipped: false,
            folder: true,
        },
        stamp: None,
        series: None,
        number: None,
        complete: true,
        left_over: false,
        problems: Vec::new(),
        digest: None,
        account: None,
    };
    known.part.id = catalog.add_part(&known).unwrap();
    let file = Listed {
        name: "x.jpg".into(),
        raw: None,
        kind: Kind::Media,
        deflated: false,
        header: 0,
        packed: 10,
        size: 10,
        crc32: 7,
        mtime_ns: 0,
    };
    let entry = NewEntry {
        dir: "Takeout".into(),
        file,
        facts: None,
    };
    catalog.add_entries(known.part.id, &[entry]).unwrap();
    catalog.complete_part(known.part.id, &[]).unwrap();
    let entry = catalog.entries(known.part.id).unwrap()[0].id;
    (catalog, known, entry)
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut catalog, part, entry) = folder(&dir.path().join("state"), dir.path());
    let parts = HashMap::from([(part.part.id, &part)]);
    let mut pass = || {
        let mut batch = Batch {
            media: vec![medium(entry, "IMG_20200101_000000.jpg", 7)],
            paths: vec![b"x.jpg".to_vec()],
            ..Batch::default()
        };
        let problems = tell(
            &mut Facts::Growing(&mut catalog),
            &parts,
            &mut Map::default(),
            &mut batch,
        )
        .unwrap();
        let told = batch.media[0].told.as_deref().cloned().unwrap_or_default();
        (problems, told, catalog.written(part.part.id).unwrap())
    };
    let (problems, told, remembered) = pass();
    assert!(
        problems.len() == 1 && problems[0].contains("cannot be read for its date"),
        "{problems:?}"
    );
    assert_eq!(told.named.unwrap().clock, 1_577_836_800);
    assert_eq!((told.written, remembered.len()), (None, 0));

    std::fs::write(dir.path().join("x.jpg"), picture()).unwrap();
    let (problems, told, remembered) = pass();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(told.written.unwrap().clock, MORNING);
    assert_eq!(remembered, [(entry, told.written)]);

    // What was found is not looked for again, and neither is what was not.
    std::fs::remove_file(dir.path().join("x.jpg")).unwrap();
    assert_eq!(
        pass(),
        (Vec::new(), told.clone(), vec![(entry, told.written)])
    );
}

#[test]
fn only_what_no_sidecar_dates_is_looked_into() {
    let dir = tempfile::tempdir().unwrap();
    let (mut catalog, part, _) = folder(&dir.path().join("state"), dir.path());
    let parts = HashMap::from([(part.part.id, &part)]);
    let said = |mut medium: Medium| {
        let facts = Sidecar {
            taken: Some(MORNING),
            ..Sidecar::default()
        };
        medium.sidecar = Some((99, Arc::new(facts)));
        medium
    };
    // The file is not there: whoever looks is told.
    let mut batch = Batch {
        media: vec![
            said(medium(1, "a.jpg", 1)),
            medium(2, "copy of a.jpg", 1),
            Medium {
                head: Some(0),
                role: Role::Clip,
                ..medium(3, "a.mp4", 2)
            },
            Medium {
                absent: true,
                ..medium(4, "b.jpg", 3)
            },
        ],
        paths: vec![b"x.jpg".to_vec()],
        ..Batch::default()
    };
    assert_eq!(
        tell(
            &mut Facts::Growing(&mut catalog),
            &parts,
            &mut Map::default(),
            &mut batch
        )
        .unwrap(),
        Vec::<String>::new()
    );
    batch.media[2].head = None;
    assert_eq!(
        tell(
            &mut Facts::Growing(&mut catalog),
            &parts,
            &mut Map::default(),
            &mut batch
        )
        .unwrap()
        .len(),
        1
    );
}

#[test]
fn every_zone_of_the_map_has_its_rules_in_the_program() {
    let map = tzf_rs::DefaultFinder::new();
    let unknown: Vec<&str> = map
        .timezonenames()
        .into_iter()
        .filter(|name| crate::tree::fold::Rules::zone(name).is_none())
        .collect();
    assert!(map.timezonenames().len() > 400);
    assert_eq!(unknown, Vec::<&str>::new());
}

#[test]
fn the_map_has_a_zone_for_every_place() {
    let places = [
        (38.72, -9.14, "Europe/Lisbon"),
        (30.0, -40.0, "Etc/GMT+3"),
        (0.0, 179.99, "Etc/GMT-12"),
        (1.8721, -157.4278, "Pacific/Kiritimati"),
        (-33.45, -70.67, "America/Santiago"),
    ];
    let edges = [
        (90.0, 0.0),
        (-90.0, 0.0),
        (0.0, 180.0),
        (0.0, -180.0),
        (90.0, 180.0),
        (-90.0, -180.0),
    ];
    let at = |latitude: f64, longitude: f64| {
        let geo = Some(Geo {
            latitude,
            longitude,
            altitude: 0.0,
        });
        let facts = Sidecar {
            geo,
            ..Sidecar::default()
        };
        Medium {
            sidecar: Some((1, Arc::new(facts))),
            ..medium(1, "x.jpg", 1)
        }
    };
    let mut media: Vec<Medium> = places.iter().map(|(lat, lon, _)| at(*lat, *lon)).collect();
    media.push(medium(9, "without.jpg", 9));
    media.extend(edges.iter().map(|(lat, lon)| at(*lat, *lon)));
    let mut batch = Batch {
        media,
        ..Batch::default()
    };
    Map::default().locate(&mut batch);
    let zones: Vec<Option<&str>> = batch
        .media
        .iter()
        .map(|medium| medium.zone.as_deref())
        .collect();
    for ((_, _, zone), found) in places.iter().zip(&zones) {
        assert_eq!(*found, Some(*zone));
    }
    assert_eq!(zones[places.len()], None, "no position, no zone");
    for (edge, zone) in edges.iter().zip(&zones[places.len() + 1..]) {
        assert!(
            zone.is_some_and(|zone| crate::tree::fold::Rules::zone(zone).is_some()),
            "{edge:?} {zone:?}"
        );
    }
    assert_eq!(batch.media[0].told, None::<Box<Told>>);
}
