//! The checkpoints of one stream, in a file.
//!
//! ```text
//! "gpfseek1"   8 bytes
//! packed       u64, length of the stream as it lies
//! check        u64, what else tells it from others, see [`Ident`]
//! count        u32
//! sum          u32, CRC-32 of all before it and of the table
//! table        count times: bit u64, byte u64, CRC-32 of the window u32, 1 if there is a window u32
//! windows      32 KiB each, in the order of the table
//! ```
//!
//! Numbers are little endian. The table is held in memory, a window is read when it is needed and summed each time.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::pass::Marks;

/// The folder for these files, in a library's folder of state.
pub const FOLDER: &str = "seek";
const MAGIC: [u8; 8] = *b"gpfseek1";
const HEADER: usize = 32;
const ROW: usize = 24;
/// What deflate may refer back to.
pub(super) const WINDOW: usize = 32 << 10;
/// Most windows that are written; a stream with more loses every other one until it has no more. 128 MiB on disk, which
/// only a stream reaches that inflates to many times its length.
const MOST_WINDOWS: usize = 4096;
/// Most rows that are believed: a stream of members has one for each that is some way from the one before.
const MOST_ROWS: u32 = 1 << 20;

/// What tells the stream to which points belong from any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ident {
    /// Its length as it lies, bytes.
    pub packed: u64,
    /// Of a gzip file its last eight bytes, CRC-32 and length of the last member; of a zip entry its CRC-32 and length.
    pub check: u64,
}

/// The name of the file for an archive, or for one entry in it, which begins at `entry`. An archive is known by its
/// length and its time, so that it may be moved.
pub fn file_name(size: u64, mtime_ns: i64, entry: Option<u64>) -> String {
    match entry {
        None => format!("{size:x}-{mtime_ns:x}"),
        Some(entry) => format!("{size:x}-{mtime_ns:x}-{entry:x}"),
    }
}

/// The archive's part of such a name, to know whose file it is.
pub fn owner(name: &str) -> Option<&str> {
    let mut pieces = name.splitn(3, '-');
    let (size, mtime) = (pieces.next()?, pieces.next()?);
    name.get(..size.len() + 1 + mtime.len())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    bit: u64,
    byte: u64,
    sum: u32,
    /// Where its window stands among the windows.
    window: Option<u32>,
}

/// A place to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) bit: u64,
    pub(super) byte: u64,
    /// The bytes before it, or none where nothing later refers back.
    pub(super) window: Option<Vec<u8>>,
}

/// The points of one stream.
#[derive(Debug)]
pub struct Points {
    file: File,
    rows: Vec<Row>,
}

impl Points {
    /// Opens the points of a stream.
    ///
    /// # Errors
    /// `NotFound`; `InvalidData` for a file that is damaged or belongs to another stream.
    pub fn open(path: &Path, ident: &Ident) -> io::Result<Points> {
        let file = File::open(path)?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)?;
        let (fixed, sum) = header.split_at(HEADER - 4);
        let count = u32::from_le_bytes(word(&fixed[24..28]));
        if fixed[..24] != start(ident) || count > MOST_ROWS {
            return Err(wrong("is not of this archive"));
        }
        let mut table = vec![0; count as usize * ROW];
        file.read_exact_at(&mut table, HEADER as u64)?;
        let mut hash = crc32fast::Hasher::new();
        hash.update(fixed);
        hash.update(&table);
        if sum != hash.finalize().to_le_bytes() {
            return Err(wrong("is damaged"));
        }
        let mut windows = 0;
        let row = |row: &[u8; ROW]| {
            let has = u32::from_le_bytes(word(&row[20..])) != 0;
            let window = has.then_some(windows);
            windows += u32::from(has);
            Row {
                bit: u64::from_le_bytes(long(&row[..8])),
                byte: u64::from_le_bytes(long(&row[8..16])),
                sum: u32::from_le_bytes(word(&row[16..20])),
                window,
            }
        };
        let rows: Vec<Row> = table.as_chunks::<ROW>().0.iter().map(row).collect();
        let windows_at = (HEADER + table.len()) as u64;
        if file.metadata()?.len() != windows_at + u64::from(windows) * WINDOW as u64 {
            return Err(wrong("has the wrong length"));
        }
        Ok(Points { file, rows })
    }

    /// Where the last point at or before byte `at` lies.
    pub fn before(&self, at: u64) -> u64 {
        self.row(at).map_or(0, |row| row.byte)
    }

    fn row(&self, at: u64) -> Option<&Row> {
        let after = self.rows.partition_point(|row| row.byte <= at);
        self.rows.get(after.checked_sub(1)?)
    }

    /// The last point at or before byte `at`; `None` where there is none but the beginning.
    pub(super) fn point(&self, at: u64) -> io::Result<Option<Point>> {
        let Some(row) = self.row(at) else {
            return Ok(None);
        };
        let windows_at = (HEADER + self.rows.len() * ROW) as u64;
        let read = |window: u32| {
            let mut bytes = vec![0; WINDOW];
            let at = windows_at + u64::from(window) * WINDOW as u64;
            self.file.read_exact_at(&mut bytes, at)?;
            if crc32fast::hash(&bytes) == row.sum {
                Ok(bytes)
            } else {
                Err(wrong("has a damaged window"))
            }
        };
        let window = row.window.map(read).transpose()?;
        Ok(Some(Point {
            bit: row.bit,
            byte: row.byte,
            window,
        }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }
}

impl Marks {
    /// Puts them into a file, which is there whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, path: &Path, ident: &Ident) -> io::Result<()> {
        let fresh = path.with_extension("new");
        self.write_to(&fresh, ident)
            .and_then(|()| std::fs::rename(&fresh, path))
            .inspect_err(|_| {
                // What is left of it would be in nobody's way, but takes room on what may be a full disk.
                if let Err(error) = std::fs::remove_file(&fresh) {
                    tracing::debug!("failed to remove {}: {error}", fresh.display());
                }
            })
    }

    fn write_to(&self, path: &Path, ident: &Ident) -> io::Result<()> {
        let kept = self.kept();
        let mut table = Vec::with_capacity(kept.len() * ROW);
        for (bit, byte) in &kept {
            let window = self.window(*bit)?;
            table.extend(bit.to_le_bytes());
            table.extend(byte.to_le_bytes());
            table.extend(window.as_deref().map_or(0, crc32fast::hash).to_le_bytes());
            table.extend(u32::from(window.is_some()).to_le_bytes());
        }
        let mut header = start(ident);
        header.extend((kept.len() as u32).to_le_bytes());
        let mut hash = crc32fast::Hasher::new();
        hash.update(&header);
        hash.update(&table);
        header.extend(hash.finalize().to_le_bytes());
        let mut out = BufWriter::new(File::create(path)?);
        out.write_all(&header)?;
        out.write_all(&table)?;
        for (bit, _) in &kept {
            if let Some(window) = self.window(*bit)? {
                out.write_all(&window)?;
            }
        }
        out.into_inner()?.sync_data()
    }

    /// Bit and byte of the points that are worth keeping: the beginning goes without saying, and members that are
    /// shorter than the spacing need no point each.
    fn kept(&self) -> Vec<(u64, u64)> {
        let near = self.0.checkpoint_spacing().unwrap_or(1).max(1);
        let mut kept: Vec<(u64, u64)> = Vec::new();
        let mut last = 0;
        for point in self.0.checkpoints() {
            let (bit, byte) = (
                point.compressed_offset_in_bits,
                point.uncompressed_offset_in_bytes,
            );
            if byte.saturating_sub(last) >= near {
                kept.push((bit, byte));
                last = byte;
            }
        }
        while kept.len() > MOST_WINDOWS {
            let mut turn = false;
            kept.retain(|_| {
                turn = !turn;
                turn
            });
        }
        kept
    }

    fn window(&self, bit: u64) -> io::Result<Option<Vec<u8>>> {
        let stored = self
            .0
            .windows()
            .get(bit)
            .filter(|window| !window.is_empty());
        let window = stored.map(|window| window.decompressed().map(|bytes| bytes.into_owned()));
        window.transpose().map_err(io::Error::other)
    }
}

/// What every file of a stream begins with.
fn start(ident: &Ident) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(ident.packed.to_le_bytes());
    bytes.extend(ident.check.to_le_bytes());
    bytes
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Callers give four bytes; with another number the file is none of ours.
fn word(bytes: &[u8]) -> [u8; 4] {
    bytes.try_into().unwrap_or_default()
}

fn long(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().unwrap_or_default()
}
