//! Settings: the configuration file, and where things lie.
//!
//! The only room that reads TOML and knows of XDG. What it hands out are plain values; nobody below sees a key.

use crate::tree::fold::{Form, Rules};
use etcetera::BaseStrategy;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The rules for names that this program knows. A configuration that asks for others is refused.
const RULES: u32 = 1;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, or a value is of the wrong kind.
    #[error("the configuration {path} is not right")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value that makes no sense.
    #[error("the configuration {path}: {what}")]
    Value {
        /// Which file.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// There is no home directory.
    #[error("no home directory: set HOME, or give --state-dir and --cache-dir")]
    NoHome,
}

/// The file as written. Unknown keys are a warning, so that an older program can live with a newer file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    zone: Option<String>,
    rules: Option<u32>,
    names: Option<String>,
    name_max: Option<u64>,
    cache: CacheTable,
    #[serde(flatten)]
    unknown: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheTable {
    max_bytes: Option<u64>,
    min_free_bytes: Option<u64>,
    #[serde(flatten)]
    unknown: toml::Table,
}

/// The settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// What decides about names.
    pub rules: Rules,
    /// Most bytes in the disk cache.
    pub cache_max_bytes: u64,
    /// Bytes that stay free on the disk with the cache.
    pub cache_min_free_bytes: u64,
    /// Things in the file that are not understood.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file; without one everything has its default. A path that the user gave must exist.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(given: Option<&Path>) -> Result<Config, Error> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => base()?.config_dir().join("gphotosfs/config.toml"),
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
                String::new()
            }
            Err(source) => return Err(Error::Read { path, source }),
        };
        let file: File = toml::from_str(&text).map_err(|source| Error::Parse {
            path: path.clone(),
            source: Box::new(source),
        })?;
        Config::of(&path, &file)
    }

    fn of(path: &Path, file: &File) -> Result<Config, Error> {
        let value = |what: String| Error::Value {
            path: path.into(),
            what,
        };
        let zone = match file.zone.as_deref() {
            None => TimeZone::UTC,
            Some(name) => Rules::zone(name).ok_or_else(|| {
                value(format!(
                    "zone = {name:?} is not a time zone such as \"Europe/Lisbon\""
                ))
            })?,
        };
        let rules = file.rules.unwrap_or(RULES);
        if rules != RULES {
            return Err(value(format!(
                "rules = {rules} is not known to this version, which knows {RULES}"
            )));
        }
        let windows = match file.names.as_deref() {
            None | Some("posix") => false,
            Some("windows") => true,
            Some(other) => {
                return Err(value(format!(
                    "names = {other:?} is neither \"posix\" nor \"windows\""
                )));
            }
        };
        let max = name_max(file.name_max.unwrap_or(u64::from(u8::MAX)))
            .map_err(|error| value(format!("name_max: {error}")))?;
        let names = Form { windows, max };
        let unknown = file.unknown.keys().cloned();
        let in_cache = file.cache.unknown.keys().map(|key| format!("cache.{key}"));
        let warnings = unknown
            .chain(in_cache)
            .map(|key| format!("{}: unknown key {key}", path.display()))
            .collect();
        Ok(Config {
            rules: Rules { zone, names },
            cache_max_bytes: file.cache.max_bytes.unwrap_or(5 << 30),
            cache_min_free_bytes: file.cache.min_free_bytes.unwrap_or(1 << 30),
            warnings,
        })
    }
}

/// The length that names may have, bytes.
///
/// # Errors
/// A text, for a length that leaves too little of a title or that no file system takes.
pub fn name_max(bytes: u64) -> Result<u8, String> {
    let max = u8::try_from(bytes).ok().filter(|max| *max >= Form::LEAST);
    max.ok_or_else(|| format!("{bytes} is not between {} and {}", Form::LEAST, u8::MAX))
}

fn base() -> Result<impl BaseStrategy, Error> {
    etcetera::choose_base_strategy().map_err(|_| Error::NoHome)
}

/// Where state and cache lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Catalogs and logs, one folder per library.
    pub state: PathBuf,
    /// Bytes that can be had again.
    pub cache: PathBuf,
}

impl Places {
    /// The given directories, else those of XDG. Relative ones are taken from the working directory.
    ///
    /// # Errors
    /// [`Error::NoHome`].
    pub fn find(state: Option<&Path>, cache: Option<&Path>) -> Result<Places, Error> {
        let state = match state {
            Some(path) => path.to_owned(),
            None => {
                let base = base()?;
                base.state_dir()
                    .unwrap_or_else(|| base.data_dir())
                    .join("gphotosfs")
            }
        };
        let cache = match cache {
            Some(path) => path.to_owned(),
            None => base()?.cache_dir().join("gphotosfs"),
        };
        Ok(Places {
            state: std::path::absolute(&state).unwrap_or(state),
            cache: std::path::absolute(&cache).unwrap_or(cache),
        })
    }

    /// The library made of a set of sources, in whatever order they are given.
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
        Library {
            state_dir: self.state.join(name),
            cache_dir: self.cache.join(name),
            sources,
        }
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

/// One library: its sources, and where its state and cache lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Catalog, log and lock.
    pub state_dir: PathBuf,
    /// Cached bytes.
    pub cache_dir: PathBuf,
    /// Archives and folders.
    pub sources: Vec<PathBuf>,
}

/// What the user decided for a library. It lies beside the catalog and not in it: a deleted catalog loses nothing.
#[derive(Debug, Default)]
pub struct Decisions {
    path: PathBuf,
    file: DecisionsFile,
}

#[derive(Debug, Default, Deserialize, serde::Serialize)]
#[serde(default)]
struct DecisionsFile {
    /// Stamps of exports that are shown although something is missing.
    accept_incomplete: BTreeSet<String>,
    #[serde(flatten)]
    others: toml::Table,
}

impl Decisions {
    /// Reads `decisions.toml` in a state directory; without one nothing is decided.
    ///
    /// # Errors
    /// When it cannot be read or is no TOML.
    pub fn load(state_dir: &Path) -> Result<Decisions, Error> {
        let path = state_dir.join("decisions.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let file = toml::from_str(&text).map_err(|source| Error::Parse {
            path: path.clone(),
            source: Box::new(source),
        })?;
        Ok(Decisions { path, file })
    }

    /// Stamps of exports that are shown although something is missing.
    pub fn accepted(&self) -> &BTreeSet<String> {
        &self.file.accept_incomplete
    }

    /// Remembers further ones.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn accept(&mut self, stamps: &[String]) -> Result<(), Error> {
        let before = self.file.accept_incomplete.len();
        self.file.accept_incomplete.extend(stamps.iter().cloned());
        if self.file.accept_incomplete.len() == before {
            return Ok(());
        }
        let value = |what: String| Error::Value {
            path: self.path.clone(),
            what,
        };
        let text = toml::to_string(&self.file).map_err(|error| value(error.to_string()))?;
        // Renamed into place, so that a crash leaves the old decisions or the new ones.
        let new = self.path.with_extension("toml.new");
        std::fs::write(&new, text)
            .and_then(|()| std::fs::rename(&new, &self.path))
            .map_err(|error| value(format!("cannot be written: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path))
    }

    #[test]
    fn a_file_is_read() {
        let text = "zone = 'Europe/Lisbon'\nrules = 1\nnames = 'windows'\nname_max = 143\n[cache]\nmax_bytes = 7\n";
        let config = load(text).unwrap();
        assert!(config.rules.names.windows);
        assert_eq!(config.rules.names.max, 143);
        assert_eq!(config.rules.zone.iana_name(), Some("Europe/Lisbon"));
        assert_eq!(config.cache_max_bytes, 7);
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn unknown_keys_are_a_warning_and_wrong_values_an_error() {
        assert_eq!(
            load("colour = 1\n[cache]\nmax = 1").unwrap().warnings.len(),
            2
        );
        for wrong in [
            "zone = 'Middle/Earth'",
            "rules = 9",
            "zone = 3",
            "]",
            "names = 'dos'",
            "name_max = 63",
            "name_max = 256",
        ] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
        assert!(Config::load(Some(Path::new("/nonexistent/config.toml"))).is_err());
    }

    #[test]
    fn decisions_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut decisions = Decisions::load(dir.path()).unwrap();
        assert!(decisions.accepted().is_empty());
        decisions.accept(&["20260913T041200Z".into()]).unwrap();
        assert!(
            Decisions::load(dir.path())
                .unwrap()
                .accepted()
                .contains("20260913T041200Z")
        );
    }

    #[test]
    fn a_library_is_its_set_of_sources() {
        let places = Places::find(Some(Path::new("/s")), Some(Path::new("/c"))).unwrap();
        let (a, b) = (PathBuf::from("/x/a"), PathBuf::from("/x/b"));
        assert_eq!(
            places.library(&[a.clone(), b.clone()]),
            places.library(&[b.clone(), a.clone(), a.clone()])
        );
        assert_ne!(
            places.library(&[a]).state_dir,
            places.library(&[b]).state_dir
        );
    }
}
