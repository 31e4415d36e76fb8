//! The times in a TIFF file or a raw file that is built on it.
//!
//! Our own walk of two directories, since the library of the other formats reads a TIFF whole: a raw photo may have
//! 100 MB, with its directory at the end. It also knows the two makers that changed the number behind the byte order.

use super::written::read;
use crate::model::Stated;
use std::io::{self, Read, Seek, SeekFrom};

/// Directories of cameras have some dozens of entries; one with more is damaged.
const MOST_ENTRIES: u16 = 4096;
/// A text of a time with its zero, and some room.
const TEXT: usize = 32;

const EXIF: u16 = 0x8769;
/// The times, best first, and the tags of their offsets. The last pair stands in the first directory.
const TIMES: [(u16, u16); 3] = [(0x9003, 0x9011), (0x9004, 0x9012), (0x0132, 0x9010)];

/// Whether a file that begins so is a TIFF: byte order, then 42, or what Olympus and Panasonic put in its place.
pub(super) fn is_tiff(head: &[u8]) -> bool {
    [b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"IIU\0", b"MMOR"]
        .iter()
        .any(|magic| head.starts_with(*magic))
}

/// The time that it carries.
///
/// # Errors
/// When it cannot be read, or ends too early.
pub(super) fn find(file: &mut (impl Read + Seek)) -> io::Result<Option<Stated>> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let mut walk = Walk {
        little: head[0] == b'I',
        file,
    };
    let first = walk.long(&head[4..]);
    let mut texts = walk.directory(first)?;
    if let Some(exif) = texts.iter().find(|entry| entry.tag == EXIF) {
        let at = walk.long(&exif.value);
        texts.extend(walk.directory(at)?);
    }
    for (time, offset) in TIMES {
        let time = walk.text(&texts, time)?;
        let offset = walk.text(&texts, offset)?;
        let other = walk.text(&texts, TIMES[2].1)?;
        let found = time.and_then(|time| read(&time, offset.as_deref(), other.as_deref()));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

struct Entry {
    tag: u16,
    count: u32,
    value: [u8; 4],
}

struct Walk<'a, F> {
    little: bool,
    file: &'a mut F,
}

impl<F: Read + Seek> Walk<'_, F> {
    fn short(&self, bytes: &[u8]) -> u16 {
        let two = [bytes[0], bytes[1]];
        if self.little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        }
    }

    fn long(&self, bytes: &[u8]) -> u32 {
        let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.little {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        }
    }

    fn directory(&mut self, at: u32) -> io::Result<Vec<Entry>> {
        self.file.seek(SeekFrom::Start(u64::from(at)))?;
        let mut count = [0; 2];
        self.file.read_exact(&mut count)?;
        let count = self.short(&count);
        if count > MOST_ENTRIES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; usize::from(count) * 12];
        self.file.read_exact(&mut bytes)?;
        let entry = |bytes: &[u8]| Entry {
            tag: self.short(bytes),
            count: self.long(&bytes[4..]),
            value: [bytes[8], bytes[9], bytes[10], bytes[11]],
        };
        Ok(bytes.chunks_exact(12).map(entry).collect())
    }

    fn text(&mut self, entries: &[Entry], tag: u16) -> io::Result<Option<Vec<u8>>> {
        let Some(entry) = entries.iter().find(|entry| entry.tag == tag) else {
            return Ok(None);
        };
        if entry.count <= 4 {
            return Ok(None);
        }
        let at = self.long(&entry.value);
        self.file.seek(SeekFrom::Start(u64::from(at)))?;
        let mut text = vec![0; TEXT.min(entry.count as usize)];
        self.file.read_exact(&mut text)?;
        Ok(Some(text))
    }
}
