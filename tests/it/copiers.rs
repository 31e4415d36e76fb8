//! The tools that people copy and back up with, each with a repository and a cache of its own.

use crate::exports::Shown;
use crate::kit::{Home, Mount, Ran, VIEWS, run, sha256, walk};
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Rsync,
    Tar,
    Cp,
    Restic,
    Borg,
}

/// All of them.
pub const TOOLS: [Tool; 5] = [Tool::Rsync, Tool::Tar, Tool::Cp, Tool::Restic, Tool::Borg];

/// Copies the four views of a mount and gives the directory in which they then stand. For restic and Borg this means
/// a new repository, a backup, and all of it restored.
#[track_caller]
pub fn copy(tool: Tool, home: &Home, mount: &Mount<'_>) -> PathBuf {
    let to = home.path(format!("{tool:?}"));
    fs::create_dir(&to).unwrap();
    match tool {
        Tool::Rsync => drop(rsync(mount, &to).ok()),
        Tool::Cp => drop(run(Command::new("cp").arg("-a").args(mount.views()).arg(&to)).ok()),
        Tool::Tar => {
            let script = r#"set -o pipefail; from=$1 to=$2; shift 2; tar -C "$from" -cf - "$@" | tar -C "$to" -xpf -"#;
            let mut command = Command::new("bash");
            command
                .args(["-c", script, "bash"])
                .arg(mount.point())
                .arg(&to);
            run(command.args(VIEWS)).ok();
        }
        Tool::Restic => {
            restic_init(home);
            restic_backup(home, mount).ok();
            run(restic(home)
                .args(["restore", "latest", "--target"])
                .arg(&to))
            .ok();
            return to.join(mount.point().strip_prefix("/").unwrap());
        }
        Tool::Borg => {
            borg_init(home);
            borg_create(home, mount, "one").ok();
            let archive = format!("{}::one", home.path("borg").display());
            run(borg(home).current_dir(&to).args(["extract", &archive])).ok();
            return to.join(mount.point().strip_prefix("/").unwrap());
        }
    }
    to
}

/// `rsync -aH`, with what it copies as standard output.
pub fn rsync(mount: &Mount<'_>, to: &Path) -> Ran {
    let mut command = Command::new("rsync");
    command
        .args(["-aH8", "--out-format=%n"])
        .args(mount.views());
    run(command.arg(to))
}

fn restic(home: &Home) -> Command {
    let mut command = Command::new("restic");
    command.env("RESTIC_PASSWORD", "none of your photos");
    command.env("RESTIC_REPOSITORY", home.path("restic"));
    command.env("RESTIC_CACHE_DIR", home.path("restic-cache"));
    command.env("HOME", home.path(""));
    command
}

pub fn restic_init(home: &Home) {
    run(restic(home).arg("init")).ok();
}

/// `restic backup` of the four views; its summary is the last line of standard output, as JSON.
pub fn restic_backup(home: &Home, mount: &Mount<'_>) -> Ran {
    run(restic(home).args(["backup", "--json"]).args(mount.views()))
}

fn borg(home: &Home) -> Command {
    let mut command = Command::new("borg");
    command.env("BORG_BASE_DIR", home.path("borg-base"));
    command.env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
    command.env("LC_ALL", "C.UTF-8");
    command
}

pub fn borg_init(home: &Home) {
    run(borg(home)
        .args(["init", "-e", "none"])
        .arg(home.path("borg")))
    .ok();
}

/// `borg create` of the four views, with a line for each file on standard error: `U` means unchanged and not read.
pub fn borg_create(home: &Home, mount: &Mount<'_>, name: &str) -> Ran {
    let archive = format!("{}::{name}", home.path("borg").display());
    let mut command = borg(home);
    command.args(["create", "--list", &archive]);
    run(command.args(mount.views()))
}

/// A copy has all that was shown and nothing else: every path, the bytes of the truth, times, modes, and the same hard
/// links, except where the tool has none.
#[track_caller]
pub fn same(tool: Tool, copy: &Path, mount: &Mount<'_>, shown: &Shown) {
    let (from, to) = (walk(&mount.point()), walk(copy));
    let only = |a: &Walk, b: &Walk| a.keys().find(|path| !b.contains_key(*path)).cloned();
    assert_eq!(only(&from, &to), None, "{tool:?} lost it");
    assert_eq!(only(&to, &from), None, "{tool:?} made it up");
    let mut hash_of: HashMap<u64, String> = HashMap::new();
    let mut inode_of: HashMap<u64, u64> = HashMap::new();
    for (path, is) in &to {
        let was = &from[path];
        let at = || format!("{tool:?}: {}", path.display());
        assert_eq!(is.mode(), was.mode(), "{}", at());
        assert!(
            same_time(tool, is, was),
            "{}: {} {}",
            at(),
            is.mtime(),
            was.mtime()
        );
        if !was.is_file() {
            continue;
        }
        let sha = hash_of
            .entry(is.ino())
            .or_insert_with(|| sha256(&copy.join(path)));
        assert_eq!(*sha, shown.sha_of[&was.ino()], "{}", at());
        assert_eq!(is.nlink(), was.nlink(), "{}", at());
        let inode = *inode_of.entry(was.ino()).or_insert(is.ino());
        assert_eq!(inode, is.ino(), "{} is no hard link", at());
    }
    assert_eq!(
        inode_of.len(),
        hash_of.len(),
        "{tool:?} linked what is not one"
    );
}

/// The earliest time on ext4 and XFS, 13 December 1901; they keep it in place of earlier ones.
pub const FIRST: i64 = -0x8000_0000;

/// Borg's times begin with 1970 and end two days before those of 32 bits do.
const LAST_OF_BORG: i64 = 0x7fff_ffff - 48 * 3600;

/// Whether a copy has the time of its original, as far as the tool and the file system of the copy know such times.
fn same_time(tool: Tool, copy: &Metadata, original: &Metadata) -> bool {
    let mut time = original.mtime();
    if tool == Tool::Borg {
        time = time.clamp(0, LAST_OF_BORG);
    }
    copy.mtime() == time || (copy.mtime() == FIRST && time < FIRST)
}

type Walk = std::collections::BTreeMap<PathBuf, Metadata>;
