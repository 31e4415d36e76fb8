//! The fold: exports in, in the order of their stamps, photos with their names and numbers out.
//!
//! Every map is insert-only: a name once given in a directory is that photo's for ever, also when the photo moves out
//! and back. What can be a function of the bytes and their sidecar alone is one. Together with the order of the stamps
//! this makes the tree a function of the set of exports and the configuration, whatever the order in which archives
//! arrived or are listed.
//!
//! A *photo* is a line of contents of which the last is shown. Its `id` is its first content.

use super::image::{DirRecord, FileRecord, Found, Hidden, Image, PlaceRecord};
use super::{names, numbers};
use crate::model::{Album, Batch, BlobKey, Location, Medium, Role, is_video};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What of the configuration decides about names.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The zone in which a month begins where the photo itself does not tell its zone.
    pub zone: TimeZone,
}

type PhotoId = usize;
type DirId = usize;

/// How good a date is; a better source wins, a worse one never overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DateSource {
    None,
    Upload,
    YearFolder,
    Sidecar,
}

#[derive(Debug)]
struct Photo {
    id: BlobKey,
    ino: u64,
    location: Location,
    entry: u32,
    file: String,
    role: Role,
    head: Option<PhotoId>,
    title: Option<String>,
    date: Option<i64>,
    source: DateSource,
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
    title: String,
    dir: DirId,
    members: BTreeSet<PhotoId>,
}

#[derive(Debug)]
struct DirLine {
    path: String,
    record: DirRecord,
}

/// All copies of one content in one export, seen together.
struct Candidate<'a> {
    key: BlobKey,
    copies: Vec<(u32, &'a Medium)>,
}

impl<'a> Candidate<'a> {
    /// The copy whose sidecar is in use: the one uploaded first.
    fn leading(&self) -> Option<&'a Medium> {
        let facts = self
            .copies
            .iter()
            .filter_map(|(_, medium)| Some((medium.sidecar.as_ref()?, *medium)));
        facts
            .min_by_key(|((_, sidecar), _)| {
                let uploaded = sidecar.uploaded.unwrap_or(i64::MAX);
                (
                    uploaded,
                    sidecar.taken.unwrap_or(i64::MAX),
                    sidecar.title.clone(),
                )
            })
            .map(|(_, medium)| medium)
    }

    /// The copy that is read: outside albums where there is one.
    fn nearest(&self) -> Option<&'a Medium> {
        self.copies
            .iter()
            .map(|(_, medium)| *medium)
            .min_by_key(|medium| medium.in_album)
    }

    fn role(&self) -> Role {
        self.copies
            .iter()
            .map(|(_, medium)| medium.role)
            .min()
            .unwrap_or(Role::Original)
    }

    fn hidden(&self) -> Hidden {
        let mut trashed = true;
        let mut locked = true;
        for (_, medium) in &self.copies {
            let (is_trashed, is_locked) = medium
                .sidecar
                .as_ref()
                .map_or((false, false), |(_, s)| (s.trashed, s.locked));
            if !is_trashed && !is_locked {
                return Hidden::No;
            }
            trashed &= is_trashed;
            locked &= is_locked;
        }
        // What is locked in one copy and trashed in another counts as locked, the stricter of the two.
        if trashed && !locked {
            Hidden::Trash
        } else {
            Hidden::Locked
        }
    }

    fn date(&self) -> (Option<i64>, DateSource) {
        let leading = self.leading().and_then(|medium| medium.sidecar.as_ref());
        if let Some(taken) = leading.and_then(|(_, sidecar)| sidecar.taken) {
            return (Some(taken), DateSource::Sidecar);
        }
        if let Some(year) = self.copies.iter().find_map(|(_, medium)| medium.year) {
            return (noon_of_new_year(year), DateSource::YearFolder);
        }
        match leading.and_then(|(_, sidecar)| sidecar.uploaded) {
            Some(uploaded) => (Some(uploaded), DateSource::Upload),
            None => (None, DateSource::None),
        }
    }
}

/// A bare year means 1 January, 12:00 UTC.
fn noon_of_new_year(year: i16) -> Option<i64> {
    let noon = jiff::civil::date(year, 1, 1).at(12, 0, 0, 0);
    noon.to_zoned_datetime(TimeZone::UTC)
        .ok()
        .map(|noon| noon.timestamp().as_second())
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
                Some(photo) => self.renew(*photo, candidate),
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
        let (date, source) = candidate.date();
        let location = match nearest.location {
            Location::File {
                part,
                path,
                mtime_ns,
            } => Location::File {
                part,
                path: path + first_path,
                mtime_ns,
            },
            zip @ Location::Zip { .. } => zip,
        };
        let photo = self.photos.len();
        self.photos.push(Photo {
            id: candidate.key,
            ino: 0,
            location,
            entry: nearest.entry,
            file: nearest.file.clone(),
            role: candidate.role(),
            head: None,
            title: None,
            date,
            source,
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
    fn renew(&mut self, photo: PhotoId, candidate: &Candidate<'_>) {
        let (date, source) = candidate.date();
        let known = &mut self.photos[photo];
        known.copies += candidate.copies.len() as u32;
        if source >= known.source && date.is_some() {
            known.date = date;
            known.source = source;
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
                let local = time.to_zoned_datetime(self.rules.zone.clone());
                format!("by-date/{:04}/{0:04}-{:02}", local.year(), local.month())
            }
            None => "by-date/undated".to_owned(),
        };
        let dir = self.dir(&path, BY_DATE);
        self.photos[photo].home = Some(dir);
        self.name(dir, photo);
    }

    /// The directory at a path of plain, legal names, made where it is not there yet.
    fn dir(&mut self, path: &str, above: DirId) -> DirId {
        if let Some(dir) = self.dir_by_path.get(path) {
            return *dir;
        }
        let (before, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = if before == self.dirs[above].path {
            above
        } else {
            self.dir(before, above)
        };
        self.make_dir(parent, name, name)
    }

    fn make_dir(&mut self, parent: DirId, name: &str, title: &str) -> DirId {
        let path = format!("{}/{name}", self.dirs[parent].path);
        let free = (0..)
            .map(|n| numbers::dir_inode(&path, n))
            .find(|ino| self.inodes.insert(*ino));
        let dir = self.dirs.len();
        self.dirs.push(DirLine {
            path: path.clone(),
            record: DirRecord {
                ino: free.unwrap_or_default(),
                parent: parent as u32,
                name: name.into(),
                title: title.into(),
                fixed: false,
            },
        });
        self.dir_by_path.insert(path, dir);
        self.owners
            .insert((parent, names::fold(name)), Owner::Dir(dir));
        dir
    }

    /// Gives a photo its name in a directory: the plain one where it is free, else one with a suffix.
    fn name(&mut self, dir: DirId, photo: PhotoId) {
        let (stem, extension) = self.stem(dir, photo);
        let own = &self.photos[photo];
        let max = if own.head.is_some() {
            names::MAX_FOLLOWER
        } else {
            names::MAX
        };
        let plain = names::legal(&stem, &extension, max);
        if let Some(given) = self.given.get(&(dir, photo))
            && *given.plain.as_ref().unwrap_or(&given.name) == plain
        {
            return;
        }
        let id = own.id;
        let (plain_stem, ending) = plain.split_at(plain.len() - names::ending(&plain, &extension));
        let name = self.free_name(dir, Owner::Photo(photo), |len| match len {
            0 => plain.clone(),
            len => format!("{plain_stem}~{}{ending}", numbers::suffix(&id, len)),
        });
        let plain = (name != plain).then_some(plain);
        self.given.insert((dir, photo), Given { name, plain });
    }

    fn stem(&self, dir: DirId, photo: PhotoId) -> (String, String) {
        let own = &self.photos[photo];
        let (stem, extension) = names::of_original(own.title.as_deref(), &own.file);
        let head_stem = own.head.map(|head| self.name_in(dir, head));
        let head_stem = head_stem.as_deref().map(|name| names::split(name).0);
        match (own.role, head_stem) {
            (Role::Original, _) => (stem.to_owned(), extension.to_owned()),
            (Role::Edited, head) => names::of_edited(head.unwrap_or(stem), &own.file),
            (Role::Clip, Some(head)) => names::of_clip(head, &own.file),
            (Role::Clip, None) => (stem.to_owned(), names::split(&own.file).1.to_owned()),
        }
    }

    /// The name of a head in a directory, or what it would be called where it has none there.
    fn name_in(&self, dir: DirId, photo: PhotoId) -> String {
        match self.given.get(&(dir, photo)) {
            Some(given) => given.name.clone(),
            None => {
                let own = &self.photos[photo];
                let (stem, extension) = names::of_original(own.title.as_deref(), &own.file);
                names::legal(stem, extension, names::MAX)
            }
        }
    }

    /// Tries the plain name, then longer and longer suffixes, and takes the first that is free or the owner's.
    fn free_name(&mut self, dir: DirId, owner: Owner, attempt: impl Fn(usize) -> String) -> String {
        for len in std::iter::once(0).chain(4..=names::MAX_SUFFIX) {
            let name = attempt(len);
            let slot = self
                .owners
                .entry((dir, names::fold(&name)))
                .or_insert(owner);
            if *slot == owner {
                return name;
            }
        }
        // 80 bits of a hash are spent on one name. The longest attempt is still a name of its own in practice.
        attempt(names::MAX_SUFFIX)
    }

    /// Finds or makes the directory of each album and puts its members in.
    fn gather_albums(&mut self, batch: &Batch, keys: &[BlobKey]) {
        let mut arrivals: Vec<(&Album, BTreeSet<PhotoId>)> = Vec::new();
        for album in &batch.albums {
            let members: BTreeSet<PhotoId> = album
                .members
                .iter()
                .filter_map(|index| self.by_content.get(keys.get(*index as usize)?).copied())
                .map(|photo| self.photos[photo].head.unwrap_or(photo))
                .collect();
            if !members.is_empty() {
                arrivals.push((album, members));
            }
        }
        arrivals.sort_by_cached_key(|(album, members)| {
            (album.title.clone(), album.date, self.identity(members))
        });
        for (line, members) in self.match_albums(&arrivals) {
            self.albums[line].members.extend(members);
        }
    }

    /// What a new album is known by: the contents of its first members.
    fn identity(&self, members: &BTreeSet<PhotoId>) -> Vec<u8> {
        let mut keys: Vec<BlobKey> = members.iter().map(|photo| self.photos[*photo].id).collect();
        keys.sort_unstable();
        keys.iter()
            .flat_map(|key| [key.size, u64::from(key.crc32), key.head])
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    /// Joins arriving albums with known ones of the same title: those that share most photos first.
    fn match_albums(
        &mut self,
        arrivals: &[(&Album, BTreeSet<PhotoId>)],
    ) -> Vec<(usize, BTreeSet<PhotoId>)> {
        let known = self.albums.len();
        let mut pairs = Vec::new();
        for (arrival, (album, members)) in arrivals.iter().enumerate() {
            for (line, candidate) in self
                .albums
                .iter()
                .enumerate()
                .filter(|(_, line)| line.title == album.title)
            {
                let shared = candidate.members.intersection(members).count();
                pairs.push((std::cmp::Reverse(shared), line, arrival));
            }
        }
        pairs.sort_unstable();
        let mut line_of: HashMap<usize, usize> = HashMap::new();
        let mut taken: HashSet<usize> = HashSet::new();
        for (shared, line, arrival) in pairs {
            let alone = || {
                let title = &arrivals[arrival].0.title;
                arrivals
                    .iter()
                    .filter(|(album, _)| album.title == *title)
                    .count()
                    == 1
                    && self.albums[..known]
                        .iter()
                        .filter(|line| line.title == *title)
                        .count()
                        == 1
            };
            if !line_of.contains_key(&arrival)
                && !taken.contains(&line)
                && (shared.0 > 0 || alone())
            {
                line_of.insert(arrival, line);
                taken.insert(line);
            }
        }
        let mut joined = Vec::new();
        for (arrival, (album, members)) in arrivals.iter().enumerate() {
            let line = match line_of.get(&arrival) {
                Some(line) => *line,
                None => self.new_album(&album.title, members),
            };
            joined.push((line, members.clone()));
        }
        joined
    }

    fn new_album(&mut self, title: &str, members: &BTreeSet<PhotoId>) -> usize {
        let id = self.identity(members);
        let dir = self.titled_dir(ALBUMS, title, &id);
        self.albums.push(AlbumLine {
            title: title.into(),
            dir,
            members: BTreeSet::new(),
        });
        self.albums.len() - 1
    }

    fn titled_dir(&mut self, parent: DirId, title: &str, id: &[u8]) -> DirId {
        let plain = names::legal(title, "", names::MAX);
        let owner = Owner::Dir(self.dirs.len());
        let name = self.free_name(parent, owner, |len| match len {
            0 => plain.clone(),
            len => format!("{plain}~{}", numbers::dir_suffix(id, len)),
        });
        self.make_dir(parent, &name, title)
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

    fn draw(self, places: &[(DirId, PhotoId)]) -> Image {
        let mut by_ino: Vec<PhotoId> = (0..self.photos.len()).collect();
        by_ino.sort_unstable_by_key(|photo| self.photos[*photo].ino);
        let mut file_of = vec![0_u32; self.photos.len()];
        let mut image = Image::default();
        for photo in by_ino {
            file_of[photo] = image.files.len() as u32;
            image.files.push(self.record(photo));
        }
        let homes = self
            .photos
            .iter()
            .enumerate()
            .filter_map(|(number, photo)| Some((photo.home?, number, true)));
        for (dir, photo, home) in
            homes.chain(places.iter().map(|(dir, photo)| (*dir, *photo, false)))
        {
            let name = &self.given[&(dir, photo)].name;
            image.places.push(PlaceRecord {
                dir: dir as u32,
                file: file_of[photo],
                name_at: image.names.len() as u32,
                name_len: name.len() as u8,
                home,
            });
            image.names.extend_from_slice(name.as_bytes());
        }
        image.dirs = self.dirs.into_iter().map(|dir| dir.record).collect();
        image.paths = self.paths;
        image.found = self.found;
        image
    }

    fn record(&self, photo: PhotoId) -> FileRecord {
        let date = self.date(photo);
        let own = &self.photos[photo];
        let source = own.head.map_or(own.source, |head| self.photos[head].source);
        FileRecord {
            ino: own.ino,
            size: own.id.size,
            mtime: date.or(own.uploaded).unwrap_or(numbers::NO_DATE),
            ctime: own.ctime,
            ctime_nsec: numbers::fraction(&own.id),
            crc32: own.id.crc32,
            location: own.location,
            taken: date.filter(|_| source == DateSource::Sidecar),
            entry: own.entry,
            sidecar: own.sidecar,
            role: own.role,
            hidden: own.hidden,
            video: own.role == Role::Clip || is_video(&own.file),
            copies: own.copies,
        }
    }
}

/// The contents of an export, each with its copies, in the order of their paths.
fn candidates<'a>(batch: &'a Batch, keys: &[BlobKey]) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'_>> = Vec::new();
    let mut by_key: HashMap<BlobKey, usize> = HashMap::new();
    for (index, (medium, key)) in batch.media.iter().zip(keys).enumerate() {
        let at = *by_key.entry(*key).or_insert_with(|| {
            found.push(Candidate {
                key: *key,
                copies: Vec::new(),
            });
            found.len() - 1
        });
        found[at].copies.push((index as u32, medium));
    }
    found
}
