//! `gphotosfs relayout`.

use super::{Common, Done, Names, find, name_max, print, print_json, tell};
use crate::catalog::{self, Catalog};
use crate::config::{Config, Decisions, Layout, edit};
use crate::fs::lock::Lock;
use crate::model::Decided;
use crate::sync::project::Terms;
use crate::sync::{self, relayout};
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

Without any of --zone, --rules, --names and --name-max the layout is the one that the configuration asks for. A backup copies what moves once more.";

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
    /// Where names must be legal
    #[arg(long, value_enum, value_name = "SYSTEM")]
    names: Option<Names>,
    /// Longest name in bytes, 64 to 255
    #[arg(long, value_parser = name_max, value_name = "BYTES")]
    name_max: Option<u8>,
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
        let state = find::state_dir(
            common,
            &places,
            Some(&config),
            None,
            &self.takeout,
            self.demo,
        )?;
        let lock = self.lock(&state)?;
        let in_force = Layout::in_force(&state)?;
        let was_made = in_force.is_some();
        let old = in_force.unwrap_or_else(|| config.layout.clone());
        if old == new && config.layout == new {
            return self.nothing(&new);
        }
        let decisions = Decisions::load(&places.decisions(&state))?;
        let decided = decisions.decided();
        let known = preview(&state, &old, &new, decided)?;
        let is_known = known.is_some();
        if !is_known && was_made {
            bail!(
                "nobody can tell what would move: the catalog in {} is gone or not whole. `gphotosfs sync` makes it \
                 anew, and tells when the layout stands in the way",
                state.display()
            );
        }
        let moves = &known.unwrap_or_default();
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
            new.put_in_force(&state)?;
        }
        if is_known {
            change(&state, &new, decided)?;
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
        if let Some(names) = self.names {
            layout.names = names.into();
        }
        layout.name_max = self.name_max.unwrap_or(layout.name_max);
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

    fn nothing(&self, layout: &Layout) -> anyhow::Result<Done> {
        if self.json {
            self.report(layout, layout, &Moves::default(), false)?;
        } else {
            let line = |(key, value): (&str, String)| format!("{key} = {value}");
            let lines: Vec<String> = layout.pairs().into_iter().map(line).collect();
            print(&format!("nothing to change: {}\n", lines.join(", ")))?;
        }
        Ok(Done::Well)
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

/// Makes the tree anew under a layout.
fn change(state: &Path, new: &Layout, decided: &Decided) -> anyhow::Result<()> {
    let mut catalog = Catalog::open(state)?;
    if let Some(damage) = catalog.damage() {
        bail!("the layout is changed, and `gphotosfs sync` makes the tree anew: {damage}");
    }
    let rules = &fold(new)?;
    relayout::change(&mut catalog, Terms { rules, decided })?;
    Ok(())
}

/// What would move; `None` where nothing has been indexed yet.
fn preview(
    state: &Path,
    old: &Layout,
    new: &Layout,
    decided: &Decided,
) -> anyhow::Result<Option<Moves>> {
    let Some(catalog) = Catalog::peek(state)? else {
        return Ok(None);
    };
    let rules = &fold(new)?;
    match relayout::preview(&catalog, &fold(old)?, Terms { rules, decided }) {
        Ok(moves) => Ok(Some(moves)),
        Err(sync::Error::Catalog(catalog::Error::NotYet)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn fold(layout: &Layout) -> anyhow::Result<Rules> {
    layout.fold().map_err(|what| anyhow!(what))
}
