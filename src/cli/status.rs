//! `gphotosfs status`.

use super::{Common, Done, find, print, print_json};
use crate::catalog::Catalog;
use crate::fs::control::{self, Stats};
use crate::report::status::{self, Status as Report};
use crate::tree::Options;
use anyhow::Context;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs status
  gphotosfs status --json ~/photos | jq .problems

Ends with 1 when something needs you.";

/// Tells what is shown, what is not, and why. Works mounted or not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Status {
    /// The library of these sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// The demo's library
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// The library that is mounted there
    #[arg(value_name = "MOUNTPOINT")]
    mountpoint: Option<PathBuf>,
}

impl Status {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let state = find::state_dir(
            common,
            &places,
            None,
            self.mountpoint.as_deref(),
            &self.takeout,
            self.demo,
        )?;
        let catalog = Catalog::peek(&state)?.with_context(|| {
            format!(
                "nothing is known yet in {}; mount it first",
                state.display()
            )
        })?;
        let settings = [places.config.clone(), places.decisions(&state)];
        let report = report(&catalog, &state, &settings)?;
        if self.json {
            print_json(&report)?;
        } else {
            print(&text(&report)?)?;
        }
        Ok(if report.library.problems.is_empty() {
            Done::Well
        } else {
            Done::NeedsYou
        })
    }
}

/// The report on the library, and what a running mount tells of itself.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    library: Report,
    mount: Option<Stats>,
}

fn report(catalog: &Catalog, state: &Path, settings: &[PathBuf]) -> anyhow::Result<Whole> {
    let sources: Vec<String> = parse(catalog.meta("sources")?)?;
    let shown: Options = parse(catalog.meta("shown")?)?;
    Ok(Whole {
        library: status::status(catalog, sources.len() as u64, shown, settings)?,
        mount: control::ask(state)?,
    })
}

fn parse<T: serde::de::DeserializeOwned + Default>(value: Option<String>) -> anyhow::Result<T> {
    Ok(value
        .map(|text| serde_json::from_str(&text))
        .transpose()?
        .unwrap_or_default())
}

fn text(whole: &Whole) -> anyhow::Result<String> {
    let report = &whole.library;
    let mut text = String::new();
    let n = HumanCount;
    writeln!(
        text,
        "{} photos, {} videos, {} albums, {} people; newest {}",
        n(report.photos),
        n(report.videos),
        n(report.albums),
        n(report.people),
        report.newest.as_deref().unwrap_or("unknown")
    )?;
    writeln!(
        text,
        "from {} export(s) in {} part(s) of {} source(s)",
        n(report.exports),
        n(report.parts),
        n(report.sources)
    )?;
    writeln!(
        text,
        "a copy needs {} with hard links (rsync -H), {} without",
        BinaryBytes(report.bytes),
        BinaryBytes(report.bytes_without_links)
    )?;
    if report.documents > 0 {
        let count = n(report.documents);
        writeln!(
            text,
            "and {count} documents beside the photos, which that includes"
        )?;
    }
    let out = report.left_out;
    writeln!(text, "\n{:>10} shown", report.shown)?;
    writeln!(
        text,
        "{:>10} left out (trash {}, locked {}, older versions {}, forgotten {})",
        out.trash + out.locked + out.older + out.forgotten,
        out.trash,
        out.locked,
        out.older,
        out.forgotten
    )?;
    writeln!(text, "{:>10} exact duplicates", report.duplicates)?;
    writeln!(
        text,
        "{:>10} = media files in the archives",
        report.in_archives
    )?;
    let (sidecars, media) = report.lone;
    if sidecars + media > 0 {
        writeln!(
            text,
            "\nmedia without a sidecar (shown all the same): {media}; sidecars without media: {sidecars}"
        )?;
    }
    if report.junk + report.foreign > 0 {
        writeln!(
            text,
            "{} system files and thumbnails and {} files of other Google products are not photos",
            report.junk, report.foreign
        )?;
    }
    if let Some(back_up) = &report.back_up {
        let files = back_up.files.iter().map(|file| file.display().to_string());
        writeln!(
            text,
            "\n{} part(s) are gone, and with them the bytes of {} photos and videos: only the index knows their names. Back \
             up, while nothing is mounted: {}",
            n(back_up.parts),
            n(back_up.photos),
            files.collect::<Vec<_>>().join(" ")
        )?;
    }
    match &whole.mount {
        Some(mount) => writeln!(
            text,
            "\nmounted on {} by process {}: {} look-ups, {} reads, {} read",
            mount.mountpoint,
            mount.pid,
            mount.counters.lookup,
            mount.counters.read,
            BinaryBytes(mount.counters.bytes)
        )?,
        None => writeln!(text, "\nnot mounted")?,
    }
    for problem in &report.problems {
        writeln!(text, "\nproblem: {problem}")?;
    }
    Ok(text)
}
