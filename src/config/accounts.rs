//! Accounts: their names, and which of them is the first.
//!
//! The first account has the root of the tree, the others stand in `accounts/NAME`. Which one is first is decided once,
//! by the first source in the configuration when the library is first indexed, and remembered with the [`Decisions`]:
//! neither adding nor removing a source moves the root. Sources without an account are of the first one.

use super::{Decisions, Error, Layout, Library, Source};
use crate::model::Decided;
use crate::tree::fold::Form;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Longest name, bytes: with room in every layout.
const MAX: usize = 64;

/// Whether a name may be that of an account: legal in every layout, so that no layout renames it.
///
/// # Errors
/// What it must be, as the end of a sentence.
pub fn check(name: &str) -> Result<(), String> {
    let form = Form {
        windows: true,
        ..Form::default()
    };
    let is_legal = form.legal(name, "", MAX) == name && name.trim() == name;
    if is_legal && !name.starts_with('.') {
        return Ok(());
    }
    Err(format!(
        "must be a name for a directory on any system, at most {MAX} bytes, such as \"ada\""
    ))
}

/// Whether a source may stand beside others.
///
/// # Errors
/// What stands against it.
pub fn beside(source: &Source, others: &[Source]) -> Result<(), String> {
    for other in others {
        let same_place = (&other.path, other.kind) == (&source.path, source.kind);
        if same_place && other.account != source.account {
            let path = other.path.display();
            return Err(match &other.account {
                Some(name) => format!("{path} is a source of the account \"{name}\" already"),
                None => format!("{path} is a source without an account already"),
            });
        }
        if let (Some(name), Some(known)) = (&source.account, &other.account)
            && name != known
            && Form::fold(name) == Form::fold(known)
        {
            return Err(format!(
                "the account \"{name}\" differs from \"{known}\" only in case"
            ));
        }
    }
    Ok(())
}

/// The accounts of the sources of a library, by their paths, in the order of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(Vec<(PathBuf, Option<String>)>);

impl Accounts {
    /// Of the sources in a configuration.
    pub fn of(sources: &[Source]) -> Accounts {
        let each = sources.iter();
        Accounts(
            each.map(|source| (source.path.clone(), source.account.clone()))
                .collect(),
        )
    }

    /// Whether any source has one. Without, nothing has to be remembered: a library that was shown so stays nameless.
    pub fn are_named(&self) -> bool {
        self.0.iter().any(|(_, name)| name.is_some())
    }

    /// The name of the account of the first source.
    fn first(&self) -> Option<&str> {
        self.0.first()?.1.as_deref()
    }

    /// The sources of others than the first account, by their paths.
    fn further(&self, first: Option<&str>) -> BTreeMap<PathBuf, String> {
        let named = self
            .0
            .iter()
            .filter_map(|(path, name)| Some((path.clone(), name.clone()?)));
        named
            .filter(|(_, name)| Some(name.as_str()) != first)
            .collect()
    }
}

impl Library {
    /// The name of the first account, which has the root; `None` where it has none.
    ///
    /// # Errors
    /// When the state directory cannot be read.
    pub fn first_account(&self, decisions: &Decisions) -> Result<Option<String>, Error> {
        let first = match decisions.first_account() {
            Some(decided) => Some(decided).filter(|name| !name.is_empty()),
            // Shown by a version that knew of no accounts.
            None if Layout::in_force(&self.state_dir)?.is_some() => None,
            None => self.accounts.first(),
        };
        Ok(first.map(str::to_owned))
    }

    /// All decisions on this library, as a pass over its sources takes them.
    ///
    /// # Errors
    /// As [`Library::first_account`].
    pub fn decided(&self, decisions: &Decisions) -> Result<Decided, Error> {
        let first_account = self.first_account(decisions)?;
        Ok(Decided {
            accounts: self.accounts.further(first_account.as_deref()),
            first_account,
            ..decisions.decided().clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Kind;

    fn source(path: &str, account: Option<&str>) -> Source {
        Source {
            kind: Kind::Takeout,
            path: path.into(),
            account: account.map(str::to_owned),
        }
    }

    #[test]
    fn a_name_is_legal_in_every_layout() {
        for name in ["ada", "Ada Lovelace", "ada@example.org", "Zoë", "albums"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "",
            ".",
            "..",
            ".ada",
            "a/b",
            "a:b",
            "CON",
            "ada ",
            " ada",
            "ada.",
            "Zoe\u{308}",
            &long,
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn accounts_stand_beside_one_another() {
        let known = [source("/a", None), source("/b", Some("Ada"))];
        for (source, fits) in [
            (source("/a", None), true),
            (source("/a", Some("ben")), false),
            (source("/b", None), false),
            (source("/c", Some("Ada")), true),
            (source("/c", Some("ada")), false),
        ] {
            assert_eq!(beside(&source, &known).is_ok(), fits, "{source:?}");
        }
    }
}
