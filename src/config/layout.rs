//! What moves photos: the zone in which a month begins, the rules for names, and what names may hold.
//!
//! The configuration asks for a layout. The one in force, by which the names were made that backups know, stands in each
//! state directory, in `layout.toml`: nobody decides it, a pass that has come to its end leaves it there. A key that is
//! added here gets its default where it is not written.

use super::replace::{read, replace};
use super::{Error, decisions, text, wrong};
use crate::tree::fold::{Form, Rules};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name.
const FILE: &str = "layout.toml";

/// The rules for names that this program knows. A configuration that asks for others is refused.
pub const RULES: u32 = 1;

/// What decides where photos lie and what they are called. A change of it moves photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The number of the rules.
    pub rules: u32,
    /// The name of the zone in which a month begins.
    pub zone: String,
    /// Where names are legal.
    pub names: Names,
    /// Longest name, bytes.
    pub name_max: u8,
}

/// Where names are legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// On Linux and other Unix systems.
    Posix,
    /// Also on NTFS, exFAT, FAT and over SMB.
    Windows,
}

/// The length that names may have, bytes.
///
/// # Errors
/// What is allowed, for a length that leaves too little of a title or that no file system takes.
pub fn name_max(bytes: u64) -> Result<u8, String> {
    let max = u8::try_from(bytes).ok().filter(|max| *max >= Form::LEAST);
    max.ok_or_else(|| format!("between {} and {}", Form::LEAST, u8::MAX))
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            rules: RULES,
            zone: "UTC".into(),
            names: Names::Posix,
            name_max: u8::MAX,
        }
    }
}

impl Layout {
    /// Its keys in the configuration and their values as TOML.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("zone", text(&self.zone)),
            ("rules", self.rules.to_string()),
            (
                "names",
                text(match self.names {
                    Names::Posix => "posix",
                    Names::Windows => "windows",
                }),
            ),
            ("name_max", self.name_max.to_string()),
        ]
    }

    /// The keys by which another layout differs: `zone = "UTC"` here, `zone = "Europe/Lisbon"` there.
    pub fn differences(&self, other: &Layout) -> Vec<(String, String)> {
        let line = |(key, value): (&str, String)| format!("{key} = {value}");
        let (ours, theirs) = (self.pairs().into_iter(), other.pairs());
        ours.map(line)
            .zip(theirs.into_iter().map(line))
            .filter(|(ours, theirs)| ours != theirs)
            .collect()
    }

    /// The layout in force in a state directory; `None` before the first pass has come to its end.
    ///
    /// # Errors
    /// When it cannot be read or is no TOML.
    pub fn in_force(state_dir: &Path) -> Result<Option<Layout>, Error> {
        let path = state_dir.join(FILE);
        let layout = read(&path)?;
        if !layout.is_empty() {
            return parse(&path, &layout).map(Some);
        }
        // Where it stood before the first release.
        let path = state_dir.join(decisions::FILE);
        let old: Old = parse(&path, &read(&path)?)?;
        Ok(old.layout)
    }

    /// Puts the layout in force.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn put_in_force(&self, state_dir: &Path) -> Result<(), Error> {
        let path = state_dir.join(FILE);
        let new = toml::to_string(self).map_err(|error| wrong(&path, error.to_string()))?;
        if read(&path)? == new {
            return Ok(());
        }
        replace(&path, &new)
    }

    /// What the fold needs to know.
    ///
    /// # Errors
    /// What is wrong with a value, and what is allowed.
    pub fn fold(&self) -> Result<Rules, String> {
        let zone = Rules::zone(&self.zone).ok_or_else(|| {
            format!(
                "zone = {} must be \"UTC\" or a time zone such as \"Europe/Lisbon\"",
                text(&self.zone)
            )
        })?;
        if self.rules != RULES {
            return Err(format!(
                "rules = {} must be {RULES}, the only ones that this version knows",
                self.rules
            ));
        }
        let names = Form {
            windows: self.names == Names::Windows,
            max: self.name_max,
        };
        Ok(Rules { zone, names })
    }
}

/// What `decisions.toml` held before the first release.
#[derive(Debug, Deserialize)]
struct Old {
    layout: Option<Layout>,
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error: toml::de::Error| wrong(path, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_in_force_lasts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Layout::in_force(dir.path()).unwrap(), None);
        let old = "accept_incomplete = []\n[layout]\nzone = \"Europe/Paris\"\n";
        std::fs::write(dir.path().join(decisions::FILE), old).unwrap();
        let zone = |dir: &Path| Layout::in_force(dir).unwrap().unwrap().zone;
        assert_eq!(zone(dir.path()), "Europe/Paris");
        let lisbon = Layout {
            zone: "Europe/Lisbon".into(),
            ..Layout::default()
        };
        lisbon.put_in_force(dir.path()).unwrap();
        assert_eq!(Layout::in_force(dir.path()).unwrap(), Some(lisbon));
    }

    #[test]
    fn layouts_differ_by_their_keys() {
        let utc = Layout::default();
        let lisbon = Layout {
            zone: "Europe/Lisbon".into(),
            ..Layout::default()
        };
        assert_eq!(utc.differences(&utc), []);
        let differs = ("zone = \"UTC\"".into(), "zone = \"Europe/Lisbon\"".into());
        assert_eq!(utc.differences(&lisbon), [differs]);
        assert!(Layout { rules: 2, ..utc }.fold().is_err());
    }
}
