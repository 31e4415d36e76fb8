//! The time in the header of an MP4 or QuickTime video: `mvhd` in `moov`, seconds since 1904.
//!
//! The standard says UTC. Many cameras write their local time there; nothing in the file tells which did, so it is taken
//! as the standard says. Only boxes are walked, by seeking, so that a `moov` behind gigabytes of frames costs one more
//! read. Why our own: forty lines, against a dependency of twenty-nine crates that found nothing in HEIC files.

use crate::model::Stated;
use std::io::{self, Read, Seek, SeekFrom};

/// Seconds from 1904 to 1970.
const EPOCH_1904: i64 = 2_082_844_800;
/// Boxes of the outermost level, and of `moov`, that are looked at. Videos in fragments have thousands, behind `moov`.
const MOST_BOXES: u32 = 10_000;
/// What a video may begin with; those before MP4 lack `ftyp`.
const FIRST: [&[u8; 4]; 7] = [
    b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot",
];

/// Whether a file that begins so is made of boxes: a video, or a picture in the same dress.
pub(super) fn is_movie(head: &[u8]) -> bool {
    head.get(4..8)
        .is_some_and(|kind| FIRST.iter().any(|first| *first == kind))
}

/// The time in its header.
///
/// # Errors
/// When it cannot be read, or ends too early.
pub(super) fn find(file: &mut (impl Read + Seek)) -> io::Result<Option<Stated>> {
    let Some(movie) = search(file, 0, u64::MAX, *b"moov")? else {
        return Ok(None);
    };
    let Some((at, end)) = search(file, movie.0, movie.1, *b"mvhd")? else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(at))?;
    let mut header = Vec::new();
    file.by_ref()
        .take(12.min(end.saturating_sub(at)))
        .read_to_end(&mut header)?;
    // Version and flags, then the time: 64 bits in version 1, 32 before.
    let seconds = match (header.first(), header.get(4..12), header.get(4..8)) {
        (Some(1), Some(&[a, b, c, d, e, f, g, h]), _) => {
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        }
        (Some(0), _, Some(&[a, b, c, d])) => u64::from(u32::from_be_bytes([a, b, c, d])),
        _ => 0,
    };
    let seconds = i64::try_from(seconds).unwrap_or(0);
    // 0 is a clock that was never set, and not the first second of 1904.
    Ok((seconds != 0)
        .then(|| Stated::of(seconds - EPOCH_1904, Some(0)))
        .flatten())
}

/// The first box of a kind between two offsets: where its content begins and ends.
fn search(
    file: &mut (impl Read + Seek),
    from: u64,
    to: u64,
    kind: [u8; 4],
) -> io::Result<Option<(u64, u64)>> {
    let mut at = from;
    for _ in 0..MOST_BOXES {
        if to.saturating_sub(at) < 8 {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head)?;
        let Some(&[a, b, c, d]) = head.get(..4) else {
            return Ok(None);
        };
        // A size of 1 says that the real one follows in 64 bits, 0 that the box reaches to the end of what holds it.
        let (size, begin) = match (u32::from_be_bytes([a, b, c, d]), head.get(8..16)) {
            (0, _) => (to - at, 8),
            (1, Some(&[a, b, c, d, e, f, g, h])) => {
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 16)
            }
            (size, _) => (u64::from(size), 8),
        };
        let end = at
            .checked_add(size)
            .filter(|end| size >= begin && *end <= to);
        let Some(end) = end else {
            return Ok(None);
        };
        if head.get(4..8) == Some(kind.as_slice()) {
            return Ok(Some((at + begin, end)));
        }
        at = end;
    }
    Ok(None)
}
