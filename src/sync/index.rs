//! From a part to its facts: the central directory of an archive or the files of a folder, and what the JSON files
//! among them say.
//!
//! Of a zip only the central directory and the sidecars are read. A tgz has no directory and is read to its end. A
//! folder knows no checksums, so its media are read once, in full; that is kept every few seconds, and a run that was
//! interrupted goes on where it stopped.

mod gzipped;

pub(super) use gzipped::has_points;

use super::Progress;
use crate::catalog::{self, Catalog, KnownPart};
use crate::model::Part;
use crate::model::chain;
use crate::model::listing::{Entry, Facts, Kind, Listed, NewEntry};
use crate::source::takeout::archive::Archive;
use crate::source::takeout::json::{self, Json};
use crate::source::takeout::part::{Form, Found, is_root};
use crate::source::takeout::{archive, folder as unpacked, name, tgz};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Bytes of a folder's media after which what was read is kept.
const KEEP_AFTER: u64 = 256 << 20;
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
    match found.form {
        Form::Zip | Form::Tgz => {}
        Form::Partial | Form::Folder => return Err(Error::Unsupported("still being downloaded")),
    }
    if gzipped::is(found)? {
        return gzipped::read(found, seek, progress);
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
    Ok(Indexed {
        part: known(found),
        entries,
        problems: problems.told(),
    })
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

fn known(found: &Found) -> KnownPart {
    KnownPart {
        part: Part {
            id: 0,
            path: found.path.clone(),
            size: found.size,
            mtime_ns: found.mtime_ns,
            folder: found.form == Form::Folder,
            gzipped: false,
        },
        stamp: found.name.as_ref().map(|name| name.stamp.clone()),
        series: found.name.as_ref().and_then(|name| name.series),
        number: found.name.as_ref().map(|name| name.number),
        complete: false,
        left_over: false,
        problems: Vec::new(),
        digest: None,
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

type ByPath = HashMap<(String, String), Entry>;

/// Indexes an unpacked folder, or what of it is new.
///
/// # Errors
/// When a file cannot be read: a part of a library must not pass for the whole.
pub fn folder(
    catalog: &mut Catalog,
    found: &Found,
    here: Option<&KnownPart>,
    progress: &Progress,
) -> Result<(), super::Error> {
    let files = super::walk(&found.path)?;
    let before = match here {
        Some(part) => by_path(catalog, part.part.id)?,
        None => ByPath::new(),
    };
    let same = |file: &&unpacked::File| {
        let entry = before.get(&(file.dir.clone(), file.name.clone()));
        entry.is_some_and(|entry| {
            entry.file.size == file.size && entry.file.mtime_ns == file.mtime_ns
        })
    };
    if files.len() == before.len() && here.is_some() && files.iter().all(|file| same(&file)) {
        return Ok(());
    }
    let (part, started) = start(catalog, found)?;
    let todo: Vec<&unpacked::File> = files
        .iter()
        .filter(|file| !started.contains(&(file.dir.clone(), file.name.clone())))
        .collect();
    progress.total.fetch_add(
        todo.iter()
            .filter(|file| !same(file))
            .map(|file| file.size)
            .sum(),
        Ordering::Relaxed,
    );
    let mut batch: Vec<NewEntry> = Vec::new();
    let mut bytes = 0;
    for file in todo {
        let known = before
            .get(&(file.dir.clone(), file.name.clone()))
            .filter(|_| same(&file) && !is_json(file));
        let entry = match known {
            Some(entry) => again(entry),
            None => read_file(file, progress)?,
        };
        bytes += entry.file.size;
        batch.push(entry);
        if bytes >= KEEP_AFTER {
            catalog.add_entries(part, &batch)?;
            batch.clear();
            bytes = 0;
        }
    }
    catalog.add_entries(part, &batch)?;
    catalog.complete_part(part, &[])?;
    Ok(())
}

fn is_json(file: &unpacked::File) -> bool {
    matches!(by_name(&file.dir, &file.name), ByName::Json)
}

fn by_path(catalog: &Catalog, part: u32) -> Result<ByPath, catalog::Error> {
    let entries = catalog.entries(part)?;
    Ok(entries
        .into_iter()
        .map(|entry| ((entry.dir.to_string(), entry.file.name.clone()), entry))
        .collect())
}

/// The part to fill: one that an interrupted run began, with the files it has, or a new one.
fn start(
    catalog: &mut Catalog,
    found: &Found,
) -> Result<(u32, HashSet<(String, String)>), catalog::Error> {
    let begun = catalog
        .parts()?
        .into_iter()
        .find(|part| !part.complete && part.part.path == found.path);
    match begun {
        Some(part) => {
            let started = by_path(catalog, part.part.id)?.into_keys().collect();
            Ok((part.part.id, started))
        }
        None => Ok((catalog.add_part(&known(found))?, HashSet::new())),
    }
}

fn again(entry: &Entry) -> NewEntry {
    NewEntry {
        dir: entry.dir.to_string(),
        file: entry.file.clone(),
        facts: None,
    }
}

fn read_file(file: &unpacked::File, progress: &Progress) -> Result<NewEntry, super::Error> {
    let failed = |source| super::Error::Io {
        path: file.path.clone(),
        source,
    };
    let mut listed = Listed {
        name: file.name.clone(),
        raw: file.raw.clone(),
        kind: Kind::Other,
        deflated: false,
        header: 0,
        packed: file.size,
        size: file.size,
        crc32: 0,
        mtime_ns: file.mtime_ns,
    };
    let mut facts = None;
    match by_name(&file.dir, &file.name) {
        ByName::Is(kind) => {
            listed.kind = kind;
            if kind == Kind::Media {
                let (size, crc32) = checksum(file, progress).map_err(failed)?;
                listed.size = size;
                listed.packed = size;
                listed.crc32 = crc32;
            }
        }
        ByName::Json => {
            let bytes = std::fs::read(&file.path).map_err(failed)?;
            progress.add(bytes.len() as u64, 0);
            listed.size = bytes.len() as u64;
            listed.packed = listed.size;
            listed.crc32 = crc32fast::hash(&bytes);
            (listed.kind, facts) = read_json(&bytes);
        }
    }
    progress.add(0, 1);
    Ok(NewEntry {
        dir: file.dir.clone(),
        file: listed,
        facts,
    })
}

fn checksum(file: &unpacked::File, progress: &Progress) -> io::Result<(u64, u32)> {
    let mut reader = File::open(&file.path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; (1 << 20).min(file.size as usize + 1)];
    let mut size = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, hasher.finalize())),
            Ok(got) => {
                hasher.update(&buffer[..got]);
                size += got as u64;
                progress.add(got as u64, 0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
