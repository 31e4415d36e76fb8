//! Archives that are gone, replaced, or back.

use super::*;

fn expect_missing(content: &Content, blob: &Blob<'_>, offset: u64) {
    let outcome = read(content, blob, offset, 10);
    assert!(matches!(outcome, Err(Error::Missing { .. })), "{outcome:?}");
}

#[test]
fn what_is_missing_fails_and_is_served_once_it_is_back() {
    for kind in KINDS {
        for size in [1000, 3 * MIB, 17 * MIB] {
            for read_before in [false, true] {
                let fixture = Fixture::one(kind, noise(size, 1));
                let (content, blob, path) = (fixture.content(), fixture.blob(0), fixture.file(0));
                let away = path.with_extension("away");
                if read_before {
                    read(&content, &blob, 0, READ).unwrap();
                }
                std::fs::rename(&path, &away).unwrap();
                // Cached bytes are served without their archive.
                let cached = kind == Kind::Deflated && read_before && size > MIB;
                if !cached {
                    expect_missing(&content, &blob, 0);
                    expect_missing(&content, &blob, size as u64 - 1);
                }
                std::fs::rename(&away, &path).unwrap();
                expect_whole(&content, &fixture, 0);
            }
        }
    }
}

#[test]
fn cached_bytes_are_served_without_their_archive() {
    let fixture = Fixture::new([
        (Kind::Deflated, noise(3 * MIB, 1)),
        (Kind::Deflated, noise(17 * MIB, 2)),
    ]);
    let content = fixture.content();
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    std::fs::remove_file(fixture.archive()).unwrap();
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    drop(content);
    let content = fixture.content();
    (0..2).for_each(|at| expect_whole(&content, &fixture, at));
    assert_eq!(get(&content.counters().bytes_inflated), 0);
}

#[test]
fn a_replaced_or_rewritten_file_is_never_served() {
    for kind in KINDS {
        for size in [1000, 3 * MIB, 17 * MIB] {
            for read_before in [false, true] {
                let fixture = Fixture::one(kind, noise(size, 2));
                let settings = Settings {
                    cache_max_bytes: 0,
                    ..fixture.settings()
                };
                let (content, blob, path) = (
                    fixture.content_with(settings),
                    fixture.blob(0),
                    fixture.file(0),
                );
                let half = size as u64 / 2;
                if read_before {
                    read(&content, &blob, 0, half as usize).unwrap();
                }
                let mut other = std::fs::read(&path).unwrap();
                other.push(1);
                std::fs::write(path.with_extension("new"), other).unwrap();
                std::fs::rename(path.with_extension("new"), &path).unwrap();
                match read(&content, &blob, half, usize::MAX) {
                    Err(Error::Changed { .. }) => {}
                    // Small ones that were inflated whole are still in memory, and right.
                    Ok(bytes) => {
                        assert!(kind == Kind::Deflated && read_before && size < 17 * MIB);
                        assert!(bytes == fixture.items[0].bytes[half as usize..]);
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }
}

#[test]
fn bytes_that_change_behind_an_old_mtime_are_checked_again() {
    for kind in [Kind::Stored, Kind::Plain] {
        for size in [1000, 3 * MIB, 17 * MIB] {
            let fixture = Fixture::one(kind, noise(size, 3));
            let (content, path) = (fixture.content(), fixture.file(0));
            expect_whole(&content, &fixture, 0);
            let meta = std::fs::metadata(&path).unwrap();
            let (modified, ctime) = (meta.modified().unwrap(), (meta.ctime(), meta.ctime_nsec()));
            flip(&path, fixture.start(0) + size as u64 / 2);
            // The clock of ctimes is coarse; wait until it shows the change.
            loop {
                File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_modified(modified)
                    .unwrap();
                let meta = std::fs::metadata(&path).unwrap();
                if (meta.ctime(), meta.ctime_nsec()) != ctime {
                    break;
                }
            }
            let (bytes, error) = drain(&content, &fixture.blob(0));
            assert!(matches!(error, Some(Error::Garbled { .. })), "{error:?}");
            assert!(bytes.len() < size);
        }
    }
}

#[test]
fn a_part_nobody_told_of_is_missing() {
    let fixture = Fixture::one(Kind::Stored, noise(10, 4));
    let content = Content::new(fixture.settings(), Vec::new(), 1).unwrap();
    expect_missing(&content, &fixture.blob(0), 0);
}

#[test]
fn messages_name_the_archive() {
    let mut fixture = Fixture::one(Kind::Deflated, noise(1000, 5));
    fixture.flip(0, 40);
    let error = read(&fixture.content(), &fixture.blob(0), 0, 1).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(fixture.archive().to_str().unwrap()),
        "{text}"
    );
    std::fs::remove_file(fixture.archive()).unwrap();
    let error = read(&fixture.content(), &fixture.blob(0), 0, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is missing", fixture.archive().display())
    );
}
