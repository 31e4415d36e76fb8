//! Contents that share size and checksum, told apart by their first bytes.
//!
//! Where two such bear different titles or dates they are compared now and not when they are read: otherwise the tree
//! would depend on what has been read.

use super::Error;
use super::peek::Shelf;
use super::project::Facts;
use crate::catalog::KnownPart;
use crate::deflate;
use crate::model::{Batch, BlobKey, Location};
use crate::tree::numbers;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::Path;

/// How much of two contents is compared.
const HEAD: u64 = 64 << 10;

/// What is said of every size and checksum, by a hash of title and date.
#[derive(Debug, Default)]
pub(super) struct Said {
    seen: HashMap<(u64, u32), u64>,
    ambiguous: HashSet<(u64, u32)>,
}

impl Said {
    pub(super) fn hear(&mut self, batch: &Batch) {
        for medium in &batch.media {
            // A copy without a sidecar says nothing that could contradict.
            let Some((_, facts)) = &medium.sidecar else {
                continue;
            };
            let mut hasher = DefaultHasher::new();
            (facts.title.as_deref(), facts.taken).hash(&mut hasher);
            let said = hasher.finish();
            let key = (medium.key.size, medium.key.crc32);
            if *self.seen.entry(key).or_insert(said) != said {
                self.ambiguous.insert(key);
            }
        }
    }

    /// Sizes and checksums that occur under more than one title or date.
    pub(super) fn ambiguous(self) -> HashSet<(u64, u32)> {
        self.ambiguous
    }
}

/// Compares the contents of an export that are ambiguous, and remembers what was read. Gives what could not be compared.
pub(super) fn compare(
    facts: &mut Facts<'_>,
    parts: &HashMap<u32, &KnownPart>,
    ambiguous: &HashSet<(u64, u32)>,
    batch: &mut Batch,
) -> Result<Vec<String>, Error> {
    let points = facts.catalog().dir().join(deflate::FOLDER);
    let mut problems = Vec::new();
    let mut heads = Vec::new();
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
    if let Some(catalog) = facts.growing().filter(|_| !heads.is_empty()) {
        catalog.set_heads(&heads)?;
    }
    Ok(problems)
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
