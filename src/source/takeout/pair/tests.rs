//! Pairing, by class, by rule and by table.

mod class;
mod rule;
mod table;

use super::{Pairing, SidecarName, pair};

/// Pairs, with sidecars given as name and title; an empty title is an unknown one.
fn paired(media: &[&str], sidecars: &[(&str, &str)]) -> Vec<Pairing> {
    let sidecars: Vec<SidecarName<'_>> = sidecars
        .iter()
        .map(|(name, title)| SidecarName {
            name,
            title: (!title.is_empty()).then_some(*title),
        })
        .collect();
    pair(media, &sidecars)
}
