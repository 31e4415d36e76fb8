//! What a decision to forget is kept by: the contents of photos, with the hash of their first bytes.

use super::Error;
use super::heads::read_head;
use crate::catalog::{Catalog, KnownPart};
use crate::deflate;
use crate::model::BlobKey;
use crate::tree::image::{FileRecord, Image};
use crate::tree::numbers;
use std::collections::HashMap;

/// The keys of files of an image, in their order. The first bytes are read where the catalog does not know their hash;
/// where they cannot be read it is 0, which means any content of that size and checksum.
///
/// # Errors
/// When the catalog fails.
pub fn keys(
    catalog: &Catalog,
    image: &Image,
    files: impl IntoIterator<Item = u32>,
) -> Result<Vec<BlobKey>, Error> {
    let parts: HashMap<u32, KnownPart> = catalog
        .parts()?
        .into_iter()
        .map(|part| (part.part.id, part))
        .collect();
    let mut keys = Vec::new();
    for file in files.into_iter().filter_map(|file| image.file(file)) {
        let known = catalog.entry(file.entry)?.map_or(0, |entry| entry.head);
        let head = match known {
            0 => read(catalog, image, &parts, file),
            head => head,
        };
        keys.push(BlobKey {
            head,
            ..plain(file)
        });
    }
    Ok(keys)
}

fn plain(file: &FileRecord) -> BlobKey {
    BlobKey {
        size: file.size,
        crc32: file.crc32,
        head: 0,
    }
}

fn read(
    catalog: &Catalog,
    image: &Image,
    parts: &HashMap<u32, KnownPart>,
    file: &FileRecord,
) -> u64 {
    let Some(part) = parts.get(&file.location.part()) else {
        return 0;
    };
    let points = catalog.dir().join(deflate::FOLDER);
    match read_head(part, file.location, &image.paths, plain(file), &points) {
        Ok(bytes) => numbers::head(&bytes),
        Err(error) => {
            let path = part.part.path.display();
            tracing::warn!("{path}: the first bytes of a photo to forget cannot be read: {error}");
            0
        }
    }
}
