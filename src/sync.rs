//! One pass from the sources to the tree: look what is there, index what is new, fold it all into an image.
//!
//! Sync alone moves facts from a source into the catalog. It never takes anything away: a part that has vanished, or
//! can no longer be read, keeps its names in the tree. An export that is not whole stays out of sight until it is, or
//! until the user accepts it.

mod accounts;
mod arrive;
mod dates;
pub mod forget;
mod heads;
pub mod index;
pub mod look;
mod loose;
pub mod memory;
pub mod past;
mod peek;
mod pixels;
mod present;
pub mod project;
pub mod relayout;
mod same;
mod whole;

pub use present::{absent, problems};
pub use whole::{Incomplete, incomplete};

pub use accounts::first_account;

use crate::catalog::{self, Catalog, KnownPart};
use crate::deflate;
use crate::model::Decided;
use crate::source::takeout::part;
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use arrive::Arrivals;
use project::{Exports, Terms};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use whole::Whole;

/// How many paths a message names one by one.
const LISTED: usize = 5;

/// Why a pass could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source cannot be looked at.
    #[error(transparent)]
    Source(#[from] part::Error),
    /// One of several sources cannot be looked at, and nobody knows what it holds.
    #[error(
        "{1}.\nWhat {path} holds is not known, so a part of the library would pass for the whole. Plug it in or mount it, or \
         take it out: `gphotosfs remove {path}`, or without its --takeout", path = .0.display()
    )]
    Away(PathBuf, #[source] part::Error),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// No export is whole.
    #[error("{}", incomplete_text(.0, .1))]
    Incomplete(Vec<Incomplete>, Vec<String>),
    /// None of the exports that are shown has this stamp.
    #[error("no export has the stamp {stamp}; there are: {}", known.join(", "))]
    NoSuchExport {
        /// What was asked for.
        stamp: String,
        /// Those that there are, the oldest first.
        known: Vec<String>,
    },
    /// Two exports are to be compared the wrong way round.
    #[error("the export {0} is not older than {1}: give the older one first")]
    NotBefore(String, String),
    /// A change of layout would move photos, and nobody has said that it may.
    #[error("{} of {} photos and videos would move or be renamed", .0.count(), .0.count() + .0.kept)]
    WouldMove(Box<Moves>),
    /// There are archives, but no photos in them.
    #[error(
        "no Google Photos in {}: give the archives that takeout.google.com made of Google Photos, or the folder with them",
        list(.0)
    )]
    NoPhotos(Vec<PathBuf>),
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

/// Makes a pass. When nothing has changed it reads no archive. A catalog that turns out to be damaged is made anew.
///
/// # Errors
/// See [`Error`]. What was indexed before the error is kept.
pub fn sync(catalog: &mut Catalog, pass: &Pass<'_>) -> Result<Outcome, Error> {
    match pass_over(catalog, pass) {
        Err(Error::Catalog(catalog::Error::Damaged(what))) => {
            catalog.make_anew(&what)?;
            pass_over(catalog, pass)
        }
        ended => ended,
    }
}

fn pass_over(catalog: &mut Catalog, pass: &Pass<'_>) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    outcome
        .problems
        .extend(catalog.damage().map(ToString::to_string));
    remember_sources(catalog, pass)?;
    let known = known(catalog)?;
    let has_names = project::is_kept(catalog)?;
    if has_names {
        // Before anything is taken in: what counts are the photos that have been shown.
        hold_still(catalog, pass)?;
    }
    let is_known = project::was_ever_kept(catalog)?;
    let found = arrive::look(pass.sources, is_known, &mut outcome.problems)?;
    let mut whole = Whole::default();
    let arrivals = Arrivals {
        pass,
        found: &found,
        known: &known,
        whole: &mut whole,
        problems: &mut outcome.problems,
    };
    arrivals.take_in(catalog)?;
    memory::give_back();
    accounts::assign(catalog, pass)?;
    let parts = complete(catalog.parts()?);
    whole.count(&parts, &found, pass);
    whole.go_on(whole::incomplete(catalog)?, &found, &parts);
    whole.remember(catalog)?;
    let once = whole::shown_once(catalog)?;
    let (broken, hidden) = whole.divide(|export| pass.accepts(export) || once.contains(export));
    relayout::remember(catalog, &hidden, &broken)?;
    outcome.new_parts = parts
        .iter()
        .filter(|part| !part.left_over && !known.iter().any(|old| old.part.id == part.part.id))
        .map(|part| part.part.path.clone())
        .collect();
    let exports = Exports {
        groups: project::groups(&parts, &hidden),
        absent: present::absent(&parts),
        broken,
    };
    if exports.groups.is_empty() && !hidden.is_empty() {
        return Err(Error::Incomplete(whole.only(&hidden), outcome.problems));
    }
    outcome.problems.extend(whole.told(&hidden));
    outcome.hidden = hidden.into_iter().filter_map(|key| key.stamp).collect();
    if !has_names {
        hold_still(catalog, pass)?;
    }
    whole::show(catalog, exports.groups.keys())?;
    sweep(&catalog.dir().join(deflate::FOLDER), &parts);
    let untold = project::untold(catalog)?;
    outcome.moves = project::project(catalog, &exports, pass.terms())?;
    if !untold.is_empty() {
        let paths = &mut outcome.moves.get_or_insert_default().paths;
        paths.extend(untold);
        paths.sort();
        paths.dedup();
    }
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
    project::told(catalog)?;
    Ok(outcome)
}

fn remember_sources(catalog: &mut Catalog, pass: &Pass<'_>) -> Result<(), Error> {
    let paths = pass.sources.iter().map(|path| path.display().to_string());
    let sources: Vec<String> = paths.collect();
    catalog.set_meta("sources", &serde_json::Value::from(sources).to_string())?;
    Ok(())
}

/// The parts in the catalog, without those that a run has only begun.
fn known(catalog: &mut Catalog) -> Result<Vec<KnownPart>, Error> {
    let parts = catalog.parts()?;
    for begun in parts
        .iter()
        .filter(|part| !part.complete && (!part.part.folder || part.part.is_loose()))
    {
        // A file is indexed anew; only a folder goes on where it stopped.
        catalog.drop_part(begun.part.id)?;
    }
    Ok(complete(parts))
}

fn complete(mut parts: Vec<KnownPart>) -> Vec<KnownPart> {
    parts.retain(|part| part.complete);
    parts
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
