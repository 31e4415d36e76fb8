//! The program under test, called as a library: a pass over sources, and the tree that a mount would then show.
//!
//! Nothing else in this test knows the program. What it shows comes out in words of the test's own.

use super::bytes::Content;
use super::export::Places;
use super::tree::{Entry, Judged, Tree};
use gphotosfs::catalog::Catalog;
use gphotosfs::model::{BlobKey, Decided, Location, Part};
use gphotosfs::sync::{self, Error, Pass, Progress};
use gphotosfs::tree::fold::Rules;
use gphotosfs::tree::image::{FileRecord, Image};
use gphotosfs::tree::numbers::{document_of, head};
use gphotosfs::tree::{Kind, Options, ROOT, Sidecars, Tree as Planted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the user has decided so far.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// Stamps of exports that are shown although parts are missing.
    pub accepted: BTreeSet<String>,
    /// Contents that are to be forgotten.
    pub forgotten: BTreeSet<Arc<[u8]>>,
}

/// Why there is no tree.
#[derive(Debug)]
pub enum Failed {
    /// No export is whole, or nothing is there to see.
    Nothing(String),
    /// Anything else.
    Other(String),
}

/// Makes a pass with a catalog in `state`, and gives the tree.
pub fn sync(
    state: &Path,
    sources: &[PathBuf],
    decisions: &Decisions,
    places: &Places,
) -> Result<Tree, Failed> {
    let mut catalog = Catalog::open(state).map_err(|error| other(&error))?;
    let outcome = pass(&mut catalog, sources, decisions)?;
    let mut tree = kept(&catalog, places)?;
    let moves = outcome.moves.unwrap_or_default().paths;
    tree.moves = moves.into_iter().map(|path| (path.from, path.to)).collect();
    tree.problems = outcome.problems;
    Ok(tree)
}

/// The tree that a catalog in `state` keeps from its last pass.
pub fn look(state: &Path, places: &Places) -> Result<Tree, Failed> {
    let catalog = Catalog::open(state).map_err(|error| other(&error))?;
    kept(&catalog, places)
}

fn other(error: &dyn std::error::Error) -> Failed {
    Failed::Other(gphotosfs::model::chain(error))
}

fn kept(catalog: &Catalog, places: &Places) -> Result<Tree, Failed> {
    let image = catalog
        .image_with(Sidecars::Auto)
        .map_err(|error| other(&error))?;
    let parts = catalog.parts().map_err(|error| other(&error))?;
    let parts: HashMap<u32, Part> = parts
        .into_iter()
        .map(|part| (part.part.id, part.part))
        .collect();
    Ok(shown(image, &parts, places))
}

/// Makes a pass and stops it somewhere: what a process that is killed leaves behind. A transaction that was not committed
/// lies half in the log, and the log may end anywhere. `keep` says how many of a hundred bytes of the log are left. Gives
/// the moves that it would have told of, had it come to its end.
pub fn sync_and_die(
    state: &Path,
    sources: &[PathBuf],
    decisions: &Decisions,
    keep: u64,
) -> Result<Vec<(String, String)>, Failed> {
    let mut catalog = Catalog::open(state).map_err(|error| other(&error))?;
    // How it ends does not matter: it is as if it had not come so far.
    let moves = pass(&mut catalog, sources, decisions).map(|outcome| outcome.moves);
    let moves = moves.ok().flatten().unwrap_or_default().paths;
    let left = state.with_extension("left");
    std::fs::create_dir(&left).unwrap();
    let log = format!("{}-wal", gphotosfs::catalog::FILE);
    for file in [gphotosfs::catalog::FILE, &log] {
        std::fs::copy(state.join(file), left.join(file)).unwrap();
    }
    drop(catalog);
    let log = std::fs::File::options()
        .write(true)
        .open(left.join(log))
        .unwrap();
    let len = log.metadata().unwrap().len();
    log.set_len(len * keep / 100).unwrap();
    std::fs::remove_dir_all(state).unwrap();
    std::fs::rename(&left, state).unwrap();
    Ok(moves.into_iter().map(|path| (path.from, path.to)).collect())
}

fn pass(
    catalog: &mut Catalog,
    sources: &[PathBuf],
    decisions: &Decisions,
) -> Result<sync::Outcome, Failed> {
    let forgotten = decisions.forgotten.iter().map(|bytes| BlobKey {
        size: bytes.len() as u64,
        crc32: crc32fast::hash(bytes),
        head: head(bytes),
    });
    let decided = Decided {
        accepted: decisions.accepted.clone(),
        forgotten: forgotten.collect(),
        ..Decided::default()
    };
    let pass = Pass {
        sources,
        decided: &decided,
        rules: &Rules::default(),
        in_force: None,
        progress: &Progress::default(),
    };
    sync::sync(catalog, &pass).map_err(|error| {
        let text = gphotosfs::model::chain(&error);
        match error {
            Error::Incomplete(..) | Error::NoPhotos(_) | Error::Source(_) => Failed::Nothing(text),
            _ => Failed::Other(text),
        }
    })
}

fn shown(image: Image, parts: &HashMap<u32, Part>, places: &Places) -> Tree {
    let mut tree = Tree {
        judged: image
            .found
            .judged
            .iter()
            .map(|judged| Judged {
                stamp: judged.stamp.clone(),
                full: judged.full,
            })
            .collect(),
        ..Tree::default()
    };
    let texts = image.documents.texts.iter();
    let texts: HashMap<u64, u32> = texts
        .map(|text| (image.files[text.file as usize].ino, text.fingerprint))
        .collect();
    let planted = Planted::plant(image, Options::default());
    let content = |file: &FileRecord, path: &[u8]| -> Content {
        let part = &parts[&file.location.part()];
        match file.location {
            Location::Zip { header, .. } => places.in_archives[&(part.path.clone(), header)],
            Location::File { .. } => {
                places.files[&part.path.join(String::from_utf8(path.to_vec()).unwrap())]
            }
            Location::Tgz { .. } => panic!("no tgz was written"),
        }
    };
    let mut dirs = vec![(ROOT, String::new())];
    while let Some((dir, above)) = dirs.pop() {
        for (attr, name) in planted.list(dir, 0).unwrap() {
            let name = String::from_utf8(name.into_owned()).unwrap();
            let path = format!("{above}{name}");
            if attr.kind == Kind::Dir {
                tree.dirs.insert(path.clone(), attr.ino);
                dirs.push((attr.ino, format!("{path}/")));
                continue;
            }
            let document = document_of(attr.ino).map(|(photo, _)| texts[&photo]);
            let file = planted.file(attr.ino);
            let entry = Entry {
                ino: attr.ino,
                size: attr.size,
                mtime: attr.mtime,
                ctime: (attr.ctime, attr.ctime_nsec),
                content: file.map(|file| content(file, planted.blob(attr.ino).unwrap().path)),
                document,
                gone: file.is_some_and(|file| file.gone),
            };
            tree.files.insert(path, entry);
        }
    }
    tree
}
