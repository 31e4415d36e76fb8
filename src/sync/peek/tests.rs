//! The same bytes from a folder and an archive, stored and deflated, small and large, read in any order.

use super::{Peek, Shelf};
use crate::catalog::KnownPart;
use crate::model::{BlobKey, Location, Part};
use crate::source::takeout::archive::Archive;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

const SMALL: usize = 100_000;
const LARGE: usize = (16 << 20) + 12_345;

fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x3f)
        .collect()
}

fn part(path: &Path, folder: bool) -> KnownPart {
    KnownPart {
        part: Part {
            id: 1,
            path: path.into(),
            size: 0,
            mtime_ns: 0,
            folder,
            gzipped: false,
        },
        stamp: None,
        series: None,
        number: None,
        complete: true,
        left_over: false,
        problems: Vec::new(),
        digest: None,
        account: None,
    }
}

/// An archive of two files, each stored and deflated.
fn zip(path: &Path) {
    let mut output = std::fs::File::create(path).unwrap();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut output);
    for len in [SMALL, LARGE] {
        for deflated in [false, true] {
            let method = if deflated {
                rawzip::CompressionMethod::DEFLATE
            } else {
                rawzip::CompressionMethod::STORE
            };
            let name = format!("{len} {deflated}");
            let (mut entry, config) = archive
                .new_file(&name)
                .compression_method(method)
                .start()
                .unwrap();
            let output = if deflated {
                let fast = flate2::Compression::fast();
                let encoder = flate2::write::DeflateEncoder::new(&mut entry, fast);
                let mut writer = config.wrap(encoder);
                writer.write_all(&bytes(len)).unwrap();
                let (encoder, output) = writer.finish().unwrap();
                encoder.finish().unwrap();
                output
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(&bytes(len)).unwrap();
                writer.finish().unwrap().1
            };
            entry.finish(output).unwrap();
        }
    }
    archive.finish().unwrap();
}

/// Steps forward, back, from the end and beyond it.
fn wander(mut file: Peek<'_>, whole: &[u8]) {
    let len = whole.len() as u64;
    let mut buffer = [0; 1000];
    for to in [
        SeekFrom::Start(0),
        SeekFrom::Start(len / 2),
        SeekFrom::Current(-500),
        SeekFrom::Start(7),
        SeekFrom::End(-999),
        SeekFrom::Start(len / 3),
    ] {
        let at = file.seek(to).unwrap() as usize;
        let most = (whole.len() - at).min(1000);
        file.read_exact(&mut buffer[..most]).unwrap();
        assert_eq!(buffer[..most], whole[at..at + most], "{to:?}");
    }
    for to in [
        SeekFrom::End(0),
        SeekFrom::Start(len + 5),
        SeekFrom::Start(1 << 40),
    ] {
        file.seek(to).unwrap();
        assert_eq!(file.read(&mut buffer).unwrap(), 0, "{to:?}");
    }
    assert!(file.seek(SeekFrom::End(-1 - whole.len() as i64)).is_err());
    file.rewind().unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    assert!(all == whole);
}

#[test]
fn all_ways_of_lying_read_alike() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.zip");
    zip(&path);
    let of = part(&path, false);
    let mut shelf = Shelf::of(&of, Path::new(""));
    for entry in Archive::open(&path).unwrap().list().unwrap() {
        let location = Location::Zip {
            part: 1,
            deflated: entry.deflated,
            header: entry.header,
            packed: entry.packed,
        };
        let key = BlobKey {
            size: entry.size,
            crc32: entry.crc32,
            head: 0,
        };
        let file = shelf.open(location, &[], key).unwrap();
        let in_memory = matches!(file, Peek::Whole(_));
        assert_eq!(in_memory, entry.deflated && entry.size == SMALL as u64);
        wander(file, &bytes(entry.size as usize));
    }
    let of = part(dir.path(), true);
    std::fs::write(dir.path().join("y"), bytes(SMALL)).unwrap();
    let location = Location::File {
        part: 1,
        path: 0,
        mtime_ns: 0,
    };
    let key = BlobKey {
        size: SMALL as u64,
        crc32: 0,
        head: 0,
    };
    let file = Shelf::of(&of, Path::new(""));
    let mut file = file;
    wander(
        file.open(location, &[b"y".to_vec()], key).unwrap(),
        &bytes(SMALL),
    );
    assert!(file.open(location, &[b"z".to_vec()], key).is_err());
}

#[test]
fn damage_is_told_from_what_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.zip");
    std::fs::write(&path, b"no archive at all").unwrap();
    let location = |header| Location::Zip {
        part: 1,
        deflated: false,
        header,
        packed: 5,
    };
    let key = BlobKey {
        size: 5,
        crc32: 0,
        head: 0,
    };
    let of = part(&path, false);
    for header in [0, 5, 1 << 40, u64::MAX] {
        let error = Shelf::of(&of, Path::new(""))
            .open(location(header), &[], key)
            .err()
            .unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
    let of = part(&dir.path().join("gone.zip"), false);
    let error = Shelf::of(&of, Path::new(""))
        .open(location(0), &[], key)
        .err()
        .unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}
