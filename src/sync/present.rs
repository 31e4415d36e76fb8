//! Whether the bytes of known parts can be had right now.
//!
//! Asked without reading more than a few bytes of each, so that `status` can ask at any time. A part that cannot be read
//! keeps its names; its bytes are taken from another part where one holds them too.

use super::LISTED;
use crate::catalog::KnownPart;
use crate::source::takeout::part::{holds_files, mtime_ns};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What stands in the way.
enum Trouble {
    /// It cannot be read.
    Away(io::Error),
    /// A folder holds nothing any more.
    Empty,
    /// An archive is not the one that was indexed.
    Changed,
}

/// Parts whose bytes cannot be had: gone, replaced, or held no more. What they hold is read from elsewhere where it can.
pub fn absent(parts: &[KnownPart]) -> BTreeSet<u32> {
    let absent = parts
        .iter()
        .filter(|part| part.left_over || look(part).is_err());
    absent.map(|part| part.part.id).collect()
}

/// What is wrong with the parts of a library right now: gone, changed, or found damaged when they were indexed.
pub fn problems(parts: &[KnownPart]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut away: BTreeMap<(Option<&Path>, String), Vec<&Path>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.complete) {
        problems.extend(part.problems.iter().cloned());
        if part.left_over {
            continue;
        }
        let path: &Path = &part.part.path;
        match look(part) {
            Ok(()) => {}
            Err(Trouble::Changed) => problems.push(format!(
                "{}: changed since it was indexed; `gphotosfs sync` takes in what it holds now",
                path.display()
            )),
            Err(Trouble::Empty) => problems.push(format!(
                "{}: the folder is empty; what it held cannot be read",
                path.display()
            )),
            Err(Trouble::Away(error)) => {
                let key = (path.parent(), error.to_string());
                away.entry(key).or_default().push(path);
            }
        }
    }
    for ((folder, error), paths) in away {
        if let Some(folder) = folder.filter(|_| paths.len() > LISTED) {
            let (count, folder) = (paths.len(), folder.display());
            problems.push(format!(
                "{count} parts in {folder}: {error}; what they held cannot be read"
            ));
            continue;
        }
        let one =
            |path: &&Path| format!("{}: {error}; what it held cannot be read", path.display());
        problems.extend(paths.iter().map(one));
    }
    problems
}

fn look(known: &KnownPart) -> Result<(), Trouble> {
    let part = &known.part;
    let meta = std::fs::metadata(&part.path).map_err(Trouble::Away)?;
    if part.folder && !part.is_loose() {
        let mut entries = std::fs::read_dir(&part.path).map_err(Trouble::Away)?;
        entries.next().transpose().map_err(Trouble::Away)?;
        let filled = holds_files(&part.path);
        return filled.then_some(()).ok_or(Trouble::Empty);
    }
    if !meta.is_file() || (meta.len(), mtime_ns(&meta)) != (part.size, part.mtime_ns) {
        return Err(Trouble::Changed);
    }
    ends(&part.path, meta.len()).map_err(Trouble::Away)
}

/// Reads the first and the last byte: permission may be lost, and a disk fail, while names and sizes can be had.
fn ends(path: &Path, len: u64) -> io::Result<()> {
    let file = File::open(path)?;
    if len > 0 {
        file.read_exact_at(&mut [0], 0)?;
        file.read_exact_at(&mut [0], len - 1)?;
    }
    Ok(())
}
