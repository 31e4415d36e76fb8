//! The fold: exports in, in the order of their stamps, photos with their names and numbers out.
//!
//! Every map is insert-only: a name once given in a directory is that photo's for ever, also when the photo moves out
//! and back. What can be a function of the bytes and their sidecar alone is one. Together with the order of the stamps
//! this makes the tree a function of the set of exports and the configuration, whatever the order in which archives
//! arrived or are listed.
//!
//! A *photo* is a line of contents, its versions, of which one is shown. Its `id` is its first content. A content belongs
//! to one photo.
//!
//! | room | what it decides |
//! | --- | --- |
//! | `candidate` | what one export says of one content |
//! | `lines` | which content belongs to which photo, and which version is shown |
//! | `facts` | title, date, people: which of several sidecars speaks |
//! | `judge` | whether an export is full, and what is gone from Google |
//! | `naming`, `albums` | directories, names, which album is which |
//! | `compare` | what differs between two moments of a fold |
//! | `stand` | where the library of an account stands |
//! | `draw` | the image |
//!
//! Each account has a fold of its own. They share nothing but the numbers that are taken.

mod albums;
mod candidate;
mod compare;
mod draw;
mod facts;
mod judge;
mod lines;
mod naming;
mod stand;
#[cfg(test)]
mod tests;

use super::image::{DirRecord, Found, Hidden, Image};
pub use super::names::Form;
use super::numbers;
use crate::model::{Batch, BlobKey, Decided, Location, Role};
use candidate::{Candidate, Uploads, candidates};
pub use compare::{Altered, Differences, Gathering, Moment, Redated, Retitled, Seen};
use facts::Said;
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
type ContentId = usize;
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

/// Distinct bytes. Its numbers are given once and for ever.
#[derive(Debug)]
struct Content {
    key: BlobKey,
    /// Hash of the first bytes, where size and checksum do not tell contents apart; else 0.
    head: u64,
    ino: u64,
    ctime: i64,
    /// Seconds that its modification time is later than its date: two for each earlier version of equal length, so that
    /// rsync sees the edit.
    later: i64,
    location: Location,
    entry: u32,
    /// The part that holds it cannot be read now.
    absent: bool,
    copies: u32,
    photo: PhotoId,
}

/// What says that a photo is gone from Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gone {
    /// The number of the export among those that were judged.
    export: u32,
    /// It holds the photo, in the trash or in the locked folder.
    held: bool,
}

#[derive(Debug)]
struct Photo {
    id: BlobKey,
    /// In the order in which they became known.
    versions: Vec<ContentId>,
    /// The version that Google has.
    current: ContentId,
    /// The version that is shown.
    shown: ContentId,
    file: String,
    role: Role,
    head: Option<PhotoId>,
    said: Said,
    date: Option<i64>,
    source: DateSource,
    /// The zone of its place when it got its date. Its folder follows the date alone, so a place that changes does nothing.
    zone: Option<Arc<str>>,
    /// When it was uploaded, as first told.
    uploaded: Option<i64>,
    uploads: Uploads,
    sidecar: Option<u32>,
    hidden: Hidden,
    gone: Option<Gone>,
    home: Option<DirId>,
}

#[derive(Debug)]
struct AlbumLine {
    key: (bool, String),
    date: Option<i64>,
    dir: DirId,
    members: BTreeSet<PhotoId>,
}

#[derive(Debug)]
struct DirLine {
    path: String,
    record: DirRecord,
}

/// Tells how many pixels a picture has, by its entry, its place and its key; `None` where that cannot be known.
pub type Pixels<'a> = Box<dyn FnMut(Held<'_>) -> Option<u64> + 'a>;

/// A content, for those who look into it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The catalog's number of its entry.
    pub entry: u32,
    /// Where it lies.
    pub location: Location,
    /// What its bytes are.
    pub key: BlobKey,
    /// What path numbers in locations refer to.
    pub paths: &'a [Vec<u8>],
}

/// The state of the fold. Feed it with [`Fold::step`] and end it with [`Fold::image`].
pub struct Fold<'a> {
    /// Whose library it is; `None` for the first account.
    account: Option<String>,
    rules: Rules,
    decided: Decided,
    pixels: Pixels<'a>,
    photos: Vec<Photo>,
    contents: Vec<Content>,
    by_key: HashMap<BlobKey, ContentId>,
    /// Which photos ever bore a title, by a hash of it with their role and upload.
    bearers: BTreeSet<(u64, PhotoId)>,
    /// Years that had a folder so far.
    years: BTreeSet<i16>,
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

impl Photo {
    /// Its title, else its file's name.
    fn name(&self) -> &str {
        self.said.title().unwrap_or(&self.file)
    }
}

impl<'a> Fold<'a> {
    /// A fold that has seen nothing, for the first account: the root and the four views. `pixels` is asked for pictures
    /// of which there are several versions.
    pub fn new(rules: Rules, decided: &Decided, pixels: Pixels<'a>) -> Fold<'a> {
        Fold::of_account(None, HashSet::new(), rules, decided, pixels)
    }

    /// The same for a further account. `taken` are the numbers that nothing of it may get, see [`Image::inodes`].
    pub fn of_account(
        account: Option<&str>,
        taken: HashSet<u64>,
        rules: Rules,
        decided: &Decided,
        pixels: Pixels<'a>,
    ) -> Fold<'a> {
        let mut fold = Fold {
            account: account.map(str::to_owned),
            rules,
            decided: decided.of(account),
            pixels,
            photos: Vec::new(),
            contents: Vec::new(),
            by_key: HashMap::new(),
            bearers: BTreeSet::new(),
            years: BTreeSet::new(),
            first_heads: HashMap::new(),
            inodes: taken,
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
        fold.stand();
        fold
    }

    /// Takes in the next export. Exports must come in the order of their stamps.
    pub fn step(&mut self, batch: &Batch) {
        let first_path = self.paths.len() as u32;
        self.paths.extend(batch.paths.iter().cloned());
        let keys = self.keys(batch);
        let candidates = candidates(batch, &keys);
        let known = self.photos.len();
        let before = self.seen_by_rsync();
        let arrived = self.line_up(&candidates, first_path);
        self.join_heads(&keys, &candidates);
        self.set_apart(&before);
        let mut numbered = arrived.new.clone();
        self.order_contents(&mut numbered);
        for content in &numbered {
            self.number(*content);
        }
        let mut moving: Vec<PhotoId> = (0..known).collect();
        self.order(&mut moving);
        let mut newcomers: Vec<PhotoId> = (known..self.photos.len()).collect();
        self.order(&mut newcomers);
        for photo in moving.into_iter().chain(newcomers) {
            self.settle(photo);
        }
        self.gather_albums(batch, &keys);
        self.gather_people();
        for (dir, photo) in self.members() {
            self.name(dir, photo);
        }
        self.judge(batch, &candidates, &arrived, known);
        self.found.media += batch.media.len() as u64;
        self.found.junk += batch.junk;
        self.found.foreign += batch.foreign;
        self.found.lone_sidecars += batch.lone_sidecars;
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

    /// Edited copies and clips learn whose they are.
    fn join_heads(&mut self, keys: &[BlobKey], candidates: &[Candidate<'_>]) {
        for candidate in candidates {
            let Some(photo) = self.photo_of(&candidate.key) else {
                continue;
            };
            if self.photos[photo].role == Role::Original || self.photos[photo].head.is_some() {
                continue;
            }
            let heads = candidate
                .copies
                .iter()
                .filter_map(|(_, medium)| medium.head);
            let head = heads
                .filter_map(|index| self.photo_of(keys.get(index as usize)?))
                .find(|head| self.photos[*head].role == Role::Original);
            self.photos[photo].head = head;
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
                photo.name().to_owned(),
                photo.id,
            )
        });
    }

    /// The same for contents that are to get their numbers.
    fn order_contents(&self, contents: &mut [ContentId]) {
        contents.sort_by_cached_key(|content| {
            let content = &self.contents[*content];
            let photo = &self.photos[content.photo];
            (photo.head.is_some(), content.key)
        });
    }

    /// The photo to which a content belongs.
    fn photo_of(&self, key: &BlobKey) -> Option<PhotoId> {
        let content = self.by_key.get(key)?;
        Some(self.contents[*content].photo)
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
    fn number(&mut self, content: ContentId) {
        let photo = self.contents[content].photo;
        let key = self.contents[content].key;
        let date = self.date(photo);
        let uploaded = self.photos[photo].uploaded;
        let time = date.or(uploaded).unwrap_or(numbers::NO_DATE);
        let ctime = uploaded.or(date);
        let free = (0..)
            .map(|n| numbers::inode(self.account.as_deref(), &key, time, n))
            .find(|ino| self.inodes.insert(*ino));
        let own = &mut self.contents[content];
        own.ino = free.unwrap_or_default();
        own.ctime = ctime.unwrap_or_else(|| numbers::NO_DATE + numbers::second_of_day(&key));
    }

    /// Gives a photo its place in `by-date`.
    fn settle(&mut self, photo: PhotoId) {
        let view = self.dirs[BY_DATE].path.clone();
        let path = match self
            .date(photo)
            .and_then(|date| Timestamp::from_second(date).ok())
        {
            Some(time) => {
                let local = time.to_zoned_datetime(self.zone(photo));
                format!("{view}/{:04}/{0:04}-{:02}", local.year(), local.month())
            }
            None => format!("{view}/undated"),
        };
        let dir = self.dir(&path, BY_DATE);
        self.photos[photo].home = Some(dir);
        self.name(dir, photo);
    }

    /// Makes a directory for every person that has none yet.
    fn gather_people(&mut self) {
        let people = self.photos.iter().flat_map(|photo| photo.said.people());
        let new: BTreeSet<String> = people
            .filter(|person| !self.people.contains_key(*person))
            .cloned()
            .collect();
        for person in new {
            let dir = self.titled_dir(PEOPLE, &person, person.as_bytes());
            self.people.insert(person, dir);
        }
    }

    /// Who stands where outside `by-date`, without those that stand with their heads.
    fn leads(&self) -> BTreeMap<DirId, BTreeSet<PhotoId>> {
        let mut by_dir: BTreeMap<DirId, BTreeSet<PhotoId>> = BTreeMap::new();
        for album in &self.albums {
            by_dir.entry(album.dir).or_default().extend(&album.members);
        }
        for (number, photo) in self.photos.iter().enumerate() {
            let lead = photo.head.unwrap_or(number);
            // A follower's sidecar is its head's; where it is gone, it says what that said once.
            if lead != number && self.photos[lead].said.anything() {
                continue;
            }
            for person in photo.said.people() {
                by_dir.entry(self.people[person]).or_default().insert(lead);
            }
            if photo.said.favorite() {
                by_dir.entry(FAVORITES).or_default().insert(lead);
            }
        }
        by_dir
    }

    /// All places outside `by-date`, in the order in which they get names: followers stand with their heads.
    fn members(&self) -> Vec<(DirId, PhotoId)> {
        let mut followers: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
        for (number, photo) in self.photos.iter().enumerate() {
            if let Some(lead) = photo.head {
                followers.entry(lead).or_default().push(number);
            }
        }
        let mut members = Vec::new();
        for (dir, leads) in self.leads() {
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

    /// The sidecars in use, by the catalog's numbers.
    pub fn sidecars(&self) -> HashSet<u32> {
        self.photos
            .iter()
            .filter_map(|photo| photo.sidecar)
            .collect()
    }

    /// Ends the fold: everything in the order that a tree wants.
    pub fn image(self) -> Image {
        let members = self.members();
        self.draw(&members)
    }
}
