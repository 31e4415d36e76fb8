use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::{Read, Write};
use std::path::Path;

/// Bytes of which some repeat and some do not.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut bytes = Vec::new();
    while bytes.len() < len {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes());
        if state >> 61 == 0 && bytes.len() > 3000 {
            let from = (state >> 20) as usize % (bytes.len() - 2000);
            bytes.extend_from_within(from..from + 1000);
        }
    }
    bytes.truncate(len);
    bytes
}

/// A member with all that its header may have.
fn member(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0b11100, 0, 0, 0, 0, 0, 0];
    packed.extend(b"\x05\0extra");
    packed.extend(b"takeout-001.tar\0a comment\0");
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::new(level));
    deflated.write_all(bytes).unwrap();
    packed.extend(deflated.finish().unwrap());
    packed.extend(crc32fast::hash(bytes).to_le_bytes());
    packed.extend((bytes.len() as u32).to_le_bytes());
    packed
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(level));
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn raw(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::new(level));
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn passed(packed: &[u8], frame: Frame, spacing: u64) -> Result<(Vec<u8>, Marks), Error> {
    let mut pass = Pass::new(io::Cursor::new(packed.to_vec()), frame, spacing)?;
    let mut bytes = Vec::new();
    pass.read_to_end(&mut bytes).map_err(Error::of)?;
    Ok((bytes, pass.finish()?))
}

fn ident(packed: &[u8]) -> Ident {
    Ident {
        packed: packed.len() as u64,
        check: 5,
    }
}

fn points(marks: &Marks, packed: &[u8], dir: &Path) -> Points {
    let path = dir.join("points");
    marks.write(&path, &ident(packed)).unwrap();
    Points::open(&path, &ident(packed)).unwrap()
}

/// Every place can be entered, gives the right bytes to the end, and is reached by less than a spacing and a block.
fn enter_everywhere(packed: &[u8], frame: Frame, plain: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let spacing = 150_000;
    let (bytes, marks) = passed(packed, frame, spacing).unwrap();
    assert!(bytes == plain);
    let points = points(&marks, packed, dir.path());
    assert!(points.count() > 3, "{}", points.count());
    for at in (0..plain.len()).step_by(77_777).chain([plain.len() - 1]) {
        let source = packed.to_vec();
        let mut runner = Runner::start(source, frame, Some(&points), at as u64).unwrap();
        assert_eq!(runner.position(), points.before(at as u64));
        runner.skip(at as u64).unwrap();
        assert!(runner.inflated() <= spacing + 130_000);
        let mut rest = vec![0; plain.len() - at];
        let mut filled = 0;
        while filled < rest.len() {
            let got = runner.read(&mut rest[filled..]).unwrap();
            assert_ne!(got, 0);
            filled += got;
        }
        assert!(rest == plain[at..], "from {at}");
        assert_eq!(runner.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn a_stream_is_entered_anywhere_at_every_level() {
    let plain = bytes(1_200_000);
    for level in [0, 4, 6, 9] {
        enter_everywhere(&gzip(&plain, level), Frame::Gzip, &plain);
        enter_everywhere(&raw(&plain, level), Frame::Raw, &plain);
    }
}

/// Some programs write at their lowest level one block, however long: nothing in it can be entered.
#[test]
fn a_stream_of_one_block_is_read_from_its_beginning() {
    let plain = bytes(400_000);
    let packed = raw(&plain, 1);
    let (given, marks) = passed(&packed, Frame::Raw, 100_000).unwrap();
    assert!(given == plain);
    let dir = tempfile::tempdir().unwrap();
    let points = points(&marks, &packed, dir.path());
    let mut runner = Runner::start(packed, Frame::Raw, Some(&points), 300_000).unwrap();
    runner.skip(300_000).unwrap();
    let mut byte = [0];
    assert_eq!(runner.read(&mut byte).unwrap(), 1);
    assert_eq!(byte[0], plain[300_000]);
}

#[test]
fn a_gzip_of_many_members_is_one_stream() {
    let plain = bytes(1_200_000);
    let members = |size: usize| -> Vec<u8> {
        let members = plain.chunks(size).map(|bytes| member(bytes, 6));
        members.collect::<Vec<_>>().concat()
    };
    enter_everywhere(&members(250_000), Frame::Gzip, &plain);
    // Shorter than a window, and hundreds of them: still no more points than the spacing allows.
    let packed = members(3000);
    enter_everywhere(&packed, Frame::Gzip, &plain);
    let (_, marks) = passed(&packed, Frame::Gzip, 150_000).unwrap();
    let dir = tempfile::tempdir().unwrap();
    assert!(points(&marks, &packed, dir.path()).count() <= plain.len() / 150_000);
}

#[test]
fn without_points_a_runner_begins_at_the_beginning() {
    let plain = bytes(300_000);
    let packed = gzip(&plain, 6);
    let mut runner = Runner::start(packed, Frame::Gzip, None, 200_000).unwrap();
    assert_eq!(runner.position(), 0);
    runner.skip(200_000).unwrap();
    let mut byte = [0];
    assert_eq!(runner.read(&mut byte).unwrap(), 1);
    assert_eq!(byte[0], plain[200_000]);
    assert!(matches!(runner.skip(5), Err(Error::Damaged(_))));
    assert!(matches!(runner.skip(300_001), Err(Error::Damaged(_))));
}

#[test]
fn whatever_is_cut_or_changed_does_not_pass() {
    let plain = bytes(40_000);
    let packed = [member(&plain[..9000], 6), gzip(&plain[9000..], 6)].concat();
    assert!(passed(&packed, Frame::Gzip, 1000).unwrap().0 == plain);
    let boundary = member(&plain[..9000], 6).len();
    for len in (0..packed.len())
        .step_by(97)
        .chain([boundary + 1, packed.len() - 1])
    {
        let cut = passed(&packed[..len], Frame::Gzip, 1000);
        assert!(matches!(cut, Err(Error::Damaged(_))), "cut after {len}");
    }
    // Flags, time and system of a header, and its free texts, mean nothing to the bytes.
    let deflated = boundary + 10;
    for at in (deflated..packed.len())
        .step_by(31)
        .chain(packed.len() - 8..packed.len())
    {
        let mut broken = packed.clone();
        broken[at] ^= 1;
        match passed(&broken, Frame::Gzip, 1000) {
            Err(Error::Damaged(_)) => {}
            // A bit of filling at the end of the stream.
            Ok((bytes, _)) => assert!(bytes == plain, "byte {at}"),
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    let longer = [packed.as_slice(), b"more"].concat();
    assert!(passed(&longer, Frame::Gzip, 1000).is_err());
    let raw = raw(&plain, 6);
    assert!(passed(&[raw.as_slice(), b"x"].concat(), Frame::Raw, 1000).is_err());
    assert!(passed(&raw[..raw.len() - 1], Frame::Raw, 1000).is_err());
}

#[test]
fn a_file_of_points_that_is_damaged_or_foreign_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let plain = bytes(300_000);
    let packed = raw(&plain, 6);
    let (_, marks) = passed(&packed, Frame::Raw, 100_000).unwrap();
    let path = dir.path().join("points");
    let count = points(&marks, &packed, dir.path()).count();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let whole = std::fs::read(&path).unwrap();
    let other = Ident {
        check: 6,
        ..ident(&packed)
    };
    assert!(Points::open(&path, &other).is_err());
    // The windows are summed one by one, when they are read.
    let windows = whole.len() - count * points::WINDOW;
    for at in (0..windows).chain((windows..whole.len()).step_by(9999)) {
        let mut broken = whole.clone();
        broken[at] ^= 0x20;
        std::fs::write(&path, &broken).unwrap();
        let opened = Points::open(&path, &ident(&packed));
        if at < windows {
            assert!(opened.is_err(), "byte {at}");
            continue;
        }
        let points = opened.unwrap();
        let number = (at - windows) / points::WINDOW;
        let at = (0..300_000).step_by(1000).find(|at| {
            (0..=number).all(|_| points.before(*at) > 0)
                && points.before(*at) >= 100_000 * (number as u64 + 1)
        });
        assert!(points.point(at.unwrap()).is_err());
        // It costs the way from the beginning.
        let mut runner =
            Runner::start(packed.clone(), Frame::Raw, Some(&points), at.unwrap()).unwrap();
        runner.skip(at.unwrap()).unwrap();
        let mut byte = [0];
        assert_eq!(runner.read(&mut byte).unwrap(), 1);
        assert_eq!(byte[0], plain[at.unwrap() as usize]);
    }
    for len in 0..whole.len().min(200) {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert!(Points::open(&path, &ident(&packed)).is_err());
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(Points::open(&path, &ident(&packed)).is_err());
}

#[test]
fn a_source_that_fails_tells_its_own_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = Pass::new(Broken, Frame::Gzip, 1000).err().unwrap();
    let Error::Io(source) = error else {
        panic!("{error}");
    };
    assert_eq!(source.to_string(), "the disk is gone");
}

#[test]
fn names_tell_their_archive() {
    let part = file_name(5, -7, None);
    assert_eq!(owner(&part), Some(part.as_str()));
    assert_eq!(owner(&file_name(5, -7, Some(0x123))), Some(part.as_str()));
    assert_ne!(part, file_name(5, 7, None));
    assert_eq!(owner("strange"), None);
}

#[test]
fn checkpoints_are_few_enough_for_memory() {
    assert_eq!(spacing(0, 100), 4 << 20);
    assert!((50_u64 << 30) / spacing(50 << 30, u64::MAX) <= 2048);
    assert!((2_u64 << 30) / spacing(2 << 30, 256) <= 256);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_stream(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = passed(&bytes, Frame::Raw, 10);
        let _ = passed(&[b"\x1f\x8b\x08".as_slice(), &bytes].concat(), Frame::Gzip, 10);
        if let Ok(mut runner) = Runner::start(bytes, Frame::Raw, None, 0) {
            let _ = runner.skip(1000);
        }
    }
}
