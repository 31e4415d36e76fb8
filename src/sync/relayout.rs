//! A change of layout: what it would move, from the catalog alone, and the change itself.
//!
//! No archive is opened for the comparison. Both trees are folded from the same facts, so that all that differs is the layout's doing.

use super::Error;
use super::present::absent;
use super::project::{self, Exports, Facts, Terms};
use crate::catalog::{self, Catalog, KnownPart};
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use std::collections::BTreeSet;

/// Under this key the catalog remembers which exports were not shown, as a JSON array of stamps. It is there once all
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
    project::project(catalog, &exports, new).map(drop)
}

/// What the kept tree is made of.
fn shown(catalog: &Catalog) -> Result<Exports, Error> {
    let mut parts: Vec<KnownPart> = catalog.parts()?;
    parts.retain(|part| part.complete);
    Ok(Exports {
        absent: absent(&parts),
        groups: project::groups(&parts, &stamps(catalog, HIDDEN)?),
        broken: stamps(catalog, BROKEN)?,
    })
}

pub(super) fn remember(
    catalog: &mut Catalog,
    hidden: &BTreeSet<String>,
    broken: &BTreeSet<String>,
) -> Result<(), Error> {
    for (key, stamps) in [(BROKEN, broken), (HIDDEN, hidden)] {
        let stamps: Vec<&str> = stamps.iter().map(String::as_str).collect();
        let stamps = serde_json::Value::from(stamps).to_string();
        if catalog.meta(key)?.as_ref() != Some(&stamps) {
            catalog.set_meta(key, &stamps)?;
        }
    }
    Ok(())
}

fn stamps(catalog: &Catalog, key: &str) -> Result<BTreeSet<String>, Error> {
    let stamps = catalog.meta(key)?.ok_or(catalog::Error::NotYet)?;
    serde_json::from_str(&stamps).map_err(|_| {
        let what = format!("the exports that are {key}: {stamps}");
        Error::Catalog(catalog::Error::Value(what))
    })
}
