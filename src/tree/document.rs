//! Documents beside the photos in `by-date`: what Google knows of a photo, for programs that look for a file beside it.
//!
//! Two kinds. `NAME.EXT.xmp` is text of our own ([`xmp`]), `NAME.EXT.json` is Google's sidecar byte for byte, which
//! content serves like any blob. Decisions:
//!
//! - **What a person entered** ([`Extent::Entered`], the default) is a description, named people, a favourite, and a
//!   place that differs from the one in the photo. Only such photos get a document, and it says these things and no
//!   others: a date in it would overrule the time zone in the photo itself, and albums would have it rewritten whenever
//!   an album grows. [`Extent::All`] adds date and albums, beside every photo, also one of which nothing is known.
//! - **A place differs** where latitude or longitude, as parsed, are not the very same numbers as in `geoDataExif`, or
//!   where there is no `geoDataExif`. Google writes both with the same digits, so any tolerance would only hide small
//!   corrections. Altitude does not count: nobody enters it.
//! - **An edited copy** has a document of its own, with the facts of its original: programs look for the document by
//!   the name of the file, and the edited copy is the one that people look at. **The clip of a live photo** is part of
//!   its still and has one only in [`Extent::All`].
//! - **Google's own** stands beside the photo whose sidecar it is, once: not beside edited copies and clips of a photo
//!   that is in the library, nor twice where two photos share one. Of several copies it is the one in use.
//! - **People, favourites and albums** are those whose directories show the photo, so a document never says something
//!   else than the tree.
//!
//! Size and fingerprint of every text are measured when the image is made ([`measure`]) and kept; the text itself is
//! made again when it is read, and one that came out otherwise is an error, never served. A document has the photo's
//! inode with bits of its own, one link, and as its times the photo's change time plus the fingerprint, so that rsync,
//! which trusts size and time, sees a change of equal length. The fraction of the change time is the photo's, since
//! Borg reads all files again that share the newest. Documents need no names: each is its photo's with an ending, which
//! the fold keeps free.

mod beside;
pub mod xmp;

use super::image::{Extent, FileRecord, Image, TextRecord, Texts, View};
use crate::model::{Geo, Role, Sidecar};

/// What a document may say of a photo. Lists are sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts<'a> {
    /// What the user wrote.
    pub description: Option<&'a str>,
    /// Names of people.
    pub people: Vec<&'a str>,
    /// Titles of albums.
    pub albums: Vec<&'a str>,
    /// Marked as a favourite.
    pub favorite: bool,
    /// Where Google shows it.
    pub place: Option<Geo>,
    /// When it was taken, seconds since 1970.
    pub taken: Option<i64>,
    /// Minutes that the clock there was ahead of UTC, where known.
    pub offset_minutes: Option<i16>,
}

impl<'a> Facts<'a> {
    /// What a document of this extent says of a file; `None` when it has none. `places` are the views and titles of the
    /// directories that show the file.
    pub fn of(
        extent: Extent,
        file: &FileRecord,
        sidecar: Option<&'a Sidecar>,
        places: &[(View, &'a str)],
    ) -> Option<Facts<'a>> {
        let titles = |view: View| {
            let mut titles: Vec<&str> = places
                .iter()
                .filter(|(of, _)| *of == view)
                .map(|(_, title)| *title)
                .collect();
            titles.sort_unstable();
            titles.dedup();
            titles
        };
        let all = Facts {
            description: sidecar.and_then(|facts| facts.description.as_deref()),
            people: titles(View::People),
            albums: titles(View::Albums),
            favorite: places.iter().any(|(view, _)| *view == View::Favorites),
            place: sidecar.and_then(|facts| facts.geo),
            taken: file.taken,
            offset_minutes: file.ahead_minutes,
        };
        match extent {
            Extent::All => Some(all),
            Extent::Entered if file.follows && file.role == Role::Clip => None,
            Extent::Entered => {
                let entered = Facts {
                    albums: Vec::new(),
                    taken: None,
                    offset_minutes: None,
                    place: sidecar.and_then(entered_place),
                    ..all
                };
                (entered != Facts::default()).then_some(entered)
            }
        }
    }
}

/// The place, where the photo does not carry the very same.
fn entered_place(sidecar: &Sidecar) -> Option<Geo> {
    let place = |geo: &Geo| (geo.latitude, geo.longitude);
    let carried = sidecar.geo_exif.as_ref().map(place);
    sidecar.geo.filter(|geo| Some(place(geo)) != carried)
}

/// Size and fingerprint of every XMP document of an image. `sidecar` gives the facts of a sidecar by its number.
pub fn measure<'a>(image: &'a Image, sidecar: impl Fn(u32) -> Option<&'a Sidecar>) -> Texts {
    let views = image.views();
    let places = image.places.iter().map(|place| (place.file, place.dir));
    let by_file = ByFile::new(image.files.len(), places);
    let mut texts = Texts::default();
    let mut shown_in: Vec<(View, &str)> = Vec::new();
    for (number, file) in (0..).zip(&image.files) {
        let sidecar = file.sidecar.and_then(&sidecar);
        shown_in.clear();
        let dirs = by_file.of(number).iter().map(|dir| *dir as usize);
        shown_in.extend(dirs.filter_map(|dir| Some((views[dir]?, image.dirs[dir].title.as_str()))));
        for (extent, records) in [
            (Extent::Entered, &mut texts.entered),
            (Extent::All, &mut texts.all),
        ] {
            if let Some(facts) = Facts::of(extent, file, sidecar, &shown_in) {
                let text = xmp::write(&facts);
                records.push(TextRecord {
                    file: number,
                    size: text.len() as u32,
                    fingerprint: crc32fast::hash(text.as_bytes()),
                });
            }
        }
    }
    texts
}

/// The directories that show each file.
#[derive(Debug)]
pub(super) struct ByFile {
    /// For each file where its directories begin; they end where the next file's begin.
    first: Vec<u32>,
    dirs: Vec<u32>,
}

impl ByFile {
    /// Of pairs of a file and a directory.
    pub(super) fn new(files: usize, places: impl Iterator<Item = (u32, u32)> + Clone) -> ByFile {
        let mut first = vec![0_u32; files + 1];
        for (file, _) in places.clone() {
            first[file as usize + 1] += 1;
        }
        for file in 0..files {
            first[file + 1] += first[file];
        }
        let mut next = first.clone();
        let mut dirs = vec![0; first[files] as usize];
        for (file, dir) in places {
            let at = &mut next[file as usize];
            dirs[*at as usize] = dir;
            *at += 1;
        }
        ByFile { first, dirs }
    }

    /// Of one file.
    pub(super) fn of(&self, file: u32) -> &[u32] {
        let file = file as usize;
        &self.dirs[self.first[file] as usize..self.first[file + 1] as usize]
    }
}

#[cfg(test)]
mod tests;
