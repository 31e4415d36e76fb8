//! A change of layout: what it would move, from the catalog alone, and the change itself.
//!
//! No archive is opened. Both trees are folded from the same facts, so that all that differs is the layout's doing.

use super::project::{self, Groups};
use super::{Error, absent};
use crate::catalog::{Catalog, KnownPart};
use crate::tree::fold::Rules;
use crate::tree::image::Image;
use crate::tree::moves::Moves;
use std::collections::BTreeSet;

/// Under this key the catalog remembers which exports were not shown, as a JSON array of stamps.
const HIDDEN: &str = "hidden";

/// What a change of layout would do.
#[derive(Debug)]
pub struct Preview {
    /// What would move.
    pub moves: Moves,
    image: Image,
    made_of: String,
}

/// Compares the tree under two layouts.
///
/// # Errors
/// When the catalog fails.
pub fn preview(catalog: &Catalog, old: &Rules, new: &Rules) -> Result<Preview, Error> {
    let parts: Vec<KnownPart> = catalog
        .parts()?
        .into_iter()
        .filter(|part| part.complete)
        .collect();
    let groups: Groups = project::groups(&parts, &hidden(catalog)?);
    let absent = absent(&parts);
    let (before, _) = project::fold(catalog, &groups, &absent, old, false)?;
    let (image, _) = project::fold(catalog, &groups, &absent, new, false)?;
    Ok(Preview {
        moves: Moves::between(&before, &image),
        image,
        made_of: project::fingerprint(&groups, &absent, new),
    })
}

/// Puts the new tree in place of the kept one.
///
/// # Errors
/// When the catalog fails.
pub fn keep(catalog: &mut Catalog, preview: &Preview) -> Result<(), Error> {
    project::keep(catalog, &preview.image, &preview.made_of)
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
    let stamps = catalog.meta(HIDDEN)?.unwrap_or_else(|| "[]".into());
    serde_json::from_str(&stamps).map_err(|_| {
        let what = format!("the exports that are not shown: {stamps}");
        Error::Catalog(crate::catalog::Error::Value(what))
    })
}
