//! A change of layout: what it would move, from the catalog alone, and the change itself.
//!
//! No archive is opened for the comparison. Both trees are folded from the same facts, so that all that differs is the layout's doing.

use super::Error;
use super::present::absent;
use super::project::{self, Facts, Groups};
use crate::catalog::{self, Catalog, KnownPart};
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use std::collections::BTreeSet;

/// Under this key the catalog remembers which exports were not shown, as a JSON array of stamps. It is there once all
/// parts have been taken in, so a catalog that is half made anew is not asked what would move.
const HIDDEN: &str = "hidden";

/// What would move from one layout to another.
///
/// # Errors
/// [`catalog::Error::NotYet`] before all parts have been taken in once; also when the catalog fails.
pub fn preview(catalog: &Catalog, old: &Rules, new: &Rules) -> Result<Moves, Error> {
    let (groups, absent) = shown(catalog)?;
    let (before, _) = project::fold(Facts::Kept(catalog), &groups, &absent, old)?;
    let (after, _) = project::fold(Facts::Kept(catalog), &groups, &absent, new)?;
    Ok(Moves::between(&before, &after))
}

/// Makes the tree anew under a layout.
///
/// # Errors
/// When the catalog fails.
pub fn change(catalog: &mut Catalog, new: &Rules) -> Result<(), Error> {
    let (groups, absent) = shown(catalog)?;
    project::project(catalog, &groups, &absent, new).map(drop)
}

/// The parts that the kept tree is made of.
fn shown(catalog: &Catalog) -> Result<(Groups, BTreeSet<u32>), Error> {
    let mut parts: Vec<KnownPart> = catalog.parts()?;
    parts.retain(|part| part.complete);
    let absent = absent(&parts);
    Ok((project::groups(&parts, &hidden(catalog)?), absent))
}

pub(super) fn remember_hidden(
    catalog: &mut Catalog,
    stamps: &BTreeSet<String>,
) -> Result<(), Error> {
    let stamps: Vec<&str> = stamps.iter().map(String::as_str).collect();
    let stamps = serde_json::Value::from(stamps).to_string();
    if catalog.meta(HIDDEN)?.as_ref() != Some(&stamps) {
        catalog.set_meta(HIDDEN, &stamps)?;
    }
    Ok(())
}

fn hidden(catalog: &Catalog) -> Result<BTreeSet<String>, Error> {
    let stamps = catalog.meta(HIDDEN)?.ok_or(catalog::Error::NotYet)?;
    serde_json::from_str(&stamps).map_err(|_| {
        let what = format!("the exports that are not shown: {stamps}");
        Error::Catalog(catalog::Error::Value(what))
    })
}
