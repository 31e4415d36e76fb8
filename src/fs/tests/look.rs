//! Names and attributes.

use std::collections::BTreeMap;
use std::fs::{metadata, read_dir, read_link, symlink_metadata};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::fake::{BY_DATE, FAVORITES, FILES, MANY, many_name};
use super::stage::stage;
use crate::fs::Opens;

#[test]
fn ls_find_and_stat_show_the_tree() {
    let stage = stage("umask=027,uid=7,gid=8", Opens::Untold);
    let top: BTreeMap<_, _> = read_dir(&stage.root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.ino(), entry.file_name().into_string().unwrap()))
        .collect();
    assert_eq!(
        top.into_values().collect::<Vec<_>>(),
        ["by-date", "albums", "people", "favorites"]
    );

    for (name, ino, size, mtime, ctime, _) in FILES {
        let meta = metadata(stage.path("by-date").join(name)).unwrap();
        assert_eq!((meta.ino(), meta.size()), (ino, size), "{name}");
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (mtime, 0), "{name}");
        assert_eq!((meta.atime(), meta.atime_nsec()), (mtime, 0), "{name}");
        assert_eq!(
            (meta.ctime(), meta.ctime_nsec()),
            (ctime.0, i64::from(ctime.1)),
            "{name}"
        );
        assert_eq!(
            (meta.blksize(), meta.blocks()),
            (131_072, size.div_ceil(512)),
            "{name}"
        );
        assert_eq!(
            (meta.mode(), meta.uid(), meta.gid()),
            (0o100_640, 7, 8),
            "{name}"
        );
    }
    assert_eq!(metadata(stage.path("albums/a.jpg")).unwrap().nlink(), 2);
    let dir = metadata(stage.path("by-date")).unwrap();
    assert_eq!(
        (dir.ino(), dir.mode(), dir.nlink()),
        (BY_DATE, 0o040_750, 2)
    );
    let link = symlink_metadata(stage.path("albums/link.jpg")).unwrap();
    assert_eq!(link.mode(), 0o120_777);
    assert_eq!(
        read_link(stage.path("albums/link.jpg")).unwrap().to_str(),
        Some("../by-date/a.jpg")
    );
    assert_eq!(
        metadata(stage.path("albums/link.jpg")).unwrap().ino(),
        FILES[0].1
    );
    assert_eq!(
        metadata(stage.path("by-date/none"))
            .unwrap_err()
            .raw_os_error(),
        Some(libc::ENOENT)
    );

    // `.` and `..` as `ls -i` sees them, that is, with the numbers from the listing.
    let ls = Command::new("ls")
        .arg("-fi")
        .arg(stage.path("favorites"))
        .output()
        .unwrap();
    let ls = String::from_utf8(ls.stdout).unwrap();
    let words: Vec<_> = ls.split_whitespace().collect();
    let own = FAVORITES.to_string();
    let outside = ["1", ".."];
    assert!(
        words[..2] == [own.as_str(), "."] && words[2..] == outside,
        "{ls}"
    );

    let find = Command::new("find")
        .arg(&stage.root)
        .args(["-newermt", "1900-01-01", "!", "-newermt", "1950-01-01"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(find.stdout).unwrap().trim(),
        stage.path("by-date/1926.jpg").to_str().unwrap()
    );
}

#[test]
fn statfs_tells_the_size_of_the_library() {
    let stage = stage("", Opens::Untold);
    let stat = nix::sys::statvfs::statvfs(&stage.root).unwrap();
    assert_eq!(
        (
            stat.blocks() * stat.fragment_size(),
            stat.blocks_available()
        ),
        (45_056, 0)
    );
    assert_eq!((stat.files(), stat.name_max()), (60_005, 255));
    assert!(stat.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY));
}

#[test]
fn a_large_directory_loses_and_repeats_nothing_wherever_one_starts() {
    let script = r#"
import ctypes, os, random, sys
libc = ctypes.CDLL(None, use_errno=True)
class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_ushort), ("type", ctypes.c_ubyte), ("name", ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Dirent)
libc.readdir.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
dir = libc.opendir(os.fsencode(sys.argv[1]))
def rest():
    out = []
    while True:
        entry = libc.readdir(dir)
        if not entry: return out
        out.append((entry.contents.ino, entry.contents.name, libc.telldir(dir)))
def check(all):
    for place in [0, 1, 2, len(all) - 2] + random.sample(range(len(all)), 40):
        libc.seekdir(dir, all[place][2])
        got = libc.readdir(dir)
        want = all[place + 1] if place + 1 < len(all) else None
        assert (not got and not want) or got.contents.name == want[1], place
    libc.seekdir(dir, all[len(all) // 2][2])
    assert rest() == all[len(all) // 2 + 1:]
random.seed(1)
all = rest()
check(all)
libc.seekdir(dir, 0)
assert rest() == all
for ino, name, tell in all:
    assert tell == {b'.': 1, b'..': 2}.get(name, ino + 1), (name, tell)
print("\n".join(name.decode() for ino, name, tell in all))
"#;
    for opens in [Opens::Untold, Opens::Told] {
        let stage = stage("", opens);
        let mut python = Command::new("python3");
        let out = python
            .args(["-c", script])
            .arg(stage.path("people"))
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let names = String::from_utf8(out.stdout).unwrap();
        let mut names = names.lines();
        assert_eq!((names.next(), names.next()), (Some("."), Some("..")));
        let mut ino = 1_000;
        for name in names {
            assert_eq!(name, many_name(ino));
            ino += 1;
        }
        assert_eq!(ino, 1_000 + MANY);
    }
}

#[test]
fn the_kernel_remembers_names_and_attributes() {
    let stage = stage("", Opens::Untold);
    let walk = || {
        let find = Command::new("find")
            .arg(&stage.root)
            .args(["-printf", "%i %s %T@\n"])
            .output()
            .unwrap();
        assert!(find.status.success());
        find.stdout
    };
    let first = walk();
    let mut before = stage.stats().counters;
    assert!(
        before.lookup + before.getattr < 20,
        "READDIRPLUS brings all: {before:?}"
    );
    // The kernel may give up what nobody asks for when something else wants the memory.
    for last in [false, false, true] {
        assert_eq!(walk(), first);
        let after = stage.stats().counters;
        let kept = (after.readdirplus, after.lookup, after.getattr)
            == (before.readdirplus, before.lookup, before.getattr);
        if kept {
            return;
        }
        assert!(!last, "names are not kept: {before:?} {after:?}");
        before = after;
    }
}

#[test]
fn attributes_are_told_or_fail_loudly() {
    let stage = stage("", Opens::Told);
    let script = r#"
import errno, os, sys
def ask(name, attribute):
    try:
        return os.getxattr(os.path.join(sys.argv[1], "by-date", name), attribute).decode()
    except OSError as error:
        return errno.errorcode[error.errno]
print(ask("a.jpg", "user.gphotos.people"), ask("a.jpg", "user.gphotos.no"), ask("a.jpg", "user.other"),
      ask("empty.jpg", "user.gphotos.title"), ask("bad.jpg", "user.gphotos.title"), ask("bad.jpg", "user.other"),
      os.listxattr(os.path.join(sys.argv[1], "by-date", "a.jpg")), sep="|")
"#;
    let asked = Command::new("python3")
        .args(["-c", script])
        .arg(&stage.root)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&asked.stdout);
    let error = String::from_utf8_lossy(&asked.stderr);
    assert_eq!(
        told.trim_end(),
        "Ada\nBen|ENODATA|ENODATA|A title|EIO|ENODATA|['user.gphotos.title', 'user.gphotos.people']",
        "{error}"
    );
}

#[test]
fn a_handle_as_nfs_keeps_it_outlives_the_mount() {
    let script = r#"
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]
path, mount = os.fsencode(sys.argv[1]), ctypes.c_int()
if len(sys.argv) == 2:
    handle = Handle(bytes=128)
    assert libc.name_to_handle_at(-100, path, ctypes.byref(handle), ctypes.byref(mount), 0) == 0, ctypes.get_errno()
    print(bytes(handle).hex())
else:
    handle = Handle.from_buffer_copy(bytes.fromhex(sys.argv[2]))
    root = os.open(path, os.O_RDONLY)
    fd = libc.open_by_handle_at(root, ctypes.byref(handle), os.O_RDONLY)
    assert fd >= 0, ctypes.get_errno()
    print(os.fstat(fd).st_ino, len(os.read(fd, 400000)), os.readlink("/proc/self/fd/%d" % fd))
"#;
    let python = |path: &Path, handle: Option<&str>| {
        let mut python = Command::new("python3");
        let python = python.args(["-c", script]).arg(path).args(handle);
        let out = python.output().unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    let mut stage = stage("", Opens::Untold);
    let handle = python(&stage.path("by-date/a.jpg"), None);
    stage.signal(Signal::SIGTERM);
    assert!(stage.gone().success());
    stage.again().unwrap();
    let opened = python(&stage.root, Some(&handle));
    assert!(
        opened.starts_with(&format!("{} 300001 ", FILES[0].1)),
        "{opened}"
    );
}
