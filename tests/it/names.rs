//! What holds of every tree: no order matters, no two names clash, none is too long, and no photo is lost or doubled.

use crate::kit::{Home, generate_with, hashes, photos, stats, takeout, walk, within};
use gphotosfs::catalog::Catalog;
use gphotosfs::model::Decided;
use gphotosfs::sync::{Pass, Progress, sync};
use gphotosfs::tree::fold::Rules;
use gphotosfs::tree::image::Image;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use unicode_normalization::UnicodeNormalization;

const LIMIT: Duration = Duration::from_secs(1200);

/// The names of a tree can be copied to any file system: legal, short enough, and different also where upper and lower
/// case are one.
#[track_caller]
pub fn portable<'a>(paths: impl Iterator<Item = &'a Path>) {
    let mut taken: HashMap<(PathBuf, String), PathBuf> = HashMap::new();
    for path in paths {
        let bytes = path.file_name().unwrap().as_bytes();
        assert!(bytes.len() <= 255, "{}", path.display());
        let name = std::str::from_utf8(bytes).unwrap();
        assert_eq!(name.nfc().collect::<String>(), name);
        assert!(!name.chars().any(char::is_control), "{name:?}");
        for folded in [name.to_lowercase(), name.to_uppercase().to_lowercase()] {
            let key = (path.parent().unwrap().to_owned(), folded.nfc().collect());
            let other = taken.insert(key, path.to_owned());
            assert!(
                other.is_none_or(|other| other == path),
                "{} is there twice",
                path.display()
            );
        }
    }
}

/// A number below `end` that looks random and is always the same.
fn draw(seed: &str, end: usize) -> usize {
    let hash = Sha256::digest(seed.as_bytes());
    usize::from(u16::from_le_bytes([hash[0], hash[1]])) % end
}

/// A tree without where its bytes lie: each directory with its inode, and each name with all that `stat` tells, hidden
/// ones as well.
pub fn tree(image: &Image) -> BTreeSet<String> {
    let path = |mut dir: usize| {
        let mut path = String::new();
        while dir != 0 {
            path = format!("{}/{path}", image.dirs[dir].name);
            dir = image.dirs[dir].parent as usize;
        }
        path
    };
    let dirs = (0..image.dirs.len()).map(|dir| format!("{} {}", path(dir), image.dirs[dir].ino));
    let places = image.places.iter().map(|place| {
        let file = &image.files[place.file as usize];
        let name = &image.names[place.name_at as usize..][..usize::from(place.name_len)];
        format!(
            "{}{} {} {} {} {}.{} {:08x} {:?} {:?} {:?} {}",
            path(place.dir as usize),
            String::from_utf8_lossy(name),
            file.ino,
            file.size,
            file.mtime,
            file.ctime,
            file.ctime_nsec,
            file.crc32,
            file.taken,
            file.role,
            file.hidden,
            place.home,
        )
    });
    dirs.chain(places).collect()
}

/// Indexes sources into a new catalog.
fn index(state: &Path, sources: &[PathBuf]) -> Image {
    let mut catalog = Catalog::open(state).unwrap();
    let pass = Pass {
        sources,
        decided: &Decided::default(),
        rules: &Rules::default(),
        in_force: None,
        progress: &Progress::default(),
    };
    let outcome = sync(&mut catalog, &pass).unwrap();
    assert_eq!(outcome.problems, Vec::<String>::new());
    catalog.image().unwrap()
}

/// An export is cut into parts in many ways: each file lies in any of them, and they come in any order, with numbers or
/// under names that say nothing.
#[test]
fn parts_of_any_cut_in_any_order_give_one_tree() {
    within(LIMIT, || {
        let home = Home::new();
        generate_with(&home.path("x"), 31, "unpacked", 300);
        let whole = home.path("x/export");
        let first = tree(&index(&home.path("whole"), std::slice::from_ref(&whole)));
        assert!(first.len() > 500);
        let files: Vec<PathBuf> = walk(&whole)
            .into_iter()
            .filter_map(|(path, meta)| meta.is_file().then_some(path))
            .collect();
        for cut in 0..12 {
            let parts = 2 + draw(&format!("parts {cut}"), 4);
            let name = |part: usize| match cut % 3 {
                0 => format!("takeout-20260901T000000Z-1-{:03}", part + 1),
                1 => format!("takeout-20260901T000000Z-{:03}", part + 1),
                _ => format!("{}", draw(&format!("name {cut} {part}"), 9999)),
            };
            let folder = home.path(format!("cut {cut}"));
            let mut sources: Vec<PathBuf> =
                (0..parts).map(|part| folder.join(name(part))).collect();
            for file in &files {
                let part = draw(&format!("{cut} {}", file.display()), parts);
                let to = sources[part].join(file);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::hard_link(whole.join(file), &to).unwrap();
            }
            sources.sort_by_key(|source| draw(&format!("order {cut} {}", source.display()), 9999));
            let other = tree(&index(&home.path(format!("state {cut}")), &sources));
            let difference: Vec<_> = first.symmetric_difference(&other).take(10).collect();
            assert!(difference.is_empty(), "cut {cut}: {difference:#?}");
        }
    });
}

/// Writes one photo with its sidecar, named as Google does: no separators, 51 characters at most for the medium and its
/// sidecar, and the number after that. Gives the SHA-256 of the photo.
pub fn photo(dir: &Path, number: usize, title: &str, uploaded: usize) -> String {
    let count = if number == 0 {
        String::new()
    } else {
        format!("({number})")
    };
    let clean = title.replace(|c: char| c == '/' || c.is_control(), "_");
    let (stem, extension) = clean.split_at(clean.len() - 4);
    let first = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let bytes = format!("photo {title} {number} {uploaded}");
    fs::write(
        dir.join(format!("{}{count}{extension}", first(stem, 47))),
        &bytes,
    )
    .unwrap();
    let sidecar = serde_json::json!({
        "title": title,
        "photoTakenTime": { "timestamp": "1561000000" },
        "creationTime": { "timestamp": (1_561_100_000 + uploaded).to_string() },
    });
    let name = first(&format!("{clean}.supplemental-metadata"), 46);
    fs::write(dir.join(format!("{name}{count}.json")), sidecar.to_string()).unwrap();
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes.as_bytes()))
}

/// Mounts an export in which all is to stand in one month, and then the same in two parts, the second first.
#[track_caller]
fn one_month(home: &Home, hashes_in: &BTreeSet<String>) -> Vec<String> {
    let mount = home.mount(takeout([home.path("x")]));
    let shown = hashes(&mount.path("by-date"));
    portable(walk(&mount.point()).keys().map(PathBuf::as_path));
    for path in shown.keys() {
        assert_eq!(
            path.parent(),
            Some(Path::new("2019/2019-06")),
            "{}",
            path.display()
        );
    }
    assert_eq!(shown.len(), hashes_in.len());
    assert!(hashes_in.iter().eq(shown.values().collect::<BTreeSet<_>>()));
    let names = shown
        .keys()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let names = names.collect();
    let tree = stats(&mount.point());
    mount.unmount();

    let whole = home.path("x/Takeout");
    let parts = ["b", "a"].map(|part| home.path(part));
    for (path, meta) in walk(&whole) {
        if meta.is_file() {
            let part = &parts[draw(&path.to_string_lossy(), 2)];
            let to = part.join("Takeout").join(&path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(whole.join(&path), &to).unwrap();
        }
    }
    let mount = home.mount(takeout(&parts));
    assert_eq!(tree, stats(&mount.point()));
    mount.unmount();
    names
}

fn month(home: &Home) -> PathBuf {
    let dir = home.path("x/Takeout/Google Photos/Photos from 2019");
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn three_thousand_photos_of_one_title() {
    within(LIMIT, || {
        let home = Home::new();
        let dir = month(&home);
        let hashes = (0..3000)
            .map(|n| photo(&dir, n, "image.jpg", 5000 - n))
            .collect();
        let names = one_month(&home, &hashes);
        let told_apart = names
            .iter()
            .filter(|name| name.starts_with("image~") && name.ends_with(".jpg"));
        assert_eq!(told_apart.count(), 2999, "one keeps the plain name");
        assert!(names.contains(&"image.jpg".to_owned()));
    });
}

#[test]
fn titles_that_some_file_system_takes_for_one_name() {
    within(LIMIT, || {
        let home = Home::new();
        let dir = month(&home);
        let long = "❤ very long ".repeat(40);
        // Equal without case, in another normal form, with a sigma at the end, after cutting, and after cleaning.
        let titles = [
            "Straße.jpg",
            "STRASSE.jpg",
            "straße.JPG",
            "strasse.jpg",
            "Café.jpg",
            "Cafe\u{301}.jpg",
            "CAFÉ.JPG",
            "ΟΔΟΣ.jpg",
            "οδος.jpg",
            "οδοσ.jpg",
            "a/b.jpg",
            "a_b.jpg",
            "a\nb.jpg",
            "A\u{7f}B.jpg",
            "İ.jpg",
            "i\u{307}.jpg",
            "\u{212a}.jpg",
            "k.jpg",
            "K.jpg",
        ];
        let mut titles: Vec<String> = titles.map(str::to_owned).into();
        titles.extend(["a.jpg", "b.jpg", "A.JPG"].map(|end| format!("{long}{end}")));
        let mut hashes = BTreeSet::new();
        for (number, title) in titles.iter().cycle().take(titles.len() * 40).enumerate() {
            hashes.insert(photo(&dir, number, title, number));
        }
        one_month(&home, &hashes);
    });
}

#[test]
fn every_name_of_a_generated_tree_can_be_copied_anywhere() {
    within(LIMIT, || {
        let home = Home::new();
        generate_with(&home.path("x"), 32, "stored", 2000);
        let args = [
            takeout([home.path("x/export")]),
            vec!["--include".into(), "trash,locked".into()],
        ];
        let mount = home.mount(args.concat());
        let all = walk(&mount.point());
        portable(all.keys().map(PathBuf::as_path));
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for sha in photos(&mount.path("by-date")).into_values() {
            *seen.entry(sha).or_default() += 1;
        }
        let truth = crate::truth::Truth::read(&home.path("x"));
        assert!(seen.keys().eq(truth.contents.keys()));
        assert!(seen.values().all(|times| *times == 1));
        mount.unmount();
    });
}
