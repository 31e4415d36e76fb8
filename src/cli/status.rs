//! `gphotosfs status`.

use super::{Common, Done, find, past, print, print_json};
use crate::config::{AsOf, Places};
use crate::fs::control::{self, Passes, Stats};
use crate::report::status::{self, Account, Status as Report};
use crate::tree::Options;
use crate::tree::image::ACCOUNTS;
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
        let report = report(&state, &places)?;
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
    /// The stamp of the export as of which the mount shows the library; `null` where it shows it as it is.
    as_of: Option<String>,
    mount: Option<Stats>,
}

fn report(state: &Path, places: &Places) -> anyhow::Result<Whole> {
    let as_of = AsOf::of(state);
    let library = as_of.as_ref().map_or(state, |as_of| &as_of.library);
    let catalog = &past::catalog(library)?;
    let settings = &[places.config.clone(), places.decisions(library)];
    let sources: Vec<String> = parse(catalog.meta("sources")?)?;
    let shown: Options = parse(catalog.meta("shown")?)?;
    let image = past::image(catalog, as_of.as_ref(), places, shown.sidecars)?;
    let mut library = status::status(catalog, image, (sources.len() as u64, shown), settings)?;
    let mount = control::ask(state)?;
    let passes = mount.as_ref().and_then(|mount| mount.passes.as_ref());
    if let Some(why) = passes.and_then(|passes| passes.failed.as_ref()) {
        let problem = format!("the mount could not take in what is new: {why}");
        library.problems.push(problem);
    }
    Ok(Whole {
        library,
        as_of: as_of.map(|as_of| as_of.stamp),
        mount,
    })
}

fn parse<T: serde::de::DeserializeOwned + Default>(value: Option<String>) -> anyhow::Result<T> {
    Ok(value
        .map(|text| serde_json::from_str(&text))
        .transpose()?
        .unwrap_or_default())
}

/// What the mount tells of its passes.
fn passes(whole: &Whole) -> Option<&Passes> {
    whole.mount.as_ref()?.passes.as_ref()
}

/// Where an account stands, and its name where that does not say it.
fn place(account: &Account) -> String {
    match (&account.name, account.first) {
        (Some(name), true) => format!("the root ({name})"),
        (None, _) => "the root".into(),
        (Some(name), false) => format!("{ACCOUNTS}/{name}"),
    }
}

fn text(whole: &Whole) -> anyhow::Result<String> {
    let report = &whole.library;
    let mut text = String::new();
    let n = HumanCount;
    if let Some(stamp) = &whole.as_of {
        writeln!(text, "as of the export {stamp}")?;
    }
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
    for account in &report.accounts {
        writeln!(
            text,
            "  {}: {} photos, {} videos, {} albums, {} people from {} export(s); newest {}",
            place(account),
            n(account.photos),
            n(account.videos),
            n(account.albums),
            n(account.people),
            n(account.exports),
            account.newest.as_deref().unwrap_or("unknown")
        )?;
    }
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
    if report.gone > 0 {
        writeln!(
            text,
            "\n{} photos are gone from Google and still shown; `gphotosfs forget --gone --dry-run` lists them",
            n(report.gone)
        )?;
    }
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
    if let Some(passes) = passes(whole) {
        let last = passes.last.as_deref().unwrap_or("when it was mounted");
        let now = if passes.running { "; looking now" } else { "" };
        writeln!(text, "looked for new exports {last}{now}")?;
    }
    for problem in &report.problems {
        writeln!(text, "\nproblem: {problem}")?;
    }
    Ok(text)
}
