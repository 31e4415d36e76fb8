//! All that is known of one file.

use crate::catalog::{self, Catalog};
use crate::model::listing::Entry;
use crate::model::{Geo, Role};
use crate::sync;
use crate::tree::Tree;
use crate::tree::image::{FileRecord, Image, View};
use serde::Serialize;
use std::collections::HashMap;

/// Where the bytes of a file come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The archive or unpacked folder on this machine.
    pub archive: String,
    /// Path in the export, begins with `Takeout/`.
    pub entry: String,
    /// Path of the sidecar in the export; it may lie in another part.
    pub sidecar: Option<String>,
}

/// One of several contents that a photo has had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Inode number, as text.
    pub inode: String,
    /// Bytes.
    pub size: u64,
    /// CRC-32 of the content, 8 hex digits.
    pub crc32: String,
    /// The one that is shown.
    pub shown: bool,
    /// Path in an export, begins with `Takeout/`.
    pub entry: String,
}

/// What says that a photo is gone from Google.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// The stamp of the first export that says so.
    pub export: String,
    /// It holds the photo in the trash or in the locked folder alone; otherwise it is full and lacks it.
    pub held: bool,
}

/// What has become of the photos of a library in a series of exports, by the inodes of what is shown.
#[derive(Debug, Clone, Default)]
pub struct Past {
    versions: HashMap<u64, Vec<FileRecord>>,
    gone: HashMap<u64, Gone>,
}

impl Past {
    /// What an image knows.
    pub fn of(image: &Image) -> Past {
        let mut past = Past::default();
        for (version, shown) in &image.lines.versions {
            if let Some((version, shown)) = image.file(*version).zip(image.file(*shown)) {
                let known = past.versions.entry(shown.ino);
                known.or_insert_with(|| vec![*shown]).push(*version);
            }
        }
        for gone in &image.lines.gone {
            let export = image.found.judged.get(gone.export as usize);
            if let Some((file, export)) = image.file(gone.file).zip(export) {
                let export = export.stamp.clone();
                let held = gone.held;
                past.gone.insert(file.ino, Gone { export, held });
            }
        }
        past
    }

    /// All versions of a photo, the one that is shown first; empty where there is one.
    fn versions(&self, catalog: &Catalog, ino: u64) -> Result<Vec<Version>, catalog::Error> {
        let mut versions = Vec::new();
        for file in self.versions.get(&ino).into_iter().flatten() {
            let entry = catalog.entry(file.entry)?;
            versions.push(Version {
                inode: file.ino.to_string(),
                size: file.size,
                crc32: format!("{:08x}", file.crc32),
                shown: file.ino == ino,
                entry: entry.as_ref().map(Entry::path).unwrap_or_default(),
            });
        }
        Ok(versions)
    }
}

/// The report on a file. Its field names are those of `info --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// As the user wrote it.
    pub path: String,
    /// What it is, if it is a document beside a photo: `xmp` or `json`. Then size, inode and checksum are its own, and
    /// all else is told of the photo.
    pub document: Option<&'static str>,
    /// Inode number, as text: it exceeds what JavaScript can count.
    pub inode: String,
    /// Bytes.
    pub size: u64,
    /// RFC 3339 in UTC.
    pub taken: Option<String>,
    /// The name at upload.
    pub title: Option<String>,
    /// What the user wrote.
    pub description: Option<String>,
    /// Names of the people on it.
    pub people: Vec<String>,
    /// Titles of the albums that hold it.
    pub albums: Vec<String>,
    /// Where it was taken.
    pub geo: Option<Geo>,
    /// Marked as a favourite.
    pub favorite: bool,
    /// Original, edited copy or clip.
    pub role: Role,
    /// Came through partner sharing.
    pub partner: bool,
    /// What says that it is gone from Google; `null` where nothing does.
    pub gone: Option<Gone>,
    /// What it was and is, the content that is shown first; empty unless there are several.
    pub versions: Vec<Version>,
    /// The account that holds it, where it has a name.
    pub account: Option<String>,
    /// Which source it comes from.
    pub source: &'static str,
    /// How near it is to what was uploaded.
    pub fidelity: &'static str,
    /// CRC-32 of the content, 8 hex digits.
    pub crc32: Option<String>,
    /// SHA-256 of the content, where known.
    pub sha256: Option<String>,
    /// What the bytes are checked against before they are served.
    pub verified: Option<&'static str>,
    /// Where the bytes come from.
    pub origin: Origin,
}

/// Reports on the file at an inode; `None` when there is none.
///
/// # Errors
/// When the catalog cannot be read.
pub fn info(
    catalog: &Catalog,
    (tree, past): (&Tree, &Past),
    path: &str,
    ino: u64,
) -> Result<Option<Info>, catalog::Error> {
    let beside = tree.beside(ino);
    let photo = beside.map_or(ino, |(photo, _)| photo);
    let Some((file, attr)) = tree.file(photo).zip(tree.attr(ino)) else {
        return Ok(None);
    };
    let document = beside.map(|(_, document)| document.ending().trim_start_matches('.'));
    // An XMP document has no bytes of which anybody told a checksum.
    let crc32 = match document {
        None => Some(file.crc32),
        Some(_) => tree.blob(ino).map(|blob| blob.crc32),
    };
    let entry = catalog.entry(file.entry)?;
    let sidecar_entry = file
        .sidecar
        .map(|id| catalog.entry(id))
        .transpose()?
        .flatten();
    let facts = file
        .sidecar
        .map(|id| catalog.sidecar(id))
        .transpose()?
        .flatten()
        .unwrap_or_default();
    let places = tree.places(photo);
    let titles = |view: View| -> Vec<String> {
        let mut titles: Vec<String> = places
            .iter()
            .filter(|(of, _)| *of == view)
            .map(|(_, title)| (*title).to_owned())
            .collect();
        titles.sort();
        titles
    };
    let archive = match &entry {
        Some(entry) => catalog
            .parts()?
            .into_iter()
            .find(|part| part.part.id == entry.part),
        None => None,
    };
    Ok(Some(Info {
        path: path.to_owned(),
        document,
        inode: ino.to_string(),
        size: attr.size,
        taken: file.taken.and_then(rfc3339),
        title: facts.title,
        description: facts.description,
        people: titles(View::People),
        albums: titles(View::Albums),
        geo: facts.geo.or(facts.geo_exif),
        favorite: places.iter().any(|(view, _)| *view == View::Favorites),
        role: file.role,
        partner: facts.partner,
        gone: past.gone.get(&photo).cloned(),
        versions: past.versions(catalog, photo)?,
        account: match tree.account(photo) {
            Some(name) => Some(name.to_owned()),
            None => sync::first_account(catalog)?,
        },
        source: "takeout",
        fidelity: if file.role == Role::Edited {
            "edited"
        } else {
            "stored"
        },
        crc32: crc32.map(|crc32| format!("{crc32:08x}")),
        sha256: None,
        verified: crc32.map(|_| "crc32"),
        origin: Origin {
            archive: archive
                .map(|part| part.part.path.display().to_string())
                .unwrap_or_default(),
            entry: entry.as_ref().map(Entry::path).unwrap_or_default(),
            sidecar: sidecar_entry.as_ref().map(Entry::path),
        },
    }))
}

/// A second since 1970 as RFC 3339 in UTC.
pub fn rfc3339(second: i64) -> Option<String> {
    jiff::Timestamp::from_second(second)
        .ok()
        .map(|time| time.to_string())
}
