//! The fold: exports in, in the order of their stamps, photos with their names and numbers out.
//!
//! Every map is insert-only: a name once given in a directory is that photo's for ever, also when the photo moves out
//! and back. What can be a function of the bytes and their sidecar alone is one. Together with the order of the stamps
//! this makes the tree a function of the set of exports and the configuration, whatever the order in which archives
//! arrived or are listed.
//!
//! A *photo* is a line of contents of which the last is shown. Its `id` is its first content.

mod albums;
mod candidate;
mod draw;
mod naming;
#[cfg(test)]
mod tests;

use super::image::{DirRecord, Found, Hidden, Image};
pub use super::names::Form;
use super::numbers;
use crate::model::{Batch, BlobKey, Location, Role};
use candidate::{Candidate, candidates};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What of the configuration decides about names.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The zone in which a month begins where the photo itself does not tell its zone, and in which times are read that
    /// do not tell theirs.
    pub zone: TimeZone,
    /// Which names are legal.
    pub names: Form,
}

impl Rules {
    /// The zone of a name, from the database in the program: that of the machine may be another, or none at all, and the
    /// same photos would stand in other months there. `None` for a name that it does not know.
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(name).ok()
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            zone: TimeZone::UTC,
            names: Form::default(),
        }
    }
}

type PhotoId = usize;
type DirId = usize;

/// How good a date is; a better source wins, a worse one never overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DateSource {
    None,
    Upload,
    YearFolder,
    Named,
    Written,
    Sidecar,
}

#[derive(Debug)]
struct Photo {
    id: BlobKey,
    ino: u64,
    location: Location,
    entry: u32,
    /// The part that holds it cannot be read now.
    absent: bool,
    file: String,
    role: Role,
    head: Option<PhotoId>,
    title: Option<String>,
    date: Option<i64>,
    source: DateSource,
    /// The zone of its place when it got its date. Its folder follows the date alone, so a place that changes does nothing.
    zone: Option<Arc<str>>,
    uploaded: Option<i64>,
    sidecar: Option<u32>,
    people: BTreeSet<String>,
    favorite: bool,
    hidden: Hidden,
    copies: u32,
    ctime: i64,
    home: Option<DirId>,
}

#[derive(Debug)]
struct AlbumLine {
    key: (bool, String),
    dir: DirId,
    members: BTreeSet<PhotoId>,
}

#[derive(Debug)]
struct DirLine {
    path: String,
    record: DirRecord,
}

/// The state of the fold. Feed it with [`Fold::step`] and end it with [`Fold::image`].
#[derive(Debug)]
pub struct Fold {
    rules: Rules,
    photos: Vec<Photo>,
    by_content: HashMap<BlobKey, PhotoId>,
    /// For sizes and checksums whose contents were compared: the first bytes of the one that came first.
    first_heads: HashMap<(u64, u32), u64>,
    inodes: HashSet<u64>,
    dirs: Vec<DirLine>,
    dir_by_path: HashMap<String, DirId>,
    /// Who owns a name, by directory and folded name.
    owners: HashMap<(DirId, String), Owner>,
    /// The name that a photo has in a directory.
    given: HashMap<(DirId, PhotoId), Given>,
    albums: Vec<AlbumLine>,
    people: BTreeMap<String, DirId>,
    /// Zones of places, by name.
    zones: HashMap<Arc<str>, TimeZone>,
    paths: Vec<Vec<u8>>,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Photo(PhotoId),
    Dir(DirId),
}

#[derive(Debug)]
struct Given {
    name: String,
    /// The name without a suffix, where that differs.
    plain: Option<String>,
}

const BY_DATE: DirId = 1;
const ALBUMS: DirId = 2;
const PEOPLE: DirId = 3;
const FAVORITES: DirId = 4;

impl Fold {
    /// A fold that has seen nothing: the root and the four views.
    pub fn new(rules: Rules) -> Fold {
        let mut fold = Fold {
            rules,
            photos: Vec::new(),
            by_content: HashMap::new(),
            first_heads: HashMap::new(),
            inodes: HashSet::new(),
            dirs: Vec::new(),
            dir_by_path: HashMap::new(),
            owners: HashMap::new(),
            given: HashMap::new(),
            albums: Vec::new(),
            people: BTreeMap::new(),
            zones: HashMap::new(),
            paths: Vec::new(),
            found: Found::default(),
        };
        let fixed = [
            (super::ROOT, ""),
            (numbers::BY_DATE, "by-date"),
            (numbers::ALBUMS, "albums"),
            (numbers::PEOPLE, "people"),
            (numbers::FAVORITES, "favorites"),
        ];
        for (ino, name) in fixed {
            fold.dirs.push(DirLine {
                path: name.into(),
                record: DirRecord {
                    ino,
                    parent: 0,
                    name: name.into(),
                    title: name.into(),
                    fixed: true,
                },
            });
        }
        fold
    }

    /// Takes in the next export. Exports must come in the order of their stamps.
    pub fn step(&mut self, batch: &Batch) {
        let first_path = self.paths.len() as u32;
        self.paths.extend(batch.paths.iter().cloned());
        let keys = self.keys(batch);
        let mut candidates = candidates(batch, &keys);
        let mut newcomers = Vec::new();
        for candidate in &mut candidates {
            match self.by_content.get(&candidate.key) {
                Some(photo) => self.renew(*photo, candidate, first_path),
                None => newcomers.extend(self.admit(candidate, first_path)),
            }
        }
        self.join_heads(&keys, &candidates);
        self.order(&mut newcomers);
        for photo in &newcomers {
            self.number(*photo);
        }
        let mut moving: Vec<PhotoId> = (0..self.photos.len() - newcomers.len()).collect();
        self.order(&mut moving);
        for photo in moving.into_iter().chain(newcomers) {
            self.settle(photo);
        }
        self.gather_albums(batch, &keys);
        self.gather_people();
        for (dir, photo) in self.members() {
            self.name(dir, photo);
        }
        self.count(batch, &candidates);
    }

    /// The key of each medium's content. Of contents that share size and checksum the first keeps the plain key.
    fn keys(&mut self, batch: &Batch) -> Vec<BlobKey> {
        let mut keys = Vec::with_capacity(batch.media.len());
        for medium in &batch.media {
            let mut key = medium.key;
            if key.head != 0
                && *self
                    .first_heads
                    .entry((key.size, key.crc32))
                    .or_insert(key.head)
                    == key.head
            {
                key.head = 0;
            }
            keys.push(key);
        }
        keys
    }

    /// A content that no earlier export held becomes a photo of its own.
    fn admit(&mut self, candidate: &Candidate<'_>, first_path: u32) -> Option<PhotoId> {
        let nearest = candidate.nearest()?;
        let (date, source) = candidate.date(&self.rules.zone);
        let readable = candidate.readable()?;
        let photo = self.photos.len();
        self.photos.push(Photo {
            id: candidate.key,
            ino: 0,
            location: shifted(readable.location, first_path),
            entry: readable.entry,
            absent: readable.absent,
            file: nearest.file.clone(),
            role: candidate.role(),
            head: None,
            title: None,
            date,
            source,
            zone: candidate.zone(),
            uploaded: None,
            sidecar: None,
            people: BTreeSet::new(),
            favorite: false,
            hidden: candidate.hidden(),
            copies: candidate.copies.len() as u32,
            ctime: 0,
            home: None,
        });
        self.by_content.insert(candidate.key, photo);
        self.describe(photo, candidate);
        Some(photo)
    }

    /// A content that is known already: its sidecar may be newer, its date better.
    fn renew(&mut self, photo: PhotoId, candidate: &Candidate<'_>, first_path: u32) {
        let (date, source) = candidate.date(&self.rules.zone);
        let known = &mut self.photos[photo];
        known.copies += candidate.copies.len() as u32;
        if source >= known.source && date.is_some() {
            if date != known.date {
                known.zone = candidate.zone();
            }
            known.date = date;
            known.source = source;
        }
        if let Some(readable) = candidate
            .readable()
            .filter(|other| known.absent && !other.absent)
        {
            known.location = shifted(readable.location, first_path);
            known.entry = readable.entry;
            known.absent = false;
        }
        // A photo once shown is never hidden by a later export.
        if known.hidden != Hidden::No {
            known.hidden = candidate.hidden();
        }
        self.describe(photo, candidate);
    }

    fn describe(&mut self, photo: PhotoId, candidate: &Candidate<'_>) {
        let Some((number, leading)) = candidate
            .leading()
            .and_then(|medium| medium.sidecar.as_ref())
        else {
            return;
        };
        let photo = &mut self.photos[photo];
        photo.sidecar = Some(*number);
        photo.title.clone_from(&leading.title);
        photo.uploaded = photo.uploaded.or(leading.uploaded);
        photo.people.clear();
        photo.favorite = false;
        for (_, medium) in &candidate.copies {
            if let Some((_, sidecar)) = &medium.sidecar {
                photo.people.extend(sidecar.people.iter().cloned());
                photo.favorite |= sidecar.favorite;
            }
        }
    }

    /// Edited copies and clips learn whose they are.
    fn join_heads(&mut self, keys: &[BlobKey], candidates: &[Candidate<'_>]) {
        for candidate in candidates {
            let photo = self.by_content[&candidate.key];
            if self.photos[photo].role == Role::Original || self.photos[photo].head.is_some() {
                continue;
            }
            let heads = candidate
                .copies
                .iter()
                .filter_map(|(_, medium)| medium.head);
            let head = heads
                .filter_map(|index| self.by_content.get(keys.get(index as usize)?))
                .find(|head| self.photos[**head].role == Role::Original);
            self.photos[photo].head = head.copied();
        }
    }

    /// Originals before what follows them; then by arrival at Google.
    fn order(&self, photos: &mut [PhotoId]) {
        photos.sort_by_cached_key(|photo| {
            let photo = &self.photos[*photo];
            (
                photo.head.is_some(),
                photo.uploaded.unwrap_or(i64::MAX),
                photo.date.unwrap_or(i64::MAX),
                photo.title.clone().unwrap_or_else(|| photo.file.clone()),
                photo.id,
            )
        });
    }

    /// The date that counts for a photo: its head's, where it has one.
    fn date(&self, photo: PhotoId) -> Option<i64> {
        let own = &self.photos[photo];
        own.head
            .map_or(own.date, |head| self.photos[head].date.or(own.date))
    }

    /// The zone in which a photo's month begins: that of whose date it has.
    fn zone(&mut self, photo: PhotoId) -> TimeZone {
        self.zone_of_place(photo)
            .unwrap_or_else(|| self.rules.zone.clone())
    }

    fn zone_of_place(&mut self, photo: PhotoId) -> Option<TimeZone> {
        let head = self.photos[photo].head;
        let dated = head.filter(|head| self.photos[*head].date.is_some());
        let name = self.photos[dated.unwrap_or(photo)].zone.clone()?;
        let known = self.zones.entry(name);
        let zone =
            known.or_insert_with_key(|name| Rules::zone(name).unwrap_or(self.rules.zone.clone()));
        Some(zone.clone())
    }

    /// How far the clock at a photo's place was ahead of UTC. `None` for local mean times, which no date with an offset
    /// can state to the second.
    fn ahead_minutes(&mut self, photo: PhotoId, date: i64) -> Option<i16> {
        let time = Timestamp::from_second(date).ok()?;
        let seconds = self.zone_of_place(photo)?.to_offset(time).seconds();
        (seconds % 60 == 0).then_some((seconds / 60) as i16)
    }

    /// Gives inode and change time, once and for ever.
    fn number(&mut self, photo: PhotoId) {
        let date = self.date(photo);
        let own = &self.photos[photo];
        let key = own.id;
        let time = date.or(own.uploaded).unwrap_or(numbers::NO_DATE);
        let ctime = own.uploaded.or(date);
        let free = (0..)
            .map(|n| numbers::inode(&key, time, n))
            .find(|ino| self.inodes.insert(*ino));
        let own = &mut self.photos[photo];
        own.ino = free.unwrap_or_default();
        own.ctime = ctime.unwrap_or_else(|| numbers::NO_DATE + numbers::second_of_day(&key));
    }

    /// Gives a photo its place in `by-date`.
    fn settle(&mut self, photo: PhotoId) {
        let path = match self
            .date(photo)
            .and_then(|date| Timestamp::from_second(date).ok())
        {
            Some(time) => {
                let local = time.to_zoned_datetime(self.zone(photo));
                format!("by-date/{:04}/{0:04}-{:02}", local.year(), local.month())
            }
            None => "by-date/undated".to_owned(),
        };
        let dir = self.dir(&path, BY_DATE);
        self.photos[photo].home = Some(dir);
        self.name(dir, photo);
    }

    fn count(&mut self, batch: &Batch, candidates: &[Candidate<'_>]) {
        self.found.media += batch.media.len() as u64;
        self.found.junk += batch.junk;
        self.found.foreign += batch.foreign;
        self.found.lone_sidecars += batch.lone_sidecars;
        let lone = |candidate: &&Candidate<'_>| candidate.leading().is_none();
        self.found.lone_media += candidates.iter().filter(lone).count() as u64;
    }

    /// Makes a directory for every person that has none yet.
    fn gather_people(&mut self) {
        let people = self.photos.iter().flat_map(|photo| photo.people.iter());
        let new: BTreeSet<String> = people
            .filter(|person| !self.people.contains_key(*person))
            .cloned()
            .collect();
        for person in new {
            let dir = self.titled_dir(PEOPLE, &person, person.as_bytes());
            self.people.insert(person, dir);
        }
    }

    /// All places outside `by-date`, in the order in which they get names: followers stand with their heads.
    fn members(&self) -> Vec<(DirId, PhotoId)> {
        let mut followers: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
        let mut by_dir: BTreeMap<DirId, BTreeSet<PhotoId>> = BTreeMap::new();
        for album in &self.albums {
            by_dir.entry(album.dir).or_default().extend(&album.members);
        }
        for (number, photo) in self.photos.iter().enumerate() {
            let lead = photo.head.unwrap_or(number);
            if lead != number {
                followers.entry(lead).or_default().push(number);
            }
            for person in &photo.people {
                by_dir.entry(self.people[person]).or_default().insert(lead);
            }
            if photo.favorite {
                by_dir.entry(FAVORITES).or_default().insert(lead);
            }
        }
        let mut members = Vec::new();
        for (dir, leads) in by_dir {
            let with_followers = |lead: &PhotoId| followers.get(lead).cloned().unwrap_or_default();
            let mut photos: Vec<PhotoId> = leads
                .iter()
                .flat_map(with_followers)
                .chain(leads.iter().copied())
                .collect();
            self.order(&mut photos);
            members.extend(photos.into_iter().map(|photo| (dir, photo)));
        }
        members
    }

    /// Ends the fold: everything in the order that a tree wants.
    pub fn image(self) -> Image {
        let members = self.members();
        self.draw(&members)
    }
}

/// A location whose path number counts from the first path of its export.
fn shifted(location: Location, first_path: u32) -> Location {
    match location {
        Location::File {
            part,
            path,
            mtime_ns,
        } => Location::File {
            part,
            path: path + first_path,
            mtime_ns,
        },
        archived @ (Location::Zip { .. } | Location::Tgz { .. }) => archived,
    }
}
