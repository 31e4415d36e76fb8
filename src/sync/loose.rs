//! Loose files among the sources: to which export each belongs, by the sidecars in that export's archives.

use super::Pass;
use crate::catalog::{self, Catalog, KnownPart};
use crate::model::Sidecar;
use crate::model::listing::Entry;
use crate::source::takeout::loose::{self, Export, Home};
use crate::source::takeout::part::{self, Found, PartName};
use std::collections::{BTreeMap, HashMap};

/// Of files that may be parts those that are, with the number that each has among the parts and its place in the export.
/// A file of which the sidecars of no export speak, or those of two, is none.
///
/// # Errors
/// When the catalog fails.
pub(super) fn homes(
    catalog: &Catalog,
    files: &[&Found],
    pass: &Pass<'_>,
) -> Result<Vec<(Found, Home)>, catalog::Error> {
    let mut homes: BTreeMap<usize, Vec<(PartName, Home)>> = BTreeMap::new();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    for ((account, stamp), parts) in exports(catalog, pass)? {
        let numbers = Numbers::of(&stamp, &parts, files);
        let wanted: Vec<(usize, Wanted)> = (0..)
            .zip(files)
            .filter(|(_, file)| pass.account_of_found(file) == account.as_deref())
            .filter_map(|(at, file)| Some((at, numbers.wanted(file)?)))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let (entries, facts) = load(catalog, &parts)?;
        let export = Export::of(&entries, |entry| facts.get(&entry));
        for (at, wanted) in wanted {
            let home = match &wanted.title {
                Some(name) => export.home(name),
                None => Some(export.home_by_kind(&file_name(files[at]))),
            };
            let found = home.map(|home| (wanted.name, home));
            homes.entry(at).or_default().extend(found);
        }
    }
    let mut sure = Vec::new();
    for (at, mut of_file) in homes {
        if let (Some((name, home)), true) = (of_file.pop(), of_file.is_empty()) {
            let mut file = files[at].clone();
            file.name = Some(name);
            sure.push((file, home));
        }
    }
    Ok(sure)
}

/// By account and stamp.
type Exports = BTreeMap<(Option<String>, String), Vec<KnownPart>>;

fn exports(catalog: &Catalog, pass: &Pass<'_>) -> Result<Exports, catalog::Error> {
    let mut exports = Exports::new();
    for part in catalog.parts()?.into_iter().filter(|part| part.complete) {
        if let Some(stamp) = &part.stamp {
            let export = (pass.account_of(&part).map(str::to_owned), stamp.clone());
            exports.entry(export).or_default().push(part);
        }
    }
    Ok(exports)
}

type Loaded = (Vec<Entry>, HashMap<u32, Sidecar>);

fn load(catalog: &Catalog, parts: &[KnownPart]) -> Result<Loaded, catalog::Error> {
    let (mut entries, mut facts) = (Vec::new(), HashMap::new());
    for part in parts {
        entries.extend(catalog.entries(part.part.id)?);
        facts.extend(catalog.sidecars(part.part.id)?);
    }
    Ok((entries, facts))
}

/// A file as a part of one export.
struct Wanted {
    name: PartName,
    /// The name that it has in the export; `None` where its own tells nothing but the stamp.
    title: Option<String>,
}

/// Which numbers an export has.
struct Numbers<'a> {
    stamp: &'a str,
    taken: Vec<PartName>,
    gaps: Vec<(Option<u32>, u32)>,
    /// The highest number that a loose file can have.
    most: u32,
}

impl<'a> Numbers<'a> {
    fn of(stamp: &'a str, parts: &[KnownPart], files: &[&Found]) -> Numbers<'a> {
        let here = |part: &KnownPart| files.iter().any(|file| file.path == part.part.path);
        let taken: Vec<PartName> = parts
            .iter()
            .filter(|part| !here(part))
            .filter_map(super::whole::name_of)
            .collect();
        let highest = taken.iter().map(|name| name.number).max().unwrap_or(0);
        Numbers {
            stamp,
            gaps: part::gaps(taken.iter()),
            taken,
            most: highest.saturating_add(files.len() as u32),
        }
    }

    /// What a file would be among the parts: one whose number is free.
    fn wanted(&self, file: &Found) -> Option<Wanted> {
        if let Some(name) = &file.name {
            let free = name.stamp == self.stamp && !self.taken.contains(name);
            return free.then(|| Wanted {
                name: name.clone(),
                title: None,
            });
        }
        let (title, number) = loose::parse(&file_name(file))?;
        let gap = self.gaps.iter().find(|(_, gap)| *gap == number);
        let behind = self.taken.iter().max_by_key(|name| name.number)?;
        let free = self.taken.iter().all(|name| name.number != number) && number <= self.most;
        let series = match gap {
            Some((series, _)) => *series,
            None if free => behind.series,
            None => return None,
        };
        let name = PartName {
            stamp: self.stamp.to_owned(),
            series,
            number,
        };
        Some(Wanted {
            name,
            title: Some(title),
        })
    }
}

fn file_name(file: &Found) -> String {
    let name = file.path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
