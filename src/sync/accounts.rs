//! Whose a part is.
//!
//! What tells is the source below which it lies, so a catalog made anew says the same. A part of which no source is left
//! stays with its account: what was shown once is not shown to be another's.

use super::Pass;
use crate::catalog::{self, Catalog};
use std::path::Path;

impl Pass<'_> {
    /// The account of what lies at a path, with `None` for the first one; `None` where no source holds it. Of sources
    /// that lie in one another the innermost counts.
    pub(super) fn account(&self, path: &Path) -> Option<Option<&str>> {
        let holding = self
            .sources
            .iter()
            .filter(|source| path.starts_with(source));
        let source = holding.max_by_key(|source| source.components().count())?;
        Some(self.decided.accounts.get(source).map(String::as_str))
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
        let account = pass.account(&part.part.path);
        if let Some(account) = account.filter(|account| *account != part.account.as_deref()) {
            catalog.set_account(part.part.id, account)?;
        }
    }
    Ok(())
}
