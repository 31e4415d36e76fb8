//! A guest of cache and memory: it is served what lies there, and leaves nothing behind.

use super::*;

/// All files of the fixture but its archives, with their lengths and times.
fn kept(fixture: &Fixture) -> Vec<(PathBuf, u64, i64)> {
    let mut files = Vec::new();
    for folder in ["cache", "state"] {
        let found = files_below(&fixture.dir.path().join(folder));
        files.extend(found.into_iter().map(|((path, ..), len)| {
            let written = mtime_ns(&path);
            (path, len, written)
        }));
    }
    files.sort();
    files
}

fn library() -> Fixture {
    Fixture::new([
        (Kind::Stored, noise(2 * MIB, 1)),
        (Kind::Deflated, noise(700 * KIB, 2)),
        (Kind::Deflated, noise(17 * MIB, 3)),
        (Kind::Plain, noise(3 * MIB, 4)),
    ])
}

#[test]
fn a_guest_is_served_from_cache_and_memory() {
    let fixture = library();
    let content = fixture.content();
    for at in 0..4 {
        expect_whole(&content, &fixture, at);
    }
    drop(content);
    let before = kept(&fixture);
    // Also beside who owns the cache.
    for owner in [None, Some(fixture.content())] {
        let guest = fixture.guest();
        for at in 0..4 {
            expect_whole(&guest, &fixture, at);
        }
        assert_eq!(get(&guest.counters().bytes_inflated), 0);
        assert_eq!(get(&guest.counters().checks), 0);
        assert!(get(&guest.counters().cache_hits) > 0);
        drop(guest);
        assert_eq!(kept(&fixture), before);
        drop(owner);
    }
}

#[test]
fn a_guest_of_empty_folders_leaves_them_so() {
    let fixture = library();
    let guest = fixture.guest();
    for at in [0, 1, 2, 3, 2, 1] {
        expect_whole(&guest, &fixture, at);
    }
    assert!(get(&guest.counters().bytes_inflated) > 0);
    drop(guest);
    assert_eq!(kept(&fixture), []);
    assert!(!fixture.cache_dir().exists());
}

#[test]
fn a_guest_believes_no_spoilt_file_of_the_cache_and_leaves_it_to_its_owner() {
    let fixture = Fixture::one(Kind::Deflated, noise(700 * KIB, 2));
    let content = fixture.content();
    expect_whole(&content, &fixture, 0);
    drop(content);
    let cached = cached_files(&fixture);
    flip(&cached[0], 300_000);
    let guest = fixture.guest();
    expect_whole(&guest, &fixture, 0);
    assert!(get(&guest.counters().bytes_inflated) > 0);
    assert_eq!(cached_files(&fixture), cached);
}
