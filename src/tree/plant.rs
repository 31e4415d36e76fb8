//! Planting: from an image and the options of a mount to what it answers from.

use super::image::{self, Image, View};
use std::hash::BuildHasher;
use std::sync::OnceLock;

use super::{Child, Dir, Hasher, Links, Options, Place, Totals, Tree, numbers};

impl Tree {
    /// Makes a tree of an image.
    pub fn plant(image: Image, options: Options) -> Tree {
        let shown: Vec<bool> = image
            .files
            .iter()
            .map(|f| options.shows(f.hidden))
            .collect();
        let views = image.views();
        let mut tree = Tree {
            nlink: vec![0; image.files.len()],
            home: vec![u32::MAX; image.files.len()],
            files: image.files,
            dirs: Vec::new(),
            dirs_by_ino: Vec::new(),
            links: Vec::new(),
            places: Vec::new(),
            names: image.names,
            by_name: Vec::new(),
            paths: image.paths,
            documents: image.documents,
            carried: Vec::new(),
            by_file: OnceLock::new(),
            totals: Totals::default(),
            hasher: Hasher::default(),
        };
        tree.documents.keep(&shown);
        let numbers = tree.plant_dirs(&image.dirs, &views, &image.places, &shown);
        tree.plant_places(&image.places, &numbers, &shown, options.links);
        tree.date_dirs();
        tree.index_names();
        tree.sum(&shown);
        tree
    }

    /// Keeps the directories that show something (and the fixed ones); gives the new number of each old one.
    fn plant_dirs(
        &mut self,
        dirs: &[image::DirRecord],
        views: &[Option<View>],
        places: &[image::PlaceRecord],
        shown: &[bool],
    ) -> Vec<u32> {
        let mut wanted = vec![false; dirs.len()];
        for (number, dir) in dirs.iter().enumerate() {
            wanted[number] = dir.fixed;
        }
        for place in places.iter().filter(|p| shown[p.file as usize]) {
            let mut dir = place.dir;
            while !wanted[dir as usize] {
                wanted[dir as usize] = true;
                dir = dirs[dir as usize].parent;
            }
        }
        let mut numbers = vec![u32::MAX; dirs.len()];
        for (old, dir) in dirs.iter().enumerate().filter(|(old, _)| wanted[*old]) {
            numbers[old] = self.dirs.len() as u32;
            self.dirs.push(Dir {
                ino: dir.ino,
                // A directory's parent stands before it in an image.
                parent: numbers[dir.parent as usize],
                name: dir.name.as_str().into(),
                title: dir.title.as_str().into(),
                view: views[old],
                first: 0,
                count: 0,
                nlink: 2,
                ctime: i64::MIN,
            });
        }
        for number in 1..self.dirs.len() {
            let parent = self.dirs[number].parent as usize;
            self.dirs[parent].nlink += 1;
        }
        self.dirs_by_ino = (0..self.dirs.len() as u32).collect();
        let dirs = &self.dirs;
        self.dirs_by_ino
            .sort_unstable_by_key(|n| dirs[*n as usize].ino);
        numbers
    }

    fn plant_places(
        &mut self,
        places: &[image::PlaceRecord],
        numbers: &[u32],
        shown: &[bool],
        links: Links,
    ) {
        let mut all: Vec<(u64, Place)> = Vec::with_capacity(places.len() + self.dirs.len());
        for (number, dir) in self.dirs.iter().enumerate().skip(1) {
            let name_at = self.names.len() as u32;
            self.names.extend_from_slice(dir.name.as_bytes());
            all.push((
                dir.ino,
                Place {
                    child: Child::Dir(number as u32),
                    dir: dir.parent,
                    name_at,
                    name_len: dir.name.len() as u8,
                },
            ));
        }
        for place in places.iter().filter(|p| shown[p.file as usize]) {
            let dir = numbers[place.dir as usize];
            let file = place.file;
            let mut ino = self.files[file as usize].ino;
            let mut child = Child::File(file);
            if links == Links::Symlink && !place.home {
                let name = &self.names[place.name_at as usize..][..place.name_len as usize];
                ino = numbers::link_inode(self.dirs[dir as usize].ino, name);
                child = Child::Link(file);
            } else {
                self.nlink[file as usize] += 1;
            }
            let place = Place {
                child,
                dir,
                name_at: place.name_at,
                name_len: place.name_len,
            };
            all.push((ino, place));
        }
        all.sort_unstable_by_key(|(ino, place)| (place.dir, *ino));
        for (at, (ino, place)) in all.iter().enumerate() {
            match place.child {
                Child::Link(_) => self.links.push((*ino, at as u32)),
                Child::File(file) if self.in_by_date(place.dir) => {
                    self.home[file as usize] = at as u32;
                }
                Child::File(_) | Child::Dir(_) => {}
            }
            let dir = &mut self.dirs[place.dir as usize];
            if dir.count == 0 {
                dir.first = at as u32;
            }
            dir.count += 1;
        }
        self.links.sort_unstable();
        self.places = all.into_iter().map(|(_, place)| place).collect();
    }

    pub(super) fn in_by_date(&self, dir: u32) -> bool {
        self.dirs[dir as usize].view == Some(View::ByDate)
    }

    /// A directory's time is the newest change time below it.
    fn date_dirs(&mut self) {
        for place in &self.places {
            if let Child::File(file) | Child::Link(file) = place.child {
                let dir = &mut self.dirs[place.dir as usize];
                dir.ctime = dir.ctime.max(self.files[file as usize].ctime);
            }
        }
        for (file, _, fingerprint) in self.documents.each() {
            let time = numbers::document_time(self.files[file as usize].ctime, fingerprint);
            if let Some(home) = self.places.get(self.home[file as usize] as usize) {
                let dir = &mut self.dirs[home.dir as usize];
                dir.ctime = dir.ctime.max(time);
            }
        }
        // Parents stand before their children, so one pass from the end reaches the root.
        for number in (1..self.dirs.len()).rev() {
            let ctime = self.dirs[number].ctime;
            let parent = self.dirs[number].parent as usize;
            self.dirs[parent].ctime = self.dirs[parent].ctime.max(ctime);
        }
        for dir in &mut self.dirs {
            if dir.ctime == i64::MIN {
                dir.ctime = numbers::NO_DATE;
            }
        }
    }

    fn index_names(&mut self) {
        let slots = (self.places.len() * 2).next_power_of_two().max(8);
        self.by_name = vec![u32::MAX; slots];
        for at in 0..self.places.len() {
            let place = self.places[at];
            let mut slot = self.slot(place.dir, self.name(&place));
            while self.by_name[slot] != u32::MAX {
                slot = (slot + 1) & (slots - 1);
            }
            self.by_name[slot] = at as u32;
        }
    }

    pub(super) fn slot(&self, dir: u32, name: &[u8]) -> usize {
        self.hasher.hash_one((dir, name)) as usize & (self.by_name.len() - 1)
    }

    fn sum(&mut self, shown: &[bool]) {
        self.totals.dirs = self.dirs.len() as u64;
        for (file, _) in self.files.iter().zip(shown).filter(|(_, shown)| **shown) {
            self.totals.files += 1;
            self.totals.bytes = self.totals.bytes.saturating_add(file.size);
        }
        for (_, size, _) in self.documents.each() {
            self.totals.documents += 1;
            self.totals.bytes = self.totals.bytes.saturating_add(size);
            self.totals.bytes_without_links = self.totals.bytes_without_links.saturating_add(size);
        }
        for place in &self.places {
            if let Child::File(file) | Child::Link(file) = place.child {
                let size = self.files[file as usize].size;
                self.totals.bytes_without_links =
                    self.totals.bytes_without_links.saturating_add(size);
            }
        }
    }
}
