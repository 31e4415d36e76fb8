//! The end of the fold: everything in the order that a tree wants.

use super::{DateSource, DirId, Fold, PhotoId};
use crate::model::{Role, is_video};
use crate::tree::image::{FileRecord, Image, PlaceRecord};
use crate::tree::numbers;

impl Fold {
    pub(super) fn draw(mut self, places: &[(DirId, PhotoId)]) -> Image {
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

    pub(super) fn record(&mut self, photo: PhotoId) -> FileRecord {
        let date = self.date(photo);
        let ahead = date.and_then(|date| self.ahead_minutes(photo, date));
        let own = &self.photos[photo];
        let dated = own.head.map(|head| &self.photos[head]);
        let source = dated
            .filter(|head| head.date.is_some())
            .map_or(own.source, |head| head.source);
        FileRecord {
            ino: own.ino,
            size: own.id.size,
            mtime: date.or(own.uploaded).unwrap_or(numbers::NO_DATE),
            ctime: own.ctime,
            ctime_nsec: numbers::fraction(&own.id),
            crc32: own.id.crc32,
            location: own.location,
            taken: date.filter(|_| source >= DateSource::Named),
            ahead_minutes: ahead,
            entry: own.entry,
            sidecar: own.sidecar,
            role: own.role,
            follows: own.head.is_some(),
            hidden: own.hidden,
            video: own.role == Role::Clip || is_video(&own.file),
            copies: own.copies,
            gone: false,
        }
    }
}
