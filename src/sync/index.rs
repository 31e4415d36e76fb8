//! From a part to its facts: the central directory of an archive or the files of a folder, and what the JSON files
//! among them say.
//!
//! Of a zip only the central directory and the sidecars are read. A tgz has no directory and is read to its end. A
//! folder knows no checksums, so its media are read once, in full; that is kept every few seconds, and a run that was
//! interrupted goes on where it stopped.

mod gzipped;
mod unpacked;

pub(super) use gzipped::{has_points, is as is_gzipped};
pub(super) use unpacked::{Looked, folder, loose};

use super::Progress;
use super::same::{self, Digest};
use crate::catalog::{self, Catalog, KnownPart};
use crate::model::Part;
use crate::model::chain;
use crate::model::listing::{Facts, Kind, Listed, NewEntry};
use crate::source::takeout::archive::Archive;
use crate::source::takeout::json::{self, Json};
use crate::source::takeout::part::{Form, Found, is_root, mtime_ns};
use crate::source::takeout::{archive, name, tgz};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// How many damaged entries of a part are told one by one.
const TOLD: usize = 20;

/// Why a part could not be indexed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive itself.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// The archive itself, a tgz.
    #[error(transparent)]
    Gzipped(#[from] tgz::Error),
    /// A form that cannot be read.
    #[error("{0}")]
    Unsupported(&'static str),
    /// It has changed while it was read: somebody is still writing it.
    #[error("still being written; what is in it will be seen when it is whole")]
    Unsettled,
    /// A file by itself, in a folder or loose.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

/// What a file is, as far as its path tells.
enum ByName {
    Is(Kind),
    Json,
}

fn by_name(dir: &str, file: &str) -> ByName {
    let lower = file.to_ascii_lowercase();
    if name::is_junk(dir.split('/').chain([file])) {
        ByName::Is(Kind::Junk)
    } else if lower.ends_with(".json") {
        ByName::Json
    } else if lower.ends_with(".html") || lower.ends_with(".htm") {
        ByName::Is(Kind::Other)
    } else {
        ByName::Is(Kind::Media)
    }
}

fn read_json(bytes: &[u8]) -> (Kind, Option<Facts>) {
    match json::read(bytes) {
        Ok(Json::Sidecar(facts)) => (Kind::Sidecar, Some(Facts::Sidecar(facts))),
        Ok(Json::Album(card)) => (Kind::Album, Some(Facts::Album(card))),
        Ok(Json::Empty) => (Kind::Empty, None),
        Ok(Json::Other) => (Kind::Other, None),
        Err(_) => (Kind::Unreadable, None),
    }
}

/// What was read of an archive.
#[derive(Debug)]
pub struct Indexed {
    part: KnownPart,
    entries: Vec<NewEntry>,
    problems: Vec<String>,
}

/// Writes the facts of an archive into the catalog.
///
/// # Errors
/// When the catalog fails.
pub fn keep(catalog: &mut Catalog, indexed: &Indexed) -> Result<(), catalog::Error> {
    let part = catalog.add_part(&indexed.part)?;
    catalog.add_entries(part, &indexed.entries)?;
    catalog.complete_part(part, &indexed.problems)
}

/// Reads the central directory of a zip and the JSON files in it, or all of a tgz, whose checkpoints it puts into the
/// folder `seek`.
///
/// # Errors
/// [`Error::Archive`] when the central directory cannot be read, and [`Error::Gzipped`] when anything in a tgz is
/// wrong; a damaged entry of a zip is a problem of the part, not an error.
pub fn read(found: &Found, seek: &Path, progress: &Progress) -> Result<Indexed, Error> {
    let digest = same::of_file(found)?;
    if gzipped::is(found)? {
        return gzipped::read(found, digest, seek, progress);
    }
    let archive = Archive::open(&found.path)?;
    let listed = archive.list()?;
    let mut problems = Problems::of(found);
    let (mut entries, mut texts) = sort(&listed, found, &mut problems);
    let bytes: u64 = texts
        .iter()
        .map(|at| listed[*at].packed)
        .fold(0, u64::saturating_add);
    progress.total.fetch_add(bytes, Ordering::Relaxed);
    progress.add(0, (listed.len() - texts.len()) as u64);
    texts.sort_unstable_by_key(|at| listed[*at].header);
    for (at, read) in read_texts(&archive, &listed, &texts, progress) {
        match read {
            Ok((kind, facts)) => {
                entries[at].file.kind = kind;
                entries[at].facts = facts;
            }
            Err(error) => problems.add(&listed[at].path, &chain(&error)),
        }
    }
    settled(found)?;
    Ok(Indexed {
        part: known(found, digest),
        entries,
        problems: problems.told(),
    })
}

/// A download may have its end before its middle is there. A file that is still as it was found is taken for whole.
fn settled(found: &Found) -> Result<(), Error> {
    let failed = |source| Error::File {
        path: found.path.clone(),
        source,
    };
    let meta = std::fs::metadata(&found.path).map_err(failed)?;
    if (meta.len(), mtime_ns(&meta)) == (found.size, found.mtime_ns) {
        Ok(())
    } else {
        Err(Error::Unsettled)
    }
}

/// What each entry is by its name; the JSON files are yet to be read.
fn sort(
    listed: &[archive::Entry],
    found: &Found,
    problems: &mut Problems,
) -> (Vec<NewEntry>, Vec<usize>) {
    let mut entries: Vec<NewEntry> = Vec::with_capacity(listed.len());
    let mut texts: Vec<usize> = Vec::new();
    for (at, entry) in listed.iter().enumerate() {
        let (dir, file) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        let kind = match by_name(dir, file) {
            ByName::Is(kind) => kind,
            ByName::Json => {
                texts.push(at);
                Kind::Unreadable
            }
        };
        if entry.unreadable && kind == Kind::Media {
            problems.add(
                &entry.path,
                "encrypted, or compressed by an unknown method: it cannot be read",
            );
        }
        let mut new = new_entry(dir, file, kind, entry);
        if kind == Kind::Media && says_falsely_it_is_empty(entry) {
            problems.add(
                &entry.path,
                "damaged entry: it says that it has no bytes, but has some",
            );
            new.file.size = entry.packed.saturating_add(1);
        }
        entries.push(new);
    }
    expect_root(found, &entries, problems);
    (entries, texts)
}

fn expect_root(found: &Found, entries: &[NewEntry], problems: &mut Problems) {
    // A file that lies beside the folders counts by its own name.
    let below_root =
        |entry: &NewEntry| entry.dir.split('/').any(is_root) || is_root(&entry.file.name);
    if found.name.is_some() && !entries.iter().any(below_root) {
        problems.of_part("holds no folder Takeout: is it the file that Takeout made?");
    }
}

/// An empty file is never read, so nothing would ever notice. Given a length, reading it is the error it has to be.
fn says_falsely_it_is_empty(entry: &archive::Entry) -> bool {
    entry.size == 0 && (entry.crc32 != 0 || (!entry.deflated && entry.packed > 0))
}

type Text = (usize, Result<(Kind, Option<Facts>), archive::Error>);

/// Reads and parses the JSON files of an archive on all processors, each a stretch of the archive.
fn read_texts(
    archive: &Archive,
    listed: &[archive::Entry],
    texts: &[usize],
    progress: &Progress,
) -> Vec<Text> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let stretch = texts.len().div_ceil(threads).max(1);
    let read = |at: &usize| {
        let read = archive.read(&listed[*at]).map(|bytes| read_json(&bytes));
        progress.add(listed[*at].packed, 1);
        (*at, read)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = texts
            .chunks(stretch)
            .map(|stretch| scope.spawn(move || stretch.iter().map(read).collect::<Vec<Text>>()))
            .collect();
        // A worker that panics takes the pass with it: half an index must not pass for one.
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<Text>>| match worker.join() {
            Ok(texts) => texts,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    })
}

fn new_entry(dir: &str, file: &str, kind: Kind, entry: &archive::Entry) -> NewEntry {
    NewEntry {
        dir: dir.to_owned(),
        file: Listed {
            name: file.to_owned(),
            raw: None,
            kind,
            deflated: entry.deflated,
            header: entry.header,
            packed: entry.packed,
            size: entry.size,
            crc32: entry.crc32,
            mtime_ns: 0,
        },
        facts: None,
    }
}

fn known(found: &Found, digest: Digest) -> KnownPart {
    KnownPart {
        part: Part {
            id: 0,
            path: found.path.clone(),
            size: found.size,
            mtime_ns: found.mtime_ns,
            folder: matches!(found.form, Form::Folder | Form::Loose),
            gzipped: false,
        },
        stamp: found.name.as_ref().map(|name| name.stamp.clone()),
        series: found.name.as_ref().and_then(|name| name.series),
        number: found.name.as_ref().map(|name| name.number),
        complete: false,
        left_over: false,
        problems: Vec::new(),
        digest: Some(digest),
        account: None,
    }
}

/// What is wrong in a part, told up to a limit.
struct Problems {
    part: PathBuf,
    told: Vec<String>,
    more: usize,
}

impl Problems {
    fn of(found: &Found) -> Problems {
        Problems {
            part: found.path.clone(),
            told: Vec::new(),
            more: 0,
        }
    }

    fn add(&mut self, path: &str, what: &str) {
        if self.told.len() < TOLD {
            self.told.push(format!(
                "{}: {}: {what}",
                self.part.display(),
                path.escape_debug()
            ));
        } else {
            self.more += 1;
        }
    }

    fn of_part(&mut self, what: &str) {
        self.told.push(format!("{}: {what}", self.part.display()));
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told
                .push(format!("{}: and {} more", self.part.display(), self.more));
        }
        self.told
    }
}
