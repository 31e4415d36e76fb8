//! One export out of all of its parts: which folders are albums, which sidecar speaks of which file.
//!
//! Folders are told apart by what lies in them, never by language. A third of all pairs lie in two parts, so nothing
//! is decided before all parts are merged. The result does not depend on the order of parts: everything is sorted by
//! path first.

use super::name::is_album_card;
use super::pair::{self, SidecarName};
use super::part::is_root;
use crate::model::listing::{Entry, Kind};
use crate::model::{Album, AlbumCard, Batch, BlobKey, Location, Medium, Role, Sidecar};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All that was found in the parts of one export.
#[derive(Debug, Default)]
pub struct Export {
    /// When it was made.
    pub stamp: String,
    /// All files of all parts.
    pub entries: Vec<Entry>,
    /// What the sidecars among them say, by entry.
    pub sidecars: HashMap<u32, Arc<Sidecar>>,
    /// What the album metadata among them says, by entry.
    pub albums: HashMap<u32, AlbumCard>,
    /// The parts whose bytes cannot be had now.
    pub absent: HashSet<u32>,
    /// The parts that are unpacked folders.
    pub folders: HashSet<u32>,
}

#[derive(Debug, Default)]
struct Folder {
    /// Indices of entries; for media, of the batch's media.
    media: Vec<usize>,
    sidecars: Vec<usize>,
    cards: Vec<usize>,
    empty: bool,
}

/// What the product folder is called where it is missing.
const PRODUCT: &str = "Google Photos";

/// What lies below the root folder `Takeout`, or the whole where there is none.
fn below_root(dir: &str) -> &str {
    let mut from = 0;
    for component in dir.split('/') {
        from += component.len() + 1;
        if is_root(component) {
            return dir.get(from..).unwrap_or("");
        }
    }
    dir
}

/// Product folder and the folder below it, of a folder in an export.
///
/// `Takeout/Google Photos/Paris` is `("Google Photos", "Paris")`. What lies deeper keeps its slashes.
fn place(dir: &str) -> (&str, &str) {
    let rest = below_root(dir);
    rest.split_once('/').unwrap_or((rest, ""))
}

/// Which folders of an export are those of Google Photos.
#[derive(Debug)]
struct Layout {
    /// The product folder is missing: somebody kept only what lies in it.
    flat: bool,
    products: HashSet<String>,
}

impl Layout {
    fn of(entries: &[Entry]) -> Layout {
        let mut seen: HashMap<&str, (bool, bool)> = HashMap::new();
        for entry in entries {
            let (media, sidecar) = seen.entry(&entry.dir).or_default();
            *media |= entry.file.kind == Kind::Media;
            *sidecar |= entry.file.kind == Kind::Sidecar;
        }
        let beside = seen
            .iter()
            .filter(|(_, (media, sidecar))| *media && *sidecar);
        let beside: Vec<&str> = beside.map(|(dir, _)| *dir).collect();
        let flat = !beside.is_empty() && beside.iter().all(|dir| place(dir).1.is_empty());
        let products = if flat {
            HashSet::from([PRODUCT.to_owned()])
        } else {
            photo_products(seen)
        };
        Layout { flat, products }
    }

    /// The product and the folder of Google Photos that a folder is; `None` when it is another product's.
    fn place<'a>(&self, dir: &'a str) -> Option<(&'a str, &'a str)> {
        let (product, folder) = if self.flat {
            (PRODUCT, below_root(dir))
        } else {
            place(dir)
        };
        self.products.contains(product).then_some((product, folder))
    }
}

/// Makes one batch of an export.
pub fn assemble(mut export: Export) -> Batch {
    export.entries.sort_by(|a, b| {
        (&a.dir, &a.file.name, a.part, a.file.header).cmp(&(
            &b.dir,
            &b.file.name,
            b.part,
            b.file.header,
        ))
    });
    let layout = Layout::of(&export.entries);
    let mut batch = Batch {
        stamp: export.stamp.clone(),
        ..Batch::default()
    };
    let folders = sort_into_folders(&export, &layout, &mut batch);
    let mut unused: Vec<usize> = Vec::new();
    for ((_, folder), content) in &folders {
        let year = (!is_album(folder, content))
            .then(|| year_of(folder))
            .flatten();
        join(
            &export,
            content,
            year,
            is_album(folder, content),
            &mut batch,
            &mut unused,
        );
    }
    let mut placed = adopt(&export, &unused, &mut batch);
    let references = references(&export, &batch, &unused);
    for ((_, folder), content) in folders
        .iter()
        .filter(|((_, folder), content)| is_album(folder, content))
    {
        let mut members: Vec<u32> = content.media.iter().map(|index| *index as u32).collect();
        for sidecar in &content.sidecars {
            if let Some(index) = references.get(sidecar) {
                members.push(*index);
                placed.insert(*sidecar);
            }
        }
        batch.albums.push(album(&export, folder, content, members));
    }
    batch.lone_sidecars = unused.iter().filter(|at| !placed.contains(at)).count() as u64;
    batch
}

type Folders = BTreeMap<(String, String), Folder>;

/// The products that are Google Photos: those with a folder in which media lie beside sidecars, else all with sidecars,
/// else all with media below a folder `Takeout`.
fn photo_products(mut seen: HashMap<&str, (bool, bool)>) -> HashSet<String> {
    let products = |wanted: fn(&(bool, bool)) -> bool| -> HashSet<String> {
        let dirs = seen.iter().filter(|(_, has)| wanted(has));
        dirs.map(|(dir, _)| place(dir).0.to_owned()).collect()
    };
    let beside = products(|(media, sidecar)| *media && *sidecar);
    if !beside.is_empty() {
        return beside;
    }
    let with_sidecars = products(|(_, sidecar)| *sidecar);
    if !with_sidecars.is_empty() {
        return with_sidecars;
    }
    // Any archive has files. Without a single sidecar only the folder `Takeout` tells that these are photos.
    seen.retain(|dir, _| dir.split('/').any(is_root));
    seen.into_iter()
        .filter(|(_, (media, _))| *media)
        .map(|(dir, _)| place(dir).0.to_owned())
        .collect()
}

fn sort_into_folders(export: &Export, layout: &Layout, batch: &mut Batch) -> Folders {
    let mut folders: Folders = BTreeMap::new();
    for (at, entry) in export.entries.iter().enumerate() {
        if entry.file.kind == Kind::Junk {
            batch.junk += 1;
            continue;
        }
        let Some((product, folder)) = layout.place(&entry.dir) else {
            batch.foreign += u64::from(entry.file.kind == Kind::Media);
            continue;
        };
        let content = folders
            .entry((product.to_owned(), folder.to_owned()))
            .or_default();
        match entry.file.kind {
            Kind::Media => {
                content.media.push(batch.media.len());
                let medium = medium(export, entry, batch);
                batch.media.push(medium);
            }
            // An album whose metadata cannot be read is still an album, by its folder's name.
            Kind::Unreadable if is_album_card(&entry.file.name) => content.empty = true,
            Kind::Sidecar | Kind::Unreadable => content.sidecars.push(at),
            // The account's own files lie in the product folder itself and make no album of it.
            Kind::Album if !folder.is_empty() => content.cards.push(at),
            Kind::Empty => content.empty |= is_album_card(&entry.file.name),
            Kind::Album | Kind::Other | Kind::Junk => {}
        }
    }
    folders
}

/// Where a file of an unpacked folder lies below its root.
pub fn path_below_root(entry: &Entry) -> Vec<u8> {
    if let Some(raw) = &entry.file.raw {
        return raw.clone();
    }
    match entry.dir.split_once('/') {
        Some((_, below)) => format!("{below}/{}", entry.file.name).into_bytes(),
        None => entry.file.name.clone().into_bytes(),
    }
}

fn medium(export: &Export, entry: &Entry, batch: &mut Batch) -> Medium {
    let location = if export.folders.contains(&entry.part) {
        batch.paths.push(path_below_root(entry));
        Location::File {
            part: entry.part,
            path: batch.paths.len() as u32 - 1,
            mtime_ns: entry.file.mtime_ns,
        }
    } else {
        Location::Zip {
            part: entry.part,
            deflated: entry.file.deflated,
            header: entry.file.header,
            packed: entry.file.packed,
        }
    };
    Medium {
        entry: entry.id,
        key: BlobKey {
            size: entry.file.size,
            crc32: entry.file.crc32,
            head: entry.head,
        },
        location,
        absent: export.absent.contains(&entry.part),
        file: entry.file.name.clone(),
        year: None,
        in_album: false,
        role: Role::Original,
        head: None,
        sidecar: None,
    }
}

/// A folder with an album's metadata is an album, whatever its name.
fn is_album(folder: &str, content: &Folder) -> bool {
    !content.cards.is_empty() || (content.empty && !folder.is_empty() && year_of(folder).is_none())
}

/// The four-digit year in a folder's name.
fn year_of(folder: &str) -> Option<i16> {
    let mut found = None;
    for word in folder
        .split(|c: char| !c.is_ascii_digit())
        .filter(|word| word.len() == 4)
    {
        found = word
            .parse::<i16>()
            .ok()
            .filter(|year| (1826..=2100).contains(year))
            .or(found);
    }
    found
}

/// Pairs the files of one folder. Sidecars without a file go to `unused`.
fn join(
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

fn sidecar_names<'a>(export: &'a Export, sidecars: &[usize]) -> Vec<SidecarName<'a>> {
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
fn adopt(export: &Export, unused: &[usize], batch: &mut Batch) -> HashSet<usize> {
    let known: HashSet<BlobKey> = batch
        .media
        .iter()
        .filter(|medium| medium.sidecar.is_some())
        .map(|medium| medium.key)
        .collect();
    let bare = |medium: &Medium| {
        medium.sidecar.is_none() && medium.head.is_none() && !known.contains(&medium.key)
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
    let mut contents: HashMap<&str, HashSet<BlobKey>> = HashMap::new();
    for (index, file) in alone.iter().zip(&files) {
        contents
            .entry(file)
            .or_default()
            .insert(batch.media[*index].key);
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
        batch.media[*index].sidecar = export
            .sidecars
            .get(&entry)
            .map(|facts| (entry, facts.clone()));
    }
    adopted.into_iter().map(|(_, at)| at).collect()
}

/// Whether a time falls into a year or close to it: folders follow local time, and people re-date photos.
fn near_year(taken: i64, year: i16) -> bool {
    let estimate = 1970 + taken.div_euclid(31_556_952);
    (estimate - i64::from(year)).abs() <= 1
}

/// For each unused sidecar the file elsewhere that it speaks of, where there is exactly one.
fn references(export: &Export, batch: &Batch, unused: &[usize]) -> HashMap<usize, u32> {
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
fn choose(batch: &Batch, candidates: &[u32], facts: &Sidecar) -> Option<u32> {
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
        let key = |index: &u32| batch.media[*index as usize].key;
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

fn album(export: &Export, folder: &str, content: &Folder, members: Vec<u32>) -> Album {
    let cards = content
        .cards
        .iter()
        .filter_map(|at| export.albums.get(&export.entries[*at].id));
    let card = cards.max_by_key(|card| (card.title.is_some(), card.date.is_some()));
    let title = card.and_then(|card| card.title.clone());
    Album {
        untitled: title.is_none(),
        title: title.unwrap_or_else(|| folder.rsplit('/').next().unwrap_or(folder).to_owned()),
        date: card.and_then(|card| card.date),
        members,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listing::Listed;

    #[test]
    fn folders_are_placed() {
        assert_eq!(
            place("Takeout/Google Photos/Paris"),
            ("Google Photos", "Paris")
        );
        assert_eq!(place("Takeout 2/Google Fotos"), ("Google Fotos", ""));
        assert_eq!(
            place("x/takeout/Google Photos/a/b"),
            ("Google Photos", "a/b")
        );
        assert_eq!(place("Takeout"), ("", ""));
        assert_eq!(place("Google Photos/Paris"), ("Google Photos", "Paris"));
        assert_eq!(place("../../tmp"), ("..", "../tmp"));
        assert_eq!(place(""), ("", ""));
    }

    #[test]
    fn years_are_found_in_any_language() {
        for (folder, year) in [
            ("Photos from 2019", 2019),
            ("2019 年の写真", 2019),
            ("2019년 사진", 2019),
            ("Fotos del 2020", 2020),
        ] {
            assert_eq!(year_of(folder), Some(year), "{folder}");
        }
        for folder in ["Trash", "IMG 20190101", "Room 3000"] {
            assert_eq!(year_of(folder), None, "{folder}");
        }
    }

    /// An export of `(folder, file)`: media with a checksum, sidecars with a time taken, album metadata with neither.
    fn export(files: &[(&str, &str, Option<u32>, Option<i64>)]) -> Export {
        let mut export = Export::default();
        for (id, (folder, file, crc32, taken)) in (0..).zip(files) {
            let kind = match (crc32, taken) {
                (Some(_), _) => Kind::Media,
                (None, Some(_)) => Kind::Sidecar,
                (None, None) => Kind::Album,
            };
            let sidecar = Sidecar {
                title: Some("IMG_1.jpg".into()),
                taken: *taken,
                ..Sidecar::default()
            };
            match kind {
                Kind::Sidecar => drop(export.sidecars.insert(id, Arc::new(sidecar))),
                Kind::Album => drop(export.albums.insert(id, AlbumCard::default())),
                _ => {}
            }
            export.entries.push(Entry {
                id,
                part: 0,
                dir: format!("Takeout/Google Photos/{folder}").into(),
                file: Listed {
                    name: (*file).to_owned(),
                    raw: None,
                    kind,
                    deflated: false,
                    header: 0,
                    packed: 1,
                    size: 1,
                    crc32: crc32.unwrap_or_default(),
                    mtime_ns: 0,
                },
                head: 0,
            });
        }
        export
    }

    /// Two photos of one name. An album has the second one's bytes without a sidecar, another has only the sidecar of
    /// the first.
    #[test]
    fn known_bytes_adopt_no_sidecar() {
        let batch = assemble(export(&[
            ("Photos from 2013", "IMG_1.jpg", Some(1), None),
            (
                "Photos from 2013",
                "IMG_1.jpg.json",
                None,
                Some(1_370_000_000),
            ),
            ("Photos from 2013", "IMG_1(1).jpg", Some(2), None),
            (
                "Photos from 2013",
                "IMG_1.jpg(1).json",
                None,
                Some(1_380_000_000),
            ),
            ("Paris", "metadata.json", None, None),
            ("Paris", "IMG_1.jpg", Some(2), None),
            ("Wedding", "metadata.json", None, None),
            ("Wedding", "IMG_1.jpg.json", None, Some(1_370_000_000)),
        ]));
        let dated = |crc32| {
            let of_bytes = batch.media.iter().filter(move |m| m.key.crc32 == crc32);
            of_bytes.filter_map(|m| Some(m.sidecar.as_ref()?.1.taken))
        };
        assert!(dated(1).eq([Some(1_370_000_000)]));
        assert!(dated(2).eq([Some(1_380_000_000)]));
        let members = batch.albums.iter().map(|album| {
            let keys = album
                .members
                .iter()
                .map(|m| batch.media[*m as usize].key.crc32);
            (&*album.title, keys.collect::<Vec<_>>())
        });
        assert!(members.eq([("Paris", vec![2]), ("Wedding", vec![1])]));
        assert_eq!(batch.lone_sidecars, 0);
    }

    #[test]
    fn years_are_near() {
        assert!(
            near_year(1_577_836_800, 2019)
                && near_year(1_577_836_800, 2020)
                && !near_year(1_577_836_800, 2012)
        );
    }
}
