//! What a library is folded from once more: for commands that look back in it and change nothing.

use crate::catalog::Catalog;
use crate::config::{AsOf, Decisions, Layout, Places};
use crate::model::Decided;
use crate::sync::past;
use crate::sync::project::Terms;
use crate::tree::Sidecars;
use crate::tree::fold::Rules;
use crate::tree::image::Image;
use anyhow::{Context, anyhow};
use std::path::Path;

/// The catalog in a state directory, to be read.
pub(super) fn catalog(state: &Path) -> anyhow::Result<Catalog> {
    Catalog::peek(state)?.with_context(|| {
        format!(
            "nothing is known yet in {}; mount it first",
            state.display()
        )
    })
}

/// What decides about a tree beside the facts: the layout in force, and what the user decided.
pub(super) struct Deciding {
    rules: Rules,
    decided: Decided,
}

impl Deciding {
    /// That of the library in a state directory.
    pub(super) fn of(state: &Path, places: &Places) -> anyhow::Result<Deciding> {
        let layout = Layout::in_force(state)?.unwrap_or_default();
        let decisions = Decisions::load(&places.decisions(state))?;
        Ok(Deciding {
            rules: layout.fold().map_err(|what| anyhow!(what))?,
            decided: decisions.decided().clone(),
        })
    }

    pub(super) fn terms(&self) -> Terms<'_> {
        Terms {
            rules: &self.rules,
            decided: &self.decided,
        }
    }
}

/// What a mount shows: the library as it is, or as of an earlier export.
pub(super) fn image(
    catalog: &Catalog,
    as_of: Option<&AsOf>,
    places: &Places,
    sidecars: Sidecars,
) -> anyhow::Result<Image> {
    let Some(as_of) = as_of else {
        return Ok(catalog.image_with(sidecars)?);
    };
    let deciding = Deciding::of(&as_of.library, places)?;
    Ok(past::as_of(
        catalog,
        &as_of.stamp,
        deciding.terms(),
        sidecars,
    )?)
}
