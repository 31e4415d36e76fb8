//! Where root's mounts that bear the name of their source keep their state.
//!
//! The source of a mount usually names its state directory ([`super::mounts::encode_source`]). One that mount(8) asked
//! for must bear the source that fstab gives it instead: `mount -a` compares the two, and mounts once more what it
//! does not find. Its state directory is then told by a file below [`DIR`], named by the device number of the mount.
//!
//! Such a file may outlive its mount (`kill -9`, then `umount`), and device numbers are given anew. So it holds the
//! source as well, and is believed only about a mount that has both. Root alone can write there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

/// Gone after a reboot, as are the mounts.
const DIR: &str = "/run/gphotosfs";

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    source: String,
    state_dir: PathBuf,
}

/// A mount that is listed; taken off the list when dropped.
#[derive(Debug)]
pub(super) struct Listed {
    path: PathBuf,
    text: Vec<u8>,
}

/// Whether a mount of this process can be listed: it is root's, and the directory is there or could be made.
pub(super) fn open() -> bool {
    if !geteuid().is_root() {
        return false;
    }
    match fs::create_dir_all(DIR) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(
                "{DIR} cannot be made, so the mount does not bear its source's name: {error}"
            );
            false
        }
    }
}

/// Lists a mount.
pub(super) fn list(device: &str, source: &str, state_dir: &Path) -> io::Result<Listed> {
    list_in(Path::new(DIR), device, source, state_dir)
}

fn list_in(dir: &Path, device: &str, source: &str, state_dir: &Path) -> io::Result<Listed> {
    let entry = Entry {
        source: source.into(),
        state_dir: state_dir.into(),
    };
    let text = serde_json::to_vec(&entry)?;
    let path = dir.join(device);
    // Renamed into place, so that nobody reads half of it.
    let new = dir.join(format!("{device}.new"));
    fs::write(&new, &text)?;
    fs::rename(&new, &path)?;
    Ok(Listed { path, text })
}

/// The state directory of the mount with this device number and source, if it is listed.
pub(super) fn find(device: &str, source: &str) -> Option<PathBuf> {
    find_in(Path::new(DIR), device, source)
}

fn find_in(dir: &Path, device: &str, source: &str) -> Option<PathBuf> {
    let text = fs::read(dir.join(device)).ok()?;
    let entry: Entry = serde_json::from_slice(&text).ok()?;
    (entry.source == source).then_some(entry.state_dir)
}

impl Listed {
    /// No other mount has got the number meanwhile.
    pub(super) fn still(&self) -> bool {
        fs::read(&self.path).is_ok_and(|text| text == self.text)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if self.still()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!("{} stays: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_found_by_number_and_source_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let (a, b) = (Path::new("/var/lib/a, b"), Path::new("/var/lib/b"));
        assert_eq!(find_in(dir, "0:52", "/srv/takeout"), None);
        let first = list_in(dir, "0:52", "/srv/takeout", a).unwrap();
        assert_eq!(find_in(dir, "0:52", "/srv/takeout"), Some(a.into()));
        assert_eq!(find_in(dir, "0:52", "/srv/other"), None);
        assert_eq!(find_in(dir, "0:5", "/srv/takeout"), None);

        let second = list_in(dir, "0:52", "/srv/takeout", b).unwrap();
        drop(first);
        assert_eq!(find_in(dir, "0:52", "/srv/takeout"), Some(b.into()));
        drop(second);
        assert_eq!(find_in(dir, "0:52", "/srv/takeout"), None);
        fs::write(dir.join("0:53"), "no JSON").unwrap();
        assert_eq!(find_in(dir, "0:53", "/srv/takeout"), None);
    }
}
