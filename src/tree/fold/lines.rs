//! Which content belongs to which photo.
//!
//! Takeout has no numbers for photos. New bytes are the next version of a known photo only where nothing else can be
//! meant; in doubt both are shown. That doubt costs a photo that stays beside its edit; the other doubt would cost a
//! photo.

use super::candidate::Candidate;
use super::facts::{Claims, bearing};
use super::{Content, ContentId, DateSource, Fold, Held, Photo, PhotoId};
use crate::model::Role;
use std::collections::{HashMap, HashSet};

/// What a step brought.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// Contents that no earlier export held.
    pub(super) new: Vec<ContentId>,
    /// Photos of which the export holds any version.
    pub(super) present: HashSet<PhotoId>,
}

/// A photo as rsync sees it.
#[derive(Debug)]
pub(super) struct Seen {
    content: ContentId,
    size: u64,
    mtime: i64,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The version that Google had before, or one that it has again.
    Of(PhotoId),
    /// An old version that is a photo of its own from now on.
    Split(ContentId),
    /// The next version of a photo.
    Edit(PhotoId),
    /// A photo of its own.
    New,
}

impl Fold<'_> {
    /// Gives every candidate to its photo.
    pub(super) fn line_up(&mut self, candidates: &[Candidate<'_>], first_path: u32) -> Arrived {
        let mut arrived = Arrived::default();
        for (candidate, fate) in candidates.iter().zip(self.fates(candidates)) {
            let photo = match fate {
                Fate::Of(photo) => self.renew(photo, candidate, first_path),
                Fate::Split(content) => self.split(content, candidate, first_path),
                Fate::Edit(photo) => self.edit(photo, candidate, first_path),
                Fate::New => self.admit(candidate, first_path),
            };
            let Some(photo) = photo else {
                continue;
            };
            if matches!(fate, Fate::Edit(_) | Fate::New) {
                arrived.new.push(self.photos[photo].current);
            }
            self.photos[photo].unhide(candidate);
            self.describe(photo, candidate);
            self.choose(photo);
            arrived.present.insert(photo);
        }
        arrived
    }

    fn fates(&self, candidates: &[Candidate<'_>]) -> Vec<Fate> {
        let mut fates = vec![Fate::New; candidates.len()];
        let mut present: HashMap<PhotoId, Vec<(ContentId, usize)>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            if let Some(content) = self.by_key.get(&candidate.key) {
                let photo = self.contents[*content].photo;
                present.entry(photo).or_default().push((*content, at));
            }
        }
        for (photo, held) in &present {
            let stays = self.stays(*photo, held, candidates);
            for (content, at) in held {
                fates[*at] = if Some(*at) == stays {
                    Fate::Of(*photo)
                } else {
                    Fate::Split(*content)
                };
            }
        }
        let is_new = |at: &usize| !self.by_key.contains_key(&candidates[*at].key);
        let mut claims = Claims::new();
        for at in (0..candidates.len()).filter(is_new) {
            let absent = |photo: &PhotoId| !present.contains_key(photo);
            if let Some(photo) = self.claimed(&candidates[at], absent) {
                claims.entry(photo).or_default().push(at);
            }
        }
        for (photo, claimants) in claims {
            if let [at] = claimants.as_slice() {
                fates[*at] = Fate::Edit(photo);
            }
        }
        fates
    }

    /// Which of the versions of a photo that an export holds goes on being that photo: the one that Google had, else the
    /// youngest that is the same upload (it was reverted).
    fn stays(
        &self,
        photo: PhotoId,
        held: &[(ContentId, usize)],
        candidates: &[Candidate<'_>],
    ) -> Option<usize> {
        let own = &self.photos[photo];
        let of = |wanted: ContentId| held.iter().find(|(content, _)| *content == wanted);
        let is_same = |at: &usize| {
            let upload = own.uploads.only();
            upload.is_some() && candidates[*at].uploads().only() == upload
        };
        if let Some((_, at)) = of(own.current) {
            if own.current == own.shown || is_same(at) {
                return Some(*at);
            }
            // What is not shown, since there is a better version, was uploaded by itself as well.
            return of(own.shown).map(|(_, at)| *at);
        }
        let versions = own.versions.iter().rev();
        versions
            .filter_map(|version| Some(of(*version)?.1))
            .find(is_same)
    }

    /// The photo of which new bytes are the next version: of the same role, title, date and upload, the only one of
    /// them that the export lacks. Both must stand for one known upload.
    fn claimed(
        &self,
        candidate: &Candidate<'_>,
        absent: impl Fn(&PhotoId) -> bool,
    ) -> Option<PhotoId> {
        let upload = candidate.uploads().only()?;
        let leading = *candidate.told().first()?;
        let (_, facts) = leading.sidecar.as_ref()?;
        let bearing = bearing(candidate.role(), facts.title.as_deref()?, upload);
        let bearers = self.bearers.range((bearing, 0)..=(bearing, PhotoId::MAX));
        let mut bearers = bearers.map(|(_, photo)| *photo).filter(absent);
        let (photo, more) = (bearers.next()?, bearers.next());
        let own = &self.photos[photo];
        let same = own.role == candidate.role()
            && own.said.agrees(facts)
            && own.uploads.only() == Some(upload);
        (same && more.is_none()).then_some(photo)
    }

    /// A content that no earlier export held becomes a photo of its own.
    fn admit(&mut self, candidate: &Candidate<'_>, first_path: u32) -> Option<PhotoId> {
        let photo = self.photos.len();
        let content = self.add_content(photo, candidate, first_path)?;
        self.add_photo(content, candidate)
    }

    fn add_photo(&mut self, content: ContentId, candidate: &Candidate<'_>) -> Option<PhotoId> {
        self.photos.push(Photo {
            id: candidate.key,
            versions: vec![content],
            current: content,
            shown: content,
            file: candidate.nearest()?.file.clone(),
            role: candidate.role(),
            head: None,
            said: super::Said::default(),
            date: None,
            source: DateSource::None,
            zone: None,
            uploaded: None,
            uploads: super::Uploads::default(),
            sidecar: None,
            hidden: candidate.hidden(),
            gone: None,
            home: None,
        });
        Some(self.photos.len() - 1)
    }

    fn add_content(
        &mut self,
        photo: PhotoId,
        candidate: &Candidate<'_>,
        first_path: u32,
    ) -> Option<ContentId> {
        let readable = candidate.readable()?;
        let content = self.contents.len();
        self.contents.push(Content {
            key: candidate.key,
            head: readable.key.head,
            ino: 0,
            ctime: 0,
            later: 0,
            location: readable.location.behind(first_path),
            entry: readable.entry,
            absent: readable.absent,
            copies: candidate.copies.len() as u32,
            photo,
        });
        self.by_key.insert(candidate.key, content);
        Some(content)
    }

    /// A content that is known already.
    fn renew(
        &mut self,
        photo: PhotoId,
        candidate: &Candidate<'_>,
        first_path: u32,
    ) -> Option<PhotoId> {
        let content = *self.by_key.get(&candidate.key)?;
        self.photos[photo].current = content;
        self.see_again(content, candidate, first_path);
        Some(photo)
    }

    fn see_again(&mut self, content: ContentId, candidate: &Candidate<'_>, first_path: u32) {
        let known = &mut self.contents[content];
        known.copies += candidate.copies.len() as u32;
        let there = candidate.readable().filter(|other| !other.absent);
        if let Some(readable) = there.filter(|_| known.absent) {
            known.location = readable.location.behind(first_path);
            known.entry = readable.entry;
            known.absent = false;
        }
    }

    /// An old version becomes a photo of its own. What it leaves keeps its name and its id, and the version that Google had.
    fn split(
        &mut self,
        content: ContentId,
        candidate: &Candidate<'_>,
        first_path: u32,
    ) -> Option<PhotoId> {
        let left = self.contents[content].photo;
        self.see_again(content, candidate, first_path);
        let photo = self.add_photo(content, candidate)?;
        self.contents[content].photo = photo;
        let own = &mut self.photos[left];
        own.versions.retain(|version| *version != content);
        if own.current == content {
            own.current = own.versions.last().copied().unwrap_or(own.shown);
        }
        self.choose(left);
        Some(photo)
    }

    /// New bytes become the next version of a photo.
    fn edit(
        &mut self,
        photo: PhotoId,
        candidate: &Candidate<'_>,
        first_path: u32,
    ) -> Option<PhotoId> {
        let content = self.add_content(photo, candidate, first_path)?;
        let own = &self.photos[photo];
        let length = |version: &&ContentId| self.contents[**version].key.size == candidate.key.size;
        let earlier = own.versions.iter().filter(length).count();
        self.contents[content].later = 2 * earlier as i64;
        let own = &mut self.photos[photo];
        own.versions.push(content);
        own.current = content;
        Some(photo)
    }

    /// Which version is shown: what Google has now; of an original, which nothing there changes but compression, the
    /// best there ever was.
    fn choose(&mut self, photo: PhotoId) {
        let own = &self.photos[photo];
        let mut shown = own.current;
        if own.role == Role::Original && own.versions.len() > 1 {
            let versions = own.versions.clone();
            shown = self.best(&versions).unwrap_or(shown);
        }
        self.photos[photo].shown = shown;
    }

    /// What rsync tells versions apart by: which content is shown of each photo, its length and its modification time.
    pub(super) fn seen_by_rsync(&self) -> Vec<Seen> {
        let photos = self.photos.iter().enumerate();
        let seen = photos.map(|(photo, own)| Seen {
            content: own.shown,
            size: self.contents[own.shown].key.size,
            mtime: self.mtime(photo, own.shown),
        });
        seen.collect()
    }

    /// A photo that got another date together with other bytes of equal length may have come back to the time that it
    /// had, and rsync would see nothing. Then the bytes are dated two seconds later still.
    pub(super) fn set_apart(&mut self, before: &[Seen]) {
        let now = self.seen_by_rsync();
        for (was, is) in before.iter().zip(&now) {
            if was.content != is.content && (was.size, was.mtime) == (is.size, is.mtime) {
                self.contents[is.content].later += 2;
            }
        }
    }

    /// More pixels, then more bytes, then younger. Where the pixels of one are not known they decide nothing.
    fn best(&mut self, versions: &[ContentId]) -> Option<ContentId> {
        let mut measured = Vec::with_capacity(versions.len());
        for version in versions {
            let content = &self.contents[*version];
            measured.push((self.pixels)(Held {
                entry: content.entry,
                location: content.location,
                key: content.key,
                paths: &self.paths,
            }));
        }
        let all_known = measured.iter().all(Option::is_some);
        let rank = |at: &usize| {
            let pixels = measured[*at].filter(|_| all_known);
            (pixels, self.contents[versions[*at]].key.size, *at)
        };
        (0..versions.len()).max_by_key(rank).map(|at| versions[at])
    }
}
