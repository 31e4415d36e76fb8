//! A look at one source, without taking anything in: what is there, and whether it can be read now.

use crate::model::chain;
use crate::source::takeout::loose;
use crate::source::takeout::part::{self, Form, Found};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a source holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Exports, as far as names tell them apart.
    pub exports: u64,
    /// Archives and unpacked folders.
    pub parts: u64,
    /// Every part could be opened, and its beginning read.
    pub readable: bool,
    /// What stands in the way of reading, or is not all there yet.
    pub problems: Vec<String>,
}

/// Looks at a source. What is wrong with it is told in the answer.
pub fn look(source: &Path) -> Look {
    let mut look = Look::default();
    let found = match part::discover(source) {
        Ok(found) => found,
        Err(error) => {
            look.problems.push(chain(&error));
            return look;
        }
    };
    look.readable = true;
    let mut exports: BTreeSet<Option<&str>> = BTreeSet::new();
    for part in &found {
        if may_be_anybodys(part) {
            continue;
        }
        if part.form == Form::Partial {
            let what = format!(
                "{}: still being downloaded; wait for its end",
                part.path.display()
            );
            look.problems.push(what);
            continue;
        }
        look.parts += 1;
        exports.insert(part.name.as_ref().map(|name| name.stamp.as_str()));
        if let Err(error) = begin(part) {
            look.readable = false;
            let what = format!(
                "{}: cannot be read: {error}; an archive must be whole, and yours to read",
                part.path.display()
            );
            look.problems.push(what);
        }
    }
    // What has no stamp belongs to the one export that has one.
    if exports.len() == 2 {
        exports.remove(&None);
    }
    look.exports = exports.len() as u64;
    for (stamp, series, number) in gaps(&found) {
        let what = part::missing_name(&stamp, series, number);
        look.problems
            .push(format!("part {what} is missing; download it"));
    }
    look
}

/// Whether only the sidecars in the archives can tell if this is a part.
fn may_be_anybodys(part: &Found) -> bool {
    part.form == Form::Loose && part.name.is_none()
}

/// Reads the beginning of an archive; of a folder its first entry.
fn begin(part: &Found) -> io::Result<()> {
    if part.form == Form::Folder {
        return std::fs::read_dir(&part.path)?.next().transpose().map(drop);
    }
    let mut first = [0; 4];
    File::open(&part.path)?.read_exact(&mut first)
}

fn gaps(found: &[Found]) -> Vec<(String, Option<u32>, u32)> {
    let names = || found.iter().filter_map(|part| part.name.as_ref());
    let stamps: BTreeSet<&str> = names().map(|name| name.stamp.as_str()).collect();
    let loose: BTreeSet<u32> = found
        .iter()
        .filter(|part| may_be_anybodys(part))
        .filter_map(|part| Some(loose::parse(part.path.file_name()?.to_str()?)?.1))
        .collect();
    let mut parts = found.iter().filter(|part| !may_be_anybodys(part));
    let unnumbered = parts.any(|part| part.name.is_none());
    // An unpacked folder without a number may be any of the parts.
    if unnumbered && stamps.len() == 1 {
        return Vec::new();
    }
    let of = |stamp: &&str| {
        let gaps = part::gaps(names().filter(|name| name.stamp == *stamp));
        let stamp = (*stamp).to_owned();
        gaps.into_iter()
            .filter(|(_, number)| !loose.contains(number))
            .map(move |(series, number)| (stamp.clone(), series, number))
            .collect::<Vec<_>>()
    };
    stamps.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "20260913T041200Z";

    #[test]
    fn parts_exports_gaps_and_downloads() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
        assert!(!look(dir).readable);
        assert!(look(dir).problems[0].contains("no Takeout in"));
        assert!(!look(&dir.join("nowhere")).readable);
        write(&format!("takeout-{STAMP}-001.zip"), "PK34");
        write(&format!("takeout-{STAMP}-002.zip"), "PK34");
        write("takeout-20250101T000000Z-001.zip", "PK34");
        let whole = look(dir);
        assert_eq!((whole.exports, whole.parts), (2, 3));
        assert_eq!((whole.readable, &whole.problems), (true, &vec![]));
        write(&format!("takeout-{STAMP}-004.zip"), "PK");
        write(&format!("takeout-{STAMP}-005.zip.crdownload"), "");
        let odd = look(dir);
        assert_eq!((odd.exports, odd.parts, odd.readable), (2, 4, false));
        for what in [
            "-004.zip: cannot be read",
            "crdownload: still",
            "-003 is missing",
        ] {
            let told = odd.problems.iter().any(|problem| problem.contains(what));
            assert!(told, "{what} in {:#?}", odd.problems);
        }
    }
}
