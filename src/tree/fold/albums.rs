//! Albums: which arriving one is which known one. Their members only grow.

use super::{ALBUMS, AlbumLine, Fold, PhotoId};
use crate::model::{Album, Batch, BlobKey};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

type Arrival<'a> = (&'a Album, BTreeSet<PhotoId>);

/// What albums of one title have in common. The folder of an untitled one is numbered, which says nothing.
fn key(album: &Album) -> (bool, String) {
    let title = match album.title.rsplit_once('(') {
        Some((stem, count))
            if album.untitled
                && count
                    .trim_end_matches(')')
                    .bytes()
                    .all(|b| b.is_ascii_digit()) =>
        {
            stem.trim_end()
        }
        _ => &album.title,
    };
    (album.untitled, title.to_owned())
}

impl Fold<'_> {
    /// Finds or makes the directory of each album and puts its members in.
    pub(super) fn gather_albums(&mut self, batch: &Batch, keys: &[BlobKey]) {
        let mut arrivals: Vec<Arrival<'_>> = Vec::new();
        for album in &batch.albums {
            let members: BTreeSet<PhotoId> = album
                .members
                .iter()
                .filter_map(|index| self.photo_of(keys.get(*index as usize)?))
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

    /// Joins arriving albums with known ones of the same title: those that share most photos first, among them those of
    /// the same date.
    fn match_albums(&mut self, arrivals: &[Arrival<'_>]) -> Vec<(usize, BTreeSet<PhotoId>)> {
        let mut pairs = Vec::new();
        for (arrival, (album, members)) in arrivals.iter().enumerate() {
            let same_title = self
                .albums
                .iter()
                .enumerate()
                .filter(|(_, line)| line.key == key(album));
            for (line, known) in same_title {
                let shared = known.members.intersection(members).count();
                let other_date = known.date != album.date;
                pairs.push((Reverse(shared), other_date, line, arrival));
            }
        }
        pairs.sort_unstable();
        let mut line_of: HashMap<usize, usize> = HashMap::new();
        let mut taken: HashSet<usize> = HashSet::new();
        for (Reverse(shared), _, line, arrival) in pairs {
            let free = !line_of.contains_key(&arrival) && !taken.contains(&line);
            if free && (shared > 0 || self.last_of_title(line, arrivals, &line_of, &taken)) {
                line_of.insert(arrival, line);
                taken.insert(line);
            }
        }
        let mut joined = Vec::new();
        for (arrival, (album, members)) in arrivals.iter().enumerate() {
            let line = match line_of.get(&arrival) {
                Some(line) => *line,
                None => self.new_album(album, members),
            };
            joined.push((line, members.clone()));
        }
        joined
    }

    /// Whether one album and one arrival of a title are left. Then they are the same although they share no photo,
    /// unless the title is none: of those there are many.
    fn last_of_title(
        &self,
        line: usize,
        arrivals: &[Arrival<'_>],
        line_of: &HashMap<usize, usize>,
        taken: &HashSet<usize>,
    ) -> bool {
        let title = &self.albums[line].key;
        let lines = self.albums.iter().enumerate();
        let lines = lines.filter(|(line, known)| known.key == *title && !taken.contains(line));
        let coming = arrivals.iter().enumerate();
        let coming = coming
            .filter(|(arrival, (album, _))| key(album) == *title && !line_of.contains_key(arrival));
        !title.0 && lines.count() == 1 && coming.count() == 1
    }

    fn new_album(&mut self, album: &Album, members: &BTreeSet<PhotoId>) -> usize {
        let id = self.identity(members);
        let dir = self.titled_dir(ALBUMS, &album.title, &id);
        self.albums.push(AlbumLine {
            key: key(album),
            date: album.date,
            dir,
            members: BTreeSet::new(),
        });
        self.albums.len() - 1
    }
}
