//! What differs between two moments of one fold: what exports have added, and what they changed.
//!
//! A photo has one number along a fold, so nothing has to be matched. What is told is what a mount shows by default:
//! photos in the trash, in the locked folder, or forgotten are in neither of the two moments.

use super::{ALBUMS, ContentId, DirId, FAVORITES, Fold, PEOPLE, PhotoId};
use crate::model::Role;
use crate::tree::image::Hidden;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A photo or video.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seen {
    /// Its path below the mountpoint, at the later moment.
    pub path: String,
    /// Bytes of what is shown of it.
    pub size: u64,
}

/// A photo or video whose bytes are others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Altered {
    /// Its path below the mountpoint, at the later moment.
    pub path: String,
    /// Bytes of what Google had.
    pub from: u64,
    /// Bytes of what Google has.
    pub to: u64,
    /// The new bytes are shown; otherwise those are that were shown before.
    pub shown: bool,
}

/// A photo or video that was taken at another time than it was said to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Redated {
    /// Its path below the mountpoint, at the later moment.
    pub path: String,
    /// The path before, where that is another.
    pub was: Option<String>,
    /// RFC 3339 in UTC; `None` where no date was known.
    pub from: Option<String>,
    /// The same, at the later moment.
    pub to: Option<String>,
}

/// A photo or video with another title.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Retitled {
    /// Its path below the mountpoint, at the later moment.
    pub path: String,
    /// The path before, where that is another.
    pub was: Option<String>,
    /// The title before.
    pub from: String,
    /// The title at the later moment.
    pub to: String,
}

/// An album, a person, or the favourites, with other photos in it. Edited copies and clips stand with their originals
/// and are not told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gathering {
    /// The directory below the mountpoint.
    pub path: String,
    /// The album's title, the person's name.
    pub title: String,
    /// There was none of it.
    pub new: bool,
    /// Paths of photos that joined it, in the directory.
    pub added: Vec<String>,
    /// Paths of photos that left it, as they were.
    pub removed: Vec<String>,
}

/// What differs between two moments. Everything is sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Not in view before.
    pub added: Vec<Seen>,
    /// Other bytes are shown.
    pub edited: Vec<Altered>,
    /// Originals of which Google has other bytes, as after compression for 'Storage saver'.
    pub re_encoded: Vec<Altered>,
    /// Gone from Google since, and still in view.
    pub gone: Vec<Seen>,
    /// At Google again.
    pub returned: Vec<Seen>,
    /// With another date.
    pub re_dated: Vec<Redated>,
    /// With another title.
    pub re_titled: Vec<Retitled>,
    /// Albums.
    pub albums: Vec<Gathering>,
    /// People.
    pub people: Vec<Gathering>,
    /// Favourites: one at most in each account.
    pub favorites: Vec<Gathering>,
}

/// What a photo was at a moment.
#[derive(Debug)]
struct Was {
    in_view: bool,
    shown: ContentId,
    current: ContentId,
    gone: bool,
    date: Option<i64>,
    title: String,
    path: String,
}

/// What a library was after an export; at first nothing.
#[derive(Debug, Default)]
pub struct Moment {
    photos: Vec<Was>,
    gathered: BTreeMap<DirId, BTreeSet<PhotoId>>,
}

impl Fold<'_> {
    /// What the library is now.
    pub fn moment(&self) -> Moment {
        let photos: Vec<Was> = (0..self.photos.len())
            .map(|photo| self.as_it_is(photo))
            .collect();
        let mut gathered = self.leads();
        for members in gathered.values_mut() {
            members.retain(|photo| photos[*photo].in_view);
        }
        gathered.retain(|_, members| !members.is_empty());
        Moment { photos, gathered }
    }

    fn as_it_is(&self, photo: PhotoId) -> Was {
        let own = &self.photos[photo];
        Was {
            in_view: self.hidden(own.shown) == Hidden::No,
            shown: own.shown,
            current: own.current,
            gone: own.gone.is_some(),
            date: self.date(photo),
            title: own.name().to_owned(),
            path: own
                .home
                .map_or_else(String::new, |dir| self.path_in(dir, photo)),
        }
    }

    fn path_in(&self, dir: DirId, photo: PhotoId) -> String {
        format!("{}/{}", self.dirs[dir].path, self.name_in(dir, photo))
    }

    /// How the library differs from what it was at an earlier moment of this fold.
    pub fn since(&self, then: &Moment) -> Differences {
        let now = self.moment();
        let mut found = Differences::default();
        for (photo, is) in now.photos.iter().enumerate().filter(|(_, is)| is.in_view) {
            match then.photos.get(photo).filter(|was| was.in_view) {
                Some(was) => self.compare(photo, was, is, &mut found),
                None => found.added.push(self.seen(is)),
            }
        }
        let dirs: BTreeSet<DirId> = then
            .gathered
            .keys()
            .chain(now.gathered.keys())
            .copied()
            .collect();
        for dir in dirs {
            let of = match self.dirs[dir].record.parent as DirId {
                _ if dir == FAVORITES => &mut found.favorites,
                ALBUMS => &mut found.albums,
                PEOPLE => &mut found.people,
                _ => continue,
            };
            of.extend(self.gathering(dir, then, &now));
        }
        found.sort();
        found
    }

    fn seen(&self, is: &Was) -> Seen {
        Seen {
            path: is.path.clone(),
            size: self.contents[is.shown].key.size,
        }
    }

    /// What became of a photo that was in view and is.
    fn compare(&self, photo: PhotoId, was: &Was, is: &Was, found: &mut Differences) {
        let size = |content: ContentId| self.contents[content].key.size;
        let altered = Altered {
            path: is.path.clone(),
            from: size(was.current),
            to: size(is.current),
            shown: was.shown != is.shown,
        };
        // Whatever compresses a picture changes its length.
        let is_original = self.photos[photo].role == Role::Original;
        if is_original && altered.from != altered.to {
            found.re_encoded.push(altered);
        } else if altered.shown {
            found.edited.push(altered);
        }
        match (was.gone, is.gone) {
            (false, true) => found.gone.push(self.seen(is)),
            (true, false) => found.returned.push(self.seen(is)),
            _ => {}
        }
        if self.photos[photo].head.is_some() {
            // Its date and title are its original's.
            return;
        }
        let moved = (was.path != is.path).then(|| was.path.clone());
        if was.date != is.date {
            found.re_dated.push(Redated {
                path: is.path.clone(),
                was: moved.clone(),
                from: was.date.and_then(rfc3339),
                to: is.date.and_then(rfc3339),
            });
        }
        if was.title != is.title {
            found.re_titled.push(Retitled {
                path: is.path.clone(),
                was: moved,
                from: was.title.clone(),
                to: is.title.clone(),
            });
        }
    }

    /// What joined and left a directory; `None` where it holds what it held.
    fn gathering(&self, dir: DirId, then: &Moment, now: &Moment) -> Option<Gathering> {
        let none = BTreeSet::new();
        let held = then.gathered.get(&dir).unwrap_or(&none);
        let holds = now.gathered.get(&dir).unwrap_or(&none);
        let paths = |photos: &mut dyn Iterator<Item = &PhotoId>| {
            let mut paths: Vec<String> = photos.map(|photo| self.path_in(dir, *photo)).collect();
            paths.sort();
            paths
        };
        let line = &self.dirs[dir];
        let gathering = Gathering {
            path: line.path.clone(),
            title: line.record.title.clone(),
            new: held.is_empty(),
            added: paths(&mut holds.difference(held)),
            removed: paths(&mut held.difference(holds)),
        };
        let differs = !gathering.added.is_empty() || !gathering.removed.is_empty();
        differs.then_some(gathering)
    }
}

impl Differences {
    /// Adds what differs in another account.
    pub fn join(&mut self, other: Differences) {
        self.added.extend(other.added);
        self.edited.extend(other.edited);
        self.re_encoded.extend(other.re_encoded);
        self.gone.extend(other.gone);
        self.returned.extend(other.returned);
        self.re_dated.extend(other.re_dated);
        self.re_titled.extend(other.re_titled);
        self.albums.extend(other.albums);
        self.people.extend(other.people);
        self.favorites.extend(other.favorites);
        self.sort();
    }

    fn sort(&mut self) {
        self.added.sort();
        self.edited.sort();
        self.re_encoded.sort();
        self.gone.sort();
        self.returned.sort();
        self.re_dated.sort();
        self.re_titled.sort();
        self.albums.sort();
        self.people.sort();
        self.favorites.sort();
    }
}

fn rfc3339(second: i64) -> Option<String> {
    let time = Timestamp::from_second(second).ok()?;
    Some(time.to_string())
}
