//! Archives that are damaged or lie: an error, never a wrong byte.

use std::sync::{Arc, Mutex};

use super::*;

const LARGE: usize = 17 * MIB;

fn expect_garbled<T>(outcome: Result<T, Error>) {
    match outcome {
        Err(Error::Garbled { .. }) => {}
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("served"),
    }
}

#[test]
fn a_damaged_small_file_fails_at_its_first_read_wherever_that_is() {
    for kind in KINDS {
        for size in [1000, 700 * KIB, 3 * MIB] {
            let mut fixture = Fixture::one(kind, noise(size, 1));
            fixture.flip(0, fixture.items[0].packed - 7);
            for offset in [0, size as u64 / 2, size as u64 - 1] {
                expect_garbled(read(&fixture.fresh(), &fixture.blob(0), offset, 100));
            }
            assert!(cached_files(&fixture).is_empty());
        }
    }
}

#[test]
fn a_damaged_large_file_fails_at_its_last_read_at_the_latest() {
    for kind in KINDS {
        for place in [0.01, 0.5, 0.999_999] {
            let mut fixture = Fixture::one(kind, noise(LARGE, 2));
            fixture.flip(0, (fixture.items[0].packed as f64 * place) as u64);
            let blob = fixture.blob(0);
            let content = fixture.fresh();
            let (bytes, error) = drain(&content, &blob);
            assert!(
                matches!(error, Some(Error::Garbled { .. })),
                "{kind:?} {place} {error:?}"
            );
            assert!(bytes.len() < LARGE);
            expect_garbled(read(&content, &blob, 0, 1));
            expect_garbled(read(&fixture.fresh(), &blob, blob.size - 1, 1));
            assert!(cached_files(&fixture).is_empty());
        }
    }
}

#[test]
fn a_damaged_large_file_is_served_up_to_its_last_read() {
    // A flipped byte in the data of a stored entry, and a wrong checksum of a deflated one, show at the end only.
    let mut stored = Fixture::one(Kind::Stored, noise(LARGE, 3));
    stored.flip(0, LARGE as u64 / 2);
    let mut deflated = Fixture::one(Kind::Deflated, noise(LARGE, 3));
    deflated.items[0].crc32 ^= 1;
    for fixture in [stored, deflated] {
        let (bytes, error) = drain(&fixture.content(), &fixture.blob(0));
        assert!(matches!(error, Some(Error::Garbled { .. })), "{error:?}");
        assert!(bytes.len() <= LARGE - READ && bytes.len() % READ == 0);
    }
}

#[test]
fn a_failure_stands_for_a_minute_and_is_then_tried_anew() {
    for kind in KINDS {
        for size in [1000, 3 * MIB, LARGE] {
            let mut fixture = Fixture::one(kind, noise(size, 4));
            let right = fixture.items[0].crc32;
            fixture.items[0].crc32 ^= 0x100;
            let now = Arc::new(Mutex::new(Instant::now()));
            let clock = {
                let now = Arc::clone(&now);
                Box::new(move || *now.lock().unwrap())
            };
            let content =
                Content::with_clock(fixture.settings(), fixture.parts.clone(), 1, clock).unwrap();
            assert!(drain(&content, &fixture.blob(0)).1.is_some());
            let read_bytes = get(&content.counters().bytes_read_from_archives);
            // What is wrong is the description here, so that it can be put right.
            fixture.items[0].crc32 = right;
            for offset in [0, size as u64 - 1] {
                expect_garbled(content.read_now(&fixture.blob(0), offset, 1).unwrap());
                expect_garbled(content.read(&fixture.blob(0), offset, 1));
            }
            *now.lock().unwrap() += Duration::from_secs(59);
            expect_garbled(read(&content, &fixture.blob(0), 0, 1));
            assert_eq!(
                get(&content.counters().bytes_read_from_archives),
                read_bytes
            );
            *now.lock().unwrap() += Duration::from_secs(2);
            expect_whole(&content, &fixture, 0);
        }
    }
}

#[test]
fn sizes_that_lie_are_found_out() {
    for kind in KINDS {
        for size in [1000, 700 * KIB, 3 * MIB, LARGE] {
            let mut fixture = Fixture::one(kind, noise(size, 5));
            for lie in [-1, 1, -500, 500] {
                let item = &mut fixture.items[0];
                item.size = size.checked_add_signed(lie).unwrap() as u64;
                // Give a lie that is too short the best chance there is.
                item.crc32 = crc32fast::hash(&item.bytes[..size.min(item.size as usize)]);
                let (_, error) = drain(&fixture.fresh(), &fixture.blob(0));
                match (kind, error) {
                    (Kind::Plain, Some(Error::Changed { .. })) => {}
                    (Kind::Stored | Kind::Deflated, Some(Error::Garbled { .. })) => {}
                    (_, error) => panic!("{kind:?} {size} {lie} {error:?}"),
                }
            }
            // Even if both lengths of a stored entry lie alike.
            if kind == Kind::Stored {
                fixture.items[0].packed = fixture.items[0].size;
                expect_garbled(
                    drain(&fixture.fresh(), &fixture.blob(0))
                        .1
                        .map_or(Ok(()), Err),
                );
            }
        }
    }
}

#[test]
fn packed_lengths_that_lie_are_found_out() {
    for size in [1000, 3 * MIB, LARGE] {
        for lie in [-1, 1] {
            let mut fixture = Fixture::one(Kind::Deflated, noise(size, 6));
            fixture.items[0].packed = fixture.items[0].packed.checked_add_signed(lie).unwrap();
            assert!(matches!(
                drain(&fixture.content(), &fixture.blob(0)).1,
                Some(Error::Garbled { .. })
            ));
        }
    }
}

#[test]
fn a_bomb_goes_no_further_than_its_size() {
    let fixture = Fixture::one(Kind::Deflated, vec![0; 64 * MIB]);
    for size in [1000, 2 * MIB, LARGE] {
        for cache_max_bytes in [0, 1 << 30] {
            let mut fixture = Fixture {
                dir: tempfile::tempdir().unwrap(),
                items: fixture.items.clone(),
                parts: fixture.parts.clone(),
            };
            fixture.items[0].size = size as u64;
            fixture.items[0].crc32 = crc32fast::hash(&vec![0; size]);
            let content = fixture.content_with(Settings {
                cache_max_bytes,
                ..fixture.settings()
            });
            assert!(matches!(
                drain(&content, &fixture.blob(0)).1,
                Some(Error::Garbled { .. })
            ));
            assert!(get(&content.counters().bytes_inflated) <= size as u64);
            drop(content);
            assert!(
                files_below(&fixture.cache_dir())
                    .into_values()
                    .all(|len| len == 0)
            );
        }
    }
}

#[test]
fn headers_that_are_none_and_ranges_beyond_the_archive_are_found_out() {
    for kind in [Kind::Stored, Kind::Deflated] {
        for size in [1000, 3 * MIB, LARGE] {
            let mut fixture = Fixture::one(kind, noise(size, 7));
            let (right, archive) = (fixture.items[0].clone(), fixture.parts[0].size);
            for header in [
                1,
                500,
                archive - 29,
                archive - 1,
                archive,
                archive + 1,
                u64::MAX - 3,
                u64::MAX,
            ] {
                fixture.items[0].header = header;
                expect_garbled(read(&fixture.fresh(), &fixture.blob(0), 0, 10));
            }
            fixture.items[0].header = right.header;
            for packed in [archive - 29, archive, u64::MAX] {
                fixture.items[0].packed = packed;
                fixture.items[0].size = if kind == Kind::Stored {
                    packed
                } else {
                    right.size
                };
                expect_garbled(read(&fixture.fresh(), &fixture.blob(0), 0, 10));
            }
            // A name that is said to be longer than the archive.
            fixture.items[0] = right;
            let file = File::options().write(true).open(fixture.archive()).unwrap();
            file.write_all_at(&[0xff; 4], 26).unwrap();
            fixture.record();
            expect_garbled(
                drain(&fixture.fresh(), &fixture.blob(0))
                    .1
                    .map_or(Ok(()), Err),
            );
        }
    }
}

#[test]
fn a_path_never_leads_out_of_its_folder() {
    let mut fixture = Fixture::one(Kind::Plain, noise(1000, 8));
    std::fs::write(fixture.dir.path().join("secret"), noise(1000, 8)).unwrap();
    fixture.items[0].mtime_ns = mtime_ns(&fixture.dir.path().join("secret"));
    for path in [
        "../secret".to_owned(),
        fixture
            .dir
            .path()
            .join("secret")
            .to_str()
            .unwrap()
            .to_owned(),
    ] {
        fixture.items[0].path = path;
        expect_garbled(read(&fixture.fresh(), &fixture.blob(0), 0, 10));
    }
}
