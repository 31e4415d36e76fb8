//! `gphotosfs exports`.

use super::{Common, Done, find, print, print_json};
use crate::catalog::Catalog;
use crate::config::Decisions;
use crate::report::exports::{self, Export};
use anyhow::{Context, bail};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use std::fmt::Write;
use std::path::PathBuf;

const EXAMPLE: &str = "Examples:
  gphotosfs exports
  gphotosfs exports --json | jq '.[] | select(.complete | not)'
  gphotosfs exports --partial 20260913T041200Z

A full export holds every photo that was at Google then, so what it lacks is gone from there; a partial one proves
nothing. STAMP is written as in the parts' names. Ends with 1 when an export needs you.";

/// Lists the exports: what they hold, whether they are full and whether they are whole; and decides what they count as.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Exports {
    /// This export holds all that was at Google then, whatever it looks like
    #[arg(long, value_name = "STAMP")]
    full: Vec<String>,
    /// What this export lacks is not gone from Google
    #[arg(long, value_name = "STAMP")]
    partial: Vec<String>,
    /// Show this export although parts are missing or damaged
    #[arg(long, value_name = "STAMP")]
    accept_incomplete: Vec<String>,
    /// The library of these sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// The demo's library
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// A JSON array
    #[arg(long)]
    json: bool,
}

impl Exports {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let state = find::state_dir(common, &places, None, None, &self.takeout, self.demo)?;
        let catalog = Catalog::peek(&state)?.with_context(|| {
            format!(
                "nothing is known yet in {}; mount it first",
                state.display()
            )
        })?;
        let mut decisions = Decisions::load(&places.decisions(&state))?;
        let known = exports::exports(&catalog, decisions.decided())?;
        let decided = self.decide(&known, &mut decisions)?;
        let exports = exports::exports(&catalog, decisions.decided())?;
        if self.json {
            print_json(&exports)?;
        } else {
            print(&text(&exports, decided)?)?;
        }
        let well = exports.iter().all(|export| export.problems.is_empty());
        Ok(if well { Done::Well } else { Done::NeedsYou })
    }

    /// Keeps what the flags decide, all of it or nothing. Tells whether there was anything.
    fn decide(&self, known: &[Export], decisions: &mut Decisions) -> anyhow::Result<bool> {
        let stamps = || {
            self.full
                .iter()
                .chain(&self.partial)
                .chain(&self.accept_incomplete)
        };
        for stamp in stamps() {
            if !known.iter().any(|export| export.stamp == *stamp) {
                let known: Vec<&str> = known.iter().map(|export| &*export.stamp).collect();
                bail!(
                    "there is no export {stamp}; known are: {}",
                    known.join(", ")
                );
            }
        }
        if let Some(both) = self.full.iter().find(|stamp| self.partial.contains(stamp)) {
            bail!("{both} cannot be both full and partial");
        }
        for stamp in &self.full {
            decisions.set_full(stamp)?;
        }
        for stamp in &self.partial {
            decisions.set_partial(stamp)?;
        }
        decisions.accept(&self.accept_incomplete)?;
        Ok(stamps().next().is_some())
    }
}

fn text(exports: &[Export], decided: bool) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    if exports.is_empty() {
        writeln!(text, "no exports yet")?;
    }
    for export in exports {
        writeln!(
            text,
            "{}{}: {}, {} part(s), {}, {}{}",
            export.stamp,
            whose(export),
            counts_as(export),
            HumanCount(export.parts),
            BinaryBytes(export.bytes),
            photos(export),
            whole(export),
        )?;
        for problem in &export.problems {
            writeln!(text, "  {problem}")?;
        }
    }
    if decided {
        writeln!(text, "kept; the next `gphotosfs sync` or mount acts on it")?;
    }
    Ok(text)
}

fn whose(export: &Export) -> String {
    let account = export.account.as_ref();
    account.map_or(String::new(), |name| format!(" (account {name})"))
}

fn counts_as(export: &Export) -> String {
    let word = |full| if full { "full" } else { "partial" };
    match (export.full, export.decided) {
        (Some(now), Some(decided)) if now != decided => {
            format!("{}, from the next sync on {}", word(now), word(decided))
        }
        (_, Some(decided)) => format!("{} as you decided", word(decided)),
        (Some(now), None) => word(now).to_owned(),
        (None, None) => "not judged yet".to_owned(),
    }
}

fn photos(export: &Export) -> String {
    match (export.photos, export.new) {
        (Some(photos), Some(new)) => format!(
            "{} photos and videos, {} of them new, ",
            HumanCount(photos),
            HumanCount(new)
        ),
        _ => String::new(),
    }
}

fn whole(export: &Export) -> &'static str {
    match (export.complete, export.shown, export.accepted) {
        (true, ..) => "complete",
        (false, false, false) => "not complete, so not shown",
        (false, false, true) => "not complete, shown from the next sync on",
        (false, true, true) => "not complete, shown as you decided",
        (false, true, false) => "not complete any more, shown as before",
    }
}
