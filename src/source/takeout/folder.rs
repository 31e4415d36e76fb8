//! Unpacked exports: the files of a folder.

use super::part;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A file in an unpacked folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// Its folder as in an archive: begins with `Takeout`.
    pub dir: String,
    /// Its name as text.
    pub name: String,
    /// Its name and path below the root as bytes, where they are not UTF-8.
    pub raw: Option<Vec<u8>>,
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
}

/// All files below a `Takeout` folder, sorted by path, and what could not be looked at: a part of a library must not pass
/// for the whole. Links are followed.
pub fn walk(root: &Path) -> (Vec<File>, Vec<(PathBuf, io::Error)>) {
    let mut files = Vec::new();
    let mut failed = Vec::new();
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
        let looked = entry.and_then(|entry| Ok((entry.metadata()?, entry)));
        match looked {
            Ok((meta, entry)) if meta.is_file() => {
                let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
                files.push(file(entry.path(), below, &meta));
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                failed.push((path, error.into()));
            }
        }
    }
    (files, failed)
}

fn file(path: &Path, below: &Path, meta: &Metadata) -> File {
    let parent = below
        .parent()
        .map(Path::to_string_lossy)
        .unwrap_or_default();
    let dir = if parent.is_empty() {
        "Takeout".to_owned()
    } else {
        format!("Takeout/{parent}")
    };
    let name = path.file_name().unwrap_or_default();
    let raw = || below.as_os_str().as_bytes().to_vec();
    File {
        path: path.to_owned(),
        dir,
        name: name.to_string_lossy().into_owned(),
        raw: below.to_str().is_none().then(raw),
        size: meta.size(),
        mtime_ns: part::mtime_ns(meta),
    }
}
