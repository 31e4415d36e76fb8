//! An account at Google, as it changes between exports: uploads with their bytes and facts, and albums.

use super::bytes::{Content, Pool};
use super::dice::Dice;
use std::collections::BTreeSet;

/// The number of an upload.
pub type ItemId = usize;

/// What a file is to its upload; also the index in [`Item::contents`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// As it was uploaded.
    Original,
    /// The copy edited at Google.
    Edited,
    /// The video of a live photo.
    Clip,
}

/// All roles.
pub const ROLES: [Role; 3] = [Role::Original, Role::Edited, Role::Clip];

/// Where an upload is at Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// In the library.
    Library,
    /// In the trash.
    Trash,
    /// In the locked folder.
    Locked,
    /// Deleted for good: in no export any more.
    Gone,
}

/// One upload.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name at upload.
    pub title: String,
    /// When it was taken, seconds since 1970.
    pub taken: i64,
    /// When it was uploaded.
    pub upload: i64,
    /// The bytes it has now, by role.
    pub contents: [Option<Content>; 3],
    /// The bytes it had before, by role, oldest first.
    pub before: [Vec<Content>; 3],
    /// What the user wrote.
    pub description: String,
    /// Who is on it.
    pub people: BTreeSet<&'static str>,
    /// A favourite.
    pub favourite: bool,
    /// Where it is.
    pub shelf: Shelf,
    /// Other bytes share its length and CRC-32: its title and date stay, since by them alone the two are told apart.
    pub forged: bool,
    /// It was dated or titled anew, so exports tell different things of it.
    pub moved: bool,
    /// New or edited since the last export: an increment holds it.
    pub changed: bool,
    /// Something else about it changed: an increment may hold it.
    pub noted: bool,
}

/// One album.
#[derive(Debug, Clone)]
pub struct Album {
    /// Its title; twins share it.
    pub title: String,
    /// Its date.
    pub date: i64,
    /// What it holds.
    pub members: BTreeSet<ItemId>,
}

/// How hard a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Climate {
    /// Titles and upload seconds are all different, and nothing is uploaded twice: every edit can be told.
    Calm,
    /// Four titles in two spellings, few dates, shared seconds, equal bytes, forged checksums.
    Hostile,
}

/// The account.
#[derive(Debug)]
pub struct World {
    /// What is random about it.
    dice: Dice,
    /// How hard it is.
    pub climate: Climate,
    /// All bytes there ever were.
    pub pool: Pool,
    /// All uploads there ever were.
    pub items: Vec<Item>,
    /// All albums.
    pub albums: Vec<Album>,
    /// The clock.
    pub now: i64,
    /// What happened, for whoever reads a failure.
    pub story: Vec<String>,
}

const EDITS: bool = true;
const TITLES: [&str; 4] = ["IMG_1.jpg", "Img_1.jpg", "Été.jpg", "été.jpg"];
const TAKEN: [i64; 6] = [
    1_564_617_599,
    1_564_617_600,
    1_579_046_400,
    1_579_046_401,
    1_579_046_402,
    1_583_020_799,
];
const LENGTHS: [usize; 5] = [80, 96, 97, 120, 150];
const SIDES: [u16; 3] = [60, 80, 100];
const PEOPLE: [&str; 4] = ["Ada", "ada", "Béla", "Chen"];
const ALBUMS: [&str; 3] = ["Lisbon", "lisbon", "Tea / Cake"];

impl World {
    /// An account with a few uploads.
    pub fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed, 1);
        let climate = if dice.chance(35) {
            Climate::Calm
        } else {
            Climate::Hostile
        };
        let mut world = World {
            dice,
            climate,
            pool: Pool::default(),
            items: Vec::new(),
            albums: Vec::new(),
            now: 1_600_000_000,
            story: Vec::new(),
        };
        for _ in 0..world.dice.between(4, 11) {
            world.upload();
        }
        for _ in 0..world.dice.below(3) {
            world.make_album();
        }
        world
    }

    /// Time goes on, and a few things happen.
    pub fn live(&mut self) {
        for _ in 0..self.dice.between(2, 8) {
            self.now += self.dice.between(1, 90_000) as i64;
            self.event();
        }
        self.now += self.dice.between(3600, 900_000) as i64;
    }

    fn event(&mut self) {
        match self.dice.below(100) {
            22..60 if !EDITS => self.upload(),
            0..22 => self.upload(),
            22..44 => self.edit(),
            44..52 => self.revert(),
            52..60 => self.recompress(),
            60..67 => self.date_anew(),
            67..73 => self.title_anew(),
            73..81 => self.note(),
            81..85 => self.make_album(),
            85..92 => self.fill_album(),
            92..97 => self.put_away(),
            _ => self.take_back(),
        }
    }

    fn tell(&mut self, what: String) {
        self.story.push(what);
    }

    /// One of the uploads that are still there.
    fn any(&mut self) -> Option<ItemId> {
        let there = |item: &ItemId| self.items[*item].shelf == Shelf::Library;
        let there: Vec<ItemId> = (0..self.items.len()).filter(there).collect();
        (!there.is_empty()).then(|| *self.dice.pick(&there))
    }

    fn length(&mut self) -> usize {
        *self.dice.pick(&LENGTHS)
    }

    fn fresh(&mut self) -> Content {
        let (side, len) = (*self.dice.pick(&SIDES), self.length());
        self.pool.picture(side, len)
    }

    fn upload(&mut self) {
        let number = self.items.len();
        self.now += self.dice.between(1, 5000) as i64;
        let calm = self.climate == Climate::Calm;
        let mut item = Item {
            title: format!("DSC_{number:04}.jpg"),
            taken: 1_500_000_000 + self.dice.below(80_000_000) as i64,
            upload: self.now,
            contents: [None; 3],
            before: [vec![], vec![], vec![]],
            description: String::new(),
            people: BTreeSet::new(),
            favourite: self.dice.chance(10),
            shelf: Shelf::Library,
            forged: false,
            moved: false,
            changed: true,
            noted: true,
        };
        if !calm {
            item.title = (*self.dice.pick(&TITLES)).to_owned();
            item.taken = *self.dice.pick(&TAKEN);
        }
        if self.dice.chance(30) {
            item.people.insert(*self.dice.pick(&PEOPLE));
        }
        let other = self.any();
        match other {
            Some(other) if !calm && self.dice.chance(8) => {
                item.upload = self.items[other].upload;
            }
            _ => {}
        }
        item.contents[0] = Some(match other.filter(|_| !calm) {
            Some(other) if self.dice.chance(8) => self.same_bytes(&mut item, other),
            Some(other) if self.dice.chance(8) => self.forge(&mut item, other),
            _ => self.fresh(),
        });
        if self.dice.chance(15) {
            item.contents[Role::Edited as usize] = Some(self.fresh());
        }
        if self.dice.chance(8) {
            item.contents[Role::Clip as usize] = Some(self.fresh());
        }
        self.tell(format!(
            "upload {number}: {} taken {} at {} {:?}",
            item.title, item.taken, item.upload, item.contents
        ));
        self.items.push(item);
        if self.dice.chance(25) {
            self.fill_album();
        }
    }

    /// The bytes of another upload once more, perhaps with its facts.
    fn same_bytes(&mut self, item: &mut Item, other: ItemId) -> Content {
        let known = self.items[other].clone();
        if self.dice.chance(40) {
            item.title = known.title;
        }
        if self.dice.chance(40) {
            item.taken = known.taken;
        }
        item.forged = known.forged;
        known.contents[0].unwrap_or_else(|| self.fresh())
    }

    /// Other bytes of equal length and CRC-32. Title or date differ, or nothing could tell them apart.
    fn forge(&mut self, item: &mut Item, other: ItemId) -> Content {
        let Some(known) = self.items[other].contents[0] else {
            return self.fresh();
        };
        let shares =
            |item: &Item| item.contents[0] == Some(known) || item.before[0].contains(&known);
        let sharing = self.items.iter().filter(|item| shares(item)).count();
        if sharing > 1 || self.items[other].moved {
            return self.fresh();
        }
        self.items[other].forged = true;
        item.forged = true;
        item.title = format!("twin of {other}.jpg");
        self.pool.twin(known)
    }

    fn edit(&mut self) {
        let Some(item) = self.any() else { return };
        let role = Role::Edited as usize;
        let known = self.items[item].contents[role];
        let next = match known {
            Some(known) if self.dice.chance(50) => {
                let len = self.pool.bytes(known).len();
                self.pool.picture(80, len)
            }
            _ => self.fresh(),
        };
        self.put(item, Role::Edited, Some(next));
    }

    /// An edit is undone: wholly, or to the one before.
    fn revert(&mut self) {
        let Some(item) = self.any() else { return };
        let before = &self.items[item].before[Role::Edited as usize];
        let back = before
            .last()
            .copied()
            .filter(|_| self.items[item].upload % 3 > 0);
        if back.is_some() || self.items[item].contents[Role::Edited as usize].is_some() {
            self.put(item, Role::Edited, back);
        }
    }

    /// The original gets other bytes: smaller ones ('Storage saver'), or others of any kind.
    fn recompress(&mut self) {
        let Some(item) = self.any() else { return };
        let Some(known) = self.items[item].contents[0].filter(|_| !self.items[item].forged) else {
            return;
        };
        let len = self.pool.bytes(known).len();
        let next = match self.dice.below(4) {
            0 => self.pool.picture(100, len),
            1 => self.fresh(),
            _ => self.pool.picture(60, 72),
        };
        self.put(item, Role::Original, Some(next));
    }

    fn put(&mut self, item: ItemId, role: Role, next: Option<Content>) {
        let known = std::mem::replace(&mut self.items[item].contents[role as usize], next);
        self.items[item].before[role as usize].extend(known);
        self.items[item].changed = true;
        self.tell(format!("{role:?} of {item}: {known:?} becomes {next:?}"));
    }

    fn date_anew(&mut self) {
        let Some(item) = self.any().filter(|item| !self.items[*item].forged) else {
            return;
        };
        let shift = self.dice.between(1, 4_000_000) as i64;
        let taken = match self.climate {
            Climate::Calm => self.items[item].taken + shift,
            Climate::Hostile => *self.dice.pick(&TAKEN),
        };
        self.items[item].taken = taken;
        self.items[item].moved = true;
        self.items[item].noted = true;
        self.tell(format!("{item} is now taken {taken}"));
    }

    fn title_anew(&mut self) {
        let Some(item) = self.any().filter(|item| !self.items[*item].forged) else {
            return;
        };
        let title = match self.climate {
            Climate::Calm => format!("renamed {}.jpg", self.story.len()),
            Climate::Hostile => (*self.dice.pick(&TITLES)).to_owned(),
        };
        self.tell(format!("{item} is now called {title}"));
        self.items[item].title = title;
        self.items[item].moved = true;
        self.items[item].noted = true;
    }

    fn note(&mut self) {
        let Some(item) = self.any() else { return };
        let person = *self.dice.pick(&PEOPLE);
        let kind = self.dice.below(3);
        let text = format!("what {}", self.dice.below(100));
        let known = &mut self.items[item];
        match kind {
            0 => known.favourite = !known.favourite,
            1 if !known.people.remove(person) => drop(known.people.insert(person)),
            1 => {}
            _ => known.description = text,
        }
        known.noted = true;
        self.tell(format!("{item} is described anew"));
    }

    fn make_album(&mut self) {
        let title = (*self.dice.pick(&ALBUMS)).to_owned();
        let date = self.now;
        self.albums.push(Album {
            title,
            date,
            members: BTreeSet::new(),
        });
        for _ in 0..3 {
            self.fill_album();
        }
    }

    fn fill_album(&mut self) {
        if self.albums.is_empty() {
            return;
        }
        let Some(item) = self.any() else { return };
        let album = self.dice.below(self.albums.len());
        let out = self.dice.chance(20);
        let members = &mut self.albums[album].members;
        if out {
            members.remove(&item);
        } else {
            members.insert(item);
        }
        self.items[item].noted = true;
        self.tell(format!("album {album} holds {item}: {}", !out));
    }

    fn put_away(&mut self) {
        let Some(item) = self.any() else { return };
        let shelf = *self
            .dice
            .pick(&[Shelf::Trash, Shelf::Locked, Shelf::Gone, Shelf::Gone]);
        self.items[item].shelf = shelf;
        self.items[item].noted = true;
        self.tell(format!("{item} goes to {shelf:?}"));
    }

    fn take_back(&mut self) {
        let away = |item: &ItemId| matches!(self.items[*item].shelf, Shelf::Trash | Shelf::Locked);
        let Some(item) = (0..self.items.len()).find(away) else {
            return;
        };
        self.items[item].shelf = Shelf::Library;
        self.items[item].noted = true;
        self.tell(format!("{item} is back"));
    }
}
