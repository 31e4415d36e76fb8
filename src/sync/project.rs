//! From facts to the image: exports in the order of their stamps, folded into one tree, and kept in the catalog.
//!
//! The image is made only when something has changed: what it was made of is kept beside it.

use super::peek::Shelf;
use super::{Error, dates, memory};
use crate::catalog::{self, Catalog, KnownPart};
use crate::deflate;
use crate::model::{Batch, BlobKey, Location, Sidecar};
use crate::source::takeout::assemble::{self, Export};
use crate::tree::fold::{Fold, Rules};
use crate::tree::image::{Image, Texts};
use crate::tree::moves::Moves;
use crate::tree::{document, numbers};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Counts the versions of the fold and of what it takes in. A catalog whose image is of another is folded anew.
const VERSION: u32 = 3;
/// Under this key the catalog remembers which version made the kept image: another's cannot be read.
const DRAWN_BY: &str = "drawn_by";
/// How much of two contents of equal size and checksum is compared.
const HEAD: u64 = 64 << 10;

/// What is known of the exports, for a fold.
pub(super) enum Facts<'a> {
    /// As far as it is remembered: no archive is opened, and what nothing tells apart counts as different.
    Kept(&'a Catalog),
    /// What is missing is read in the archives, and remembered.
    Growing(&'a mut Catalog),
}

impl Facts<'_> {
    pub(super) fn catalog(&self) -> &Catalog {
        match self {
            Facts::Kept(catalog) => catalog,
            Facts::Growing(catalog) => catalog,
        }
    }

    /// Where to remember what is read; `None` where nothing is to be read.
    pub(super) fn growing(&mut self) -> Option<&mut Catalog> {
        match self {
            Facts::Kept(_) => None,
            Facts::Growing(catalog) => Some(catalog),
        }
    }
}

/// The parts of each export to show, by stamp. `None` stands for what has no stamp.
pub type Groups = BTreeMap<Option<String>, Vec<KnownPart>>;

/// Sorts parts into exports. What has no stamp belongs to the one export that has one, else it is one of its own.
pub fn groups(parts: &[KnownPart], hidden: &BTreeSet<String>) -> Groups {
    let stamps: BTreeSet<&String> = parts
        .iter()
        .filter_map(|part| part.stamp.as_ref())
        .collect();
    let only = (stamps.len() == 1)
        .then(|| stamps.first().map(|stamp| (*stamp).clone()))
        .flatten();
    let mut groups = Groups::new();
    for part in parts {
        let stamp = part.stamp.clone().or_else(|| only.clone());
        if stamp.as_ref().is_none_or(|stamp| !hidden.contains(stamp)) {
            groups.entry(stamp).or_default().push(part.clone());
        }
    }
    groups
}

/// Makes and keeps the image, unless the kept one was made of the same. Tells how it differs from the one before; `None`
/// where there was none, or one of another version of this program.
///
/// # Errors
/// When the catalog fails.
pub fn project(
    catalog: &mut Catalog,
    groups: &Groups,
    absent: &BTreeSet<u32>,
    rules: &Rules,
) -> Result<Option<Moves>, Error> {
    let made_of = fingerprint(groups, absent, rules);
    if catalog.image_made_of()?.as_deref() == Some(&made_of) {
        let files = catalog.meta("files")?;
        return Ok(Some(Moves {
            kept: files.and_then(|files| files.parse().ok()).unwrap_or(0),
            ..Moves::default()
        }));
    }
    let (image, texts) = fold(Facts::Growing(catalog), groups, absent, rules)?;
    // Only now, when the facts that the fold was made of are out of memory.
    memory::give_back();
    let old = kept(catalog)?;
    let moves = old.map(|old| Moves::between(&old, &image));
    keep(catalog, &image, &texts, &made_of)?;
    Ok(moves)
}

/// Keeps an image, and which version made it.
fn keep(catalog: &mut Catalog, image: &Image, texts: &Texts, made_of: &str) -> Result<(), Error> {
    // Nobody's while it changes: stopped in between, it is not taken for the image of either version.
    catalog.set_meta(DRAWN_BY, "")?;
    catalog.keep_image(image, texts, made_of)?;
    catalog.set_meta(DRAWN_BY, &VERSION.to_string())?;
    Ok(())
}

/// Whether an image is kept that this version made.
pub(super) fn is_kept(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta(DRAWN_BY)? == Some(VERSION.to_string()))
}

/// Whether an image was ever kept, of whatever version: then all sources have been looked at once.
pub(super) fn was_ever_kept(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta(DRAWN_BY)?.is_some())
}

fn kept(catalog: &Catalog) -> Result<Option<Image>, Error> {
    if !is_kept(catalog)? {
        return Ok(None);
    }
    match catalog.image() {
        Ok(image) => Ok(Some(image)),
        Err(catalog::Error::NotYet | catalog::Error::Value(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Folds all exports into an image, and measures the documents for it.
pub(super) fn fold(
    mut facts: Facts<'_>,
    groups: &Groups,
    absent: &BTreeSet<u32>,
    rules: &Rules,
) -> Result<(Image, Texts), Error> {
    let mut batches = Vec::new();
    for (stamp, parts) in groups {
        let mut batch = assemble::assemble(load(facts.catalog(), stamp.as_deref(), parts, absent)?);
        if batch.stamp.is_empty() {
            batch.stamp = newest_upload(&batch);
        }
        batches.push(batch);
    }
    let parts: HashMap<u32, &KnownPart> = groups
        .values()
        .flatten()
        .map(|part| (part.part.id, part))
        .collect();
    let mut problems = compare_heads(&mut facts, &parts, &mut batches)?;
    problems.extend(dates::tell(&mut facts, &parts, &mut batches)?);
    batches.sort_by(|a, b| a.stamp.cmp(&b.stamp));
    let mut fold = Fold::new(rules.clone());
    for batch in &batches {
        fold.step(batch);
    }
    let mut image = fold.image();
    image.found.exports = batches.len() as u64;
    image.found.problems = problems;
    let texts = measure(&image, &batches);
    Ok((image, texts))
}

/// Measures the documents that may stand beside photos.
fn measure(image: &Image, batches: &[Batch]) -> Texts {
    let media = batches.iter().flat_map(|batch| &batch.media);
    let sidecars: HashMap<u32, &Sidecar> = media
        .filter_map(|medium| medium.sidecar.as_ref())
        .map(|(entry, facts)| (*entry, &**facts))
        .collect();
    document::measure(image, |entry| sidecars.get(&entry).copied())
}

pub(super) fn fingerprint(groups: &Groups, absent: &BTreeSet<u32>, rules: &Rules) -> String {
    let mut sha = Sha256::new();
    sha.update(VERSION.to_le_bytes());
    sha.update(rules.zone.iana_name().unwrap_or_default());
    sha.update([0, u8::from(rules.names.windows), rules.names.max]);
    for (stamp, parts) in groups {
        sha.update(stamp.as_deref().unwrap_or_default());
        for part in parts {
            sha.update(part.part.id.to_le_bytes());
            sha.update([u8::from(absent.contains(&part.part.id))]);
            sha.update(part.part.size.to_le_bytes());
            sha.update(part.part.mtime_ns.to_le_bytes());
            sha.update(part.part.path.as_os_str().as_bytes());
        }
    }
    data_encoding::HEXLOWER.encode(&sha.finalize())
}

/// Whether the kept image holds anything at all.
///
/// # Errors
/// When the catalog fails.
pub fn any_photos(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta("files")?.as_deref() != Some("0"))
}

fn load(
    catalog: &Catalog,
    stamp: Option<&str>,
    parts: &[KnownPart],
    absent: &BTreeSet<u32>,
) -> Result<Export, Error> {
    let mut export = Export {
        stamp: stamp.unwrap_or_default().to_owned(),
        ..Export::default()
    };
    for part in parts {
        let id = part.part.id;
        export.entries.extend(catalog.entries(id)?);
        export.sidecars.extend(
            catalog
                .sidecars(id)?
                .into_iter()
                .map(|(entry, facts)| (entry, Arc::new(facts))),
        );
        export.albums.extend(catalog.albums(id)?);
        if part.part.folder {
            export.folders.insert(id);
        }
        if part.part.gzipped {
            export.gzipped.insert(id);
        }
        if absent.contains(&id) {
            export.absent.insert(id);
        }
    }
    Ok(export)
}

/// An export without a stamp is as old as its newest upload.
fn newest_upload(batch: &Batch) -> String {
    let uploads = batch
        .media
        .iter()
        .filter_map(|medium| medium.sidecar.as_ref()?.1.uploaded);
    let newest = uploads
        .max()
        .and_then(|second| jiff::Timestamp::from_second(second).ok());
    newest
        .map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_default()
}

/// Contents that share size and CRC-32 under different titles or dates are compared by their first bytes, now and not
/// when they are read: otherwise the tree would depend on what has been read. Gives what could not be compared.
fn compare_heads(
    facts: &mut Facts<'_>,
    parts: &HashMap<u32, &KnownPart>,
    batches: &mut [Batch],
) -> Result<Vec<String>, Error> {
    let ambiguous = ambiguous(batches);
    let points = facts.catalog().dir().join(deflate::FOLDER);
    let mut problems = Vec::new();
    let mut heads = Vec::new();
    for batch in batches {
        let paths = &batch.paths;
        for medium in &mut batch.media {
            let key = medium.key;
            if key.head != 0 || !ambiguous.contains(&(key.size, key.crc32)) {
                continue;
            }
            let Some(part) = parts.get(&medium.location.part()) else {
                continue;
            };
            if facts.growing().is_none() {
                medium.key.head = numbers::head(medium.file.as_bytes());
                continue;
            }
            match read_head(part, medium.location, paths, medium.key, &points) {
                Ok(bytes) => {
                    medium.key.head = numbers::head(&bytes);
                    heads.push((medium.entry, medium.key.head));
                }
                Err(error) => {
                    problems.push(format!(
                        "{}: {}: {error}; taken for a photo of its own",
                        part.part.path.display(),
                        medium.file
                    ));
                    medium.key.head = numbers::head(medium.file.as_bytes());
                }
            }
        }
    }
    if let Some(catalog) = facts.growing().filter(|_| !heads.is_empty()) {
        catalog.set_heads(&heads)?;
    }
    Ok(problems)
}

/// Sizes and checksums that occur under more than one title or date.
fn ambiguous(batches: &[Batch]) -> HashSet<(u64, u32)> {
    type Said<'a> = (Option<&'a str>, Option<i64>);
    let mut seen: HashMap<(u64, u32), Said<'_>> = HashMap::new();
    let mut ambiguous = HashSet::new();
    for medium in batches.iter().flat_map(|batch| &batch.media) {
        // A copy without a sidecar says nothing that could contradict.
        let Some((_, facts)) = &medium.sidecar else {
            continue;
        };
        let facts = (facts.title.as_deref(), facts.taken);
        let key = (medium.key.size, medium.key.crc32);
        if *seen.entry(key).or_insert(facts) != facts {
            ambiguous.insert(key);
        }
    }
    ambiguous
}

fn read_head(
    part: &KnownPart,
    location: Location,
    paths: &[Vec<u8>],
    key: BlobKey,
    points: &Path,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut shelf = Shelf::of(part, points);
    let file = shelf.open(location, paths, key)?;
    file.take(HEAD).read_to_end(&mut bytes)?;
    Ok(bytes)
}
