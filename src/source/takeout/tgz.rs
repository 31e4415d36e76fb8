//! Tgz archives: what is in them, learned in one pass from front to back.
//!
//! A tgz has no directory, so all of it is inflated once. That pass gives for each file its place in the inflated
//! stream, its length and its CRC-32, hands out the small metadata files on its way, and leaves checkpoints by which
//! later reads need not begin at the beginning.
//!
//! Nothing here is believed before the end: the sums of gzip stand behind the data, and a tar that was cut shows only
//! by what is missing. So [`list`] gives everything or an error, and a part is taken in whole or not at all.
//!
//! Nothing is ever written, whatever an entry is called or links to. Directories are left out; what is neither file nor
//! directory is told by [`Listing::passed_over`].

mod tar_entries;
#[cfg(test)]
mod tests;

use crate::deflate::{self, Frame, Marks, Pass, Points, Runner};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tar_entries::{Entries, Header, What};

/// Largest metadata file that is read, as in a zip archive.
const MAX_JSON: u64 = 16 << 20;
/// Bytes handled at once.
const CHUNK: usize = 128 << 10;
/// What gzip begins with, with the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not inflate, fails a checksum, or breaks off.
    #[error("the archive is damaged or incomplete: {0}")]
    Gzip(String),
    /// What it inflates to is no whole tar archive.
    #[error("no whole tar archive: {0}")]
    Tar(String),
    /// It lists nothing. Takeout makes no such part: it is what is left of one.
    #[error("the archive is empty")]
    Empty,
    /// The file cannot be read.
    #[error("cannot read")]
    Io(#[source] Arc<io::Error>),
}

impl From<deflate::Error> for Error {
    fn from(error: deflate::Error) -> Error {
        match error {
            deflate::Error::Damaged(what) => Error::Gzip(what),
            deflate::Error::Io(source) => Error::Io(source),
        }
    }
}

/// One file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, without `.` and empty steps; a step that is not valid UTF-8 is read as Latin-1.
    pub path: String,
    /// Where its bytes begin in the inflated stream.
    pub at: u64,
    /// Length in bytes.
    pub size: u64,
    /// CRC-32 of its bytes.
    pub crc32: u32,
}

/// All of an archive that passed.
#[derive(Debug)]
pub struct Listing<T> {
    /// Its files, in the order of the archive.
    pub entries: Vec<(Entry, Text<T>)>,
    /// Paths of entries that are no files, and what they are.
    pub passed_over: Vec<(String, &'static str)>,
    /// Where a reader can begin.
    pub marks: Marks,
}

/// What came of a file's text.
#[derive(Debug, PartialEq, Eq)]
pub enum Text<T> {
    /// It is no metadata file.
    None,
    /// It was read.
    Read(T),
    /// It is larger than any metadata file can be.
    TooLarge,
}

/// Who is told what a pass finds.
pub trait Reader {
    /// What a text says.
    type Facts;
    /// Whether a file is metadata, to be read whole.
    fn is_text(&self, path: &str) -> bool;
    /// Makes facts of a text.
    fn read(&mut self, text: &[u8]) -> Self::Facts;
    /// So many bytes more of the archive were read.
    fn came(&mut self, bytes: u64);
}

/// Whether a file begins as gzip does.
pub fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// Reads an archive of `len` bytes to its end, and lets `reader` have what it finds on the way.
///
/// # Errors
/// When anything in it is wrong: then nothing of it is worth anything.
pub fn list<R: Reader>(
    source: impl Read + Send + 'static,
    len: u64,
    reader: &mut R,
) -> Result<Listing<R::Facts>, Error> {
    let taken = Arc::new(AtomicU64::new(0));
    let source = Counted {
        source,
        taken: Arc::clone(&taken),
    };
    let pass = Pass::new(source, Frame::Gzip, deflate::spacing(len, u64::MAX))?;
    let mut entries = Entries::new(pass);
    let mut found = Vec::new();
    let mut passed_over = Vec::new();
    while let Some(header) = entries.next()? {
        let path = decode(&header.path);
        match header.what {
            What::File => found.push(file(&mut entries, &header, path, reader, &taken)?),
            What::Dir => {}
            What::Other(what) => passed_over.push((path, what)),
        }
    }
    let marks = entries.finish()?.finish()?;
    reader.came(taken.swap(0, Ordering::Relaxed));
    if found.is_empty() && passed_over.is_empty() {
        return Err(Error::Empty);
    }
    Ok(Listing {
        entries: found,
        passed_over,
        marks,
    })
}

/// Reads one file's bytes: all of them for the sum, and a text's to be kept.
fn file<R: Reader>(
    entries: &mut Entries<Pass>,
    header: &Header,
    path: String,
    reader: &mut R,
    taken: &AtomicU64,
) -> Result<(Entry, Text<R::Facts>), Error> {
    let text = reader.is_text(&path);
    let fits = header.size <= MAX_JSON;
    let mut kept = Vec::new();
    let mut crc = crc32fast::Hasher::new();
    let mut chunk = vec![0; header.size.clamp(1, CHUNK as u64) as usize];
    loop {
        let got = entries.read(&mut chunk)?;
        if got == 0 {
            break;
        }
        reader.came(taken.swap(0, Ordering::Relaxed));
        crc.update(&chunk[..got]);
        if text && fits {
            kept.extend_from_slice(&chunk[..got]);
        }
    }
    let entry = Entry {
        path,
        at: header.at,
        size: header.size,
        crc32: crc.finalize(),
    };
    let text = match (text, fits) {
        (false, _) => Text::None,
        (true, true) => Text::Read(reader.read(&kept)),
        (true, false) => Text::TooLarge,
    };
    Ok((entry, text))
}

/// Counts what is read of an archive.
struct Counted<R> {
    source: R,
    /// Bytes since somebody looked.
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.source.read(buf)?;
        self.taken.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// A path as text. Steps that lead nowhere are left out, as in `./Takeout`; those that lead up are kept as they are,
/// since no path of an archive ever becomes one of a file system.
fn decode(bytes: &[u8]) -> String {
    let steps = bytes.split(|byte| *byte == b'/');
    let steps = steps.filter(|step| !step.is_empty() && *step != b".");
    let text = |step: &[u8]| match std::str::from_utf8(step) {
        Ok(text) => text.to_owned(),
        Err(_) => step.iter().map(|byte| char::from(*byte)).collect(),
    };
    steps.map(text).collect::<Vec<String>>().join("/")
}

/// One archive, opened to look into files that were listed before.
pub struct Opened {
    file: Arc<File>,
    points: Option<Points>,
    /// Where it was left: files that are asked for in the order of the archive are one way through it.
    runner: Option<Runner<Arc<File>>>,
}

impl Opened {
    /// Opens an archive, and its checkpoints, which lie in `folder` if they are there.
    ///
    /// # Errors
    /// When the archive cannot be opened. Without checkpoints it is only slower.
    pub fn open(archive: &Path, size: u64, mtime_ns: i64, folder: &Path) -> io::Result<Opened> {
        let file = Arc::new(File::open(archive)?);
        let ident = ident(&file, size)?;
        let name = deflate::file_name(size, mtime_ns, None);
        let points = Points::open(&folder.join(name), &ident).ok();
        Ok(Opened {
            file,
            points,
            runner: None,
        })
    }

    /// The file whose bytes begin at `at` in the inflated stream. Its bytes are not checked.
    pub fn entry(&mut self, at: u64, size: u64) -> Slice<'_> {
        Slice {
            archive: self,
            at,
            size,
            position: 0,
        }
    }

    /// A runner that stands at a byte of the stream.
    fn runner(&mut self, to: u64) -> Result<&mut Runner<Arc<File>>, deflate::Error> {
        let nearest = self.points.as_ref().map_or(0, |points| points.before(to));
        let kept = self
            .runner
            .take()
            .filter(|runner| (nearest..=to).contains(&runner.position()));
        let mut runner = match kept {
            Some(runner) => runner,
            None => Runner::start(
                Arc::clone(&self.file),
                Frame::Gzip,
                self.points.as_ref(),
                to,
            )?,
        };
        runner.skip(to)?;
        Ok(self.runner.insert(runner))
    }
}

/// One file in an archive, to be read and sought in.
pub struct Slice<'a> {
    archive: &'a mut Opened,
    at: u64,
    size: u64,
    position: u64,
}

impl Read for Slice<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let want = left.min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        let runner = self.archive.runner(self.at.saturating_add(self.position));
        let got = runner
            .and_then(|runner| runner.read(&mut buf[..want]))
            .map_err(io::Error::other)?;
        self.position += got as u64;
        Ok(got)
    }
}

impl Seek for Slice<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// What tells an archive's checkpoints from another's: its length and the sums at its end.
///
/// # Errors
/// When it cannot be read.
pub fn ident(file: &File, size: u64) -> io::Result<deflate::Ident> {
    use std::os::unix::fs::FileExt;
    let mut end = [0; 8];
    file.read_exact_at(&mut end, size.saturating_sub(8))?;
    Ok(deflate::Ident {
        packed: size,
        check: u64::from_le_bytes(end),
    })
}
