//! A series of exports: versions, what speaks for a photo, what is gone, what is forgotten.

use super::{JULY, batch, image_with, medium, sidecar, walk};
use crate::model::{Batch, BlobKey, Decided, Medium, Role};
use crate::tree::image::{Hidden, Image};
use crate::tree::{Options, Tree};
use std::collections::{BTreeMap, BTreeSet};

type Walk = BTreeMap<String, (u64, i64, i64, u32, u32, u32)>;

fn image(batches: &[Batch]) -> Image {
    image_with(batches, &Decided::default(), Box::new(|_| None))
}

fn tree(batches: &[Batch]) -> Walk {
    walk(&Tree::plant(image(batches), Options::default()))
}

fn edited(crc: u32, title: &str, taken: i64, uploaded: i64) -> Medium {
    let mut medium = medium(title, crc, Some(sidecar(title, taken, uploaded)));
    medium.role = Role::Edited;
    medium
}

fn sized(mut medium: Medium, size: u64) -> Medium {
    medium.key.size = size;
    medium
}

fn original(crc: u32, title: &str, taken: i64, uploaded: i64) -> Medium {
    medium(title, crc, Some(sidecar(title, taken, uploaded)))
}

const A: &str = "/by-date/2023/2023-07/a-edited.jpg";

#[test]
fn an_edit_stays_in_its_place_and_rsync_sees_it() {
    let first = batch("1", vec![edited(1, "a.jpg", JULY, 10)]);
    let second = batch("2", vec![edited(2, "a.jpg", JULY, 10)]);
    let longer = batch("3", vec![sized(edited(3, "a.jpg", JULY, 10), 1001)]);
    let before = tree(std::slice::from_ref(&first));
    let after = tree(&[first.clone(), second.clone()]);
    assert_eq!(before.keys().collect::<Vec<_>>(), [A]);
    assert_eq!(after.keys().collect::<Vec<_>>(), [A]);
    assert_eq!((before[A].5, after[A].5), (1, 2));
    assert_ne!(before[A].0, after[A].0);
    assert_eq!((before[A].1, after[A].1), (JULY, JULY + 2));
    let last = tree(&[first.clone(), second.clone(), longer.clone()]);
    assert_eq!((last[A].5, last[A].1), (3, JULY));
    // Reverted: all numbers are those of the older version again.
    let back = batch("4", vec![edited(1, "a.jpg", JULY, 10)]);
    let back = tree(&[first, second, longer, back]);
    assert_eq!(back[A], before[A]);
    assert_eq!(back.len(), 1);
}

#[test]
fn an_edit_that_comes_with_another_date_is_seen_too() {
    let first = batch("1", vec![edited(1, "a.jpg", JULY + 2, 10)]);
    let paged = |mut medium: Medium| {
        let facts = medium.sidecar.as_mut().unwrap();
        std::sync::Arc::make_mut(&mut facts.1).url = Some("https://photos.example/1".into());
        medium
    };
    let first = Batch {
        media: first.media.into_iter().map(paged).collect(),
        ..batch("1", Vec::new())
    };
    let second = batch("2", vec![paged(edited(2, "a.jpg", JULY, 10))]);
    let (before, after) = (tree(std::slice::from_ref(&first)), tree(&[first, second]));
    assert_eq!((before[A].1, before[A].5), (JULY + 2, 1));
    assert_eq!((after[A].1, after[A].5), (JULY + 4, 2));
}

#[test]
fn in_doubt_both_are_shown() {
    let twins = || vec![edited(1, "a.jpg", JULY, 10), edited(2, "a.jpg", JULY, 10)];
    let changed = |medium: Medium| tree(&[batch("1", twins()), batch("2", vec![medium])]).len();
    // Two photos might be meant.
    assert_eq!(changed(edited(3, "a.jpg", JULY, 10)), 3);
    let one = || batch("1", vec![edited(1, "a.jpg", JULY, 10)]);
    let after = |media: Vec<Medium>| tree(&[one(), batch("2", media)]).len();
    assert_eq!(after(vec![edited(3, "a.jpg", JULY, 10)]), 1);
    assert_eq!(
        after(vec![edited(3, "a.jpg", JULY, 11)]),
        2,
        "another upload"
    );
    assert_eq!(
        after(vec![edited(3, "a.jpg", JULY + 1, 10)]),
        2,
        "another date"
    );
    assert_eq!(
        after(vec![edited(3, "A.jpg", JULY, 10)]),
        2,
        "another title"
    );
    assert_eq!(
        after(vec![original(3, "a.jpg", JULY, 10)]),
        2,
        "another role"
    );
    // The export holds the photo unchanged.
    let both = vec![edited(1, "a.jpg", JULY, 10), edited(3, "a.jpg", JULY, 10)];
    assert_eq!(after(both), 2);
    // Two claim it.
    let two = vec![edited(3, "a.jpg", JULY, 10), edited(4, "a.jpg", JULY, 10)];
    assert_eq!(after(two), 3);
    // A copy without a sidecar may be another upload.
    let mut lone = medium("a.jpg", 3, None);
    lone.role = Role::Edited;
    assert_eq!(after(vec![edited(3, "a.jpg", JULY, 10), lone]), 2);
    // The same page at Google stands in for the date.
    let paged = |mut medium: Medium| {
        let facts = medium.sidecar.as_mut().unwrap();
        std::sync::Arc::make_mut(&mut facts.1).url = Some("https://photos.example/1".into());
        medium
    };
    let first = batch("1", vec![paged(edited(1, "a.jpg", JULY, 10))]);
    let second = batch("2", vec![paged(edited(3, "a.jpg", JULY + 1, 10))]);
    assert_eq!(tree(&[first, second]).len(), 1);
}

#[test]
fn an_old_version_that_returns_as_another_upload_is_a_photo_of_its_own() {
    let first = batch("1", vec![edited(1, "a.jpg", JULY, 10)]);
    let second = batch("2", vec![edited(2, "a.jpg", JULY, 10)]);
    let other = batch("3", vec![edited(1, "a.jpg", JULY, 99)]);
    let both = batch(
        "3",
        vec![edited(1, "a.jpg", JULY, 10), edited(2, "a.jpg", JULY, 10)],
    );
    for third in [other, both] {
        let shown = tree(&[first.clone(), second.clone(), third]);
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert_eq!(shown[A].5, 2);
        assert_eq!(shown.values().filter(|facts| facts.5 == 1).count(), 1);
    }
}

#[test]
fn of_two_versions_of_an_original_the_better_one_is_shown() {
    let first = batch("1", vec![sized(original(1, "a.jpg", JULY, 10), 3000)]);
    let small = batch("2", vec![sized(original(2, "a.jpg", JULY, 10), 2000)]);
    let path = "/by-date/2023/2023-07/a.jpg";
    let shown = |batches: &[Batch], pixels: fn(u32) -> Option<u64>| {
        let image = image_with(
            batches,
            &Decided::default(),
            Box::new(move |held| pixels(held.entry)),
        );
        let found = walk(&Tree::plant(image, Options::default()));
        assert_eq!(found.len(), 1);
        found[path].5
    };
    let series = [first.clone(), small];
    assert_eq!(shown(&series, |_| None), 1, "more bytes");
    assert_eq!(
        shown(&series, |entry| Some(u64::from(entry))),
        2,
        "more pixels"
    );
    assert_eq!(
        shown(&series, |entry| (entry == 2).then_some(1)),
        1,
        "unknown"
    );
    let equal = batch("2", vec![sized(original(2, "a.jpg", JULY, 10), 3000)]);
    assert_eq!(shown(&[first, equal], |_| Some(7)), 2, "younger");
    // What is compressed moves nothing and is copied by nobody.
    assert_eq!(tree(&series[..1]), tree(&series));
}

#[test]
fn one_of_two_uploads_of_the_same_bytes_goes_on_speaking() {
    let pair = || {
        vec![
            original(1, "a.jpg", JULY, 10),
            original(1, "b.jpg", JULY, 20),
        ]
    };
    let full = batch("1", pair());
    let path = |batches: &[Batch]| -> Vec<String> { tree(batches).into_keys().collect() };
    let named = |name: &str| vec![format!("/by-date/2023/2023-07/{name}.jpg")];
    assert_eq!(path(std::slice::from_ref(&full)), named("a"));
    let silent = batch("2", vec![original(1, "b.jpg", JULY, 20)]);
    assert_eq!(path(&[full.clone(), silent.clone()]), named("a"));
    let retitled = batch("3", vec![original(1, "c.jpg", JULY, 10)]);
    assert_eq!(path(&[full.clone(), silent, retitled.clone()]), named("c"));
    let again = batch("4", vec![original(1, "b.jpg", JULY, 20)]);
    assert_eq!(path(&[full.clone(), retitled.clone(), again]), named("c"));
    let undone = batch("4", vec![original(1, "a.jpg", JULY, 10)]);
    assert_eq!(path(&[full.clone(), retitled, undone]), named("a"));
    let lost = batch("2", vec![medium("zzz.jpg", 1, None)]);
    assert_eq!(path(&[full, lost]), named("a"));
}

fn file(image: &Image, crc: u32) -> (Hidden, bool) {
    let file = image.files.iter().find(|file| file.crc32 == crc).unwrap();
    (file.hidden, file.gone)
}

fn in_year(mut medium: Medium, year: i16) -> Medium {
    medium.year = Some(year);
    medium
}

/// Twenty photos, 1 to 20, each its own.
fn twenty(without: &[u32]) -> Vec<Medium> {
    let wanted = (1..=20).filter(|crc| !without.contains(crc));
    let photo = |crc: u32| original(crc, &format!("{crc}.jpg"), JULY, i64::from(crc));
    wanted
        .map(|crc| in_year(photo(crc), if crc == 20 { 2019 } else { 2023 }))
        .collect()
}

#[test]
fn what_a_full_export_lacks_is_gone_and_stays_in_view() {
    let full = batch("1", twenty(&[]));
    let judged = |batches: &[Batch], decided: &Decided| {
        let image = image_with(batches, decided, Box::new(|_| None));
        let full: Vec<bool> = image
            .found
            .judged
            .iter()
            .map(|export| export.full)
            .collect();
        let gone = image.files.iter().filter(|file| file.gone).count();
        let shown = image.files.iter().filter(|file| file.hidden == Hidden::No);
        (full, gone, shown.count())
    };
    let none = Decided::default();
    let two = batch("2", twenty(&[1, 2]));
    assert_eq!(
        judged(&[full.clone(), two.clone()], &none),
        (vec![true, true], 2, 20)
    );
    let three = batch("2", twenty(&[1, 2, 3]));
    assert_eq!(
        judged(&[full.clone(), three.clone()], &none),
        (vec![true, false], 0, 20)
    );
    let no_year = batch("2", twenty(&[20]));
    assert_eq!(
        judged(&[full.clone(), no_year], &none),
        (vec![true, false], 0, 20)
    );
    let broken = Batch {
        whole: false,
        ..two.clone()
    };
    assert_eq!(
        judged(&[full.clone(), broken], &none),
        (vec![true, false], 0, 20)
    );
    let back = batch("3", vec![in_year(original(1, "1.jpg", JULY, 1), 2023)]);
    assert_eq!(
        judged(&[full.clone(), two.clone(), back], &none),
        (vec![true, true, false], 1, 20)
    );
    let stamp = || BTreeSet::from(["2".to_owned()]);
    let said = Decided {
        full: stamp(),
        ..Decided::default()
    };
    assert_eq!(
        judged(&[full.clone(), three], &said),
        (vec![true, true], 3, 20)
    );
    let said = Decided {
        partial: stamp(),
        ..Decided::default()
    };
    assert_eq!(judged(&[full, two], &said), (vec![true, false], 0, 20));
}

#[test]
fn what_is_trashed_later_is_gone_and_stays_in_view() {
    let full = batch("1", twenty(&[]));
    let mut trashed = twenty(&[]);
    let facts = trashed[4].sidecar.as_mut().unwrap();
    std::sync::Arc::make_mut(&mut facts.1).trashed = true;
    let image = image(&[full, batch("2", trashed)]);
    assert_eq!(file(&image, 5), (Hidden::No, true));
    assert_eq!(file(&image, 6), (Hidden::No, false));
}

#[test]
fn a_forgotten_photo_keeps_its_name_from_others() {
    let key = |crc32: u32, head: u64| BlobKey {
        size: 1000,
        crc32,
        head,
    };
    let forgotten = |key: BlobKey| Decided {
        forgotten: BTreeSet::from([key]),
        ..Decided::default()
    };
    let media = || vec![original(1, "a.jpg", JULY, 1), original(2, "a.jpg", JULY, 2)];
    let all = tree(&[batch("1", media())]);
    let made = |decided: &Decided, media: Vec<Medium>| {
        image_with(&[batch("1", media)], decided, Box::new(|_| None))
    };
    let image = made(&forgotten(key(1, 7)), media());
    assert_eq!(
        (file(&image, 1).0, file(&image, 2).0),
        (Hidden::Forgotten, Hidden::No)
    );
    let shown = walk(&Tree::plant(image, Options::default()));
    assert_eq!(shown.len(), 1);
    assert!(
        shown
            .iter()
            .all(|(path, facts)| all.get(path) == Some(facts))
    );
    // Of two contents that share size and checksum only the one that was meant.
    let twins = || {
        let mut media = vec![original(1, "a.jpg", JULY, 1), original(1, "b.jpg", JULY, 2)];
        (media[0].key.head, media[1].key.head) = (11, 12);
        media
    };
    let hidden = |decided: &Decided| {
        let image = made(decided, twins());
        let hidden = image
            .files
            .iter()
            .filter(|file| file.hidden == Hidden::Forgotten);
        hidden.count()
    };
    assert_eq!(hidden(&forgotten(key(1, 12))), 1);
    assert_eq!(hidden(&forgotten(key(1, 0))), 0, "nobody can tell which");
    // A photo is forgotten with all its versions.
    let series = [
        batch("1", vec![edited(1, "a.jpg", JULY, 10)]),
        batch("2", vec![edited(2, "a.jpg", JULY, 10)]),
    ];
    let image = image_with(&series, &forgotten(key(1, 0)), Box::new(|_| None));
    assert_eq!(file(&image, 2).0, Hidden::Forgotten);
}
