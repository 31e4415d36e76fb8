//! The server behind a mount: what `mount` starts in the background, or becomes with `--foreground`.

use super::live::{Live, Work};
use super::pass::Basis;
use super::{Done, notify, past};
use crate::catalog::Catalog;
use crate::config::{AsOf, Config};
use crate::content::{self, Content};
use crate::fs::control::Control;
use crate::fs::daemon::{Events, Server};
use crate::fs::lock::Lock;
use crate::fs::log::{self, Log};
use crate::fs::mount::{Label, Mounted};
use crate::fs::mounts::{self, Health};
use crate::fs::options::Options;
use crate::fs::{Fs, Opens, Register, mount};
use crate::model::Part;
use crate::tree::{self, Tree};
use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;

/// What a server has to know, handed over as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    basis: Basis,
    /// The library is shown as of an earlier export. Then nothing is written but in the directory of this mount.
    as_of: Option<AsOf>,
    /// What the sources looked like before the pass that was made for this mount.
    seen: u64,
    cache_max_bytes: u64,
    min_free_bytes: u64,
    mountpoint: PathBuf,
    shown: tree::Options,
    xattrs: bool,
    options: Vec<String>,
    level: String,
    /// What the mount is called in the kernel's table, where mount(8) wants a name of its own.
    #[serde(default)]
    source: Option<String>,
}

fn settings(text: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[arg(value_parser = settings)]
    settings: Settings,
}

/// A mount and what goes with it.
struct Running {
    control: Control,
    /// None where what is shown stays as it is.
    live: Option<Live>,
    mounted: Mounted,
    events: Events,
}

/// What is shown: a tree, where its bytes are, and what its texts are made of.
pub(super) struct Stand {
    pub(super) settings: Settings,
    pub(super) tree: Arc<Tree>,
    pub(super) content: Arc<Content>,
    /// What the catalog says that the image was made of.
    pub(super) made_of: Option<String>,
    /// Only where something is shown that is made of it.
    catalog: Option<Arc<Mutex<Catalog>>>,
}

impl Serve {
    pub(super) fn new(
        (basis, seen): (Basis, u64),
        config: &Config,
        mountpoint: &Path,
        (shown, xattrs): (tree::Options, bool),
        options: &[String],
        level: &str,
    ) -> Serve {
        let settings = Settings {
            basis,
            as_of: None,
            seen,
            cache_max_bytes: config.cache_max_bytes,
            min_free_bytes: config.cache_min_free_bytes,
            mountpoint: mountpoint.into(),
            shown,
            xattrs,
            options: options.to_vec(),
            level: level.to_owned(),
            source: None,
        };
        Serve { settings }
    }

    /// The mount is to bear this name in the kernel's table.
    pub(super) fn bearing(mut self, source: Option<&str>) -> Serve {
        self.settings.source = source.map(str::to_owned);
        self
    }

    /// The library is to be shown as of an earlier export.
    pub(super) fn showing(mut self, as_of: Option<AsOf>) -> Serve {
        self.settings.as_of = as_of;
        self
    }

    pub(super) fn args(&self) -> anyhow::Result<Vec<String>> {
        let settings = serde_json::to_string(&self.settings).context("a path is not UTF-8")?;
        Ok(vec!["serve".into(), settings])
    }

    /// In the background, started by `mount`.
    pub(super) fn run(&self) -> anyhow::Result<Done> {
        let (server, handed) = Server::begin()?;
        let settings = &self.settings;
        let started = || -> anyhow::Result<(Lock, Running)> {
            let lock = Lock::inherit(handed, &settings.mountpoint)?;
            let state = settings.state_dir();
            let log = Log::open(state)
                .with_context(|| format!("cannot write a log in {}", state.display()))?;
            tracing::subscriber::set_global_default(log::subscriber(
                log,
                EnvFilter::new(&settings.level),
            ))?;
            Ok((lock, self.start()?))
        };
        match started() {
            Ok((lock, running)) => {
                server.ready()?;
                // Whoever listens to a service manager's socket here listens to somebody else.
                running.serve(lock, || {})
            }
            Err(error) => {
                tracing::error!("no mount: {error:#}");
                server.fail(&super::text_of(&error))?;
                // Told already, to the parent; printed here it would reach the parent once more.
                Ok(Done::NeedsYou)
            }
        }
    }

    /// In the foreground: the same, with the log on standard error.
    pub(super) fn foreground(&self, lock: Lock) -> anyhow::Result<Done> {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.settings.level))
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
            .finish();
        tracing::subscriber::set_global_default(subscriber)?;
        let running = self.start()?;
        running.answers()?;
        let at = running.mounted.mountpoint().display();
        notify::ready(&format!("mounted on {at}"));
        running.serve(lock, notify::stopping)
    }

    fn start(&self) -> anyhow::Result<Running> {
        let settings = &self.settings;
        let stand = plant(settings, None)?;
        let options = Options::parse(&settings.options)?;
        let (tree, content) = (Arc::clone(&stand.tree), Arc::clone(&stand.content));
        // Local archives need no open: the bytes of a stored entry lie where they lie.
        let fs = Fs::new(tree, content, stand.register(), &options, Opens::Untold)?
            .with_xattrs(settings.xattrs);
        let (counters, shown) = (fs.counters(), fs.shown());
        let events = Events::listen()?;
        let label = Label {
            state_dir: settings.state_dir(),
            source: settings.source.as_deref(),
        };
        let mounted = mount::mount(fs, &settings.mountpoint, &options, label, events.on_end())?;
        let (live, passer) = match &settings.as_of {
            // What was does not change.
            Some(_) => (None, None),
            None => {
                let work = Work {
                    basis: settings.basis.clone(),
                    shown,
                    stand,
                    seen: settings.seen,
                };
                let (live, passer) = Live::start(work)?;
                (Some(live), Some(passer))
            }
        };
        let state = settings.state_dir();
        let control = Control::serve(state, mounted.mountpoint(), counters, passer)?;
        tracing::info!("mounted on {}", mounted.mountpoint().display());
        Ok(Running {
            control,
            live,
            mounted,
            events,
        })
    }
}

type Open = fn(content::Settings, Vec<Part>, usize) -> std::io::Result<Content>;

impl Settings {
    /// Where log, lock and socket of the mount lie.
    fn state_dir(&self) -> &Path {
        let own = self.as_of.as_ref().map(|as_of| &as_of.state_dir);
        own.unwrap_or(&self.basis.state_dir)
    }
}

/// Makes of the catalog what a mount shows, next to what it shows so far.
pub(super) fn plant(settings: &Settings, before: Option<&Stand>) -> anyhow::Result<Stand> {
    let catalog = Catalog::peek(&settings.basis.state_dir)?.context("there is no catalog")?;
    // All of one moment.
    catalog.hold()?;
    let shown = settings.shown;
    let (basis, as_of) = (&settings.basis, settings.as_of.as_ref());
    let image = past::image(&catalog, as_of, &basis.places, shown.sidecars)?;
    let mut tree = Tree::plant(image, shown);
    let parts = catalog.parts()?;
    let parts = parts.into_iter().map(|known| known.part).collect();
    let made_of = catalog.image_made_of()?;
    if as_of.is_none() {
        // What was is read from the catalog as it is now, to the end of the mount.
        catalog.release()?;
    }
    let content = match before {
        Some(before) => {
            tree.carry(&before.tree);
            let same = tree.same_blobs(&before.tree);
            before.content.next(parts, tree.blobs(), same)
        }
        None => {
            let cache_dir = settings.basis.cache_dir.clone();
            let folders = content::Settings {
                cache_dir: cache_dir.clone(),
                cache_max_bytes: settings.cache_max_bytes,
                min_free_bytes: settings.min_free_bytes,
                state_dir: settings.basis.state_dir.clone(),
            };
            let open = as_of.map_or(Content::new as Open, |_| Content::guest);
            open(folders, parts, tree.blobs())
                .with_context(|| format!("cannot use the cache in {}", cache_dir.display()))?
        }
    };
    let asked = settings.xattrs || shown.sidecars.extent().is_some();
    Ok(Stand {
        settings: settings.clone(),
        tree: Arc::new(tree),
        content: Arc::new(content),
        made_of,
        catalog: asked.then(|| Arc::new(Mutex::new(catalog))),
    })
}

impl Stand {
    /// The catalog, for what is made of sidecars when it is read.
    pub(super) fn register(&self) -> Option<Register> {
        let catalog = Arc::clone(self.catalog.as_ref()?);
        Some(Register {
            path: self.settings.basis.state_dir.join(crate::catalog::FILE),
            look: Box::new(move |entry| {
                let catalog = catalog.lock().unwrap_or_else(PoisonError::into_inner);
                catalog.sidecar(entry).map_err(std::io::Error::other)
            }),
        })
    }

    /// Texts are made of what the catalog says now, whatever is written into it from now on.
    pub(super) fn hold(&self) -> anyhow::Result<()> {
        match &self.catalog {
            Some(catalog) => {
                let catalog = catalog.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(catalog.hold()?)
            }
            None => Ok(()),
        }
    }

    /// The end of that.
    pub(super) fn release(&self) {
        if let Some(catalog) = &self.catalog
            && let Err(error) = catalog
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .release()
        {
            tracing::warn!("the catalog is still held: {error}");
        }
    }
}

impl Running {
    /// Asks the mount itself, as anybody would.
    fn answers(&self) -> anyhow::Result<()> {
        let at = self.mounted.mountpoint();
        let health = mounts::at(at)?.map(|mount| mount.health());
        if health != Some(Health::Live) {
            bail!("the mount on {} does not answer", at.display());
        }
        Ok(())
    }

    /// Until the end. The lock goes when nothing is written any more, at the latest with the process.
    fn serve(self, lock: Lock, ending: impl FnOnce()) -> anyhow::Result<Done> {
        let ended = self.events.serve(self.mounted, ending);
        drop(self.control);
        if self.live.is_none_or(Live::end) {
            drop(lock);
        } else {
            std::mem::forget(lock);
        }
        tracing::info!("ended: {:?}", ended?);
        Ok(Done::Well)
    }
}
