//! Errors that people can act on: each says what failed, on which file, and what to do, and ends with 2.

use crate::export::{How, Photo, STAMP, noise, part, shown};
use crate::kit::{Home, Ran, kill, run, takeout, within};
use crate::trouble::{Got, as_nobody, calm, read};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);

fn photos(numbers: std::ops::Range<u64>) -> Vec<Photo> {
    let photo = |at: u64| {
        let how = if at.is_multiple_of(2) {
            How::Stored
        } else {
            How::Deflated
        };
        Photo::new(&format!("IMG_{at}.jpg"), noise(at, 20_000), how)
    };
    numbers.map(photo).collect()
}

/// A library of three parts in `parts`; gives their paths.
fn parts(home: &Home) -> Vec<PathBuf> {
    let part = |number: u32| {
        let first = u64::from(number) * 10;
        part(&home.path("parts"), number, &photos(first..first + 3)).path
    };
    (1..=3).map(part).collect()
}

/// The mount was refused: 2, every word said, nothing mounted, nothing that has panicked, no word said twice.
#[track_caller]
fn refused(home: &Home, ran: Ran, words: &[&str]) {
    let ran = ran.ends(2);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not said: {}", ran.err);
    }
    let first = ran.err.lines().next().unwrap();
    assert_eq!(ran.err.matches(first).count(), 1, "{}", ran.err);
    assert_eq!(ran.text(), "");
    calm(home, &ran.err);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(home.point().to_str().unwrap()), "{mounts}");
}

fn mount(home: &Home, source: &Path) -> Ran {
    home.mount_run(takeout([source]))
}

#[test]
fn archives_that_are_damaged_or_missing_are_named() {
    within(LIMIT, || {
        let home = Home::new();
        let parts = parts(&home);
        let source = home.path("parts");
        let whole = fs::read(&parts[1]).unwrap();
        let accept = format!("--accept-incomplete {STAMP}");
        let advice = ["Download", &accept];

        fs::write(&parts[1], &whole[..whole.len() / 2]).unwrap();
        let name = parts[1].to_str().unwrap();
        let words = [&advice[..], &[name, "not a zip archive"]].concat();
        refused(&home, mount(&home, &source), &words);

        fs::remove_file(&parts[1]).unwrap();
        let missing = format!("part takeout-{STAMP}-002 is missing");
        let words = [&advice[..], &[&missing]].concat();
        refused(&home, mount(&home, &source), &words);

        // What the message says is what helps.
        let mut args = takeout([&source]);
        args.extend(["--accept-incomplete".into(), STAMP.into()]);
        home.mount(args).unmount();
        fs::write(&parts[1], &whole).unwrap();
        let healed = home.mount(takeout([&source]));
        assert!(healed.path(shown("IMG_20.jpg")).exists());
        healed.unmount();
    });
}

#[test]
fn sources_that_are_no_takeout_are_named() {
    within(LIMIT, || {
        let home = Home::new();
        let folder = home.path("folder");
        let name = folder.to_str().unwrap();
        refused(
            &home,
            mount(&home, &folder),
            &[name, "No such file", "an archive or a folder"],
        );
        fs::create_dir(&folder).unwrap();
        refused(
            &home,
            mount(&home, &folder),
            &[name, "no Takeout in", "give the folder"],
        );
        fs::write(folder.join("holiday.txt"), "sunny").unwrap();
        refused(&home, mount(&home, &folder), &[name, "no Takeout in"]);
        fs::write(folder.join("holiday.zip"), "sunny").unwrap();
        refused(
            &home,
            mount(&home, &folder),
            &["holiday.zip", "not a zip archive"],
        );
        fs::remove_file(folder.join("holiday.zip")).unwrap();
        let script = "import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z: z.writestr('Holiday/sunny.jpg', 'sunny')";
        crate::trouble::python(script, [folder.join("holiday.zip")]).ok();
        let words = ["holiday.zip", "no Google Photos in", "takeout.google.com"];
        refused(&home, mount(&home, &folder), &words);
    });
}

#[test]
fn a_command_without_sources_tells_how_to_begin() {
    within(LIMIT, || {
        let home = Home::new();
        let ran = home.mount_run([""; 0]);
        let words = ["--demo", "--takeout", "https://takeout.google.com", "zip"];
        refused(&home, ran, &words);
        let both = home.mount_run(["--demo", "--takeout", "/tmp"]);
        refused(&home, both, &["--demo", "cannot be used with", "--takeout"]);
        let unknown = home.mount_run(["--demo", "-o", "alow_other"]);
        refused(&home, unknown, &["\"alow_other\"", "allow_other"]);
    });
}

#[test]
fn mountpoints_that_will_not_do_are_named() {
    within(LIMIT, || {
        let home = Home::new();
        let point = home.point();
        let name = point.to_str().unwrap();
        fs::write(point.join("letter"), "").unwrap();
        refused(
            &home,
            home.mount_run(["--demo"]),
            &[name, "\"letter\"", "empty directory"],
        );
        fs::remove_file(point.join("letter")).unwrap();
        fs::remove_dir(&point).unwrap();
        let make = format!("mkdir -p {name}");
        refused(&home, home.mount_run(["--demo"]), &["no directory", &make]);
        fs::write(&point, "").unwrap();
        refused(
            &home,
            home.mount_run(["--demo"]),
            &[name, "not a directory", "empty directory"],
        );
        fs::remove_file(&point).unwrap();
        fs::create_dir(&point).unwrap();
        home.mount(["--demo"]).unmount();
    });
}

#[test]
fn a_library_or_a_mountpoint_in_use_says_by_whom() {
    within(LIMIT, || {
        let home = Home::new();
        parts(&home);
        let source = home.path("parts");
        let held = home.mount(takeout([&source]));
        let name = home.point();
        let unmount = format!("`gphotosfs unmount {}`", name.display());
        let other = home.path("other");
        fs::create_dir(&other).unwrap();
        // The mountpoint is taken, by the same library or another.
        for args in [takeout([&source]), vec!["--demo".into()]] {
            let ran = home.mount_run(args).ends(2);
            assert!(
                ran.err.contains("already") && ran.err.contains(&unmount),
                "{ran:?}"
            );
        }
        // The library is, at another mountpoint.
        let mut command = home.gphotosfs(["mount"]);
        let ran = run(command.args(takeout([&source])).arg(&other)).ends(2);
        let pid = format!("by process {}", held.pid());
        for word in ["mounted already", &pid, &unmount] {
            assert!(ran.err.contains(word), "{word:?} is not said: {ran:?}");
        }
        // None of it has harmed the mount; and a dead one stands in nobody's way.
        assert_eq!(
            read(&held.path(shown("IMG_10.jpg"))),
            Got::Bytes(photos(10..11)[0].sha256())
        );
        kill(held.pid());
        let again = home.mount(takeout([&source]));
        assert_ne!(again.pid(), held.pid());
        assert_eq!(
            read(&again.path(shown("IMG_31.jpg"))),
            Got::Bytes(photos(31..32)[0].sha256())
        );
        std::mem::forget(held);
        again.unmount();
    });
}

/// A tiny disk at a path, as long as this lives.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf, size: &str) -> Disk {
        fs::create_dir_all(&path).unwrap();
        let options = format!("size={size}");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tiny"])
            .arg(&path))
        .ok();
        Disk(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server of a test that failed may still have its log open there.
        run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

#[test]
fn a_full_disk_is_told_and_does_no_harm() {
    within(LIMIT, || {
        let home = Home::new();
        parts(&home);
        let source = home.path("parts");
        let state = Disk::new(home.state(), "64k");
        refused(
            &home,
            mount(&home, &source),
            &["disk", "state directory", "full", "--state-dir"],
        );
        drop(state);
        fs::create_dir_all(home.path("config/gphotosfs")).unwrap();
        let config = "[cache]\nmin_free_bytes = 0\n";
        fs::write(home.path("config/gphotosfs/config.toml"), config).unwrap();
        // A cache that cannot grow is done without.
        let cache = Disk::new(home.cache(), "32k");
        let mounted = home.mount(takeout([&source]));
        for first in [10, 20, 30] {
            for photo in photos(first..first + 3) {
                let got = read(&mounted.path(shown(&photo.name)));
                assert_eq!(got, Got::Bytes(photo.sha256()), "{}", photo.name);
            }
        }
        calm(&home, "");
        mounted.unmount();
        drop(cache);
    });
}

#[test]
fn without_a_fuse_device_the_message_says_where_it_comes_from() {
    within(LIMIT, || {
        let home = Home::new();
        let mut mount = home.gphotosfs(["mount", "--demo"]);
        mount.arg(home.point());
        // A namespace of its own, in which /dev is empty.
        let script = "mount -t tmpfs none /dev && exec \"$@\"";
        let hidden = ["unshare", "-m", "sh", "-c", script, "sh"];
        let ran = run(&mut crate::trouble::through(&hidden, &mount));
        refused(&home, ran, &["/dev/fuse", "modprobe fuse", "--device"]);
    });
}

#[test]
fn a_user_is_told_what_only_root_may() {
    within(LIMIT, || {
        let home = Home::new();
        parts(&home);
        let source = takeout([home.path("parts")]);
        let mount = |options: &[&str]| {
            let mut command = home.gphotosfs(["mount"]);
            command.args(options).args(&source).arg(home.point());
            command
        };
        let mut without = mount(&[]);
        without.env("FUSERMOUNT_PATH", "/nonexistent");
        let ran = as_nobody(&home, &without, "", "");
        refused(&home, ran, &["FUSERMOUNT_PATH", "/nonexistent", "unset"]);
        let shared = mount(&["-o", "allow_other"]);
        let ran = as_nobody(&home, &shared, "# nothing\n", "");
        refused(
            &home,
            ran,
            &["allow_other", "user_allow_other", "/etc/fuse.conf"],
        );
        // With what the message asks for it works.
        let then =
            "cat \"$MNT\"/by-date/2023/2023-07/IMG_10.jpg | wc -c; \"$PROGRAM\" unmount \"$MNT\"";
        let ran = as_nobody(&home, &shared, "user_allow_other\n", then).ok();
        assert!(ran.text().contains("20000"), "{ran:?}");
    });
}

#[test]
fn what_a_user_may_not_read_is_named() {
    within(LIMIT, || {
        let home = Home::new();
        let parts = parts(&home);
        let source = home.path("parts");
        let mut mount = home.gphotosfs(["mount"]);
        mount.args(takeout([&source])).arg(home.point());
        let shut = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
        let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();

        shut(&source);
        let ran = as_nobody(&home, &mount, "", "");
        refused(
            &home,
            ran,
            &[source.to_str().unwrap(), "Permission denied", "may read"],
        );
        open(&source);
        shut(&parts[1]);
        let ran = as_nobody(&home, &mount, "", "");
        refused(
            &home,
            ran,
            &[parts[1].to_str().unwrap(), "Permission denied"],
        );
        open(&parts[1]);

        // An archive that is shut behind the mount's back: the file is named, and nothing else fails.
        let then = "chmod 0 \"$MNT\"/../parts/*-002.zip
            cat \"$MNT\"/by-date/2023/2023-07/*.jpg | wc -c
            \"$PROGRAM\" unmount \"$MNT\"";
        let ran = as_nobody(&home, &mount, "", then).ok();
        assert!(ran.text().contains("120000"), "{ran:?}");
        for number in [20, 21, 22] {
            let said = format!("IMG_{number}.jpg: Permission denied");
            assert!(ran.err.contains(&said), "{ran:?}");
        }
        assert_eq!(ran.err.matches("denied").count(), 3, "{ran:?}");
        assert!(crate::trouble::log(&home).contains(parts[1].to_str().unwrap()));

        // A mountpoint that is somebody else's: the words are the helper's, and said once.
        fs::set_permissions(&parts[1], Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(home.point(), Permissions::from_mode(0o555)).unwrap();
        let ran = as_nobody(&home, &mount, "", "");
        refused(
            &home,
            ran,
            &[
                "failed to mount on",
                home.point().to_str().unwrap(),
                "no write access",
            ],
        );
    });
}
