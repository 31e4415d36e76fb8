//! A change of layout: what it would move, from the catalog alone, and the change itself.
//!
//! No archive is opened for the comparison. Both trees are folded from the same facts, so that all that differs is the layout's doing.

use super::Error;
use super::present::absent;
use super::project::{self, Exports, Facts, Key, Terms};
use crate::catalog::{self, Catalog, KnownPart};
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use std::collections::BTreeSet;

/// Under this key the catalog remembers which exports were not shown, as a JSON array of [`Key`]s. It is there once all
/// parts have been taken in, so a catalog that is half made anew is not asked what would move.
const HIDDEN: &str = "hidden";
/// The same for those that were shown although something is missing.
const BROKEN: &str = "broken";

/// What would move from one layout to another.
///
/// # Errors
/// [`catalog::Error::NotYet`] before all parts have been taken in once; also when the catalog fails.
pub fn preview(catalog: &Catalog, old: &Rules, new: Terms<'_>) -> Result<Moves, Error> {
    let exports = shown(catalog)?;
    let old = Terms { rules: old, ..new };
    let (before, _) = project::fold(Facts::Kept(catalog), &exports, old)?;
    let (after, _) = project::fold(Facts::Kept(catalog), &exports, new)?;
    Ok(Moves::between(&before, &after))
}

/// Makes the tree anew under a layout.
///
/// # Errors
/// When the catalog fails.
pub fn change(catalog: &mut Catalog, new: Terms<'_>) -> Result<(), Error> {
    let exports = shown(catalog)?;
    project::project(catalog, &exports, new)?;
    project::told(catalog)
}

/// What the kept tree is made of.
pub(super) fn shown(catalog: &Catalog) -> Result<Exports, Error> {
    let mut parts: Vec<KnownPart> = catalog.parts()?;
    parts.retain(|part| part.complete);
    Ok(Exports {
        absent: absent(&parts),
        groups: project::groups(&parts, &keys(catalog, HIDDEN)?),
        broken: keys(catalog, BROKEN)?,
    })
}

pub(super) fn remember(
    catalog: &mut Catalog,
    hidden: &BTreeSet<Key>,
    broken: &BTreeSet<Key>,
) -> Result<(), Error> {
    for (name, keys) in [(BROKEN, broken), (HIDDEN, hidden)] {
        let keys: Vec<String> = keys.iter().map(Key::to_string).collect();
        let keys = serde_json::Value::from(keys).to_string();
        if catalog.meta(name)?.as_ref() != Some(&keys) {
            catalog.set_meta(name, &keys)?;
        }
    }
    Ok(())
}

fn keys(catalog: &Catalog, name: &str) -> Result<BTreeSet<Key>, Error> {
    let keys = catalog.meta(name)?.ok_or(catalog::Error::NotYet)?;
    serde_json::from_str(&keys).map_err(|_| {
        let what = format!("the exports that are {name}: {keys}");
        Error::Catalog(catalog::Error::Value(what))
    })
}
