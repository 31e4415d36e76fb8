//! Which sidecar speaks of which file: in one folder, across folders, and for albums that hold nothing but sidecars.

use super::{Export, Folder};
use crate::model::{Batch, Medium, Sidecar};
use crate::source::takeout::pair::{self, SidecarName};
use std::collections::{HashMap, HashSet};

/// What counts as the same bytes here: length and CRC-32. First bytes do not, since they may have been compared of some
/// files and not yet of others, and nothing may depend on that.
type Bytes = (u64, u32);

fn bytes(medium: &Medium) -> Bytes {
    (medium.key.size, medium.key.crc32)
}

/// Pairs the files of one folder. Sidecars without a file go to `unused`.
pub(super) fn join(
    export: &Export,
    content: &Folder,
    year: Option<i16>,
    in_album: bool,
    batch: &mut Batch,
    unused: &mut Vec<usize>,
) {
    let files: Vec<String> = content
        .media
        .iter()
        .map(|index| batch.media[*index].file.clone())
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let names = sidecar_names(export, &content.sidecars);
    let pairs = pair::pair(&files, &names);
    let mut used = vec![false; content.sidecars.len()];
    for (index, pairing) in content.media.iter().zip(&pairs) {
        let sidecar = pairing.sidecar.map(|at| {
            used[at] = true;
            export.entries[content.sidecars[at]].id
        });
        let medium = &mut batch.media[*index];
        medium.year = year;
        medium.in_album = in_album;
        medium.role = pairing.role;
        medium.head = pairing.head.map(|head| content.media[head] as u32);
        medium.sidecar =
            sidecar.and_then(|entry| Some((entry, export.sidecars.get(&entry)?.clone())));
    }
    // The same path in two parts is one file: its second sidecar is used when the first is.
    let used_names: HashSet<&str> = names
        .iter()
        .zip(&used)
        .filter(|(_, used)| **used)
        .map(|(name, _)| name.name)
        .collect();
    let left = content
        .sidecars
        .iter()
        .zip(&names)
        .filter(|(_, name)| !used_names.contains(name.name));
    unused.extend(left.map(|(at, _)| *at));
}

pub(super) fn sidecar_names<'a>(export: &'a Export, sidecars: &[usize]) -> Vec<SidecarName<'a>> {
    let name_of = |at: &usize| {
        let entry = &export.entries[*at];
        let facts = export.sidecars.get(&entry.id);
        SidecarName {
            name: &entry.file.name,
            title: facts.and_then(|facts| facts.title.as_deref()),
        }
    };
    sidecars.iter().map(name_of).collect()
}

/// Files without a sidecar in their own folder take one that is unused in another, if their name is the only one of
/// its kind and all sidecars that fit say the same. Not where a copy of the same bytes has its own: then all is known of
/// them, and a sidecar of another photo of that name would only date them wrongly. Gives the sidecars taken.
pub(super) fn adopt(export: &Export, unused: &[usize], batch: &mut Batch) -> HashSet<usize> {
    let known: HashSet<Bytes> = batch
        .media
        .iter()
        .filter(|medium| medium.sidecar.is_some())
        .map(bytes)
        .collect();
    let bare = |medium: &Medium| {
        medium.sidecar.is_none() && medium.head.is_none() && !known.contains(&bytes(medium))
    };
    let alone: Vec<usize> = (0..batch.media.len())
        .filter(|index| bare(&batch.media[*index]))
        .collect();
    if alone.is_empty() || unused.is_empty() {
        return HashSet::new();
    }
    let files: Vec<&str> = alone
        .iter()
        .map(|index| batch.media[*index].file.as_str())
        .collect();
    let names = sidecar_names(export, unused);
    let pairs = pair::pair(&files, &names);
    let mut contents: HashMap<&str, HashSet<Bytes>> = HashMap::new();
    for (index, file) in alone.iter().zip(&files) {
        contents
            .entry(file)
            .or_default()
            .insert(bytes(&batch.media[*index]));
    }
    let mut facts_by_name: HashMap<&str, Vec<&Sidecar>> = HashMap::new();
    for (at, name) in unused.iter().zip(&names) {
        if let Some(facts) = export.sidecars.get(&export.entries[*at].id) {
            facts_by_name.entry(name.name).or_default().push(facts);
        }
    }
    let mut adopted: Vec<(usize, usize)> = Vec::new();
    for ((index, file), pairing) in alone.iter().zip(&files).zip(&pairs) {
        let Some(at) = pairing.sidecar else { continue };
        let agree = |facts: &Vec<&Sidecar>| {
            facts
                .windows(2)
                .all(|two| two[0].title == two[1].title && two[0].taken == two[1].taken)
        };
        let sure = facts_by_name.get(names[at].name).is_some_and(agree);
        let near = |year: i16| {
            facts_by_name[names[at].name][0]
                .taken
                .is_none_or(|taken| near_year(taken, year))
        };
        if sure && contents[file].len() == 1 && batch.media[*index].year.is_none_or(near) {
            adopted.push((*index, unused[at]));
        }
    }
    for (index, at) in &adopted {
        let entry = export.entries[*at].id;
        batch.media[*index].borrowed = true;
        batch.media[*index].sidecar = export
            .sidecars
            .get(&entry)
            .map(|facts| (entry, facts.clone()));
    }
    adopted.into_iter().map(|(_, at)| at).collect()
}

/// Whether a time falls into a year or close to it: folders follow local time, and people re-date photos.
pub(super) fn near_year(taken: i64, year: i16) -> bool {
    let estimate = 1970 + taken.div_euclid(31_556_952);
    (estimate - i64::from(year)).abs() <= 1
}

/// For each unused sidecar the file elsewhere that it speaks of, where there is exactly one.
pub(super) fn references(export: &Export, batch: &Batch, unused: &[usize]) -> HashMap<usize, u32> {
    let mut by_facts: HashMap<(&str, Option<i64>), Vec<u32>> = HashMap::new();
    for (index, medium) in batch
        .media
        .iter()
        .enumerate()
        .filter(|(_, medium)| medium.head.is_none())
    {
        if let Some((_, facts)) = &medium.sidecar {
            let title = facts.title.as_deref().unwrap_or_default();
            by_facts
                .entry((title, facts.taken))
                .or_default()
                .push(index as u32);
        }
    }
    let mut found = HashMap::new();
    for at in unused {
        let Some(facts) = export.sidecars.get(&export.entries[*at].id) else {
            continue;
        };
        let Some(title) = facts.title.as_deref() else {
            continue;
        };
        let Some(candidates) = by_facts.get(&(title, facts.taken)) else {
            continue;
        };
        if let Some(index) = choose(batch, candidates, facts) {
            found.insert(*at, index);
        }
    }
    found
}

/// Of files with the same title and second, the one that a sidecar speaks of: by its page, its upload, or because all
/// are the same content.
pub(super) fn choose(batch: &Batch, candidates: &[u32], facts: &Sidecar) -> Option<u32> {
    let sidecar = |index: &u32| {
        batch.media[*index as usize]
            .sidecar
            .as_ref()
            .map(|(_, facts)| facts)
    };
    let one = |fits: &dyn Fn(&Sidecar) -> bool| {
        let fitting: Vec<u32> = candidates
            .iter()
            .copied()
            .filter(|index| sidecar(index).is_some_and(|s| fits(s)))
            .collect();
        let key = |index: &u32| bytes(&batch.media[*index as usize]);
        let first = *fitting.first()?;
        fitting
            .iter()
            .all(|other| key(other) == key(&first))
            .then_some(first)
    };
    one(&|other| facts.url.is_some() && other.url == facts.url)
        .or_else(|| one(&|other| facts.uploaded.is_some() && other.uploaded == facts.uploaded))
        .or_else(|| one(&|_| true))
}
