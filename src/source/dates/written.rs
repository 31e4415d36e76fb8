//! The time that a media file carries: EXIF in JPEG, HEIC, AVIF, PNG, WebP, TIFF and raw files built on it, and the
//! header of MP4 and QuickTime videos.
//!
//! What a file is, its first bytes tell and never its name: JPEG under `.HEIC` is routine in exports. Of EXIF the first
//! time counts of these that there is: `DateTimeOriginal`, when the shutter opened; `DateTimeDigitized`, when a film was
//! scanned; `DateTime`, when the file was last changed. The last one alone is what simple cameras, scanners and many
//! TIFF files have; whoever edits a photo leaves the first in place, so it misleads rarely, and is nearer than a year.
//! Fractions of a second are left out.
//!
//! At most [`MOST`] bytes of a picture are read, and of a JPEG [`JPEG_HEAD`], so that a file that lies about
//! its lengths costs no more than that in memory. Videos and TIFF are walked, whatever their size.

use super::{movie, stated, tiff};
use crate::model::Stated;
use exif::{Exif, In, Tag, Value};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Most that is read of a picture. PNG and WebP may have EXIF behind the pixels.
const MOST: u64 = 64 << 20;
/// How much of a JPEG is looked at. Its EXIF comes before the pixels, behind at most a few segments of 64 KiB.
const JPEG_HEAD: u64 = 256 << 10;
/// Room for one read: the EXIF segment of a JPEG has at most 64 KiB.
const BUFFER: usize = 64 << 10;

/// The times of EXIF, best first, and the tags of their offsets from UTC.
const TIMES: [(Tag, Tag); 3] = [
    (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal),
    (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized),
    (Tag::DateTime, Tag::OffsetTime),
];

/// The time that a file carries, `None` where it carries none or is damaged.
///
/// # Errors
/// When it cannot be read, as against what was read making no sense.
pub fn find(mut file: impl Read + Seek) -> io::Result<Option<Stated>> {
    match look(&mut file) {
        Err(error) if is_damage(&error) => Ok(None),
        found => found,
    }
}

/// Whether an error speaks of the bytes and not of the disk they lie on.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    )
}

fn look(file: &mut (impl Read + Seek)) -> io::Result<Option<Stated>> {
    let mut head = Vec::new();
    file.by_ref().take(12).read_to_end(&mut head)?;
    file.rewind()?;
    if tiff::is_tiff(&head) {
        return tiff::find(file);
    }
    if movie::is_movie(&head) {
        // HEIC and AVIF begin like videos; what is none of the two has no EXIF.
        return match picture(file, MOST)? {
            Some(found) => Ok(Some(found)),
            None => movie::find(file),
        };
    }
    let most = if head.starts_with(&[0xff, 0xd8]) {
        JPEG_HEAD
    } else {
        MOST
    };
    picture(file, most)
}

fn picture(file: &mut (impl Read + Seek), most: u64) -> io::Result<Option<Stated>> {
    let bounded = Bounded { file, left: most };
    let mut reader = exif::Reader::new();
    let read = reader
        .continue_on_error(true)
        .read_from_container(&mut BufReader::with_capacity(BUFFER, bounded))
        .or_else(|error| error.distill_partial_result(|_| {}));
    match read {
        Ok(exif) => Ok(time(&exif)),
        Err(exif::Error::Io(error)) if !is_damage(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

fn time(exif: &Exif) -> Option<Stated> {
    let text = |tag| match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(texts) => texts.first().map(Vec::as_slice),
        _ => None,
    };
    TIMES
        .iter()
        .find_map(|(time, offset)| read(text(*time)?, text(*offset), text(Tag::OffsetTime)))
}

/// A time as EXIF writes it, `2023:07:14 10:11:12`, with its offset, else that of the file's last change.
pub(super) fn read(time: &[u8], offset: Option<&[u8]>, other: Option<&[u8]>) -> Option<Stated> {
    let number = |from: usize, to: usize| digits(time.get(from..to)?);
    let at = [
        number(0, 4)?,
        number(5, 7)?,
        number(8, 10)?,
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
    ];
    // Some programs write other marks than colons; digits in their place would be another time.
    if [4, 7, 10, 13, 16]
        .iter()
        .any(|mark| time[*mark].is_ascii_digit())
    {
        return None;
    }
    let ahead = offset.and_then(ahead).or_else(|| other.and_then(ahead));
    stated(at, ahead)
}

/// `+02:00`, as seconds.
fn ahead(text: &[u8]) -> Option<i32> {
    let (sign, rest) = text.split_first()?;
    let hours = digits(rest.get(..2)?)?;
    let minutes = digits(rest.get(3..5)?)?;
    let seconds = (hours * 3600 + minutes * 60) as i32;
    match sign {
        _ if hours > 14 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let digit = |sum: Option<i64>, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        Some(sum? * 10 + digit)
    };
    text.iter().fold(Some(0), digit)
}

/// A file of which no more than so many bytes can be read.
struct Bounded<'a, F> {
    file: &'a mut F,
    left: u64,
}

impl<F: Read> Read for Bounded<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let most = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let got = self.file.read(&mut buffer[..most])?;
        self.left -= got as u64;
        Ok(got)
    }
}

impl<F: Seek> Seek for Bounded<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests;
