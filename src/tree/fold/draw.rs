//! The end of the fold: everything in the order that a tree wants.

use super::{Content, ContentId, DateSource, DirId, Fold, Photo, PhotoId};
use crate::model::{BlobKey, Role, is_video};
use crate::tree::image::{FileRecord, GoneRecord, Hidden, Image, Lines, PlaceRecord};
use crate::tree::numbers;

impl Fold<'_> {
    pub(super) fn draw(mut self, places: &[(DirId, PhotoId)]) -> Image {
        let mut by_ino: Vec<ContentId> = (0..self.contents.len()).collect();
        by_ino.sort_unstable_by_key(|content| self.contents[*content].ino);
        let mut file_of = vec![0_u32; self.contents.len()];
        let mut image = Image::default();
        for content in by_ino {
            file_of[content] = image.files.len() as u32;
            image.files.push(self.record(content));
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
                file: file_of[self.photos[photo].shown],
                name_at: image.names.len() as u32,
                name_len: name.len() as u8,
                home,
            });
            image.names.extend_from_slice(name.as_bytes());
        }
        image.lines = self.lines(&file_of);
        let lone = |photo: &&Photo| !photo.said.anything();
        self.found.lone_media = self.photos.iter().filter(lone).count() as u64;
        image.dirs = self.dirs.into_iter().map(|dir| dir.record).collect();
        image.paths = self.paths;
        image.found = self.found;
        image
    }

    /// What belongs together, by the places of contents among the files.
    fn lines(&self, file_of: &[u32]) -> Lines {
        let mut lines = Lines::default();
        for photo in &self.photos {
            let shown = file_of[photo.shown];
            let others = photo.versions.iter().filter(|other| **other != photo.shown);
            let versions = others.map(|other| (file_of[*other], shown));
            lines.versions.extend(versions);
            if let Some(head) = photo.head {
                let head = file_of[self.photos[head].shown];
                lines.followers.push((shown, head));
            }
            if let Some(gone) = photo.gone {
                lines.gone.push(GoneRecord {
                    file: shown,
                    export: gone.export,
                    held: gone.held,
                });
            }
        }
        lines.versions.sort_unstable();
        lines.followers.sort_unstable();
        lines.gone.sort_unstable();
        lines
    }

    /// The modification time of a content of a photo.
    pub(super) fn mtime(&self, photo: PhotoId, content: ContentId) -> i64 {
        let time = self.date(photo).or(self.photos[photo].uploaded);
        time.unwrap_or(numbers::NO_DATE) + self.contents[content].later
    }

    pub(super) fn record(&mut self, content: ContentId) -> FileRecord {
        let photo = self.contents[content].photo;
        let date = self.date(photo);
        let ahead = date.and_then(|date| self.ahead_minutes(photo, date));
        let own = &self.photos[photo];
        let bytes = &self.contents[content];
        let dated = own.head.map(|head| &self.photos[head]);
        let source = dated
            .filter(|head| head.date.is_some())
            .map_or(own.source, |head| head.source);
        FileRecord {
            ino: bytes.ino,
            size: bytes.key.size,
            mtime: self.mtime(photo, content),
            ctime: bytes.ctime,
            ctime_nsec: numbers::fraction(self.account.as_deref(), &bytes.key),
            crc32: bytes.key.crc32,
            location: bytes.location,
            taken: date.filter(|_| source >= DateSource::Named),
            ahead_minutes: ahead,
            entry: bytes.entry,
            sidecar: own.sidecar,
            role: own.role,
            follows: own.head.is_some(),
            hidden: self.hidden(content),
            video: own.role == Role::Clip || is_video(&own.file),
            copies: bytes.copies,
            gone: own.gone.is_some(),
        }
    }

    pub(super) fn hidden(&self, content: ContentId) -> Hidden {
        let photo = &self.photos[self.contents[content].photo];
        if photo.shown != content {
            Hidden::Older
        } else if photo
            .versions
            .iter()
            .any(|version| self.is_forgotten(*version))
        {
            Hidden::Forgotten
        } else {
            photo.hidden
        }
    }

    /// Where size and checksum do not tell contents apart their first bytes must agree as well.
    fn is_forgotten(&self, content: ContentId) -> bool {
        let Content { key, head, .. } = &self.contents[content];
        let of = |head| BlobKey { head, ..*key };
        match *head {
            0 => {
                let same = self.decided.forgotten.range(of(0)..=of(u64::MAX));
                same.count() > 0
            }
            head => self.decided.forgotten.contains(&of(head)),
        }
    }
}
