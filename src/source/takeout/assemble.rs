//! One export out of all of its parts: which folders are albums, which sidecar speaks of which file.
//!
//! Folders are told apart by what lies in them, never by language. A third of all pairs lie in two parts, so nothing
//! is decided before all parts are merged. The result does not depend on the order of parts: everything is sorted by
//! path first.

mod layout;
mod speak;
#[cfg(test)]
mod tests;

use super::name::is_album_card;
use crate::model::listing::{Entry, Kind};
use crate::model::{Album, AlbumCard, Batch, BlobKey, Location, Medium, Role, Sidecar};
use layout::Layout;
pub(super) use layout::year_of;
use speak::{adopt, join, references};
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
    /// The parts that are tgz archives.
    pub gzipped: HashSet<u32>,
}

#[derive(Debug, Default)]
struct Folder {
    /// Indices of entries; for media, of the batch's media.
    media: Vec<usize>,
    sidecars: Vec<usize>,
    cards: Vec<usize>,
    empty: bool,
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

fn medium(export: &Export, entry: &Entry, batch: &mut Batch) -> Medium {
    let location = if export.folders.contains(&entry.part) {
        batch.paths.push(entry.path_below_root());
        Location::File {
            part: entry.part,
            path: batch.paths.len() as u32 - 1,
            mtime_ns: entry.file.mtime_ns,
        }
    } else if export.gzipped.contains(&entry.part) {
        Location::Tgz {
            part: entry.part,
            at: entry.file.header,
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
        borrowed: false,
        told: None,
        zone: None,
    }
}

/// A folder with an album's metadata is an album, whatever its name.
fn is_album(folder: &str, content: &Folder) -> bool {
    !content.cards.is_empty() || (content.empty && !folder.is_empty() && year_of(folder).is_none())
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
