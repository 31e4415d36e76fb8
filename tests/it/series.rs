//! A year of scheduled exports, and what three tools copy after each of them.
//!
//! One full export, five increments, and a new full export of an account in which photos were deleted, trashed and
//! compressed meanwhile. After each arrival the library is mounted, and rsync (with `--delete`, of the named views),
//! restic and Borg make their next backup; what rsync then has is compared with the generator's truth.

use crate::copiers;
use crate::kit::{Home, Mount, generator, run, sha256, takeout, walk, within};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Photos of the first export, and what each increment brings of new and edited ones.
fn scale() -> [&'static str; 3] {
    match std::env::var_os("GPHOTOSFS_TEST_ALL") {
        Some(_) => ["5000", "200", "20"],
        None => ["500", "20", "10"],
    }
}

/// What a tool did.
#[derive(Debug, Default)]
struct Done {
    files: u64,
    bytes: u64,
}

struct Series {
    home: Home,
    truth: Vec<Value>,
}

impl Series {
    fn new() -> Series {
        let home = Home::new();
        let mut command = Command::new("python3");
        command.args(["-S", "-E", "-B"]);
        command.arg(generator().join("series.py"));
        let [photos, added, edited] = scale();
        command.args(["--photos", photos, "--added", added, "--edited", edited]);
        run(command.arg("--out").arg(home.path("series"))).ok();
        let truth = fs::read(home.path("series/truth.json")).unwrap();
        let truth = serde_json::from_slice(&truth).unwrap();
        fs::create_dir(home.path("takeout")).unwrap();
        fs::create_dir(home.path("rsync")).unwrap();
        copiers::restic_init(&home);
        copiers::borg_init(&home);
        Series { home, truth }
    }

    fn arrive(&self, number: usize) {
        for archive in fs::read_dir(self.home.path(format!("series/{number}"))).unwrap() {
            let archive = archive.unwrap();
            fs::rename(
                archive.path(),
                self.home.path("takeout").join(archive.file_name()),
            )
            .unwrap();
        }
    }

    /// A mount of which the kernel remembers nothing.
    fn mount(&self) -> Mount<'_> {
        let mut args = takeout([self.home.path("takeout")]);
        args.extend(["--sidecars".into(), "none".into()]);
        self.home.mount(args)
    }

    /// What the names in by-date should be, and their contents.
    fn expected(&self, number: usize) -> BTreeMap<PathBuf, String> {
        let shown = self.truth[number]["shown"].as_object().unwrap();
        let paths = shown
            .iter()
            .map(|(sha, path)| (path.as_str().unwrap().into(), sha.clone()));
        paths.collect()
    }
}

/// Paths that rsync copied and deleted.
struct Rsynced {
    done: Done,
    copied: BTreeSet<PathBuf>,
    deleted: BTreeSet<PathBuf>,
}

fn rsync(mount: &Mount<'_>, to: &Path) -> Rsynced {
    let mut command = Command::new("rsync");
    command.args(["-aH8", "--delete", "--out-format=%i %n"]);
    let ran = run(command.args(mount.views()).arg(to)).ok();
    let mut rsynced = Rsynced {
        done: Done::default(),
        copied: BTreeSet::new(),
        deleted: BTreeSet::new(),
    };
    for line in ran.text().lines() {
        let (what, name) = line.split_once(' ').unwrap();
        let name = name.trim_start();
        // What begins with `h` is a further name of a file that is there, and no copy.
        match what {
            _ if name.ends_with('/') => {}
            "*deleting" => drop(rsynced.deleted.insert(name.into())),
            _ if what.starts_with(">f") => drop(rsynced.copied.insert(name.into())),
            _ => {}
        }
    }
    rsynced.done.files = rsynced.copied.len() as u64;
    let lengths = rsynced
        .copied
        .iter()
        .map(|name| fs::metadata(to.join(name)).unwrap().len());
    rsynced.done.bytes = lengths.sum();
    rsynced
}

fn restic(home: &Home, mount: &Mount<'_>) -> Done {
    let ran = copiers::restic_backup(home, mount).ok();
    let text = ran.text();
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let count = |what: &str| summary[what].as_u64().unwrap();
    Done {
        files: count("files_new") + count("files_changed"),
        bytes: 0,
    }
}

fn borg(home: &Home, mount: &Mount<'_>, name: &str) -> Done {
    let ran = copiers::borg_create(home, mount, name).ok();
    let read = ran
        .err
        .lines()
        .filter(|line| line.starts_with("A ") || line.starts_with("M "));
    Done {
        files: read.count() as u64,
        bytes: 0,
    }
}

/// Runs a tool over a new mount, and adds what the server handed out.
fn metered(series: &Series, tool: impl FnOnce(&Mount<'_>) -> Done) -> Done {
    let mount = series.mount();
    let done = tool(&mount);
    let bytes = mount.status()["mount"]["bytes"].as_u64().unwrap();
    mount.unmount();
    Done { bytes, ..done }
}

/// What stands in by-date of a copy: path to SHA-256.
fn copy_of(to: &Path) -> BTreeMap<PathBuf, String> {
    let files = walk(to)
        .into_iter()
        .filter(|(path, meta)| path.starts_with("by-date") && meta.is_file());
    files
        .map(|(path, _)| (path.clone(), sha256(&to.join(&path))))
        .collect()
}

#[test]
fn a_year_of_exports_is_one_library() {
    within(Duration::from_secs(3600), || {
        let series = Series::new();
        let to = series.home.path("rsync");
        let mut before: BTreeMap<PathBuf, String> = BTreeMap::new();
        println!(
            "export         new | rsync files, bytes, deleted | restic files, bytes | Borg files, bytes"
        );
        for number in 0..series.truth.len() {
            let truth = &series.truth[number];
            let stamp = truth["stamp"].as_str().unwrap();
            series.arrive(number);
            let mount = series.mount();
            let rsynced = rsync(&mount, &to);
            mount.unmount();
            let restic = metered(&series, |mount| restic(&series.home, mount));
            let borg = metered(&series, |mount| borg(&series.home, mount, stamp));
            let new = truth["new"].as_u64().unwrap();
            println!(
                "{stamp} {new:>6} | {:>6} {:>10} {:>4} | {:>6} {:>10} | {:>6} {:>10}",
                rsynced.done.files,
                rsynced.done.bytes,
                rsynced.deleted.len(),
                restic.files,
                restic.bytes,
                borg.files,
                borg.bytes
            );
            let expected = series.expected(number);
            assert_eq!(copy_of(&to), expected, "{stamp}");
            let moved = truth["moved"].as_array().unwrap().len() as u64;
            deleted_only_what_moved(&rsynced, &before, &expected, stamp);
            copied_only_what_is_new(&rsynced, &before, &expected, stamp);
            // A moved photo has up to two contents; Borg reads the one with the newest change time again.
            if number > 0 {
                assert!(rsynced.done.files <= new + 2 * moved, "{stamp}");
                assert!(borg.files <= new + 2 * moved + 1, "{stamp}: {borg:?}");
            }
            if truth["compressed"].is_array() {
                is_gone_and_shown(&series.mount(), truth);
            }
            before = expected;
        }
    });
}

/// No name goes but that of a photo which stands elsewhere now.
#[track_caller]
fn deleted_only_what_moved(
    rsynced: &Rsynced,
    before: &BTreeMap<PathBuf, String>,
    now: &BTreeMap<PathBuf, String>,
    stamp: &str,
) {
    let shown: BTreeSet<&String> = now.values().collect();
    let homes = rsynced
        .deleted
        .iter()
        .filter(|path| path.starts_with("by-date"));
    for path in homes {
        let sha = &before[path];
        assert!(shown.contains(sha), "{stamp}: {} is lost", path.display());
        assert!(!now.contains_key(path), "{stamp}: {}", path.display());
    }
    let names: BTreeSet<_> = rsynced
        .deleted
        .iter()
        .filter(|path| path.starts_with("by-date"))
        .filter_map(|path| path.file_name())
        .collect();
    for path in &rsynced.deleted {
        assert!(
            names.contains(path.file_name().unwrap()),
            "{stamp}: {}",
            path.display()
        );
    }
}

/// Every file that rsync copied has other bytes than its name had before, or is called otherwise.
#[track_caller]
fn copied_only_what_is_new(
    rsynced: &Rsynced,
    before: &BTreeMap<PathBuf, String>,
    now: &BTreeMap<PathBuf, String>,
    stamp: &str,
) {
    for path in rsynced
        .copied
        .iter()
        .filter(|path| path.starts_with("by-date"))
    {
        assert_ne!(
            before.get(path),
            Some(&now[path]),
            "{stamp}: {}",
            path.display()
        );
    }
}

/// What was deleted or trashed at Google is marked, and still there; what was compressed is as it was.
fn is_gone_and_shown(mount: &Mount<'_>, truth: &Value) {
    let status = mount.status();
    let gone = truth["gone"].as_array().unwrap();
    let compressed = truth["compressed"].as_array().unwrap();
    assert_eq!(status["left_out"]["trash"], 0);
    let older = status["left_out"]["older"].as_u64().unwrap();
    assert!(older >= compressed.len() as u64, "{older}");
    let paths: Vec<String> = gone
        .iter()
        .map(|sha| {
            truth["shown"][sha.as_str().unwrap()]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    for path in &paths {
        assert!(fs::metadata(mount.path(path)).unwrap().ino() > 0);
    }
}
