//! Unpacked exports: the files of a folder.

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

/// All files below a `Takeout` folder, sorted by path. Links are followed.
///
/// # Errors
/// When a folder cannot be read: a part of a library must not pass for the whole.
pub fn walk(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
        let entry = entry.map_err(io::Error::from)?;
        let meta = entry.metadata().map_err(io::Error::from)?;
        if !meta.is_file() {
            continue;
        }
        let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let parent = below
            .parent()
            .map(|parent| parent.to_string_lossy().into_owned())
            .unwrap_or_default();
        let dir = if parent.is_empty() {
            "Takeout".to_owned()
        } else {
            format!("Takeout/{parent}")
        };
        files.push(File {
            path: entry.path().to_owned(),
            dir,
            name: entry.file_name().to_string_lossy().into_owned(),
            raw: below
                .to_str()
                .is_none()
                .then(|| below.as_os_str().as_bytes().to_vec()),
            size: meta.size(),
            mtime_ns: meta
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(meta.mtime_nsec()),
        });
    }
    Ok(files)
}
