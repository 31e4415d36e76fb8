//! The commands as a person or a script uses them: what they count, what they tell, and the codes they end with.

use crate::kit::{Home, Ran, run, takeout, walk, within};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// The program with this home's directories.
fn gphotosfs<S: AsRef<OsStr>>(home: &Home, args: impl IntoIterator<Item = S>) -> Ran {
    run(&mut home.gphotosfs(args))
}

/// A home with the demo in its cache. To paint it takes seconds, so the tests do it once.
fn home_with_demo() -> Home {
    static PARTS: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    let parts = PARTS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let parts = gphotosfs::demo::make(dir.path()).unwrap();
        let part = |path: &PathBuf| (path.file_name().unwrap().into(), fs::read(path).unwrap());
        parts.iter().map(part).collect()
    });
    let home = Home::new();
    let folder = home.cache().join("demo/takeout");
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in parts {
        fs::write(folder.join(name), bytes).unwrap();
    }
    home
}

/// What the demo holds, as its own tests count it: 52 files, of which 42 differ, one of them in the trash.
#[track_caller]
fn is_the_demo(status: &Value) {
    for (what, count) in [
        ("sources", 1),
        ("exports", 1),
        ("parts", 3),
        ("in_archives", 52),
        ("shown", 41),
        ("documents", 23),
        ("photos", 38),
        ("videos", 3),
        ("duplicates", 10),
        ("albums", 3),
        ("people", 4),
        ("junk", 0),
        ("unmatched", 1),
    ] {
        assert_eq!(status[what], count, "{what}");
    }
    let left_out = serde_json::json!({ "trash": 1, "locked": 0, "older": 0, "forgotten": 0 });
    assert_eq!(status["left_out"], left_out);
    assert_eq!(status["problems"], Value::Array(Vec::new()));
}

#[test]
fn the_demo_adds_up() {
    within(LIMIT, || {
        let home = Home::new();
        let mount = home.mount(["--demo"]);
        is_the_demo(&mount.status());
        let all = walk(&mount.point());
        let files = |view: &str| {
            let below = all
                .iter()
                .filter(|(path, meta)| path.starts_with(view) && meta.is_file());
            below.count()
        };
        // Of 23 somebody entered something at Google.
        assert_eq!(files("by-date"), 41 + 23);
        // Seven favourites, one of which moves and has a clip.
        assert_eq!(files("favorites"), 8);
        let dirs = |view: &str| fs::read_dir(mount.path(view)).unwrap().count();
        assert_eq!(
            (dirs("albums"), dirs("people"), dirs("by-date")),
            (3, 4, 18)
        );
        let links = all.values().filter(|meta| meta.is_file()).count() as u64;
        let by_inode = all
            .iter()
            .filter(|(path, meta)| path.starts_with("by-date") && meta.is_file());
        assert_eq!(links, by_inode.map(|(_, meta)| meta.nlink()).sum::<u64>());

        let server = mount.status()["mount"].clone();
        assert_eq!(server["pid"], mount.pid());
        assert_eq!(server["mountpoint"], mount.point().to_str().unwrap());
        mount.unmount();
        let status = gphotosfs(&home, ["status", "--demo", "--json"]).ok().json();
        is_the_demo(&status);
        assert_eq!(status["mount"], Value::Null);
    });
}

#[test]
fn status_tells_a_person_the_sum() {
    within(LIMIT, || {
        let home = home_with_demo();
        gphotosfs(&home, ["status"]).ends(2);
        let mount = home.mount(["--demo"]);
        let ways: [&[&str]; 2] = [&["status"], &["status", "--demo"]];
        for args in ways {
            let text = gphotosfs(&home, args).ok().text();
            for line in [
                "38 photos, 3 videos, 3 albums, 4 people",
                "        41 shown",
                "         1 left out (trash 1, locked 0, older versions 0, forgotten 0)",
                "        10 exact duplicates",
                "        52 = media files in the archives",
                "mounted on ",
            ] {
                assert!(text.contains(line), "no {line:?} in:\n{text}");
            }
        }
        mount.unmount();
        let text = gphotosfs(&home, ["status"]).ok().text();
        assert!(
            text.contains("        41 shown") && text.contains("not mounted"),
            "{text}"
        );
    });
}

#[test]
fn status_ends_with_1_when_something_needs_the_user() {
    within(LIMIT, || {
        let home = Home::new();
        crate::kit::generate_with(&home.path("x"), 41, "stored", 60);
        let mount = home.mount(takeout([home.path("x/export")]));
        assert_eq!(gphotosfs(&home, ["status"]).code, 0);
        let part = fs::read_dir(home.path("x/export"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::rename(&part, home.path("gone.zip")).unwrap();
        let ran = gphotosfs(&home, ["status"]).ends(1);
        assert!(ran.text().contains("problem: "), "{}", ran.text());
        let status = gphotosfs(&home, ["status", "--json"]).ends(1).json();
        let name = part.file_name().unwrap().to_str().unwrap();
        assert!(
            status["problems"][0].as_str().unwrap().contains(name),
            "{status}"
        );
        mount.unmount();
        gphotosfs(&home, ["status"]).ends(1);
        fs::rename(home.path("gone.zip"), &part).unwrap();
        gphotosfs(&home, ["status"]).ends(0);
    });
}

/// `2` means that nothing was done, and standard error says why.
#[track_caller]
fn refused(ran: Ran, why: &str) {
    let ran = ran.ends(2);
    assert!(ran.err.contains(why), "no {why:?} in:\n{}", ran.err);
    assert_eq!(ran.text(), "");
}

#[test]
fn what_cannot_be_mounted_is_refused() {
    within(LIMIT, || {
        let home = home_with_demo();
        refused(home.mount_run::<&str>([]), "nothing to mount yet");
        refused(home.mount_run(takeout(["/nonexistent"])), "/nonexistent");
        fs::create_dir(home.path("empty")).unwrap();
        refused(
            home.mount_run(takeout([home.path("empty")])),
            "no Takeout in",
        );
        let links = home.mount_run(["--demo", "--links", "none"]);
        refused(links, "--links");
        let both = home.mount_run(["--demo", "--takeout", "x.zip"]);
        refused(both, "cannot be used with");
        refused(home.mount_run(["--demo", "-o", "rw"]), "rw");
        let nowhere = home.path("nowhere");
        let missing = gphotosfs(
            &home,
            ["mount".as_ref(), "--demo".as_ref(), nowhere.as_os_str()],
        );
        refused(missing, "no directory");

        let mount = home.mount(["--demo"]);
        refused(home.mount_run(["--demo"]), "already");
        fs::create_dir(home.path("other")).unwrap();
        let other = home.path("other");
        let twice = gphotosfs(
            &home,
            ["mount".as_ref(), "--demo".as_ref(), other.as_os_str()],
        );
        refused(twice, "mounted already");
        is_the_demo(&mount.status());
        mount.unmount();
        let unmounted = gphotosfs(&home, ["unmount".as_ref(), home.point().as_os_str()]);
        refused(unmounted, "is not a gphotosfs mount");
        let other = gphotosfs(&home, ["unmount".as_ref(), nowhere.as_os_str()]);
        assert_eq!(other.code, 2);
        // Nothing of all that is left over.
        home.mount(["--demo"]).unmount();
    });
}

#[test]
fn info_finds_files_by_any_name() {
    within(LIMIT, || {
        let home = home_with_demo();
        let mount = home.mount(["--demo"]);
        let odd = [
            "by-date/2011/2011-06/Tea at four: milk & sugar?.jpg",
            "by-date/2015/2015-12/🎂 Émilie turns six.jpg",
            "favorites/../favorites/🎂 Émilie turns six.jpg",
            "albums/Ada's \"high\" places/DSC_0377.JPG",
        ];
        for name in odd {
            let path = mount.path(name);
            let info = mount.info(&[&path]).remove(0);
            assert_eq!(info["path"], path.to_str().unwrap());
            let meta = fs::metadata(&path).unwrap();
            assert_eq!(info["inode"], meta.ino().to_string());
            assert_eq!(info["size"], meta.len());
            assert_eq!(info["source"], "takeout");
        }
        // As a shell gives them: from the directory itself, and one that begins with a dash.
        let mut here = home.gphotosfs(["info", "--json"]);
        here.current_dir(mount.path("albums/Ada's \"high\" places"))
            .arg("DSC_0377.JPG");
        let info = run(&mut here).ok().json();
        assert_eq!(info[0]["albums"][0], "Ada's \"high\" places");
        assert_eq!(info[0]["title"], "DSC_0377.JPG");
        let ran = gphotosfs(&home, ["info".as_ref(), mount.path(odd[0]).as_os_str()]).ok();
        assert!(
            ran.text()
                .contains("  title        Tea at four: milk & sugar?.jpg"),
            "{}",
            ran.text()
        );

        let info = |paths: &[&Path]| {
            let args = [OsStr::new("info"), OsStr::new("--json")].into_iter();
            gphotosfs(&home, args.chain(paths.iter().map(|path| path.as_os_str())))
        };
        let (good, no, dir, outside) = (
            mount.path(odd[0]),
            mount.path("no"),
            mount.path("albums"),
            home.path(""),
        );
        let some = info(&[&no, &good, &dir]).ends(1);
        assert_eq!(some.json().as_array().map(Vec::len), Some(1));
        assert!(
            some.err.contains("cannot look at") && some.err.contains("not a file of the library"),
            "{}",
            some.err
        );
        for wrong in [&no, &dir, &outside] {
            info(&[wrong]).ends(2);
        }
        gphotosfs(&home, ["info"]).ends(2);
        mount.unmount();
        info(&[&good]).ends(2);
    });
}

#[test]
fn info_follows_symbolic_links() {
    within(LIMIT, || {
        let home = home_with_demo();
        let mount = home.mount(["--demo", "--links", "symlink"]);
        let link = mount.path("favorites/DSC_0377.JPG");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let info = mount.info(&[link]).remove(0);
        assert_eq!(info["title"], "DSC_0377.JPG");
        assert_eq!(info["favorite"], true);
        assert_eq!(info["albums"][0], "Ada's \"high\" places");
        mount.unmount();
    });
}

/// A container or a service that was started while the library was mounted has a copy of the mount, and does not lose
/// it with ours.
#[test]
fn a_mount_that_another_namespace_copied_is_taken_away() {
    within(LIMIT, || {
        let home = home_with_demo();
        let mount = home.mount(["--demo"]);
        let mut other = Command::new("unshare")
            .args(["-m", "sh", "-c", "echo there; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(other.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "there\n");
        let copied = format!("/proc/{}/mountinfo", other.id());
        let copied = fs::read_to_string(copied).unwrap();
        assert!(copied.contains(mount.point().to_str().unwrap()));
        mount.unmount();
        // And the library is free.
        home.mount(["--demo"]).unmount();
        drop(other.stdin.take());
        assert!(other.wait().unwrap().success());
    });
}
