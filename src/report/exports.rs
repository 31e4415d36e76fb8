//! The exports of a library: what each holds, what it counts as, and whether it is whole.

use crate::catalog::{self, Catalog, KnownPart};
use crate::model::Decided;
use crate::sync;
use crate::sync::project::Key;
use crate::tree::image::Judged;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One export. Its field names are those of `exports --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Export {
    /// Whose it is, where that account has a name.
    pub account: Option<String>,
    /// When it was made, as in its parts' names; of one without such names the time of its newest upload.
    pub stamp: String,
    /// Archives, unpacked folders and loose files.
    pub parts: u64,
    /// What those take.
    pub bytes: u64,
    /// Contents that it holds; absent while it is not shown.
    pub photos: Option<u64>,
    /// Those that no earlier export holds.
    pub new: Option<u64>,
    /// Whether it holds the whole library as it was then, as it counts now; absent while it is not shown.
    pub full: Option<bool>,
    /// What it is to count as, where the user has decided that.
    pub decided: Option<bool>,
    /// Nothing of it is known to be missing, damaged or still on its way.
    pub complete: bool,
    /// It is shown although it is not complete, as the user has decided.
    pub accepted: bool,
    /// It is shown.
    pub shown: bool,
    /// Why it is not complete, and what else stands in the way of reading it.
    pub problems: Vec<String>,
}

/// All exports that are known: those of the first account, then those of the others by name, each in the order of their
/// stamps.
///
/// # Errors
/// When the catalog cannot be read.
pub fn exports(catalog: &Catalog, decided: &Decided) -> Result<Vec<Export>, catalog::Error> {
    let mut exports: BTreeMap<Key, Export> = BTreeMap::new();
    let judged = match catalog.image() {
        Ok(image) => image.found.judged,
        Err(catalog::Error::NotYet) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut parts = catalog.parts()?;
    parts.retain(|part| part.complete);
    for (key, parts) in by_export(&parts, &judged) {
        let export = exports.entry(key).or_default();
        for part in parts.iter().filter(|part| !part.left_over) {
            export.parts += 1;
            export.bytes += match part.part.size {
                0 if part.part.folder => catalog.bytes(part.part.id)?,
                size => size,
            };
        }
        let parts: Vec<KnownPart> = parts.into_iter().cloned().collect();
        export.problems = sync::problems(&parts);
    }
    for judged in judged {
        let key = Key {
            account: judged.account,
            stamp: Some(judged.stamp),
        };
        let export = exports.entry(key).or_default();
        export.shown = true;
        export.photos = Some(judged.contents);
        export.new = Some(judged.new);
        export.full = Some(judged.full);
    }
    let mut incomplete = BTreeSet::new();
    for found in sync::incomplete(catalog)? {
        let key = Key {
            account: found.account,
            stamp: Some(found.stamp),
        };
        let export = exports.entry(key.clone()).or_default();
        export.problems.splice(0..0, found.reasons);
        incomplete.insert(key);
    }
    let first = sync::first_account(catalog)?;
    let finish = |(key, mut export): (Key, Export)| {
        export.complete = !incomplete.contains(&key);
        let stamp = key.stamp.unwrap_or_default();
        export.account = key.account.or_else(|| first.clone());
        export.accepted = !export.complete && decided.accepted.contains(&stamp);
        export.decided = match () {
            () if decided.full.contains(&stamp) => Some(true),
            () if decided.partial.contains(&stamp) => Some(false),
            () => None,
        };
        export.stamp = stamp;
        export
    };
    Ok(exports.into_iter().map(finish).collect())
}

/// Parts by the stamp of their export. What has none belongs to the one export that has one; else the fold has given it
/// one.
fn by_export<'a>(
    parts: &'a [KnownPart],
    judged: &'a [Judged],
) -> BTreeMap<Key, Vec<&'a KnownPart>> {
    let mut named: BTreeMap<&Option<String>, BTreeSet<&str>> = BTreeMap::new();
    for part in parts {
        let stamps = named.entry(&part.account).or_default();
        stamps.extend(part.stamp.as_deref());
    }
    let unnamed = |account: &Option<String>| {
        let named = &named[account];
        let mut folded = judged.iter().filter(|judged| judged.account == *account);
        match named.first() {
            Some(only) if named.len() == 1 => *only,
            _ => folded
                .find(|judged| !named.contains(judged.stamp.as_str()))
                .map_or("(without a stamp)", |judged| &judged.stamp),
        }
    };
    let mut exports: BTreeMap<Key, Vec<&KnownPart>> = BTreeMap::new();
    for part in parts {
        let stamp = part.stamp.as_deref();
        let key = Key {
            account: part.account.clone(),
            stamp: Some(stamp.unwrap_or_else(|| unnamed(&part.account)).to_owned()),
        };
        exports.entry(key).or_default().push(part);
    }
    exports
}
