//! A file of an export as something to read and to seek in, wherever it lies: for those who look for a few bytes in it.
//!
//! A file of an unpacked folder and an entry that is stored are read where they lie. One that is deflated is inflated:
//! whole into memory up to [`WHOLE`], else from its start as far as it is read, and again from its start for each
//! step back; an entry of a tgz from the checkpoint before it. Nothing is checked against a checksum: whoever looks for a date can do nothing better with damaged bytes
//! than to look.

use crate::catalog::KnownPart;
use crate::model::{BlobKey, Location};
use crate::source::takeout::archive::{self, Archive};
use crate::source::takeout::tgz::{Opened, Slice};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// Largest deflated entry that is inflated into memory.
const WHOLE: u64 = 16 << 20;
/// How much of a deflated entry is read at once.
const BUFFER: usize = 64 << 10;

/// A part of which files are opened; the archive itself is opened once.
pub struct Shelf<'a> {
    part: &'a KnownPart,
    /// The folder with the checkpoints of tgz archives.
    points: &'a Path,
    archive: Option<Archive>,
    tgz: Option<Opened>,
}

impl<'a> Shelf<'a> {
    /// A part, of which nothing has been read yet.
    pub fn of(part: &'a KnownPart, points: &'a Path) -> Shelf<'a> {
        Shelf {
            part,
            points,
            archive: None,
            tgz: None,
        }
    }

    /// Opens a file. `paths` are those of its batch.
    ///
    /// # Errors
    /// When it cannot be read; with [`io::ErrorKind::InvalidData`] where the archive is damaged there.
    pub fn open(
        &mut self,
        location: Location,
        paths: &[Vec<u8>],
        key: BlobKey,
    ) -> io::Result<Peek<'_>> {
        match location {
            Location::File { path, .. } => {
                let path = paths.get(path as usize).map_or(&[][..], Vec::as_slice);
                Ok(Peek::File(File::open(self.part.part.file(path))?))
            }
            Location::Tgz { at, .. } => {
                let part = &self.part.part;
                let archive = match self.tgz.take() {
                    Some(archive) => archive,
                    None => Opened::open(&part.path, part.size, part.mtime_ns, self.points)?,
                };
                Ok(Peek::Tgz(self.tgz.insert(archive).entry(at, key.size)))
            }
            Location::Zip {
                deflated,
                header,
                packed,
                ..
            } => {
                let archive = match self.archive.take() {
                    Some(archive) => archive,
                    None => Archive::open(&self.part.part.path).map_err(plain)?,
                };
                let archive = &*self.archive.insert(archive);
                let entry = archive::Entry {
                    path: String::new(),
                    path_len: 0,
                    deflated,
                    unreadable: false,
                    header,
                    packed,
                    size: key.size,
                    crc32: key.crc32,
                };
                let stored = Stored {
                    archive,
                    range: archive.range(&entry).map_err(plain)?,
                    at: 0,
                };
                Peek::entry(stored, deflated, key.size)
            }
        }
    }
}

fn plain(error: archive::Error) -> io::Error {
    match error {
        archive::Error::Io(error) => error,
        damage => io::Error::new(io::ErrorKind::InvalidData, damage),
    }
}

/// An open file.
pub enum Peek<'a> {
    /// In an unpacked folder.
    File(File),
    /// Stored in an archive.
    Stored(Stored<'a>),
    /// Inflated from an archive.
    Whole(Cursor<Vec<u8>>),
    /// Being inflated.
    Inflated(Box<Inflated<'a>>),
    /// In a tgz archive.
    Tgz(Slice<'a>),
}

impl<'a> Peek<'a> {
    fn entry(stored: Stored<'a>, deflated: bool, size: u64) -> io::Result<Peek<'a>> {
        if !deflated {
            return Ok(Peek::Stored(stored));
        }
        let mut inflated = Inflated {
            decoder: decoder(&stored),
            stored,
            size,
            at: 0,
            wanted: 0,
        };
        if size > WHOLE {
            return Ok(Peek::Inflated(Box::new(inflated)));
        }
        let mut bytes = Vec::new();
        // What lies before the damage may hold what is looked for.
        match inflated.by_ref().take(size).read_to_end(&mut bytes) {
            Err(error) if bytes.is_empty() => Err(error),
            _ => Ok(Peek::Whole(Cursor::new(bytes))),
        }
    }
}

impl Read for Peek<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Peek::File(file) => file.read(buffer),
            Peek::Stored(stored) => stored.read(buffer),
            Peek::Whole(bytes) => bytes.read(buffer),
            Peek::Inflated(inflated) => inflated.read(buffer),
            Peek::Tgz(slice) => slice.read(buffer),
        }
    }
}

impl Seek for Peek<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Peek::File(file) => file.seek(to),
            Peek::Stored(stored) => {
                stored.at = target(to, stored.at, stored.len())?;
                Ok(stored.at)
            }
            Peek::Whole(bytes) => bytes.seek(to),
            Peek::Tgz(slice) => slice.seek(to),
            Peek::Inflated(inflated) => {
                inflated.wanted = target(to, inflated.wanted, inflated.size)?;
                Ok(inflated.wanted)
            }
        }
    }
}

/// Where a seek leads; beyond the end is allowed, as for files.
fn target(to: SeekFrom, at: u64, len: u64) -> io::Result<u64> {
    let target = match to {
        SeekFrom::Start(target) => Some(target),
        SeekFrom::Current(by) => at.checked_add_signed(by),
        SeekFrom::End(by) => len.checked_add_signed(by),
    };
    target.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The bytes of an entry as they lie in the archive.
#[derive(Debug, Clone)]
pub struct Stored<'a> {
    archive: &'a Archive,
    range: Range<u64>,
    at: u64,
}

impl Stored<'_> {
    fn len(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len().saturating_sub(self.at);
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let offset = self.range.start + self.at;
        let got = self.archive.read_up_to(&mut buffer[..most], offset)?;
        self.at += got as u64;
        Ok(got)
    }
}

type Decoder<'a> = DeflateDecoder<BufReader<Stored<'a>>>;

fn decoder<'a>(stored: &Stored<'a>) -> Decoder<'a> {
    let start = Stored {
        at: 0,
        ..stored.clone()
    };
    DeflateDecoder::new(BufReader::with_capacity(BUFFER, start))
}

/// A deflated entry, inflated as far as it is read.
#[derive(Debug)]
pub struct Inflated<'a> {
    stored: Stored<'a>,
    decoder: Decoder<'a>,
    size: u64,
    /// What has been inflated.
    at: u64,
    /// Where the next read begins.
    wanted: u64,
}

impl Read for Inflated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.wanted >= self.size {
            return Ok(0);
        }
        if self.wanted < self.at {
            self.decoder = decoder(&self.stored);
            self.at = 0;
        }
        if self.wanted > self.at {
            let skip = self.wanted - self.at;
            let skipped = io::copy(&mut self.decoder.by_ref().take(skip), &mut io::sink())?;
            self.at += skipped;
            if skipped < skip {
                return Ok(0);
            }
        }
        let got = self.decoder.read(buffer)?;
        self.at += got as u64;
        self.wanted = self.at;
        Ok(got)
    }
}

#[cfg(test)]
mod tests;
