//! What is mounted where, as the kernel's table tells, and how to take a mount of ours away.
//!
//! The table is the only witness: a mount whose server died cannot be asked, and `stat` on it fails or, worse, is
//! answered from the kernel's memory. The source of each of our mounts names its state directory, so that every
//! other command finds it from the mountpoint alone; where mount(8) wants another source, the [`registry`] does.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use super::{helper, registry};

/// Type of our mounts in the kernel's table.
pub const FSTYPE: &str = "fuse.gphotosfs";

/// How long a server may take to answer one small question before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// One line of the kernel's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Where.
    pub mountpoint: PathBuf,
    /// What kind, such as `fuse.gphotosfs`.
    pub fstype: String,
    /// What it calls itself.
    pub source: OsString,
    /// The device number, `major:minor`, which no other live mount has (bind mounts of it do).
    pub device: String,
    id: u64,
    parent: u64,
}

/// How a mount answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Live,
    /// Its server is gone.
    Dead,
    /// No answer within two seconds; perhaps its server is stopped.
    Silent,
}

/// How an unmount went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmounted {
    /// Nobody used it; its server ends at once.
    Cleanly,
    /// Programs still have files open there; they keep them, and the server ends when they close the last one.
    InUse,
    /// Its server was gone already.
    WasDead,
}

/// Why a mount could not be found or taken away.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel's table cannot be read.
    #[error("failed to read /proc/self/mountinfo, which lists the mounts; is /proc mounted?")]
    Table(#[source] io::Error),
    /// No such directory.
    #[error("no mountpoint {path}", path = .path.display())]
    NoSuchPath {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing of ours is mounted there.
    #[error("{path} is not a gphotosfs mount{hint}", path = .path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// What stands there instead, or where the mount is.
        hint: String,
    },
    /// The kernel refused.
    #[error("failed to unmount {path}", path = .path.display())]
    Refused {
        /// The mountpoint.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A user needs the setuid helper for it.
    #[error("failed to unmount {path}", path = .path.display())]
    Helper {
        /// The mountpoint.
        path: PathBuf,
        /// What the helper said.
        source: helper::Error,
    },
}

/// All mounts of this mount namespace.
pub fn all() -> Result<Vec<MountEntry>, Error> {
    let table = std::fs::read("/proc/self/mountinfo").map_err(Error::Table)?;
    Ok(parse(&table))
}

/// All mounts of gphotosfs, live and dead.
pub fn gphotosfs() -> Result<Vec<MountEntry>, Error> {
    let mut mounts = all()?;
    mounts.retain(|mount| mount.fstype == FSTYPE);
    Ok(mounts)
}

/// The mount at `mountpoint`, if that is a mountpoint; the topmost where several cover each other.
pub fn at(mountpoint: &Path) -> Result<Option<MountEntry>, Error> {
    let mountpoint = resolve(mountpoint)?;
    Ok(topmost(all()?, &mountpoint))
}

/// The mount that holds `path`.
pub fn holding(path: &Path) -> Result<Option<MountEntry>, Error> {
    let path = resolve(path)?;
    let mounts = all()?;
    let above = path.ancestors();
    Ok(above
        .into_iter()
        .find_map(|dir| topmost(mounts.clone(), dir)))
}

fn topmost(mounts: Vec<MountEntry>, mountpoint: &Path) -> Option<MountEntry> {
    let here: Vec<_> = mounts
        .into_iter()
        .filter(|mount| mount.mountpoint == mountpoint)
        .collect();
    let covered = |mount: &MountEntry| {
        here.iter()
            .any(|other| other.parent == mount.id && other.id != mount.id)
    };
    here.iter().rev().find(|mount| !covered(mount)).cloned()
}

/// Fields as in proc(5): id, parent, device, root, mountpoint, options, optional fields, "-", type, source, options.
fn parse(table: &[u8]) -> Vec<MountEntry> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse().ok();
        let id = number(fields.next()?)?;
        let parent = number(fields.next()?)?;
        let device = String::from_utf8_lossy(fields.next()?).into_owned();
        let mountpoint = unescape(fields.nth(1)?);
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let fstype = unescape(fields.next()?).to_string_lossy().into_owned();
        let source = unescape(fields.next()?);
        Some(MountEntry {
            mountpoint: mountpoint.into(),
            fstype,
            source,
            device,
            id,
            parent,
        })
    };
    table
        .split(|byte| *byte == b'\n')
        .filter_map(line)
        .collect()
}

/// The kernel writes blanks, tabs, newlines, backslashes and hashes as `\` and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| {
                let digits = std::str::from_utf8(digits).ok()?;
                u8::from_str_radix(digits, 8).ok()
            });
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    OsString::from_vec(bytes)
}

/// The source of a mount whose state lies in `state_dir`.
///
/// Percent-encoded down to what no parser of mount options or mount tables takes for its own.
pub fn encode_source(state_dir: &Path) -> String {
    let mut source = String::from("gphotosfs#");
    for byte in state_dir.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                source.push(char::from(*byte));
            }
            byte => source.push_str(&format!("%{byte:02X}")),
        }
    }
    source
}

/// The state directory that a source names; `None` if it is not one of ours.
pub fn decode_source(source: &OsStr) -> Option<PathBuf> {
    let mut rest = source.as_bytes().strip_prefix(b"gphotosfs#")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            path.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            path.push(*first);
            rest = tail;
        }
    }
    Some(OsString::from_vec(path).into())
}

impl MountEntry {
    /// Where the state of this mount lies, if it is one of ours and that is known.
    pub fn state_dir(&self) -> Option<PathBuf> {
        if self.fstype != FSTYPE {
            return None;
        }
        let named = || registry::find(&self.device, self.source.to_str()?);
        decode_source(&self.source).or_else(named)
    }

    /// Asks the mount itself.
    ///
    /// By `statfs`, the one question that the kernel never answers from memory, and from a thread of its own, since
    /// a server that is stopped answers nothing at all.
    pub fn health(&self) -> Health {
        let (tell, told) = mpsc::channel();
        let mountpoint = self.mountpoint.clone();
        std::thread::spawn(move || {
            // Nobody listens any more once the time is over; there is nothing to do about it.
            let _ = tell.send(nix::sys::statfs::statfs(&mountpoint).err());
        });
        match told.recv_timeout(PATIENCE) {
            Ok(Some(Errno::ENOTCONN | Errno::ECONNABORTED)) => Health::Dead,
            // Another error (such as EACCES to a stranger) is an answer too.
            Ok(_) => Health::Live,
            Err(_) => Health::Silent,
        }
    }
}

/// The absolute path without links.
///
/// What is mounted at its end is not asked: a dead mount cannot answer, and one whose server is stopped never will.
/// Whether the last name is a link the kernel tells by itself.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::NoSuchPath {
        path: path.into(),
        source,
    };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return absolute.canonicalize().map_err(failed);
    };
    let plain = parent.canonicalize().map_err(failed)?.join(name);
    match std::fs::read_link(&plain) {
        Ok(_) => plain.canonicalize().map_err(failed),
        Err(error) => match error.kind() {
            io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
            | io::ErrorKind::ConnectionAborted => Ok(plain),
            _ => Err(failed(error)),
        },
    }
}

/// Takes the gphotosfs mount at `mountpoint` away; afterwards the path is no mountpoint of ours any more.
///
/// A mount in use is detached: its path is free at once, and programs that have files open there keep them. The
/// server ends when nobody uses the mount any more; who has to know waits for its [`super::lock`].
pub fn unmount(mountpoint: &Path) -> Result<Unmounted, Error> {
    let path = resolve(mountpoint)?;
    let Some(mut mount) = topmost(all()?, &path) else {
        let hint = match holding(&path)?.filter(|mount| mount.fstype == FSTYPE) {
            Some(mount) => format!("; it lies in the one at {}", mount.mountpoint.display()),
            None => String::new(),
        };
        return Err(Error::NotOurs { path, hint });
    };
    let mut outcome = None;
    while mount.fstype == FSTYPE {
        let dead = mount.health() == Health::Dead;
        let in_use = take_away(&path)?;
        outcome = outcome.or(Some(match (dead, in_use) {
            (true, _) => Unmounted::WasDead,
            (false, true) => Unmounted::InUse,
            (false, false) => Unmounted::Cleanly,
        }));
        match topmost(all()?, &path) {
            Some(next) => mount = next,
            None => break,
        }
    }
    outcome.ok_or_else(|| Error::NotOurs {
        path,
        hint: format!(": a filesystem of type {} is mounted there", mount.fstype),
    })
}

/// One unmount; `true` if the mount was in use and had to be detached.
fn take_away(path: &Path) -> Result<bool, Error> {
    match umount2(path, MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) => Ok(false),
        Err(Errno::EBUSY) => detach(path).map(|()| true),
        // Not root: the helper does it, if the mount is the user's own.
        Err(Errno::EPERM) => match helper::unmount(path, false) {
            Ok(()) => Ok(false),
            Err(_) => detach(path).map(|()| true),
        },
        Err(errno) => refused(path, errno),
    }
}

/// Frees the path at once, in use or not.
pub(super) fn detach(path: &Path) -> Result<(), Error> {
    match umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) => Ok(()),
        Err(Errno::EPERM) => helper::unmount(path, true).map_err(|source| Error::Helper {
            path: path.into(),
            source,
        }),
        Err(errno) => refused(path, errno),
    }
}

fn refused<T>(path: &Path, errno: Errno) -> Result<T, Error> {
    Err(Error::Refused {
        path: path.into(),
        source: errno.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        40 22 0:52 / /mnt/my\\040photos\\134x\\011y ro,nosuid,nodev shared:7 master:2 - fuse.gphotosfs gphotosfs\\043/var/lib/a%20b ro,user_id=0\n\
        41 22 0:53 / /mnt/a rw - tmpfs tmpfs rw\n\
        42 41 0:54 / /mnt/a rw - fuse.gphotosfs gphotosfs#/s rw\n\
        broken line\n";

    #[test]
    fn mountinfo_with_octal_escapes() {
        let mounts = parse(TABLE);
        assert_eq!(mounts.len(), 4);
        assert_eq!(mounts[1].mountpoint, Path::new("/mnt/my photos\\x\ty"));
        assert_eq!(mounts[1].fstype, FSTYPE);
        assert_eq!(mounts[1].device, "0:52");
        assert_eq!(mounts[1].state_dir(), Some("/var/lib/a b".into()));
        assert_eq!(mounts[2].state_dir(), None);
        assert_eq!(unescape(b"a\\04"), "a\\04");
        assert_eq!(unescape(b"\\9990"), "\\9990");
    }

    #[test]
    fn the_topmost_of_covered_mounts() {
        let mut mounts = parse(TABLE);
        assert_eq!(
            topmost(mounts.clone(), Path::new("/mnt/a")).unwrap().fstype,
            FSTYPE
        );
        mounts.reverse();
        assert_eq!(
            topmost(mounts.clone(), Path::new("/mnt/a")).unwrap().fstype,
            FSTYPE
        );
        assert_eq!(topmost(mounts, Path::new("/mnt")), None);
    }

    #[test]
    fn a_source_names_its_state_directory() {
        for path in [
            "/",
            "/var/lib/gphotosfs",
            "/home/ada/my photos, all#1\n\\/%41",
            "/home/\u{e9}",
        ] {
            let source = encode_source(Path::new(path));
            assert!(
                source
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b'\\')
            );
            assert_eq!(decode_source(OsStr::new(&source)), Some(path.into()));
        }
        let odd = Path::new(OsStr::from_bytes(b"/\xff\x80"));
        assert_eq!(
            decode_source(OsStr::new(&encode_source(odd))),
            Some(odd.into())
        );
        assert_eq!(decode_source(OsStr::new("sshfs#/x")), None);
        assert_eq!(decode_source(OsStr::new("gphotosfs#/x%4")), None);
    }

    #[test]
    fn paths_are_resolved_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("real")).unwrap();
        std::os::unix::fs::symlink("real", dir.join("link")).unwrap();
        for name in ["real", "link", "real/", "link/../real/.", "link/"] {
            assert_eq!(
                resolve(&dir.join(name)).unwrap(),
                dir.join("real"),
                "{name}"
            );
        }
        assert_eq!(resolve(Path::new("/")).unwrap(), Path::new("/"));
        assert_eq!(resolve(&dir.join("real/..")).unwrap(), dir);
        assert!(matches!(
            resolve(&dir.join("none")),
            Err(Error::NoSuchPath { .. })
        ));
    }

    #[test]
    fn what_is_no_mount_of_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(unmount(dir.path()), Err(Error::NotOurs { .. })));
        assert!(matches!(
            unmount(&dir.path().join("nothing")),
            Err(Error::NoSuchPath { .. })
        ));
        let proc = unmount(Path::new("/proc")).unwrap_err().to_string();
        assert!(proc.contains("type proc"), "{proc}");
        assert_eq!(
            holding(Path::new("/proc/self/status"))
                .unwrap()
                .unwrap()
                .fstype,
            "proc"
        );
    }
}
