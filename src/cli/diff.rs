//! `gphotosfs diff`.

use super::{Common, Done, find, past, print, print_json};
use crate::sync::past::differences;
use crate::tree::fold::{Altered, Differences, Gathering, Redated, Retitled, Seen};
use clap::Args;
use indicatif::BinaryBytes;
use serde::Serialize;
use std::fmt::{self, Write};
use std::path::PathBuf;

const EXAMPLE: &str = "Example:
  gphotosfs diff 20260913T041200Z
  gphotosfs diff 20260913T041200Z 20261113T041200Z --json | jq '.gone[].path'

A STAMP is that in the names of an export's parts. Photos in the trash or the locked folder count as not there.";

/// How many paths of a kind are shown unless all are asked for.
const SHOWN: usize = 20;

/// Tells what exports have added and changed: from the library as of one export to that as of a later one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Diff {
    /// The library of these sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// The demo's library
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// Show every path
    #[arg(long)]
    all: bool,
    /// One JSON object, with every path
    #[arg(long)]
    json: bool,
    /// The stamp of the older export
    #[arg(value_name = "STAMP")]
    from: String,
    /// The stamp of the later one [default: the newest]
    #[arg(value_name = "STAMP")]
    to: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    from: &'a str,
    to: &'a str,
    #[serde(flatten)]
    found: &'a Differences,
}

impl Diff {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let state = find::state_dir(
            common,
            &places,
            Some(&config),
            None,
            &self.takeout,
            self.demo,
        )?;
        let catalog = past::catalog(&state)?;
        let deciding = past::Deciding::of(&state, &places)?;
        let stamps = (self.from.as_str(), self.to.as_deref());
        let (to, found) = differences(&catalog, stamps, deciding.terms())?;
        let report = Report {
            from: &self.from,
            to: &to,
            found: &found,
        };
        if self.json {
            print_json(&report)?;
        } else {
            print(&self.text(&report)?)?;
        }
        Ok(Done::Well)
    }

    fn text(&self, report: &Report<'_>) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let found = report.found;
        writeln!(text, "from {} to {}", report.from, report.to)?;
        self.group(&mut text, "added", &found.added, seen)?;
        self.group(&mut text, "edited", &found.edited, edited)?;
        self.group(
            &mut text,
            "re-encoded at Google",
            &found.re_encoded,
            re_encoded,
        )?;
        self.group(
            &mut text,
            "gone from Google, still shown",
            &found.gone,
            seen,
        )?;
        self.group(&mut text, "at Google again", &found.returned, seen)?;
        self.group(&mut text, "re-dated", &found.re_dated, re_dated)?;
        self.group(&mut text, "re-titled", &found.re_titled, re_titled)?;
        self.group(&mut text, "albums changed", &found.albums, gathering)?;
        self.group(&mut text, "people changed", &found.people, gathering)?;
        if let Some(favorites) = found.favorites.first() {
            writeln!(text, "favorites changed:\n  {}", gathering(favorites))?;
        }
        if *found == Differences::default() {
            writeln!(text, "nothing differs")?;
        }
        Ok(text)
    }

    fn group<T>(
        &self,
        text: &mut String,
        what: &str,
        all: &[T],
        line: fn(&T) -> String,
    ) -> fmt::Result {
        if all.is_empty() {
            return Ok(());
        }
        writeln!(text, "{} {what}:", all.len())?;
        let shown = if self.all { usize::MAX } else { SHOWN };
        for one in all.iter().take(shown) {
            writeln!(text, "  {}", line(one))?;
        }
        match all.len().saturating_sub(shown) {
            0 => Ok(()),
            more => writeln!(text, "  and {more} more; --all shows them"),
        }
    }
}

fn seen(seen: &Seen) -> String {
    seen.path.clone()
}

fn edited(altered: &Altered) -> String {
    altered.path.clone()
}

fn re_encoded(altered: &Altered) -> String {
    let (from, to) = (BinaryBytes(altered.from), BinaryBytes(altered.to));
    let kept = if altered.shown {
        "now shown"
    } else {
        "the better version stays in view"
    };
    format!("{}  {from} -> {to}, {kept}", altered.path)
}

fn re_dated(redated: &Redated) -> String {
    let of = |date: &Option<String>| date.clone().unwrap_or_else(|| "undated".to_owned());
    let (from, to) = (of(&redated.from), of(&redated.to));
    format!(
        "{}{}  {from} -> {to}",
        redated.path,
        was(redated.was.as_deref())
    )
}

fn re_titled(retitled: &Retitled) -> String {
    let Retitled { path, from, to, .. } = retitled;
    format!("{path}{}  {from:?} -> {to:?}", was(retitled.was.as_deref()))
}

fn was(path: Option<&str>) -> String {
    path.map_or_else(String::new, |path| format!(" (was {path})"))
}

fn gathering(gathering: &Gathering) -> String {
    let Gathering {
        path,
        added,
        removed,
        ..
    } = gathering;
    let new = if gathering.new { ", new" } else { "" };
    let left = match removed.len() {
        0 => String::new(),
        count => format!(", -{count}"),
    };
    format!("{path}  +{}{left}{new}", added.len())
}
