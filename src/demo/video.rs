//! A short silent video: an MP4 file whose one track is a row of JPEG pictures.
//!
//! Motion JPEG (object type 0x6C of MPEG-4) needs no encoder but the one that the pictures have, and common players
//! know it. The index stands before the media, all frames lie in one chunk. (ISO/IEC 14496-12 and -14)

use super::jpeg;
use super::scene::{Scene, paint};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
/// Ticks of a second.
const TIMESCALE: u32 = 600;
/// Ticks that a frame stands: eight frames make a second.
const FRAME: u32 = 75;
/// Seconds from 1904, where MP4 starts to count, to 1970.
const SINCE_1904: i64 = 2_082_844_800;
/// No rotation, no scaling: the matrix of movie and track.
const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// A scene in motion, dated `taken`.
pub(super) fn film(scene: Scene, seed: u32, frames: u32, taken: i64) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = (0..frames)
        .map(|n| {
            let moment = (n * 1000 / frames) as i32;
            jpeg::encode(&paint(scene, seed, moment, WIDTH, HEIGHT), None)
        })
        .collect();
    let kind = boxed(
        b"ftyp",
        &[b"isom", &[0, 0, 2, 0], b"isom", b"iso2", b"mp41"],
    );
    // The index tells where the media begin, which depends on its own length: measure it first.
    let length = movie(&frames, taken, 0).len();
    let index = movie(&frames, taken, (kind.len() + length + 8) as u32);
    [kind, index, boxed(b"mdat", &[&frames.concat()])].concat()
}

fn movie(frames: &[Vec<u8>], taken: i64, media_offset: u32) -> Vec<u8> {
    let date = (taken + SINCE_1904) as u32;
    let duration = frames.len() as u32 * FRAME;
    let mvhd = [
        0,
        date,
        date,
        TIMESCALE,
        duration,
        0x1_0000,
        0x0100_0000,
        0,
        0,
    ];
    let mvhd = [&mvhd[..], &UNITY, &[0; 6], &[2]].concat();
    let tkhd = [7, date, date, 1, 0, duration, 0, 0, 0, 0];
    let size = [(WIDTH as u32) << 16, (HEIGHT as u32) << 16];
    let tkhd = [&tkhd[..], &UNITY, &size].concat();
    // 0x55c4 is "und", no language.
    let mdhd = words(&[0, date, date, TIMESCALE, duration, 0x55c4_0000]);
    let hdlr = boxed(b"hdlr", &[&[0; 8], b"vide", &[0; 12], b"Pictures\0"]);
    let url = boxed(b"url ", &[&words(&[1])]);
    let dref = boxed(b"dref", &[&words(&[0, 1]), &url]);
    let minf = boxed(
        b"minf",
        &[
            &boxed(b"vmhd", &[&words(&[1, 0, 0])]),
            &boxed(b"dinf", &[&dref]),
            &samples(frames, media_offset),
        ],
    );
    let mdia = boxed(b"mdia", &[&boxed(b"mdhd", &[&mdhd]), &hdlr, &minf]);
    let trak = boxed(b"trak", &[&boxed(b"tkhd", &[&words(&tkhd)]), &mdia]);
    boxed(b"moov", &[&boxed(b"mvhd", &[&words(&mvhd)]), &trak])
}

/// The sample table: what the frames are, how long each stands, how large it is, and where they begin.
fn samples(frames: &[Vec<u8>], media_offset: u32) -> Vec<u8> {
    let count = frames.len() as u32;
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let stsd = boxed(b"stsd", &[&words(&[0, 1]), &entry(&sizes)]);
    let stts = boxed(b"stts", &[&words(&[0, 1, count, FRAME])]);
    let stsc = boxed(b"stsc", &[&words(&[0, 1, 1, count, 1])]);
    let stsz = boxed(b"stsz", &[&words(&[0, 0, count]), &words(&sizes)]);
    let stco = boxed(b"stco", &[&words(&[0, 1, media_offset])]);
    boxed(b"stbl", &[&stsd, &stts, &stsc, &stsz, &stco])
}

/// Describes the frames: their size in pixels and that they are JPEG pictures.
fn entry(sizes: &[u32]) -> Vec<u8> {
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let total: u32 = sizes.iter().sum();
    let rate = total * 8 / (sizes.len() as u32 * FRAME).max(1) * TIMESCALE;
    // Object type JPEG; stream type "visual"; the largest buffer, the largest and the mean rate.
    let mut config = vec![0x6c, 0x11];
    config.extend(&largest.to_be_bytes()[1..]);
    config.extend(words(&[rate, rate]));
    let config = described(4, &config);
    let stream = described(3, &[&[0, 1, 0], &config[..], &described(6, &[2])].concat());
    let esds = boxed(b"esds", &[&[0; 4], &stream]);
    let size = [WIDTH as u16, HEIGHT as u16].map(u16::to_be_bytes).concat();
    // 72 dots per inch, one frame per sample, no compressor name, 24 bits of colour, no palette.
    let density = words(&[0x48_0000, 0x48_0000, 0]);
    let head: [&[u8]; 7] = [
        &[0; 6],
        &[0, 1],
        &[0; 16],
        &size,
        &density,
        &[0, 1],
        &[0; 32],
    ];
    boxed(b"mp4v", &[&head.concat(), &[0, 24, 0xff, 0xff], &esds])
}

/// A descriptor of MPEG-4; none here needs more than one byte of length.
fn described(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, body.len() as u8], body].concat()
}

fn boxed(kind: &[u8; 4], pieces: &[&[u8]]) -> Vec<u8> {
    let body = pieces.concat();
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], &body].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}
