//! The cache: one flight per blob, a cap that holds, an order of leaving, and files that nobody has to trust.

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;

use super::*;

/// More than is inflated in memory.
const MIDDLE: usize = 5 * MIB / 4;

fn many(count: u64) -> Fixture {
    Fixture::new((0..count).map(|seed| (Kind::Deflated, noise(MIDDLE, seed + 1))))
}

/// A cap for so many blobs of [`MIDDLE`] bytes.
fn cap(fixture: &Fixture, blobs: u64) -> Settings {
    Settings {
        cache_max_bytes: blobs * (MIDDLE as u64 + 8192),
        ..fixture.settings()
    }
}

#[test]
fn many_readers_inflate_once() {
    for size in [700 * KIB, MIDDLE, 17 * MIB] {
        let fixture = Fixture::one(Kind::Deflated, noise(size, 1));
        let content = fixture.content();
        let gate = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    expect_whole(&content, &fixture, 0);
                });
            }
        });
        assert_eq!(get(&content.counters().bytes_inflated), size as u64);
        assert_eq!(get(&content.counters().cache_misses), 1);
        drop(content);
        let content = fixture.content();
        expect_whole(&content, &fixture, 0);
        assert_eq!(get(&content.counters().bytes_inflated), 0);
        assert!(get(&content.counters().cache_hits) > 0);
    }
}

#[test]
fn many_readers_of_a_stored_file_check_once() {
    for (kind, size) in [(Kind::Stored, 3 * MIB), (Kind::Plain, 3 * MIB)] {
        let fixture = Fixture::one(kind, noise(size, 1));
        let content = fixture.content();
        let gate = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    expect_whole(&content, &fixture, 0);
                });
            }
        });
        assert_eq!(get(&content.counters().checks), 1);
    }
}

#[test]
fn the_cap_holds_at_every_moment() {
    let fixture = many(50);
    for blobs in [2, 10] {
        hammer(&fixture, cap(&fixture, blobs));
        std::fs::remove_dir_all(fixture.cache_dir()).unwrap();
    }
}

/// Reads at random from eight threads while a ninth looks at the folder.
fn hammer(fixture: &Fixture, settings: Settings) {
    let max_bytes = settings.cache_max_bytes;
    let content = fixture.content_with(settings);
    let done = AtomicBool::new(false);
    let highest = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut highest, mut before) = (0, HashMap::new());
            while !done.load(Ordering::SeqCst) {
                // What two looks in a row both saw was there together between them.
                let now = files_below(&fixture.cache_dir());
                let both = now
                    .iter()
                    .filter_map(|(file, len)| before.get(file).map(|old: &u64| (*len).min(*old)));
                highest = highest.max(both.sum::<u64>());
                before = now;
            }
            highest
        });
        let workers: Vec<_> = (0..8u64)
            .map(|worker| {
                let content = &content;
                scope.spawn(move || {
                    let mut state = worker + 1;
                    for _ in 0..40 {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        expect_whole(content, fixture, (state >> 33) as usize % 50);
                    }
                })
            })
            .collect();
        let ends: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, Ordering::SeqCst);
        ends.into_iter().for_each(|end| end.unwrap());
        watcher.join().unwrap()
    });
    assert!(
        highest > 0 && highest <= max_bytes,
        "{highest} of {max_bytes}"
    );
    assert!(get(&content.counters().evictions) > 0);
    let sum: u64 = files_below(&fixture.cache_dir()).into_values().sum();
    assert!(
        sum <= max_bytes && sum >= max_bytes / 2,
        "{sum} of {max_bytes}"
    );
}

#[test]
fn one_pass_does_not_push_out_what_is_read_again() {
    let fixture = many(40);
    let content = fixture.content_with(cap(&fixture, 10));
    for at in [0, 1, 2, 0, 1, 2] {
        expect_whole(&content, &fixture, at);
    }
    (3..40).for_each(|at| expect_whole(&content, &fixture, at));
    let inflated = get(&content.counters().bytes_inflated);
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().bytes_inflated), inflated);
    drop(content);

    // Nor does a pass after a restart.
    let content = fixture.content_with(cap(&fixture, 10));
    (3..40).for_each(|at| expect_whole(&content, &fixture, at));
    let inflated = get(&content.counters().bytes_inflated);
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().bytes_inflated), inflated);
}

#[test]
fn a_smaller_cap_is_kept_from_the_start() {
    let fixture = many(10);
    let content = fixture.content_with(cap(&fixture, 10));
    (0..10).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    assert_eq!(cached_files(&fixture).len(), 10);
    for (blobs, left) in [(4, 4), (0, 0)] {
        drop(fixture.content_with(cap(&fixture, blobs)));
        assert_eq!(cached_files(&fixture).len(), left);
    }
}

#[test]
fn a_cached_file_that_rots_is_never_served_and_made_anew() {
    for size in [MIDDLE, 17 * MIB] {
        for place in [0.0, 0.5, 0.999_999, 1.0] {
            for restart in [false, true] {
                let fixture = Fixture::one(Kind::Deflated, noise(size, 1));
                let mut content = fixture.content();
                expect_whole(&content, &fixture, 0);
                let file = cached_files(&fixture).pop().unwrap();
                let last = std::fs::metadata(&file).unwrap().len() - 1;
                flip(&file, (last as f64 * place) as u64);
                if restart {
                    drop(content);
                    content = fixture.content();
                }
                expect_whole(&content, &fixture, 0);
                drop(content);
                // Damage to the sums at the end of an open file shows when it is opened again.
                expect_whole(&fixture.content(), &fixture, 0);
                let content = fixture.content();
                expect_whole(&content, &fixture, 0);
                assert_eq!(get(&content.counters().bytes_inflated), 0);
            }
        }
    }
}

#[test]
fn a_power_cut_or_a_stranger_leaves_nothing_that_is_believed() {
    let fixture = many(3);
    let content = fixture.content();
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
    let files = cached_files(&fixture);
    // While they are in use, one disappears.
    std::fs::remove_file(&files[0]).unwrap();
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    // At rest, one becomes zeros, one loses its end, one takes the name of another.
    let len = std::fs::metadata(&files[0]).map_or(0, |meta| meta.len());
    std::fs::write(
        &files[1],
        vec![0; std::fs::metadata(&files[1]).unwrap().len() as usize],
    )
    .unwrap();
    std::fs::write(&files[2], &std::fs::read(&files[2]).unwrap()[..1000]).unwrap();
    let content = fixture.content();
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    assert!(len == 0 || len == std::fs::metadata(&files[1]).unwrap().len());
    std::fs::copy(&files[1], &files[2]).unwrap();
    let content = fixture.content();
    (0..3).for_each(|at| expect_whole(&content, &fixture, at));
}

#[test]
fn what_was_being_written_is_removed_and_what_is_not_ours_stays() {
    let fixture = many(1);
    let cache = fixture.cache_dir();
    std::fs::create_dir_all(cache.join("tmp")).unwrap();
    std::fs::create_dir_all(cache.join("blobs/00")).unwrap();
    for file in [
        "tmp/1-0",
        "blobs/00/holiday.jpg",
        "blobs/notes",
        "mine",
        "blobs/00/5-00000000-0000000000000001",
    ] {
        std::fs::write(cache.join(file), b"x").unwrap();
    }
    let content = fixture.content();
    expect_whole(&content, &fixture, 0);
    for (file, stays) in [
        ("tmp/1-0", false),
        ("blobs/00/5-00000000-0000000000000001", false),
        ("blobs/00/holiday.jpg", true),
        ("blobs/notes", true),
        ("mine", true),
    ] {
        assert_eq!(cache.join(file).exists(), stays, "{file}");
    }
    assert_eq!(std::fs::read_dir(cache.join("tmp")).unwrap().count(), 0);
}

#[test]
fn two_mounts_on_one_folder_both_serve_and_the_second_inherits() {
    let fixture = Fixture::new((0..6).map(|seed| {
        (
            Kind::Deflated,
            noise(if seed < 4 { MIDDLE } else { 17 * MIB }, seed),
        )
    }));
    let first = fixture.content();
    let second = fixture.content();
    std::thread::scope(|scope| {
        for content in [&first, &second] {
            scope.spawn(|| (0..6).for_each(|at| expect_whole(content, &fixture, at)));
        }
    });
    assert_eq!(get(&second.counters().cache_hits), 0);
    drop(first);
    // The folder is taken over by the first blob that needs room, with all that is in it.
    let inflated = get(&second.counters().bytes_inflated);
    (0..6).for_each(|at| expect_whole(&second, &fixture, at));
    assert!(get(&second.counters().cache_hits) > 0);
    assert_eq!(get(&second.counters().bytes_inflated), inflated);
}

#[test]
fn entries_that_share_length_and_checksum_are_told_apart() {
    let mut fixture = many(2);
    fixture.items[1].crc32 = fixture.items[0].crc32;
    let content = fixture.content();
    expect_whole(&content, &fixture, 0);
    let (_, error) = drain(&content, &fixture.blob(1));
    assert!(matches!(error, Some(Error::Garbled { .. })), "{error:?}");
}

#[test]
fn photos_in_the_cache_are_nobody_elses_business() {
    let fixture = many(1);
    expect_whole(&fixture.content(), &fixture, 0);
    for path in [
        fixture.cache_dir(),
        fixture.cache_dir().join("blobs"),
        cached_files(&fixture).pop().unwrap(),
    ] {
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o077,
            0,
            "{}",
            path.display()
        );
    }
}

/// Says to a copy of this test where it shall work until it is killed.
const CHILD: &str = "GPHOTOSFS_TEST_KILL";

/// Files that are the same in every process, and so share their cached files.
fn eternal(dir: TempDir) -> Fixture {
    let sizes = [MIDDLE, 17 * MIB, 2 * MIB, 18 * MIB, 3 * MIB];
    let mut fixture = Fixture::below(
        dir,
        sizes.map(|size| (Kind::Deflated, noise(size, size as u64))),
    );
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options()
        .write(true)
        .open(fixture.archive())
        .unwrap()
        .set_modified(time)
        .unwrap();
    fixture.record();
    fixture
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_wrong() {
    // Two large ones, or all small ones and a large one.
    let max_bytes = 36 * MIB as u64;
    let settings = |cache_dir: PathBuf| Settings {
        state_dir: cache_dir.join("state"),
        cache_dir,
        cache_max_bytes: max_bytes,
        min_free_bytes: 0,
    };
    if let Some(cache) = std::env::var_os(CHILD).map(PathBuf::from) {
        let fixture = eternal(TempDir::new_in(cache.parent().unwrap()).unwrap());
        let content = fixture.content_with(settings(cache));
        for at in (0..5).cycle() {
            expect_whole(&content, &fixture, at);
        }
    }
    let fixture = eternal(tempfile::tempdir().unwrap());
    let cache = fixture.cache_dir();
    let name = "content::tests::cache::a_kill_at_any_moment_leaves_nothing_wrong";
    for round in 1..6 {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", name])
            .env(CHILD, &cache)
            .stdout(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut seen = std::collections::HashSet::new();
        let mut turns = 0;
        // Not before it wrote something, and each time at another moment.
        while turns < round * 7 {
            seen.extend(files_below(&cache.join("tmp")).into_keys());
            turns += u64::from(!seen.is_empty());
            assert!(
                child.try_wait().unwrap().is_none(),
                "the child ended by itself"
            );
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let content = fixture.content_with(settings(cache.clone()));
        assert_eq!(std::fs::read_dir(cache.join("tmp")).unwrap().count(), 0);
        (0..5).for_each(|at| expect_whole(&content, &fixture, at));
        let sum: u64 = files_below(&cache.join("blobs")).into_values().sum();
        assert!(sum <= max_bytes);
    }
}
