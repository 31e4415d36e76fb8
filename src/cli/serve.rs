//! The server behind a mount: what `mount` starts in the background, or becomes with `--foreground`.

use super::{Done, notify};
use crate::catalog::Catalog;
use crate::config::{Config, Library};
use crate::content::{self, Content};
use crate::fs::control::Control;
use crate::fs::daemon::{Events, Server};
use crate::fs::lock::Lock;
use crate::fs::log::{self, Log};
use crate::fs::mount::{Label, Mounted};
use crate::fs::mounts::{self, Health};
use crate::fs::options::Options;
use crate::fs::{Fs, Opens, Register, mount};
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
struct Settings {
    state_dir: PathBuf,
    cache_dir: PathBuf,
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
    mounted: Mounted,
    events: Events,
}

impl Serve {
    pub(super) fn new(
        library: &Library,
        config: &Config,
        mountpoint: &Path,
        (shown, xattrs): (tree::Options, bool),
        options: &[String],
        level: &str,
    ) -> Serve {
        let settings = Settings {
            state_dir: library.state_dir.clone(),
            cache_dir: library.cache_dir.clone(),
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
            let log = Log::open(&settings.state_dir).with_context(|| {
                format!("cannot write a log in {}", settings.state_dir.display())
            })?;
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
                let ended = running.serve(|| {});
                drop(lock);
                ended
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
        let ended = running.serve(notify::stopping);
        drop(lock);
        ended
    }

    fn start(&self) -> anyhow::Result<Running> {
        let settings = &self.settings;
        let catalog = Catalog::peek(&settings.state_dir)?.context("there is no catalog")?;
        // Tree and texts are of one moment, whoever indexes something new while this is mounted.
        catalog.hold()?;
        let shown = settings.shown;
        let tree = Arc::new(Tree::plant(catalog.image_with(shown.sidecars)?, shown));
        let parts = catalog
            .parts()?
            .into_iter()
            .map(|known| known.part)
            .collect();
        let asked = settings.xattrs || shown.sidecars.extent().is_some();
        let register = asked.then(|| register(catalog, &settings.state_dir));
        let content = content::Settings {
            cache_dir: settings.cache_dir.clone(),
            cache_max_bytes: settings.cache_max_bytes,
            min_free_bytes: settings.min_free_bytes,
            state_dir: settings.state_dir.clone(),
        };
        let content = Content::new(content, parts, tree.blobs())
            .with_context(|| format!("cannot use the cache in {}", settings.cache_dir.display()))?;
        let options = Options::parse(&settings.options)?;
        // Local archives need no open: the bytes of a stored entry lie where they lie.
        let fs = Fs::new(tree, Arc::new(content), register, &options, Opens::Untold)?
            .with_xattrs(settings.xattrs);
        let counters = fs.counters();
        let events = Events::listen()?;
        let label = Label {
            state_dir: &settings.state_dir,
            source: settings.source.as_deref(),
        };
        let mounted = mount::mount(fs, &settings.mountpoint, &options, label, events.on_end())?;
        let control = Control::serve(&settings.state_dir, mounted.mountpoint(), counters)?;
        tracing::info!("mounted on {}", mounted.mountpoint().display());
        Ok(Running {
            control,
            mounted,
            events,
        })
    }
}

/// The catalog, for what is made of sidecars when it is read.
fn register(catalog: Catalog, state_dir: &Path) -> Register {
    let catalog = Mutex::new(catalog);
    Register {
        path: state_dir.join(crate::catalog::FILE),
        look: Box::new(move |entry| {
            let catalog = catalog.lock().unwrap_or_else(PoisonError::into_inner);
            catalog.sidecar(entry).map_err(std::io::Error::other)
        }),
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

    fn serve(self, ending: impl FnOnce()) -> anyhow::Result<Done> {
        let ended = self.events.serve(self.mounted, ending)?;
        drop(self.control);
        tracing::info!("ended: {ended:?}");
        Ok(Done::Well)
    }
}
