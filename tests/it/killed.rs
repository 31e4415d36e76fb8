//! `kill -9` in the middle of a copy: mount again, give the same command, and it is whole.

use crate::export::{How, Photo, noise, part, unpacked};
use crate::kit::{Home, hashes, kill, takeout, within};
use crate::trouble::{calm, library};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);
const ROUNDS: u64 = 10;

/// Twenty photos and a video, large enough to be served while it is checked.
fn photos(first: u64, how: How) -> Vec<Photo> {
    let photo = |at: u64| {
        let len = if at == first {
            17 << 20
        } else {
            3000 + 25_000 * (at - first) as usize
        };
        Photo::new(&format!("IMG_{at:03}.jpg"), noise(at, len), how)
    };
    (first..first + 20).map(photo).collect()
}

/// Copies as a backup does, and does something once so many files have been begun: a point of progress, never of time.
/// Gives the exit code.
pub fn copy(home: &Home, files: usize, then: impl FnOnce()) -> i32 {
    let mut rsync = Command::new("rsync");
    rsync.args(["-aH", "--outbuf=L", "--out-format=%n"]);
    rsync
        .arg(home.point().join("by-date"))
        .arg(home.path("copy"));
    let errors = File::create(home.path("errors")).unwrap();
    rsync
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    let mut child = rsync.spawn().unwrap();
    let (mut begun, mut then) = (0, Some(then));
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        begun += usize::from(line.unwrap().ends_with(".jpg"));
        if begun == files
            && let Some(then) = then.take()
        {
            then();
        }
    }
    child.wait().unwrap().code().unwrap()
}

/// Whatever stands in the copy under its own name is right.
fn right_so_far(home: &Home, truth: &BTreeMap<PathBuf, String>) -> usize {
    let copy = hashes(&home.path("copy"));
    for (path, sum) in &copy {
        assert_eq!(Some(sum), truth.get(path), "{}", path.display());
    }
    copy.len()
}

fn survives(seed: u64, sources: &[&str], make: impl Fn(&Path) -> Vec<Photo>) {
    let home = Home::new();
    let all = make(&home.path(""));
    let name = |photo: &Photo| Path::new("by-date/2023/2023-07").join(&photo.name);
    let truth: BTreeMap<_, _> = all
        .iter()
        .map(|photo| (name(photo), photo.sha256()))
        .collect();
    let sources = takeout(sources.iter().map(|source| home.path(source)));
    let mut cut_short = 0;
    for round in 0..ROUNDS {
        fs::create_dir_all(home.path("copy")).unwrap();
        if round.is_multiple_of(2) {
            // Every other round nothing is known of the bytes: neither the cache nor what was checked.
            let _ = fs::remove_dir_all(home.cache());
            let _ = fs::remove_dir_all(home.state());
        }
        // A step of the golden ratio spreads the points over the whole copy.
        let files = 1 + ((seed + round * 618_033) % 1_000_000) as usize * all.len() / 1_000_000;
        let first = home.mount(sources.clone());
        let code = copy(&home, files, || kill(first.pid()));
        let had = right_so_far(&home, &truth);
        cut_short += usize::from(code != 0);
        assert!(
            code != 0 || had == truth.len(),
            "round {round}: rsync ended with 0 after {had} files"
        );

        let second = home.mount(sources.clone());
        assert_ne!(first.pid(), second.pid());
        std::mem::forget(first);
        let code = copy(&home, 0, || {});
        let said = fs::read_to_string(home.path("errors")).unwrap();
        assert_eq!(code, 0, "round {round}: {said}");
        assert_eq!(right_so_far(&home, &truth), truth.len());
        calm(&home, &said);
        second.unmount();
        fs::remove_dir_all(home.path("copy")).unwrap();
    }
    assert!(
        cut_short >= 5,
        "only {cut_short} of {ROUNDS} kills came before the end"
    );
    assert!(library(&home).join("catalog.sqlite").exists());
}

#[test]
fn a_copy_of_stored_entries_goes_on_after_kill_9() {
    within(LIMIT, || {
        survives(271_828, &["parts"], |dir| {
            let all = photos(0, How::Stored);
            part(&dir.join("parts"), 1, &all[..12]);
            part(&dir.join("parts"), 2, &all[12..]);
            all
        });
    });
}

#[test]
fn a_copy_of_deflated_entries_goes_on_after_kill_9() {
    within(LIMIT, || {
        survives(314_159, &["parts"], |dir| {
            let all = photos(100, How::Deflated);
            part(&dir.join("parts"), 1, &all);
            all
        });
    });
}

#[test]
fn a_copy_of_all_forms_goes_on_after_kill_9() {
    within(LIMIT, || {
        survives(577_215, &["parts", "folder"], |dir| {
            let (stored, deflated) = (photos(0, How::Stored), photos(100, How::Deflated));
            part(&dir.join("parts"), 1, &stored);
            part(&dir.join("parts"), 2, &deflated);
            let plain = photos(200, How::Stored);
            unpacked(&dir.join("folder"), &plain);
            [stored, deflated, plain].concat()
        });
    });
}
