//! What differs between two images of one library: which photos stand elsewhere, or are called otherwise.
//!
//! Photos are told apart by their inodes, which come from their bytes and no layout moves. Photos that only one of the
//! two images knows count as neither kept nor moved.

use super::image::{FileRecord, Hidden, Image, PlaceRecord};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A path that changes, below the mountpoint. Where both are the same path, it holds another content of the same length
/// and time: to rsync nothing has changed there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Move {
    /// Where it was.
    pub from: String,
    /// Where it is.
    pub to: String,
}

/// How two images differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// Photos and videos that stay where they are.
    pub kept: u64,
    /// Those that another folder of `by-date` gets.
    pub moved: u64,
    /// Those that only change a name.
    pub renamed: u64,
    /// Photos that the older image does not know.
    pub new: u64,
    /// All paths that change, sorted; a photo has one in each place.
    pub paths: Vec<Move>,
}

impl Moves {
    /// Photos that do not stay as they are.
    pub fn count(&self) -> u64 {
        self.moved + self.renamed
    }

    /// Compares two images. Earlier versions of photos and forgotten ones, which no mount shows, are left out; what is in the trash is
    /// not, since options show it.
    pub fn between(old: &Image, new: &Image) -> Moves {
        let (before, after) = (Side::of(old), Side::of(new));
        let numbers: HashMap<u64, u32> = old
            .files
            .iter()
            .enumerate()
            .map(|(number, file)| (file.ino, number as u32))
            .collect();
        let mut moves = Moves::default();
        for (number, file) in new.files.iter().enumerate() {
            if matches!(file.hidden, Hidden::Older | Hidden::Forgotten) {
                continue;
            }
            let Some(known) = numbers.get(&file.ino) else {
                moves.new += 1;
                continue;
            };
            moves.compare(&before, *known, &after, number as u32);
        }
        moves.paths.extend(taken(&before, &after));
        moves.paths.sort();
        moves
    }

    fn compare(&mut self, before: &Side<'_>, old: u32, after: &Side<'_>, new: u32) {
        let (was, is) = (before.home(old), after.home(new));
        let folder = |path: &Option<(String, String)>| path.as_ref().map(|(dir, _)| dir.clone());
        let has_moved = folder(&was) != folder(&is);
        let known = self.paths.len();
        let pairs = was
            .into_iter()
            .zip(is)
            .chain(pair(before.others(old), after.others(new)));
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let join = |(dir, name): (String, String)| format!("{dir}/{name}");
            self.paths.push(Move {
                from: join(from),
                to: join(to),
            });
        }
        if has_moved {
            self.moved += 1;
        } else if self.paths.len() > known {
            self.renamed += 1;
        } else {
            self.kept += 1;
        }
    }
}

/// Paths that another content of the same length and time has taken.
fn taken(before: &Side<'_>, after: &Side<'_>) -> Vec<Move> {
    let left = before.strays(after);
    if left.is_empty() {
        return Vec::new();
    }
    let came = after.strays(before);
    let alike = left
        .into_iter()
        .filter(|(path, was)| came.get(path) == Some(was));
    let stay = |(path, _): (String, _)| Move {
        from: path.clone(),
        to: path,
    };
    alike.map(stay).collect()
}

/// Pairs the places of a photo outside `by-date`: by their folders, and where folders themselves have other names, by
/// their order, which is that of their makers in both images.
fn pair(
    mut was: Vec<(String, String)>,
    mut is: Vec<(String, String)>,
) -> Vec<((String, String), (String, String))> {
    let mut pairs = Vec::new();
    was.retain(|old| match is.iter().position(|new| new.0 == old.0) {
        Some(at) => {
            pairs.push((old.clone(), is.remove(at)));
            false
        }
        None => true,
    });
    // A photo that joined or left an album as well: nobody can tell which of them is which.
    if was.len() == is.len() {
        pairs.extend(was.into_iter().zip(is));
    }
    pairs
}

/// One image, with its places at hand for each file.
struct Side<'a> {
    image: &'a Image,
    dirs: Vec<String>,
    /// Numbers of places, those of a file together.
    places: Vec<u32>,
    /// Where those of a file begin, with one more at the end.
    first: Vec<u32>,
}

impl<'a> Side<'a> {
    fn of(image: &'a Image) -> Side<'a> {
        let mut dirs: Vec<String> = Vec::with_capacity(image.dirs.len());
        for dir in &image.dirs {
            // A directory's parent stands before it; the root's path is empty.
            let above = dirs.get(dir.parent as usize).map_or("", String::as_str);
            dirs.push(match above {
                "" => dir.name.clone(),
                above => format!("{above}/{}", dir.name),
            });
        }
        let mut places: Vec<u32> = (0..image.places.len() as u32).collect();
        places.sort_by_key(|number| {
            let place = &image.places[*number as usize];
            (place.file, place.dir)
        });
        let mut first = vec![0; image.files.len() + 1];
        for place in &image.places {
            first[place.file as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        Side {
            image,
            dirs,
            places,
            first,
        }
    }

    /// The places that shown files have here and not in another image, with length and time of the file.
    fn strays(&self, other: &Side<'_>) -> HashMap<String, (u64, i64)> {
        let shown = |file: &FileRecord| !matches!(file.hidden, Hidden::Older | Hidden::Forgotten);
        let files = other.image.files.iter().enumerate();
        let known: HashMap<u64, u32> = files
            .filter(|(_, file)| shown(file))
            .map(|(number, file)| (file.ino, number as u32))
            .collect();
        let mut strays = HashMap::new();
        for (number, file) in self.image.files.iter().enumerate() {
            let there = known.get(&file.ino).copied();
            for place in self.of_file(number as u32).filter(|_| shown(file)) {
                let mut others = there.into_iter().flat_map(|there| other.of_file(there));
                if !others.any(|twin| self.parts(place) == other.parts(twin)) {
                    let (dir, name) = self.path(place);
                    strays.insert(format!("{dir}/{name}"), (file.size, file.mtime));
                }
            }
        }
        strays
    }

    fn of_file(&self, file: u32) -> impl Iterator<Item = &'a PlaceRecord> {
        let (from, to) = (
            self.first[file as usize] as usize,
            self.first[file as usize + 1] as usize,
        );
        let image = self.image;
        self.places[from..to]
            .iter()
            .map(move |number| &image.places[*number as usize])
    }

    /// Folder and name in `by-date`.
    fn home(&self, file: u32) -> Option<(String, String)> {
        self.of_file(file)
            .find(|place| place.home)
            .map(|place| self.path(place))
    }

    fn others(&self, file: u32) -> Vec<(String, String)> {
        self.of_file(file)
            .filter(|place| !place.home)
            .map(|place| self.path(place))
            .collect()
    }

    /// Folder and name as they lie in memory.
    fn parts(&self, place: &PlaceRecord) -> (&str, &[u8]) {
        let name = &self.image.names[place.name_at as usize..][..place.name_len as usize];
        (&self.dirs[place.dir as usize], name)
    }

    fn path(&self, place: &PlaceRecord) -> (String, String) {
        let (dir, name) = self.parts(place);
        (dir.to_owned(), String::from_utf8_lossy(name).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Location, Role};
    use crate::tree::image::DirRecord;

    /// An image with these files, each with its inode, whether it is an older version, and its paths, by-date first.
    fn image(files: &[(u64, bool, &[&str])]) -> Image {
        let mut image = Image::default();
        let dir = |name: &str, parent: usize| DirRecord {
            ino: 1,
            parent: parent as u32,
            name: name.into(),
            title: name.into(),
            fixed: false,
        };
        image.dirs.push(dir("", 0));
        let mut known: Vec<String> = vec![String::new()];
        for (number, (ino, older, paths)) in files.iter().enumerate() {
            image.files.push(FileRecord {
                ino: *ino,
                size: 1,
                mtime: 0,
                ctime: 0,
                ctime_nsec: 0,
                crc32: 0,
                location: Location::Zip {
                    part: 1,
                    deflated: false,
                    header: 0,
                    packed: 1,
                },
                taken: None,
                ahead_minutes: None,
                entry: 0,
                sidecar: None,
                role: Role::Original,
                follows: false,
                hidden: if *older { Hidden::Older } else { Hidden::No },
                video: false,
                copies: 1,
                gone: false,
            });
            for (at, path) in paths.iter().enumerate() {
                let (folders, name) = path.rsplit_once('/').unwrap();
                let mut parent = 0;
                let mut so_far = String::new();
                for folder in folders.split('/') {
                    if !so_far.is_empty() {
                        so_far.push('/');
                    }
                    so_far.push_str(folder);
                    parent = known
                        .iter()
                        .position(|other| *other == so_far)
                        .unwrap_or_else(|| {
                            image.dirs.push(dir(folder, parent));
                            known.push(so_far.clone());
                            known.len() - 1
                        });
                }
                image.places.push(PlaceRecord {
                    dir: parent as u32,
                    file: number as u32,
                    name_at: image.names.len() as u32,
                    name_len: name.len() as u8,
                    home: at == 0,
                });
                image.names.extend_from_slice(name.as_bytes());
            }
        }
        image
    }

    fn moved(from: &str, to: &str) -> Move {
        Move {
            from: from.into(),
            to: to.into(),
        }
    }

    #[test]
    fn what_stays_what_moves_and_what_is_called_otherwise() {
        let old = image(&[
            (10, false, &["by-date/2020/a.jpg", "albums/Sea?/a.jpg"]),
            (20, false, &["by-date/2020/b.jpg", "favorites/b.jpg"]),
            (30, false, &["by-date/2020/c?.jpg", "albums/Sea?/c?.jpg"]),
            (40, true, &["by-date/2020/old.jpg"]),
            (50, false, &["by-date/2020/d.jpg"]),
        ]);
        let new = image(&[
            (10, false, &["by-date/2020/a.jpg", "albums/Sea_/a.jpg"]),
            (20, false, &["by-date/2021/b.jpg", "favorites/b.jpg"]),
            (30, false, &["by-date/2020/c_.jpg", "albums/Sea_/c_.jpg"]),
            (40, true, &["by-date/1999/old.jpg"]),
            (50, false, &["by-date/2020/d.jpg"]),
            (60, false, &["by-date/2020/e.jpg"]),
        ]);
        let moves = Moves::between(&old, &new);
        assert_eq!(
            (moves.kept, moves.moved, moves.renamed, moves.new),
            (1, 1, 2, 1)
        );
        assert_eq!(moves.count(), 3);
        assert_eq!(
            moves.paths,
            [
                moved("albums/Sea?/a.jpg", "albums/Sea_/a.jpg"),
                moved("albums/Sea?/c?.jpg", "albums/Sea_/c_.jpg"),
                moved("by-date/2020/b.jpg", "by-date/2021/b.jpg"),
                moved("by-date/2020/c?.jpg", "by-date/2020/c_.jpg"),
            ]
        );
        let same = Moves::between(&new, &new);
        assert_eq!((same.kept, same.count(), same.paths), (5, 0, vec![]));
    }

    #[test]
    fn a_path_that_another_content_of_its_size_and_time_takes_is_named() {
        let old = image(&[
            (10, false, &["by-date/2020/a.jpg"]),
            (20, false, &["by-date/2020/b.jpg"]),
        ]);
        let mut new = image(&[
            (10, true, &[]),
            (15, false, &["by-date/2020/a.jpg"]),
            (20, false, &["by-date/2020/b.jpg"]),
        ]);
        let moves = Moves::between(&old, &new);
        let same = moved("by-date/2020/a.jpg", "by-date/2020/a.jpg");
        assert_eq!((moves.count(), moves.new, moves.paths), (0, 1, vec![same]));
        new.files[1].mtime = 2;
        assert_eq!(Moves::between(&old, &new).paths, vec![]);
    }

    #[test]
    fn a_photo_that_joins_an_album_has_not_moved() {
        let old = image(&[(10, false, &["by-date/2020/a.jpg", "albums/B/a.jpg"])]);
        let new = image(&[(
            10,
            false,
            &["by-date/2020/a.jpg", "albums/A/a.jpg", "albums/B/a.jpg"],
        )]);
        assert_eq!(Moves::between(&old, &new).count(), 0);
        assert_eq!(Moves::between(&new, &old).count(), 0);
    }
}
