//! Writing a file so that a crash at any moment leaves the old text or the new one, never half of either.
//!
//! A file that is a symbolic link is written where the link leads, and mode and owner stay as they were: people keep
//! their configuration in a repository and link to it. Folders above are made.

use super::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// More links than this one after the other are a loop.
const LINKS: usize = 40;

/// The folder that holds a file, locked against others of us who want to write there.
#[derive(Debug)]
pub(super) struct Folder {
    dir: File,
    path: PathBuf,
    file: PathBuf,
}

/// The text of a file; none where it is not there.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(Error::Read {
            path: path.into(),
            source,
        }),
    }
}

/// Writes a whole file.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    Folder::lock(path)?.replace(text)
}

impl Folder {
    /// Makes the folder, if need be, and waits until nobody else of us writes there.
    pub(super) fn lock(path: &Path) -> Result<Folder, Error> {
        let failed = |source| Error::Write {
            path: path.into(),
            source,
        };
        let lock = || {
            let file = follow(path)?;
            let above = file.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(above)?;
            let dir = File::open(above)?;
            dir.lock()?;
            Ok(Folder {
                dir,
                path: above.into(),
                file,
            })
        };
        lock().map_err(failed)
    }

    /// The text of the file; none where it is not there yet.
    pub(super) fn read(&self) -> Result<String, Error> {
        read(&self.file)
    }

    /// Puts a new text in place of the file.
    pub(super) fn replace(&self, text: &str) -> Result<(), Error> {
        self.put(text, 0o666)
    }

    /// The same; a file that is not there yet becomes one for its owner alone.
    pub(super) fn replace_private(&self, text: &str) -> Result<(), Error> {
        self.put(text, 0o600)
    }

    fn put(&self, text: &str, mode: u32) -> Result<(), Error> {
        self.write(text, mode).map_err(|source| Error::Write {
            path: self.file.clone(),
            source,
        })
    }

    fn write(&self, text: &str, mode: u32) -> io::Result<()> {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.file.file_name().unwrap_or_default());
        name.push(".new");
        // One name for all, under the lock: what a crash leaves behind is overwritten by the next.
        let new = self.path.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&new)?;
        match fs::metadata(&self.file) {
            Ok(old) => {
                let made = file.metadata()?;
                if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
                    fchown(&file, Some(old.uid()), Some(old.gid()))?;
                }
                file.set_permissions(old.permissions())?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.file)?;
        self.dir.sync_all()
    }
}

/// Where a chain of symbolic links ends, also where nothing is there yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => {
                let above = path.parent().unwrap_or(Path::new("/"));
                path = above.join(target);
            }
            // No link (EINVAL), or nothing there.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::NotFound
                ) =>
            {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_is_followed_and_the_mode_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("dotfiles/config.toml");
        let link = dir.path().join("a/b/config.toml");
        fs::create_dir_all(real.parent().unwrap()).unwrap();
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink("../../dotfiles/config.toml", &link).unwrap();
        // The link leads to nothing yet.
        replace(&link, "one").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "one");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&link, "two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "two");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
        let left: Vec<_> = fs::read_dir(real.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn folders_are_made_and_a_loop_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x/y/config.toml");
        replace(&path, "text").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        let knot = dir.path().join("knot");
        symlink("knot", &knot).unwrap();
        let error = replace(&knot, "").unwrap_err();
        assert!(error.to_string().contains("knot"), "{error}");
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let folder = Folder::lock(path).unwrap();
                    let text = folder.read().unwrap();
                    folder.replace(&format!("{text}{number}\n")).unwrap();
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 8);
    }
}
