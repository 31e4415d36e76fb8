//! The state of a library: what is shown, what is not, and why.

use crate::catalog::{self, Catalog, KnownPart};
use crate::sync;
use crate::tree::image::{FileRecord, Found, Hidden, Image, View};
use crate::tree::{Options, Tree};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
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

/// What one of several accounts has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Account {
    /// Its name; the first may have none.
    pub name: Option<String>,
    /// It is the first, whose views stand in the root.
    pub first: bool,
    /// Exports shown.
    pub exports: u64,
    /// Pictures shown.
    pub photos: u64,
    /// Videos shown, clips of live photos among them.
    pub videos: u64,
    /// Albums shown.
    pub albums: u64,
    /// Persons shown.
    pub people: u64,
    /// When the newest photo was taken, RFC 3339 in UTC.
    pub newest: Option<String>,
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
    /// Those of them that are gone from Google: a later full export lacks them, or holds them in the trash or the locked
    /// folder alone.
    pub gone: u64,
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
    /// The accounts one by one, the first at the head; empty when there is but one.
    pub accounts: Vec<Account>,
    /// What to back up; `None` as long as all can be made anew from the sources.
    pub back_up: Option<BackUp>,
    /// What needs the user.
    pub problems: Vec<String>,
}

/// Makes the report on what a mount shows of an image with these options, from so many sources. `settings` are the files
/// with the configuration and the decisions, whether they are there or not.
///
/// # Errors
/// When the catalog cannot be read.
pub fn status(
    catalog: &Catalog,
    image: Image,
    (sources, options): (u64, Options),
    settings: &[PathBuf],
) -> Result<Status, catalog::Error> {
    let parts: Vec<_> = catalog
        .parts()?
        .into_iter()
        .filter(|part| part.complete)
        .collect();
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
    let gone = image.gone().len() as u64;
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
        albums: tree.titles(View::Albums).count() as u64,
        people: tree.titles(View::People).count() as u64,
        bytes: totals.bytes,
        bytes_without_links: totals.bytes_without_links,
        newest: newest.and_then(super::info::rfc3339),
        shown: totals.files,
        documents: totals.documents,
        gone,
        left_out,
        duplicates,
        in_archives: found.media,
        junk: found.junk,
        unmatched: found.lone_sidecars + found.lone_media,
        lone: (found.lone_sidecars, found.lone_media),
        foreign: found.foreign,
        accounts: accounts(&tree, &found, sync::first_account(catalog)?.as_deref()),
        back_up,
        problems,
    })
}

/// What each of several accounts has.
fn accounts(tree: &Tree, found: &Found, first: Option<&str>) -> Vec<Account> {
    let mut by_name: BTreeMap<Option<&str>, Account> = BTreeMap::new();
    for name in std::iter::once(None).chain(tree.accounts().map(Some)) {
        let account = Account {
            name: name.or(first).map(str::to_owned),
            first: name.is_none(),
            ..Account::default()
        };
        by_name.insert(name, account);
    }
    if by_name.len() == 1 {
        return Vec::new();
    }
    let mut newest: BTreeMap<Option<&str>, i64> = BTreeMap::new();
    for file in tree.files() {
        let name = tree.account(file.ino);
        if let Some(account) = by_name.get_mut(&name) {
            account.videos += u64::from(file.video);
            account.photos += u64::from(!file.video);
        }
        if let Some(taken) = file.taken {
            let newest = newest.entry(name).or_insert(taken);
            *newest = taken.max(*newest);
        }
    }
    for (name, account) in &mut by_name {
        let count = |view| tree.titles(view).filter(|(of, _)| of == name).count();
        account.albums = count(View::Albums) as u64;
        account.people = count(View::People) as u64;
        let judged = found.judged.iter();
        let exports = judged.filter(|export| export.account.as_deref() == *name);
        account.exports = exports.count() as u64;
        let newest = newest.get(name).copied();
        account.newest = newest.and_then(super::info::rfc3339);
    }
    by_name.into_values().collect()
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
