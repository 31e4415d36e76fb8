//! Documents beside the photos: what they say to the programs that read them, and what a change of them does to a copy.
//!
//! Which photos get one is compared with the generator's truth in `exports`, for every seed and form.

use crate::copiers;
use crate::export::{self, How, Photo};
use crate::kit::{
    Home, Mount, generate_with, hashes, is_document, run, sha256, stats, takeout, walk, within,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(1200);
const MONTH: &str = "by-date/2023/2023-07";
/// What there is to say, in the words that are hard to say.
const WORDS: &str = "Line one\nzwei & <drei>, \"vier\" 🎈 שלום\tend";
const PEOPLE: [&str; 4] = ["Ben/Jen", "O'Neill, Pat", "Oma & Opa 👵", "שלום"];
const ALBUM: &str = "A|B, C & D ❤";
const PLACE: [f64; 3] = [-38.722_300_1, 9.139_300_9, 12.34];

/// The least of a JPEG that programs agree to write into: a table, a frame of one pixel, and no picture.
fn jpeg() -> Vec<u8> {
    let mut bytes =
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00".to_vec();
    bytes.extend_from_slice(b"\xff\xdb\x00\x43\x00");
    bytes.extend_from_slice(&[1; 64]);
    bytes.extend_from_slice(b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00");
    bytes.extend_from_slice(b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9");
    bytes
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Puts a photo into the folder of an unpacked export; its bytes tell its name.
fn photo(folder: &Path, name: &str, more: &Value) {
    let mut bytes = jpeg();
    bytes.extend_from_slice(name.as_bytes());
    write(&folder.join(name), bytes);
    let mut facts = json!({
        "title": name,
        "photoTakenTime": { "timestamp": "1689329472" },
        "creationTime": { "timestamp": "1689330000" },
    });
    for (key, value) in more.as_object().unwrap() {
        facts[key] = value.clone();
    }
    write(&folder.join(format!("{name}.json")), facts.to_string());
}

/// An export with one photo of which all is said, in an album, and one of which nothing is.
fn all_said(dir: &Path) {
    let year = dir.join("Takeout/Google Photos/Photos from 2023");
    let [latitude, longitude, altitude] = PLACE;
    let people = ["שלום", "O'Neill, Pat", "Ben/Jen", "Oma & Opa 👵"];
    let facts = json!({
        "description": WORDS,
        "people": people.map(|name| json!({ "name": name })),
        "favorited": true,
        "geoData": { "latitude": latitude, "longitude": longitude, "altitude": altitude },
        "geoDataExif": { "latitude": latitude + 1e-7, "longitude": longitude, "altitude": altitude },
    });
    photo(&year, "IMG_1.jpg", &facts);
    photo(&year, "IMG_2.jpg", &json!({}));
    let album = dir.join("Takeout/Google Photos/A_B");
    photo(&album, "IMG_1.jpg", &facts);
    write(
        &album.join("metadata.json"),
        json!({ "title": ALBUM }).to_string(),
    );
}

fn mount<'a>(home: &'a Home, from: &str, options: &[&str]) -> Mount<'a> {
    let mut args = takeout([home.path(from)]);
    args.extend(options.iter().map(Into::into));
    home.mount(args)
}

/// What exiftool reads, its numbers as numbers.
#[track_caller]
fn exiftool(args: &[&str], file: &Path) -> Value {
    let mut command = Command::new("exiftool");
    command.args(["-json", "-n", "-struct"]).args(args);
    run(command.arg(file)).ok().json()[0].clone()
}

/// What exiv2 reads of XMP: keys and values.
#[track_caller]
fn exiv2(file: &Path) -> BTreeMap<String, String> {
    let mut command = Command::new("exiv2");
    let ran = run(command.args(["-q", "-Pkv", "-g", "Xmp."]).arg(file)).ok();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in ran.text().lines() {
        match line.split_once(' ') {
            Some((key, value)) if key.starts_with("Xmp.") => {
                last = key.to_owned();
                found.insert(last.clone(), value.trim_start().to_owned());
            }
            // A value of several lines.
            _ => {
                let value = found.get_mut(&last).unwrap();
                value.push('\n');
                value.push_str(line);
            }
        }
    }
    found
}

fn prefixed(root: &str, names: &[&str], separator: char) -> Vec<String> {
    let tag = |name: &&str| format!("{root}{separator}{}", name.replace(separator, "_"));
    names.iter().map(tag).collect()
}

/// All that exiftool says of the photo is what was put in.
#[track_caller]
fn exiftool_says_all(said: &Value, albums: bool) {
    let albums: &[&str] = if albums { &[ALBUM] } else { &[] };
    assert_eq!(said["Description"], WORDS);
    assert_eq!(said["PersonInImage"], json!(PEOPLE));
    assert_eq!(said["Subject"], json!([&PEOPLE[..], albums].concat()));
    for (field, separator) in [("TagsList", '/'), ("HierarchicalSubject", '|')] {
        let mut tags = prefixed("People", &PEOPLE, separator);
        tags.extend(prefixed("Albums", albums, separator));
        assert_eq!(said[field], json!(tags), "{field}");
    }
    assert_eq!(said["Rating"], 5);
    for (field, should) in ["GPSLatitude", "GPSLongitude", "GPSAltitude"]
        .iter()
        .zip(PLACE)
    {
        let is = said[*field].as_f64().unwrap();
        assert!((is - should).abs() < 1e-6, "{field} {is} {should}");
    }
    let date = &said["DateTimeOriginal"];
    if albums.is_empty() {
        assert_eq!(*date, Value::Null);
    } else {
        // Off the coast of Africa, an hour ahead of UTC.
        assert_eq!(date, "2023:07:14 11:11:12+01:00");
    }
}

#[track_caller]
fn exiv2_says_all(said: &BTreeMap<String, String>) {
    let list = |items: &[String]| items.join(", ");
    let tags = |separator| {
        let mut tags = prefixed("People", &PEOPLE, separator);
        tags.extend(prefixed("Albums", &[ALBUM], separator));
        list(&tags)
    };
    let is = |key: &str| said[&format!("Xmp.{key}")].as_str();
    assert_eq!(is("dc.description"), format!("lang=\"x-default\" {WORDS}"));
    assert_eq!(is("iptcExt.PersonInImage"), PEOPLE.join(", "));
    assert_eq!(is("digiKam.TagsList"), tags('/'));
    assert_eq!(is("lr.HierarchicalSubject"), tags('|'));
    assert_eq!(
        is("dc.subject"),
        [&PEOPLE[..], &[ALBUM]].concat().join(", ")
    );
    assert_eq!(is("xmp.Rating"), "5");
    assert_eq!(is("exif.DateTimeOriginal"), "2023-07-14T11:11:12+01:00");
    for (key, should) in ["exif.GPSLatitude", "exif.GPSLongitude"].iter().zip(PLACE) {
        let (degrees, minutes) = is(key)[..is(key).len() - 1].split_once(',').unwrap();
        let value = degrees.parse::<f64>().unwrap() + minutes.parse::<f64>().unwrap() / 60.0;
        assert!((value - should.abs()).abs() < 1e-6, "{key}");
    }
    assert!(is("exif.GPSLatitude").ends_with('S') && is("exif.GPSLongitude").ends_with('E'));
    assert_eq!(is("exif.GPSAltitude"), "1234/100");
}

#[test]
fn exiftool_and_exiv2_read_every_field_back() {
    within(LIMIT, || {
        let home = Home::new();
        all_said(&home.path("x"));
        let auto = mount(&home, "x", &[]);
        let documents = walk(&auto.point())
            .into_iter()
            .filter(|(_, m)| is_document(m));
        let documents: Vec<PathBuf> = documents.map(|(path, _)| path).collect();
        assert_eq!(documents, [Path::new(MONTH).join("IMG_1.jpg.xmp")]);
        exiftool_says_all(&exiftool(&[], &auto.path(&documents[0])), false);
        auto.unmount();

        let all = mount(&home, "x", &["--sidecars", "xmp"]);
        let folder = all.path(MONTH);
        let document = folder.join("IMG_1.jpg.xmp");
        exiftool_says_all(&exiftool(&[], &document), true);
        exiv2_says_all(&exiv2(&document));
        // As the sidecar of the photo.
        let beside = ["-srcfile", "%d%f.%e.xmp"];
        exiftool_says_all(&exiftool(&beside, &folder.join("IMG_1.jpg")), true);
        // What `info` says of it is told of the photo, but for the document itself.
        let told = all.info(&[&folder.join("IMG_1.jpg"), &document]);
        assert_eq!(
            (&told[0]["document"], &told[1]["document"]),
            (&Value::Null, &"xmp".into())
        );
        assert_eq!(told[1]["size"], fs::metadata(&document).unwrap().len());
        assert_eq!(
            (&told[1]["crc32"], &told[1]["verified"]),
            (&Value::Null, &Value::Null)
        );
        for same in [
            "title",
            "taken",
            "description",
            "people",
            "albums",
            "geo",
            "favorite",
            "origin",
        ] {
            assert_eq!(told[0][same], told[1][same], "{same}");
        }
        let nothing = exiftool(&[], &folder.join("IMG_2.jpg.xmp"));
        assert_eq!(nothing["DateTimeOriginal"], "2023:07:14 10:11:12Z");
        assert_eq!(nothing["Rating"], Value::Null);
        // Taken over into the copy of the photo.
        let copy = home.path("copy");
        fs::create_dir(&copy).unwrap();
        run(Command::new("cp").arg("-a").arg(folder).arg(&copy)).ok();
        all.unmount();
        let copy = copy.join("2023-07");
        let insert =
            "exiv2 -q -iXX- IMG_1.jpg <IMG_1.jpg.xmp && exiv2 -q -iXX- IMG_2.jpg <IMG_2.jpg.xmp";
        let mut shell = Command::new("bash");
        run(shell.current_dir(&copy).args(["-c", insert])).ok();
        exiv2_says_all(&exiv2(&copy.join("IMG_1.jpg")));
        exiftool_says_all(&exiftool(&[], &copy.join("IMG_1.jpg")), true);
    });
}

/// Offsets that no zone of today has, in the frozen texts.
#[test]
fn exiftool_and_exiv2_read_an_offset() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/xmp");
    for (name, date) in [
        ("everything", "2023-07-14T11:11:12+01:00"),
        ("no offset", "2023-07-14T10:11:12Z"),
        ("1904 at an odd offset", "1903-12-31T19:30:00-04:30"),
    ] {
        let file = frozen.join(format!("{name}.xmp"));
        assert_eq!(exiv2(&file)["Xmp.exif.DateTimeOriginal"], date);
        let day = date[..10].replace('-', ":");
        let date = format!("{day} {}", &date[11..]);
        assert_eq!(exiftool(&[], &file)["DateTimeOriginal"], date);
    }
}

/// What rsync copies, without directories.
fn copied(mount: &Mount<'_>, to: &Path) -> Vec<String> {
    let ran = copiers::rsync(mount, to).ok();
    let lines = ran.text();
    let files = lines.lines().filter(|line| !line.ends_with('/'));
    files.map(str::to_owned).collect()
}

#[test]
fn a_changed_description_of_equal_length_reaches_a_copy() {
    within(LIMIT, || {
        let home = Home::new();
        let year = home.path("x/Takeout/Google Photos/Photos from 2023");
        let photos = [("IMG_1.jpg", "At the lake"), ("IMG_2.jpg", "At the pond")];
        for (name, words) in photos {
            photo(&year, name, &json!({ "description": words }));
        }
        let copy = home.path("copy");
        fs::create_dir(&copy).unwrap();
        let before = mount(&home, "x", &[]);
        assert_eq!(copied(&before, &copy).len(), 4);
        let was = stats(&before.path(MONTH));
        assert_eq!(copied(&before, &copy), Vec::<String>::new());
        before.unmount();

        photo(&year, "IMG_1.jpg", &json!({ "description": "At the cafe" }));
        let after = mount(&home, "x", &[]);
        let document = format!("{MONTH}/IMG_1.jpg.xmp");
        let [old, new] =
            [copy.join(&document), after.path(&document)].map(|path| fs::metadata(path).unwrap());
        assert_eq!(old.len(), new.len());
        assert_ne!(old.mtime(), new.mtime());
        assert_eq!((new.mtime(), new.nlink()), (new.ctime(), 1));
        // Up to twelve days after the upload.
        assert!((1_689_330_000..1_689_330_000 + (1 << 20)).contains(&new.mtime()));
        let is = stats(&after.path(MONTH));
        let changed: Vec<_> = was.iter().zip(&is).filter(|(was, is)| was != is).collect();
        assert!(
            changed
                .iter()
                .all(|(was, _)| was.starts_with("./IMG_1.jpg.xmp ")),
            "{changed:?}"
        );
        assert_eq!(changed.len(), 1);
        assert_eq!(copied(&after, &copy), std::slice::from_ref(&document));
        let text = fs::read_to_string(copy.join(&document)).unwrap();
        assert!(text.contains("At the cafe"));
        assert_eq!(
            hashes(&after.path("by-date")),
            hashes(&copy.join("by-date"))
        );
        let before = stats(&after.path("by-date"));
        after.unmount();

        // An album changes no document but those that name it.
        let texts = |home: &Home, options: &[&str]| {
            let mount = mount(home, "x", options);
            let tree = stats(&mount.path("by-date"));
            mount.unmount();
            let documents = tree.into_iter().filter(|line| line.contains(".xmp "));
            documents.collect::<Vec<_>>()
        };
        let all = texts(&home, &["--sidecars", "xmp"]);
        let album = home.path("x/Takeout/Google Photos/Trip");
        photo(
            &album,
            "IMG_2.jpg",
            &json!({ "description": "At the pond" }),
        );
        write(&album.join("metadata.json"), r#"{"title": "Trip"}"#);
        let entered: Vec<_> = before
            .into_iter()
            .filter(|line| line.contains(".xmp "))
            .collect();
        assert_eq!(texts(&home, &[]), entered);
        let all_after = texts(&home, &["--sidecars", "xmp"]);
        let changed: Vec<_> = all
            .iter()
            .zip(&all_after)
            .filter(|(was, is)| was != is)
            .collect();
        assert_eq!(changed.len(), 1);
        assert!(changed[0].0.contains("IMG_2.jpg.xmp "));
    });
}

/// Path and SHA-256 of every JSON file of an export, by Python's own reader.
fn jsons(export: &Path) -> BTreeMap<String, String> {
    let script = "
import hashlib, json, os, sys, zipfile
found = {}
for base, dirs, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(base, name)
        if name.endswith('.zip'):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.namelist():
                    if entry.endswith('.json'):
                        found[entry] = hashlib.sha256(archive.read(entry)).hexdigest()
        elif name.endswith('.json'):
            with open(path, 'rb') as file:
                found[os.path.relpath(path, sys.argv[1])] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps(found))";
    let mut command = Command::new("python3");
    let ran = run(command.args(["-c", script]).arg(export)).ok();
    serde_json::from_slice(&ran.out).unwrap()
}

/// All that `stat` tells of the photos, and the inodes of all directories.
type Seen = (BTreeMap<PathBuf, String>, BTreeMap<PathBuf, u64>);

fn seen(mount: &Mount<'_>) -> Seen {
    let all = walk(&mount.point());
    let dirs = all.iter().filter(|(_, meta)| meta.is_dir());
    let dirs = dirs.map(|(path, meta)| (path.clone(), meta.ino()));
    let photos = all
        .iter()
        .filter(|(_, meta)| meta.is_file() && !is_document(meta));
    let told = |meta: &fs::Metadata| {
        let times = (
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        );
        format!(
            "{} {} {times:?} {} {:o}",
            meta.ino(),
            meta.len(),
            meta.nlink(),
            meta.mode()
        )
    };
    let photos = photos.map(|(path, meta)| (path.clone(), told(meta)));
    (photos.collect(), dirs.collect())
}

/// The documents of a mount by ending: each beside its photo, in `by-date` alone.
fn documents(mount: &Mount<'_>) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let mut found: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    let all = walk(&mount.point());
    for (path, _) in all.iter().filter(|(_, meta)| is_document(meta)) {
        assert!(path.starts_with("by-date"), "{}", path.display());
        let ending = path.extension().unwrap().to_str().unwrap();
        let photo = path.with_extension("");
        assert!(!is_document(&all[&photo]), "{}", path.display());
        found.entry(ending.to_owned()).or_default().insert(photo);
    }
    found
}

#[test]
fn every_mode_shows_the_same_photos_and_its_documents() {
    within(LIMIT, || {
        let home = Home::new();
        generate_with(&home.path("x"), 51, "stored", 500);
        let none = mount(&home, "x/export", &["--sidecars", "none"]);
        let photos = seen(&none);
        assert!(documents(&none).is_empty());
        let bytes = none.status()["bytes"].as_u64().unwrap();
        none.unmount();
        let by_date = photos.0.keys().filter(|path| path.starts_with("by-date"));
        let by_date: BTreeSet<PathBuf> = by_date.cloned().collect();
        let mut shown = BTreeMap::new();
        for mode in ["auto", "xmp", "json", "both"] {
            let mount = mount(&home, "x/export", &["--sidecars", mode]);
            assert_eq!(seen(&mount), photos, "{mode}");
            let documents = documents(&mount);
            let count: usize = documents.values().map(BTreeSet::len).sum();
            let status = mount.status();
            assert_eq!(status["documents"], count, "{mode}");
            let all = walk(&mount.path("by-date"));
            let sizes = all
                .values()
                .filter(|meta| is_document(meta))
                .map(MetadataExt::size);
            assert_eq!(status["bytes"], bytes + sizes.sum::<u64>(), "{mode}");
            if mode == "both" {
                all_readable(&mount);
                json_is_googles(&mount, &home.path("x/export"), &documents["json"]);
                second_copy_reads_nothing(&home, mount);
            } else {
                mount.unmount();
            }
            shown.insert(mode, documents);
        }
        let xmp = |mode: &str| shown[mode].get("xmp").cloned().unwrap_or_default();
        let json = |mode: &str| shown[mode].get("json").cloned().unwrap_or_default();
        assert_eq!(
            (xmp("xmp"), xmp("both")),
            (by_date.clone(), by_date.clone())
        );
        assert!(xmp("auto").len() > 50 && xmp("auto").is_subset(&by_date));
        assert!(xmp("json").is_empty() && json("auto").is_empty() && json("xmp").is_empty());
        assert_eq!(json("json"), json("both"));
        assert!(json("json").len() > 300 && json("json").is_subset(&by_date));
        println!(
            "{} photos, {} auto, {} json",
            by_date.len(),
            xmp("auto").len(),
            json("json").len()
        );

        // Out of a folder Google's own are the same.
        generate_with(&home.path("y"), 51, "unpacked", 500);
        let mount = mount(&home, "y/export", &["--sidecars", "json"]);
        assert_eq!(documents(&mount)["json"], json("json"));
        json_is_googles(&mount, &home.path("y/export"), &json("json"));
        mount.unmount();
    });
}

/// Every document has as many bytes as it says, and exiftool finds no fault in any XMP.
fn all_readable(mount: &Mount<'_>) {
    let mut command = Command::new("exiftool");
    command.args([
        "-q",
        "-r",
        "-ext",
        "xmp",
        "-validate",
        "-warning",
        "-error",
        "-T",
    ]);
    let ran = run(command.arg(mount.path("by-date"))).ok();
    let said = ran.text();
    let wrong = said.lines().find(|line| *line != "OK\t-\t-");
    assert_eq!(wrong, None);
    for (path, meta) in walk(&mount.path("by-date")) {
        if is_document(&meta) {
            let bytes = fs::read(mount.path("by-date").join(&path)).unwrap();
            assert_eq!(bytes.len() as u64, meta.len(), "{}", path.display());
        }
    }
}

/// The JSON beside a photo is the sidecar of which `info` tells, byte for byte, and no sidecar is shown twice.
fn json_is_googles(mount: &Mount<'_>, export: &Path, photos: &BTreeSet<PathBuf>) {
    let entries = jsons(export);
    let photos: Vec<PathBuf> = photos.iter().map(|path| mount.path(path)).collect();
    let documents: Vec<PathBuf> = photos
        .iter()
        .map(|path| {
            let mut path = path.clone().into_os_string();
            path.push(".json");
            path.into()
        })
        .collect();
    let mut used = BTreeSet::new();
    let told = mount.info(&photos).into_iter().zip(mount.info(&documents));
    for ((of_photo, of_document), path) in told.zip(&documents) {
        let sidecar = of_photo["origin"]["sidecar"].as_str().unwrap();
        assert_eq!(sha256(path), entries[sidecar], "{}", path.display());
        assert!(used.insert(sidecar.to_owned()), "{sidecar} is shown twice");
        assert_eq!(
            (
                of_photo["document"].as_str(),
                of_document["document"].as_str()
            ),
            (None, Some("json"))
        );
        assert_eq!(of_document["size"], fs::metadata(path).unwrap().len());
        for same in ["title", "taken", "people", "origin"] {
            assert_eq!(of_photo[same], of_document[same]);
        }
    }
}

/// A copy, and after a new mount a second run that copies nothing and reads no byte of anything.
fn second_copy_reads_nothing(home: &Home, first: Mount<'_>) {
    let copy = home.path("copy");
    fs::create_dir(&copy).unwrap();
    copiers::rsync(&first, &copy).ok();
    let (shown, tree) = (hashes(&first.path("by-date")), stats(&first.point()));
    first.unmount();
    assert!(shown == hashes(&copy.join("by-date")));
    let again = mount(home, "x/export", &["--sidecars", "both"]);
    assert_eq!(stats(&again.point()), tree);
    let copies = walk(&copy);
    let too_old = |path: &String| copies[Path::new(path)].mtime() == copiers::FIRST;
    let other: Vec<String> = copied(&again, &copy)
        .into_iter()
        .filter(|path| !too_old(path))
        .collect();
    assert_eq!(other, Vec::<String>::new());
    let most: u64 = copies
        .values()
        .filter(|meta| meta.mtime() == copiers::FIRST)
        .map(MetadataExt::size)
        .sum();
    assert!(again.status()["mount"]["bytes"].as_u64().unwrap() <= most);
    again.unmount();
}

#[test]
fn a_damaged_sidecar_of_googles_is_an_error() {
    within(LIMIT, || {
        let home = Home::new();
        let photos = [1, 2]
            .map(|n| Photo::new(&format!("IMG_{n}.jpg"), export::noise(n, 5000), How::Stored));
        let part = export::part(&home.path("x"), 1, &photos);
        let mount = mount(&home, "x", &["--sidecars", "json"]);
        let script = "
import os, sys, zipfile
path = sys.argv[1]
entry = next(e for e in zipfile.ZipFile(path).infolist() if 'IMG_1' in e.filename and e.filename.endswith('.json'))
times = os.stat(path)
with open(path, 'r+b') as file:
    file.seek(entry.header_offset + 26)
    name, extra = (int.from_bytes(file.read(2), 'little') for _ in range(2))
    file.seek(name + extra + entry.compress_size // 2, 1)
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))";
        run(Command::new("python3").args(["-c", script]).arg(&part.path)).ok();
        let read = |name: &str| fs::read(mount.path(MONTH).join(name));
        let error = read("IMG_1.jpg.json").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        assert!(
            String::from_utf8(read("IMG_2.jpg.json").unwrap())
                .unwrap()
                .contains("IMG_2.jpg")
        );
        assert_eq!(read("IMG_1.jpg").unwrap(), photos[0].bytes);
        mount.unmount();
    });
}

/// Nobody but the server writes into the catalog of a mounted library. Where somebody does, a text of what is no longer
/// known is an error and not another text; what is shown stays as it is.
#[test]
fn a_text_that_nobody_can_write_any_more_is_an_error() {
    within(LIMIT, || {
        let home = Home::new();
        all_said(&home.path("x"));
        let mount = mount(&home, "x", &["--sidecars", "xmp", "--xattrs"]);
        let before = crate::kit::stats(&mount.point());
        let catalogs = walkdir::WalkDir::new(home.state()).into_iter().flatten();
        let catalog = catalogs
            .map(|entry| entry.into_path())
            .find(|path| path.ends_with("catalog.sqlite"));
        let script = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute('SELECT count(*) FROM sidecar').fetchone()[0] > 2
db.execute('DELETE FROM sidecar')
db.execute('DELETE FROM image')
db.commit()
db.close()";
        run(Command::new("python3")
            .args(["-c", script])
            .arg(catalog.unwrap()))
        .ok();
        let read = fs::read(mount.path(MONTH).join("IMG_1.jpg.xmp"));
        assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(crate::kit::stats(&mount.point()), before);
        mount.unmount();
    });
}

/// Programs that seek in a document get what they ask for.
#[test]
fn a_document_is_read_from_anywhere() {
    within(LIMIT, || {
        let home = Home::new();
        let year = home.path("x/Takeout/Google Photos/Photos from 2023");
        let long = "0123456789 ".repeat(40_000);
        photo(&year, "IMG_1.jpg", &json!({ "description": long.trim() }));
        let mount = mount(&home, "x", &[]);
        let path = mount.path(MONTH).join("IMG_1.jpg.xmp");
        let mut tail = Command::new("tail");
        let end = run(tail.args(["-c", "300001"]).arg(&path).stdin(Stdio::null()))
            .ok()
            .out;
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len() as u64, fs::metadata(&path).unwrap().len());
        assert!(whole.ends_with(&end) && end.len() == 300_001);
        assert!(String::from_utf8(whole).unwrap().contains(long.trim()));
        mount.unmount();
    });
}
