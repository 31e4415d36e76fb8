//! Mount options: what stands behind `-o`, on a command line or in fstab.
//!
//! Everything is known or refused: an option that is silently dropped is a promise broken later. What fstab carries
//! for mount(8) and systemd is accepted and ignored.

use nix::unistd::{getegid, geteuid};

/// To whom entries seem to belong, and which mode bits they lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bits taken from 0644 and 0755.
    pub umask: u16,
}

/// Who besides the owner of the mount may look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Nobody, not even root: FUSE's default.
    #[default]
    Owner,
    /// Root. The root directory then has mode 0700, which is how the kernel keeps all others out.
    Root,
    /// Everybody, as far as the modes let them.
    All,
}

/// The options of one mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Owner and modes.
    pub owner: Owner,
    /// Who may look.
    pub access: Access,
    /// No program may be run from the mount.
    pub noexec: bool,
    /// Access times are not kept; they are not anyway, but the mount then shows it.
    pub noatime: bool,
}

/// An option that cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Asked for writing.
    #[error(
        "option \"{0}\": the filesystem is read-only and cannot be mounted for writing; say \"ro\", or leave it out (in fstab, \"defaults\" alone means \"rw\": write \"ro\" there)"
    )]
    ReadOnly(String),
    /// Asked for what a mount of foreign files must not have.
    #[error(
        "option \"{0}\": device files and set-user-id programs are never honoured here; leave it out"
    )]
    Unsafe(String),
    /// Not a number of the kind it must be.
    #[error("option \"{option}\": \"{value}\" is not {wanted}")]
    Value {
        /// Its name.
        option: String,
        /// What stood behind the equals sign.
        value: String,
        /// What must stand there.
        wanted: &'static str,
    },
    /// Nothing by that name.
    #[error("unknown option \"{0}\"; known are: {KNOWN}")]
    Unknown(String),
}

/// What the message about an unknown option lists.
const KNOWN: &str = "ro, allow_other, allow_root, umask=OCTAL, uid=NUMBER, gid=NUMBER, noatime, nodev, nosuid, noexec, exec \
                     (and from fstab, ignored: defaults, auto, noauto, user, users, nouser, owner, group, nofail, async, \
                     _netdev, x-*, comment=)";

impl Default for Options {
    /// Owned by the caller, seen by the caller alone.
    fn default() -> Self {
        Options {
            owner: Owner {
                uid: geteuid().as_raw(),
                gid: getegid().as_raw(),
                umask: 0,
            },
            access: Access::Owner,
            noexec: false,
            noatime: false,
        }
    }
}

impl Options {
    /// Reads the lists behind each `-o`; of two that disagree the later one counts.
    pub fn parse<S: AsRef<str>>(lists: &[S]) -> Result<Options, Error> {
        let mut options = Options::default();
        for list in lists {
            for option in list.as_ref().split(',').map(str::trim) {
                options.set(option)?;
            }
        }
        Ok(options)
    }

    fn set(&mut self, option: &str) -> Result<(), Error> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "" | "ro" | "nodev" | "nosuid" => {}
            "rw" => return Err(Error::ReadOnly(option.into())),
            "dev" | "suid" => return Err(Error::Unsafe(option.into())),
            "allow_other" => self.access = Access::All,
            "allow_root" => self.access = Access::Root,
            "umask" => {
                let bits = u16::from_str_radix(value, 8)
                    .ok()
                    .filter(|bits| *bits <= 0o777);
                self.owner.umask =
                    bits.ok_or_else(|| bad(name, value, "an octal number up to 777"))?;
            }
            "uid" => self.owner.uid = number(name, value)?,
            "gid" => self.owner.gid = number(name, value)?,
            "noatime" => self.noatime = true,
            "atime" | "relatime" => self.noatime = false,
            "noexec" => self.noexec = true,
            "exec" => self.noexec = false,
            "defaults" | "auto" | "noauto" | "user" | "users" | "nouser" | "owner" | "group"
            | "nofail" | "async" | "_netdev" | "comment" => {}
            name if name.starts_with("x-") || name.starts_with("X-") => {}
            _ => return Err(Error::Unknown(option.into())),
        }
        Ok(())
    }
}

fn number(option: &str, value: &str) -> Result<u32, Error> {
    // 2^32 - 1 means "no user" to the kernel.
    let number = value.parse().ok().filter(|id| *id != u32::MAX);
    number.ok_or_else(|| bad(option, value, "a number, as `id` shows it"))
}

fn bad(option: &str, value: &str, wanted: &'static str) -> Error {
    Error::Value {
        option: option.into(),
        value: value.into(),
        wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_options() {
        let parse = |list: &str| Options::parse(&[list]);
        let plain = Options::default();
        for noise in [
            "",
            "ro",
            "defaults",
            "auto,noauto",
            "user,nofail,_netdev",
            "x-systemd.automount",
            "comment=my, photos".split(',').next().unwrap(),
            "nodev,nosuid",
            "user=ada",
            "X-mount.mkdir=0700",
        ] {
            assert_eq!(parse(noise), Ok(plain.clone()), "{noise}");
        }
        assert_eq!(parse("allow_other").unwrap().access, Access::All);
        assert_eq!(parse("allow_root").unwrap().access, Access::Root);
        assert_eq!(parse("umask=022").unwrap().owner.umask, 0o022);
        let owner = parse("uid=12,gid=34").unwrap().owner;
        assert_eq!((owner.uid, owner.gid), (12, 34));
        assert!(parse("noatime").unwrap().noatime && parse("noexec").unwrap().noexec);
        assert!(!parse("noexec,exec").unwrap().noexec);
        let lists = Options::parse(&["ro,noexec", "umask=077"]).unwrap();
        assert!(lists.noexec && lists.owner.umask == 0o077);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let refuse = |list: &str| Options::parse(&[list]).unwrap_err().to_string();
        assert!(refuse("ro,rw").contains("read-only"));
        assert!(refuse("suid").contains("never honoured"));
        assert!(refuse("umask=9").contains("octal"));
        assert!(refuse("umask=7777").contains("octal"));
        assert!(refuse("umask").contains("octal"));
        assert!(refuse("uid=ada").contains("number"));
        assert!(refuse("gid=4294967295").contains("number"));
        let unknown = refuse("ro,alow_other");
        assert!(unknown.contains("\"alow_other\"") && unknown.contains("allow_other, allow_root"));
    }
}
