//! The checkpoints of tgz parts: made with the index, kept with the part, made again when they are lost, never wrong.

use crate::kit::{FORMS, Home, generate_with, hashes, run, stats, takeout, within};
use crate::trouble::library;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);

/// The files of checkpoints and their inodes: a file that was made again has another.
fn checkpoints(home: &Home) -> BTreeMap<PathBuf, u64> {
    let files = fs::read_dir(library(home).join("seek")).unwrap();
    let file = |file: fs::DirEntry| (file.path(), file.metadata().unwrap().ino());
    files.map(|entry| file(entry.unwrap())).collect()
}

fn parts(export: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(export).unwrap();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts
}

#[test]
fn checkpoints_live_and_die_with_their_part() {
    within(LIMIT, || {
        assert!(FORMS.contains(&"tgz"));
        let home = Home::new();
        generate_with(&home.path("x"), 51, "tgz", 300);
        let export = home.path("x/export");
        let look = || {
            let mount = home.mount(takeout([&export]));
            let seen = (stats(&mount.point()), hashes(&mount.point()));
            assert_eq!(mount.status()["problems"], serde_json::json!([]));
            mount.unmount();
            seen
        };
        let first = look();
        let made = checkpoints(&home);
        assert_eq!(made.len(), 3);
        // An unchanged part keeps them, wherever it lies.
        let moved = home.path("x/moved");
        fs::rename(&export, &moved).unwrap();
        fs::create_dir(&export).unwrap();
        for part in parts(&moved) {
            fs::rename(&part, export.join(part.file_name().unwrap())).unwrap();
        }
        assert!(look() == first);
        assert_eq!(checkpoints(&home), made);
        // Lost, damaged or another part's: made again.
        let paths: Vec<&PathBuf> = made.keys().collect();
        fs::remove_file(paths[0]).unwrap();
        let mut bytes = fs::read(paths[1]).unwrap();
        bytes[20] ^= 1;
        fs::write(paths[1], bytes).unwrap();
        fs::copy(paths[1], paths[2]).unwrap();
        assert!(look() == first);
        let again = checkpoints(&home);
        assert!(again.keys().eq(made.keys()));
        assert!(again.iter().all(|(path, ino)| made[path] != *ino));
        // A part that comes back in another state has others.
        let part = &parts(&export)[1];
        let ran = run(Command::new("touch").arg("-d").arg("2020-01-01").arg(part));
        ran.ok();
        assert!(look() == first);
        let other = checkpoints(&home);
        let gone = again.keys().filter(|path| !other.contains_key(*path));
        assert_eq!((other.len(), gone.count()), (3, 1));
    });
}

/// What a process has read; all there is once it has ended.
fn rchar(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.map_or(u64::MAX, |bytes| bytes.parse().unwrap())
}

/// The server is killed while it indexes, over and over: what is mounted in the end is whole.
#[test]
fn an_index_that_was_interrupted_begins_its_part_anew() {
    within(LIMIT, || {
        let home = Home::new();
        generate_with(&home.path("x"), 52, "tgz", 300);
        let export = home.path("x/export");
        let args = takeout([&export]);
        let sizes = parts(&export)
            .into_iter()
            .map(|part| part.metadata().unwrap().len());
        let all: u64 = sizes.sum();
        for sixths in 1..6 {
            let mut mount = home.gphotosfs(["mount"]);
            let mut child = mount.args(&args).arg(home.point()).spawn().unwrap();
            while child.try_wait().unwrap().is_none() && rchar(child.id()) < all * sixths / 6 {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let ran = home.gphotosfs(["unmount"]).arg(home.point()).output();
        drop(ran);
        let mount = home.mount(&args);
        let seen = hashes(&mount.path("by-date"));
        assert_eq!(mount.status()["problems"], serde_json::json!([]));
        mount.unmount();
        assert_eq!(checkpoints(&home).len(), 3);
        let other = Home::new();
        let mount = other.mount(&args);
        assert!(seen == hashes(&mount.path("by-date")));
        mount.unmount();
    });
}
