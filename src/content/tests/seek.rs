//! Reads into the middle of what is deflated, and files in a tgz: what they cost, and that they are right.

use super::*;
use crate::deflate::{self, Frame, Pass};
use std::io::Read;

const LARGE: usize = 40 * MIB;
/// A spacing, and what a runner and a stream may go too far: a block, a chunk, and the ways before a checkpoint and a
/// reader that is behind.
const ONE_WAY: u64 = (4 + 3) * MIB as u64;

/// Puts the checkpoints of the tgz where indexing would have put them.
fn mark(fixture: &Fixture) {
    let part = &fixture.parts[1];
    let path = &part.path;
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.last_chunk::<8>().unwrap();
    let ident = deflate::Ident {
        packed: part.size,
        check: u64::from_le_bytes(*end),
    };
    let mut pass = Pass::new(std::io::Cursor::new(bytes.clone()), Frame::Gzip, 4 << 20).unwrap();
    std::io::copy(&mut pass.by_ref(), &mut std::io::sink()).unwrap();
    let dir = fixture.settings().state_dir.join(deflate::FOLDER);
    std::fs::create_dir_all(&dir).unwrap();
    let name = deflate::file_name(part.size, part.mtime_ns, None);
    let marks = pass.finish().unwrap();
    marks.write(&dir.join(name), &ident).unwrap();
}

fn points(fixture: &Fixture) -> Vec<PathBuf> {
    let files = files_below(&fixture.settings().state_dir.join(deflate::FOLDER));
    files.into_keys().map(|(path, ..)| path).collect()
}

fn without_room(fixture: &Fixture) -> Settings {
    Settings {
        cache_max_bytes: 0,
        ..fixture.settings()
    }
}

/// Reads a block, compares it, and says how many bytes that inflated.
fn cost(content: &Content, fixture: &Fixture, at: usize, offset: usize) -> u64 {
    let before = get(&content.counters().bytes_inflated);
    let bytes = read(content, &fixture.blob(at), offset as u64, READ).unwrap();
    let item = &fixture.items[at].bytes;
    assert!(bytes == item[offset..item.len().min(offset + READ)]);
    get(&content.counters().bytes_inflated) - before
}

fn tgz() -> Fixture {
    let sizes = [2000, MIB / 2, 5 * MIB, 0, LARGE, 3 * MIB, 17, 9 * MIB];
    let fixture = Fixture::new(
        (sizes.iter().enumerate()).map(|(at, size)| (Kind::Gzipped, noise(*size, at as u64))),
    );
    mark(&fixture);
    fixture
}

#[test]
fn files_in_a_tgz_are_read_in_its_order_for_little_more_than_their_bytes() {
    let fixture = tgz();
    let sum: u64 = fixture.items.iter().map(|item| item.size).sum();
    for settings in [fixture.settings(), without_room(&fixture)] {
        let content = fixture.content_with(settings);
        for at in 0..fixture.items.len() {
            expect_whole(&content, &fixture, at);
        }
        let inflated = get(&content.counters().bytes_inflated);
        assert!(inflated < sum + MIB as u64, "{inflated} of {sum}");
        // In the opposite order each is reached from a checkpoint.
        let content = fixture.content_with(without_room(&fixture));
        for at in (0..fixture.items.len()).rev() {
            expect_whole(&content, &fixture, at);
        }
        let inflated = get(&content.counters().bytes_inflated);
        assert!(inflated < sum + 8 * ONE_WAY, "{inflated} of {sum}");
    }
}

#[test]
fn a_tgz_without_checkpoints_or_with_damaged_ones_is_read_right() {
    let fixture = tgz();
    let [path] = <[PathBuf; 1]>::try_from(points(&fixture)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for broken in [None, Some(0), Some(10), Some(40), Some(whole.len() - 5)] {
        std::fs::remove_file(&path).unwrap();
        if let Some(at) = broken {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        let content = fixture.content_with(without_room(&fixture));
        for at in [4, 1, 7] {
            let middle = fixture.items[at].bytes.len() / 2;
            cost(&content, &fixture, at, middle);
            expect_whole(&content, &fixture, at);
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_seek_into_a_large_file_does_not_inflate_from_its_start() {
    let zip = Fixture::one(Kind::Deflated, noise(LARGE, 3));
    let in_tgz = tgz();
    for (fixture, at) in [(&zip, 0), (&in_tgz, 4)] {
        let size = fixture.items[at].bytes.len();
        if at == 0 {
            // The first pass leaves checkpoints; before it there are none.
            assert!(points(fixture).is_empty());
            expect_whole(&fixture.content_with(without_room(fixture)), fixture, at);
            assert_eq!(points(fixture).len(), 1);
        }
        let content = fixture.content_with(without_room(fixture));
        for turn in 0..40 {
            let offset = turn * 7_777_777 % (size - 2 * READ);
            let inflated = cost(&content, fixture, at, offset);
            assert!(inflated <= ONE_WAY, "{inflated} for {offset}");
        }
        // Reading on from there costs what is read.
        let inflated: u64 = (0..40)
            .map(|block| cost(&content, fixture, at, 20 * MIB + block * READ))
            .sum();
        assert!(inflated <= ONE_WAY + 40 * READ as u64, "{inflated}");
    }
}

#[test]
fn the_kernels_disorder_across_checkpoints_stays_one_stream_that_judges() {
    let fixture = tgz();
    let content = fixture.content_with(without_room(&fixture));
    let blocks = LARGE / READ;
    let order = (0..blocks)
        .step_by(4)
        .flat_map(|four| [2, 3, 0, 1].map(|at| four + at));
    let inflated: u64 = order
        .filter(|block| *block < blocks)
        .map(|block| cost(&content, &fixture, 4, block * READ))
        .sum();
    // Files before it in the archive are on the way to its beginning.
    assert!(inflated <= LARGE as u64 + ONE_WAY, "{inflated}");
    assert_eq!(get(&content.counters().checks), 1);
}

#[test]
fn reads_at_the_same_time_stay_one_stream_that_judges() {
    let fixture = tgz();
    let content = fixture.content_with(without_room(&fixture));
    let turn = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let (content, fixture, turn) = (&content, &fixture, &turn);
            scope.spawn(move || {
                for four in (0..LARGE / READ).step_by(4) {
                    turn.wait();
                    let offset = (four + reader) * READ;
                    let bytes = read(content, &fixture.blob(4), offset as u64, READ).unwrap();
                    assert!(bytes == fixture.items[4].bytes[offset..offset + READ]);
                }
            });
        }
    });
    let inflated = get(&content.counters().bytes_inflated);
    assert!(inflated <= LARGE as u64 + ONE_WAY, "{inflated}");
    assert_eq!(get(&content.counters().checks), 1);
}

#[test]
fn the_last_byte_waits_for_the_whole_and_never_again() {
    let zip = Fixture::one(Kind::Deflated, noise(LARGE, 3));
    let in_tgz = tgz();
    for (fixture, at) in [(&zip, 0), (&in_tgz, 4)] {
        let size = fixture.items[at].size;
        let last = size as usize - READ;
        let content = fixture.content_with(without_room(fixture));
        if at == 4 {
            assert!(cost(&content, fixture, at, MIB) <= ONE_WAY);
        }
        let first = cost(&content, fixture, at, last);
        assert!(first + ONE_WAY >= size, "{first}");
        assert_eq!(get(&content.counters().checks), 1);
        assert!(cost(&content, fixture, at, 0) <= ONE_WAY);
        drop(content);
        let content = fixture.content_with(without_room(fixture));
        assert!(cost(&content, fixture, at, last) <= ONE_WAY);
        assert_eq!(get(&content.counters().checks), 0);
    }
}

#[test]
fn what_fails_its_check_fails_at_its_last_byte() {
    let zip = Fixture::one(Kind::Deflated, noise(LARGE, 3));
    expect_whole(&zip.content_with(without_room(&zip)), &zip, 0);
    let in_tgz = tgz();
    for (mut fixture, at) in [(zip, 0), (in_tgz, 4)] {
        fixture.items[at].crc32 ^= 1;
        for settings in [without_room(&fixture), fixture.settings()] {
            let content = fixture.content_with(settings);
            let blob = fixture.blob(at);
            let last = blob.size - READ as u64;
            let error = read(&content, &blob, last, READ).unwrap_err();
            assert!(matches!(error, Error::Garbled { .. }), "{error}");
            // And at once from then on.
            let before = get(&content.counters().bytes_inflated);
            assert!(read(&content, &blob, 0, READ).is_err());
            assert_eq!(get(&content.counters().bytes_inflated), before);
        }
        assert!(cached_files(&fixture).is_empty());
    }
}

#[test]
fn a_small_file_of_a_tgz_that_fails_its_check_gives_nothing() {
    let mut fixture = tgz();
    for at in [0, 1, 2, 6] {
        fixture.items[at].crc32 ^= 1;
        let content = fixture.fresh();
        let error = read(&content, &fixture.blob(at), 0, 10).unwrap_err();
        assert!(matches!(error, Error::Garbled { .. }), "{error}");
    }
    // One that says that it reaches beyond the end.
    fixture.items[7].size += 5000;
    let content = fixture.fresh();
    let error = read(&content, &fixture.blob(7), 0, 10).unwrap_err();
    assert!(matches!(error, Error::Garbled { .. }), "{error}");
}

#[test]
fn a_tgz_that_was_replaced_or_damaged_or_is_gone_is_an_error() {
    let fixture = tgz();
    let path = fixture.file(4);
    let content = fixture.content_with(without_room(&fixture));
    cost(&content, &fixture, 4, 20 * MIB);
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    flip(&path, std::fs::metadata(&path).unwrap().len() / 2);
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(before)
        .unwrap();
    let (_, error) = drain(&content, &fixture.blob(4));
    assert!(matches!(error, Some(Error::Garbled { .. })), "{error:?}");
    let content = fixture.content_with(without_room(&fixture));
    flip(&path, 100);
    let error = read(&content, &fixture.blob(7), 0, READ).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    let error = read(&content, &fixture.blob(5), 0, READ).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

#[test]
fn many_readers_of_a_tgz_get_the_right_bytes() {
    let fixture = tgz();
    for settings in [without_room(&fixture), fixture.settings()] {
        let content = fixture.content_with(settings);
        std::thread::scope(|scope| {
            for reader in 0..6 {
                let (content, fixture) = (&content, &fixture);
                scope.spawn(move || {
                    for turn in 0..12 {
                        let at = [4, 2, 5, 7, 1, 0][(reader + turn) % 6];
                        let size = fixture.items[at].bytes.len();
                        cost(content, fixture, at, (turn * 3_333_333 + reader) % size);
                    }
                    expect_whole(content, fixture, [7, 4, 2][reader % 3]);
                });
            }
        });
    }
}
