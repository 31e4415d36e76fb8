//! Where things lie: the configuration file, state and cache, and the libraries below them.
//!
//! There are two sets of places, a user's (XDG) and the system's ([`Places::system`]). The system's are meant with
//! `--system`, and by root who has no configuration of their own where `/etc/gphotosfs/config.toml` is there: so a
//! mount from fstab, which has no environment, finds them, and so does `gphotosfs status` in root's shell. Whatever is
//! given one by one, by a flag or the environment, goes before either set. A systemd unit for a user of its own says
//! `GPHOTOSFS_CONFIG=%E/gphotosfs/config.toml GPHOTOSFS_STATE_DIR=%S/gphotosfs GPHOTOSFS_CACHE_DIR=%C/gphotosfs`, which
//! are the same places; systemd's own `STATE_DIRECTORY` is not read, since it may be a list.

use super::accounts::Accounts;
use super::{Error, Source, decisions};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where a system service is configured. In the documentation, and in units and fstabs of users: not to be changed.
const SYSTEM_CONFIG: &str = "/etc/gphotosfs/config.toml";
/// Where its state lies; as above.
const SYSTEM_STATE: &str = "/var/lib/gphotosfs";
/// Where its cache lies; as above.
const SYSTEM_CACHE: &str = "/var/cache/gphotosfs";

/// The folder of the configured library, whatever its sources are: adding one keeps the catalog. Another name would
/// let every user index anew and forget what they accepted.
const CONFIGURED: &str = "library";

/// What flags and the environment say of places.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// The configuration file, which must then exist.
    pub config: Option<&'a Path>,
    /// Where state lies.
    pub state: Option<&'a Path>,
    /// Where the cache lies.
    pub cache: Option<&'a Path>,
    /// The system's places are meant.
    pub system: bool,
}

/// Where configuration, state and cache lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The configuration file.
    pub config: PathBuf,
    /// It was named, so it must exist.
    pub config_given: bool,
    /// Catalogs and logs, one folder per library.
    pub state: PathBuf,
    /// Bytes that can be had again.
    pub cache: PathBuf,
}

fn base() -> Result<impl BaseStrategy, Error> {
    etcetera::choose_base_strategy().map_err(|_| Error::NoHome)
}

impl Places {
    /// The places that are given, and for the others the system's or the user's, as the header of this room says.
    /// Relative ones are taken from the working directory.
    ///
    /// # Errors
    /// [`Error::NoHome`] where a user's are needed and there is no home directory.
    pub fn find(given: &Given<'_>) -> Result<Places, Error> {
        if given.system || (given.config.is_none() && Places::is_system()) {
            return Ok(Places::system().with(given));
        }
        // Whoever gives all three needs no home.
        if let (Some(config), Some(state), Some(cache)) = (given.config, given.state, given.cache) {
            let [config, state, cache] = [config, state, cache].map(Path::to_owned);
            let places = Places {
                config,
                config_given: true,
                state,
                cache,
            };
            return Ok(places.with(given));
        }
        Ok(Places::user()?.with(given))
    }

    /// A user's own places.
    ///
    /// # Errors
    /// [`Error::NoHome`].
    pub fn user() -> Result<Places, Error> {
        let base = base()?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Places {
            config: base.config_dir().join("gphotosfs/config.toml"),
            config_given: false,
            state: state.join("gphotosfs"),
            cache: base.cache_dir().join("gphotosfs"),
        })
    }

    /// The places of a system service: `/etc/gphotosfs/config.toml`, `/var/lib/gphotosfs`, `/var/cache/gphotosfs`.
    pub fn system() -> Places {
        Places {
            config: SYSTEM_CONFIG.into(),
            config_given: false,
            state: SYSTEM_STATE.into(),
            cache: SYSTEM_CACHE.into(),
        }
    }

    /// Whether the system's places are meant where nothing is said: by root without a configuration of their own, when
    /// there is one of the system.
    pub fn is_system() -> bool {
        let own = || Places::user().is_ok_and(|user| user.config.exists());
        nix::unistd::geteuid().is_root() && Path::new(SYSTEM_CONFIG).exists() && !own()
    }

    fn with(mut self, given: &Given<'_>) -> Places {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        if let Some(config) = given.config {
            self.config = absolute(config);
            self.config_given = true;
        }
        if let Some(state) = given.state {
            self.state = absolute(state);
        }
        if let Some(cache) = given.cache {
            self.cache = absolute(cache);
        }
        self
    }

    /// The library of the sources in the configuration.
    pub fn configured(&self, sources: &[Source]) -> Library {
        let paths = sources.iter().map(|source| source.path.clone());
        Library {
            accounts: Accounts::of(sources),
            ..self.named(CONFIGURED, paths.collect())
        }
    }

    /// The library made of a set of sources on a command line, in whatever order they are given.
    pub fn library(&self, sources: &[PathBuf]) -> Library {
        let mut sources: Vec<PathBuf> = sources
            .iter()
            .map(|path| {
                path.canonicalize()
                    .or_else(|_| std::path::absolute(path))
                    .unwrap_or_else(|_| path.clone())
            })
            .collect();
        sources.sort();
        sources.dedup();
        let mut sha = Sha256::new();
        for source in &sources {
            sha.update(source.as_os_str().as_bytes());
            sha.update([0]);
        }
        let key = data_encoding::HEXLOWER.encode(&sha.finalize()[..6]);
        self.named(&format!("takeout-{key}"), sources)
    }

    /// The demo's library.
    pub fn demo(&self) -> Library {
        self.named("demo", vec![self.cache.join("demo/takeout")])
    }

    fn named(&self, name: &str, sources: Vec<PathBuf>) -> Library {
        let state_dir = self.state.join(name);
        Library {
            decisions: self.decisions(&state_dir),
            state_dir,
            cache_dir: self.cache.join(name),
            sources,
            accounts: Accounts::default(),
        }
    }

    /// Where the decisions on the library of a state directory lie: those on the configured one beside the configuration,
    /// with the name of that before their own where it has a name of its own, others in the state directory.
    pub fn decisions(&self, state_dir: &Path) -> PathBuf {
        if state_dir != self.state.join(CONFIGURED) {
            return state_dir.join(decisions::FILE);
        }
        let name = self.config.file_stem().unwrap_or_default();
        if name == "config" {
            return self.config.with_file_name(decisions::FILE);
        }
        let mut file = name.to_owned();
        file.push(".");
        file.push(decisions::FILE);
        self.config.with_file_name(file)
    }

    /// State directories of the libraries that have a catalog.
    pub fn known(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.state) else {
            return Vec::new();
        };
        let mut known: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        known.retain(|path| path.join(crate::catalog::FILE).exists());
        known.sort();
        known
    }
}

/// In the state directory of a library: a directory for each mount that shows it as of an earlier export.
const AS_OF: &str = "as-of";

/// A mount that shows a library as of one of its exports. It has a directory of its own for lock, log and socket, since
/// it stands beside the mount that shows the library as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// The state directory of the library.
    pub library: PathBuf,
    /// Its own, below that.
    pub state_dir: PathBuf,
    /// The stamp of the export.
    pub stamp: String,
}

impl AsOf {
    /// That of a mount that is to be.
    pub fn new(library: &Path, stamp: &str, mountpoint: &Path) -> AsOf {
        let sha = Sha256::digest(mountpoint.as_os_str().as_bytes());
        let name = format!("{stamp}-{}", data_encoding::HEXLOWER.encode(&sha[..6]));
        AsOf {
            library: library.into(),
            state_dir: library.join(AS_OF).join(name),
            stamp: stamp.into(),
        }
    }

    /// That of a mount by the state directory it tells; `None` where it shows a library as it is.
    pub fn of(state_dir: &Path) -> Option<AsOf> {
        let above = state_dir.parent()?;
        if above.file_name()? != AS_OF {
            return None;
        }
        let (stamp, _) = state_dir.file_name()?.to_str()?.rsplit_once('-')?;
        Some(AsOf {
            library: above.parent()?.into(),
            state_dir: state_dir.into(),
            stamp: stamp.into(),
        })
    }

    /// The state directory of the library that a mount shows, by the one it tells.
    pub fn library_of(state_dir: PathBuf) -> PathBuf {
        AsOf::of(&state_dir).map_or(state_dir, |as_of| as_of.library)
    }
}

/// One library: its sources, and where its state and cache lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Catalog, log and lock.
    pub state_dir: PathBuf,
    /// Cached bytes.
    pub cache_dir: PathBuf,
    /// What the user decided.
    pub decisions: PathBuf,
    /// Archives and folders.
    pub sources: Vec<PathBuf>,
    /// Whose they are. Only a configuration says so.
    pub accounts: Accounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given<'a>(state: &'a str, cache: &'a str, system: bool) -> Given<'a> {
        Given {
            config: Some(Path::new("c.toml")),
            state: Some(Path::new(state)),
            cache: Some(Path::new(cache)),
            system,
        }
    }

    #[test]
    fn a_library_is_its_set_of_sources() {
        let places = Places::find(&given("/s", "/c", false)).unwrap();
        let (a, b) = (PathBuf::from("/x/a"), PathBuf::from("/x/b"));
        assert_eq!(
            places.library(&[a.clone(), b.clone()]),
            places.library(&[b.clone(), a.clone(), a.clone()])
        );
        assert_ne!(
            places.library(std::slice::from_ref(&a)).state_dir,
            places.library(std::slice::from_ref(&b)).state_dir
        );
        // The configured one is the same library whatever its sources are.
        let source = |path: &PathBuf| Source {
            kind: crate::config::Kind::Takeout,
            path: path.clone(),
            account: None,
        };
        let one = places.configured(&[source(&a)]);
        let two = places.configured(&[source(&a), source(&b)]);
        assert_eq!(one.state_dir, two.state_dir);
        assert_eq!(one.state_dir, Path::new("/s/library"));
    }

    #[test]
    fn a_mount_of_the_past_is_known_by_its_directory() {
        let library = Path::new("/s/library");
        let as_of = AsOf::new(library, "20260913T041200Z", Path::new("/mnt/p"));
        assert_eq!(AsOf::of(&as_of.state_dir), Some(as_of.clone()));
        assert_eq!(AsOf::library_of(as_of.state_dir.clone()), library);
        let other = AsOf::new(library, "20260913T041200Z", Path::new("/mnt/q"));
        assert_ne!(as_of.state_dir, other.state_dir);
        assert_eq!(AsOf::of(library), None);
        assert_eq!(AsOf::library_of(library.into()), library);
    }

    #[test]
    fn decisions_lie_beside_the_configuration_or_the_catalog() {
        let places = |config: &str| {
            let mut places = Places::find(&given("/s", "/c", false)).unwrap();
            places.config = config.into();
            places
        };
        let configured = |config| places(config).configured(&[]).decisions;
        assert_eq!(configured("/e/config.toml"), Path::new("/e/decisions.toml"));
        // Two configurations in one folder are two libraries.
        assert_eq!(
            configured("/e/ada.toml"),
            Path::new("/e/ada.decisions.toml")
        );
        let library = places("/e/config.toml").library(&["/x".into()]);
        assert_eq!(library.decisions, library.state_dir.join("decisions.toml"));
    }

    #[test]
    fn what_is_given_goes_before_what_is_usual() {
        let here = std::env::current_dir().unwrap();
        for system in [false, true] {
            let places = Places::find(&given("s", "/c", system)).unwrap();
            assert_eq!(places.config, here.join("c.toml"));
            assert!(places.config_given);
            assert_eq!(places.state, here.join("s"));
            assert_eq!(places.cache, Path::new("/c"));
        }
        let some = Given {
            state: Some(Path::new("/s")),
            system: true,
            ..Given::default()
        };
        let places = Places::find(&some).unwrap();
        assert_eq!(places.config, Path::new("/etc/gphotosfs/config.toml"));
        assert_eq!(places.state, Path::new("/s"));
        assert_eq!(places.cache, Path::new("/var/cache/gphotosfs"));
        assert!(!places.config_given);
    }
}
