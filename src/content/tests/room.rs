//! Without room in the cache: right bytes all the same.

use super::*;

const LARGE: usize = 24 * MIB;

fn deflated() -> Fixture {
    Fixture::new(
        [5 * MIB / 4, 10 * MIB, LARGE].map(|size| (Kind::Deflated, noise(size, size as u64))),
    )
}

/// Caches that have no room, each for a reason of its own, and the files that hit it.
fn without_room(fixture: &Fixture) -> Vec<(&'static str, Settings)> {
    let settings = fixture.settings();
    let beside = fixture.dir.path().join("file");
    std::fs::write(&beside, b"x").unwrap();
    // Folders of blobs that cannot be made, so that a file fails at the very end.
    let blocked = fixture.dir.path().join("blocked");
    std::fs::create_dir_all(blocked.join("blobs")).unwrap();
    for item in &fixture.items {
        std::fs::write(
            blocked
                .join("blobs")
                .join(format!("{:02x}", item.crc32 & 0xff)),
            b"x",
        )
        .unwrap();
    }
    vec![
        (
            "no cache",
            Settings {
                cache_max_bytes: 0,
                ..settings.clone()
            },
        ),
        (
            "a small cache",
            Settings {
                cache_max_bytes: MIB as u64,
                ..settings.clone()
            },
        ),
        (
            "a full disk",
            Settings {
                min_free_bytes: u64::MAX,
                ..settings.clone()
            },
        ),
        (
            "no folder",
            Settings {
                cache_dir: beside.join("cache"),
                ..settings.clone()
            },
        ),
        (
            "no names",
            Settings {
                cache_dir: blocked,
                ..settings
            },
        ),
    ]
}

#[test]
fn files_are_read_from_front_to_back_and_inflated_once() {
    let fixture = deflated();
    for (why, settings) in without_room(&fixture) {
        let content = fixture.content_with(settings);
        for (at, item) in fixture.items.iter().enumerate() {
            let before = get(&content.counters().bytes_inflated);
            expect_whole(&content, &fixture, at);
            let inflated = get(&content.counters().bytes_inflated) - before;
            // Where the failure comes at the very end, the whole was inflated for nothing.
            let times = if why == "no names" { 2 } else { 1 };
            assert!(inflated <= times * item.size, "{why} {at}");
        }
        drop(content);
        assert!(cached_files(&fixture).is_empty(), "{why}");
    }
}

#[test]
fn files_are_read_backwards_and_at_random() {
    let fixture = deflated();
    for (why, settings) in without_room(&fixture).into_iter().step_by(4) {
        let content = fixture.content_with(settings);
        for (at, item) in fixture.items.iter().enumerate() {
            let blocks = item.bytes.len().div_ceil(READ);
            let jumps = (0..20).map(|jump| jump * 7919 % blocks);
            for block in (0..blocks).rev().chain(jumps) {
                let (from, to) = (block * READ, ((block + 1) * READ).min(item.bytes.len()));
                let bytes = read(&content, &fixture.blob(at), from as u64, READ).unwrap();
                assert!(bytes == item.bytes[from..to], "{why} {at} {block}");
            }
            // More at once than the window holds.
            let bytes = read(&content, &fixture.blob(at), 1000, 9 * MIB).unwrap();
            assert!(bytes == item.bytes[1000..item.bytes.len().min(1000 + 9 * MIB)]);
        }
    }
}

#[test]
fn the_kernels_disorder_does_not_inflate_again() {
    let fixture = Fixture::one(Kind::Deflated, noise(LARGE, 3));
    let content = fixture.content_with(Settings {
        cache_max_bytes: 0,
        ..fixture.settings()
    });
    let blocks = LARGE / READ;
    for trio in (0..blocks).step_by(3) {
        for block in [trio + 2, trio, trio + 1]
            .into_iter()
            .filter(|block| *block < blocks)
        {
            let from = block * READ;
            let bytes = read(&content, &fixture.blob(0), from as u64, READ).unwrap();
            assert!(bytes == fixture.items[0].bytes[from..from + READ]);
        }
    }
    assert_eq!(get(&content.counters().bytes_inflated), LARGE as u64);
}

#[test]
fn many_readers_get_right_bytes() {
    let fixture = deflated();
    let content = fixture.content_with(Settings {
        cache_max_bytes: 0,
        ..fixture.settings()
    });
    std::thread::scope(|scope| {
        for turn in 0..6 {
            let (content, fixture) = (&content, &fixture);
            scope.spawn(move || {
                (0..3).for_each(|at| expect_whole(content, fixture, (at + turn) % 3));
            });
        }
    });
}

#[test]
fn damage_is_found_without_a_cache_too() {
    for size in [5 * MIB / 4, LARGE] {
        let mut fixture = Fixture::one(Kind::Deflated, noise(size, 4));
        fixture.items[0].crc32 ^= 1;
        for (why, settings) in without_room(&fixture) {
            let content = fixture.content_with(settings);
            let (bytes, error) = drain(&content, &fixture.blob(0));
            assert!(
                matches!(error, Some(Error::Garbled { .. })),
                "{why} {error:?}"
            );
            assert!(bytes.len() < size);
            assert!(read(&content, &fixture.blob(0), 0, 1).is_err());
        }
        // And so it is where the reader begins at the end.
        let content = fixture.content_with(Settings {
            cache_max_bytes: 0,
            ..fixture.settings()
        });
        assert!(read(&content, &fixture.blob(0), size as u64 - 1, 1).is_err());
    }
}

#[test]
fn the_floor_of_free_space_comes_before_the_cache() {
    let mut fixture = deflated();
    let content = fixture.content();
    (1..3).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    assert_eq!(cached_files(&fixture).len(), 2);
    fixture.items.rotate_left(1);
    let settings = Settings {
        min_free_bytes: u64::MAX,
        ..fixture.settings()
    };
    let content = fixture.content_with(settings);
    // What is there is served, as long as nothing asks for more.
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().bytes_inflated), 0);
    expect_whole(&content, &fixture, 2);
    assert_eq!(get(&content.counters().evictions), 2);
    assert!(cached_files(&fixture).is_empty());
}

#[test]
fn the_end_of_a_mount_does_not_wait_for_a_blob_nobody_reads() {
    let fixture = Fixture::one(Kind::Deflated, noise(64 * MIB, 5));
    let content = fixture.content();
    read(&content, &fixture.blob(0), 0, READ).unwrap();
    drop(content);
    assert_eq!(
        std::fs::read_dir(fixture.cache_dir().join("tmp"))
            .unwrap()
            .count(),
        0
    );
    expect_whole(&fixture.content(), &fixture, 0);
}
