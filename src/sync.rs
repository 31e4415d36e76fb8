//! One pass from the sources to the tree: look what is there, index what is new, fold it all into an image.
//!
//! Sync alone moves facts from a source into the catalog. It never takes anything away: a part that has vanished, or
//! can no longer be read, keeps its names in the tree. An export that is not whole stays out of sight until it is, or
//! until the user accepts it.

mod dates;
mod heads;
pub mod index;
pub mod look;
mod memory;
mod peek;
mod pixels;
pub mod project;
pub mod relayout;

use crate::catalog::{self, Catalog, KnownPart};
use crate::deflate;
use crate::model::{Decided, chain};
use crate::source::takeout::folder;
use crate::source::takeout::part::{self, Form, Found, PartName};
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use project::{Exports, Terms};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// How many paths a message names one by one.
const LISTED: usize = 5;

/// Why a pass could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source cannot be looked at.
    #[error(transparent)]
    Source(#[from] part::Error),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// No export is whole.
    #[error("{}", incomplete_text(.0, .1))]
    Incomplete(Vec<Incomplete>, Vec<String>),
    /// A change of layout would move photos, and nobody has said that it may.
    #[error("{} of {} photos and videos would move or be renamed", .0.count(), .0.count() + .0.kept)]
    WouldMove(Box<Moves>),
    /// There are archives, but no photos in them.
    #[error(
        "no Google Photos in {}: give the archives that takeout.google.com made of Google Photos, or the folder with them",
        list(.0)
    )]
    NoPhotos(Vec<PathBuf>),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An export that is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// What `--accept-incomplete` takes: the stamp, or the file's name where it has none.
    pub stamp: String,
    /// What is wrong, part by part.
    pub reasons: Vec<String>,
}

fn incomplete_text(exports: &[Incomplete], problems: &[String]) -> String {
    let mut text = String::new();
    for problem in problems {
        text.push_str(&format!("{problem}\n"));
    }
    for export in exports {
        text.push_str(&format!("the export {} is not whole:\n", export.stamp));
        for reason in &export.reasons {
            text.push_str(&format!("  {reason}\n"));
        }
        text.push_str(&format!(
            "Download what is missing or damaged again, or show the rest with: gphotosfs mount --accept-incomplete {} ...",
            export.stamp
        ));
    }
    text
}

fn list(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> = paths
        .iter()
        .take(LISTED)
        .map(|path| path.display().to_string())
        .collect();
    if paths.len() > LISTED {
        names.push(format!("and {} more", paths.len() - LISTED));
    }
    names.join(", ")
}

/// How far a pass has come. Read by whoever shows it, while the pass runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes to read, as far as known.
    pub total: AtomicU64,
    /// Bytes read.
    pub done: AtomicU64,
    /// Files taken in.
    pub files: AtomicU64,
}

impl Progress {
    fn add(&self, bytes: u64, files: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.files.fetch_add(files, Ordering::Relaxed);
    }
}

/// What a pass is made with.
#[derive(Debug)]
pub struct Pass<'a> {
    /// Archives and folders.
    pub sources: &'a [PathBuf],
    /// What the user decided.
    pub decided: &'a Decided,
    /// What decides about names.
    pub rules: &'a Rules,
    /// What decided about the names that backups know, where that is something else.
    pub in_force: Option<&'a Rules>,
    /// Told how far it has come.
    pub progress: &'a Progress,
}

impl<'a> Pass<'a> {
    fn terms(&self) -> Terms<'a> {
        Terms {
            rules: self.rules,
            decided: self.decided,
        }
    }
}

/// What came of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Things that the user should know.
    pub problems: Vec<String>,
    /// Archives and folders that were taken in.
    pub new_parts: Vec<PathBuf>,
    /// Stamps of exports that are not shown.
    pub hidden: Vec<String>,
    /// How the tree differs from the one before; `None` where there was none.
    pub moves: Option<Moves>,
}

/// Makes a pass. When nothing has changed it reads no archive.
///
/// # Errors
/// See [`Error`]. What was indexed before the error is kept.
pub fn sync(catalog: &mut Catalog, pass: &Pass<'_>) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let sources: Vec<String> = pass
        .sources
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    catalog.set_meta("sources", &serde_json::Value::from(sources).to_string())?;
    let mut known = catalog.parts()?;
    for begun in known
        .iter()
        .filter(|part| !part.complete && !part.part.folder)
    {
        // An archive is indexed anew; only a folder goes on where it stopped.
        catalog.drop_part(begun.part.id)?;
    }
    known.retain(|part| part.complete);
    let has_names = project::is_kept(catalog)?;
    if has_names {
        // Before anything is taken in: what counts are the photos that have been shown.
        hold_still(catalog, pass)?;
    }
    let found = look(pass.sources, !known.is_empty(), &mut outcome.problems)?;
    let mut incomplete = take_in(catalog, &found, &known, pass, &mut outcome.problems)?;
    memory::give_back();
    let parts: Vec<KnownPart> = catalog
        .parts()?
        .into_iter()
        .filter(|part| part.complete)
        .collect();
    count_parts(&parts, &found, &mut incomplete);
    let (accepted, refused): (Vec<_>, Vec<_>) = incomplete
        .into_values()
        .partition(|export| pass.decided.accepted.contains(&export.stamp));
    let hidden: BTreeSet<String> = refused.iter().map(|export| export.stamp.clone()).collect();
    outcome.new_parts = parts
        .iter()
        .filter(|part| !part.left_over && !known.iter().any(|old| old.part.id == part.part.id))
        .map(|part| part.part.path.clone())
        .collect();
    outcome.hidden = hidden.iter().cloned().collect();
    let broken = accepted.iter().map(|export| export.stamp.clone()).collect();
    let exports = Exports {
        groups: project::groups(&parts, &hidden),
        absent: absent(&parts),
        broken,
    };
    relayout::remember(catalog, &hidden, &exports.broken)?;
    if exports.groups.is_empty() && !refused.is_empty() {
        return Err(Error::Incomplete(refused, outcome.problems));
    }
    for export in accepted.iter().chain(&refused) {
        outcome.problems.extend(export.reasons.iter().cloned());
    }
    for export in &refused {
        let what = format!(
            "the export {} is not shown until it is whole, or with --accept-incomplete {0}",
            export.stamp
        );
        outcome.problems.push(what);
    }
    if !has_names {
        hold_still(catalog, pass)?;
    }
    sweep(&catalog.dir().join(deflate::FOLDER), &parts);
    outcome.moves = project::project(catalog, &exports, pass.terms())?;
    if !project::any_photos(catalog)? {
        let looked = if found.is_empty() {
            pass.sources.to_vec()
        } else {
            found.into_iter().map(|part| part.path).collect()
        };
        return Err(Error::NoPhotos(looked));
    }
    catalog.set_meta(
        "problems",
        &serde_json::Value::from(outcome.problems.as_slice()).to_string(),
    )?;
    let of_parts = problems(&parts);
    outcome.problems.extend(of_parts);
    Ok(outcome)
}

/// Refuses to let a change of layout move photos: that is for [`relayout`] alone.
fn hold_still(catalog: &Catalog, pass: &Pass<'_>) -> Result<(), Error> {
    let Some(in_force) = pass.in_force else {
        return Ok(());
    };
    let moves = relayout::preview(catalog, in_force, pass.terms())?;
    if moves.count() > 0 {
        return Err(Error::WouldMove(Box::new(moves)));
    }
    Ok(())
}

/// Looks at all sources. One that cannot be read is an error only as long as nothing is known.
fn look(sources: &[PathBuf], known: bool, problems: &mut Vec<String>) -> Result<Vec<Found>, Error> {
    let mut found: Vec<Found> = Vec::new();
    for source in sources {
        match part::discover(source) {
            Ok(parts) => {
                for part in parts {
                    if !found.iter().any(|other| other.path == part.path) {
                        found.push(part);
                    }
                }
            }
            Err(error) if known => {
                problems.push(format!("{}; what it held is still shown", chain(&error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Indexes every part that is new or has changed. Gives the exports in which one cannot be.
fn take_in(
    catalog: &mut Catalog,
    found: &[Found],
    known: &[KnownPart],
    pass: &Pass<'_>,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, Incomplete>, Error> {
    let seek = catalog.dir().join(deflate::FOLDER);
    let mut archives = Vec::new();
    let mut good: BTreeSet<&Path> = BTreeSet::new();
    for part in found {
        let here = known
            .iter()
            .find(|known| !known.left_over && known.part.path == part.path);
        if part.form == Form::Folder {
            index::folder(catalog, part, here, pass.progress)?;
        } else if here.is_some_and(|known| is_same(known, part) && can_be_read(known, part, &seek))
        {
            good.insert(&part.path);
        } else if let Some(moved) = moved_from(part, found, known) {
            catalog.move_part(moved.part.id, &part.path)?;
            good.insert(&part.path);
        } else {
            archives.push((part, here));
        }
    }
    let mut failed = Vec::new();
    // The next archive is read while the facts of one are written.
    std::thread::scope(|scope| -> Result<(), Error> {
        let (send, receive) = mpsc::sync_channel(1);
        let seek = &seek;
        scope.spawn(move || {
            for (part, here) in archives {
                if send
                    .send((part, here, index::read(part, seek, pass.progress)))
                    .is_err()
                {
                    break;
                }
            }
        });
        for (part, here, read) in receive {
            match read {
                Ok(read) => {
                    index::keep(catalog, &read)?;
                    good.insert(&part.path);
                }
                Err(error) => failed.push((part, here, error)),
            }
        }
        Ok(())
    })?;
    let mut incomplete = BTreeMap::new();
    for (part, here, error) in failed {
        let reason = format!("{}: {}", part.path.display(), chain(&error));
        if here.is_some() {
            problems.push(format!("{reason}; what it held is still shown"));
        } else if has_twin(part, found, &good) {
            problems.push(format!("{reason}; another copy of this part is used"));
        } else {
            note(&mut incomplete, export_of(part), reason);
        }
    }
    Ok(incomplete)
}

/// A tgz whose checkpoints were lost is read once more to make them.
fn can_be_read(known: &KnownPart, part: &Found, seek: &Path) -> bool {
    !known.part.gzipped || index::has_points(part, seek)
}

fn is_same(known: &KnownPart, part: &Found) -> bool {
    known.part.size == part.size && known.part.mtime_ns == part.mtime_ns
}

/// The known part that now lies elsewhere under the same name.
fn moved_from<'a>(part: &Found, found: &[Found], known: &'a [KnownPart]) -> Option<&'a KnownPart> {
    known.iter().find(|known| {
        !known.left_over
            && is_same(known, part)
            && known.part.path.file_name() == part.path.file_name()
            && !found.iter().any(|found| found.path == known.part.path)
    })
}

/// A damaged part does not matter where the same part is there once more, as browsers leave it: `…-001 (1).zip`.
fn has_twin(part: &Found, found: &[Found], good: &BTreeSet<&Path>) -> bool {
    found.iter().any(|other| {
        other.name.is_some() && other.name == part.name && good.contains(other.path.as_path())
    })
}

fn export_of(part: &Found) -> String {
    let file = || {
        part.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    part.name
        .as_ref()
        .map(|name| name.stamp.clone())
        .or_else(file)
        .unwrap_or_default()
}

fn note(incomplete: &mut BTreeMap<String, Incomplete>, stamp: String, reason: String) {
    let export = incomplete
        .entry(stamp.clone())
        .or_insert_with(|| Incomplete {
            stamp,
            reasons: Vec::new(),
        });
    export.reasons.push(reason);
}

/// Looks for gaps in the numbers of parts. An unpacked folder without a number may be any of them.
fn count_parts(
    parts: &[KnownPart],
    found: &[Found],
    incomplete: &mut BTreeMap<String, Incomplete>,
) {
    let mut names: BTreeMap<String, Vec<PartName>> = BTreeMap::new();
    let known = parts.iter().filter_map(|part| {
        Some(PartName {
            stamp: part.stamp.clone()?,
            series: part.series,
            number: part.number?,
        })
    });
    for name in known.chain(found.iter().filter_map(|part| part.name.clone())) {
        names.entry(name.stamp.clone()).or_default().push(name);
    }
    let unnumbered = parts.iter().any(|part| part.stamp.is_none());
    if unnumbered && names.len() == 1 {
        return;
    }
    for (stamp, names) in &names {
        for (series, number) in part::gaps(names.iter()) {
            let missing = part::missing_name(stamp, series, number);
            note(
                incomplete,
                stamp.clone(),
                format!("part {missing} is missing"),
            );
        }
    }
}

/// Removes the checkpoints of parts that are gone from the catalog. What cannot be removed is only in nobody's way.
fn sweep(seek: &Path, parts: &[KnownPart]) {
    let Ok(files) = std::fs::read_dir(seek) else {
        return;
    };
    let known: BTreeSet<String> = parts
        .iter()
        .map(|part| deflate::file_name(part.part.size, part.part.mtime_ns, None))
        .collect();
    for file in files.filter_map(Result::ok) {
        let name = file.file_name();
        let ours = name.to_str().and_then(deflate::owner);
        if ours.is_some_and(|owner| !known.contains(owner))
            && let Err(error) = std::fs::remove_file(file.path())
        {
            tracing::warn!("failed to remove {}: {error}", file.path().display());
        }
    }
}

/// Parts whose bytes cannot be had: gone, replaced, or held no more. What they hold is read from elsewhere where it can.
fn absent(parts: &[KnownPart]) -> BTreeSet<u32> {
    let is_there = |part: &KnownPart| {
        let meta = std::fs::metadata(&part.part.path);
        !part.left_over && meta.is_ok_and(|meta| part.part.folder || is_unchanged(part, &meta))
    };
    let absent = parts.iter().filter(|part| !is_there(part));
    absent.map(|part| part.part.id).collect()
}

fn is_unchanged(part: &KnownPart, meta: &std::fs::Metadata) -> bool {
    (meta.len(), mtime_ns(meta)) == (part.part.size, part.part.mtime_ns)
}

/// What is wrong with the parts of a library right now: gone, changed, or found damaged when they were indexed.
pub fn problems(parts: &[KnownPart]) -> Vec<String> {
    let mut problems = Vec::new();
    for part in parts.iter().filter(|part| part.complete) {
        problems.extend(part.problems.iter().cloned());
        if part.left_over {
            continue;
        }
        let path: &Path = &part.part.path;
        match std::fs::metadata(path) {
            Err(error) => problems.push(format!(
                "{}: {error}; what it held cannot be read",
                path.display()
            )),
            Ok(meta) if !part.part.folder && !is_unchanged(part, &meta) => {
                problems.push(format!(
                    "{}: changed since it was indexed; mount again",
                    path.display()
                ));
            }
            Ok(_) => {}
        }
    }
    problems
}

fn mtime_ns(meta: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

/// Files of an unpacked folder, with the error naming it.
fn walk(path: &Path) -> Result<Vec<folder::File>, Error> {
    folder::walk(path).map_err(|source| Error::Io {
        path: path.into(),
        source,
    })
}
