//! What the folder of a cache takes and what its disk has left, for who only looks.

use super::folder;
use nix::unistd::{AccessFlags, access};
use std::io;
use std::path::Path;

/// A folder for files of ours, and its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that we may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// The disk on which a folder lies, or will lie once it is made.
///
/// # Errors
/// When we may not write there, or it cannot be looked at.
pub fn space(dir: &Path) -> io::Result<Space> {
    let there = dir.ancestors().find(|above| above.exists());
    let there = there.unwrap_or(Path::new("/"));
    if !there.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    access(there, AccessFlags::W_OK | AccessFlags::X_OK)?;
    let stat = nix::sys::statvfs::statvfs(there)?;
    let unit = stat.fragment_size() as u64;
    Ok(Space {
        free_bytes: (stat.blocks_available() as u64).saturating_mul(unit),
        total_bytes: (stat.blocks() as u64).saturating_mul(unit),
    })
}

/// Bytes and files in the cache of one library.
///
/// # Errors
/// When it cannot be listed.
pub fn usage(dir: &Path) -> io::Result<(u64, u64)> {
    folder::weigh(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_lies_on_the_disk_above() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        let (here, there) = (space(dir.path()).unwrap(), space(&below).unwrap());
        assert_eq!(here.total_bytes, there.total_bytes);
        assert!(here.free_bytes <= here.total_bytes);
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(space(&dir.path().join("file/x")).is_err());
    }

    #[test]
    fn what_lies_in_a_cache_is_weighed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(usage(dir.path()).unwrap(), (0, 0));
        let shard = dir.path().join("blobs/0a");
        std::fs::create_dir_all(&shard).unwrap();
        std::fs::write(shard.join("x"), [0; 7]).unwrap();
        std::fs::write(shard.join("y"), [0; 3]).unwrap();
        assert_eq!(usage(dir.path()).unwrap(), (10, 2));
    }
}
