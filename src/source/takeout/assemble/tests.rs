//! Folders, years, and sidecars across folders.

use super::layout::{place, year_of};
use super::speak::near_year;
use super::*;
use crate::model::listing::Listed;

#[test]
fn folders_are_placed() {
    assert_eq!(
        place("Takeout/Google Photos/Paris"),
        ("Google Photos", "Paris")
    );
    assert_eq!(place("Takeout 2/Google Fotos"), ("Google Fotos", ""));
    assert_eq!(
        place("x/takeout/Google Photos/a/b"),
        ("Google Photos", "a/b")
    );
    assert_eq!(place("Takeout"), ("", ""));
    assert_eq!(place("Google Photos/Paris"), ("Google Photos", "Paris"));
    assert_eq!(place("../../tmp"), ("..", "../tmp"));
    assert_eq!(place(""), ("", ""));
}

#[test]
fn years_are_found_in_any_language() {
    for (folder, year) in [
        ("Photos from 2019", 2019),
        ("2019 年の写真", 2019),
        ("2019년 사진", 2019),
        ("Fotos del 2020", 2020),
    ] {
        assert_eq!(year_of(folder), Some(year), "{folder}");
    }
    for folder in ["Trash", "IMG 20190101", "Room 3000"] {
        assert_eq!(year_of(folder), None, "{folder}");
    }
}

/// An export of `(folder, file)`: media with a checksum, sidecars with a time taken, album metadata with neither.
fn export(files: &[(&str, &str, Option<u32>, Option<i64>)]) -> Export {
    let mut export = Export::default();
    for (id, (folder, file, crc32, taken)) in (0..).zip(files) {
        let kind = match (crc32, taken) {
            (Some(_), _) => Kind::Media,
            (None, Some(_)) => Kind::Sidecar,
            (None, None) => Kind::Album,
        };
        let sidecar = Sidecar {
            title: Some("IMG_1.jpg".into()),
            taken: *taken,
            ..Sidecar::default()
        };
        match kind {
            Kind::Sidecar => drop(export.sidecars.insert(id, Arc::new(sidecar))),
            Kind::Album => drop(export.albums.insert(id, AlbumCard::default())),
            _ => {}
        }
        export.entries.push(Entry {
            id,
            part: 0,
            dir: format!("Takeout/Google Photos/{folder}").into(),
            file: Listed {
                name: (*file).to_owned(),
                raw: None,
                kind,
                deflated: false,
                header: 0,
                packed: 1,
                size: 1,
                crc32: crc32.unwrap_or_default(),
                mtime_ns: 0,
            },
            head: 0,
        });
    }
    export
}

/// Two photos of one name. An album has the second one's bytes without a sidecar, another has only the sidecar of
/// the first.
#[test]
fn known_bytes_adopt_no_sidecar() {
    let batch = assemble(export(&[
        ("Photos from 2013", "IMG_1.jpg", Some(1), None),
        (
            "Photos from 2013",
            "IMG_1.jpg.json",
            None,
            Some(1_370_000_000),
        ),
        ("Photos from 2013", "IMG_1(1).jpg", Some(2), None),
        (
            "Photos from 2013",
            "IMG_1.jpg(1).json",
            None,
            Some(1_380_000_000),
        ),
        ("Paris", "metadata.json", None, None),
        ("Paris", "IMG_1.jpg", Some(2), None),
        ("Wedding", "metadata.json", None, None),
        ("Wedding", "IMG_1.jpg.json", None, Some(1_370_000_000)),
    ]));
    let dated = |crc32| {
        let of_bytes = batch.media.iter().filter(move |m| m.key.crc32 == crc32);
        of_bytes.filter_map(|m| Some(m.sidecar.as_ref()?.1.taken))
    };
    assert!(dated(1).eq([Some(1_370_000_000)]));
    assert!(dated(2).eq([Some(1_380_000_000)]));
    let members = batch.albums.iter().map(|album| {
        let keys = album
            .members
            .iter()
            .map(|m| batch.media[*m as usize].key.crc32);
        (&*album.title, keys.collect::<Vec<_>>())
    });
    assert!(members.eq([("Paris", vec![2]), ("Wedding", vec![1])]));
    assert_eq!(batch.lone_sidecars, 0);
}

#[test]
fn years_are_near() {
    assert!(
        near_year(1_577_836_800, 2019)
            && near_year(1_577_836_800, 2020)
            && !near_year(1_577_836_800, 2012)
    );
}
