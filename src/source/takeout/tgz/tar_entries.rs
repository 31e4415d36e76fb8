//! The entries of a tar stream, in order, with no trust in any number.
//!
//! Known are ustar and GNU headers, GNU's long names, and the extended headers of pax, of which `path` and `size` are
//! used. A header that fails its sum, an entry that breaks off, and a stream without a mark of its end are errors. What
//! describes an entry is read up to [`MAX_ABOUT`] bytes, whatever length it states.
//!
//! Why not the entries of the `tar` crate: they read descriptions of any length into memory, and take a stream that ends
//! between two entries for a whole one. Headers are taken apart by the crate.

use super::Error;
use crate::deflate;
use std::io::Read;
use tar::EntryType;

const BLOCK: usize = 512;
/// Most that is read of a long name or an extended header. Names of 64 KiB are beyond what any system can have.
const MAX_ABOUT: u64 = 1 << 20;
/// What may lie between the mark of the end and the end: tar fills up to a multiple of 10 KiB, some to 1 MiB.
const MAX_FILL: u64 = 16 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    File,
    Dir,
    /// None of these.
    Other(&'static str),
}

/// An entry, of which nothing but its header was read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) path: Vec<u8>,
    pub(super) what: What,
    /// Where its bytes begin in the stream.
    pub(super) at: u64,
    pub(super) size: u64,
}

/// What headers before an entry say of it.
#[derive(Default)]
struct About {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    any: bool,
}

/// A tar stream on its way.
pub(super) struct Entries<R> {
    source: R,
    /// Bytes read so far.
    at: u64,
    /// Bytes of the current entry that are left, and what fills up its last block.
    left: u64,
    fill: u64,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(source: R) -> Entries<R> {
        Entries {
            source,
            at: 0,
            left: 0,
            fill: 0,
        }
    }

    /// The next entry, or `None` at the mark of the end.
    pub(super) fn next(&mut self) -> Result<Option<Header>, Error> {
        let mut about = About::default();
        loop {
            self.pass_over()?;
            let Some(block) = self.block()? else {
                return match about.any {
                    true => Err(tar("ends behind the description of an entry")),
                    false => Ok(None),
                };
            };
            let header = tar::Header::from_byte_slice(&block);
            check(header, &block)?;
            let stated = header
                .entry_size()
                .map_err(|_| tar("an entry's length is no number"))?;
            let kind = header.entry_type();
            if let Some(which) = describes(kind) {
                self.begin(stated);
                about.any = true;
                self.describe(which, &mut about)?;
                continue;
            }
            if kind.is_gnu_sparse() {
                return Err(tar("it has sparse files, which Takeout never makes"));
            }
            let size = about.size.unwrap_or(stated);
            let path = about
                .path
                .unwrap_or_else(|| header.path_bytes().into_owned());
            let what = what(kind, &path);
            self.begin(if what == What::File || has_data(kind) {
                size
            } else {
                0
            });
            return Ok(Some(Header {
                path,
                what,
                at: self.at,
                size,
            }));
        }
    }

    /// Reads some of the current entry; nothing at its end only.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let want = self.left.min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        let got = self.some(&mut buf[..want])?;
        if got == 0 {
            return Err(tar("breaks off inside an entry"));
        }
        self.left -= got as u64;
        Ok(got)
    }

    /// Goes to the end of the stream, where nothing but filling may be, and gives the source back.
    pub(super) fn finish(mut self) -> Result<R, Error> {
        let mut buf = [0; BLOCK * 16];
        let mut filled = 0;
        loop {
            let got = self.some(&mut buf)?;
            if got == 0 {
                return Ok(self.source);
            }
            filled += got as u64;
            if buf[..got].iter().any(|byte| *byte != 0) || filled > MAX_FILL {
                return Err(tar("goes on behind its end"));
            }
        }
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.fill = size.wrapping_neg() % BLOCK as u64;
    }

    /// Goes to the end of the current entry.
    fn pass_over(&mut self) -> Result<(), Error> {
        let mut buf = [0; BLOCK * 16];
        while self.read(&mut buf)? > 0 {}
        self.left = std::mem::take(&mut self.fill);
        while self.read(&mut buf)? > 0 {}
        Ok(())
    }

    /// A block that is not the mark of the end, which is one of zeros.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let got = self.some(&mut block[filled..])?;
            if got == 0 {
                return Err(tar(if self.at == 0 {
                    "nothing is in it"
                } else {
                    "breaks off between two entries"
                }));
            }
            filled += got;
        }
        Ok(block.iter().any(|byte| *byte != 0).then_some(block))
    }

    fn some(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            match self.source.read(buf) {
                Ok(got) => {
                    self.at += got as u64;
                    return Ok(got);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(deflate::Error::of(error).into()),
            }
        }
    }

    /// Reads what an entry says of the next one.
    fn describe(&mut self, which: Describes, about: &mut About) -> Result<(), Error> {
        if which == Describes::Nothing {
            return Ok(());
        }
        if self.left > MAX_ABOUT {
            return Err(tar("the description of an entry is longer than any can be"));
        }
        let mut bytes = vec![0; self.left as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.read(&mut bytes[filled..])?;
        }
        if which == Describes::Name {
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
            about.path = Some(bytes);
            return Ok(());
        }
        for (key, value) in pax(&bytes).ok_or_else(|| tar("a pax header is damaged"))? {
            match key {
                b"path" => about.path = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    about.size = Some(size.ok_or_else(|| tar("a pax length is no number"))?);
                }
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(tar("it has sparse files, which Takeout never makes"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn tar(what: &str) -> Error {
    Error::Tar(what.to_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Describes {
    Name,
    Pax,
    /// Something of the next entry, or of all that follow, that is of no use here.
    Nothing,
}

/// Which entries describe another one.
fn describes(kind: EntryType) -> Option<Describes> {
    match kind {
        EntryType::GNULongName => Some(Describes::Name),
        EntryType::XHeader => Some(Describes::Pax),
        EntryType::GNULongLink | EntryType::XGlobalHeader => Some(Describes::Nothing),
        _ => None,
    }
}

fn what(kind: EntryType, path: &[u8]) -> What {
    match kind {
        EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => What::Dir,
        EntryType::Regular | EntryType::Continuous => What::File,
        EntryType::Directory => What::Dir,
        EntryType::Link => What::Other("a hard link to another file"),
        EntryType::Symlink => What::Other("a symbolic link"),
        EntryType::Fifo | EntryType::Char | EntryType::Block => What::Other("no file"),
        _ => What::Other("of an unknown kind"),
    }
}

/// Links, directories and devices have no bytes behind their header, whatever length it states.
fn has_data(kind: EntryType) -> bool {
    !matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Directory
            | EntryType::Fifo
            | EntryType::Char
            | EntryType::Block
    )
}

/// A header's sum counts its own field as blanks. Some old programs sum signed bytes.
fn check(header: &tar::Header, block: &[u8; BLOCK]) -> Result<(), Error> {
    let blank = |(at, byte): (usize, &u8)| {
        if (148..156).contains(&at) {
            b' '
        } else {
            *byte
        }
    };
    let bytes = || block.iter().enumerate().map(blank);
    let sum: u32 = bytes().map(u32::from).sum();
    let signed: i32 = bytes().map(|byte| i32::from(byte as i8)).sum();
    match header.cksum() {
        Ok(stated) if stated == sum || i64::from(stated) == i64::from(signed) => Ok(()),
        _ => Err(tar("a header fails its checksum")),
    }
}

/// The records of an extended header: `LENGTH KEY=VALUE\n`, the length counting all of it.
fn pax(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
        let len: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..len)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        records.push((&record[..equals], &record[equals + 1..]));
        bytes = &bytes[len..];
    }
    Some(records)
}
