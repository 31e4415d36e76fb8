//! What a library is folded from once more: for commands that look back in it and change nothing.

use crate::catalog::Catalog;
use crate::config::{Config, Decisions, Layout, Places};
use crate::model::Decided;
use crate::sync::project::Terms;
use crate::tree::fold::Rules;
use anyhow::{Context, anyhow};
use std::path::Path;

/// A catalog that is read, and what else decides about the tree.
pub(super) struct Known {
    pub(super) catalog: Catalog,
    rules: Rules,
    decided: Decided,
}

impl Known {
    /// Of the library in a state directory. Names are those of the layout in force.
    pub(super) fn of(state: &Path, places: &Places, config: &Config) -> anyhow::Result<Known> {
        let catalog = Catalog::peek(state)?.with_context(|| {
            format!(
                "nothing is known yet in {}; mount it first",
                state.display()
            )
        })?;
        let decisions = Decisions::load(&places.decisions(state))?;
        let in_force = Layout::in_force(state)?;
        let layout = in_force.as_ref().unwrap_or(&config.layout);
        Ok(Known {
            catalog,
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
