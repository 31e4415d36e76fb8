//! What the user decided for one library: `decisions.toml`.
//!
//! It counts as part of the configuration, since the same sources with the same decisions give the same tree. So that of
//! the configured library lies beside the configuration, and that of sources on a command line in their state
//! directory (see [`super::Places::decisions`]); no catalog holds any of it, so a deleted one loses nothing. Before the
//! first release all lay in the state directory; what is found there is taken over once, by [`Decisions::take_over`].
//!
//! The file may be edited by hand; a photo whose table is taken out of it is shown again. Every change is made on what
//! the file says at that moment, under a lock, so that two processes that decide at once lose nothing. What only a newer
//! program knows is kept, comments are not.

use super::replace::{Folder, read};
use super::{Error, Layout, wrong};
use crate::model::{BlobKey, Decided};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The file's name. In the documentation: not to be changed.
pub(super) const FILE: &str = "decisions.toml";

/// What stood in the file before the first release, and has a file of its own.
const LAYOUT: &str = "layout";

const HEADER: &str = "# What you decided for this library. gphotosfs writes this file; keep it with your backups.\n\n";

/// The decisions on one library.
#[derive(Debug)]
pub struct Decisions {
    path: PathBuf,
    file: File,
    decided: Decided,
}

/// A content whose photo is not to be shown any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Where it was shown, for whoever reads the file.
    pub path: String,
    /// Whose photo it is; `None` for the first account.
    pub account: Option<String>,
    /// What its bytes are.
    pub key: BlobKey,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
struct File {
    /// Stamps of exports that are shown although something is missing.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    accept_incomplete: BTreeSet<String>,
    /// The name of the first account, which has the root; empty where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_account: Option<String>,
    /// Stamps of exports that count as full.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    full: BTreeSet<String>,
    /// Stamps of exports that count as partial.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    partial: BTreeSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forget: Vec<Forget>,
    #[serde(flatten)]
    others: toml::Table,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Forget {
    path: String,
    /// A further account.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    size: u64,
    /// Eight hexadecimal digits.
    crc32: String,
    /// Sixteen, for a content that shares size and CRC-32 with another.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The day of the decision in UTC, for whoever reads the file.
    date: String,
    #[serde(flatten)]
    others: toml::Table,
}

impl Forget {
    fn new(forgotten: &Forgotten, date: &str) -> Forget {
        let key = forgotten.key;
        Forget {
            path: forgotten.path.clone(),
            account: forgotten.account.clone(),
            size: key.size,
            crc32: format!("{:08x}", key.crc32),
            head: (key.head != 0).then(|| format!("{:016x}", key.head)),
            date: date.into(),
            others: toml::Table::new(),
        }
    }

    fn key(&self) -> Result<BlobKey, String> {
        let wrong = |key, value: &str| {
            let path = &self.path;
            format!("forget {path:?}: {key} = {value:?} must be hexadecimal digits")
        };
        let head = self.head.as_deref().unwrap_or("0");
        Ok(BlobKey {
            size: self.size,
            crc32: u32::from_str_radix(&self.crc32, 16).map_err(|_| wrong("crc32", &self.crc32))?,
            head: u64::from_str_radix(head, 16).map_err(|_| wrong("head", head))?,
        })
    }
}

impl File {
    fn parse(text: &str) -> Result<File, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())
    }

    fn decided(&self) -> Result<Decided, String> {
        if let Some(both) = self.full.intersection(&self.partial).next() {
            return Err(format!("{both} stands in full and in partial"));
        }
        let mut decided = Decided {
            accepted: self.accept_incomplete.clone(),
            full: self.full.clone(),
            partial: self.partial.clone(),
            ..Decided::default()
        };
        for forget in &self.forget {
            let forgotten = match &forget.account {
                None => &mut decided.forgotten,
                Some(name) => decided.forgotten_in.entry(name.clone()).or_default(),
            };
            forgotten.insert(forget.key()?);
        }
        Ok(decided)
    }

    /// Adds what another file says and this one does not.
    fn merge(&mut self, other: File) {
        self.first_account = self.first_account.take().or(other.first_account);
        self.accept_incomplete.extend(other.accept_incomplete);
        let decided: BTreeSet<String> = self.full.union(&self.partial).cloned().collect();
        let new = |stamp: &String| !decided.contains(stamp);
        self.full.extend(other.full.into_iter().filter(new));
        self.partial.extend(other.partial.into_iter().filter(new));
        for forget in other.forget {
            if !self.forget.contains(&forget) {
                self.forget.push(forget);
            }
        }
        for (key, value) in other.others {
            self.others.entry(key).or_insert(value);
        }
    }
}

impl Decisions {
    /// Reads the file of a library; without one nothing is decided.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or says what makes no sense.
    pub fn load(path: &Path) -> Result<Decisions, Error> {
        let mut decisions = Decisions {
            path: path.into(),
            file: File::default(),
            decided: Decided::default(),
        };
        decisions.take(&read(path)?)?;
        Ok(decisions)
    }

    /// All decisions, but for whose the sources are: that a pass learns from [`super::Library::decided`].
    pub fn decided(&self) -> &Decided {
        &self.decided
    }

    /// The name of the first account, as far as that is decided; empty where it has none.
    pub fn first_account(&self) -> Option<&str> {
        self.file.first_account.as_deref()
    }

    /// From now on this account has the root; `None` where it has no name.
    ///
    /// # Errors
    /// As [`Decisions::accept`].
    pub fn set_first_account(&mut self, name: Option<&str>) -> Result<(), Error> {
        let name = name.unwrap_or_default();
        if self.first_account() == Some(name) {
            return Ok(());
        }
        self.change(|file| file.first_account = Some(name.into()))
    }

    /// Takes over what an earlier program wrote into a state directory: decisions into this file, the layout in force into
    /// one of its own.
    ///
    /// # Errors
    /// When a file cannot be read, written or removed; then nothing is lost, and it can be done again.
    pub fn take_over(&mut self, state_dir: &Path) -> Result<(), Error> {
        if let Some(layout) = Layout::in_force(state_dir)? {
            layout.put_in_force(state_dir)?;
        }
        let old = state_dir.join(FILE);
        let text = read(&old)?;
        let mut file = File::parse(&text).map_err(|what| wrong(&old, what))?;
        let layout = file.others.remove(LAYOUT);
        if old == self.path {
            return match layout {
                Some(_) => self.change(|file| drop(file.others.remove(LAYOUT))),
                None => Ok(()),
            };
        }
        if file != File::default() {
            self.change(|ours| ours.merge(file))?;
        }
        match std::fs::remove_file(&old) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Write { path: old, source })
            }
            _ => Ok(()),
        }
    }

    /// Further exports are shown although something is missing.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn accept(&mut self, stamps: &[String]) -> Result<(), Error> {
        if stamps.is_empty() {
            return Ok(());
        }
        self.change(|file| file.accept_incomplete.extend(stamps.iter().cloned()))
    }

    /// An export counts as full, whatever it holds.
    ///
    /// # Errors
    /// As [`Decisions::accept`].
    pub fn set_full(&mut self, stamp: &str) -> Result<(), Error> {
        self.change(|file| {
            file.partial.remove(stamp);
            file.full.insert(stamp.into());
        })
    }

    /// An export counts as partial, whatever it holds.
    ///
    /// # Errors
    /// As [`Decisions::accept`].
    pub fn set_partial(&mut self, stamp: &str) -> Result<(), Error> {
        self.change(|file| {
            file.full.remove(stamp);
            file.partial.insert(stamp.into());
        })
    }

    /// Contents whose photos are not shown any more. Those that are forgotten already stay as they stand in the file.
    ///
    /// # Errors
    /// As [`Decisions::accept`].
    pub fn forget(&mut self, contents: &[Forgotten]) -> Result<(), Error> {
        let day = Timestamp::now().strftime("%Y-%m-%d").to_string();
        self.change(|file| {
            let known = file.forget.iter();
            let known = known.filter_map(|f| Some((f.account.clone(), f.key().ok()?)));
            let mut known: BTreeSet<(Option<String>, BlobKey)> = known.collect();
            let new = contents
                .iter()
                .filter(|content| known.insert((content.account.clone(), content.key)));
            file.forget
                .extend(new.map(|content| Forget::new(content, &day)));
        })
    }

    /// Changes what the file says now, which may be more than it said when it was read.
    fn change(&mut self, change: impl FnOnce(&mut File)) -> Result<(), Error> {
        let folder = Folder::lock(&self.path)?;
        self.take(&folder.read()?)?;
        let mut new = self.file.clone();
        change(&mut new);
        if new == self.file {
            return Ok(());
        }
        let text = toml::to_string(&new).map_err(|error| wrong(&self.path, error.to_string()))?;
        folder.replace_private(&format!("{HEADER}{text}"))?;
        self.take(&text)
    }

    fn take(&mut self, text: &str) -> Result<(), Error> {
        let wrong = |what| wrong(&self.path, what);
        let file = File::parse(text).map_err(wrong)?;
        self.decided = file.decided().map_err(wrong)?;
        self.file = file;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
