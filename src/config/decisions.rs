//! What the user decided for one library: `decisions.toml` in its state directory.
//!
//! It lies beside the catalog and not in it: a deleted catalog loses nothing. What only a newer program knows is kept.

use super::accounts::Accounts;
use super::{Error, Layout, replace};
use crate::model::Decided;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The decisions on one library.
#[derive(Debug, Default)]
pub struct Decisions {
    path: PathBuf,
    file: DecisionsFile,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct DecisionsFile {
    /// Stamps of exports that are shown although something is missing.
    accept_incomplete: BTreeSet<String>,
    /// The name of the first account, which has the root; empty where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_account: Option<String>,
    /// The layout in force: that by which the names were made that backups know.
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
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
        let file = toml::from_str(&text).map_err(|error| Error::Value {
            path: path.clone(),
            line: None,
            what: error.to_string(),
        })?;
        Ok(Decisions { path, file })
    }

    /// All decisions, as a pass over sources of these accounts takes them.
    pub fn decided(&self, accounts: &Accounts) -> Decided {
        Decided {
            accepted: self.file.accept_incomplete.clone(),
            accounts: accounts.further(self.first_account(accounts)),
            ..Decided::default()
        }
    }

    /// The name of the first account, which has the root; `None` where it has none. As long as nothing was shown it is that
    /// of the first source.
    pub fn first_account<'a>(&'a self, accounts: &'a Accounts) -> Option<&'a str> {
        match &self.file.first_account {
            Some(name) => Some(name.as_str()).filter(|name| !name.is_empty()),
            // Shown by a version that knew of no accounts.
            None if self.file.layout.is_some() => None,
            None => accounts.first(),
        }
    }

    /// Remembers which account has the root.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_first_account(&mut self, accounts: &Accounts) -> Result<(), Error> {
        let first = self.first_account(accounts).unwrap_or_default().to_owned();
        if self.file.first_account.as_ref() == Some(&first) {
            return Ok(());
        }
        self.file.first_account = Some(first);
        self.write()
    }

    /// Remembers further exports that are shown although something is missing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn accept(&mut self, stamps: &[String]) -> Result<(), Error> {
        let before = self.file.accept_incomplete.len();
        self.file.accept_incomplete.extend(stamps.iter().cloned());
        if self.file.accept_incomplete.len() == before {
            return Ok(());
        }
        self.write()
    }

    /// The layout in force; `None` before the first pass has come to its end.
    pub fn layout(&self) -> Option<&Layout> {
        self.file.layout.as_ref()
    }

    /// Puts a layout in force.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_layout(&mut self, layout: &Layout) -> Result<(), Error> {
        if self.file.layout.as_ref() == Some(layout) {
            return Ok(());
        }
        self.file.layout = Some(layout.clone());
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let text = toml::to_string(&self.file).map_err(|error| Error::Value {
            path: self.path.clone(),
            line: None,
            what: error.to_string(),
        })?;
        replace::replace(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut decisions = Decisions::load(dir.path()).unwrap();
        assert!(decisions.decided(&Accounts::default()).accepted.is_empty());
        assert_eq!(decisions.layout(), None);
        decisions.accept(&["20260913T041200Z".into()]).unwrap();
        let lisbon = Layout {
            zone: "Europe/Lisbon".into(),
            ..Layout::default()
        };
        decisions.set_layout(&lisbon).unwrap();
        let again = Decisions::load(dir.path()).unwrap();
        assert!(
            again
                .decided(&Accounts::default())
                .accepted
                .contains("20260913T041200Z")
        );
        assert_eq!(again.layout(), Some(&lisbon));
    }

    #[test]
    fn what_a_newer_program_wrote_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("decisions.toml");
        let text = "forget = [\"a\"]\n[layout]\nzone = \"UTC\"\ncolour = 1\n[later]\nx = 1\n";
        std::fs::write(&path, text).unwrap();
        let mut decisions = Decisions::load(dir.path()).unwrap();
        decisions.accept(&["20260913T041200Z".into()]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        for key in ["forget", "layout", "later", "accept_incomplete"] {
            assert!(table.contains_key(key), "{key} in {text}");
        }
    }
}
