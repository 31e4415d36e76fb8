//! The state of a library: what is shown, what is not, and why.

use crate::catalog::{self, Catalog, KnownPart};
use crate::sync;
use crate::tree::image::{FileRecord, Hidden, Image};
use crate::tree::{Options, Tree, numbers};
use serde::Serialize;
use std::collections::HashSet;
use std::path::PathBuf;

/// What is left out on purpose, in contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LeftOut {
    /// In the trash.
    pub trash: u64,
    /// In the locked folder.
    pub locked: u64,
    /// Earlier versions.
    pub older: u64,
    /// Forgotten, as the user wanted.
    pub forgotten: u64,
}

/// What no source that is here could tell again, were the catalog lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackUp {
    /// Parts that are gone, or hold no more what they held.
    pub parts: u64,
    /// Contents that no other part holds: of these the catalog keeps the names.
    pub photos: u64,
    /// The files that know it.
    pub files: Vec<PathBuf>,
}

/// The report. Its field names are those of `status --json`, which adds what a running mount tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Archives and folders that the user named.
    pub sources: u64,
    /// Exports shown.
    pub exports: u64,
    /// Archives and unpacked folders.
    pub parts: u64,
    /// Pictures shown.
    pub photos: u64,
    /// Videos shown, clips of live photos among them.
    pub videos: u64,
    /// Albums shown.
    pub albums: u64,
    /// Persons shown.
    pub people: u64,
    /// What a copy needs that keeps hard links.
    pub bytes: u64,
    /// What a copy needs that does not.
    pub bytes_without_links: u64,
    /// When the newest photo was taken, RFC 3339 in UTC.
    pub newest: Option<String>,
    /// Contents shown.
    pub shown: u64,
    /// Documents shown beside them; they are in no other number but those of bytes.
    pub documents: u64,
    /// Contents left out.
    pub left_out: LeftOut,
    /// Further copies of contents that are shown or left out.
    pub duplicates: u64,
    /// Media files in all archives.
    pub in_archives: u64,
    /// System files of other programs.
    pub junk: u64,
    /// Sidecars without a media file, and contents without a sidecar.
    pub unmatched: u64,
    /// The two that [`Status::unmatched`] is the sum of.
    #[serde(skip)]
    pub lone: (u64, u64),
    /// Media of other Google products, left out.
    #[serde(skip)]
    pub foreign: u64,
    /// What to back up; `None` as long as all can be made anew from the sources.
    pub back_up: Option<BackUp>,
    /// What needs the user.
    pub problems: Vec<String>,
}

/// Makes the report. `settings` are the files with the configuration and the decisions, whether they are there or not.
///
/// # Errors
/// When the catalog cannot be read.
pub fn status(
    catalog: &Catalog,
    sources: u64,
    options: Options,
    settings: &[PathBuf],
) -> Result<Status, catalog::Error> {
    let parts: Vec<_> = catalog
        .parts()?
        .into_iter()
        .filter(|part| part.complete)
        .collect();
    let image = catalog.image_with(options.sidecars)?;
    let found = image.found.clone();
    let back_up = back_up(catalog, &parts, &image, settings);
    let mut left_out = LeftOut::default();
    let mut duplicates = 0;
    for file in &image.files {
        duplicates += u64::from(file.copies) - 1;
        if !options.shows(file.hidden) {
            match file.hidden {
                Hidden::Trash => left_out.trash += 1,
                Hidden::Locked => left_out.locked += 1,
                Hidden::Older => left_out.older += 1,
                Hidden::Forgotten => left_out.forgotten += 1,
                Hidden::No => {}
            }
        }
    }
    let tree = Tree::plant(image, options);
    let totals = tree.totals();
    let videos = tree.files().filter(|file| file.video).count() as u64;
    let newest = tree.files().filter_map(|file| file.taken).max();
    let mut problems = sync::problems(&parts);
    problems.extend(found.problems.iter().cloned());
    if let Some(last) = catalog.meta("problems")? {
        let last: Vec<String> = serde_json::from_str(&last).unwrap_or_else(|_| vec![last]);
        let known: HashSet<String> = problems.iter().cloned().collect();
        problems.extend(last.into_iter().filter(|problem| !known.contains(problem)));
    }
    Ok(Status {
        sources,
        exports: found.judged.len() as u64,
        parts: parts.iter().filter(|part| !part.left_over).count() as u64,
        photos: totals.files - videos,
        videos,
        albums: tree.titles(numbers::ALBUMS).count() as u64,
        people: tree.titles(numbers::PEOPLE).count() as u64,
        bytes: totals.bytes,
        bytes_without_links: totals.bytes_without_links,
        newest: newest.and_then(super::info::rfc3339),
        shown: totals.files,
        documents: totals.documents,
        left_out,
        duplicates,
        in_archives: found.media,
        junk: found.junk,
        unmatched: found.lone_sidecars + found.lone_media,
        lone: (found.lone_sidecars, found.lone_media),
        foreign: found.foreign,
        back_up,
        problems,
    })
}

fn back_up(
    catalog: &Catalog,
    parts: &[KnownPart],
    image: &Image,
    settings: &[PathBuf],
) -> Option<BackUp> {
    let absent = sync::absent(parts);
    if absent.is_empty() {
        return None;
    }
    let only_there = |file: &&FileRecord| {
        file.hidden != Hidden::Forgotten && absent.contains(&file.location.part())
    };
    let mut files = catalog.files();
    files.extend(settings.iter().filter(|path| path.exists()).cloned());
    Some(BackUp {
        parts: absent.len() as u64,
        photos: image.files.iter().filter(only_there).count() as u64,
        files,
    })
}
