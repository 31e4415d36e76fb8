//! `gphotosfs sync`.

use super::live::Ended;
use super::pass::{self, Report};
use super::{Common, Done, mount, print, print_json};
use crate::catalog::Catalog;
use crate::config::{Config, Library, Places};
use crate::fs::control;
use crate::fs::lock::{self, Holder, Lock};
use crate::tree;
use anyhow::{Context, bail};
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs sync
  gphotosfs sync --json | jq .problems

Where the library is mounted, the mount makes the pass, and shows at once what came in.
Ends with 1 when something needs you.";

/// Indexes what is new, and tells what came in.
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

impl Sync {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let library = self.library(&places, &config)?;
        mount::make_dir(&library.state_dir)?;
        let lock = match Lock::take(&library.state_dir, Path::new("")) {
            Err(lock::Error::Busy(Some(holder))) if !holder.mountpoint.as_os_str().is_empty() => {
                return self.tell(&self.by_mount(&library, &holder)?);
            }
            other => other.context("cannot index now")?,
        };
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
        self.tell(&Report::of(&catalog, &outcome)?)
    }

    /// Has the server make the pass that has the library mounted: it alone may write.
    fn by_mount(&self, library: &Library, holder: &Holder) -> anyhow::Result<Report> {
        let at = holder.mountpoint.display();
        let ended = control::pass(&library.state_dir, &self.accept_incomplete)
            .with_context(|| {
                format!("the mount on {at} has ended meanwhile; give the command again")
            })?
            .with_context(|| {
                format!(
                    "the mount on {at} is only just beginning, or ending; give the command again"
                )
            })?;
        match serde_json::from_str(&ended).with_context(|| {
            format!("the mount on {at} is of another version; unmount and mount again")
        })? {
            Ended::Done(report) => Ok(report),
            Ended::Failed(why) => bail!(why),
        }
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

    fn tell(&self, report: &Report) -> anyhow::Result<Done> {
        if self.json {
            print_json(report)?;
        } else {
            print(&text(report)?)?;
        }
        Ok(if report.problems.is_empty() {
            Done::Well
        } else {
            Done::NeedsYou
        })
    }
}

fn text(report: &Report) -> Result<String, std::fmt::Error> {
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
    for line in pass::moved(&report.moved) {
        writeln!(text, "moved: {line}")?;
    }
    for problem in &report.problems {
        writeln!(text, "problem: {problem}")?;
    }
    Ok(text)
}
