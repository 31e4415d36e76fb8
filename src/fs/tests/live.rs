//! Another library in the place of the one that is shown: what the kernel has kept, and who is in the middle of a listing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::fake::{GONE, MANY, NEW_NAME, RENAMED, many_name};
use super::stage::{Stage, stage};
use crate::fs::Opens;

/// Names that go or become another's, and the directory.
const NOTICES: u64 = GONE_COUNT + 2;
const GONE_COUNT: u64 = *GONE.end() + 1 - *GONE.start();
/// Names in `people` afterwards.
const LEFT: u64 = MANY - GONE_COUNT;

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Has the stage show the other library, and waits until it does.
fn exchange(stage: &mut Stage) {
    let swaps = stage.stats().counters.swaps;
    stage.say("exchange");
    while stage.stats().counters.swaps == swaps {
        std::thread::yield_now();
    }
}

/// Waits until the kernel has been told everything.
fn told(stage: &Stage, notices: u64) {
    while stage.stats().counters.notices < notices {
        std::thread::yield_now();
    }
}

/// Names that both libraries have under the same inode.
fn survivors() -> BTreeSet<String> {
    (1_000..1_000 + MANY)
        .filter(|ino| !GONE.contains(ino) && *ino != RENAMED)
        .map(many_name)
        .collect()
}

#[test]
fn who_stands_at_an_entry_that_goes_away_sees_all_the_rest() {
    let mut stage = stage("", Opens::Untold);
    let people = stage.path("people");
    let before: BTreeSet<String> = (1_000..1_000 + MANY).map(many_name).collect();
    // One whose listing comes out of the kernel's copy, and one who fills it.
    assert_eq!(names(&people).len(), MANY as usize);
    let mut parked: Vec<_> = (0..4).map(|_| fs::read_dir(&people).unwrap()).collect();
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); parked.len()];
    for (at, reader) in parked.iter_mut().enumerate() {
        // Some names short of the first that goes, at it, behind it, and in the middle of those that go.
        let count = [10, 3_000, 20_000, 40_000][at];
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        seen[at].extend(reader.take(count).map(name));
    }
    exchange(&mut stage);
    told(&stage, NOTICES);
    // Others list the new one, again and again, while those from before stand where they stood.
    for _ in 0..3 {
        let now: BTreeSet<String> = names(&people).into_iter().collect();
        assert!(survivors().is_subset(&now));
        assert_eq!(now.len() as u64, LEFT);
        assert!(now.contains(NEW_NAME));
    }
    for (reader, mut seen) in parked.into_iter().zip(seen) {
        seen.extend(reader.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
        let all: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(all.len(), seen.len());
        assert_eq!(all, before);
    }
    // The last of them has left: the kernel keeps a copy again, and it is the new one.
    let pages = || stage.stats().counters.readdirplus;
    let kept = (0..100).any(|_| {
        let before = pages();
        assert_eq!(names(&people).len() as u64, LEFT);
        pages() == before
    });
    assert!(kept, "each listing asks the server");
}

#[test]
fn names_attributes_and_bytes_are_those_of_now_and_what_is_open_goes_on() {
    let mut stage = stage("", Opens::Untold);
    let path = |name: &str| stage.path(&format!("by-date/{name}"));
    let people = stage.path("people");
    let gone = people.join(many_name(*GONE.start()));
    let renamed = people.join(many_name(RENAMED));
    let (was, of_gone) = (path("a.jpg"), fs::metadata(&gone).unwrap().ino());
    let (dated, stayed) = (path("1926.jpg"), path("later.jpg"));
    let mut open = File::open(&stayed).unwrap();
    let mut first = vec![0; 10];
    open.read_exact(&mut first).unwrap();
    for path in [&was, &dated, &renamed] {
        fs::metadata(path).unwrap();
    }
    assert_eq!(of_gone, *GONE.start());
    let lookups = stage.stats().counters.lookup;
    fs::metadata(&was).unwrap();
    assert_eq!(stage.stats().counters.lookup, lookups);
    exchange(&mut stage);
    told(&stage, NOTICES);
    assert!(!gone.exists());
    assert!(people.join(NEW_NAME).exists());
    assert!(!renamed.exists());
    // What did not change is still remembered.
    let counters = stage.stats().counters;
    fs::metadata(&stayed).unwrap();
    assert_eq!(stage.stats().counters.lookup, counters.lookup);
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).unwrap();
    assert_eq!(first.len() + rest.len(), 3_000_000);
}
