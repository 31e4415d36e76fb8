//! Right bytes, and no more work than they take.

use proptest::test_runner::{Config, TestRunner};

use super::*;

const SIZES: [usize; 9] = [
    1,
    1000,
    READ,
    READ + 1,
    700 * KIB,
    MIB,
    MIB + 1,
    3 * MIB + 5,
    17 * MIB + 3,
];

fn all_kinds_and_sizes() -> Fixture {
    let file = |kind| move |size| (kind, noise(size, size as u64));
    Fixture::new(
        KINDS
            .into_iter()
            .flat_map(|kind| SIZES.into_iter().map(file(kind))),
    )
}

#[test]
fn any_range_equals_the_slice() {
    let fixture = all_kinds_and_sizes();
    let content = fixture.content();
    let strategy = (0..fixture.items.len(), 0.0..1.1f64, 0..300 * KIB);
    let mut runner = TestRunner::new(Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&strategy, |(at, place, len)| {
        let bytes = &fixture.items[at].bytes;
        let from = (bytes.len() as f64 * place) as usize;
        let slice = &bytes[from.min(bytes.len())..(from + len).min(bytes.len())];
        proptest::prop_assert!(
            read(&content, &fixture.blob(at), from as u64, len).unwrap() == slice
        );
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn every_kind_and_size_reads_whole_at_once_and_in_pieces() {
    let fixture = all_kinds_and_sizes();
    for turn in 0..2 {
        let content = fixture.content();
        for (at, item) in fixture.items.iter().enumerate() {
            if turn == 0 {
                assert!(read(&content, &fixture.blob(at), 0, usize::MAX).unwrap() == item.bytes);
            }
            expect_whole(&content, &fixture, at);
        }
    }
}

#[test]
fn beyond_the_end_is_nothing_and_no_sum_overflows() {
    let fixture = Fixture::new(
        KINDS
            .map(|kind| (kind, noise(5000, 1)))
            .into_iter()
            .chain([(Kind::Stored, vec![])]),
    );
    let content = fixture.content();
    for at in 0..4 {
        let blob = fixture.blob(at);
        for (offset, len) in [
            (blob.size, 1),
            (blob.size + 1, usize::MAX),
            (u64::MAX, usize::MAX),
            (0, 0),
        ] {
            assert_eq!(read(&content, &blob, offset, len).unwrap(), b"");
        }
        assert_eq!(
            read(&content, &blob, 1, usize::MAX).unwrap(),
            fixture.items[at].bytes.get(1..).unwrap_or_default()
        );
    }
}

#[test]
fn an_index_beyond_the_table_costs_speed_only() {
    let fixture = Fixture::new(KINDS.map(|kind| (kind, noise(2 * MIB, 3))));
    let content = Content::new(fixture.settings(), fixture.parts.clone(), 0).unwrap();
    for at in 0..3 {
        expect_whole(&content, &fixture, at);
    }
}

#[test]
fn small_files_are_answered_at_once_and_read_once() {
    let fixture = Fixture::new(KINDS.map(|kind| (kind, noise(100 * KIB, 5))));
    let content = fixture.content();
    for at in 0..3 {
        let before = get(&content.counters().bytes_read_from_archives);
        let bytes = content
            .read_now(&fixture.blob(at), 0, READ)
            .unwrap()
            .unwrap();
        assert!(bytes == fixture.items[at].bytes);
        let read = get(&content.counters().bytes_read_from_archives) - before;
        assert!(read <= fixture.items[at].packed + 1024, "{read}");
    }
    assert_eq!(get(&content.counters().checks), 3);
    assert!(cached_files(&fixture).is_empty());
}

#[test]
fn a_checked_blob_costs_its_bytes_and_no_open() {
    for kind in [Kind::Stored, Kind::Plain] {
        for size in [READ, 2 * MIB, 17 * MIB] {
            let fixture = Fixture::one(kind, noise(size, 7));
            let content = fixture.content();
            expect_whole(&content, &fixture, 0);
            let counters = content.counters();
            let (read, opens) = (
                get(&counters.bytes_read_from_archives),
                content.house.origin.opens(),
            );
            // What is checked whole at its first read is read as it lies by the others.
            let most = if size > 16 * MIB {
                size
            } else {
                2 * size - READ
            } as u64;
            assert!(read <= most + 1024, "read {read} bytes of {size}");
            let blob = fixture.blob(0);
            assert_eq!(
                content.read_now(&blob, 10, 1000).unwrap().unwrap(),
                fixture.items[0].bytes[10..1010]
            );
            assert_eq!(get(&counters.bytes_read_from_archives), read + 1000);
            assert_eq!(
                (content.house.origin.opens(), get(&counters.checks)),
                (opens, 1)
            );
            assert_eq!(opens, 1);
        }
    }
}

#[test]
fn reads_in_disorder_drag_the_sum_along() {
    let fixture = Fixture::one(Kind::Stored, noise(20 * MIB, 11));
    let (content, blob, bytes) = (fixture.content(), fixture.blob(0), &fixture.items[0].bytes);
    let blocks = bytes.len() / READ;
    for pair in (0..blocks).step_by(2) {
        for block in [pair + 1, pair] {
            let from = block * READ;
            assert!(read(&content, &blob, from as u64, READ).unwrap() == bytes[from..from + READ]);
        }
    }
    // Each pair was read by its second half, and its first half once more.
    assert!(get(&content.counters().bytes_read_from_archives) <= bytes.len() as u64 * 3 / 2 + 1024);
    assert_eq!(get(&content.counters().checks), 1);
}

#[test]
fn a_jump_into_a_large_file_is_answered_at_once() {
    let fixture = Fixture::one(Kind::Stored, noise(40 * MIB, 13));
    let (content, blob) = (fixture.content(), fixture.blob(0));
    let from = 30 * MIB;
    assert!(
        read(&content, &blob, from as u64, READ).unwrap()
            == fixture.items[0].bytes[from..from + READ]
    );
    assert!(get(&content.counters().bytes_read_from_archives) <= READ as u64 + 1024);
    // The last block waits for all of them.
    let last = blob.size - 10;
    assert!(read(&content, &blob, last, READ).unwrap() == fixture.items[0].bytes[last as usize..]);
    assert!(get(&content.counters().bytes_read_from_archives) >= blob.size);
    assert_eq!(get(&content.counters().checks), 1);
}

#[test]
fn what_passed_is_known_after_a_restart_until_the_archive_changes() {
    let sizes = [1000, 2 * MIB, 17 * MIB];
    let files = sizes
        .into_iter()
        .flat_map(|size| [Kind::Stored, Kind::Plain].map(|kind| (kind, noise(size, 17))));
    let fixture = Fixture::new(files);
    let content = fixture.content();
    (0..6).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().checks), 6);
    drop(content);

    let content = fixture.content();
    for (at, item) in fixture.items.iter().enumerate() {
        let bytes = content
            .read_now(&fixture.blob(at), 500, 100)
            .unwrap()
            .unwrap();
        assert_eq!(bytes, item.bytes[500..600]);
    }
    assert_eq!(get(&content.counters().checks), 0);
    assert!(get(&content.counters().bytes_read_from_archives) <= 6 * (100 + 30));
    drop(content);

    // A change that shows in nothing but the ctime.
    let ctime = |path: &Path| {
        std::fs::metadata(path)
            .map(|meta| (meta.ctime(), meta.ctime_nsec()))
            .unwrap()
    };
    for at in 0..6 {
        let (path, before) = (fixture.file(at), ctime(&fixture.file(at)));
        while ctime(&path) == before {
            let mode = std::fs::metadata(&path).unwrap().permissions();
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
    let content = fixture.content();
    (0..6).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().checks), 6);
}

#[test]
fn a_torn_memory_costs_a_check() {
    let fixture = Fixture::new([
        (Kind::Stored, noise(1000, 1)),
        (Kind::Plain, noise(1000, 2)),
    ]);
    let content = fixture.content();
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    let memory = fixture.dir.path().join("state/checked");
    let len = std::fs::metadata(&memory).unwrap().len();
    File::options()
        .write(true)
        .open(&memory)
        .unwrap()
        .set_len(len - 1)
        .unwrap();
    let content = fixture.content();
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().checks), 1);
}
