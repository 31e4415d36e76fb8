//! A pass over a library, as `mount` and `sync` make it: with what the user decided, and without moving a photo by
//! a change of layout.

use super::{Common, progress};
use crate::catalog::Catalog;
use crate::config::{Accounts, Config, Decisions, Layout, Library, Live, Names, Places};
use crate::model::chain;
use crate::report::info::rfc3339;
use crate::source::seen;
use crate::sync::{self, Outcome, Progress};
use crate::tree::fold::Rules;
use crate::tree::moves::{Move, Moves};
use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::SystemTime;

/// How many moved photos are named one by one.
const TOLD: usize = 5;

/// What passes over a library are made with, as far as it stays the same. The configuration itself is read anew for each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Basis {
    pub(super) places: Places,
    /// Those of the command line; without, those of the configuration.
    pub(super) sources: Option<Vec<PathBuf>>,
    pub(super) state_dir: PathBuf,
    pub(super) cache_dir: PathBuf,
    /// What flags say of names.
    pub(super) names: Option<Names>,
    pub(super) name_max: Option<u8>,
    pub(super) live: Live,
}

impl Basis {
    /// The settings as they are now.
    pub(super) fn load(&self) -> anyhow::Result<(Config, Library)> {
        let mut config = Config::load(&self.places)?;
        let layout = &mut config.layout;
        layout.names = self.names.unwrap_or(layout.names);
        layout.name_max = self.name_max.unwrap_or(layout.name_max);
        config.rules = layout.fold().map_err(|what| anyhow!(what))?;
        let accounts = match &self.sources {
            // Sources of the command line have none.
            Some(_) => Accounts::default(),
            None => Accounts::of(&config.sources),
        };
        let sources = self.sources.clone().unwrap_or_else(|| config.paths());
        if sources.is_empty() {
            bail!("no sources in {}", config.path.display());
        }
        let library = Library {
            state_dir: self.state_dir.clone(),
            cache_dir: self.cache_dir.clone(),
            decisions: self.places.decisions(&self.state_dir),
            sources,
            accounts,
        };
        Ok((config, library))
    }

    /// What a pass depends on: the sources and the configuration.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        let library = self.load().ok().map(|(_, library)| library.sources);
        let mut paths = library.or_else(|| self.sources.clone()).unwrap_or_default();
        paths.push(self.places.config.clone());
        paths
    }

    /// A number for what that looks like.
    pub(super) fn seen(&self) -> u64 {
        seen::seen(self.watched())
    }
}

/// What came of a pass, as `sync` tells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// Archives and folders that were taken in.
    pub(super) new_parts: Vec<String>,
    /// Photos and videos that the catalog knows, in whatever state.
    pub(super) files: u64,
    /// Those that it did not know before.
    pub(super) new_files: u64,
    /// Paths that have changed.
    pub(super) moved: Vec<Move>,
    /// Stamps of exports that are not shown until they are whole.
    pub(super) incomplete: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl Report {
    pub(super) fn of(catalog: &Catalog, outcome: &Outcome) -> anyhow::Result<Report> {
        let files = catalog.meta("files")?;
        let files = files.and_then(|files| files.parse().ok()).unwrap_or(0);
        let moves = outcome.moves.as_ref();
        let parts = outcome.new_parts.iter();
        Ok(Report {
            new_parts: parts.map(|part| part.display().to_string()).collect(),
            files,
            new_files: moves.map_or(files, |moves| moves.new),
            moved: moves.map_or_else(Vec::new, |moves| moves.paths.clone()),
            incomplete: outcome.hidden.clone(),
            problems: outcome.problems.clone(),
        })
    }
}

/// This moment, RFC 3339 in UTC.
pub(super) fn now() -> Option<String> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    rfc3339(i64::try_from(since.as_secs()).ok()?)
}

/// Takes in what is new, and shows how far it is. The lock of the library must be held. A `service` tells its manager
/// that it is not stuck.
pub(super) fn pass(
    common: &Common,
    config: &Config,
    library: &Library,
    catalog: &mut Catalog,
    accept: &[String],
    service: bool,
) -> anyhow::Result<Outcome> {
    let counted = Progress::default();
    progress::show(&counted, common.quiet, service, || {
        make(config, library, catalog, accept, &counted)
    })?
}

/// Takes in what is new. The lock of the library must be held.
pub(super) fn make(
    config: &Config,
    library: &Library,
    catalog: &mut Catalog,
    accept: &[String],
    counted: &Progress,
) -> anyhow::Result<Outcome> {
    let mut decisions = Decisions::load(&library.decisions)?;
    decisions.take_over(&library.state_dir)?;
    decisions.accept(accept)?;
    let in_force = Layout::in_force(&library.state_dir)?;
    let other = in_force
        .as_ref()
        .filter(|in_force| **in_force != config.layout);
    let other = other.map(|layout| fold(layout, library)).transpose()?;
    let decided = library.decided(&decisions)?;
    let pass = sync::Pass {
        sources: &library.sources,
        decided: &decided,
        rules: &config.rules,
        in_force: other.as_ref(),
        progress: counted,
    };
    let mut outcome = sync::sync(catalog, &pass).map_err(|error| {
        let error = match error {
            sync::Error::WouldMove(moves) => {
                would_move(config, &in_force.unwrap_or_default(), &moves)
            }
            error => error.into(),
        };
        match catalog.damage() {
            Some(damage) => error.context(damage.to_string()),
            None => error,
        }
    })?;
    if library.accounts.are_named() {
        // Where the configuration lies may be read-only for a service, which is no reason to show nothing.
        let remembered = decisions.set_first_account(decided.first_account.as_deref());
        outcome.problems.extend(remembered.err().map(|error| {
            format!(
                "which account is the first cannot be remembered: {}",
                chain(&error)
            )
        }));
    }
    config.layout.put_in_force(&library.state_dir)?;
    Ok(outcome)
}

fn fold(in_force: &Layout, library: &Library) -> anyhow::Result<Rules> {
    in_force
        .fold()
        .map_err(|what| anyhow!(what))
        .with_context(|| format!("the layout in force in {}", library.state_dir.display()))
}

fn would_move(config: &Config, in_force: &Layout, moves: &Moves) -> anyhow::Error {
    let differences = in_force.differences(&config.layout);
    let (was, is): (Vec<String>, Vec<String>) = differences.into_iter().unzip();
    anyhow!(
        "{} of {} photos and videos would move or be renamed, and a backup would copy them again: the configuration {} \
         says {}, and the names in this library were made with {}.\n`gphotosfs relayout` (with the same --takeout or \
         --demo, if any) shows what moves, and makes the change. With {} in the configuration everything stays as it is",
        moves.count(),
        moves.count() + moves.kept,
        config.path.display(),
        is.join(", "),
        was.join(", "),
        was.join(", "),
    )
}

/// What a pass has moved, in lines: what exports out of their order, or their late parts, can do.
pub(super) fn moved(paths: &[Move]) -> Vec<String> {
    let mut lines = Vec::new();
    for change in paths.iter().take(TOLD) {
        lines.push(match change.from == change.to {
            true => format!(
                "{} is now another photo or version of the same size and time: rsync sees that only with --checksum",
                change.to
            ),
            false => format!("{} is now {}", change.from, change.to),
        });
    }
    if paths.len() > TOLD {
        let more = paths.len() - TOLD;
        lines.push(format!("and {more} more paths have changed"));
    }
    lines
}
