//! The library as of an export that is not the newest, and what exports have changed: from the catalog alone.
//!
//! No archive is opened and nothing is written. The same fold that makes the tree is stopped earlier.

use super::project::{self, Exports, Facts, Terms};
use super::{Error, relayout};
use crate::catalog::Catalog;
use crate::tree::fold::{Differences, Moment};
use crate::tree::image::{Image, Sidecars};
use std::collections::BTreeMap;

/// Stamps of the exports that are shown, the oldest first. An export whose parts bear none has that of its newest upload.
///
/// # Errors
/// [`catalog::Error::NotYet`](crate::catalog::Error::NotYet) before all parts have been taken in once; also when the
/// catalog fails.
pub fn stamps(catalog: &Catalog) -> Result<Vec<String>, Error> {
    let exports = relayout::shown(catalog)?;
    let mut stamped = project::stamped(catalog, &exports)?;
    // Two accounts may have exports of one moment.
    stamped.dedup_by(|a, b| a.0 == b.0);
    Ok(stamped.into_iter().map(|(stamp, _)| stamp).collect())
}

/// The exports that are shown, up to and with the one of this stamp.
fn until(catalog: &Catalog, stamp: &str) -> Result<Exports, Error> {
    let mut exports = relayout::shown(catalog)?;
    for (of, group) in project::stamped(catalog, &exports)? {
        if of.as_str() > stamp {
            exports.groups.remove(&group);
        }
    }
    Ok(exports)
}

/// Whether an export that is shown has this stamp.
///
/// # Errors
/// [`Error::NoSuchExport`] when none has; else as [`stamps`].
pub fn check(catalog: &Catalog, stamp: &str) -> Result<(), Error> {
    is_of(&stamps(catalog)?, stamp)
}

fn is_of(known: &[String], stamp: &str) -> Result<(), Error> {
    if known.iter().any(|known| known == stamp) {
        return Ok(());
    }
    Err(Error::NoSuchExport {
        stamp: stamp.to_owned(),
        known: known.to_vec(),
    })
}

/// The tree as of the export of this stamp, with the documents that a mount shows: what it was, or would have been, when that
/// was the newest. Nothing is kept.
///
/// # Errors
/// [`Error::NoSuchExport`] when none of the exports that are shown has this stamp;
/// [`catalog::Error::NotYet`](crate::catalog::Error::NotYet) before all parts have been taken in once; also when the
/// catalog fails.
pub fn as_of(
    catalog: &Catalog,
    stamp: &str,
    terms: Terms<'_>,
    sidecars: Sidecars,
) -> Result<Image, Error> {
    check(catalog, stamp)?;
    let exports = until(catalog, stamp)?;
    let (mut image, texts) = project::fold(Facts::Kept(catalog), &exports, terms)?;
    catalog.add_documents(&mut image, texts, sidecars)?;
    Ok(image)
}

/// What the exports after one have changed, up to and with another; up to the newest where none is named. Gives the stamp
/// of that as well.
///
/// # Errors
/// The same as [`as_of`]; [`Error::NotBefore`] when the first is not the older one.
pub fn differences(
    catalog: &Catalog,
    (from, to): (&str, Option<&str>),
    terms: Terms<'_>,
) -> Result<(String, Differences), Error> {
    let stamps = stamps(catalog)?;
    is_of(&stamps, from)?;
    let to = to.or(stamps.last().map(String::as_str)).unwrap_or(from);
    is_of(&stamps, to)?;
    if from >= to {
        return Err(Error::NotBefore(from.to_owned(), to.to_owned()));
    }
    let exports = until(catalog, to)?;
    let mut accounts: BTreeMap<Option<String>, Span> = BTreeMap::new();
    let facts = Facts::Kept(catalog);
    project::fold_with(facts, &exports, terms, &mut |account, fold, stamp| {
        let span = accounts.entry(account.map(str::to_owned)).or_default();
        if stamp <= from {
            span.then = fold.moment();
        } else {
            span.found = fold.since(&span.then);
        }
    })?;
    let mut found = Differences::default();
    for (_, span) in accounts {
        found.join(span.found);
    }
    Ok((to.to_owned(), found))
}

/// What an account was, and what has changed since. Its exports have stamps of their own.
#[derive(Default)]
struct Span {
    then: Moment,
    found: Differences,
}
