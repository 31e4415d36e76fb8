//! Small exports with known bytes, and the knowledge of where in them each byte lies, so that a test can damage one.

use crate::kit::sha256_of;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The stamp of these exports.
pub const STAMP: &str = "20260913T041200Z";

/// Where all media of these exports lie.
const FOLDER: &str = "Takeout/Google Photos/Photos from 2023";

/// How an entry lies in its archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Stored,
    Deflated,
}

/// Where an entry lies in its archive.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    /// Offset of its bytes as they lie.
    pub data: u64,
    /// How many they are.
    pub packed: u64,
    /// Offset of its record in the central directory.
    pub record: u64,
}

/// One part of an export.
#[derive(Debug)]
pub struct Part {
    pub path: PathBuf,
    /// Where the media lie, by file name.
    pub spots: BTreeMap<String, Spot>,
}

/// One file of an export, with its name as it will be shown.
#[derive(Debug, Clone)]
pub struct Photo {
    pub name: String,
    pub bytes: Vec<u8>,
    pub how: How,
}

impl Photo {
    pub fn new(name: &str, bytes: Vec<u8>, how: How) -> Photo {
        let name = name.to_owned();
        Photo { name, bytes, how }
    }

    pub fn sha256(&self) -> String {
        sha256_of(self.bytes.as_slice()).unwrap()
    }

    fn sidecar(&self) -> String {
        let name = &self.name;
        format!(
            r#"{{"title": "{name}", "photoTakenTime": {{"timestamp": "1689328272"}}, "url": "{name}"}}"#
        )
    }
}

/// Where a photo is shown, below the mountpoint: all are of the same day.
pub fn shown(name: &str) -> PathBuf {
    Path::new("by-date/2023/2023-07").join(name)
}

/// `len` bytes that do not repeat themselves, the same for the same seed. A quarter of them is text that packs well.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        if state.is_multiple_of(4) {
            bytes.extend_from_slice(b"a stretch of the picture in which the sky is of one blue");
        } else {
            for _ in 0..21 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                bytes.extend_from_slice(&state.to_le_bytes());
            }
        }
    }
    bytes.truncate(len);
    bytes
}

/// Writes part `number` of the export with these photos and their sidecars.
pub fn part(dir: &Path, number: u32, photos: &[Photo]) -> Part {
    part_of(dir, STAMP, number, photos, Photo::sidecar)
}

/// Writes a part of any export, with whatever sidecars. It has its name when it is whole.
pub fn part_of(
    dir: &Path,
    stamp: &str,
    number: u32,
    photos: &[Photo],
    sidecar_of: impl Fn(&Photo) -> String,
) -> Part {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(format!("takeout-{stamp}-{number:03}.zip"));
    let mut zip = Zip::default();
    let mut spots = BTreeMap::new();
    for photo in photos {
        let inside = format!("{FOLDER}/{}", photo.name);
        spots.insert(
            photo.name.clone(),
            zip.add(&inside, &photo.bytes, photo.how),
        );
        let sidecar = format!("{inside}.supplemental-metadata.json");
        zip.add(&sidecar, sidecar_of(photo).as_bytes(), How::Deflated);
    }
    let directory = zip.bytes.len() as u64;
    for spot in spots.values_mut() {
        spot.record += directory;
    }
    let growing = path.with_extension("new");
    fs::write(&growing, zip.end()).unwrap();
    fs::rename(&growing, &path).unwrap();
    Part { path, spots }
}

/// Writes an unpacked export into `dir/Takeout`.
pub fn unpacked(dir: &Path, photos: &[Photo]) -> PathBuf {
    let folder = dir.join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    for photo in photos {
        let path = folder.join(&photo.name);
        fs::write(&path, &photo.bytes).unwrap();
        let sidecar = format!("{}.supplemental-metadata.json", path.display());
        fs::write(sidecar, photo.sidecar()).unwrap();
    }
    dir.join("Takeout")
}

/// Where [`unpacked`] puts a photo.
pub fn unpacked_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(FOLDER).join(name)
}

/// Writes one byte of a file anew, with a bit turned.
pub fn flip(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

/// Gives a file the time of modification that it had before it was damaged, as a failing disk would leave it.
pub fn keep_time(path: &Path, change: impl FnOnce()) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    change();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(before).unwrap();
}

/// A zip archive, written in the plainest way.
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Zip {
    /// The record's offset is counted from the start of the directory.
    fn add(&mut self, path: &str, bytes: &[u8], how: How) -> Spot {
        let packed = match how {
            How::Stored => bytes.to_vec(),
            How::Deflated => {
                let fast = flate2::Compression::fast();
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), fast);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        };
        let method: u16 = if how == How::Deflated { 8 } else { 0 };
        // Version, flags (UTF-8), method, time and date, CRC-32, both lengths, length of the name, no extra field.
        let mut common = Vec::new();
        for number in [20, 0x0800, method, 0, 0x5d21] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        for number in [
            crc32fast::hash(bytes),
            packed.len() as u32,
            bytes.len() as u32,
        ] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        common.extend_from_slice(&(path.len() as u16).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        let header = self.bytes.len() as u32;
        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&common);
        self.bytes.extend_from_slice(path.as_bytes());
        let spot = Spot {
            data: self.bytes.len() as u64,
            packed: packed.len() as u64,
            record: self.directory.len() as u64,
        };
        self.bytes.extend_from_slice(&packed);
        self.directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        self.directory.extend_from_slice(&common);
        // No comment, first disk, no attributes.
        self.directory.extend_from_slice(&[0; 10]);
        self.directory.extend_from_slice(&header.to_le_bytes());
        self.directory.extend_from_slice(path.as_bytes());
        self.entries += 1;
        spot
    }

    fn end(self) -> Vec<u8> {
        let Zip {
            mut bytes,
            directory,
            entries,
        } = self;
        let (start, len) = (bytes.len() as u32, directory.len() as u32);
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00");
        bytes.extend_from_slice(&entries.to_le_bytes());
        bytes.extend_from_slice(&entries.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&start.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes
    }
}
