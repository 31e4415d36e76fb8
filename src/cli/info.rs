//! `gphotosfs info`.

use super::{Common, Done, past, print, print_json, tell};
use crate::catalog::Catalog;
use crate::config::{AsOf, Places};
use crate::fs::mounts;
use crate::report::info::{self, Info as Report, Past};
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

type Libraries = HashMap<PathBuf, (Catalog, Tree, Past)>;

impl Info {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let mut libraries = Libraries::new();
        let mut reports = Vec::new();
        let mut failed = 0;
        for path in &self.paths {
            match report(path, &places, &mut libraries) {
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

fn report(path: &Path, places: &Places, libraries: &mut Libraries) -> anyhow::Result<Report> {
    let meta =
        std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    let state = mounts::holding(path)?
        .and_then(|mount| mount.state_dir())
        .with_context(|| format!("{} is not in a gphotosfs mount", path.display()))?;
    if !libraries.contains_key(&state) {
        let as_of = AsOf::of(&state);
        let library = as_of.as_ref().map_or(&state, |as_of| &as_of.library);
        let catalog = past::catalog(library)?;
        let shown: Options = catalog
            .meta("shown")?
            .map(|text| serde_json::from_str(&text))
            .transpose()?
            .unwrap_or_default();
        let image = past::image(&catalog, as_of.as_ref(), places, shown.sidecars)?;
        let past = Past::of(&image);
        let tree = Tree::plant(image, shown);
        libraries.insert(state.clone(), (catalog, tree, past));
    }
    let (catalog, tree, past) = &libraries[&state];
    info::info(catalog, (tree, past), &path.to_string_lossy(), meta.ino())?
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
    if let Some(gone) = &report.gone {
        let export = &gone.export;
        let why = match gone.held {
            true => format!("yes, in the trash or the locked folder in the export {export}"),
            false => format!("yes, lacking in the full export {export}"),
        };
        line("gone", &why)?;
    }
    line("role", &format!("{:?}", report.role).to_lowercase())?;
    line("size", &report.size.to_string())?;
    line("inode", &report.inode)?;
    for version in report.versions.iter().filter(|version| !version.shown) {
        let text = format!(
            "{} bytes, crc32 {}, {}",
            version.size, version.crc32, version.entry
        );
        line("version", &text)?;
    }
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
