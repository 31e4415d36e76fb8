//! Directories and names: who owns what in which directory, and how those are told apart who want the same.

use super::{BY_DATE, DirId, DirLine, Fold, Given, Owner, PhotoId};
use crate::model::Role;
use crate::tree::image::DirRecord;
use crate::tree::numbers::Document;
use crate::tree::{names, numbers};

impl Fold<'_> {
    /// The directory at a path of plain, legal names, made where it is not there yet.
    pub(super) fn dir(&mut self, path: &str, above: DirId) -> DirId {
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

    pub(super) fn make_dir(&mut self, parent: DirId, name: &str, title: &str) -> DirId {
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
    pub(super) fn name(&mut self, dir: DirId, photo: PhotoId) {
        let (stem, extension) = self.stem(dir, photo);
        let own = &self.photos[photo];
        let form = self.rules.names;
        let max = if own.head.is_some() {
            form.follower()
        } else {
            form.plain()
        };
        let plain = form.legal(&stem, &extension, max);
        if let Some(given) = self.given.get(&(dir, photo))
            && *given.plain.as_ref().unwrap_or(&given.name) == plain
        {
            return;
        }
        let id = own.id;
        let (plain_stem, ending) = plain.split_at(plain.len() - form.ending(&plain, &extension));
        let name = self.free_name(dir, Owner::Photo(photo), |len| match len {
            0 => plain.clone(),
            len => form.suffixed(plain_stem, &numbers::suffix(&id, len), ending),
        });
        let plain = (name != plain).then_some(plain);
        self.given.insert((dir, photo), Given { name, plain });
    }

    pub(super) fn stem(&self, dir: DirId, photo: PhotoId) -> (String, String) {
        let own = &self.photos[photo];
        let (stem, extension) = names::of_original(own.said.title(), &own.file);
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
    pub(super) fn name_in(&self, dir: DirId, photo: PhotoId) -> String {
        match self.given.get(&(dir, photo)) {
            Some(given) => given.name.clone(),
            None => {
                let own = &self.photos[photo];
                let (stem, extension) = names::of_original(own.said.title(), &own.file);
                let form = self.rules.names;
                form.legal(stem, extension, form.plain())
            }
        }
    }

    /// Tries the plain name, then longer and longer suffixes, and takes the first that is free or the owner's.
    pub(super) fn free_name(
        &mut self,
        dir: DirId,
        owner: Owner,
        attempt: impl Fn(usize) -> String,
    ) -> String {
        for len in std::iter::once(0).chain(4..=names::MAX_SUFFIX) {
            let name = attempt(len);
            if self.is_in_the_way(dir, owner, &name) {
                continue;
            }
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

    /// Whether a name in `by-date` would leave no room for documents: it is that of another photo's document, or
    /// another photo is called like a document of its own. So it is whatever documents are shown, now or later; they
    /// need no names in the map, since each is its photo's with an ending.
    fn is_in_the_way(&self, dir: DirId, owner: Owner, name: &str) -> bool {
        let below = self.dirs[dir].path.strip_prefix(&self.dirs[BY_DATE].path);
        if !below.is_some_and(|below| below.starts_with('/')) {
            return false;
        }
        let of_another = |name: &str| {
            let slot = self.owners.get(&(dir, names::fold(name)));
            slot.is_some_and(|slot| *slot != owner)
        };
        Document::ALL.iter().any(|document| {
            let ending = document.ending();
            of_another(&format!("{name}{ending}"))
                || names::without(name, ending).is_some_and(&of_another)
        })
    }

    pub(super) fn titled_dir(&mut self, parent: DirId, title: &str, id: &[u8]) -> DirId {
        let form = self.rules.names;
        let plain = form.legal(title, "", form.plain());
        let owner = Owner::Dir(self.dirs.len());
        let name = self.free_name(parent, owner, |len| match len {
            0 => plain.clone(),
            len => form.suffixed(&plain, &numbers::dir_suffix(id, len), ""),
        });
        self.make_dir(parent, &name, title)
    }
}
