//! From facts to the image: exports in the order of their stamps, folded into one tree, and kept in the catalog.
//!
//! The image is made only when something has changed: what it was made of is kept beside it.

use super::Error;
use crate::catalog::{Catalog, KnownPart};
use crate::deflate;
use crate::model::chain;
use crate::model::{Batch, BlobKey, Location, Part};
use crate::source::takeout::archive::{self, Archive};
use crate::source::takeout::assemble::{self, Export};
use crate::source::takeout::tgz::Opened;
use crate::tree::fold::{Fold, Rules};
use crate::tree::numbers;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Counts the versions of the fold and of what it takes in. A catalog whose image is of another is folded anew.
const VERSION: u32 = 2;
/// How much of two contents of equal size and checksum is compared.
const HEAD: usize = 64 << 10;

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

/// Makes and keeps the image, unless the kept one was made of the same.
///
/// # Errors
/// When the catalog fails.
pub fn project(
    catalog: &mut Catalog,
    groups: &Groups,
    absent: &BTreeSet<u32>,
    rules: &Rules,
) -> Result<(), Error> {
    let made_of = fingerprint(groups, absent, rules);
    if catalog.image_made_of()?.as_deref() == Some(&made_of) {
        return Ok(());
    }
    let mut batches = Vec::new();
    for (stamp, parts) in groups {
        let mut batch = assemble::assemble(load(catalog, stamp.as_deref(), parts, absent)?);
        if batch.stamp.is_empty() {
            batch.stamp = newest_upload(&batch);
        }
        batches.push(batch);
    }
    let problems = compare_heads(catalog, groups, &mut batches)?;
    batches.sort_by(|a, b| a.stamp.cmp(&b.stamp));
    let mut fold = Fold::new(rules.clone());
    for batch in &batches {
        fold.step(batch);
    }
    let mut image = fold.image();
    image.found.exports = batches.len() as u64;
    image.found.problems = problems;
    catalog.keep_image(&image, &made_of)?;
    Ok(())
}

fn fingerprint(groups: &Groups, absent: &BTreeSet<u32>, rules: &Rules) -> String {
    let mut sha = Sha256::new();
    sha.update(VERSION.to_le_bytes());
    sha.update(rules.zone.iana_name().unwrap_or_default());
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
    catalog: &mut Catalog,
    groups: &Groups,
    batches: &mut [Batch],
) -> Result<Vec<String>, Error> {
    let ambiguous = ambiguous(batches);
    let parts: HashMap<u32, &KnownPart> = groups
        .values()
        .flatten()
        .map(|part| (part.part.id, part))
        .collect();
    let seek = catalog.dir().join(deflate::FOLDER);
    let mut problems = Vec::new();
    let mut heads = Vec::new();
    for batch in batches {
        let paths = &batch.paths;
        for medium in &mut batch.media {
            let key = &mut medium.key;
            if key.head != 0 || !ambiguous.contains(&(key.size, key.crc32)) {
                continue;
            }
            let Some(part) = parts.get(&medium.location.part()) else {
                continue;
            };
            match read_head(part, medium.location, paths, *key, &seek) {
                Ok(bytes) => {
                    key.head = numbers::head(&bytes);
                    heads.push((medium.entry, key.head));
                }
                Err(error) => {
                    problems.push(format!(
                        "{}: {}: {error}; taken for a photo of its own",
                        part.part.path.display(),
                        medium.file
                    ));
                    key.head = numbers::head(medium.file.as_bytes());
                }
            }
        }
    }
    if !heads.is_empty() {
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
    seek: &Path,
) -> Result<Vec<u8>, String> {
    let text = |error: std::io::Error| error.to_string();
    match location {
        Location::File { path, .. } => {
            let file = File::open(
                part.part
                    .path
                    .join(OsStr::from_bytes(&paths[path as usize])),
            )
            .map_err(text)?;
            let mut bytes = Vec::new();
            file.take(HEAD as u64)
                .read_to_end(&mut bytes)
                .map_err(text)?;
            Ok(bytes)
        }
        Location::Tgz { at, .. } => {
            let Part {
                path,
                size,
                mtime_ns,
                ..
            } = &part.part;
            let mut archive = Opened::open(path, *size, *mtime_ns, seek).map_err(text)?;
            let mut bytes = Vec::new();
            let entry = archive.entry(at, key.size);
            entry
                .take(HEAD as u64)
                .read_to_end(&mut bytes)
                .map_err(text)?;
            Ok(bytes)
        }
        Location::Zip {
            deflated,
            header,
            packed,
            ..
        } => {
            let archive = Archive::open(&part.part.path).map_err(|error| chain(&error))?;
            let entry = archive::Entry {
                path: String::new(),
                path_len: 0,
                deflated,
                unreadable: false,
                header,
                packed,
                size: key.size,
                crc32: key.crc32,
            };
            archive
                .read_start(&entry, HEAD)
                .map_err(|error| chain(&error))
        }
    }
}
