//! Whose a part is, and of which export.
//!
//! What tells is the source below which it lies, so a catalog made anew says the same. A part of which no source is left
//! stays with its account: what was shown once is not shown to be another's.

use super::Pass;
use crate::catalog::{self, Catalog, KnownPart};
use crate::source::takeout::part::Found;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which export. Two accounts may have made one in the same second, and have nothing in common. As text it is the stamp,
/// in a further account with `NAME/` before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Key {
    /// Whose it is; `None` for the first account.
    pub account: Option<String>,
    /// `None` for what has no stamp.
    pub stamp: Option<String>,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(account) = &self.account {
            write!(f, "{account}/")?;
        }
        f.write_str(self.stamp.as_deref().unwrap_or_default())
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        key.to_string()
    }
}

impl From<String> for Key {
    fn from(text: String) -> Key {
        let (account, stamp) = match text.split_once('/') {
            Some((account, stamp)) => (Some(account.to_owned()), stamp),
            None => (None, text.as_str()),
        };
        Key {
            account,
            stamp: (!stamp.is_empty()).then(|| stamp.to_owned()),
        }
    }
}

impl Pass<'_> {
    /// The account of what lies at a path, with `None` for the first one; `None` where no source holds it. Of sources
    /// that lie in one another the innermost counts.
    fn account(&self, path: &Path) -> Option<Option<&str>> {
        let holding = self
            .sources
            .iter()
            .filter(|source| path.starts_with(source));
        let source = holding.max_by_key(|source| source.components().count())?;
        Some(self.decided.accounts.get(source).map(String::as_str))
    }

    /// The account of a part; `None` is the first one.
    pub(super) fn account_of<'a>(&'a self, part: &'a KnownPart) -> Option<&'a str> {
        let by_source = self.account(&part.part.path);
        by_source.unwrap_or(part.account.as_deref())
    }

    /// The same for one that was found.
    pub(super) fn account_of_found(&self, part: &Found) -> Option<&str> {
        self.account(&part.path).flatten()
    }

    /// Whether the user accepts an export although something is missing.
    pub(super) fn accepts(&self, export: &Key) -> bool {
        let accepted = &self.decided.accepted;
        export
            .stamp
            .as_ref()
            .is_some_and(|stamp| accepted.contains(stamp))
    }
}

/// Under this key the catalog remembers the name of the first account, for those who tell of it.
const FIRST: &str = "first_account";

/// The name of the first account, if it has one.
///
/// # Errors
/// When the catalog fails.
pub fn first_account(catalog: &Catalog) -> Result<Option<String>, catalog::Error> {
    let name = catalog.meta(FIRST)?;
    Ok(name.filter(|name| !name.is_empty()))
}

/// Gives every part to the account of its source.
pub(super) fn assign(catalog: &mut Catalog, pass: &Pass<'_>) -> Result<(), catalog::Error> {
    let first = pass.decided.first_account.as_deref();
    if first_account(catalog)?.as_deref() != first {
        catalog.set_meta(FIRST, first.unwrap_or_default())?;
    }
    for part in catalog.parts()? {
        let account = pass.account_of(&part);
        if account != part.account.as_deref() {
            catalog.set_account(part.part.id, account)?;
        }
    }
    Ok(())
}
