//! Whatever would change something answers EROFS, to root and to a user.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmodat, mknod, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, LinkatFlags, Uid, linkat, mkdir, setfsuid, symlinkat, truncate, unlink};

use super::stage::{Act, play, stage};
use crate::fs::Opens;

const NOBODY: u32 = 65_534;

/// Everything that may be tried, with how it went.
fn attempts(root: &Path) -> Vec<(&'static str, Result<(), Errno>)> {
    let path = root.join("by-date/a.jpg");
    let (old, new, empty) = (
        path.as_path(),
        root.join("albums/new"),
        root.join("favorites"),
    );
    let (new, empty) = (new.as_path(), empty.as_path());
    let flags = |flags| open(old, flags, Mode::empty()).map(drop);
    let create = |flags| open(new, OFlag::O_CREAT | flags, Mode::S_IRWXU).map(drop);
    let now = TimeSpec::new(1, 0);
    let io = |result: std::io::Result<()>| {
        result.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap()))
    };
    vec![
        ("O_WRONLY", flags(OFlag::O_WRONLY)),
        ("O_RDWR", flags(OFlag::O_RDWR)),
        ("O_TRUNC", flags(OFlag::O_WRONLY | OFlag::O_TRUNC)),
        (
            "O_RDONLY | O_TRUNC",
            flags(OFlag::O_RDONLY | OFlag::O_TRUNC),
        ),
        ("O_APPEND", flags(OFlag::O_WRONLY | OFlag::O_APPEND)),
        ("O_CREAT", create(OFlag::O_RDONLY)),
        ("creat", create(OFlag::O_WRONLY | OFlag::O_TRUNC)),
        (
            "link",
            linkat(AT_FDCWD, old, AT_FDCWD, new, LinkatFlags::empty()),
        ),
        ("rename", io(std::fs::rename(old, new))),
        (
            "rename over",
            io(std::fs::rename(old, root.join("by-date/empty.jpg"))),
        ),
        ("unlink", unlink(old)),
        ("rmdir", io(std::fs::remove_dir(empty))),
        ("truncate", truncate(old, 0)),
        (
            "chmod",
            fchmodat(AT_FDCWD, old, Mode::S_IRUSR, FchmodatFlags::FollowSymlink),
        ),
        (
            "chown",
            nix::unistd::chown(old, Some(Uid::from_raw(1)), Some(Gid::from_raw(1))),
        ),
        (
            "utimensat",
            utimensat(AT_FDCWD, old, &now, &now, UtimensatFlags::FollowSymlink),
        ),
        ("mkdir", mkdir(new, Mode::S_IRWXU)),
        ("mknod", mknod(new, SFlag::S_IFREG, Mode::S_IRWXU, 0)),
        ("fifo", nix::unistd::mkfifo(new, Mode::S_IRWXU)),
        ("symlink", symlinkat("x", AT_FDCWD, new)),
    ]
}

/// What is easier from outside: extended attributes, and `access`, which asks about the real user.
fn outside(root: &Path, user: u32) {
    let script = r#"
import errno, os, sys
for call in [lambda p: os.setxattr(p, "user.x", b"1"), lambda p: os.removexattr(p, "user.x")]:
    try: call(sys.argv[1])
    except OSError as e: assert e.errno == errno.EROFS, e
    else: assert False
"#;
    let a = root.join("by-date/a.jpg");
    if user == 0 {
        let python = Command::new("python3")
            .args(["-c", script])
            .arg(&a)
            .output()
            .unwrap();
        assert!(
            python.status.success(),
            "{}",
            String::from_utf8_lossy(&python.stderr)
        );
    }
    let test = |flag: &str| {
        Command::new("/usr/bin/test")
            .arg(flag)
            .arg(&a)
            .uid(user)
            .gid(user)
            .status()
            .unwrap()
    };
    assert!(test("-r").success());
    assert!(!test("-w").success());
    let touch = Command::new("touch")
        .arg(&a)
        .env("LC_ALL", "C")
        .uid(user)
        .gid(user)
        .output()
        .unwrap();
    let said = String::from_utf8(touch.stderr).unwrap();
    assert!(said.contains("Read-only file system"), "{said}");
}

#[test]
fn nothing_can_be_changed_by_root_or_by_a_user() {
    // Owned by the user, so that permissions do not refuse what the filesystem has to.
    let stage = stage("allow_other,uid=65534,gid=65534", Opens::Untold);
    for user in [0, NOBODY] {
        let root = stage.root.clone();
        let tried = std::thread::spawn(move || {
            // Of this thread alone; the kernel takes the capabilities that go with it.
            setfsuid(Uid::from_raw(user));
            assert_eq!(setfsuid(Uid::from_raw(user)).as_raw(), user);
            attempts(&root)
        });
        for (what, result) in tried.join().unwrap() {
            assert_eq!(result, Err(Errno::EROFS), "{what} as {user}");
        }
        outside(&stage.root, user);
    }
}

#[test]
fn strangers_stay_outside_also_of_what_the_kernel_remembers() {
    for options in ["", "allow_root", "allow_root,uid=65534,umask=000"] {
        let stage = stage(options, Opens::Untold);
        let photo = stage.path("by-date/a.jpg");
        assert_eq!(std::fs::read(&photo).unwrap().len(), 300_001);
        for (tool, path) in [("ls", &stage.root), ("cat", &photo), ("stat", &photo)] {
            let tried = Command::new(tool)
                .arg(path)
                .uid(NOBODY)
                .gid(NOBODY)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&tried.stderr);
            assert!(
                said.contains("ermission denied"),
                "{tool} with {options:?}: {said}"
            );
        }
    }
}

#[test]
fn rw_and_bad_mountpoints_are_refused() {
    let options = "rw";
    let rw = play(
        Act {
            options,
            ..Act::PLAIN
        },
        |_| {},
    )
    .err()
    .unwrap();
    assert!(rw.contains("read-only"), "{rw}");
    let write = |root: &Path| std::fs::write(root.join("photo.jpg"), "x").unwrap();
    let full = play(Act::PLAIN, write).err().unwrap();
    assert!(full.contains("photo.jpg"), "{full}");
}
