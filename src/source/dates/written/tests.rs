//! Files made by hand, each with a time in it, whole and broken.

use super::find;
use crate::model::Stated;
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

/// 2023-07-14 10:11:12 as if in UTC.
const MORNING: i64 = 1_689_329_472;
const ORIGINAL: u16 = 0x9003;
const DIGITIZED: u16 = 0x9004;
const CHANGED: u16 = 0x0132;
const OFFSET: u16 = 0x9010;
const OFFSET_ORIGINAL: u16 = 0x9011;
const TIME: &str = "2023:07:14 10:11:12";

/// A TIFF block: texts in its first directory, and texts in its EXIF directory.
fn tiff(little: bool, magic: u16, first: &[(u16, &str)], exif: &[(u16, &str)]) -> Vec<u8> {
    let short = |number: u16| {
        if little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        }
    };
    let long = |number: u32| {
        if little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        }
    };
    let first_len = 2 + 12 * (first.len() + 1) + 4;
    let exif_at = 8 + first_len;
    let mut text_at = exif_at + 2 + 12 * exif.len() + 4;
    let mut texts = Vec::new();
    let mut directory = |entries: &[(u16, &str)], pointer: bool| {
        let mut out = short(entries.len() as u16 + u16::from(pointer)).to_vec();
        for (tag, text) in entries {
            out.extend(short(*tag));
            out.extend(short(2));
            out.extend(long(text.len() as u32 + 1));
            out.extend(long(text_at as u32));
            texts.extend(text.bytes().chain([0]));
            text_at += text.len() + 1;
        }
        if pointer {
            out.extend(short(0x8769));
            out.extend(short(4));
            out.extend(long(1));
            out.extend(long(exif_at as u32));
        }
        out.extend([0; 4]);
        out
    };
    let mut block = if little {
        b"II".to_vec()
    } else {
        b"MM".to_vec()
    };
    block.extend(short(magic));
    block.extend(long(8));
    block.extend(directory(first, true));
    block.extend(directory(exif, false));
    block.extend(texts);
    block
}

fn block(exif: &[(u16, &str)]) -> Vec<u8> {
    tiff(true, 42, &[], exif)
}

fn jpeg(block: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xe1];
    out.extend((block.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(block);
    out.extend([0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9]);
    out
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(body);
    out.extend([0; 4]);
    out
}

/// EXIF behind the pixels.
fn png(block: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &[0; 13]));
    out.extend(chunk(b"IDAT", &[7; 5000]));
    out.extend(chunk(b"eXIf", block));
    out.extend(chunk(b"IEND", &[]));
    out
}

fn webp(block: &[u8]) -> Vec<u8> {
    let mut body = b"WEBPVP8 \x04\0\0\0abcd".to_vec();
    body.extend(b"EXIF");
    body.extend((block.len() as u32).to_le_bytes());
    body.extend(block);
    let mut out = b"RIFF".to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend(kind);
    out.extend(body);
    out
}

/// A picture in boxes, its EXIF at the end of the file, behind `pixels` bytes.
fn heif(brand: &[u8; 4], block: &[u8], pixels: usize) -> Vec<u8> {
    let mut item = [&[0, 0, 0, 0][..], block].concat();
    let ftyp = boxed(
        b"ftyp",
        &[brand.as_slice(), &[0; 4], b"mif1", brand].concat(),
    );
    let infe = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
    let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], infe.as_slice()].concat());
    // One item with one extent: 4 bytes of offset, 4 of length.
    let iloc = |at: u32| {
        let mut body = vec![0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1];
        body.extend(at.to_be_bytes());
        body.extend((item.len() as u32).to_be_bytes());
        boxed(b"iloc", &body)
    };
    let meta = |at: u32| boxed(b"meta", &[&[0; 4], iinf.as_slice(), &iloc(at)].concat());
    let mdat = boxed(b"mdat", &vec![9; pixels]);
    let at = ftyp.len() + meta(0).len() + mdat.len();
    let mut out = [ftyp, meta(at as u32), mdat].concat();
    out.append(&mut item);
    out
}

/// A video with its header behind the frames.
fn movie(first: &[u8; 4], version: u8, seconds: u64) -> Vec<u8> {
    let mut header = vec![version, 0, 0, 0];
    match version {
        1 => header.extend(seconds.to_be_bytes()),
        _ => header.extend((seconds as u32).to_be_bytes()),
    }
    header.extend([0; 96]);
    let moov = boxed(
        b"moov",
        &[boxed(b"udta", &[]), boxed(b"mvhd", &header)].concat(),
    );
    [
        boxed(first, b"mp42\0\0\0\0mp42"),
        boxed(b"mdat", &[3; 9000]),
        moov,
    ]
    .concat()
}

fn read(bytes: Vec<u8>) -> Option<(i64, Option<i32>)> {
    let found = find(Cursor::new(bytes)).unwrap();
    found.map(|Stated { clock, ahead }| (clock, ahead))
}

#[test]
fn every_format_gives_its_time() {
    let block = block(&[(ORIGINAL, TIME)]);
    let big = tiff(false, 42, &[], &[(ORIGINAL, TIME)]);
    for (what, bytes) in [
        ("jpeg", jpeg(&block)),
        ("jpeg, big endian", jpeg(&big)),
        ("png", png(&block)),
        ("webp", webp(&block)),
        ("heic", heif(b"heic", &block, 100)),
        ("heic, EXIF far behind", heif(b"heic", &block, 3_000_000)),
        ("avif", heif(b"avif", &big, 100)),
        ("tiff", block.clone()),
        ("tiff, big endian", big.clone()),
        ("olympus", tiff(true, 0x4f52, &[], &[(ORIGINAL, TIME)])),
        ("panasonic", tiff(true, 0x55, &[], &[(ORIGINAL, TIME)])),
    ] {
        assert_eq!(read(bytes), Some((MORNING, None)), "{what}");
    }
}

#[test]
fn the_best_time_counts_and_its_offset() {
    let other = "2001:01:01 01:01:01";
    let at = |first: &[(u16, &str)], exif: &[(u16, &str)]| {
        let block = tiff(true, 42, first, exif);
        let found = read(jpeg(&block));
        assert_eq!(found, read(block), "a TIFF is read alike");
        found
    };
    assert_eq!(
        at(&[(CHANGED, other)], &[(DIGITIZED, other), (ORIGINAL, TIME)]),
        Some((MORNING, None))
    );
    assert_eq!(
        at(&[(CHANGED, other)], &[(DIGITIZED, TIME)]),
        Some((MORNING, None))
    );
    assert_eq!(at(&[(CHANGED, TIME)], &[]), Some((MORNING, None)));
    // A time that was never set gives way.
    assert_eq!(
        at(
            &[(CHANGED, TIME)],
            &[
                (ORIGINAL, "0000:00:00 00:00:00"),
                (DIGITIZED, "    :  :     :  :  ")
            ]
        ),
        Some((MORNING, None))
    );
    assert_eq!(
        at(&[], &[(ORIGINAL, TIME), (OFFSET_ORIGINAL, "+05:30")]),
        Some((MORNING, Some(19_800)))
    );
    assert_eq!(
        at(&[], &[(ORIGINAL, TIME), (OFFSET, "-08:00")]),
        Some((MORNING, Some(-28_800)))
    );
    assert_eq!(
        at(
            &[],
            &[
                (ORIGINAL, TIME),
                (OFFSET, "-08:00"),
                (OFFSET_ORIGINAL, "+01:00")
            ]
        ),
        Some((MORNING, Some(3600)))
    );
    assert_eq!(
        at(&[], &[(ORIGINAL, TIME), (OFFSET_ORIGINAL, "   :  ")]),
        Some((MORNING, None))
    );
    assert_eq!(
        at(&[], &[(ORIGINAL, "1826:01:01 00:00:00")]),
        Some((-4_544_208_000, None))
    );
}

#[test]
fn absurd_times_are_none() {
    for time in [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "1825:12:31 23:59:59",
        "2101:01:01 00:00:00",
        "2023:02:30 10:11:12",
        "2023:07:14 24:00:00",
        "1970:01:01 00:00:00",
        "2023:07:14",
        "20230714 101112 and",
        "yesterday at noon..",
        "",
    ] {
        let block = block(&[(ORIGINAL, time)]);
        assert_eq!(read(jpeg(&block)), None, "{time:?}");
        assert_eq!(read(block), None, "{time:?}");
    }
}

#[test]
fn videos_tell_theirs_in_utc() {
    let since_1904 = (MORNING + 2_082_844_800) as u64;
    for (first, version) in [(b"ftyp", 0), (b"ftyp", 1), (b"wide", 0)] {
        assert_eq!(
            read(movie(first, version, since_1904)),
            Some((MORNING, Some(0))),
            "{version}"
        );
    }
    assert_eq!(read(movie(b"ftyp", 0, 0)), None, "never set");
    assert_eq!(read(movie(b"ftyp", 1, u64::MAX)), None);
    assert_eq!(
        read(movie(b"ftyp", 0, 2_082_844_800)),
        None,
        "the start of 1970"
    );
    assert_eq!(
        read(movie(b"ftyp", 7, since_1904)),
        None,
        "an unknown version"
    );
    // Sizes in 64 bits, and one that says "to the end".
    let mut long = 1_u32.to_be_bytes().to_vec();
    long.extend(b"ftyp");
    long.extend(20_u64.to_be_bytes());
    long.extend(b"mp42");
    let mut rest = movie(b"free", 0, since_1904);
    let moov = rest.len() - 128;
    assert_eq!(&rest[moov + 4..moov + 8], b"moov");
    rest[moov..moov + 4].fill(0);
    assert_eq!(read([long, rest].concat()), Some((MORNING, Some(0))));
}

#[test]
fn sizes_that_lie_find_nothing_and_end() {
    let whole = movie(b"ftyp", 0, 5_000_000_000);
    for size in [2_u32, 7, 9, 0x7fff_ffff, u32::MAX] {
        let mut lying = whole.clone();
        lying[..4].copy_from_slice(&size.to_be_bytes());
        assert_eq!(read(lying), None, "{size}");
    }
    let mut huge = whole;
    huge.splice(..4, [0, 0, 0, 1]);
    huge.splice(8..16, [0xff; 8]);
    assert_eq!(read(huge), None);
    // A chain of boxes that never ends.
    assert_eq!(read(boxed(b"free", &[]).repeat(20_000)), None);
}

/// A file that counts what is read of it and where its end would be.
struct Counted<R> {
    inner: R,
    read: u64,
    fail_at: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read >= self.fail_at {
            return Err(io::Error::other("the disk is gone"));
        }
        let got = self.inner.read(buffer)?;
        self.read += got as u64;
        Ok(got)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

fn counted(bytes: Vec<u8>, fail_at: u64) -> Counted<Cursor<Vec<u8>>> {
    Counted {
        inner: Cursor::new(bytes),
        read: 0,
        fail_at,
    }
}

#[test]
fn little_is_read_of_a_large_file() {
    let block = block(&[(ORIGINAL, TIME)]);
    let mut raw = block.clone();
    raw.resize(50 << 20, 1);
    let mut plain = vec![0xff, 0xd8, 0xff, 0xda, 0, 2];
    plain.resize(50 << 20, 0);
    for (what, bytes, found, most) in [
        ("raw", raw, true, 1 << 10),
        ("heic", heif(b"heic", &block, 50 << 20), true, 1 << 19),
        ("jpeg without EXIF", plain, false, 1 << 19),
        (
            "movie",
            {
                let frames = boxed(b"mdat", &vec![0; 50 << 20]);
                [frames, movie(b"free", 0, 3_772_174_272)].concat()
            },
            true,
            1 << 19,
        ),
    ] {
        let mut file = counted(bytes, u64::MAX);
        assert_eq!(find(&mut file).unwrap().is_some(), found, "{what}");
        assert!(file.read <= most, "{what}: {} bytes read", file.read);
    }
}

#[test]
fn a_disk_that_fails_is_no_file_without_a_date() {
    let block = block(&[(ORIGINAL, TIME)]);
    for bytes in [
        jpeg(&block),
        png(&block),
        block.clone(),
        movie(b"ftyp", 0, 3_772_174_272),
    ] {
        assert!(find(counted(bytes, 1)).is_err());
    }
}

proptest! {
    #[test]
    fn no_damage_panics(at in 0_usize..5600, value in any::<u8>(), cut in 0_usize..5600, kind in 0_usize..7) {
        let block = block(&[(ORIGINAL, TIME), (OFFSET_ORIGINAL, "+01:00")]);
        let mut bytes = match kind {
            0 => jpeg(&block),
            1 => png(&block),
            2 => webp(&block),
            3 => heif(b"heic", &block, 50),
            4 => block,
            5 => movie(b"ftyp", 1, 3_772_174_272),
            _ => tiff(false, 42, &[(CHANGED, TIME)], &[]),
        };
        let len = bytes.len();
        bytes[at % len] = value;
        bytes.truncate(cut.min(len));
        prop_assert!(find(Cursor::new(bytes)).is_ok());
    }
}
