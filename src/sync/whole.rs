//! Whether an export is whole: what is missing, damaged or still arriving, and who is shown all the same.
//!
//! How many parts there should be nobody tells; gaps in their numbers are all that can be seen. An export that is not
//! whole stays out of sight, unless the user accepts it, or it was shown before: what was shown once is never hidden.

use super::accounts::Key;
use super::{Error, Pass};
use crate::catalog::{self, Catalog, KnownPart};
use crate::source::takeout::loose;
use crate::source::takeout::part::{self, Form, Found, PartName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Under this key the catalog remembers what came of [`Whole`], as a JSON array of [`Incomplete`].
const INCOMPLETE: &str = "incomplete";
/// Under this key the catalog remembers the stamps of exports that were shown once, as a JSON array of [`Key`]s.
const SHOWN_ONCE: &str = "shown_once";

/// How a reason ends that is a download which has not come to its end.
pub(super) const DOWNLOADED: &str = "still being downloaded";

/// An export that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// Whose it is; `None` for the first account.
    #[serde(default)]
    pub account: Option<String>,
    /// What `--accept-incomplete` takes: the stamp, or the file's name where it has none.
    pub stamp: String,
    /// What is wrong, part by part.
    pub reasons: Vec<String>,
}

/// What is wrong with exports, as far as a pass has seen.
#[derive(Debug, Default)]
pub(super) struct Whole(BTreeMap<Key, Vec<String>>);

impl Whole {
    /// Notes what is wrong with the export of a part.
    pub(super) fn note(&mut self, pass: &Pass<'_>, part: &Found, reason: String) {
        self.0
            .entry(export_of(pass, part))
            .or_default()
            .push(reason);
    }

    /// Looks for gaps in the numbers of parts. An unpacked folder without a number may be any of them.
    pub(super) fn count(&mut self, parts: &[KnownPart], found: &[Found], pass: &Pass<'_>) {
        let mut names: BTreeMap<Option<&str>, BTreeMap<String, Vec<PartName>>> = BTreeMap::new();
        let known = parts
            .iter()
            .filter_map(|part| Some((pass.account_of(part), name_of(part)?)));
        // A loose file is one only once its sidecar has told so.
        let archives = found.iter().filter(|part| part.form != Form::Loose);
        let seen =
            archives.filter_map(|part| Some((pass.account_of_found(part), part.name.clone()?)));
        for (account, name) in known.chain(seen) {
            let names = names.entry(account).or_default();
            names.entry(name.stamp.clone()).or_default().push(name);
        }
        for (account, names) in names {
            let own = |part: &&KnownPart| pass.account_of(part) == account;
            let unnumbered = parts.iter().filter(own).any(|part| part.stamp.is_none());
            if unnumbered && names.len() == 1 {
                continue;
            }
            for (stamp, names) in names {
                let reasons = gaps(&stamp, &names, found);
                if !reasons.is_empty() {
                    let account = account.map(str::to_owned);
                    let stamp = Some(stamp);
                    self.0
                        .entry(Key { account, stamp })
                        .or_default()
                        .extend(reasons);
                }
            }
        }
    }

    /// A damaged part that is out of sight now has made nothing whole: what the last pass said of it still holds, unless
    /// it lies elsewhere now and could be read. A download that was given up was perhaps needed by nobody.
    pub(super) fn go_on(&mut self, before: Vec<Incomplete>, found: &[Found], parts: &[KnownPart]) {
        let seen = |reason: &str| {
            let mut paths = found.iter().map(|part| part.path.display().to_string());
            paths.any(|path| reason.starts_with(&format!("{path}: ")))
        };
        let read = |reason: &str| {
            let mut names = parts.iter().filter_map(|part| part.part.path.file_name());
            names.any(|name| reason.contains(&format!("/{}: ", name.to_string_lossy())))
        };
        for export in before {
            let key = Key {
                account: export.account,
                stamp: Some(export.stamp),
            };
            for reason in export.reasons {
                let of_file = reason.starts_with('/') && !reason.ends_with(DOWNLOADED);
                if of_file && !seen(&reason) && !read(&reason) {
                    self.0.entry(key.clone()).or_default().push(reason);
                }
            }
        }
    }

    /// All of it, for the catalog.
    ///
    /// # Errors
    /// When the catalog fails.
    pub(super) fn remember(&self, catalog: &mut Catalog) -> Result<(), catalog::Error> {
        let exports: Vec<Incomplete> = self.exports().collect();
        keep(catalog, INCOMPLETE, &exports)
    }

    fn exports(&self) -> impl Iterator<Item = Incomplete> {
        self.0.iter().map(|(key, reasons)| Incomplete {
            account: key.account.clone(),
            stamp: key.stamp.clone().unwrap_or_default(),
            reasons: reasons.clone(),
        })
    }

    /// Those that are shown all the same, and those that are not.
    pub(super) fn divide(&self, shown: impl Fn(&Key) -> bool) -> (BTreeSet<Key>, BTreeSet<Key>) {
        self.0.keys().cloned().partition(|key| shown(key))
    }

    /// What is wrong with some of them.
    pub(super) fn only(&self, keys: &BTreeSet<Key>) -> Vec<Incomplete> {
        let both = self.0.keys().zip(self.exports());
        both.filter(|(key, _)| keys.contains(key))
            .map(|(_, export)| export)
            .collect()
    }

    /// All of it in lines, with those that are hidden.
    pub(super) fn told(&self, hidden: &BTreeSet<Key>) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (key, reasons) in &self.0 {
            let whose = whose(key);
            lines.extend(reasons.iter().map(|reason| format!("{reason}{whose}")));
        }
        lines.extend(hidden.iter().map(|key| {
            let (stamp, whose) = (key.stamp.as_deref().unwrap_or_default(), whose(key));
            format!(
                "the export {stamp}{whose} is not shown until it is whole, or with --accept-incomplete {stamp}"
            )
        }));
        lines
    }
}

fn whose(key: &Key) -> String {
    let account = key.account.as_ref();
    account.map_or(String::new(), |name| format!(" (account {name})"))
}

/// Which parts of an export are missing, by the numbers of the others.
fn gaps(stamp: &str, names: &[PartName], found: &[Found]) -> Vec<String> {
    let mut reasons = Vec::new();
    for (series, number) in part::gaps(names.iter()) {
        let missing = part::missing_name(stamp, series, number);
        let mut reason = format!("part {missing} is missing");
        if let Some(file) = loose_of(found, number) {
            reason.push_str(&format!(
                "; {file} has its number, but no sidecar in the other parts speaks of it"
            ));
        }
        reasons.push(reason);
    }
    reasons
}

/// What a part's name told when it was indexed.
pub(super) fn name_of(part: &KnownPart) -> Option<PartName> {
    Some(PartName {
        stamp: part.stamp.clone()?,
        series: part.series,
        number: part.number?,
    })
}

fn loose_of(found: &[Found], number: u32) -> Option<String> {
    let mut loose = found.iter().filter(|part| part.form == Form::Loose);
    loose.find_map(|part| {
        let file = part.path.file_name()?.to_str()?;
        (loose::parse(file)?.1 == number).then(|| part.path.display().to_string())
    })
}

/// The export of a part. What has no stamp is called by its file's name.
pub(super) fn export_of(pass: &Pass<'_>, part: &Found) -> Key {
    let file = || {
        part.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let name = part.name.as_ref();
    Key {
        account: pass.account_of_found(part).map(str::to_owned),
        stamp: name.map(|name| name.stamp.clone()).or_else(file),
    }
}

/// The exports that the last pass found not to be whole, whether they are shown or not.
///
/// # Errors
/// When the catalog fails.
pub fn incomplete(catalog: &Catalog) -> Result<Vec<Incomplete>, catalog::Error> {
    kept(catalog, INCOMPLETE)
}

/// The exports that were shown once.
pub(super) fn shown_once(catalog: &Catalog) -> Result<BTreeSet<Key>, Error> {
    Ok(kept(catalog, SHOWN_ONCE)?)
}

/// From now on these exports are never hidden again.
pub(super) fn show<'a>(
    catalog: &mut Catalog,
    exports: impl Iterator<Item = &'a Key>,
) -> Result<(), Error> {
    let mut all = shown_once(catalog)?;
    let before = all.len();
    all.extend(exports.filter(|key| key.stamp.is_some()).cloned());
    if all.len() > before {
        keep(catalog, SHOWN_ONCE, &all)?;
    }
    Ok(())
}

fn kept<T: serde::de::DeserializeOwned + Default>(
    catalog: &Catalog,
    key: &str,
) -> Result<T, catalog::Error> {
    match catalog.meta(key)? {
        None => Ok(T::default()),
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| catalog::Error::Value(format!("{key}: {text}")))
        }
    }
}

fn keep(catalog: &mut Catalog, key: &str, value: &impl Serialize) -> Result<(), catalog::Error> {
    let text = serde_json::to_string(value)
        .map_err(|error| catalog::Error::Value(format!("{key}: {error}")))?;
    if catalog.meta(key)?.as_ref() != Some(&text) {
        catalog.set_meta(key, &text)?;
    }
    Ok(())
}
