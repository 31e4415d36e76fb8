//! Files by themselves: those of an unpacked folder, and loose ones.
//!
//! They know no checksums, so their media are read once, in full. Of a folder that is kept every few seconds, and a run
//! that was interrupted goes on where it stopped.

use super::{ByName, Error, Indexed, Problems, by_name, known, read_json, settled};
use crate::catalog::{self, Catalog, KnownPart};
use crate::model::chain;
use crate::model::listing::{Entry, Kind, Listed, NewEntry};
use crate::source::takeout::folder as unpacked;
use crate::source::takeout::loose::Home;
use crate::source::takeout::part::Found;
use crate::sync::Progress;
use crate::sync::same::{self, Digest};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Bytes of a folder's media after which what was read is kept.
const KEEP_AFTER: u64 = 256 << 20;

/// A folder as it was found.
#[derive(Debug)]
pub struct Looked {
    /// Its files.
    pub files: Vec<unpacked::File>,
    /// What could not be looked at.
    pub unread: Vec<(PathBuf, io::Error)>,
    /// The digest of the files.
    pub digest: Digest,
}

type ByPath = HashMap<(String, String), Entry>;

/// Indexes an unpacked folder, or what of it is new since the part that is known.
///
/// # Errors
/// When the catalog fails, and when anything cannot be read or changes meanwhile: a part of a library must not pass for
/// the whole. Then all is as it was. Only of a folder of which nothing is known, and that is `accepted` as it is, what
/// cannot be read becomes a problem of the part.
pub fn folder(
    catalog: &mut Catalog,
    (found, here): (&Found, Option<&KnownPart>),
    looked: Looked,
    accepted: bool,
    progress: &Progress,
) -> Result<(), Error> {
    let mut unread = Unread {
        problems: (accepted && here.is_none()).then(|| Problems::of(found)),
    };
    for (path, error) in looked.unread {
        unread.add(path, error)?;
    }
    let files = looked.files;
    let before = match here {
        Some(part) => by_path(catalog, part.part.id)?,
        None => ByPath::new(),
    };
    if files.len() == before.len()
        && here.is_some()
        && files.iter().all(|file| is_in(file, &before))
    {
        if let Some(part) = here.filter(|part| part.digest.is_none()) {
            catalog.set_digest(part.part.id, &looked.digest)?;
        }
        return Ok(());
    }
    let (part, started) = start(catalog, found, looked.digest, &files)?;
    let todo = || {
        let started = |file: &&unpacked::File| !started.contains_key(&key(file));
        files.iter().filter(started)
    };
    let new = todo().filter(|file| !is_in(file, &before));
    progress
        .total
        .fetch_add(new.map(|file| file.size).sum(), Ordering::Relaxed);
    let mut batch: Vec<NewEntry> = Vec::new();
    let mut bytes = 0;
    for file in todo() {
        let known = before
            .get(&key(file))
            .filter(|_| is_in(file, &before) && !is_json(file));
        let entry = match known.map_or_else(|| read_file(file, progress), |entry| Ok(again(entry)))
        {
            Ok(entry) => entry,
            Err(error) => {
                unread.add(file.path.clone(), error)?;
                continue;
            }
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
    if unpacked::walk(&found.path).0 != files {
        return Err(Error::Unsettled);
    }
    let problems = unread.problems.map_or_else(Vec::new, Problems::told);
    catalog.complete_part(part, &problems)?;
    Ok(())
}

/// What of a folder cannot be read: an error, unless it may be told as a problem.
struct Unread {
    problems: Option<Problems>,
}

impl Unread {
    fn add(&mut self, path: PathBuf, source: io::Error) -> Result<(), Error> {
        match &mut self.problems {
            Some(problems) => {
                problems.add(&path.to_string_lossy(), &chain(&source));
                Ok(())
            }
            None => Err(Error::File { path, source }),
        }
    }
}

/// Reads a loose file, which has this place in its export.
///
/// # Errors
/// When it cannot be read, or changes meanwhile.
pub fn loose(found: &Found, home: Home, progress: &Progress) -> Result<Indexed, Error> {
    let failed = |source| Error::File {
        path: found.path.clone(),
        source,
    };
    progress.total.fetch_add(found.size, Ordering::Relaxed);
    let file = unpacked::File {
        path: found.path.clone(),
        dir: home.dir,
        name: home.name,
        // Nothing below the part: it is the file.
        raw: Some(Vec::new()),
        size: found.size,
        mtime_ns: found.mtime_ns,
    };
    let entry = read_file(&file, progress).map_err(failed)?;
    let digest = same::of_file(found)?;
    settled(found)?;
    Ok(Indexed {
        part: known(found, digest),
        entries: vec![entry],
        problems: Vec::new(),
    })
}

fn key(file: &unpacked::File) -> (String, String) {
    (file.dir.clone(), file.name.clone())
}

/// Whether a file is among these, as it is now.
fn is_in(file: &unpacked::File, known: &ByPath) -> bool {
    known
        .get(&key(file))
        .is_some_and(|entry| entry.file.size == file.size && entry.file.mtime_ns == file.mtime_ns)
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

/// The part to fill: one that an interrupted run began, with the files it has, or a new one. What was begun is worth
/// nothing once one of its files is another.
fn start(
    catalog: &mut Catalog,
    found: &Found,
    digest: Digest,
    files: &[unpacked::File],
) -> Result<(u32, ByPath), catalog::Error> {
    let begun = catalog
        .parts()?
        .into_iter()
        .find(|part| !part.complete && part.part.path == found.path);
    if let Some(part) = begun {
        let started = by_path(catalog, part.part.id)?;
        let still = files.iter().filter(|file| is_in(file, &started)).count();
        if still == started.len() {
            catalog.set_digest(part.part.id, &digest)?;
            return Ok((part.part.id, started));
        }
        catalog.drop_part(part.part.id)?;
    }
    Ok((catalog.add_part(&known(found, digest))?, ByPath::new()))
}

fn again(entry: &Entry) -> NewEntry {
    NewEntry {
        dir: entry.dir.to_string(),
        file: entry.file.clone(),
        facts: None,
    }
}

fn read_file(file: &unpacked::File, progress: &Progress) -> io::Result<NewEntry> {
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
                let (size, crc32) = checksum(file, progress)?;
                listed.size = size;
                listed.packed = size;
                listed.crc32 = crc32;
            }
        }
        ByName::Json => {
            let bytes = std::fs::read(&file.path)?;
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
