//! `gphotosfs forget`.

use super::live::Ended;
use super::{Common, Done, ask, find, past, print, print_json, tell};
use crate::catalog::Catalog;
use crate::config::{AsOf, Config, Decisions, Forgotten, Places};
use crate::fs::control;
use crate::fs::lock::{self, Lock};
use crate::fs::mounts;
use crate::sync::project::Terms;
use crate::sync::{self, relayout};
use crate::tree::image::{Hidden, Image};
use crate::tree::{Links, Options, Tree};
use anyhow::{Context, bail};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = "Example:
  gphotosfs forget --gone --dry-run
  gphotosfs forget ~/photos/by-date/2023/2023-07/IMG_20230714_101112.jpg
  gphotosfs forget --yes by-date/2019/2019-02

Forgotten photos are not shown any more, and keep their names from others. Nothing in an archive is touched. The decision
is written into decisions.toml; a photo whose table is taken out of it is shown again after the next sync or mount.";

/// How many paths are shown before the question.
const SHOWN: usize = 20;

/// Takes photos out of view: those that are gone from Google, or those at or below paths.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Forget {
    /// All that a later full export lacks, or holds in the trash or the locked folder alone
    #[arg(long, conflicts_with = "paths")]
    gone: bool,
    /// The library of these sources
    #[arg(long, value_name = "PATH")]
    takeout: Vec<PathBuf>,
    /// The demo's library
    #[arg(long, conflicts_with = "takeout")]
    demo: bool,
    /// List what would be forgotten, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Files or directories in a mount, or below the root of the library as in by-date/2019. With an original go its
    /// edited copy and its clip
    #[arg(value_name = "PATH", required_unless_present = "gone")]
    paths: Vec<PathBuf>,
}

/// A library, and what of it is to be forgotten.
struct Chosen {
    image: Image,
    tree: Tree,
    /// Numbers of the files that are shown.
    photos: BTreeSet<u32>,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Paths below the mountpoint.
    paths: Vec<String>,
    /// Photos and videos.
    count: u64,
    /// Their bytes.
    bytes: u64,
    /// It is decided.
    done: bool,
    /// Nothing shows them any more.
    applied: bool,
}

impl Forget {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let state = self.state(common, &places, &config)?;
        let catalog = past::catalog(&state)?;
        let deciding = past::Deciding::of(&state, &places)?;
        let chosen = self.choose(&catalog, &state)?;
        let mut report = chosen.report();
        if report.count == 0 || self.dry_run {
            return self.end(&report, None);
        }
        if !self.json {
            print(&listed(&report, SHOWN)?)?;
        }
        if !self.yes {
            let count = report.count;
            ask::ask(
                count,
                &format!("{count} photos and videos would be forgotten; say --yes to forget them"),
                &format!("Type the number of photos and videos to forget, {count}:"),
            )?;
        }
        let mut decisions = Decisions::load(&places.decisions(&state))?;
        decisions.take_over(&state)?;
        decisions.forget(&chosen.contents(&catalog)?)?;
        report.done = true;
        let terms = Terms {
            decided: decisions.decided(),
            ..deciding.terms()
        };
        let in_the_way = apply(&state, terms)?;
        report.applied = in_the_way.is_none();
        self.end(&report, Some(&places.decisions(&state)))?;
        Ok(match in_the_way {
            None => Done::Well,
            Some(why) => {
                tell(&format!(
                    "still in view: {why}; `gphotosfs sync` takes them out of it"
                ));
                Done::NeedsYou
            }
        })
    }

    /// The library that is meant: that of the mount which holds the paths, else as for other commands.
    fn state(&self, common: &Common, places: &Places, config: &Config) -> anyhow::Result<PathBuf> {
        let mut of_mounts = BTreeSet::new();
        for path in &self.paths {
            of_mounts.extend(mount_of(path)?.map(|(state, _)| state));
        }
        match (of_mounts.len(), of_mounts.pop_first()) {
            (1, Some(state)) => Ok(state),
            (0, _) => {
                let takeout = &self.takeout;
                find::state_dir(common, places, Some(config), None, takeout, self.demo)
            }
            _ => bail!("these paths are in mounts of several libraries"),
        }
    }

    fn choose(&self, catalog: &Catalog, state: &Path) -> anyhow::Result<Chosen> {
        let shown: Options = catalog
            .meta("shown")?
            .map(|text| serde_json::from_str(&text))
            .transpose()?
            .unwrap_or_default();
        let image = catalog.image_with(shown.sidecars)?;
        // A path that leads to a link means the photo.
        let links = Links::Hard;
        let tree = Tree::plant(image.clone(), Options { links, ..shown });
        let mut photos = BTreeSet::new();
        if self.gone {
            photos = image.gone();
        }
        for path in &self.paths {
            let found = photos_at(path, &image, &tree, state)?;
            if found.is_empty() {
                bail!("there are no photos in {}", path.display());
            }
            photos.extend(found);
        }
        if !self.gone {
            image.add_followers(&mut photos);
        }
        photos.retain(|photo| {
            let hidden = image.file(*photo).map(|file| file.hidden);
            !matches!(hidden, None | Some(Hidden::Forgotten | Hidden::Older))
        });
        Ok(Chosen {
            image,
            tree,
            photos,
        })
    }

    fn end(&self, report: &Report, decisions: Option<&Path>) -> anyhow::Result<Done> {
        if self.json {
            print_json(report)?;
        } else {
            print(&self.text(report, decisions)?)?;
        }
        Ok(Done::Well)
    }

    fn text(&self, report: &Report, decisions: Option<&Path>) -> Result<String, fmt::Error> {
        let Some(decisions) = decisions else {
            if report.count == 0 {
                return Ok("nothing to forget\n".to_owned());
            }
            return Ok(listed(report, usize::MAX)? + "nothing is changed\n");
        };
        let mut text = String::from("forgotten\n");
        writeln!(
            text,
            "to show one again, take its table out of {}",
            decisions.display()
        )?;
        Ok(text)
    }
}

/// The state directory of the library, and the mountpoint of the mount that holds a path; `None` for a path in none.
fn mount_of(path: &Path) -> anyhow::Result<Option<(PathBuf, PathBuf)>> {
    if !path.exists() {
        return Ok(None);
    }
    let mount = mounts::holding(path)?;
    Ok(mount.and_then(|mount| {
        let library = AsOf::library_of(mount.state_dir()?);
        Some((library, mount.mountpoint))
    }))
}

/// Numbers of the photos at or below a path.
fn photos_at(
    path: &Path,
    image: &Image,
    tree: &Tree,
    state: &Path,
) -> anyhow::Result<BTreeSet<u32>> {
    let number = |ino: u64| Some(image.shown(image.number(ino)?));
    let mut below = path.to_owned();
    if let Some((of, mountpoint)) = mount_of(path)? {
        if of != state {
            bail!("{} is in the mount of another library", path.display());
        }
        // A file is known by its number, whatever it is called where it is mounted.
        let meta = std::fs::metadata(path)
            .with_context(|| format!("cannot look at {}", path.display()))?;
        if !meta.is_dir() {
            let photo = tree
                .beside(meta.ino())
                .map_or(meta.ino(), |(photo, _)| photo);
            return Ok(number(photo).into_iter().collect());
        }
        let resolved = path
            .canonicalize()
            .with_context(|| format!("cannot look at {}", path.display()))?;
        below = resolved
            .strip_prefix(&mountpoint)
            .unwrap_or(&resolved)
            .into();
    }
    let found = tree.at(below.as_os_str().as_bytes()).with_context(|| {
        let path = path.display();
        format!("{path} is neither in a mount nor a path below the root of the library, such as by-date/2019")
    })?;
    Ok(tree
        .photos_at(found.ino)
        .into_iter()
        .filter_map(number)
        .collect())
}

impl Chosen {
    fn path(&self, photo: u32) -> String {
        let file = self.image.file(photo);
        file.and_then(|file| self.tree.path(file.ino))
            .unwrap_or_default()
    }

    fn report(&self) -> Report {
        let files = self
            .photos
            .iter()
            .filter_map(|photo| self.image.file(*photo));
        let mut paths: Vec<String> = self.photos.iter().map(|photo| self.path(*photo)).collect();
        paths.sort();
        Report {
            count: paths.len() as u64,
            paths,
            bytes: files.map(|file| file.size).sum(),
            done: false,
            applied: false,
        }
    }

    /// All versions of the photos: in no export is one of them to come into view again.
    fn contents(&self, catalog: &Catalog) -> anyhow::Result<Vec<Forgotten>> {
        let versions: BTreeMap<u32, u32> = self.image.versions(&self.photos);
        let keys = sync::forget::keys(catalog, &self.image, versions.keys().copied())?;
        let account = |photo: u32| self.tree.account(self.image.file(photo)?.ino);
        let contents = versions.values().zip(keys).map(|(shown, key)| Forgotten {
            path: self.path(*shown),
            account: account(*shown).map(str::to_owned),
            key,
        });
        Ok(contents.collect())
    }
}

/// Makes the tree anew, or has the server make it that has the library mounted. Gives what stood in the way.
fn apply(state: &Path, terms: Terms<'_>) -> anyhow::Result<Option<String>> {
    let lock = match Lock::take(state, Path::new("")) {
        Ok(lock) => lock,
        Err(lock::Error::Busy(_)) => return by_mount(state),
        Err(error) => return Err(error.into()),
    };
    let mut catalog = Catalog::open(state)?;
    if let Some(damage) = catalog.damage() {
        return Ok(Some(damage.to_string()));
    }
    relayout::change(&mut catalog, terms)?;
    drop(lock);
    Ok(None)
}

fn by_mount(state: &Path) -> anyhow::Result<Option<String>> {
    Ok(match control::pass(state, &[]) {
        Ok(Some(ended)) => match serde_json::from_str(&ended)? {
            Ended::Done(_) => None,
            Ended::Failed(why) => Some(why),
        },
        Ok(None) => Some("another process works on the library".to_owned()),
        Err(error) => Some(format!("the mount has ended meanwhile: {error}")),
    })
}

fn listed(report: &Report, most: usize) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for path in report.paths.iter().take(most) {
        writeln!(text, "  {path}")?;
    }
    let more = report.paths.len().saturating_sub(most);
    if more > 0 {
        writeln!(text, "  and {more} more; --dry-run lists them all")?;
    }
    writeln!(
        text,
        "{} photos and videos, {}, are out of view then; nothing in an archive is touched",
        HumanCount(report.count),
        BinaryBytes(report.bytes)
    )?;
    Ok(text)
}
