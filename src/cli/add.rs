//! `gphotosfs add`.

use super::{Common, Done, print};
use crate::config::{Decisions, Kind, Source, accounts, edit};
use crate::fs::lock::{Holder, Lock};
use crate::sync::look::{Look, look};
use crate::tree::image::ACCOUNTS;
use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs add takeout ~/Takeout
  gphotosfs add takeout ~/Takeout-of-Ada --account ada
  gphotosfs mount ~/photos

At https://takeout.google.com choose Google Photos alone, as zip, and download all parts into one folder.";

/// Adds places where photos come from to the configuration.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Add {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Archives or unpacked folders of Google Takeout on this machine
    #[command(after_help = EXAMPLE)]
    Takeout {
        /// An archive, a folder with the parts of exports, or an unpacked Takeout
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Whose photos these are, where there are several accounts. The first account keeps the root of the mount, others
        /// stand in accounts/NAME
        #[arg(long, value_name = "NAME", value_parser = account)]
        account: Option<String>,
    },
}

impl Add {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let What::Takeout { paths, account } = &self.what;
        let places = common.places()?;
        // A file that is named need not be there yet: this is what makes it.
        let mut places_of_new = places.clone();
        places_of_new.config_given = false;
        let config = common.load(&places_of_new)?;
        let mut sources = Vec::new();
        let mut looks: Vec<(PathBuf, Look)> = Vec::new();
        for path in paths {
            let path = absolute(path)?;
            let look = look(&path);
            if look.parts == 0 {
                bail!(look.problems.join("\n"));
            }
            let source = Source {
                kind: Kind::Takeout,
                path: path.clone(),
                account: account.clone(),
            };
            accounts::beside(&source, &config.sources)
                .map_err(|what| anyhow!("nothing is added: {what}"))?;
            sources.push(source);
            looks.push((path, look));
        }
        let added = edit::add_sources(&places.config, &sources)?;
        let mut text = String::new();
        for (path, look) in &looks {
            let is_new = added.iter().any(|source| source.path == *path);
            let verb = if is_new { "added" } else { "known already:" };
            writeln!(
                text,
                "{verb} {}: {}",
                path.display(),
                super::sources::found(look)
            )?;
            for problem in &look.problems {
                writeln!(text, "  {problem}")?;
            }
        }
        let library = places.configured(&common.load(&places)?.sources);
        if let Some(name) = account {
            let decisions = Decisions::load(&library.decisions)?;
            let place = match library.first_account(&decisions)? {
                Some(first) if first == *name => "the root of the mount".to_owned(),
                _ => format!("{ACCOUNTS}/{name}"),
            };
            writeln!(text, "photos of {name} stand in {place}")?;
        }
        writeln!(text, "written to {}", places.config.display())?;
        let holder = Lock::held_by(&library.state_dir)?;
        let mounted = holder.filter(|holder| !holder.mountpoint.as_os_str().is_empty());
        match mounted {
            None => writeln!(
                text,
                "next: gphotosfs mount MOUNTPOINT, or gphotosfs sync to index without mounting"
            )?,
            Some(Holder { mountpoint, .. }) => {
                let point = mountpoint.display();
                writeln!(
                    text,
                    "next: gphotosfs sync, which shows what is new in {point}"
                )?;
            }
        }
        print(&text)?;
        let well = looks.iter().all(|(_, look)| look.problems.is_empty());
        Ok(if well { Done::Well } else { Done::NeedsYou })
    }
}

fn account(name: &str) -> Result<String, String> {
    accounts::check(name)?;
    Ok(name.to_owned())
}

/// The path from the root. Links in it stay, since people lead them elsewhere; `..` does not.
pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let failed = || format!("cannot find {}", path.display());
    let absolute = std::path::absolute(path).with_context(failed)?;
    let climbs = absolute
        .components()
        .any(|part| part == Component::ParentDir);
    if climbs {
        return absolute.canonicalize().with_context(failed);
    }
    // Without a slash at its end.
    Ok(absolute.components().collect())
}
