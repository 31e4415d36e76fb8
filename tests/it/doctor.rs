//! `gphotosfs doctor`: all is well, and each thing that may not be.

use crate::kit::{Home, Ran, kill, run, takeout, within};
use crate::sources::{MIDDLE, export, gphotosfs, write_config};
use crate::trouble::{as_nobody, library, through};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const STAMP: &str = "20260913T041200Z";

/// Every check of a machine, in order.
const CHECKS: [&str; 9] = [
    "kernel",
    "/dev/fuse",
    "fusermount3",
    "allow_other",
    "passthrough",
    "mounts",
    "configuration",
    "state",
    "cache",
];

fn source(path: &Path) -> String {
    format!(
        "[[source]]\nkind = 'takeout'\npath = '{}'\n",
        path.display()
    )
}

/// A configured library that has been indexed.
fn home() -> Home {
    let home = Home::new();
    export(&home.path("a"), STAMP, 1, &[("one.jpg", MIDDLE)]);
    export(&home.path("a"), STAMP, 2, &[("two.jpg", MIDDLE)]);
    write_config(&home, &source(&home.path("a")));
    gphotosfs(&home, ["sync"]).ok();
    home
}

fn doctor(home: &Home) -> Command {
    home.gphotosfs(["doctor", "--json"])
}

fn line(ran: &Ran, check: &str) -> Value {
    let json = ran.json();
    let lines = json.as_array().unwrap();
    let mut found = lines.iter().filter(|line| line["check"] == check);
    let line = found
        .next()
        .unwrap_or_else(|| panic!("no {check} in {json:#}"));
    assert!(found.next().is_none(), "{check} twice in {json:#}");
    line.clone()
}

/// The run ended with 1, the only line that is not OK is this one, and it says these words.
#[track_caller]
fn only(ran: Ran, check: &str, words: &[&str]) {
    let ran = ran.ends(1);
    let json = ran.json();
    let wrong = json
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["ok"] == false);
    let wrong: Vec<&Value> = wrong.collect();
    assert_eq!(wrong.len(), 1, "{json:#}");
    assert_eq!(wrong[0]["check"], check, "{json:#}");
    for word in words {
        assert!(
            wrong[0]["said"].as_str().unwrap().contains(word),
            "{word} in {json:#}"
        );
    }
}

#[test]
fn all_is_well() {
    within(LIMIT, || {
        let home = Home::new();
        let ran = run(&mut doctor(&home)).ok();
        let json = ran.json();
        let checks: Vec<&str> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["check"].as_str().unwrap())
            .collect();
        assert_eq!(checks[..9], CHECKS);
        assert_eq!(checks[9..], ["libraries"]);
        let home = self::home();
        let ran = run(&mut doctor(&home)).ok();
        let json = ran.json();
        let checks: Vec<&str> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["check"].as_str().unwrap())
            .collect();
        let of_library = ["catalog of library", "lock of library", "source of library"];
        assert_eq!(checks[9..], of_library);
        assert!(
            json.as_array()
                .unwrap()
                .iter()
                .all(|line| line["ok"] == true)
        );
        let mount = home.mount([""; 0]);
        let ran = run(&mut doctor(&home)).ok();
        let lock = line(&ran, "lock of library")["said"].to_string();
        assert!(
            lock.contains(&format!("by process {}", mount.pid())),
            "{lock}"
        );
        mount.unmount();
        // Other libraries are looked at too.
        home.mount(takeout([home.path("a")])).unmount();
        let text = gphotosfs(&home, ["doctor"]).ok().text();
        assert_eq!(text.lines().count(), 15, "{text}");
        assert!(text.lines().all(|line| line.starts_with("OK ")), "{text}");
    });
}

#[test]
fn an_old_kernel() {
    within(LIMIT, || {
        let home = Home::new();
        let old = run(&mut through(&["setarch", "--uname-2.6"], &doctor(&home)));
        only(old, "kernel", &["Linux 2.6.", "too old", "3.10"]);
    });
}

#[test]
fn no_door_to_the_kernel() {
    within(LIMIT, || {
        let home = Home::new();
        let script = "mount -t tmpfs none /dev && exec \"$@\"";
        let hidden = ["unshare", "-m", "sh", "-c", script, "sh"];
        let ran = run(&mut through(&hidden, &doctor(&home)));
        only(ran, "/dev/fuse", &["modprobe fuse", "--device"]);
        let shut = r#"mount -t tmpfs none "$1" && mknod -m 600 "$1/fuse" c 10 229
            mount --bind "$1/fuse" /dev/fuse && shift && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@""#;
        let room = home.path("room");
        fs::create_dir(&room).unwrap();
        let mut doctor = doctor(&home);
        doctor.env("FUSERMOUNT_PATH", "/usr/bin/fusermount3");
        let words = [
            "unshare",
            "-m",
            "sh",
            "-euc",
            shut,
            "sh",
            room.to_str().unwrap(),
        ];
        // The program and the home are to be nobody's as well.
        let program = home.path("program");
        fs::copy(doctor.get_program(), &program).unwrap();
        fs::set_permissions(home.path(""), Permissions::from_mode(0o755)).unwrap();
        run(Command::new("chown")
            .args(["-R", "65534:65534"])
            .arg(home.path("")))
        .ok();
        let mut own = Command::new(&program);
        own.args(doctor.get_args());
        for (key, value) in doctor.get_envs() {
            match value {
                Some(value) => own.env(key, value),
                None => own.env_remove(key),
            };
        }
        only(
            run(&mut through(&words, &own)),
            "/dev/fuse",
            &["no permission", "0666"],
        );
    });
}

#[test]
fn a_helper_that_cannot_help() {
    within(LIMIT, || {
        let home = Home::new();
        let mut doctor = doctor(&home);
        let ran = as_nobody(&home, &doctor, "", "").ok();
        assert!(
            line(&ran, "fusermount3")["said"]
                .to_string()
                .contains("fusermount3")
        );
        doctor.env("FUSERMOUNT_PATH", "/nonexistent");
        let ran = as_nobody(&home, &doctor, "", "");
        only(
            ran,
            "fusermount3",
            &["FUSERMOUNT_PATH", "/nonexistent", "unset"],
        );
        let copy = home.path("fusermount3");
        fs::copy("/usr/bin/fusermount3", &copy).unwrap();
        doctor.env("FUSERMOUNT_PATH", &copy);
        let ran = as_nobody(&home, &doctor, "", "");
        let advice = format!("chmod u+s {}", copy.display());
        only(ran, "fusermount3", &["not set-user-id root", &advice]);
    });
}

#[test]
fn others_who_may_not_be_let_in() {
    within(LIMIT, || {
        let home = Home::new();
        write_config(&home, "[mount]\noptions = [\"allow_other\"]\n");
        run(&mut doctor(&home)).ok();
        let ran = as_nobody(&home, &doctor(&home), "# nothing\n", "");
        only(ran, "allow_other", &["user_allow_other", "/etc/fuse.conf"]);
        let ran = as_nobody(&home, &doctor(&home), "user_allow_other\n", "").ok();
        assert_eq!(line(&ran, "allow_other")["ok"], true);
        write_config(&home, "[mount]\noptions = [\"alow_other\"]\n");
        only(
            run(&mut doctor(&home)),
            "allow_other",
            &["alow_other", "known are"],
        );
    });
}

#[test]
fn a_mount_that_is_dead() {
    within(LIMIT, || {
        let home = home();
        let mount = home.mount([""; 0]);
        kill(mount.pid());
        let point = home.point();
        let advice = format!("`gphotosfs unmount {}`", point.display());
        only(run(&mut doctor(&home)), "mounts", &["is dead", &advice]);
        mount.unmount();
        run(&mut doctor(&home)).ok();
    });
}

#[test]
fn a_configuration_that_is_not_understood() {
    within(LIMIT, || {
        let home = home();
        write_config(&home, &format!("colour = 1\n{}", source(&home.path("a"))));
        only(
            run(&mut doctor(&home)),
            "configuration",
            &["config.toml:1: unknown key colour", "config --example"],
        );
        write_config(&home, "zone = 3\n");
        only(
            run(&mut doctor(&home)),
            "configuration",
            &["config.toml:1: zone must be a text"],
        );
        let mut missing = doctor(&home);
        missing.args(["--config", "/nonexistent/c.toml"]);
        only(
            run(&mut missing),
            "configuration",
            &["/nonexistent/c.toml", "No such file"],
        );
    });
}

#[test]
fn somebody_without_a_home() {
    within(LIMIT, || {
        let home = Home::new();
        let program = home.path("program");
        fs::copy(env!("CARGO_BIN_EXE_gphotosfs"), &program).unwrap();
        fs::set_permissions(home.path(""), Permissions::from_mode(0o755)).unwrap();
        // A user of whom the system has not heard.
        let mut lost = Command::new("setpriv");
        lost.args(["--reuid=54321", "--clear-groups", "--", "env", "-i"]);
        let ran = run(lost.arg(program).arg("doctor")).ends(2);
        assert!(ran.err.contains("no home directory"), "{ran:?}");
    });
}

/// A tiny disk at a path, as long as this lives.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn new(path: &'a Path, size: &str) -> Disk<'a> {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size, "tiny"]);
        run(mount.arg(path)).ok();
        Disk(path)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(self.0));
    }
}

#[test]
fn disks_that_are_full_or_shut() {
    within(LIMIT, || {
        let home = Home::new();
        let (state, cache) = (home.state(), home.cache());
        let disk = Disk::new(&state, "size=8m");
        only(
            run(&mut doctor(&home)),
            "state",
            &["8.00 MiB free", "free some space"],
        );
        drop(disk);
        let disk = Disk::new(&cache, "size=512m");
        let words = ["512.00 MiB free", "cache.min_free_bytes", "1.00 GiB"];
        only(run(&mut doctor(&home)), "cache", &words);
        write_config(&home, "[cache]\nmin_free_bytes = 1000000\n");
        run(&mut doctor(&home)).ok();
        drop(disk);
        let disk = Disk::new(&state, "size=512m,ro");
        only(
            run(&mut doctor(&home)),
            "state",
            &["Read-only", "--state-dir"],
        );
        drop(disk);
        // What a cache takes is told.
        let blobs = cache.join("library/blobs/00");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join("x"), vec![0; 3 << 20]).unwrap();
        let said = line(&run(&mut doctor(&home)).ok(), "cache")["said"].to_string();
        assert!(said.contains("3.00 MiB used of 5.00 GiB"), "{said}");
        // And those of somebody else.
        as_nobody(&home, &doctor(&home), "", "").ok();
        for (dir, check, flag) in [
            (&state, "state", "--state-dir"),
            (&cache, "cache", "--cache-dir"),
        ] {
            fs::set_permissions(dir, Permissions::from_mode(0o000)).unwrap();
            let ran = as_nobody(&home, &doctor(&home), "", "");
            only(ran, check, &["Permission denied", flag]);
            fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
        }
    });
}

#[test]
fn a_catalog_that_is_damaged_or_of_another_version() {
    within(LIMIT, || {
        let home = home();
        let path = library(&home).join("catalog.sqlite");
        let whole = fs::read(&path).unwrap();
        // The version stands at byte 60 of an SQLite file.
        let version = |number: u32| {
            fs::write(&path, &whole).unwrap();
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&number.to_be_bytes(), 60).unwrap();
        };
        version(1000);
        only(
            run(&mut doctor(&home)),
            "catalog of library",
            &["newer gphotosfs", "schema 1000"],
        );
        fs::write(&path, &whole).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let older = "ALTER TABLE part DROP COLUMN digest; ALTER TABLE part DROP COLUMN account; DROP TABLE pixels; \
                     PRAGMA user_version = 2";
        db.execute_batch(older).unwrap();
        drop(db);
        let ran = run(&mut doctor(&home)).ok();
        let said = line(&ran, "catalog of library")["said"].to_string();
        assert!(
            said.contains("the next mount brings it up to date"),
            "{said}"
        );
        // And so it is.
        gphotosfs(&home, ["sync"]).ok();
        let ran = run(&mut doctor(&home)).ok();
        assert!(
            line(&ran, "catalog of library")["said"]
                .to_string()
                .contains("is whole")
        );

        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        broken[middle..].fill(0xa5);
        for text in [&broken[..], b"no catalog"] {
            fs::write(&path, text).unwrap();
            only(
                run(&mut doctor(&home)),
                "catalog of library",
                &["is damaged", "sets it aside"],
            );
        }
        // And so it is.
        home.mount([""; 0]).unmount();
        run(&mut doctor(&home)).ok();
    });
}

#[test]
fn a_library_that_is_held_by_nobody_who_shows_it() {
    within(LIMIT, || {
        let home = home();
        let lock = library(&home).join("lock");
        fs::write(&lock, "4242\n/mnt/elsewhere\n").unwrap();
        let file = fs::File::open(&lock).unwrap();
        file.lock().unwrap();
        let words = [
            "process 4242",
            "/mnt/elsewhere, where nothing is mounted",
            "kill 4242",
        ];
        only(run(&mut doctor(&home)), "lock of library", &words);
        fs::write(&lock, "4242\n\n").unwrap();
        let ran = run(&mut doctor(&home)).ok();
        assert!(
            line(&ran, "lock of library")["said"]
                .to_string()
                .contains("works on the catalog")
        );
        drop(file);
        run(&mut doctor(&home)).ok();
        as_nobody(&home, &doctor(&home), "", "").ok();
        fs::set_permissions(&lock, Permissions::from_mode(0o000)).unwrap();
        let ran = as_nobody(&home, &doctor(&home), "", "");
        only(
            ran,
            "lock of library",
            &["Permission denied", "must be yours"],
        );
    });
}

#[test]
fn sources_that_are_away_shut_or_not_whole() {
    within(LIMIT, || {
        let home = home();
        let part = home.path("a").join(format!("takeout-{STAMP}-001.zip"));
        let check = "source of library";
        let download = home.path("a").join("takeout-x.zip.crdownload");
        fs::write(&download, "").unwrap();
        only(
            run(&mut doctor(&home)),
            check,
            &["still being downloaded", "wait"],
        );
        fs::remove_file(download).unwrap();
        as_nobody(&home, &doctor(&home), "", "").ok();
        fs::set_permissions(&part, Permissions::from_mode(0o000)).unwrap();
        let ran = as_nobody(&home, &doctor(&home), "", "");
        only(
            ran,
            check,
            &[part.to_str().unwrap(), "Permission denied", "yours to read"],
        );
        fs::set_permissions(&part, Permissions::from_mode(0o644)).unwrap();
        fs::rename(&part, home.path("gone.zip")).unwrap();
        only(
            run(&mut doctor(&home)),
            check,
            &["-001 is missing", "download it"],
        );
        fs::write(&part, "").unwrap();
        only(
            run(&mut doctor(&home)),
            check,
            &["-001.zip: cannot be read"],
        );
        fs::remove_dir_all(home.path("a")).unwrap();
        only(
            run(&mut doctor(&home)),
            check,
            &["cannot read", "No such file"],
        );
        // So does the list of sources.
        let seen = gphotosfs(&home, ["sources", "--json"]).ends(1).json();
        assert_eq!(seen[0]["readable"], false);
        assert_eq!(gphotosfs(&home, ["sources"]).code, 1);
    });
}
