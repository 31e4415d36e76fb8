//! Loose files: media too large for any archive of an export, which Google delivers beside the archives.
//!
//! Such a file is called `STEM-NUMBER.EXT`: the name that it would have in its archive, and the number that it has among
//! the parts. Its sidecar lies in an archive, and is the only proof that it is a part at all: anything in a folder of
//! downloads may be called so. Some exports may give them the parts' own name, `takeout-STAMP-NUMBER.EXT`; then the stamp
//! is the proof, and the sidecar is the only one left over for a file of that kind.

use super::assemble::year_of;
use super::pair::{self, SidecarName, title_agrees};
use super::{name, part};
use crate::model::listing::{Entry, Kind};
use crate::model::{Role, Sidecar, is_media_extension};
use std::collections::BTreeMap;

/// Least digits of a part's number.
const DIGITS: usize = 3;

/// Where a loose file would lie in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The folder.
    pub dir: String,
    /// Its name there.
    pub name: String,
}

/// Whether a file may be one, by its name.
pub fn may_be(file: &str) -> bool {
    let (_, extension) = name::split(file);
    is_media_extension(extension) && (part::parse_name(file).is_some() || parse(file).is_some())
}

/// The name that a file would have in an archive, and its number among the parts.
pub fn parse(file: &str) -> Option<(String, u32)> {
    let (stem, extension) = name::split(file);
    // Browsers add ` (1)` to a second download.
    let stem = match name::counter(stem) {
        Some((rest, _)) => rest.strip_suffix(' ').unwrap_or(stem),
        None => stem,
    };
    let (stem, digits) = stem.rsplit_once('-')?;
    let plain = digits.len() == DIGITS || (digits.len() > DIGITS && !digits.starts_with('0'));
    if stem.is_empty() || !plain || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    Some((format!("{stem}{extension}"), number))
}

/// A folder of an export, with an album's metadata or without: names of media, and of sidecars with what they say.
#[derive(Debug, Default)]
struct Folder<'a> {
    album: bool,
    media: Vec<&'a str>,
    sidecars: Vec<(&'a str, &'a Sidecar)>,
}

type Folders<'a> = BTreeMap<&'a str, Folder<'a>>;

/// An export, as loose files are looked for in it.
#[derive(Debug)]
pub struct Export<'a> {
    folders: Folders<'a>,
}

impl<'a> Export<'a> {
    /// An export of these files; `facts` gives what a sidecar says.
    pub fn of(
        entries: impl IntoIterator<Item = &'a Entry>,
        facts: impl Fn(u32) -> Option<&'a Sidecar>,
    ) -> Export<'a> {
        let mut folders = Folders::new();
        for entry in entries {
            let folder = folders.entry(&*entry.dir).or_default();
            match entry.file.kind {
                Kind::Media => folder.media.push(&entry.file.name),
                Kind::Sidecar => {
                    if let Some(facts) = facts(entry.id) {
                        folder.sidecars.push((&entry.file.name, facts));
                    }
                }
                Kind::Album | Kind::Empty => folder.album = true,
                _ => {}
            }
        }
        Export { folders }
    }

    /// Where a file of this name would lie: in the folder of the one sidecar that speaks of it and of no other file.
    /// Where sidecars of several photos do, it lies in none of their folders. `None` when there is no such sidecar.
    pub fn home(&self, name: &str) -> Option<Home> {
        let speaking: Vec<(&str, &Sidecar)> = self
            .folders
            .iter()
            .filter_map(|(dir, folder)| Some((*dir, folder.speaking(name)?)))
            .collect();
        let (_, first) = speaking.first()?;
        let one = speaking
            .iter()
            .all(|(_, other)| (&other.title, other.taken) == (&first.title, first.taken));
        Some(self.among(speaking.iter().map(|(dir, _)| *dir), one, name))
    }

    /// Where a file lies of which only the kind is known, by the ending of its name: beside the one sidecar of a file of
    /// that kind that is not there. Where there are none or several, it has its own name.
    pub fn home_by_kind(&self, file: &str) -> Home {
        let (_, extension) = name::split(file);
        let mut lone: Vec<(&str, &Sidecar)> = Vec::new();
        for (dir, folder) in &self.folders {
            let fits = |title: &str| name::split(title).1.eq_ignore_ascii_case(extension);
            let of_kind = folder.unused().into_iter().map(|at| folder.sidecars[at].1);
            let of_kind = of_kind.filter(|facts| facts.title.as_deref().is_some_and(fits));
            lone.extend(of_kind.map(|facts| (*dir, facts)));
        }
        let title = lone.first().and_then(|(_, facts)| facts.title.clone());
        let one = lone
            .iter()
            .all(|(_, other)| (&other.title, other.taken) == (&lone[0].1.title, lone[0].1.taken));
        match title.filter(|_| one) {
            Some(title) => self.among(lone.iter().map(|(dir, _)| *dir), true, &legal(&title)),
            None => self.among(std::iter::empty(), false, file),
        }
    }

    /// Of folders the one of a year, else the first that is no album. Where none is sure, the product's.
    fn among<'d>(&self, dirs: impl Iterator<Item = &'d str>, sure: bool, name: &str) -> Home {
        let rank = |dir: &&str| {
            let year = dir.rsplit('/').next().and_then(year_of);
            let album = self.folders.get(dir).is_some_and(|folder| folder.album);
            (album, year.is_none(), (*dir).to_owned())
        };
        let best = dirs.min_by_key(rank).filter(|_| sure);
        Home {
            dir: best.map_or_else(|| self.product(), str::to_owned),
            name: name.to_owned(),
        }
    }

    /// The folder with those of the photos.
    fn product(&self) -> String {
        let mut photos = self
            .folders
            .iter()
            .filter(|(_, folder)| !folder.sidecars.is_empty());
        let dir = photos.next().map_or("Takeout", |(dir, _)| dir);
        dir.rsplit_once('/')
            .map_or(dir, |(above, _)| above)
            .to_owned()
    }
}

impl<'a> Folder<'a> {
    fn names(&self) -> Vec<SidecarName<'a>> {
        let name = |(name, facts): &(&'a str, &'a Sidecar)| SidecarName {
            name,
            title: facts.title.as_deref(),
        };
        self.sidecars.iter().map(name).collect()
    }

    /// The sidecar of a file of this name that would lie here and does not.
    fn speaking(&self, file: &str) -> Option<&'a Sidecar> {
        let agrees = |(_, facts): &(&str, &Sidecar)| {
            let title = facts.title.as_deref();
            title.is_some_and(|title| title_agrees(title, file))
        };
        if self.media.contains(&file) || !self.sidecars.iter().any(agrees) {
            return None;
        }
        let names = self.names();
        let with: Vec<&str> = self.media.iter().copied().chain([file]).collect();
        let pairing = pair::pair(&with, &names).pop()?;
        let at = pairing.sidecar?;
        // An edited copy has the sidecar of its original.
        let its_own = pairing.role == Role::Edited || self.unused().contains(&at);
        its_own.then(|| self.sidecars[at].1)
    }

    /// The sidecars that speak of no file here.
    fn unused(&self) -> Vec<usize> {
        let pairs = pair::pair(&self.media, &self.names());
        let mut used = vec![false; self.sidecars.len()];
        for at in pairs.iter().filter_map(|pairing| pairing.sidecar) {
            used[at] = true;
        }
        (0..used.len()).filter(|at| !used[*at]).collect()
    }
}

/// A title as the name of a file in an archive.
fn legal(title: &str) -> String {
    let (stem, extension) = name::split(title);
    let room = name::MEDIA_UNITS.saturating_sub(name::units(extension));
    let safe = |char: char| {
        if char == '/' || char.is_control() {
            '_'
        } else {
            char
        }
    };
    let stem: String = stem.chars().map(safe).collect();
    format!("{}{extension}", name::cut(&stem, room).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listing::Listed;

    fn entry(id: u32, dir: &str, name: &str, kind: Kind) -> Entry {
        Entry {
            id,
            part: 1,
            dir: dir.into(),
            file: Listed {
                name: name.into(),
                raw: None,
                kind,
                deflated: false,
                header: 0,
                packed: 0,
                size: 0,
                crc32: 0,
                mtime_ns: 0,
            },
            head: 0,
        }
    }

    const YEAR: &str = "Takeout/Google Photos/Photos from 2023";
    const ALBUM: &str = "Takeout/Google Photos/Lisbon";

    /// An export of sidecars `(folder, title, second)` and media `(folder, name)`.
    fn export_of<R>(
        sidecars: &[(&str, &str, i64)],
        media: &[(&str, &str)],
        ask: impl FnOnce(&Export<'_>) -> R,
    ) -> R {
        let facts: Vec<Sidecar> = sidecars
            .iter()
            .map(|(_, title, taken)| Sidecar {
                title: Some((*title).into()),
                taken: Some(*taken),
                ..Sidecar::default()
            })
            .collect();
        let sidecar = |(id, (dir, title, _)): (u32, &(&str, &str, i64))| {
            let name = format!("{title}.supplemental-metadata.json");
            entry(id, dir, &name, Kind::Sidecar)
        };
        let mut entries: Vec<Entry> = (0..).zip(sidecars).map(sidecar).collect();
        entries.extend(
            media
                .iter()
                .map(|(dir, name)| entry(99, dir, name, Kind::Media)),
        );
        ask(&Export::of(&entries, |id| facts.get(id as usize)))
    }

    fn home(dir: &str, name: &str) -> Home {
        Home {
            dir: dir.into(),
            name: name.into(),
        }
    }

    #[test]
    fn names_are_taken_apart() {
        let parsed = |file: &str| parse(file).map(|(name, number)| format!("{name} {number}"));
        assert_eq!(parsed("VID_1-003.mp4").as_deref(), Some("VID_1.mp4 3"));
        assert_eq!(parsed("a-b-012 (1).MOV").as_deref(), Some("a-b.MOV 12"));
        assert_eq!(
            parsed("VID(2)-1003.mp4").as_deref(),
            Some("VID(2).mp4 1003")
        );
        for odd in [
            "VID_1.mp4",
            "VID-03.mp4",
            "VID-0003.mp4",
            "-003.mp4",
            "VID-000.mp4",
            "VID-1a3.mp4",
        ] {
            assert_eq!(parse(odd), None, "{odd}");
        }
        assert!(may_be("VID_1-003.mp4") && may_be("takeout-20260913T041200Z-003.mp4"));
        assert!(!may_be("notes-003.txt") && !may_be("VID.mp4"));
    }

    #[test]
    fn the_sidecar_tells_where_a_file_belongs() {
        let both = [
            (ALBUM, "VID.mp4", 7),
            (YEAR, "VID.mp4", 7),
            (YEAR, "a.jpg", 8),
        ];
        export_of(&both, &[(YEAR, "a.jpg")], |export| {
            assert_eq!(export.home("VID.mp4"), Some(home(YEAR, "VID.mp4")));
            assert_eq!(export.home("a.jpg"), None, "it is there");
            assert_eq!(export.home("b.jpg"), None);
            let by_kind = export.home_by_kind("takeout-20260913T041200Z-003.MP4");
            assert_eq!(by_kind, home(YEAR, "VID.mp4"));
        });
        // Only in an album; an edited copy; a name that another file has in another case.
        let some = [(ALBUM, "VID.mp4", 7), (YEAR, "a.jpg", 8)];
        export_of(&some, &[(YEAR, "a.jpg")], |export| {
            assert_eq!(export.home("VID.mp4"), Some(home(ALBUM, "VID.mp4")));
            assert_eq!(
                export.home("a-edited.jpg"),
                Some(home(YEAR, "a-edited.jpg"))
            );
            assert_eq!(export.home("a.JPG"), None);
        });
    }

    #[test]
    fn two_photos_of_one_name_are_not_guessed() {
        let two = [
            (YEAR, "VID.mp4", 7),
            ("Takeout/Google Photos/Photos from 2024", "VID.mp4", 9),
        ];
        export_of(&two, &[], |export| {
            let nowhere = home("Takeout/Google Photos", "VID.mp4");
            assert_eq!(export.home("VID.mp4"), Some(nowhere));
            let own = "takeout-20260913T041200Z-003.mp4";
            assert_eq!(export.home_by_kind(own), home("Takeout/Google Photos", own));
        });
        export_of(&[(YEAR, "A/B.mp4", 7)], &[], |export| {
            let named = export.home_by_kind("takeout-20260913T041200Z-003.mp4");
            assert_eq!(named, home(YEAR, "A_B.mp4"));
        });
    }
}
