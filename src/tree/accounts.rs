//! Several accounts in one image.
//!
//! The first account has the root, as if it were alone: another that comes or goes changes nothing of it, so no backup
//! reads anything again. Each further one stands in `accounts/NAME`. Nothing is merged across accounts: equal bytes in two
//! are two files.
//!
//! In an image nothing but the places of directories tells accounts and views apart. In the root stand the views of the
//! first account, and beside them at most `accounts`.

use super::image::{ACCOUNTS, DirRecord, Found, GoneRecord, Image, Lines, PlaceRecord, View};
use super::numbers;
use std::collections::HashSet;

impl Image {
    /// All numbers that are taken for those who join, that of `accounts` among them.
    pub fn inodes(&self) -> HashSet<u64> {
        let files = self.files.iter().map(|file| file.ino);
        let mut inodes: HashSet<u64> = files.chain(self.dirs.iter().map(|dir| dir.ino)).collect();
        inodes.insert(self.accounts().1);
        inodes
    }

    /// Takes in the image of a further account. Its numbers must be none of [`Image::inodes`].
    pub fn join(&mut self, account: Image) {
        let above = match self.accounts() {
            (Some(above), _) => above,
            (None, ino) => {
                self.dirs.push(DirRecord {
                    ino,
                    parent: 0,
                    name: ACCOUNTS.into(),
                    title: ACCOUNTS.into(),
                    fixed: true,
                });
                self.dirs.len() - 1
            }
        };
        let dirs = self.dirs.len() as u32;
        for (number, mut dir) in account.dirs.into_iter().enumerate() {
            dir.parent = match number {
                0 => above as u32,
                _ => dir.parent + dirs,
            };
            self.dirs.push(dir);
        }
        let (files, names) = (self.files.len(), self.names.len() as u32);
        let paths = self.paths.len() as u32;
        self.names.extend(account.names);
        self.paths.extend(account.paths);
        for mut file in account.files {
            file.location = file.location.behind(paths);
            self.files.push(file);
        }
        self.places
            .extend(account.places.into_iter().map(|place| PlaceRecord {
                dir: place.dir + dirs,
                file: place.file + files as u32,
                name_at: place.name_at + names,
                ..place
            }));
        self.lines
            .add(&account.lines, files as u32, self.found.judged.len() as u32);
        self.found.join(account.found);
        self.sort_files();
    }

    /// The directory `accounts`, if it is there, and its number in any case.
    fn accounts(&self) -> (Option<usize>, u64) {
        let is_it = |dir: &DirRecord| dir.parent == 0 && dir.name == ACCOUNTS;
        if let Some(at) = self.dirs.iter().position(is_it) {
            return (Some(at), self.dirs[at].ino);
        }
        let is_free = |ino: &u64| self.dirs.iter().all(|dir| dir.ino != *ino);
        let mut attempts = (0..).map(|n| numbers::dir_inode(ACCOUNTS, n));
        (None, attempts.find(is_free).unwrap_or_default())
    }

    fn sort_files(&mut self) {
        let mut order: Vec<u32> = (0..self.files.len() as u32).collect();
        order.sort_unstable_by_key(|old| self.files[*old as usize].ino);
        let mut new_of = vec![0; order.len()];
        for (new, old) in (0..).zip(&order) {
            new_of[*old as usize] = new;
        }
        let files = order.into_iter().map(|old| self.files[old as usize]);
        self.files = files.collect();
        for place in &mut self.places {
            place.file = new_of[place.file as usize];
        }
        self.lines.renumber(|file| new_of[file as usize]);
    }

    /// The view to which each directory belongs; `None` for those above the views.
    pub fn views(&self) -> Vec<Option<View>> {
        let mut views: Vec<Option<View>> = Vec::with_capacity(self.dirs.len());
        for (number, dir) in self.dirs.iter().enumerate() {
            let parent = dir.parent as usize;
            // A parent stands before its children; the root is its own.
            let above = views.get(parent).copied().flatten();
            let holds_views = parent == 0 || self.dirs[parent].parent != 0;
            let own = || {
                let named = |view: &View| view.name() == dir.name;
                View::ALL.into_iter().find(named)
            };
            views.push(match above {
                None if number > 0 && holds_views => own(),
                above => above,
            });
        }
        views
    }
}

impl Lines {
    /// Adds those of another image, behind so many files and exports.
    fn add(&mut self, other: &Lines, files: u32, exports: u32) {
        let behind = |(a, b): &(u32, u32)| (a + files, b + files);
        self.versions.extend(other.versions.iter().map(behind));
        self.followers.extend(other.followers.iter().map(behind));
        self.gone.extend(other.gone.iter().map(|gone| GoneRecord {
            file: gone.file + files,
            export: gone.export + exports,
            ..*gone
        }));
    }

    /// Gives the files other numbers.
    fn renumber(&mut self, new: impl Fn(u32) -> u32) {
        for (a, b) in self.versions.iter_mut().chain(&mut self.followers) {
            (*a, *b) = (new(*a), new(*b));
        }
        for gone in &mut self.gone {
            gone.file = new(gone.file);
        }
        self.versions.sort_unstable();
        self.followers.sort_unstable();
        self.gone.sort_unstable();
    }
}

impl Found {
    fn join(&mut self, account: Found) {
        self.judged.extend(account.judged);
        self.media += account.media;
        self.junk += account.junk;
        self.foreign += account.foreign;
        self.lone_sidecars += account.lone_sidecars;
        self.lone_media += account.lone_media;
        self.problems.extend(account.problems);
    }
}
