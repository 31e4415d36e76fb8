use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use exif::{In, Tag, Value};
use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use sha2::{Digest, Sha256};

use super::*;

const SHA256: &str = "862580a996f1f7ff93d38adf887ece4d83631d6616fd85c57084a3a8521de272";

/// The parts as they are on disk, made once for all tests.
fn parts() -> &'static [Vec<u8>] {
    static PARTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PARTS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path())
            .unwrap()
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    })
}

/// All files by path, with their part and bytes, checked against their CRC.
fn files() -> BTreeMap<String, (usize, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for (part, bytes) in parts().iter().enumerate() {
        let archive = ZipArchive::from_slice(bytes).unwrap();
        for header in archive.entries() {
            let header = header.unwrap();
            let path = std::str::from_utf8(header.file_path().as_ref())
                .unwrap()
                .to_owned();
            let entry = archive.get_entry(header.wayfinder()).unwrap();
            let mut content = Vec::new();
            if is_media(&path) {
                assert_eq!(
                    header.compression_method(),
                    CompressionMethod::STORE,
                    "{path}"
                );
                entry
                    .verifying_reader(entry.data())
                    .read_to_end(&mut content)
                    .unwrap();
            } else {
                assert_eq!(
                    header.compression_method(),
                    CompressionMethod::DEFLATE,
                    "{path}"
                );
                let inflated = DeflateDecoder::new(entry.data());
                entry
                    .verifying_reader(inflated)
                    .read_to_end(&mut content)
                    .unwrap();
            }
            assert!(files.insert(path, (part, content)).is_none());
        }
    }
    files
}

fn is_media(path: &str) -> bool {
    let path = path.to_lowercase();
    path.ends_with(".jpg") || path.ends_with(".mp4")
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_bytes_are_frozen() {
    let lengths: Vec<u64> = parts().iter().map(|part| part.len() as u64).collect();
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(parts().concat()));
    assert_eq!(
        lengths,
        PARTS.map(|(_, length)| length),
        "write these lengths into PARTS"
    );
    assert_eq!(hash, SHA256, "if the change is meant, write it into SHA256");
}

#[test]
fn making_it_again_leaves_it_alone_and_mends_what_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("new/demo");
    assert!(!ready(&home));
    write(&home, parts()).unwrap();
    assert!(ready(&home));
    let paths = make(&home).unwrap();
    let inode = |path: &PathBuf| path.metadata().unwrap().ino();
    let before: Vec<u64> = paths.iter().map(inode).collect();
    assert_eq!(make(&home).unwrap(), paths);
    assert_eq!(paths.iter().map(inode).collect::<Vec<_>>(), before);

    std::fs::write(&paths[1], "half").unwrap();
    assert!(!ready(&home));
    write(&home, parts()).unwrap();
    for (path, part) in paths.iter().zip(parts()) {
        assert_eq!(&std::fs::read(path).unwrap(), part);
    }
    assert_eq!(
        home.read_dir().unwrap().count(),
        3,
        "nothing is left behind"
    );
    let plain = home.join("plain");
    std::fs::write(&plain, "").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().mode();
    assert_eq!(
        mode(&paths[0]),
        mode(&plain),
        "it is as readable as any new file"
    );
}

#[test]
fn it_holds_what_its_header_promises() {
    let files = files();
    let media: Vec<&Vec<u8>> = files
        .iter()
        .filter(|(path, _)| is_media(path))
        .map(|(_, (_, bytes))| bytes)
        .collect();
    assert_eq!(media.len(), 52);
    assert_eq!(media.iter().collect::<HashSet<_>>().len(), 42);
    let cards = files
        .keys()
        .filter(|path| path.ends_with("/metadata.json"))
        .count();
    assert_eq!(cards, ALBUMS.len());
    let sidecars = files.keys().filter(|path| path.ends_with(".json")).count() - cards;
    assert_eq!(sidecars, 54);
    let count = |marked: fn(&Shot) -> bool| SHOTS.iter().filter(|shot| marked(shot)).count();
    assert_eq!(count(|shot| shot.favorite), 7);
    assert_eq!(count(|shot| shot.trashed), 1);
    assert_eq!(count(|shot| shot.archived), 1);
    assert_eq!(count(|shot| shot.partner), 1);
    assert_eq!(count(|shot| shot.bare), 1);
    let people: HashSet<&str> = SHOTS.iter().flat_map(|shot| shot.people).copied().collect();
    assert_eq!(people.len(), 4);
    assert_eq!(files["Takeout/archive_browser.html"].0, 0);
}

#[test]
fn names_are_cut_and_numbered_as_google_does() {
    let files = files();
    let product = "Takeout/Google Photos";
    for path in [
        "Photos from 2009/IMG_0001(1).jpg",
        "Photos from 2009/IMG_0001.jpg.supplemental-metadata(1).json",
        "The garden, year by year/IMG_0001.jpg",
        "The garden, year by year/IMG_0001.jpg.supplemental-metadata.json",
        "Photos from 2012/DSC_0104(1).JPG",
        "Photos from 2012/DSC_0104.JPG(1).json",
        "Photos from 2011/Tea at four_ milk _ sugar_.jpg",
        "Photos from 2017/Concert in the park with the whole street and a.jpg",
        "Photos from 2017/Concert in the park with the whole street and .json",
        "Photos from 2020/IMG_20200102_143000-edited.jpg",
        "Photos from 2021/IMG_2101.MP4",
        "Photos from 2022/PXL_20220210_164512007.jpg.supplemental-metada.json",
        "Lisbon _ with the family/metadata.json",
        "Ada_s _high_ places/metadata.json",
    ] {
        assert!(files.contains_key(&format!("{product}/{path}")), "{path}");
    }
    assert!(!files.contains_key(&format!("{product}/Photos from 2021/IMG_2101.MP4.json")));
    let card = &files[&format!("{product}/Lisbon _ with the family/metadata.json")].1;
    assert_eq!(json(card)["title"], "Lisbon ❤ with the family");
    for path in files.keys() {
        let name = path.rsplit('/').next().unwrap().replace("(1)", "");
        assert!(name.encode_utf16().count() <= 51, "{name}");
    }
}

#[test]
fn some_sidecars_lie_in_another_part() {
    let files = files();
    let apart = files.iter().filter(|(path, (part, _))| {
        is_media(path)
            && files
                .get(&format!("{path}.supplemental-metadata.json"))
                .is_some_and(|(other, _)| other != part)
    });
    assert!(apart.count() >= 3);
}

/// The EXIF of every picture is readable, and says what its sidecar says.
#[test]
fn cameras_and_google_agree() {
    let files = files();
    let sidecars: Vec<serde_json::Value> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".json"))
        .map(|(_, (_, bytes))| json(bytes))
        .collect();
    let mut matched = 0;
    for (path, (_, bytes)) in files
        .iter()
        .filter(|(path, _)| path.to_lowercase().ends_with("jpg"))
    {
        let exif = exif::Reader::new()
            .read_from_container(&mut io::Cursor::new(bytes))
            .unwrap();
        let text = |tag| match &exif.get_field(tag, In::PRIMARY).unwrap().value {
            Value::Ascii(lines) => String::from_utf8(lines[0].clone()).unwrap(),
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(text(Tag::Make), "Demo");
        let date = text(Tag::DateTimeOriginal) + &text(Tag::OffsetTimeOriginal);
        let taken = jiff::fmt::strtime::parse("%Y:%m:%d %H:%M:%S%:z", &date).unwrap();
        let taken = taken.to_timestamp().unwrap().as_second().to_string();
        let degrees = |tag, sign, negative| {
            let parts = match &exif.get_field(tag, In::PRIMARY).unwrap().value {
                Value::Rational(parts) => {
                    parts.iter().map(|part| part.to_f64()).collect::<Vec<_>>()
                }
                other => panic!("{path}: {other:?}"),
            };
            let size = parts[0] + parts[1] / 60.0 + parts[2] / 3600.0;
            if text(sign) == negative { -size } else { size }
        };
        let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, "S");
        let longitude = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, "W");
        let close =
            |value: &serde_json::Value, other: f64| (value.as_f64().unwrap() - other).abs() < 1e-6;
        matched += usize::from(sidecars.iter().any(|sidecar| {
            let geo = &sidecar["geoDataExif"];
            sidecar["photoTakenTime"]["timestamp"] == *taken
                && close(&geo["latitude"], latitude)
                && close(&geo["longitude"], longitude)
        }));
    }
    let pictures = files
        .keys()
        .filter(|path| path.to_lowercase().ends_with("jpg"))
        .count();
    assert_eq!(matched, pictures - 1, "but one picture has a sidecar");
}

/// Walks boxes: kind, offset of the body, body.
fn boxes(bytes: &[u8], start: usize) -> Vec<(String, usize, &[u8])> {
    let mut found = Vec::new();
    let mut at = start;
    while at < bytes.len() {
        let length = word(bytes, at) as usize;
        let kind = String::from_utf8(bytes[at + 4..at + 8].to_vec()).unwrap();
        found.push((kind, at + 8, &bytes[at + 8..at + length]));
        at += length;
    }
    assert_eq!(at, bytes.len());
    found
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn every_frame_of_a_video_is_found_through_its_boxes() {
    let files = files();
    let videos: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.to_lowercase().ends_with("mp4"))
        .collect();
    assert_eq!(videos.len(), 4);
    for (path, (_, bytes)) in videos {
        let top = boxes(bytes, 0);
        let kinds: Vec<&str> = top.iter().map(|(kind, ..)| kind.as_str()).collect();
        assert_eq!(kinds, ["ftyp", "moov", "mdat"], "{path}");
        let mut inside = top[1].2;
        for kind in ["trak", "mdia", "minf", "stbl"] {
            inside = boxes(inside, 0).iter().find(|(k, ..)| k == kind).unwrap().2;
        }
        let table: BTreeMap<String, &[u8]> = boxes(inside, 0)
            .into_iter()
            .map(|(kind, _, body)| (kind, body))
            .collect();
        let mut at = word(table["stco"], 8) as usize;
        assert_eq!(at, top[2].1);
        let count = word(table["stsz"], 8) as usize;
        for frame in 0..count {
            let next = at + word(table["stsz"], 12 + 4 * frame) as usize;
            assert_eq!(
                (&bytes[at..at + 2], &bytes[next - 2..next]),
                (&[0xff, 0xd8][..], &[0xff, 0xd9][..])
            );
            at = next;
        }
        assert_eq!(at, bytes.len());
    }
}
