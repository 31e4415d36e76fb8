//! Content as its callers see it: real archives and folders, damage, races and restarts.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Content, Error, Settings};
use crate::model::{Blob, Location, Part};

mod away;
mod bytes;
mod cache;
mod damage;
mod guest;
mod room;
mod seek;

/// What the kernel asks for at once.
const READ: usize = 128 << 10;
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The second part of every fixture, which is a folder.
const FOLDER: u32 = 9;
const ARCHIVE: u32 = 4;
const TGZ: u32 = 6;
const KINDS: [Kind; 3] = [Kind::Stored, Kind::Deflated, Kind::Plain];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Stored,
    Deflated,
    Plain,
    Gzipped,
}

/// A file of a fixture. Its fields may be set to lies.
#[derive(Debug, Clone)]
struct Item {
    kind: Kind,
    bytes: Vec<u8>,
    size: u64,
    crc32: u32,
    header: u64,
    packed: u64,
    mtime_ns: i64,
    path: String,
}

/// An archive and a folder with files, as they were when they were recorded.
struct Fixture {
    dir: TempDir,
    items: Vec<Item>,
    parts: Vec<Part>,
}

/// Bytes that shrink to about half and repeat nowhere.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&(state & 0x0f0f_0f0f_0f0f_0f0f).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn mtime_ns(path: &Path) -> i64 {
    let meta = std::fs::metadata(path).unwrap();
    meta.mtime() * 1_000_000_000 + meta.mtime_nsec()
}

impl Fixture {
    fn new(files: impl IntoIterator<Item = (Kind, Vec<u8>)>) -> Fixture {
        Fixture::below(tempfile::tempdir().unwrap(), files)
    }

    fn below(dir: TempDir, files: impl IntoIterator<Item = (Kind, Vec<u8>)>) -> Fixture {
        std::fs::create_dir_all(dir.path().join("folder/Takeout")).unwrap();
        let mut zip =
            rawzip::ZipArchiveWriter::new(File::create(dir.path().join("a.zip")).unwrap());
        let mut tar = Vec::new();
        let mut items = Vec::new();
        for (number, (kind, bytes)) in files.into_iter().enumerate() {
            let path = format!("Takeout/{number}.jpg");
            let mut header = 0;
            match kind {
                Kind::Gzipped => {
                    // What stands in headers is nothing to content.
                    tar.resize(tar.len().next_multiple_of(512) + 512, 0);
                    header = tar.len() as u64;
                    tar.extend_from_slice(&bytes);
                }
                Kind::Plain => {
                    std::fs::write(dir.path().join("folder").join(&path), &bytes).unwrap();
                }
                Kind::Stored => {
                    let (mut entry, config) = zip.new_file(path.as_str()).start().unwrap();
                    let mut writer = config.wrap(&mut entry);
                    writer.write_all(&bytes).unwrap();
                    let (_, descriptor) = writer.finish().unwrap();
                    entry.finish(descriptor).unwrap();
                }
                Kind::Deflated => {
                    let method = rawzip::CompressionMethod::DEFLATE;
                    let (mut entry, config) = zip
                        .new_file(path.as_str())
                        .compression_method(method)
                        .start()
                        .unwrap();
                    // The lowest level would make one block of it, which cannot be entered.
                    let level = flate2::Compression::new(2);
                    let mut writer =
                        config.wrap(flate2::write::DeflateEncoder::new(&mut entry, level));
                    writer.write_all(&bytes).unwrap();
                    let (encoder, descriptor) = writer.finish().unwrap();
                    encoder.finish().unwrap();
                    entry.finish(descriptor).unwrap();
                }
            }
            let (size, crc32) = (bytes.len() as u64, crc32fast::hash(&bytes));
            items.push(Item {
                kind,
                bytes,
                size,
                crc32,
                header,
                packed: size,
                mtime_ns: 0,
                path,
            });
        }
        zip.finish().unwrap().flush().unwrap();
        let level = flate2::Compression::new(2);
        let tgz = File::create(dir.path().join("a.tgz")).unwrap();
        let mut tgz = flate2::write::GzEncoder::new(tgz, level);
        tgz.write_all(&tar).unwrap();
        tgz.finish().unwrap();
        let mut fixture = Fixture {
            dir,
            items,
            parts: Vec::new(),
        };
        fixture.find();
        fixture.record();
        fixture
    }

    /// One file of a kind.
    fn one(kind: Kind, bytes: Vec<u8>) -> Fixture {
        Fixture::new([(kind, bytes)])
    }

    /// Takes offsets out of the archive's central directory.
    fn find(&mut self) {
        let bytes = std::fs::read(self.archive()).unwrap();
        let archive = rawzip::ZipArchive::from_slice(&bytes).unwrap();
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().unwrap() {
            let path = entry
                .file_path()
                .try_normalize()
                .unwrap()
                .as_ref()
                .to_owned();
            let item = self
                .items
                .iter_mut()
                .find(|item| item.path == path)
                .unwrap();
            item.header = entry.local_header_offset();
            item.packed = entry.compressed_size_hint();
        }
    }

    /// Records the files as they are now, as a new index would.
    fn record(&mut self) {
        let archive = |id, path: PathBuf, gzipped| Part {
            id,
            size: std::fs::metadata(&path).unwrap().len(),
            mtime_ns: mtime_ns(&path),
            path,
            folder: false,
            gzipped,
        };
        self.parts = vec![
            archive(ARCHIVE, self.archive(), false),
            archive(TGZ, self.dir.path().join("a.tgz"), true),
            Part {
                id: FOLDER,
                path: self.dir.path().join("folder"),
                size: 0,
                mtime_ns: 0,
                folder: true,
                gzipped: false,
            },
        ];
        for at in 0..self.items.len() {
            if self.items[at].kind == Kind::Plain {
                self.items[at].mtime_ns = mtime_ns(&self.file(at));
            }
        }
    }

    fn archive(&self) -> PathBuf {
        self.dir.path().join("a.zip")
    }

    /// The file that holds an item's bytes.
    fn file(&self, at: usize) -> PathBuf {
        match self.items[at].kind {
            Kind::Plain => self.dir.path().join("folder").join(&self.items[at].path),
            Kind::Gzipped => self.dir.path().join("a.tgz"),
            _ => self.archive(),
        }
    }

    fn cache_dir(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn settings(&self) -> Settings {
        Settings {
            cache_dir: self.cache_dir(),
            cache_max_bytes: 1 << 30,
            min_free_bytes: 0,
            state_dir: self.dir.path().join("state"),
        }
    }

    fn content(&self) -> Content {
        self.content_with(self.settings())
    }

    fn guest(&self) -> Content {
        Content::guest(self.settings(), self.parts.clone(), self.items.len()).unwrap()
    }

    fn content_with(&self, settings: Settings) -> Content {
        Content::new(settings, self.parts.clone(), self.items.len()).unwrap()
    }

    /// Content without anything remembered from before.
    fn fresh(&self) -> Content {
        for dir in [self.cache_dir(), self.dir.path().join("state")] {
            if dir.exists() {
                std::fs::remove_dir_all(dir).unwrap();
            }
        }
        self.content()
    }

    fn blob(&self, at: usize) -> Blob<'_> {
        let item = &self.items[at];
        let (location, path) = match item.kind {
            Kind::Plain => {
                let (part, path, mtime_ns) = (FOLDER, at as u32, item.mtime_ns);
                (
                    Location::File {
                        part,
                        path,
                        mtime_ns,
                    },
                    item.path.as_bytes(),
                )
            }
            Kind::Gzipped => {
                let at = item.header;
                (Location::Tgz { part: TGZ, at }, &[][..])
            }
            kind => {
                let (deflated, header, packed) = (kind == Kind::Deflated, item.header, item.packed);
                (
                    Location::Zip {
                        part: ARCHIVE,
                        deflated,
                        header,
                        packed,
                    },
                    &[][..],
                )
            }
        };
        Blob {
            index: at as u32,
            ino: at as u64 + 2,
            size: item.size,
            crc32: item.crc32,
            location,
            path,
        }
    }

    /// Where an item's data begin in its file.
    fn start(&self, at: usize) -> u64 {
        if self.items[at].kind == Kind::Plain {
            return 0;
        }
        let mut lens = [0; 4];
        File::open(self.archive())
            .unwrap()
            .read_exact_at(&mut lens, self.items[at].header + 26)
            .unwrap();
        let len = |at: usize| u64::from(u16::from_le_bytes([lens[at], lens[at + 1]]));
        self.items[at].header + 30 + len(0) + len(2)
    }

    /// Damages a byte of an item's data as they lie, and records the file as if it had always been so.
    fn flip(&mut self, at: usize, byte: u64) {
        flip(&self.file(at), self.start(at) + byte);
        self.record();
    }
}

fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
}

/// Reads as the mount does.
fn read(content: &Content, blob: &Blob<'_>, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
    content
        .read_now(blob, offset, len)
        .unwrap_or_else(|| content.read(blob, offset, len))
}

/// Reads from front to back, and gives what it got before the error.
fn drain(content: &Content, blob: &Blob<'_>) -> (Vec<u8>, Option<Error>) {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < blob.size {
        match read(content, blob, bytes.len() as u64, READ) {
            Ok(more) => {
                assert_eq!(
                    more.len() as u64,
                    (READ as u64).min(blob.size - bytes.len() as u64),
                    "a short read"
                );
                bytes.extend(more);
            }
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

/// Reads from front to back and compares.
fn expect_whole(content: &Content, fixture: &Fixture, at: usize) {
    let (bytes, error) = drain(content, &fixture.blob(at));
    assert!(error.is_none(), "{error:?}");
    assert!(bytes == fixture.items[at].bytes, "wrong bytes of item {at}");
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::SeqCst)
}

/// All files below a folder, with their lengths, by what tells one file from another that took its place.
fn files_below(dir: &Path) -> HashMap<(PathBuf, u64, Option<std::time::SystemTime>), u64> {
    let mut files = HashMap::new();
    for entry in walkdir::WalkDir::new(dir)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
    {
        if let Ok(meta) = entry.metadata() {
            files.insert(
                (entry.into_path(), meta.ino(), meta.created().ok()),
                meta.len(),
            );
        }
    }
    files
}

/// The finished files of the cache.
fn cached_files(fixture: &Fixture) -> Vec<PathBuf> {
    let files = files_below(&fixture.cache_dir().join("blobs"));
    files.into_keys().map(|(path, ..)| path).collect()
}
