//! A mount that takes in new exports while it is used: nobody has to mount again, and nobody who is in the middle of
//! something notices.
//!
//! With `GPHOTOSFS_TEST_ALL=1` the sizes are those that people have: a video of 1 GB, a month of 50,000 photos.

use crate::export::{How, Photo, noise, part_of};
use crate::killed;
use crate::kit::{Home, Mount, kill, photos, run, sha256, stats, takeout, within};
use crate::sources::{says, write_config};
use crate::trouble::{calm, library};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(600);
/// Far longer than a mount takes to notice an export.
const SOON: Duration = Duration::from_secs(120);

/// The first second of July 2023.
const JULY: i64 = 1_688_169_600;
const MONTH: &str = "by-date/2023/2023-07";

/// Sizes as people have them.
fn full() -> bool {
    std::env::var("GPHOTOSFS_TEST_ALL").is_ok_and(|value| value == "1")
}

/// The stamp of the export of this number, in their order.
fn stamp(number: u32) -> String {
    let (hour, minute) = (number / 60, number % 60);
    format!("20260913T{hour:02}{minute:02}00Z")
}

fn sidecar(name: &str, taken: i64) -> String {
    format!(
        r#"{{"title": "{name}", "photoTakenTime": {{"timestamp": "{taken}"}}, "creationTime": {{"timestamp": "{JULY}"}}}}"#
    )
}

/// Writes part `part` of an export: photos with their names, contents and seconds.
fn export(dir: &Path, number: u32, part: u32, photos: &[(Photo, i64)]) -> PathBuf {
    let taken: BTreeMap<&str, i64> = photos
        .iter()
        .map(|(photo, taken)| (&*photo.name, *taken))
        .collect();
    let of = |photo: &Photo| sidecar(&photo.name, taken[&*photo.name]);
    let photos: Vec<Photo> = photos.iter().map(|(photo, _)| photo.clone()).collect();
    part_of(dir, &stamp(number), part, &photos, of).path
}

fn small(name: &str, seed: u64) -> Photo {
    let mut bytes = noise(seed, 200 + (seed % 97) as usize);
    // Short noise may be the same for two seeds.
    bytes.extend_from_slice(name.as_bytes());
    Photo::new(name, bytes, How::Stored)
}

/// No look by itself: a test says when.
fn by_hand(home: &Home) {
    write_config(home, "[sync]\nwatch = false\n");
}

fn sync(home: &Home, source: &Path) -> crate::kit::Ran {
    run(home.gphotosfs(["sync"]).arg("--takeout").arg(source))
}

fn counter(mount: &Mount<'_>, name: &str) -> u64 {
    mount.status()["mount"][name].as_u64().unwrap()
}

/// Waits for something that happens by itself.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < end, "{what}: not within {SOON:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every directory of a mount: what `stat` tells of it, and what it lists.
fn directories(root: &Path) -> BTreeMap<PathBuf, (String, BTreeSet<String>)> {
    let mut found: BTreeMap<PathBuf, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in stats(root) {
        let path = Path::new(line.split(" ").next().unwrap()).to_owned();
        let inode = line.split(" ").nth(1).unwrap();
        if line.split(" ").any(|word| word == "d") {
            found.entry(path.clone()).or_default().0.clone_from(&line);
        }
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            let name = format!("{} {inode}", name.display());
            found.entry(parent.to_owned()).or_default().1.insert(name);
        }
    }
    found
}

#[test]
fn an_export_that_arrives_is_shown_while_rsync_copies_and_a_video_is_read() {
    within(LIMIT, || {
        let home = Home::new();
        let (source, size) = (home.path("x"), if full() { 1 << 30 } else { 48 << 20 });
        let month = |at: i64| JULY + at % 3 * 31 * 86_400;
        // More names than a pipe holds: rsync waits in the middle of them.
        let old: Vec<(Photo, i64)> = (0..4000)
            .map(|at| (small(&format!("IMG_{at:04}.jpg"), at), month(at as i64)))
            .collect();
        export(&source, 0, 1, &old);
        let video = Photo::new("VID.mp4", noise(7, size), How::Deflated);
        let sum = video.sha256();
        export(&source, 0, 2, &[(video, JULY)]);
        let mount = home.mount(takeout([&source]));
        let before = directories(&mount.point());
        let (told, swaps) = (counter(&mount, "dirs_told"), counter(&mount, "swaps"));
        assert_eq!((told, swaps), (0, 0));

        // All of them in July, so that the other months have nothing to be told.
        let new: Vec<(Photo, i64)> = (0..1000)
            .map(|at| {
                (
                    small(&format!("NEW_{at:04}.jpg"), 10_000 + at),
                    JULY + 60 + at as i64,
                )
            })
            .collect();
        let made = export(&home.path("made"), 1, 1, &new);
        let arrived = source.join(made.file_name().unwrap());
        let shown = Arc::new(AtomicBool::new(false));
        let reader = {
            let (path, shown) = (mount.path(MONTH).join("VID.mp4"), Arc::clone(&shown));
            // Reads half, waits until the new photos are there, and reads the rest of the same open file.
            std::thread::spawn(move || {
                let mut file = File::open(path).unwrap();
                let mut bytes = vec![0; size];
                file.read_exact(&mut bytes[..size / 2]).unwrap();
                until("the swap", || shown.load(Ordering::SeqCst));
                file.read_exact(&mut bytes[size / 2..]).unwrap();
                crate::kit::sha256_of(&*bytes).unwrap()
            })
        };
        fs::create_dir(home.path("copy")).unwrap();
        let last = mount.path(MONTH).join("NEW_0999.jpg");
        let code = killed::copy(&home, 50, || {
            fs::rename(&made, &arrived).unwrap();
            // rsync waits meanwhile, in the middle of its list.
            until("the new export", || last.exists());
            shown.store(true, Ordering::SeqCst);
        });
        assert_eq!(
            code,
            0,
            "{}",
            fs::read_to_string(home.path("errors")).unwrap()
        );
        assert_eq!(reader.join().unwrap(), sum);
        let copy = photos(&home.path("copy/by-date"));
        let now = photos(&mount.path("by-date"));
        let sums: HashSet<&String> = now.values().collect();
        for (photo, _) in old.iter().chain(&new) {
            let is_shown = sums.contains(&photo.sha256());
            assert!(is_shown, "{} is not shown", photo.name);
        }
        assert_eq!(now.len(), 5001);
        assert!(copy.len() >= 4001, "{}", copy.len());
        assert!(copy.iter().all(|(path, sum)| now[path] == *sum));

        let after = directories(&mount.point());
        let changed: Vec<&PathBuf> = before
            .iter()
            .filter(|(path, was)| after.get(*path) != Some(was))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(changed, [Path::new("./by-date/2023/2023-07")]);
        assert_eq!(counter(&mount, "swaps"), 1);
        assert_eq!(counter(&mount, "dirs_told"), changed.len() as u64);
        println!("{} notices for {changed:?}", counter(&mount, "notices"));
        let status = mount.status();
        assert!(status["mount"]["passes"]["last"].is_string(), "{status}");
        mount.unmount();
        // What a mount made anew shows is the same.
        let mount = home.mount(takeout([&source]));
        assert_eq!(directories(&mount.point()), after);
        mount.unmount();
        calm(&home, "");
    });
}

/// Lists a directory, and in the middle of the list does `then`. The system reads some 1,000 names ahead.
fn list_slowly(dir: &Path, half: usize, then: impl FnOnce()) -> Vec<String> {
    let (mut names, mut then) = (Vec::new(), Some(then));
    for entry in fs::read_dir(dir).unwrap() {
        names.push(entry.unwrap().file_name().into_string().unwrap());
        if names.len() == half
            && let Some(then) = then.take()
        {
            then();
        }
    }
    names
}

/// Nobody who was there all the time is missing, and nobody is there twice.
fn lists_all(names: &[String], survivors: &HashSet<String>, who: &str) {
    let seen: HashSet<&String> = names.iter().collect();
    assert_eq!(seen.len(), names.len(), "{who} met a name twice");
    let missing: Vec<&String> = survivors
        .iter()
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(missing.is_empty(), "{who} missed {missing:?}");
}

#[test]
fn readers_inside_a_month_lose_and_repeat_nobody_while_photos_come_before_them() {
    within(Duration::from_secs(3000), || {
        let (count, rounds) = if full() { (50_000, 100) } else { (4_000, 12) };
        let home = Home::new();
        by_hand(&home);
        let source = home.path("x");
        let old: Vec<(Photo, i64)> = (0..count)
            .map(|at| {
                let name = format!("IMG_{at:05}.jpg");
                (
                    Photo::new(&name, name.clone().into_bytes(), How::Stored),
                    JULY + 1_000_000 + at,
                )
            })
            .collect();
        for (number, some) in old.chunks(20_000).enumerate() {
            export(&source, 0, number as u32 + 1, some);
        }
        let mount = home.mount(takeout([&source]));
        let month = mount.path(MONTH);
        let survivors: HashSet<String> = old.iter().map(|(photo, _)| photo.name.clone()).collect();
        let stop = Arc::new(AtomicBool::new(false));
        // Six readers stand in the middle of their list when the tree is exchanged, two list without a stop.
        let (inside, done) = (Arc::new(Barrier::new(7)), Arc::new(Barrier::new(7)));
        let parked = (1..7).map(|reader| {
            let (month, survivors) = (month.clone(), survivors.clone());
            let (inside, done) = (Arc::clone(&inside), Arc::clone(&done));
            std::thread::spawn(move || {
                for round in 0..rounds {
                    let half = count as usize * reader / 7;
                    let names = list_slowly(&month, half, || {
                        inside.wait();
                        done.wait();
                    });
                    lists_all(
                        &names,
                        &survivors,
                        &format!("reader {reader} in round {round}"),
                    );
                }
            })
        });
        let mut readers: Vec<_> = parked.collect();
        for reader in 7..9 {
            let (month, survivors, stop) = (month.clone(), survivors.clone(), Arc::clone(&stop));
            readers.push(std::thread::spawn(move || {
                let mut lists = 0;
                while !stop.load(Ordering::SeqCst) {
                    let names = list_slowly(&month, 1, || {});
                    lists_all(
                        &names,
                        &survivors,
                        &format!("reader {reader} in list {lists}"),
                    );
                    lists += 1;
                }
            }));
        }
        for round in 0..rounds {
            // Earlier in the month than all that was there.
            let new: Vec<(Photo, i64)> = (0..10)
                .map(|at| {
                    let name = format!("NEW_{round:03}_{at}.jpg");
                    let taken = JULY + 900_000 - i64::from(round) * 100 + at;
                    (
                        Photo::new(&name, name.clone().into_bytes(), How::Stored),
                        taken,
                    )
                })
                .collect();
            export(&source, 1 + round, 1, &new);
            inside.wait();
            let begun = Instant::now();
            let ran = sync(&home, &source).ok();
            says(&ran, &["1 new part(s)", "10 of them new"]);
            let now = list_slowly(&month, 1, || {});
            println!("round {round}: {:?}", begun.elapsed());
            assert_eq!(now.len(), count as usize + 10 * (round as usize + 1));
            done.wait();
        }
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(counter(&mount, "swaps"), u64::from(rounds));
        // What the catalog's log holds does not grow from pass to pass.
        let log = library(&home).join("catalog.sqlite-wal");
        let log = fs::metadata(log).map_or(0, |meta| meta.len());
        assert!(log < 4 << 20, "{log} bytes of log");
        mount.unmount();
        calm(&home, "");
    });
}

const MAP: &str = "import sys, mmap, hashlib
with open(sys.argv[1], 'rb') as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    first = m[0]
    print('ready', flush=True)
    sys.stdin.readline()
    print(hashlib.sha256(m).hexdigest(), flush=True)";

#[test]
fn what_is_open_or_mapped_goes_on_when_its_photo_moves_away() {
    within(LIMIT, || {
        let home = Home::new();
        by_hand(&home);
        let source = home.path("x");
        let len = 12 << 20;
        let large = |how| Photo::new("large.jpg", noise(3, len), how);
        export(
            &source,
            0,
            1,
            &[(large(How::Stored), JULY), (small("other.jpg", 1), JULY)],
        );
        let mount = home.mount(takeout([&source]));
        let path = mount.path(MONTH).join("large.jpg");
        let sum = large(How::Stored).sha256();
        let mut map = Command::new("python3")
            .args(["-c", MAP])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(map.stdout.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "ready");
        let file = File::open(&path).unwrap();
        let mut head = vec![0; 4096];
        file.read_exact_at(&mut head, 0).unwrap();

        // Google has it in August now.
        let august = JULY + 40 * 86_400;
        export(
            &source,
            1,
            1,
            &[
                (large(How::Deflated), august),
                (small("other.jpg", 1), JULY),
            ],
        );
        sync(&home, &source).ok();
        assert!(!path.exists());
        let moved = mount.path("by-date/2023/2023-08/large.jpg");
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(crate::kit::sha256_of(&*bytes).unwrap(), sum);
        map.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert_eq!(said.next().unwrap().unwrap(), sum);
        assert!(map.wait().unwrap().success());
        assert_eq!(sha256(&moved), sum);
        assert_eq!(file.metadata().unwrap().len(), len as u64);
        drop(file);
        mount.unmount();
        calm(&home, "");
    });
}

#[test]
fn sync_speaks_through_the_mount_and_a_pass_that_fails_changes_nothing() {
    within(LIMIT, || {
        let home = Home::new();
        let source = home.path("x");
        let settings = |zone: &str| {
            let text = format!(
                "zone = \"{zone}\"\n[sync]\nwatch = false\n[[source]]\nkind = \"takeout\"\npath = \"{}\"\n",
                source.display()
            );
            write_config(&home, &text);
        };
        settings("UTC");
        // Half an hour before the month ends, where the clock is ahead of UTC it has ended.
        let late = JULY + 31 * 86_400 - 1800;
        export(
            &source,
            0,
            1,
            &[(small("a.jpg", 1), JULY), (small("late.jpg", 2), late)],
        );
        let mount = home.mount([""; 0]);
        let gphotosfs = |args: &[&str]| run(&mut home.gphotosfs(args));
        says(&gphotosfs(&["sync"]).ok(), &["nothing new", "2 photos"]);
        assert_eq!(counter(&mount, "swaps"), 0);
        says(&gphotosfs(&["status"]).ok(), &["looked for new exports 20"]);

        export(&source, 1, 1, &[(small("b.jpg", 3), JULY)]);
        let told = gphotosfs(&["sync", "--json"]).ok().json();
        assert_eq!((&told["files"], &told["new_files"]), (&3.into(), &1.into()));
        assert_eq!(told["new_parts"].as_array().unwrap().len(), 1);
        assert!(mount.path(MONTH).join("b.jpg").exists());

        // A part is missing: the rest is not shown, and the command says so as it does without a mount.
        export(&source, 2, 2, &[(small("c.jpg", 4), JULY)]);
        let ran = gphotosfs(&["sync"]).ends(1);
        says(&ran, &["is not shown until it is whole", "-001 is missing"]);
        assert!(!mount.path(MONTH).join("c.jpg").exists());
        gphotosfs(&["sync", "--accept-incomplete", &stamp(2)]).ends(1);
        assert!(mount.path(MONTH).join("c.jpg").exists());
        export(&source, 2, 1, &[(small("d.jpg", 5), JULY)]);
        gphotosfs(&["sync"]).ok();

        // A change of layout is not for a pass to make.
        let tree = stats(&mount.point());
        settings("Europe/Lisbon");
        export(&source, 3, 1, &[(small("e.jpg", 6), JULY)]);
        let ran = gphotosfs(&["sync"]).ends(2);
        says(
            &ran,
            &["1 of 5 photos and videos would move", "gphotosfs relayout"],
        );
        let ran = gphotosfs(&["status"]).ends(1);
        says(
            &ran,
            &[
                "problem: the mount could not take in what is new",
                "relayout",
            ],
        );
        assert_eq!(stats(&mount.point()), tree);
        settings("UTC");
        gphotosfs(&["sync"]).ok();
        gphotosfs(&["status"]).ok();
        assert!(mount.path(MONTH).join("e.jpg").exists());

        // Nothing is read of the archives when nothing has changed.
        let large = Photo::new("large.jpg", noise(9, 30 << 20), How::Stored);
        export(&source, 4, 1, &[(large, JULY)]);
        gphotosfs(&["sync"]).ok();
        let read = mount.rchar();
        gphotosfs(&["sync"]).ok();
        assert!(mount.rchar() - read < 2 << 20, "{}", mount.rchar() - read);
        mount.unmount();
        calm(&home, "");
    });
}

#[test]
fn a_server_killed_in_the_middle_of_a_pass_is_whole_when_it_is_mounted_again() {
    within(LIMIT, || {
        let home = Home::new();
        by_hand(&home);
        let source = home.path("x");
        let some = |first: u64, count: u64| -> Vec<(Photo, i64)> {
            (first..first + count)
                .map(|at| (small(&format!("IMG_{at:05}.jpg"), at), JULY + at as i64))
                .collect()
        };
        export(&source, 0, 1, &some(0, 100));
        let rounds = if full() { 30 } else { 4 };
        let (mut known, mut whole, mut cut_short) = (100, 0, 0);
        for round in 0..=rounds {
            let mount = home.mount(takeout([&source]));
            assert_eq!(photos(&mount.path("by-date")).len() as u64, known);
            export(&source, 1 + round, 1, &some(known, 1000));
            known += 1000;
            let before = mount.rchar();
            let read = || mount.rchar() - before;
            if round == 0 {
                sync(&home, &source).ok();
                whole = read();
                mount.unmount();
                continue;
            }
            let mut asking = home.gphotosfs(["sync", "--takeout"]);
            let asking = asking.arg(&source).stderr(Stdio::piped());
            let mut asking = asking.stdout(Stdio::null()).spawn().unwrap();
            // At a point of its progress, which is another one in each round.
            let at = whole * u64::from(round - 1) / u64::from(rounds);
            until("the pass", || {
                read() > at || asking.try_wait().unwrap().is_some()
            });
            kill(mount.pid());
            let ended = asking.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            let code = ended.status.code();
            assert!(matches!(code, Some(0 | 2)), "{said}");
            cut_short += u32::from(code == Some(2));
            // The next mount takes the dead one away.
            std::mem::forget(mount);
        }
        assert!(cut_short >= rounds / 2, "{cut_short} of {rounds}");
        let mount = home.mount(takeout([&source]));
        let tree = stats(&mount.point());
        assert_eq!(photos(&mount.path("by-date")).len() as u64, known);
        mount.unmount();
        fs::remove_dir_all(home.state()).unwrap();
        let mount = home.mount(takeout([&source]));
        assert_eq!(stats(&mount.point()), tree);
        mount.unmount();
        calm(&home, "");
    });
}
