//! `gphotosfs info`.

use super::{Done, print, print_json, tell};
use crate::catalog::Catalog;
use crate::fs::mounts;
use crate::report::info::{self, Info as Report};
use crate::tree::{Options, Tree};
use anyhow::{Context, bail};
use clap::Args;
use std::collections::HashMap;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs info ~/photos/by-date/2023/2023-07/IMG_20230714_101112.jpg
  gphotosfs info --json ~/photos/favorites/* | jq '.[].origin'";

/// Tells all that is known of files in a mount.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Info {
    /// A JSON array with one object for each file
    #[arg(long)]
    json: bool,
    /// Files in a mount
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

type Libraries = HashMap<PathBuf, (Catalog, Tree)>;

impl Info {
    pub(super) fn run(&self) -> anyhow::Result<Done> {
        let mut libraries = Libraries::new();
        let mut reports = Vec::new();
        let mut failed = 0;
        for path in &self.paths {
            match report(path, &mut libraries) {
                Ok(report) => reports.push(report),
                Err(error) => {
                    failed += 1;
                    tell(&format!("gphotosfs: {}", super::text_of(&error)));
                }
            }
        }
        if self.json {
            print_json(&reports)?;
        } else {
            print(
                &reports
                    .iter()
                    .map(text)
                    .collect::<Result<Vec<_>, _>>()?
                    .join("\n"),
            )?;
        }
        match (failed, reports.is_empty()) {
            (0, _) => Ok(Done::Well),
            (_, false) => Ok(Done::NeedsYou),
            (_, true) => bail!("none of these is a file in a mount"),
        }
    }
}

fn report(path: &Path, libraries: &mut Libraries) -> anyhow::Result<Report> {
    let meta =
        std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    let state = mounts::holding(path)?
        .and_then(|mount| mount.state_dir())
        .with_context(|| format!("{} is not in a gphotosfs mount", path.display()))?;
    if !libraries.contains_key(&state) {
        let catalog =
            Catalog::peek(&state)?.with_context(|| format!("no catalog in {}", state.display()))?;
        let shown: Options = catalog
            .meta("shown")?
            .map(|text| serde_json::from_str(&text))
            .transpose()?
            .unwrap_or_default();
        let tree = Tree::plant(catalog.image_with(shown.sidecars)?, shown);
        libraries.insert(state.clone(), (catalog, tree));
    }
    let (catalog, tree) = &libraries[&state];
    info::info(catalog, tree, &path.to_string_lossy(), meta.ino())?
        .with_context(|| format!("{} is not a file of the library", path.display()))
}

fn text(report: &Report) -> Result<String, std::fmt::Error> {
    let mut text = format!("{}\n", report.path);
    let mut line = |key: &str, value: &str| {
        if value.is_empty() {
            Ok(())
        } else {
            writeln!(text, "  {key:<12} {value}")
        }
    };
    line("document", report.document.unwrap_or_default())?;
    line("title", report.title.as_deref().unwrap_or_default())?;
    line("taken", report.taken.as_deref().unwrap_or_default())?;
    line(
        "description",
        report.description.as_deref().unwrap_or_default(),
    )?;
    line("people", &report.people.join(", "))?;
    line("albums", &report.albums.join(", "))?;
    if let Some(geo) = report.geo {
        line(
            "place",
            &format!("{}, {} ({} m)", geo.latitude, geo.longitude, geo.altitude),
        )?;
    }
    line("favorite", if report.favorite { "yes" } else { "" })?;
    line("partner", if report.partner { "yes" } else { "" })?;
    line("role", &format!("{:?}", report.role).to_lowercase())?;
    line("size", &report.size.to_string())?;
    line("inode", &report.inode)?;
    line("crc32", report.crc32.as_deref().unwrap_or_default())?;
    line("account", report.account.as_deref().unwrap_or_default())?;
    line(
        "source",
        &format!("{} ({})", report.source, report.fidelity),
    )?;
    line("archive", &report.origin.archive)?;
    line("entry", &report.origin.entry)?;
    line(
        "sidecar",
        report.origin.sidecar.as_deref().unwrap_or_default(),
    )?;
    Ok(text)
}
