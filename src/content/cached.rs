//! One file of the cache: the bytes of a blob, and behind them a CRC-32 for each [`BLOCK`] of them.
//!
//! Promise: [`Cached::read`] gives bytes that were right when they were written, or an error. It sums every block it
//! touches, each time, before it serves any of it. So neither a power cut, which may leave zeros under a finished name,
//! nor a disk that rots, nor a stranger's hand needs a word of its own, the file needs no fsync, and one from an earlier
//! mount is as good as a new one.
//!
//! Why sums of blocks and not the blob's own CRC-32: a cached video of gigabytes would have to be read whole before its
//! first byte, or a block found rotten too late, when others are served. A block costs 10 microseconds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::room::Room;

/// Bytes under one sum: what the kernel asks for at once, at offsets that are multiples of it. Part of the format: with
/// another number every file of an older cache fails its sums and is inflated anew, so change [`MAGIC`] with it.
const BLOCK: u64 = 128 << 10;
/// Ends every file.
const MAGIC: [u8; 8] = *b"gpfsum01";
/// What filesystems round up to; the cap counts what is taken from the disk.
const DISK_BLOCK: u64 = 4096;

/// What a cached file holds, and its name on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) size: u64,
    pub(super) crc32: u32,
    /// Tells two entries apart that share length and checksum.
    pub(super) ident: u64,
}

impl Name {
    /// Where it lies below the folder of blobs.
    pub(super) fn path(&self) -> PathBuf {
        let shard = format!("{:02x}", self.crc32 & 0xff);
        Path::new(&shard).join(format!(
            "{:x}-{:08x}-{:016x}",
            self.size, self.crc32, self.ident
        ))
    }

    /// Reads a file name back.
    pub(super) fn parse(text: &str) -> Option<Name> {
        let mut numbers = text.split('-');
        let size = u64::from_str_radix(numbers.next()?, 16).ok()?;
        let crc32 = u32::from_str_radix(numbers.next()?, 16).ok()?;
        let ident = u64::from_str_radix(numbers.next()?, 16).ok()?;
        let name = Name { size, crc32, ident };
        (numbers.next().is_none() && name.path().file_name()? == text).then_some(name)
    }

    /// Length of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        let sums = self.size.div_ceil(BLOCK).saturating_mul(4);
        self.size
            .saturating_add(sums)
            .saturating_add(MAGIC.len() as u64 + 4)
    }

    /// What it takes from the disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.file_bytes()
            .div_ceil(DISK_BLOCK)
            .saturating_mul(DISK_BLOCK)
    }

    /// What stands behind the bytes: the sums, the magic, and a sum over those and the name.
    fn trailer(&self, sums: &[u32]) -> Vec<u8> {
        let mut bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        bytes.extend(MAGIC);
        let mut hash = crc32fast::Hasher::new();
        hash.update(&bytes);
        for number in [self.size, u64::from(self.crc32), self.ident] {
            hash.update(&number.to_le_bytes());
        }
        bytes.extend(hash.finalize().to_le_bytes());
        bytes
    }
}

/// Sums of blocks while the bytes go by.
#[derive(Default)]
pub(super) struct Sums {
    done: Vec<u32>,
    hash: crc32fast::Hasher,
    filled: u64,
}

impl Sums {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) =
                bytes.split_at((BLOCK - self.filled).min(bytes.len() as u64) as usize);
            self.hash.update(now);
            self.filled += now.len() as u64;
            bytes = later;
            if self.filled == BLOCK {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.hash).finalize());
        self.filled = 0;
    }

    /// The sums, and what has to be written behind the bytes.
    pub(super) fn finish(mut self, name: &Name) -> (Vec<u32>, Vec<u8>) {
        if self.filled > 0 {
            self.close();
        }
        let trailer = name.trailer(&self.done);
        (self.done, trailer)
    }
}

/// A finished file, open.
pub(super) struct Cached {
    file: Arc<File>,
    size: u64,
    sums: Vec<u32>,
    /// Named last, so that it is given back after the file is closed.
    _room: Arc<Room>,
}

impl Cached {
    /// Takes over a file that was just written.
    pub(super) fn new(file: Arc<File>, size: u64, sums: Vec<u32>, room: Arc<Room>) -> Cached {
        Cached {
            file,
            size,
            sums,
            _room: room,
        }
    }

    /// Opens a file and checks its trailer.
    pub(super) fn open(path: &Path, name: &Name, room: Arc<Room>) -> io::Result<Cached> {
        let file = File::open(path)?;
        if file.metadata()?.len() != name.file_bytes() {
            return Err(rotten("has the wrong length"));
        }
        let mut trailer = vec![0; (name.file_bytes() - name.size) as usize];
        file.read_exact_at(&mut trailer, name.size)?;
        let (words, _) = trailer[..trailer.len() - MAGIC.len() - 4].as_chunks::<4>();
        let sums: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        if trailer != name.trailer(&sums) {
            return Err(rotten("has wrong sums"));
        }
        Ok(Cached::new(Arc::new(file), name.size, sums, room))
    }

    /// Reads a range, which is within the blob.
    pub(super) fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let end = offset + len as u64;
        let first = offset / BLOCK;
        let from = first * BLOCK;
        let to = end.next_multiple_of(BLOCK).min(self.size);
        let mut bytes = vec![0; (to - from) as usize];
        self.file.read_exact_at(&mut bytes, from)?;
        let sums = self.sums.iter().skip(first as usize);
        if !bytes
            .chunks(BLOCK as usize)
            .map(crc32fast::hash)
            .eq(sums.take(bytes.len().div_ceil(BLOCK as usize)).copied())
        {
            return Err(rotten("has a damaged block"));
        }
        bytes.truncate((end - from) as usize);
        if offset > from {
            bytes.drain(..(offset - from) as usize);
        }
        Ok(bytes)
    }
}

fn rotten(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_not_ours() {
        let name = Name {
            size: 0x12_3456,
            crc32: 0xab,
            ident: 7,
        };
        let path = name.path();
        assert_eq!(path, Path::new("ab/123456-000000ab-0000000000000007"));
        assert_eq!(Name::parse("123456-000000ab-0000000000000007"), Some(name));
        for other in [
            "",
            "-",
            "1-2-3",
            "123456-000000AB-0000000000000007",
            "123456-000000ab-0000000000000007-",
            "x.jpg",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn any_flipped_byte_is_an_error_and_never_served() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let bytes: Vec<u8> = (0..BLOCK * 2 + 77).map(|at| (at % 251) as u8).collect();
        let name = Name {
            size: bytes.len() as u64,
            crc32: crc32fast::hash(&bytes),
            ident: 1,
        };
        let mut sums = Sums::default();
        bytes.chunks(1000).for_each(|chunk| sums.update(chunk));
        let whole = [bytes.clone(), sums.finish(&name).1].concat();
        assert_eq!(whole.len() as u64, name.file_bytes());
        let room = Arc::new(Arc::new(crate::content::room::Budget::default()).found(1));
        let read = |whole: &[u8]| {
            std::fs::write(&path, whole)?;
            Cached::open(&path, &name, Arc::clone(&room))?.read(0, bytes.len())
        };
        assert_eq!(read(&whole).unwrap(), bytes);
        for at in [
            0,
            1,
            BLOCK as usize,
            bytes.len() - 1,
            bytes.len(),
            whole.len() - 5,
            whole.len() - 1,
        ] {
            let mut broken = whole.clone();
            broken[at] ^= 0x10;
            assert_eq!(
                read(&broken).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{at}"
            );
        }
        assert!(read(&whole[1..]).is_err());
        assert!(read(&vec![0; whole.len()]).is_err());
    }
}
