//! `mount.gphotosfs`: what mount(8) runs for `mount -t gphotosfs`, for fstab, and for systemd's mount and automount units.
//!
//! It is this program called by another name. It turns mount(8)'s words into a command line of `gphotosfs mount`, so
//! that there is one meaning of every setting, and gives mount(8)'s exit codes.
//!
//! As root it takes nothing from whoever happens to call it: state, cache and configuration are the system's, whatever
//! HOME and the environment say. Otherwise `sudo mount -a` would show another library than the boot did.
//!
//! A user may mount what fstab marks with `user`: mount(8) then runs this as that user, and all is as with
//! `gphotosfs mount`, whose fusermount3 must be there.

use super::{Cli, Command, tell};
use crate::config::Places;
use crate::fs::options::{self, Options};
use crate::fs::{check, daemon, mount, mounts, privilege};
use anyhow::{Context, bail};
use clap::Parser;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// By these names mount(8) calls the helper of `gphotosfs` and of `fuse.gphotosfs`, as the kernel calls the same.
const NAMES: [&str; 2] = ["mount.gphotosfs", "mount.fuse.gphotosfs"];

/// Sources that are no path: the library of the configuration.
const CONFIGURED: [&str; 3] = ["library", "gphotosfs", "none"];

/// mount(8)'s exit codes.
const USAGE: u8 = 1;
const SYSTEM: u8 = 2;
const INTERRUPTED: u8 = 8;
const FAILED: u8 = 32;

const ABOUT: &str = "Mounts a Google Photos library for mount(8), fstab and systemd.";

const AFTER: &str = "Options (-o), besides those of FUSE that `gphotosfs mount --help` lists:
  links=symlink               as --links
  include=trash+locked        as --include
  sidecars=xmp                as --sidecars
  xattrs                      as --xattrs
  names=windows               as --names
  name_max=143                as --name-max
  accept_incomplete=STAMP     as --accept-incomplete; several with + between
  as_of=STAMP                 as --as-of
  state_dir=DIR               instead of /var/lib/gphotosfs
  cache_dir=DIR               instead of /var/cache/gphotosfs
  config=FILE                 instead of /etc/gphotosfs/config.toml

Example, a line of fstab:
  /srv/takeout  /mnt/photos  gphotosfs  ro,allow_other,nofail  0  0

Exit codes are those of mount(8): 0 done, 1 wrong options, 2 the system lacks something, 8 interrupted,
32 not mounted.";

/// What stands behind an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// One value.
    One,
    /// None.
    Nothing,
    /// One or more, with `+` between: a comma would end the option.
    Several,
}

/// Our own options, and the flags of `gphotosfs mount` for which they stand.
const OURS: &[(&str, &str, Takes)] = &[
    ("links", "--links", Takes::One),
    ("include", "--include", Takes::Several),
    ("sidecars", "--sidecars", Takes::One),
    ("xattrs", "--xattrs", Takes::Nothing),
    ("names", "--names", Takes::One),
    ("name_max", "--name-max", Takes::One),
    ("accept_incomplete", "--accept-incomplete", Takes::Several),
    ("as_of", "--as-of", Takes::One),
    ("state_dir", "--state-dir", Takes::One),
    ("cache_dir", "--cache-dir", Takes::One),
    ("config", "--config", Takes::One),
];

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum Usage {
    #[error("option \"{0}\" needs a value: {0}=…")]
    NoValue(String),
    #[error("option \"{0}\" takes no value")]
    Value(String),
    #[error("what is mounted cannot be changed; unmount it and mount it anew")]
    Remount,
    #[error(transparent)]
    Option(#[from] options::Error),
    #[error("{0}")]
    Flags(String),
}

#[derive(Debug, Parser)]
#[command(name = NAMES[0], version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
pub(super) struct Helper {
    /// An archive, a folder with the parts of exports, or an unpacked Takeout; `library` for that of the configuration
    #[arg(value_name = "SOURCE")]
    source: OsString,
    /// An empty directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Mount options
    #[arg(short = 'o', value_name = "OPTIONS")]
    options: Vec<String>,
    /// Leave out options that are not known, instead of refusing them
    #[arg(short)]
    sloppy: bool,
    /// Check the command line, and mount nothing
    #[arg(short)]
    fake: bool,
    /// Taken and ignored: there is no /etc/mtab to write
    #[arg(short)]
    no_mtab: bool,
    /// Log more
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    /// The mount namespace, its path or a process in it, that has source, state and mountpoint
    #[arg(short = 'N', value_name = "NAMESPACE")]
    namespace: Option<PathBuf>,
    /// Taken and ignored: there is one type
    #[arg(short = 't', value_name = "TYPE")]
    fstype: Option<String>,
}

/// Whether this process was called as the helper.
pub(super) fn is_called() -> bool {
    let called = std::env::args_os().next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_name);
    name.is_some_and(|name| NAMES.iter().any(|known| name == *known))
}

/// Runs the command line of this process.
pub(super) fn run() -> ExitCode {
    let helper = match Helper::try_parse() {
        Ok(helper) => helper,
        Err(error) => {
            // Where even that cannot be written there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match helper.mount() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{}: {}", NAMES[0], super::text_of(&error)));
            ExitCode::from(code(&error))
        }
    }
}

/// mount(8)'s number for an error.
fn code(error: &anyhow::Error) -> u8 {
    let system = |cause: &(dyn std::error::Error + 'static)| {
        let check = |error: &check::Error| {
            use check::Error as E;
            matches!(error, E::NoDevice(_) | E::DeviceDenied(_) | E::Helper(_))
        };
        cause.downcast_ref().is_some_and(check)
            || matches!(cause.downcast_ref(), Some(mounts::Error::Table(_)))
            || matches!(
                cause.downcast_ref(),
                Some(mount::Error::NotPrivileged { .. })
            )
            || matches!(cause.downcast_ref(), Some(daemon::Error::Start(_)))
    };
    if error.is::<Usage>() {
        USAGE
    } else if error.chain().any(system) {
        SYSTEM
    } else {
        FAILED
    }
}

impl Helper {
    fn mount(&self) -> anyhow::Result<()> {
        daemon::end_when_interrupted(INTERRUPTED)?;
        let line = self.line(privilege::is_root())?;
        let parsed = Cli::try_parse_from(line).map_err(|error| Usage::Flags(error.to_string()))?;
        let Command::Mount(mut mount) = parsed.command else {
            bail!("the helper can only mount");
        };
        if self.fake {
            return Ok(());
        }
        if let Some(namespace) = &self.namespace {
            privilege::enter(namespace).with_context(|| {
                format!(
                    "failed to enter the mount namespace {}",
                    namespace.display()
                )
            })?;
        }
        mount.called_by_mount(&self.source.to_string_lossy());
        mount.run(&parsed.common).map(|_| ())
    }

    /// The command line of `gphotosfs` that does the same.
    fn line(&self, root: bool) -> Result<Vec<OsString>, Usage> {
        let mut line: Vec<OsString> = vec!["gphotosfs".into(), "mount".into()];
        let mut theirs = Vec::new();
        for option in self.options.iter().flat_map(|list| list.split(',')) {
            let option = option.trim();
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if let Some((_, flag, takes)) = OURS.iter().find(|ours| ours.0 == name) {
                match takes {
                    Takes::Nothing if option == name => line.push((*flag).into()),
                    Takes::Nothing => return Err(Usage::Value(name.into())),
                    _ if value.is_empty() => return Err(Usage::NoValue(name.into())),
                    Takes::One => line.push(format!("{flag}={value}").into()),
                    Takes::Several => {
                        let each = value.split('+').map(|one| format!("{flag}={one}").into());
                        line.extend(each);
                    }
                }
                continue;
            }
            match (name, Options::parse(&[option])) {
                ("remount", _) => return Err(Usage::Remount),
                // mount(8) says it by itself when nothing was said.
                ("rw", _) => tell("note: the filesystem is read-only, and is mounted so"),
                (_, Err(options::Error::Unknown(_))) if self.sloppy => {
                    tell(&format!("unknown option \"{option}\" is left out"));
                }
                (_, parsed) => {
                    parsed?;
                    theirs.push(option);
                }
            }
        }
        self.places(root, &mut line);
        line.push(format!("-o={}", theirs.join(",")).into());
        line.extend((0..self.verbose).map(|_| "-v".into()));
        if !self.is_configured() {
            line.extend(["--takeout".into(), self.source.clone()]);
        }
        line.extend(["--".into(), self.dir.clone().into_os_string()]);
        Ok(line)
    }

    fn is_configured(&self) -> bool {
        CONFIGURED.iter().any(|name| self.source == *name)
    }

    /// Adds root's places where no option names others.
    fn places(&self, root: bool, line: &mut Vec<OsString>) {
        if !root {
            return;
        }
        // Without a configuration the defaults count, and not those that lie in some home directory.
        let system = Places::system();
        let config = if self.is_configured() || system.config.exists() {
            system.config
        } else {
            "/dev/null".into()
        };
        for (flag, place) in [
            ("--state-dir", system.state),
            ("--cache-dir", system.cache),
            ("--config", config),
        ] {
            let given = |word: &OsString| word.to_string_lossy().starts_with(&format!("{flag}="));
            if !line.iter().any(given) {
                line.push(format!("{flag}={}", place.display()).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(words: &str) -> Helper {
        let words = std::iter::once("mount.gphotosfs").chain(words.split(' '));
        Helper::try_parse_from(words).unwrap()
    }

    fn line(words: &str, root: bool) -> String {
        let line = helper(words).line(root).unwrap();
        let line: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
        line.join(" ")
    }

    #[test]
    fn what_mount_says_becomes_a_command_line() {
        assert_eq!(
            line(
                "/srv/t /mnt/p -n -o rw,allow_other,_netdev,x-systemd.automount",
                false
            ),
            "gphotosfs mount -o=allow_other,_netdev,x-systemd.automount --takeout /srv/t -- /mnt/p"
        );
        assert_eq!(
            line(
                "/srv/t /mnt/p -o ro,links=symlink,include=trash+locked -v -o umask=022",
                false
            ),
            "gphotosfs mount --links=symlink --include=trash --include=locked -o=ro,umask=022 -v \
             --takeout /srv/t -- /mnt/p"
        );
        for source in CONFIGURED {
            let line = line(&format!("{source} /mnt/p"), true);
            assert!(!line.contains("--takeout"), "{line}");
            assert!(
                line.contains("--config=/etc/gphotosfs/config.toml"),
                "{line}"
            );
        }
        let sloppy = line("/srv/t /mnt/p -s -o ro,no_such_thing", false);
        assert_eq!(sloppy, "gphotosfs mount -o=ro --takeout /srv/t -- /mnt/p");
    }

    #[test]
    fn the_places_of_root_are_the_systems_unless_named() {
        let all = line("/srv/t /mnt/p", true);
        assert!(all.contains("--state-dir=/var/lib/gphotosfs --cache-dir=/var/cache/gphotosfs"));
        let named = line("/srv/t /mnt/p -o state_dir=/s,config=/c.toml", true);
        assert!(named.contains("--state-dir=/s --config=/c.toml --cache-dir=/var/cache/gphotosfs"));
        assert!(
            !named.contains("/var/lib") && !named.contains("/etc"),
            "{named}"
        );
    }

    #[test]
    fn every_line_is_understood_by_the_command() {
        for (name, _, takes) in OURS {
            let value = match (*name, takes) {
                ("links", _) => "symlink",
                ("include", _) => "trash+locked",
                ("sidecars", _) => "xmp",
                ("names", _) => "windows",
                ("name_max", _) => "143",
                (_, Takes::Nothing) => "",
                (_, Takes::Several) => "a+b",
                (_, Takes::One) => "/x",
            };
            let (equals, told) = match takes {
                Takes::Nothing => ("", format!("  {name} ")),
                Takes::One | Takes::Several => ("=", format!("  {name}=")),
            };
            let line = helper(&format!("/srv/t /mnt/p -o {name}{equals}{value}")).line(true);
            super::super::understand(line.unwrap()).unwrap();
            assert!(AFTER.contains(&told), "{name} is not explained");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_mounts_number() {
        for words in [
            "remount",
            "ro,remount",
            "links",
            "state_dir=",
            "xattrs=1",
            "suid",
            "no_such_thing",
        ] {
            let usage = helper(&format!("/srv/t /mnt/p -o {words}")).line(true);
            assert_eq!(code(&usage.unwrap_err().into()), USAGE, "{words}");
        }
        let no_device = check::Error::NoDevice(std::io::ErrorKind::NotFound.into());
        assert_eq!(code(&anyhow::Error::from(no_device).context("x")), SYSTEM);
        let no_dir = check::Error::NoMountpoint("/x".into());
        assert_eq!(code(&no_dir.into()), FAILED);
    }
}
