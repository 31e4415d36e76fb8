//! From a tgz part to its facts, in one pass that also leaves checkpoints to read it by.

use super::{ByName, Error, Indexed, Problems, by_name, expect_root, known, read_json, settled};
use crate::deflate::{self, Marks};
use crate::model::chain;
use crate::model::listing::{Facts, Kind, Listed, NewEntry};
use crate::source::takeout::part::{Form, Found};
use crate::source::takeout::tgz::{self, Entry, Listing, Reader, Text};
use crate::sync::Progress;
use crate::sync::same::Digest;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A tar header, with its magic at [`TAR_MAGIC`].
const BLOCK: u64 = 512;
const TAR_MAGIC: usize = 257;

type Parsed = (Kind, Option<Facts>);

/// Whether an archive is a tgz, by its first bytes: users rename.
///
/// # Errors
/// When it is called a tgz, and is neither that nor a zip.
pub fn is(found: &Found) -> Result<bool, Error> {
    let mut start = Vec::new();
    let read = File::open(&found.path).and_then(|file| file.take(BLOCK).read_to_end(&mut start));
    if let Err(error) = read {
        return Err(tgz::Error::Io(Arc::new(error)).into());
    }
    if tgz::is_gzip(&start) {
        return Ok(true);
    }
    if found.form == Form::Zip || start.starts_with(b"PK") {
        return Ok(false);
    }
    let magic = start.get(TAR_MAGIC..);
    if magic.is_some_and(|magic| magic.starts_with(b"ustar")) {
        return Err(Error::Unsupported(
            "a tar archive without gzip cannot be read; compress it with gzip, or unpack it into a folder",
        ));
    }
    let what = if start.is_empty() {
        "nothing is in it"
    } else {
        "it does not begin as gzip does"
    };
    Err(tgz::Error::Gzip(what.to_owned()).into())
}

/// Takes the JSON files as they come, and tells how far the pass is.
struct Texts<'a>(&'a Progress);

impl Reader for Texts<'_> {
    type Facts = Parsed;

    fn is_text(&self, path: &str) -> bool {
        let (dir, file) = split(path);
        matches!(by_name(dir, file), ByName::Json)
    }

    fn read(&mut self, text: &[u8]) -> Parsed {
        read_json(text)
    }

    fn came(&mut self, bytes: u64) {
        self.0.add(bytes, 0);
    }
}

/// Reads an archive to its end, and puts its checkpoints into `seek`.
///
/// # Errors
/// When anything in it is wrong.
pub(super) fn read(
    found: &Found,
    digest: Digest,
    seek: &Path,
    progress: &Progress,
) -> Result<Indexed, Error> {
    progress.total.fetch_add(found.size, Ordering::Relaxed);
    let io = |error| tgz::Error::Io(Arc::new(error));
    let file = File::open(&found.path).map_err(io)?;
    let source = file.try_clone().map_err(io)?;
    let listing = tgz::list(source, found.size, &mut Texts(progress))?;
    settled(found)?;
    let mut problems = Problems::of(found);
    let Listing {
        entries,
        passed_over,
        marks,
    } = listing;
    let entries: Vec<NewEntry> = entries
        .into_iter()
        .map(|(entry, text)| new_entry(&entry, text, &mut problems, progress))
        .collect();
    for (path, what) in passed_over {
        let (dir, file) = split(&path);
        if !matches!(by_name(dir, file), ByName::Is(Kind::Junk)) {
            problems.add(&path, &format!("it is {what}, and not shown"));
        }
    }
    expect_root(found, &entries, &mut problems);
    if let Err(error) = keep(&file, found, seek, &marks) {
        problems.of_part(&format!(
            "its checkpoints cannot be kept, so that reading from it is slow: {}",
            chain(&error)
        ));
    }
    let mut part = known(found, digest);
    part.part.gzipped = true;
    Ok(Indexed {
        part,
        entries,
        problems: problems.told(),
    })
}

fn keep(file: &File, found: &Found, seek: &Path, marks: &Marks) -> io::Result<()> {
    std::fs::create_dir_all(seek)?;
    let ident = tgz::ident(file, found.size)?;
    let name = deflate::file_name(found.size, found.mtime_ns, None);
    marks.write(&seek.join(name), &ident)
}

/// Whether the checkpoints of a part that was indexed are there, and its own.
pub fn has_points(found: &Found, seek: &Path) -> bool {
    let name = deflate::file_name(found.size, found.mtime_ns, None);
    let points = File::open(&found.path)
        .and_then(|file| tgz::ident(&file, found.size))
        .and_then(|ident| deflate::Points::open(&seek.join(name), &ident));
    points.is_ok()
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn new_entry(
    entry: &Entry,
    text: Text<Parsed>,
    problems: &mut Problems,
    progress: &Progress,
) -> NewEntry {
    let (dir, file) = split(&entry.path);
    let (kind, facts) = match (by_name(dir, file), text) {
        (ByName::Is(kind), _) => (kind, None),
        (ByName::Json, Text::Read(read)) => read,
        (ByName::Json, _) => {
            problems.add(&entry.path, "damaged entry: too large");
            (Kind::Unreadable, None)
        }
    };
    progress.add(0, 1);
    NewEntry {
        dir: dir.to_owned(),
        file: Listed {
            name: file.to_owned(),
            raw: None,
            kind,
            deflated: true,
            header: entry.at,
            packed: entry.size,
            size: entry.size,
            crc32: entry.crc32,
            mtime_ns: 0,
        },
        facts,
    }
}
