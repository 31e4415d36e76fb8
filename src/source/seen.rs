//! What a source looks like from outside, to notice that it changed. Nothing is opened and nothing is understood: any
//! difference is a reason to look properly, none is a reason not to.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use walkdir::WalkDir;

/// A number for what lies at these paths and below: names, lengths, times and inodes of all files, and what cannot be
/// looked at. Equal numbers of two looks with the same program mean that nothing changed between them.
pub fn seen<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        path.as_ref().hash(&mut hasher);
        for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
            let looked = entry.and_then(|entry| entry.metadata().map(|meta| (entry, meta)));
            match looked {
                Ok((entry, meta)) => {
                    entry.path().hash(&mut hasher);
                    // A folder's own time says nothing that its entries do not.
                    if meta.is_file() {
                        let times = (meta.mtime(), meta.mtime_nsec());
                        (meta.len(), times, meta.ino(), meta.mode()).hash(&mut hasher);
                    }
                }
                Err(error) => {
                    error.path().hash(&mut hasher);
                    let kind = io::Error::from(error).kind();
                    format!("{kind:?}").hash(&mut hasher);
                }
            }
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_is_another_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut numbers = Vec::new();
        let mut look = |sources: &[&str]| {
            let number = seen(sources.iter().map(|name| path(name)));
            assert_eq!(number, seen(sources.iter().map(|name| path(name))));
            numbers.push(number);
        };
        look(&[]);
        look(&["a"]);
        std::fs::create_dir_all(path("a/b")).unwrap();
        look(&["a"]);
        std::fs::write(path("a/b/x"), "1").unwrap();
        look(&["a"]);
        std::fs::write(path("a/b/x"), "12").unwrap();
        look(&["a"]);
        std::fs::rename(path("a/b/x"), path("a/b/y")).unwrap();
        look(&["a"]);
        std::fs::write(path("c.zip"), "1").unwrap();
        look(&["a", "c.zip"]);
        std::fs::remove_dir_all(path("a")).unwrap();
        look(&["a", "c.zip"]);
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
    }
}
