//! What must be true before a mount, each with a message that says what is wrong, where, and what to do.
//!
//! That a mount is dead cannot be seen by looking: after its server was killed, `ls` and `stat` go on being answered from
//! the kernel's memory. So it is asked what the kernel does not remember, see [`mounts::MountEntry::health`].
//!
//! The checks change nothing but one thing: a mount of ours whose server died is detached, since it can never serve
//! again and stands in the way of the one that can.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::options::{Access, Options};
use super::{helper, mounts};
use mounts::{FSTYPE, Health};

/// The door to the kernel.
pub(super) const DEVICE: &str = "/dev/fuse";

/// Where the system says whether users may show their mounts to others.
pub(super) const CONF: &str = "/etc/fuse.conf";

/// What stands in the way of a mount.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No mountpoint.
    #[error("no directory {path} to mount on; make it with `mkdir -p {path}`", path = .0.display())]
    NoMountpoint(PathBuf),
    /// The mountpoint cannot be looked at.
    #[error("failed to look at the mountpoint {path}", path = .path.display())]
    Mountpoint {
        /// The mountpoint.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The mountpoint is a file.
    #[error("the mountpoint {path} is not a directory; choose an empty directory", path = .0.display())]
    NotADirectory(PathBuf),
    /// Something would be hidden by the mount.
    #[error("the mountpoint {path} is not empty, it holds {entry:?}, which the mount would hide; choose an empty directory", path = .path.display())]
    NotEmpty {
        /// The mountpoint.
        path: PathBuf,
        /// One of its entries.
        entry: String,
    },
    /// Mounted already.
    #[error("a gphotosfs is mounted on {path} already; `gphotosfs unmount {path}` takes it away", path = .0.display())]
    AlreadyMounted(PathBuf),
    /// Mounted, but its server does not answer.
    #[error("the gphotosfs mounted on {path} does not answer; perhaps its server is stopped. `gphotosfs unmount {path}` takes it away", path = .0.display())]
    Silent(PathBuf),
    /// A dead mount of something else.
    #[error("{path} is a dead mount of type {fstype} (\"transport endpoint is not connected\"); take it away with `fusermount3 -uz {path}`, or as root `umount -l {path}`", path = .path.display())]
    DeadOther {
        /// The mountpoint.
        path: PathBuf,
        /// Type of what is mounted there.
        fstype: String,
    },
    /// A dead mount of ours could not be detached, or the table of mounts not be read.
    #[error(transparent)]
    Mounts(#[from] mounts::Error),
    /// The kernel has no FUSE, or the container does not show it.
    #[error(
        "there is no {DEVICE}; load the kernel's module with `modprobe fuse`, and start a container with `--device {DEVICE} --cap-add SYS_ADMIN`"
    )]
    NoDevice(#[source] io::Error),
    /// `/dev/fuse` may not be opened.
    #[error(
        "no permission to open {DEVICE}; a container must be started with `--device {DEVICE} --cap-add SYS_ADMIN`, and elsewhere the device must be open to you (it usually has mode 0666)"
    )]
    DeviceDenied(#[source] io::Error),
    /// A user cannot mount without the helper.
    #[error("failed to find the program that mounts for those who are not root")]
    Helper(#[source] helper::Error),
    /// Users may not show their mounts to others here.
    #[error(
        "only root may use {option} here; add a line `user_allow_other` to {CONF}, or mount without it"
    )]
    UserAllowOther {
        /// `allow_other` or `allow_root`.
        option: &'static str,
    },
}

/// Checks everything; returns the mountpoint without links.
pub fn ready(mountpoint: &Path, options: &Options) -> Result<PathBuf, Error> {
    device()?;
    if !geteuid().is_root() {
        helper::find().map_err(Error::Helper)?;
        others(options.access, || fs::read_to_string(CONF))?;
    }
    empty_directory(mountpoint)
}

/// The helper, too, opens the device with the rights of the user.
pub(super) fn device() -> Result<(), Error> {
    let opened = OpenOptions::new().read(true).write(true).open(DEVICE);
    match opened {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::DeviceDenied(error))
        }
        // ENOENT without the device file, ENODEV or ENXIO without the module behind it.
        Err(error) => Err(Error::NoDevice(error)),
    }
}

/// The helper's own rule, told before it refuses with fewer words.
pub(super) fn others(
    access: Access,
    conf: impl FnOnce() -> io::Result<String>,
) -> Result<(), Error> {
    let option = match access {
        Access::Owner => return Ok(()),
        Access::Root => "allow_root",
        Access::All => "allow_other",
    };
    // Without the file the answer is no, as with one that cannot be read.
    let conf = conf().unwrap_or_default();
    if conf.lines().any(|line| line.trim() == "user_allow_other") {
        Ok(())
    } else {
        Err(Error::UserAllowOther { option })
    }
}

fn empty_directory(mountpoint: &Path) -> Result<PathBuf, Error> {
    let path = match mounts::resolve(mountpoint) {
        Ok(path) => path,
        Err(mounts::Error::NoSuchPath { source, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            return Err(Error::NoMountpoint(mountpoint.into()));
        }
        Err(error) => return Err(error.into()),
    };
    clear_dead(&path)?;
    let failed = |source| Error::Mountpoint {
        path: path.clone(),
        source,
    };
    if !fs::metadata(&path).map_err(failed)?.is_dir() {
        return Err(Error::NotADirectory(path));
    }
    let first = fs::read_dir(&path).map_err(failed)?.next();
    if let Some(entry) = first.transpose().map_err(failed)? {
        let entry = entry.file_name().to_string_lossy().into_owned();
        return Err(Error::NotEmpty { path, entry });
    }
    Ok(path)
}

/// Detaches dead mounts of ours, however many lie upon each other; refuses live ones and dead ones of others.
fn clear_dead(path: &Path) -> Result<(), Error> {
    while let Some(mount) = mounts::at(path)? {
        let ours = mount.fstype == FSTYPE;
        if !ours && !mount.fstype.starts_with("fuse") {
            return Ok(());
        }
        match (mount.health(), ours) {
            (Health::Dead, true) => {
                tracing::warn!(
                    "{} was a dead mount of gphotosfs; it is taken away",
                    path.display()
                );
                mounts::detach(path)?;
            }
            (Health::Dead, false) => {
                return Err(Error::DeadOther {
                    path: path.into(),
                    fstype: mount.fstype,
                });
            }
            (Health::Live, true) => return Err(Error::AlreadyMounted(path.into())),
            (Health::Silent, true) => return Err(Error::Silent(path.into())),
            (Health::Live | Health::Silent, false) => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mountpoint_is_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        assert_eq!(empty_directory(&path).unwrap(), path);
        let missing = empty_directory(&path.join("no")).unwrap_err().to_string();
        assert!(missing.contains("mkdir -p"), "{missing}");
        fs::write(path.join("a file"), "x").unwrap();
        let full = empty_directory(&path).unwrap_err().to_string();
        assert!(full.contains("\"a file\""), "{full}");
        assert!(matches!(
            empty_directory(&path.join("a file")),
            Err(Error::NotADirectory(_))
        ));
    }

    #[test]
    fn a_user_may_show_a_mount_to_others_only_if_the_system_says_so() {
        let conf = |text: &'static str| move || Ok(text.to_owned());
        assert!(others(Access::Owner, conf("")).is_ok());
        assert!(others(Access::All, conf("# x\nuser_allow_other\n")).is_ok());
        assert!(others(Access::All, conf("#user_allow_other\n")).is_err());
        let gone = others(Access::Root, || Err(io::ErrorKind::NotFound.into()));
        assert!(gone.unwrap_err().to_string().contains("allow_root"));
    }
}
