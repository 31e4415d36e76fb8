//! `--links` and `--include`: they show and hide, and move nothing.

use crate::kit::{Home, Mount, VIEWS, generate, hashes, photos, run, takeout, walk, within};
use crate::truth::Truth;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(1200);

/// What `stat` tells of a file but for its links: inode, size, times, mode.
type Stat = (u64, u64, i64, i64, i64, i64, u32);

fn stat(meta: &fs::Metadata) -> Stat {
    let time = (
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    );
    (
        meta.ino(),
        meta.len(),
        time.0,
        time.1,
        time.2,
        time.3,
        meta.mode(),
    )
}

fn files(root: &Path) -> BTreeMap<PathBuf, (Stat, u64)> {
    let files = walk(root).into_iter().filter(|(_, meta)| meta.is_file());
    files
        .map(|(path, meta)| (path, (stat(&meta), meta.nlink())))
        .collect()
}

fn dirs(root: &Path) -> BTreeMap<PathBuf, u64> {
    let dirs = walk(root).into_iter().filter(|(_, meta)| meta.is_dir());
    dirs.map(|(path, meta)| (path, meta.ino())).collect()
}

fn mount<'a>(home: &'a Home, options: &[&str]) -> Mount<'a> {
    let mut args = takeout([home.path("x/export")]);
    args.extend(options.iter().map(Into::into));
    home.mount(args)
}

/// Follows a relative path from a directory without looking at the disk.
fn follow(dir: &Path, target: &Path) -> PathBuf {
    let mut path = dir.to_owned();
    for step in target.components() {
        match step {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => assert!(path.pop(), "{} leaves the mount", target.display()),
            other => panic!("{}: {other:?}", target.display()),
        }
    }
    path
}

#[test]
fn symbolic_links_lead_to_the_same_bytes() {
    within(LIMIT, || {
        let home = Home::new();
        generate(&home.path("x"), 21, "mixed");
        let hard = mount(&home, &[]);
        let (before, dirs_before, bytes) = (
            files(&hard.point()),
            dirs(&hard.point()),
            hashes(&hard.point()),
        );
        let status = hard.status();
        hard.unmount();

        let soft = mount(&home, &["--links", "symlink"]);
        let (after, all) = (files(&soft.point()), walk(&soft.point()));
        assert_eq!(dirs_before, dirs(&soft.point()));
        assert!(
            all.keys().eq(before
                .keys()
                .chain(dirs_before.keys())
                .collect::<BTreeSet<_>>())
        );
        let homes = before
            .iter()
            .filter(|(path, _)| path.starts_with("by-date"));
        let homes: BTreeMap<_, _> = homes
            .map(|(path, (stat, _))| (path.clone(), (*stat, 1)))
            .collect();
        assert_eq!(
            homes, after,
            "by-date is the same but for the number of links"
        );
        let links: Vec<_> = all.iter().filter(|(_, meta)| meta.is_symlink()).collect();
        assert_eq!(links.len() + after.len(), before.len());
        let inodes: BTreeSet<u64> = all.values().map(MetadataExt::ino).collect();
        assert_eq!(
            inodes.len(),
            all.len(),
            "every link has an inode of its own"
        );
        for (path, meta) in links {
            let target = fs::read_link(soft.path(path)).unwrap();
            assert_eq!(meta.len(), target.as_os_str().len() as u64);
            let aim = follow(path.parent().unwrap(), &target);
            assert_eq!(before[path].0, after[&aim].0, "{}", path.display());
        }
        for what in ["shown", "photos", "videos", "albums", "people", "bytes"] {
            assert_eq!(soft.status()[what], status[what], "{what}");
        }
        // A copy of the views is whole in itself.
        let copy = home.path("copy");
        fs::create_dir(&copy).unwrap();
        run(Command::new("rsync")
            .arg("-a")
            .args(soft.views())
            .arg(&copy))
        .ok();
        soft.unmount();
        for (path, sha) in bytes
            .iter()
            .filter(|(path, _)| !path.starts_with("by-date"))
        {
            let real = fs::canonicalize(copy.join(path)).unwrap();
            let real = real
                .strip_prefix(fs::canonicalize(&copy).unwrap())
                .unwrap()
                .to_owned();
            assert_eq!(bytes[&real], *sha, "{}", path.display());
        }
        let by_date = |path: &PathBuf| path.starts_with("by-date");
        let copied: BTreeMap<_, _> = hashes(&copy);
        assert!(
            copied
                .iter()
                .eq(bytes.iter().filter(|(path, _)| by_date(path)))
        );
    });
}

#[test]
fn hidden_photos_appear_and_nothing_else_moves() {
    within(LIMIT, || {
        let home = Home::new();
        generate(&home.path("x"), 22, "stored");
        let truth = Truth::read(&home.path("x"));
        let (trash, locked) = truth.left_out();
        assert!(!trash.is_empty() && !locked.is_empty());
        let both: BTreeSet<&str> = &trash | &locked;
        let mut seen: Vec<BTreeMap<PathBuf, (Stat, u64)>> = Vec::new();
        let mut dirs_seen: Vec<BTreeMap<PathBuf, u64>> = Vec::new();
        let none = BTreeSet::new();
        let ways: [(&[&str], &BTreeSet<&str>); 5] = [
            (&[], &none),
            (&["--include", "trash"], &trash),
            (&["--include", "locked"], &locked),
            (&["--include", "trash,locked"], &both),
            (&["--include", "locked", "--include", "trash"], &both),
        ];
        for (options, more) in ways {
            let mount = mount(&home, options);
            let in_by_date: BTreeSet<String> =
                photos(&mount.path("by-date")).into_values().collect();
            let should: BTreeSet<&str> = &truth.shown() | more;
            assert!(in_by_date.iter().eq(&should), "{options:?}");
            let status = mount.status();
            assert_eq!(status["shown"], should.len());
            let hidden = |what: &str, of: &BTreeSet<&str>| {
                let left = if more.is_superset(of) { 0 } else { of.len() };
                assert_eq!(status["left_out"][what], left, "{options:?} {what}");
            };
            hidden("trash", &trash);
            hidden("locked", &locked);
            seen.push(files(&mount.point()));
            dirs_seen.push(dirs(&mount.point()));
            let views = VIEWS.map(|view| mount.path(view));
            assert!(views.iter().all(|view| view.is_dir()));
            mount.unmount();
        }
        // Every name of the default is there with all that `stat` tells, and so is each part in the whole.
        for (few, many) in [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 3)] {
            subset(&seen[few], &seen[many]);
            subset(&dirs_seen[few], &dirs_seen[many]);
        }
        let again = mount(&home, &[]);
        assert_eq!(files(&again.point()), seen[0]);
        assert_eq!(dirs(&again.point()), dirs_seen[0]);
        again.unmount();
    });
}

#[track_caller]
fn subset<V: PartialEq + std::fmt::Debug>(few: &BTreeMap<PathBuf, V>, many: &BTreeMap<PathBuf, V>) {
    for (path, value) in few {
        assert_eq!(many.get(path), Some(value), "{}", path.display());
    }
}
