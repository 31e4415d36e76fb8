//! `gphotosfs mount`.

use super::pass::Basis;
use super::serve::Serve;
use super::{Common, Done, Names, name_max, pass, past, tell};
use crate::catalog::Catalog;
use crate::config::{AsOf, Config, Library, Places};
use crate::fs::lock::Lock;
use crate::fs::options::Options;
use crate::fs::{check, daemon};
use crate::{demo, tree};
use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Examples:
  gphotosfs mount ~/photos
  gphotosfs mount --demo ~/photos
  gphotosfs mount --takeout ~/Downloads/takeout ~/photos
  gphotosfs mount --takeout a.zip --takeout b.zip -o allow_other /mnt/photos

Mount options (-o): ro, allow_other, allow_root, umask=OCTAL, uid=NUMBER, gid=NUMBER, noatime, noexec.";

const NO_SOURCES: &str = "nothing to mount yet.
  To see how it looks:  gphotosfs mount --demo MOUNTPOINT
  Your own photos:      at https://takeout.google.com choose Google Photos alone, as zip, and download
                        all parts into one folder; then  gphotosfs add takeout FOLDER
                                                         gphotosfs mount MOUNTPOINT
                        or, without a configuration,     gphotosfs mount --takeout FOLDER MOUNTPOINT";

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
    /// Nothing, whatever the configuration says
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sidecars {
    /// XMP (NAME.EXT.xmp) with description, people, favourite and corrected place, beside photos that have such
    Auto,
    /// XMP beside every photo, with date and albums too
    Xmp,
    /// Google's own (NAME.EXT.json), byte for byte
    Json,
    /// XMP beside every photo and Google's own
    Both,
    /// Photos and videos alone
    None,
}

impl From<Sidecars> for crate::tree::Sidecars {
    fn from(chosen: Sidecars) -> crate::tree::Sidecars {
        match chosen {
            Sidecars::Auto => crate::tree::Sidecars::Auto,
            Sidecars::Xmp => crate::tree::Sidecars::Xmp,
            Sidecars::Json => crate::tree::Sidecars::Json,
            Sidecars::Both => crate::tree::Sidecars::Both,
            Sidecars::None => crate::tree::Sidecars::None,
        }
    }
}

/// Indexes what is new, mounts the library, and returns when the mount answers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Mount {
    /// An archive, a folder with the parts of exports, or an unpacked Takeout; may be given several times. In place of
    /// the configured sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// Mount a small library that comes with the program
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// How albums, people and favorites show a photo [default: as configured, else hard]
    #[arg(long, value_enum)]
    links: Option<Links>,
    /// Which documents stand beside the photos in by-date [default: as configured, else auto]
    #[arg(long, value_enum, value_name = "WHICH")]
    sidecars: Option<Sidecars>,
    /// Tell what is known of a photo in extended attributes (user.gphotos.*); backup tools then ask for them file by file
    #[arg(long)]
    xattrs: bool,
    /// Show what is left out by default [default: as configured]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    include: Vec<Include>,
    /// Where names are to be legal. This renames what is not, in every copy: set it in the configuration, or always give it
    /// [default: posix]
    #[arg(long, value_enum, value_name = "SYSTEM")]
    names: Option<Names>,
    /// Longest name in bytes, 64 to 255. This renames what is longer [default: 255]
    #[arg(long, value_parser = name_max, value_name = "BYTES")]
    name_max: Option<u8>,
    /// Show an export although parts are missing or damaged; STAMP as in the parts' names
    #[arg(long, value_name = "STAMP")]
    accept_incomplete: Vec<String>,
    /// Show the library as it was as of this export: a mount of its own, also beside the running one; STAMP as in the parts'
    /// names
    #[arg(long, value_name = "STAMP", conflicts_with_all = ["accept_incomplete", "names", "name_max"])]
    as_of: Option<String>,
    /// Mount options, added to the configured ones
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
        let places = common.places()?;
        let config = self.with_names(common.load(&places)?)?;
        let lists = self.options(&config)?;
        let options = Options::parse(&lists)?;
        let library = self.library(&places, &config)?;
        let mountpoint = check::ready(&self.mountpoint, &options)?;
        let as_of = self.past(&library, &mountpoint)?;
        let state = as_of
            .as_ref()
            .map_or(&library.state_dir, |as_of| &as_of.state_dir);
        make_dir(state)?;
        let lock = Lock::take(state, &mountpoint)?;
        let shown = self.shown(&config);
        let basis = self.basis(places, &config, &library);
        let seen = basis.seen();
        if as_of.is_none() {
            self.sync(common, &config, &library, shown)?;
        }
        let log = state.join(crate::fs::log::NAME);
        let serve = Serve::new(
            (basis, seen),
            &config,
            &mountpoint,
            (shown, self.xattrs || config.mount.xattrs),
            &lists,
            common.level(),
        )
        .bearing(self.source.as_deref())
        .showing(as_of);
        if self.foreground {
            return serve.foreground(lock);
        }
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

    /// The export as of which the library is to be shown, if one is named. The catalog must know it.
    fn past(&self, library: &Library, mountpoint: &Path) -> anyhow::Result<Option<AsOf>> {
        let Some(stamp) = &self.as_of else {
            return Ok(None);
        };
        crate::sync::past::check(&past::catalog(&library.state_dir)?, stamp)?;
        Ok(Some(AsOf::new(&library.state_dir, stamp, mountpoint)))
    }

    /// What later passes are made with, in the server.
    fn basis(&self, places: Places, config: &Config, library: &Library) -> Basis {
        let given = self.demo || !self.takeout.is_empty();
        Basis {
            places,
            sources: given.then(|| library.sources.clone()),
            state_dir: library.state_dir.clone(),
            cache_dir: library.cache_dir.clone(),
            names: self.names.map(Into::into),
            name_max: self.name_max,
            live: config.live,
        }
    }

    /// The configuration with the form of names that flags ask for.
    fn with_names(&self, mut config: Config) -> anyhow::Result<Config> {
        let layout = &mut config.layout;
        if let Some(names) = self.names {
            layout.names = names.into();
        }
        layout.name_max = self.name_max.unwrap_or(layout.name_max);
        config.rules = layout.fold().map_err(|what| anyhow!(what))?;
        Ok(config)
    }

    fn library(&self, places: &Places, config: &Config) -> anyhow::Result<Library> {
        if self.demo {
            let library = places.demo();
            for folder in &library.sources {
                demo::make(folder)
                    .with_context(|| format!("cannot make the demo in {}", folder.display()))?;
            }
            return Ok(library);
        }
        if !self.takeout.is_empty() {
            return Ok(places.library(&self.takeout));
        }
        if config.sources.is_empty() {
            bail!(NO_SOURCES);
        }
        Ok(places.configured(&config.sources))
    }

    /// Flags, where they are given, before the configuration.
    fn shown(&self, config: &Config) -> tree::Options {
        let given = |what, configured| match self.include.as_slice() {
            [] => configured,
            given => given.contains(&what),
        };
        tree::Options {
            links: match self.links {
                None => config.mount.links,
                Some(Links::Hard) => tree::Links::Hard,
                Some(Links::Symlink) => tree::Links::Symlink,
            },
            trash: given(Include::Trash, config.mount.trash),
            locked: given(Include::Locked, config.mount.locked),
            sidecars: self.sidecars.map_or(config.mount.sidecars, Into::into),
        }
    }

    /// The configured mount options and those of the command line, of which the later count where they disagree.
    fn options(&self, config: &Config) -> anyhow::Result<Vec<String>> {
        let configured = &config.mount.options;
        Options::parse(configured)
            .with_context(|| format!("{}: mount.options", config.path.display()))?;
        Ok(configured.iter().chain(&self.options).cloned().collect())
    }

    fn sync(
        &self,
        common: &Common,
        config: &Config,
        library: &Library,
        shown: tree::Options,
    ) -> anyhow::Result<()> {
        let mut catalog = Catalog::open(&library.state_dir)?;
        let outcome = pass::pass(
            common,
            config,
            library,
            &mut catalog,
            &self.accept_incomplete,
            self.foreground,
        )?;
        catalog.set_meta("shown", &serde_json::to_string(&shown)?)?;
        let moved = outcome.moves.as_ref().map_or(&[][..], |moves| &moves.paths);
        for line in pass::moved(moved) {
            tell(&format!("note: {line}"));
        }
        for problem in &outcome.problems {
            tell(&format!("note: {problem}"));
        }
        Ok(())
    }
}

/// A directory for its owner alone: names of photos and people are nobody else's.
pub(super) fn make_dir(path: &Path) -> anyhow::Result<()> {
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
