//! Which library a command speaks of.

use super::Common;
use crate::catalog::{self, Catalog};
use crate::config::{AsOf, Config, Library, Places, Source};
use crate::fs::mounts;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// The state directory of the library that is meant: that of a path in a mount (see [`AsOf`] for mounts of the past), of a set of sources, the configured one
/// if there is one, else that of the only mount there is, or the only one there is.
pub(super) fn state_dir(
    common: &Common,
    places: &Places,
    config: Option<&Config>,
    mountpoint: Option<&Path>,
    takeout: &[PathBuf],
    demo: bool,
) -> anyhow::Result<PathBuf> {
    if let Some(path) = mountpoint {
        let mount = mounts::holding(path)?;
        return mount
            .and_then(|mount| mount.state_dir())
            .with_context(|| format!("{} is not in a gphotosfs mount", path.display()));
    }
    if demo {
        return Ok(places.demo().state_dir);
    }
    if !takeout.is_empty() {
        return Ok(places.library(takeout).state_dir);
    }
    // Read only here, so that a mount can be asked about whatever the configuration says.
    let sources = match config {
        Some(config) => config.sources.clone(),
        None => common.load(places)?.sources,
    };
    if let Some(library) = configured(places, &sources) {
        return Ok(library.state_dir);
    }
    let mounted = mounts::gphotosfs()?
        .into_iter()
        .filter_map(|mount| mount.state_dir())
        .map(AsOf::library_of);
    let mut mounted: Vec<PathBuf> = mounted
        .filter(|state| state.starts_with(&places.state))
        .collect();
    mounted.sort();
    mounted.dedup();
    let known = places.known();
    match (mounted.as_slice(), known.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.clone()),
        ([], []) => bail!("no library yet: `gphotosfs add --help` shows how to begin"),
        _ => bail!(
            "there are several libraries; name one with --takeout PATH, --demo, or a mountpoint:\n{}",
            list(&known)
        ),
    }
}

/// The configured library, when it has sources, or had some.
fn configured(places: &Places, sources: &[Source]) -> Option<Library> {
    let library = places.configured(sources);
    let is_known = library.state_dir.join(catalog::FILE).exists();
    (is_known || !library.sources.is_empty()).then_some(library)
}

fn list(known: &[PathBuf]) -> String {
    let line = |state: &PathBuf| {
        let catalog = Catalog::peek(state).ok().flatten();
        let sources = catalog.and_then(|catalog| catalog.meta("sources").ok().flatten());
        format!("  {}  {}", state.display(), sources.unwrap_or_default())
    };
    known.iter().map(line).collect::<Vec<_>>().join("\n")
}
