//! What this machine offers for a mount, asked piece by piece and not at the first thing that is wrong: for `doctor`.
//!
//! Nothing here changes anything. Each answer is a fact in words, or an error that says what to do.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::check::{self, CONF, DEVICE};
use super::helper;
use super::mounts::{self, Health, MountEntry};
use super::options::{Access, Options};

/// The first kernel whose FUSE (7.22) has all that is asked for; older ones lack `readdirplus` or more.
const OLDEST: (u32, u32) = (3, 10);

/// The first kernel that can serve a file of ours by itself.
const PASSTHROUGH: (u32, u32) = (6, 9);

/// What is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel is too old.
    #[error("Linux {0} is too old; {major}.{minor} or later is needed", major = OLDEST.0, minor = OLDEST.1)]
    Kernel(String),
    /// Something that a mount checks too.
    #[error(transparent)]
    Check(#[from] check::Error),
    /// The helper is not there.
    #[error(transparent)]
    Helper(#[from] helper::Error),
    /// The helper has not the rights to mount.
    #[error(
        "{path} is not set-user-id root, so it cannot mount for you; as root run `chmod u+s {path}`, or install fuse3 again",
        path = .0.display()
    )]
    NotSetuid(PathBuf),
    /// Mounts whose server is gone, or does not answer.
    #[error("{}", sick(.0))]
    Sick(Vec<(PathBuf, Health)>),
    /// The kernel's table of mounts.
    #[error(transparent)]
    Mounts(#[from] mounts::Error),
}

fn sick(mounts: &[(PathBuf, Health)]) -> String {
    let line = |(path, health): &(PathBuf, Health)| {
        let what = match health {
            Health::Dead => "is dead",
            Health::Silent | Health::Live => "does not answer",
        };
        let path = path.display();
        format!("the mount on {path} {what}; `gphotosfs unmount {path}` takes it away")
    };
    mounts.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn release() -> String {
    // It cannot fail on Linux; an empty release is then told as too old.
    nix::sys::utsname::uname().map_or(String::new(), |name| {
        name.release().to_string_lossy().into_owned()
    })
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|sign: char| !sign.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The kernel's version.
pub fn kernel() -> Result<String, Error> {
    let release = release();
    match version(&release) {
        Some(version) if version >= OLDEST => Ok(format!("Linux {release}")),
        _ => Err(Error::Kernel(release)),
    }
}

/// Whether the door to the kernel is there and open.
pub fn device() -> Result<String, Error> {
    check::device()?;
    Ok(format!("{DEVICE} can be opened"))
}

/// Whether a user can mount.
pub fn helper() -> Result<String, Error> {
    if geteuid().is_root() {
        return Ok("not needed by root".into());
    }
    let path = helper::find()?;
    let setuid = fs::metadata(&path)
        .is_ok_and(|meta| meta.uid() == 0 && meta.permissions().mode() & 0o4000 != 0);
    if !setuid {
        return Err(Error::NotSetuid(path));
    }
    Ok(path.display().to_string())
}

/// Whether others may be let in as these options want it.
pub fn sharing(options: &Options) -> Result<String, Error> {
    if options.access == Access::Owner {
        return Ok("not asked for by the configuration".into());
    }
    if geteuid().is_root() {
        return Ok("root may".into());
    }
    check::others(options.access, || fs::read_to_string(CONF))?;
    Ok(format!("{CONF} allows it"))
}

/// Whether the kernel could serve files by itself. Nothing depends on it.
pub fn passthrough() -> String {
    let new = version(&release()).is_some_and(|version| version >= PASSTHROUGH);
    let (major, minor) = PASSTHROUGH;
    match (new, geteuid().is_root()) {
        (true, true) => "the kernel offers it; this version does not use it".into(),
        (true, false) => "the kernel offers it to root; this version does not use it".into(),
        (false, _) => format!("needs Linux {major}.{minor}; this version does not use it"),
    }
}

/// Mounts of libraries whose state lies below `state`, all of which must answer. What others have mounted is theirs.
pub fn mounted(state: &Path) -> Result<Vec<MountEntry>, Error> {
    let mut mounts = mounts::gphotosfs()?;
    mounts.retain(|mount| mount.state_dir().is_some_and(|dir| dir.starts_with(state)));
    let sick: Vec<(PathBuf, Health)> = mounts
        .iter()
        .map(|mount| (mount.mountpoint.clone(), mount.health()))
        .filter(|(_, health)| *health != Health::Live)
        .collect();
    if sick.is_empty() {
        Ok(mounts)
    } else {
        Err(Error::Sick(sick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_numbers_and_then_anything() {
        assert_eq!(version("6.18.1-amd64"), Some((6, 18)));
        assert_eq!(version("4.4.302+"), Some((4, 4)));
        assert_eq!(version("5.10-rc1"), Some((5, 10)));
        assert_eq!(version("what"), None);
        assert!(version("2.6.32") < Some(OLDEST));
        assert!(kernel().unwrap().starts_with("Linux "));
    }

    #[test]
    fn what_is_sick_is_named() {
        let dead = Error::Sick(vec![
            ("/a".into(), Health::Dead),
            ("/b".into(), Health::Silent),
        ]);
        let text = dead.to_string();
        for words in ["/a is dead", "/b does not answer", "`gphotosfs unmount /a`"] {
            assert!(text.contains(words), "{text}");
        }
    }
}
