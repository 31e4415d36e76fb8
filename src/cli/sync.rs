//! `gphotosfs sync`.

use super::{Common, Done, mount, pass, print, print_json};
use crate::catalog::Catalog;
use crate::config::{Config, Library, Places};
use crate::fs::lock::Lock;
use crate::sync::Outcome;
use crate::tree;
use crate::tree::moves::Move;
use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs sync
  gphotosfs sync --json | jq .problems

A library that is mounted takes in new exports when it is mounted again; until then sync refuses.
Ends with 1 when something needs you.";

/// Indexes what is new without mounting, and tells what came in.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Sync {
    /// The library of these sources, in place of the configured one
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// Show an export although parts are missing or damaged; STAMP as in the parts' names
    #[arg(long, value_name = "STAMP")]
    accept_incomplete: Vec<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Archives and folders that were taken in.
    new_parts: Vec<String>,
    /// Photos and videos that the catalog knows, in whatever state.
    files: u64,
    /// Those that it did not know before.
    new_files: u64,
    /// Paths that have changed.
    moved: &'a [Move],
    /// Stamps of exports that are not shown until they are whole.
    incomplete: &'a [String],
    problems: &'a [String],
}

impl Sync {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let library = self.library(&places, &config)?;
        mount::make_dir(&library.state_dir)?;
        let lock = Lock::take(&library.state_dir, Path::new("")).context(
            "cannot index now: a mount takes in new exports only when it is made, so unmount and mount again",
        )?;
        let mut catalog = Catalog::open(&library.state_dir)?;
        let outcome = pass::pass(
            common,
            &config,
            &library,
            &mut catalog,
            &self.accept_incomplete,
            false,
        )?;
        if catalog.meta("shown")?.is_none() {
            let shown = tree::Options {
                links: config.mount.links,
                trash: config.mount.trash,
                locked: config.mount.locked,
                sidecars: config.mount.sidecars,
            };
            catalog.set_meta("shown", &serde_json::to_string(&shown)?)?;
        }
        drop(lock);
        self.tell(&catalog, &outcome)
    }

    fn library(&self, places: &Places, config: &Config) -> anyhow::Result<Library> {
        if !self.takeout.is_empty() {
            return Ok(places.library(&self.takeout));
        }
        if config.sources.is_empty() {
            bail!(
                "no sources in {}: `gphotosfs add takeout PATH` adds one, `gphotosfs sync --takeout PATH` does without",
                config.path.display()
            );
        }
        Ok(places.configured(&config.sources))
    }

    fn tell(&self, catalog: &Catalog, outcome: &Outcome) -> anyhow::Result<Done> {
        let files = catalog.meta("files")?;
        let files = files.and_then(|files| files.parse().ok()).unwrap_or(0);
        let parts = outcome.new_parts.iter();
        let report = Report {
            new_parts: parts.map(|part| part.display().to_string()).collect(),
            files,
            new_files: outcome.moves.as_ref().map_or(files, |moves| moves.new),
            moved: outcome.moves.as_ref().map_or(&[], |moves| &moves.paths),
            incomplete: &outcome.hidden,
            problems: &outcome.problems,
        };
        if self.json {
            print_json(&report)?;
        } else {
            print(&text(&report, outcome)?)?;
        }
        Ok(if outcome.problems.is_empty() {
            Done::Well
        } else {
            Done::NeedsYou
        })
    }
}

fn text(report: &Report<'_>, outcome: &Outcome) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    match report.new_parts.as_slice() {
        [] => writeln!(text, "nothing new")?,
        parts => {
            writeln!(text, "{} new part(s):", parts.len())?;
            for part in parts {
                writeln!(text, "  {part}")?;
            }
        }
    }
    writeln!(
        text,
        "{} photos and videos are known, {} of them new",
        report.files, report.new_files
    )?;
    for line in pass::moved(outcome) {
        writeln!(text, "moved: {line}")?;
    }
    for problem in report.problems {
        writeln!(text, "problem: {problem}")?;
    }
    Ok(text)
}
