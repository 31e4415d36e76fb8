//! `gphotosfs relayout`.

use super::{Common, Done, find, print, print_json, tell};
use crate::catalog::Catalog;
use crate::config::{Config, Decisions, Layout, edit};
use crate::fs::lock::Lock;
use crate::sync::relayout;
use crate::tree::fold::Rules;
use crate::tree::moves::{Move, Moves};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Serialize;
use std::fmt::Write;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs relayout --zone Europe/Lisbon --dry-run
  gphotosfs relayout --zone Europe/Lisbon

Without --zone and --rules the layout is the one that the configuration asks for. A backup copies what moves once more.";

/// How many paths are shown unless all are asked for.
const SHOWN: usize = 20;

/// Changes what moves photos: shows what will move, asks, and writes the configuration.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Relayout {
    /// The time zone in which a month begins
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// The number of the rules for names and folders
    #[arg(long, value_name = "NUMBER")]
    rules: Option<u32>,
    /// The library of these sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// The demo's library
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// Show what would move, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show every path that changes
    #[arg(long)]
    all: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    from: &'a Layout,
    to: &'a Layout,
    #[serde(flatten)]
    moves: &'a Moves,
    done: bool,
}

impl Relayout {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let new = self.wanted(&config)?;
        let state = find::state_dir(common, &places, None, &self.takeout, self.demo)?;
        let lock = self.lock(&state)?;
        let mut decisions = Decisions::load(&state)?;
        let old = decisions.layout().unwrap_or(&config.layout).clone();
        if old == new && config.layout == new {
            let pairs: Vec<String> = new
                .pairs()
                .iter()
                .map(|(k, v)| format!("{k} = {v}"))
                .collect();
            if self.json {
                let moves = Moves::default();
                self.report(&old, &new, &moves, false)?;
            } else {
                print(&format!("nothing to change: {}\n", pairs.join(", ")))?;
            }
            return Ok(Done::Well);
        }
        let catalog = Catalog::peek(&state)?;
        let (is_known, moves) = match &catalog {
            Some(catalog) => {
                let moves = relayout::preview(catalog, &fold(&old)?, &fold(&new)?)?;
                (true, moves)
            }
            None => (false, Moves::default()),
        };
        drop(catalog);
        let moves = &moves;
        if !self.json {
            print(&self.text(&old, &new, moves)?)?;
        }
        if self.dry_run {
            return self.end(&old, &new, moves, false);
        }
        self.ask(moves)?;
        // The configuration first: stopped between the two, the next mount refuses and names this command.
        edit::set_layout(&places.config, &new)?;
        if state.exists() {
            decisions.set_layout(&new)?;
        }
        if is_known {
            relayout::change(&mut Catalog::open(&state)?, &fold(&new)?)?;
        }
        drop(lock);
        self.end(&old, &new, moves, true)
    }

    /// The layout that is asked for, by flags or else by the configuration.
    fn wanted(&self, config: &Config) -> anyhow::Result<Layout> {
        let mut layout = config.layout.clone();
        if let Some(zone) = &self.zone {
            layout.zone.clone_from(zone);
        }
        if let Some(rules) = self.rules {
            layout.rules = rules;
        }
        fold(&layout)?;
        Ok(layout)
    }

    /// A mount shows the layout with which it was made, to its end.
    fn lock(&self, state: &Path) -> anyhow::Result<Option<Lock>> {
        if self.dry_run || !state.exists() {
            return Ok(None);
        }
        let lock = Lock::take(state, Path::new("")).context(
            "cannot change the layout now; --dry-run shows what would move also while it is mounted",
        )?;
        Ok(Some(lock))
    }

    fn ask(&self, moves: &Moves) -> anyhow::Result<()> {
        let count = moves.count();
        if self.yes || count == 0 {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            bail!(
                "nothing is changed: {count} photos and videos would move; say --yes to move them"
            );
        }
        tell(&format!(
            "Type the number of photos and videos that move, {count}, to move them:"
        ));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        if line.trim() != count.to_string() {
            bail!("nothing is changed");
        }
        Ok(())
    }

    fn text(&self, old: &Layout, new: &Layout, moves: &Moves) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        for (was, will) in old.differences(new) {
            writeln!(text, "{was} becomes {will}")?;
        }
        writeln!(
            text,
            "{} photos and videos move to another folder, {} are renamed, {} stay",
            moves.moved, moves.renamed, moves.kept
        )?;
        let shown = if self.all { usize::MAX } else { SHOWN };
        for Move { from, to } in moves.paths.iter().take(shown) {
            writeln!(text, "  {from} -> {to}")?;
        }
        let more = moves.paths.len().saturating_sub(shown);
        if more > 0 {
            writeln!(text, "  and {more} more; --all shows them")?;
        }
        Ok(text)
    }

    fn end(&self, old: &Layout, new: &Layout, moves: &Moves, done: bool) -> anyhow::Result<Done> {
        if self.json {
            self.report(old, new, moves, done)?;
        } else if done {
            print("done; the next mount shows it\n")?;
        } else {
            print("nothing is changed\n")?;
        }
        Ok(Done::Well)
    }

    fn report(&self, from: &Layout, to: &Layout, moves: &Moves, done: bool) -> anyhow::Result<()> {
        print_json(&Report {
            from,
            to,
            moves,
            done,
        })
    }
}

fn fold(layout: &Layout) -> anyhow::Result<Rules> {
    layout.fold().map_err(|what| anyhow!(what))
}
