//! A pass over a library, as `mount` and `sync` make it: with what the user decided, and without moving a photo by
//! a change of layout.

use super::{Common, progress};
use crate::catalog::Catalog;
use crate::config::{Config, Decisions, Layout, Library};
use crate::sync::{self, Outcome};
use crate::tree::fold::Rules;
use crate::tree::moves::Moves;
use anyhow::{Context, anyhow};

/// How many moved photos are named one by one.
const TOLD: usize = 5;

/// Takes in what is new. The lock of the library must be held. A `service` tells its manager that it is not stuck.
pub(super) fn pass(
    common: &Common,
    config: &Config,
    library: &Library,
    catalog: &mut Catalog,
    accept: &[String],
    service: bool,
) -> anyhow::Result<Outcome> {
    let mut decisions = Decisions::load(&library.decisions)?;
    decisions.take_over(&library.state_dir)?;
    decisions.accept(accept)?;
    let in_force = Layout::in_force(&library.state_dir)?;
    let other = in_force
        .as_ref()
        .filter(|in_force| **in_force != config.layout);
    let other = other.map(|layout| fold(layout, library)).transpose()?;
    let counted = sync::Progress::default();
    let pass = sync::Pass {
        sources: &library.sources,
        decided: decisions.decided(),
        rules: &config.rules,
        in_force: other.as_ref(),
        progress: &counted,
    };
    let ended = progress::show(&counted, common.quiet, service, || {
        sync::sync(catalog, &pass)
    })?;
    let outcome = ended.map_err(|error| {
        let error = match error {
            sync::Error::WouldMove(moves) => {
                would_move(config, &in_force.unwrap_or_default(), &moves)
            }
            error => error.into(),
        };
        match catalog.damage() {
            Some(damage) => error.context(damage.to_string()),
            None => error,
        }
    })?;
    config.layout.put_in_force(&library.state_dir)?;
    Ok(outcome)
}

fn fold(in_force: &Layout, library: &Library) -> anyhow::Result<Rules> {
    in_force
        .fold()
        .map_err(|what| anyhow!(what))
        .with_context(|| format!("the layout in force in {}", library.state_dir.display()))
}

fn would_move(config: &Config, in_force: &Layout, moves: &Moves) -> anyhow::Error {
    let differences = in_force.differences(&config.layout);
    let (was, is): (Vec<String>, Vec<String>) = differences.into_iter().unzip();
    anyhow!(
        "{} of {} photos and videos would move or be renamed, and a backup would copy them again: the configuration {} \
         says {}, and the names in this library were made with {}.\n`gphotosfs relayout` (with the same --takeout or \
         --demo, if any) shows what moves, and makes the change. With {} in the configuration everything stays as it is",
        moves.count(),
        moves.count() + moves.kept,
        config.path.display(),
        is.join(", "),
        was.join(", "),
        was.join(", "),
    )
}

/// What a pass has moved, in lines: what exports out of their order, or their late parts, can do.
pub(super) fn moved(outcome: &Outcome) -> Vec<String> {
    let Some(moves) = &outcome.moves else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for change in moves.paths.iter().take(TOLD) {
        lines.push(match change.from == change.to {
            true => format!(
                "{} is now another photo or version of the same size and time: rsync sees that only with --checksum",
                change.to
            ),
            false => format!("{} is now {}", change.from, change.to),
        });
    }
    if moves.paths.len() > TOLD {
        let more = moves.paths.len() - TOLD;
        lines.push(format!("and {more} more paths have changed"));
    }
    lines
}
