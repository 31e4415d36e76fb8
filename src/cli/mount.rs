//! `gphotosfs mount`.

use super::serve::Serve;
use super::{Common, Done, progress, tell};
use crate::catalog::Catalog;
use crate::config::{Config, Decisions, Library, Places};
use crate::fs::lock::Lock;
use crate::fs::options::Options;
use crate::fs::{check, daemon};
use crate::{demo, sync};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Examples:
  gphotosfs mount --demo ~/photos
  gphotosfs mount --takeout ~/Downloads/takeout ~/photos
  gphotosfs mount --takeout a.zip --takeout b.zip -o allow_other /mnt/photos

Mount options (-o): ro, allow_other, allow_root, umask=OCTAL, uid=NUMBER, gid=NUMBER, noatime, noexec.";

const NO_SOURCES: &str = "nothing to mount yet.
  To see how it looks:  gphotosfs mount --demo MOUNTPOINT
  Your own photos:      at https://takeout.google.com choose Google Photos alone, as zip, and download
                        all parts into one folder; then  gphotosfs mount --takeout FOLDER MOUNTPOINT";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Links {
    /// Albums, people and favorites hold further hard links of the files in by-date
    Hard,
    /// They hold symbolic links
    Symlink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Include {
    /// What is in the trash
    Trash,
    /// What is in the locked folder
    Locked,
}

/// Indexes what is new, mounts the library, and returns when the mount answers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Mount {
    /// An archive, a folder with the parts of exports, or an unpacked Takeout; may be given several times
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// Mount a small library that comes with the program
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// How albums, people and favorites show a photo
    #[arg(long, value_enum, default_value = "hard")]
    links: Links,
    /// Show what is left out by default
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    include: Vec<Include>,
    /// Show an export although parts are missing or damaged; STAMP as in the parts' names
    #[arg(long, value_name = "STAMP")]
    accept_incomplete: Vec<String>,
    /// Mount options
    #[arg(short = 'o', value_name = "OPTIONS")]
    options: Vec<String>,
    /// Stay in the foreground and log to standard error
    #[arg(short, long)]
    foreground: bool,
    /// An empty directory
    #[arg(value_name = "MOUNTPOINT")]
    mountpoint: PathBuf,
    /// The source that mount(8) gave; it stands in the kernel's table then, and a mount is no news
    #[arg(skip)]
    source: Option<String>,
}

impl Mount {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let config = common.load()?;
        let places = common.places()?;
        let options = Options::parse(&self.options)?;
        let library = self.library(&places)?;
        let mountpoint = check::ready(&self.mountpoint, &options)?;
        make_dir(&library.state_dir)?;
        let lock = Lock::take(&library.state_dir, &mountpoint)?;
        self.sync(common, &config, &library)?;
        let serve = Serve::new(
            &library,
            &config,
            &mountpoint,
            self.shown(),
            &self.options,
            common.level(),
        )
        .bearing(self.source.as_deref());
        if self.foreground {
            return serve.foreground(lock);
        }
        let log = library.state_dir.join(crate::fs::log::NAME);
        let started = daemon::spawn(&serve.args()?, lock.hand_over()?, log)?;
        drop(lock);
        if !started.said.is_empty() {
            tell(&started.said);
        }
        std::fs::metadata(&mountpoint)
            .with_context(|| format!("the mount on {} does not answer", mountpoint.display()))?;
        if !common.quiet && self.source.is_none() {
            let at = mountpoint.display();
            super::print(&format!(
                "mounted on {at}\nunmount with: gphotosfs unmount {at}\n"
            ))?;
        }
        Ok(Done::Well)
    }

    /// mount(8) asks for it, with this source.
    pub(super) fn called_by_mount(&mut self, source: &str) {
        self.source = Some(source.into());
    }

    fn library(&self, places: &Places) -> anyhow::Result<Library> {
        if self.demo {
            let library = places.demo();
            for folder in &library.sources {
                demo::make(folder)
                    .with_context(|| format!("cannot make the demo in {}", folder.display()))?;
            }
            return Ok(library);
        }
        if self.takeout.is_empty() {
            bail!(NO_SOURCES);
        }
        Ok(places.library(&self.takeout))
    }

    fn shown(&self) -> crate::tree::Options {
        crate::tree::Options {
            links: match self.links {
                Links::Hard => crate::tree::Links::Hard,
                Links::Symlink => crate::tree::Links::Symlink,
            },
            trash: self.include.contains(&Include::Trash),
            locked: self.include.contains(&Include::Locked),
        }
    }

    fn sync(&self, common: &Common, config: &Config, library: &Library) -> anyhow::Result<()> {
        let mut decisions = Decisions::load(&library.state_dir)?;
        decisions.accept(&self.accept_incomplete)?;
        let mut catalog = Catalog::open(&library.state_dir)?;
        let counted = sync::Progress::default();
        let pass = sync::Pass {
            sources: &library.sources,
            accepted: decisions.accepted(),
            rules: &config.rules,
            progress: &counted,
        };
        let outcome = progress::show(&counted, common.quiet, self.foreground, || {
            sync::sync(&mut catalog, &pass)
        })??;
        catalog.set_meta("shown", &serde_json::to_string(&self.shown())?)?;
        for problem in &outcome.problems {
            tell(&format!("note: {problem}"));
        }
        Ok(())
    }
}

/// A directory for its owner alone: names of photos and people are nobody else's.
fn make_dir(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| {
            format!(
                "cannot make the state directory {}; give another with --state-dir",
                path.display()
            )
        })
}
