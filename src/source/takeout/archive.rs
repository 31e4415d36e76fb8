//! Zip archives: what is in them, and the small files among it.
//!
//! Sizes, CRC-32, method and offset come from the central directory alone; a local header is only read to learn where
//! the data after it begins. Nothing here trusts a number: counts are compared, ranges are checked against the file,
//! and what is read is compared with its CRC-32.

use flate2::{Decompress, FlushDecompress, Status};
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipLocator};
use std::cell::RefCell;
use std::fs::File;
use std::path::Path;

/// Largest metadata file that is read; Takeout's are about 1 KB, an album's with many comments some 100 KB.
const MAX_JSON: u64 = 16 << 20;
/// A local header without name and extra fields.
const LOCAL_HEADER: usize = 30;
/// Room for the extra fields of a local header, so that one read gets header and data. Zip64 needs 20 bytes and
/// time stamps about 30; where more is there, a second read fetches the rest.
const EXTRA_GUESS: usize = 64;
/// Where in the end record the place of the central directory stands; all ones say that zip64 tells it.
const END_OFFSET: u64 = 16;
/// The end record may be followed by a comment of at most 64 KiB.
const MAX_TAIL: u64 = 22 + 65_535;

/// What is wrong with an archive or one of its entries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No end record: the archive was cut, or is no zip at all.
    #[error("no end record: the file is incomplete or not a zip archive")]
    NoEnd,
    /// The central directory contradicts itself.
    #[error("the central directory is damaged: {0}")]
    Directory(String),
    /// It lists nothing. Takeout makes no such part: it is what is left of one.
    #[error("the archive is empty")]
    Empty,
    /// An entry's bytes are not what the central directory says.
    #[error("damaged entry: {0}")]
    Entry(&'static str),
    /// The file cannot be read.
    #[error("cannot read")]
    Io(#[from] std::io::Error),
}

/// One file in an archive, as the central directory tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path; what is not valid UTF-8 is read as code page 437, as the format demands.
    pub path: String,
    /// Length of the path in the archive, bytes.
    pub path_len: usize,
    /// Method 8.
    pub deflated: bool,
    /// Neither stored nor deflated, or encrypted: it is listed and cannot be read.
    pub unreadable: bool,
    /// Offset of the local header.
    pub header: u64,
    /// Bytes it takes in the archive.
    pub packed: u64,
    /// Bytes it has when unpacked.
    pub size: u64,
    /// Its CRC-32.
    pub crc32: u32,
}

/// An archive, of which nothing has been read yet.
#[derive(Debug)]
pub struct Archive<R = FileReader> {
    reader: R,
    len: u64,
}

impl Archive {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Archive, Error> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Archive::of(FileReader::from(file), len))
    }
}

impl<R: ReaderAt> Archive<R> {
    /// An archive of `len` bytes, wherever they come from.
    pub fn of(reader: R, len: u64) -> Archive<R> {
        Archive { reader, len }
    }

    /// Where the central directory begins; it goes on to the end of the archive.
    ///
    /// # Errors
    /// [`Error::NoEnd`] for a cut archive.
    pub fn directory(&self) -> Result<u64, Error> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipLocator::new()
            .max_search_space(MAX_TAIL)
            .locate_in_reader(&self.reader, &mut buffer, self.len)
            .map_err(|(_, error)| wrong(&error))?;
        Ok(archive.directory_offset())
    }

    /// Reads the central directory. Directories are left out.
    ///
    /// # Errors
    /// [`Error::NoEnd`] for a cut archive, [`Error::Directory`] when fewer entries are found than the end record counts or
    /// a record is damaged, [`Error::Empty`] when there are none.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE.max(1 << 20)];
        let archive = ZipLocator::new()
            .max_search_space(MAX_TAIL)
            .locate_in_reader(&self.reader, &mut buffer, self.len)
            .map_err(|(_, error)| wrong(&error))?;
        self.check_directory(archive.eocd_offset(), archive.directory_offset())?;
        let counted = archive.entries_hint();
        let mut found = 0_u64;
        let mut entries = Vec::with_capacity(counted.min(1 << 20) as usize);
        let mut records = archive.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(|error| wrong(&error))? {
            found += 1;
            if record.is_dir() {
                continue;
            }
            let method = record.compression_method();
            let flags = record.flags();
            let path = record.file_path();
            entries.push(Entry {
                path: decode(path.as_ref()),
                path_len: path.as_ref().len(),
                deflated: method == CompressionMethod::DEFLATE,
                unreadable: flags.is_encrypted()
                    || !matches!(
                        method,
                        CompressionMethod::DEFLATE | CompressionMethod::STORE
                    ),
                header: record.local_header_offset(),
                packed: record.compressed_size_hint(),
                size: record.uncompressed_size_hint(),
                crc32: record.crc32(),
            });
        }
        // Without zip64 the end record counts modulo 65,536.
        if found != counted && found % 65_536 != counted {
            let what = format!("{found} entries where the end record counts {counted}");
            return Err(Error::Directory(what));
        }
        if found == 0 {
            return Err(Error::Empty);
        }
        Ok(entries)
    }

    /// Where the end record states another place than the directory was found at, the reader takes the difference for
    /// something that was put before the archive, and shifts every entry by it. Takeout puts nothing before an
    /// archive: it is the end record that is wrong, and every read would fail.
    fn check_directory(&self, end: u64, directory: u64) -> Result<(), Error> {
        let mut stated = [0; 4];
        self.read_up_to(&mut stated, end.saturating_add(END_OFFSET))?;
        let stated = u32::from_le_bytes(stated);
        if stated == u32::MAX || u64::from(stated) == directory {
            return Ok(());
        }
        let what =
            format!("the end record says that it begins at {stated}, but it lies at {directory}");
        Err(Error::Directory(what))
    }

    /// Reads one small entry whole and checks it.
    ///
    /// # Errors
    /// [`Error::Entry`] when its length or CRC-32 is not what the central directory says or it is larger than any
    /// metadata file can be.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        if entry.size > MAX_JSON || entry.packed > MAX_JSON {
            return Err(Error::Entry("too large"));
        }
        let bytes = self.read_start(entry, entry.size as usize)?;
        if bytes.len() as u64 != entry.size {
            return Err(Error::Entry("wrong length"));
        }
        if crc32fast::hash(&bytes) != entry.crc32 {
            return Err(Error::Entry("wrong checksum"));
        }
        Ok(bytes)
    }

    /// The first bytes of an entry, at most `max`; not checked.
    ///
    /// # Errors
    /// [`Error::Entry`] when it cannot be unpacked.
    pub fn read_start(&self, entry: &Entry, max: usize) -> Result<Vec<u8>, Error> {
        if entry.unreadable {
            return Err(Error::Entry(
                "encrypted, or of a method other than stored and deflated",
            ));
        }
        // Deflate never grows data by more than a few bytes per block, so `max` of output needs little more input.
        let wanted = entry.packed.min(max as u64 + 4096 + max as u64 / 1000) as usize;
        let packed = self.packed_start(entry, wanted)?;
        if !entry.deflated {
            return Ok(packed[..packed.len().min(max)].to_vec());
        }
        inflate(&packed, max, entry.size)
    }

    fn packed_start(&self, entry: &Entry, wanted: usize) -> Result<Vec<u8>, Error> {
        let guess = LOCAL_HEADER + entry.path_len + EXTRA_GUESS + wanted;
        let mut buffer = vec![0; guess];
        let got = self.read_up_to(&mut buffer, entry.header)?;
        buffer.truncate(got);
        if got < LOCAL_HEADER || buffer[..4] != [0x50, 0x4b, 3, 4] {
            return Err(Error::Entry("no local header where one should be"));
        }
        let two = |at: usize| usize::from(u16::from_le_bytes([buffer[at], buffer[at + 1]]));
        let start = LOCAL_HEADER + two(26) + two(28);
        let end = start + wanted;
        if end > got {
            let mut rest = vec![0; end - got];
            let more = self.read_up_to(&mut rest, entry.header.saturating_add(got as u64))?;
            buffer.extend_from_slice(&rest[..more]);
        }
        if buffer.len() < end {
            return Err(Error::Entry("reaches past the end of the archive"));
        }
        buffer.truncate(end);
        buffer.drain(..start);
        Ok(buffer)
    }

    /// Where the packed bytes of an entry lie, from its local header.
    ///
    /// # Errors
    /// [`Error::Entry`] when there is no local header, or the bytes reach past the end of the archive.
    pub fn range(&self, entry: &Entry) -> Result<std::ops::Range<u64>, Error> {
        if entry.unreadable {
            return Err(Error::Entry("encrypted, or of an unknown method"));
        }
        let mut header = [0; LOCAL_HEADER];
        let got = self.read_up_to(&mut header, entry.header)?;
        if got < LOCAL_HEADER || header[..4] != [0x50, 0x4b, 3, 4] {
            return Err(Error::Entry("no local header where one should be"));
        }
        let two = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let start = entry.header + LOCAL_HEADER as u64 + two(26) + two(28);
        match start.checked_add(entry.packed) {
            Some(end) if end <= self.len => Ok(start..end),
            _ => Err(Error::Entry("reaches past the end of the archive")),
        }
    }

    /// Reads bytes of the archive itself, as many as there are, and gives how many.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_up_to(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let mut got = 0;
        while got < buffer.len() {
            match self
                .reader
                .read_at(&mut buffer[got..], offset.saturating_add(got as u64))
            {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // An offset beyond what a file can have.
                Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => break,
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }
}

fn wrong(error: &rawzip::Error) -> Error {
    match error.kind() {
        rawzip::ErrorKind::MissingEndOfCentralDirectory => Error::NoEnd,
        rawzip::ErrorKind::IO(error) => {
            Error::Io(std::io::Error::new(error.kind(), error.to_string()))
        }
        _ => Error::Directory(error.to_string()),
    }
}

thread_local! {
    /// An inflater has some 50 KB of tables, which would be made anew for each of 100,000 sidecars of 1 KB.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates until `max` bytes are there or the stream ends. One byte more tells an entry that is longer than it says.
fn inflate(packed: &[u8], max: usize, size: u64) -> Result<Vec<u8>, Error> {
    let room = max + usize::from(max as u64 == size);
    let mut bytes = Vec::with_capacity(
        room.min(size.saturating_add(1) as usize)
            .min(MAX_JSON as usize + 1),
    );
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        while bytes.len() < room {
            if bytes.len() == bytes.capacity() {
                bytes.reserve(room - bytes.len());
            }
            let (fed, got) = (inflater.total_in() as usize, bytes.len());
            let status = inflater
                .decompress_vec(&packed[fed..], &mut bytes, FlushDecompress::None)
                .map_err(|_| Error::Entry("cannot be inflated"))?;
            let stuck = inflater.total_in() as usize == fed && bytes.len() == got;
            match status {
                Status::StreamEnd => return Ok(()),
                // The start of an entry was all that was asked for.
                _ if stuck && size > max as u64 => return Ok(()),
                _ if stuck => return Err(Error::Entry("ends before it is whole")),
                Status::Ok | Status::BufError => {}
            }
        }
        Ok(())
    })?;
    bytes.truncate(room);
    Ok(bytes)
}

/// The upper half of code page 437, in which zip names are written that are not UTF-8.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The flag that says "UTF-8" is not trusted either way: valid UTF-8 is taken as such.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let upper: Vec<char> = CP437.chars().collect();
            let char_of = |byte: &u8| match byte.checked_sub(128) {
                Some(high) => upper.get(usize::from(high)).copied().unwrap_or('\u{fffd}'),
                None => char::from(*byte),
            };
            bytes.iter().map(char_of).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_error_or_an_archive(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), end in 0_usize..400) {
            let mut bytes = bytes;
            let at = end.min(bytes.len());
            bytes.splice(at..at, *b"PK\x05\x06");
            let len = bytes.len() as u64;
            let archive = Archive::of(bytes, len);
            for entry in archive.list().unwrap_or_default() {
                let _ = archive.read(&entry);
            }
        }
    }

    #[test]
    fn names_that_are_not_utf8_are_cp437() {
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(decode("Zürich".as_bytes()), "Zürich");
        assert_eq!(decode(b"Z\x81rich"), "Zürich");
    }
}
