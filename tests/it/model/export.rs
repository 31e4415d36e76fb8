//! Exports as Takeout makes them: what one holds, under which names, and the archives that it is written to.

use super::bytes::Content;
use super::dice::Dice;
use super::world::{Item, ItemId, ROLES, Role, Shelf, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an export holds of an upload.
#[derive(Debug, Clone)]
pub struct Held {
    /// Which.
    pub item: ItemId,
    /// As it was then.
    pub facts: Item,
    /// Not all of its files came: nothing but the bytes of those is sure.
    pub dark: bool,
}

impl Held {
    /// Neither in the trash nor in the locked folder.
    pub fn is_live(&self) -> bool {
        self.facts.shelf == Shelf::Library
    }
}

/// A file of an export.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, `Takeout/…`.
    pub path: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Which content that is, if it is a medium.
    pub content: Option<Content>,
    /// Whose medium or sidecar it is; an album's card is nobody's.
    pub item: Option<ItemId>,
}

/// In what form an export lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Zip archives, nothing packed.
    Stored,
    /// Zip archives, everything packed.
    Deflated,
    /// Folders.
    Unpacked,
}

/// One export.
#[derive(Debug, Clone)]
pub struct Export {
    /// When it was made, as its parts are called: `20260913T041200Z`.
    pub stamp: String,
    /// Everything there was; otherwise what is new.
    pub full: bool,
    /// Every part of it is there.
    pub whole: bool,
    /// It is shown although the numbers of its parts have a gap.
    pub broken: bool,
    /// What it holds, in order of upload.
    pub held: Vec<Held>,
    /// Members of each album it holds, by the album's number in the world.
    pub albums: BTreeMap<usize, (String, BTreeSet<ItemId>)>,
    /// Its files.
    pub files: Vec<File>,
    /// How it was delivered.
    pub form: Form,
    /// For each file the part that it came in, from 0.
    pub part_of: Vec<usize>,
    /// How many parts.
    pub parts: usize,
}

impl Export {
    /// What it holds of one upload.
    pub fn of(&self, item: ItemId) -> Option<&Held> {
        self.held.iter().find(|held| held.item == item)
    }

    /// What of it can be known while only some of its parts are there.
    pub fn of_parts(&self, parts: &BTreeSet<usize>) -> Export {
        let files = self.files.iter().zip(&self.part_of);
        let files: Vec<&File> = files
            .filter(|(_, part)| parts.contains(part))
            .map(|(file, _)| file)
            .collect();
        let mut some = self.clone();
        some.whole = false;
        // The card of any may be missing.
        some.albums.clear();
        for held in &mut some.held {
            let own = || files.iter().filter(|file| file.item == Some(held.item));
            let there: BTreeSet<Content> = own().filter_map(|file| file.content).collect();
            let all = self
                .files
                .iter()
                .filter(|file| file.item == Some(held.item));
            held.dark = own().count() < all.count();
            let contents = &mut held.facts.contents;
            for content in contents.iter_mut() {
                *content = content.filter(|content| there.contains(content));
            }
        }
        let is_there = |held: &Held| held.facts.contents.iter().any(Option::is_some);
        some.held.retain(is_there);
        some
    }

    /// The years of its folders.
    pub fn years(&self) -> BTreeSet<i16> {
        let live = self.held.iter().filter(|held| held.is_live());
        live.map(|held| year(held.facts.taken)).collect()
    }
}

/// Seconds as Google writes them into the names of parts.
pub fn stamp(second: i64) -> String {
    let time = jiff::Timestamp::from_second(second).unwrap();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The year of a time, in UTC.
pub fn year(second: i64) -> i16 {
    let time = jiff::Timestamp::from_second(second).unwrap();
    time.to_zoned_datetime(jiff::tz::TimeZone::UTC).year()
}

/// Exports the account as it is now. An increment holds what was added or edited since the last, and perhaps what
/// changed otherwise.
pub fn export(world: &mut World, dice: &mut Dice, full: bool) -> Export {
    let mut held = Vec::new();
    let mut order: Vec<ItemId> = (0..world.items.len()).collect();
    order.sort_by_key(|item| (world.items[*item].upload, *item));
    for item in order {
        let known = &mut world.items[item];
        let wanted = full || known.changed || (known.noted && dice.chance(60));
        if !wanted || known.shelf == Shelf::Gone {
            continue;
        }
        held.push(Held {
            item,
            facts: known.clone(),
            dark: false,
        });
        known.changed = false;
        known.noted = false;
    }
    let mut export = Export {
        stamp: stamp(world.now),
        full,
        whole: true,
        broken: false,
        held,
        albums: BTreeMap::new(),
        files: Vec::new(),
        form: *dice.pick(&[Form::Stored, Form::Stored, Form::Deflated, Form::Unpacked]),
        part_of: Vec::new(),
        parts: dice.between(1, 3),
    };
    for (number, album) in world.albums.iter().enumerate() {
        let holds = |item: &&ItemId| export.of(**item).is_some_and(Held::is_live);
        let members: BTreeSet<ItemId> = album.members.iter().filter(holds).copied().collect();
        if !members.is_empty() {
            export.albums.insert(number, (album.title.clone(), members));
        }
    }
    let mut files = Files::new(world, dice);
    files.library(&export);
    files.albums(&export);
    export.files = files.files;
    export.part_of = spread(dice, export.files.len(), export.parts);
    export
}

/// Puts files into parts; none stays empty where there are enough.
pub fn spread(dice: &mut Dice, files: usize, parts: usize) -> Vec<usize> {
    let mut part_of: Vec<usize> = (0..files)
        .map(|file| {
            if file < parts {
                file
            } else {
                dice.below(parts)
            }
        })
        .collect();
    dice.shuffle(&mut part_of);
    part_of
}

/// The files of an export in the making.
struct Files<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    files: Vec<File>,
    /// How often a name was wanted in a folder.
    counts: HashMap<(String, String), usize>,
}

impl<'a> Files<'a> {
    fn new(world: &'a World, dice: &'a mut Dice) -> Files<'a> {
        Files {
            world,
            dice,
            files: Vec::new(),
            counts: HashMap::new(),
        }
    }

    fn library(&mut self, export: &Export) {
        for held in &export.held {
            let folder = match held.facts.shelf {
                Shelf::Library => format!("Photos from {}", year(held.facts.taken)),
                Shelf::Trash => "Trash".to_owned(),
                Shelf::Locked | Shelf::Gone => "Locked Folder".to_owned(),
            };
            self.item(&folder, held, 0, true);
        }
    }

    fn albums(&mut self, export: &Export) {
        let mut folders: HashMap<String, usize> = HashMap::new();
        let calm = self.world.climate == super::world::Climate::Calm;
        for (number, (title, members)) in &export.albums {
            let plain = title.replace('/', "_");
            let count = folders.entry(plain.clone()).or_default();
            let folder = match *count {
                0 => plain,
                more => format!("{plain}({more})"),
            };
            *count += 1;
            let date = self.world.albums[*number].date;
            let card = json!({"title": title, "description": "", "date": time(date)});
            let card = card.to_string().into_bytes();
            self.add(&folder, "metadata.json", card.into(), None, None);
            for item in members {
                let held = export.of(*item).unwrap();
                // The copy in an album may say another second of upload; it may also lack its bytes.
                let shift = if calm { 0 } else { self.dice.below(3) as i64 };
                let with_media = self.dice.chance(75);
                self.item(&folder, held, shift, with_media);
            }
        }
    }

    /// The files of one upload in a folder, numbered as Takeout numbers them.
    fn item(&mut self, folder: &str, held: &Held, shift: i64, with_media: bool) {
        let name = held.facts.title.replace('/', "_");
        let (stem, ending) = name.rsplit_once('.').unwrap();
        let count = self.counts.entry((folder.to_owned(), name.clone()));
        let count = count.and_modify(|count| *count += 1).or_insert(0);
        let number = match count {
            0 => String::new(),
            more => format!("({more})"),
        };
        if with_media {
            for role in ROLES {
                let Some(content) = held.facts.contents[role as usize] else {
                    continue;
                };
                let file = match role {
                    Role::Original => format!("{stem}{number}.{ending}"),
                    Role::Edited => format!("{stem}-edited{number}.{ending}"),
                    Role::Clip => format!("{stem}{number}.MP4"),
                };
                let bytes = Arc::clone(self.world.pool.bytes(content));
                self.add(folder, &file, bytes, Some(content), Some(held.item));
            }
        }
        let text = sidecar(held, shift).to_string().into_bytes();
        let file = format!("{name}.supplemental-metadata{number}.json");
        self.add(folder, &file, text.into(), None, Some(held.item));
    }

    fn add(
        &mut self,
        folder: &str,
        file: &str,
        bytes: Arc<[u8]>,
        content: Option<Content>,
        item: Option<ItemId>,
    ) {
        self.files.push(File {
            path: format!("Takeout/Google Photos/{folder}/{file}"),
            bytes,
            content,
            item,
        });
    }
}

fn time(second: i64) -> Value {
    json!({"timestamp": second.to_string(), "formatted": "for people"})
}

fn sidecar(held: &Held, shift: i64) -> Value {
    let facts = &held.facts;
    let mut sidecar = json!({
        "title": facts.title,
        "description": facts.description,
        "creationTime": time(facts.upload + shift),
        "photoTakenTime": time(facts.taken),
        "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
        "url": format!("https://photos.google.com/photo/{}", held.item),
    });
    if !facts.people.is_empty() {
        let people = facts.people.iter().map(|name| json!({"name": name}));
        sidecar["people"] = people.collect();
    }
    let flags = [
        ("favorited", facts.favourite),
        ("trashed", facts.shelf == Shelf::Trash),
        ("inLockedFolder", facts.shelf == Shelf::Locked),
    ];
    for (flag, _) in flags.iter().filter(|(_, set)| *set) {
        sidecar[*flag] = true.into();
    }
    sidecar
}

/// Which content lies where, of all that was ever written.
#[derive(Debug, Default, Clone)]
pub struct Places {
    /// By archive and the offset of the local header.
    pub in_archives: HashMap<(PathBuf, u64), Content>,
    /// By file.
    pub files: HashMap<PathBuf, Content>,
}

/// The name of a part without its ending.
pub fn part_name(stamp: &str, part: usize) -> String {
    format!("takeout-{stamp}-{:03}", part + 1)
}

/// Writes one part into a folder: the files with these numbers. Gives where it lies.
pub fn write_part(
    folder: &Path,
    export: &Export,
    part: usize,
    files: &[usize],
    places: &mut Places,
) -> PathBuf {
    let name = part_name(&export.stamp, part);
    let files = files.iter().map(|number| &export.files[*number]);
    if export.form == Form::Unpacked {
        let root = folder.join(name);
        std::fs::create_dir_all(root.join("Takeout")).unwrap();
        for file in files {
            let path = root.join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &file.bytes).unwrap();
            if let Some(content) = file.content {
                places.files.insert(path, content);
            }
        }
        return root;
    }
    let path = folder.join(format!("{name}.zip"));
    let mut zip = Zip::default();
    for file in files {
        let at = zip.add(&file.path, &file.bytes, export.form == Form::Deflated);
        if let Some(content) = file.content {
            places.in_archives.insert((path.clone(), at), content);
        }
    }
    std::fs::write(&path, zip.end()).unwrap();
    path
}

/// A zip archive in the making.
#[derive(Debug, Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Zip {
    /// Adds an entry; gives the offset of its header.
    fn add(&mut self, name: &str, bytes: &[u8], packed: bool) -> u64 {
        let at = self.bytes.len() as u32;
        let method: u16 = if packed { 8 } else { 0 };
        let body = if packed { pack(bytes) } else { bytes.to_vec() };
        let mut fields = Vec::new();
        fields.extend(20_u16.to_le_bytes());
        fields.extend(0x0800_u16.to_le_bytes());
        fields.extend(method.to_le_bytes());
        fields.extend(0x5d21_0000_u32.to_le_bytes());
        fields.extend(crc32fast::hash(bytes).to_le_bytes());
        fields.extend((body.len() as u32).to_le_bytes());
        fields.extend((bytes.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend(0_u16.to_le_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&fields);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(body);
        self.directory.extend(b"PK\x01\x02\x14\x03");
        self.directory.extend(&fields);
        self.directory.extend([0; 10]);
        self.directory.extend(at.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries += 1;
        u64::from(at)
    }

    fn end(self) -> Vec<u8> {
        let mut all = self.bytes;
        let at = all.len() as u32;
        let size = self.directory.len() as u32;
        all.extend(self.directory);
        all.extend(b"PK\x05\x06\0\0\0\0");
        all.extend(self.entries.to_le_bytes());
        all.extend(self.entries.to_le_bytes());
        all.extend(size.to_le_bytes());
        all.extend(at.to_le_bytes());
        all.extend([0, 0]);
        all
    }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::fast();
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), level);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}
