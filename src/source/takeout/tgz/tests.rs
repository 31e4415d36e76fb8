use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Keeps texts as they are.
#[derive(Default)]
struct Keep {
    came: u64,
}

impl Reader for Keep {
    type Facts = Vec<u8>;
    fn is_text(&self, path: &str) -> bool {
        path.ends_with(".json")
    }
    fn read(&mut self, text: &[u8]) -> Vec<u8> {
        text.to_vec()
    }
    fn came(&mut self, bytes: u64) {
        self.came += bytes;
    }
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(tar).unwrap();
    packed.finish().unwrap()
}

fn listed(tar: &[u8]) -> Result<Listing<Vec<u8>>, Error> {
    let packed = gzip(tar);
    let len = packed.len() as u64;
    let mut keep = Keep::default();
    let listing = list(io::Cursor::new(packed), len, &mut keep)?;
    assert_eq!(keep.came, len);
    Ok(listing)
}

/// A header as ustar has it, and the bytes behind it.
fn entry(kind: u8, name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let mut bytes = sealed(header).to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn sealed(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let len = (1..).find(|len| len.to_string().len() + rest == *len);
        data.extend(format!("{} {key}=", len.unwrap()).as_bytes());
        data.extend(*value);
        data.push(b'\n');
    }
    entry(b'x', b"PaxHeaders/x", &data)
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

fn paths(tar: &[u8]) -> Vec<String> {
    let listing = listed(tar).unwrap();
    let entries = listing.entries.into_iter();
    entries.map(|(entry, _)| entry.path).collect()
}

#[track_caller]
fn refused(tar: &[u8], what: &str) {
    let error = listed(tar).unwrap_err().to_string();
    assert!(error.contains(what), "{error}");
}

#[test]
fn files_are_listed_with_place_length_and_sum() {
    let (photo, json) = (vec![7; 1000], b"{\"a\": 1}".to_vec());
    let tar = [
        entry(b'5', b"Takeout/", b""),
        entry(b'0', b"Takeout/a.jpg", &photo),
        entry(0, b"./Takeout//b.json", &json),
        entry(b'2', b"Takeout/link.jpg", b""),
        entry(b'0', b"Takeout/empty.jpg", b""),
        end(),
    ]
    .concat();
    let listing = listed(&tar).unwrap();
    let texts = listing.entries.iter().map(|(_, text)| text);
    assert!(texts.eq(&[Text::None, Text::Read(json.clone()), Text::None]));
    assert_eq!(
        listing.passed_over,
        [("Takeout/link.jpg".to_owned(), "a symbolic link")]
    );
    for ((entry, _), (path, bytes)) in listing.entries.iter().zip([
        ("Takeout/a.jpg", &photo),
        ("Takeout/b.json", &json),
        ("Takeout/empty.jpg", &Vec::new()),
    ]) {
        assert_eq!(entry.path, path);
        assert_eq!(entry.size, bytes.len() as u64);
        assert_eq!(entry.crc32, crc32fast::hash(bytes));
        assert_eq!(tar[entry.at as usize..][..bytes.len()], bytes[..]);
    }
}

#[test]
fn long_names_come_in_two_ways_and_odd_ones_as_they_are() {
    let long = format!("Takeout/{}/x.jpg", "é".repeat(150));
    let with_nul = [long.as_bytes(), b"\0"].concat();
    let tar = [
        entry(b'L', b"././@LongLink", &with_nul),
        entry(b'0', b"cut", b"1"),
        pax(&[("mtime", b"1.5"), ("path", long.as_bytes())]),
        entry(b'0', b"cut", b"2"),
        pax(&[("path", b"two\nlines=1.jpg")]),
        entry(b'0', b"cut", b"3"),
        entry(b'g', b"global", b""),
        entry(b'0', b"../../up.jpg", b"4"),
        entry(b'0', b"/top.jpg", b"5"),
        entry(
            b'0',
            "Bilder für/"
                .as_bytes()
                .iter()
                .chain(b"Z\xfcrich.jpg")
                .copied()
                .collect::<Vec<u8>>()
                .as_slice(),
            b"6",
        ),
        end(),
    ]
    .concat();
    let odd = [
        "two\nlines=1.jpg",
        "../../up.jpg",
        "top.jpg",
        "Bilder für/Zürich.jpg",
    ];
    assert_eq!(paths(&tar), [&[long.as_str(), &long], &odd[..]].concat());
}

#[test]
fn a_pax_length_overrides_the_header() {
    let mut header = entry(b'0', b"big.jpg", b"");
    header.extend([9; 600]);
    header.resize(header.len().next_multiple_of(512), 0);
    let tar = [
        pax(&[("size", b"600")]),
        header,
        entry(b'0', b"next.jpg", b"x"),
        end(),
    ]
    .concat();
    let listing = listed(&tar).unwrap();
    assert_eq!(listing.entries[0].0.size, 600);
    assert_eq!(listing.entries[0].0.crc32, crc32fast::hash(&[9; 600]));
    assert_eq!(listing.entries[1].0.path, "next.jpg");
}

#[test]
fn whatever_is_wrong_with_the_tar_refuses_it() {
    let file = entry(b'0', b"Takeout/a.jpg", &[1; 700]);
    refused(b"", "nothing is in it");
    refused(&file, "breaks off between two entries");
    refused(&file[..1000], "breaks off inside an entry");
    refused(&file[..300], "breaks off");
    refused(&end(), "the archive is empty");
    refused(
        &[file.clone(), end(), b"more".to_vec()].concat(),
        "behind its end",
    );
    let mut broken = [file.clone(), end()].concat();
    broken[3] ^= 1;
    refused(&broken, "checksum");
    let mut lying = file.clone();
    lying[124..136].copy_from_slice(b"77777777777\0");
    let header: [u8; 512] = lying[..512].try_into().unwrap();
    lying[..512].copy_from_slice(&sealed(header));
    refused(&[lying, end()].concat(), "breaks off inside an entry");
    refused(
        &[pax(&[("path", b"x")]), end()].concat(),
        "behind the description",
    );
    refused(
        &[entry(b'x', b"pax", b"5 path"), file.clone(), end()].concat(),
        "pax",
    );
    refused(
        &[
            entry(b'x', b"pax", b"99999999999999999999 a=b\n"),
            file.clone(),
            end(),
        ]
        .concat(),
        "pax",
    );
    refused(
        &[pax(&[("size", b"-1")]), file.clone(), end()].concat(),
        "length",
    );
    refused(
        &[pax(&[("GNU.sparse.size", b"1")]), file.clone(), end()].concat(),
        "sparse",
    );
    refused(&[entry(b'S', b"s", b""), end()].concat(), "sparse");
    let bomb = entry(b'L', b"././@LongLink", &vec![b'a'; 2 << 20]);
    refused(&[bomb, file, end()].concat(), "longer than any");
}

#[test]
fn a_text_that_is_larger_than_any_is_not_kept() {
    let tar = [entry(b'0', b"a.json", &vec![b' '; 17 << 20]), end()].concat();
    assert_eq!(listed(&tar).unwrap().entries[0].1, Text::TooLarge);
}

#[test]
fn an_archive_can_be_looked_into() {
    let dir = tempfile::tempdir().unwrap();
    let photo: Vec<u8> = (0..9_000_000_u32).map(|at| (at % 253) as u8).collect();
    let tar = [
        entry(b'0', b"a.jpg", &photo),
        entry(b'0', b"b.jpg", b"the second"),
        end(),
    ]
    .concat();
    let path = dir.path().join("a.tgz");
    let packed = gzip(&tar);
    std::fs::write(&path, &packed).unwrap();
    let listing = listed(&tar).unwrap();
    let size = packed.len() as u64;
    let seek = dir.path().join("seek");
    for with_points in [false, true] {
        if with_points {
            std::fs::create_dir(&seek).unwrap();
            let ident = ident(&File::open(&path).unwrap(), size).unwrap();
            let name = deflate::file_name(size, 5, None);
            listing.marks.write(&seek.join(name), &ident).unwrap();
        }
        let mut archive = Opened::open(&path, size, 5, &seek).unwrap();
        assert_eq!(archive.points.is_some(), with_points);
        let (a, b) = (&listing.entries[0].0, &listing.entries[1].0);
        let mut bytes = Vec::new();
        let mut slice = archive.entry(b.at, b.size);
        slice.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"the second");
        let mut slice = archive.entry(a.at, a.size);
        for at in [8_999_990, 0, 4_500_000, 4_499_000] {
            slice.seek(SeekFrom::Start(at)).unwrap();
            let mut got = [0; 10];
            slice.read_exact(&mut got).unwrap();
            assert_eq!(got, photo[at as usize..][..10]);
        }
        slice.seek(SeekFrom::End(5)).unwrap();
        assert_eq!(slice.read(&mut [0; 10]).unwrap(), 0);
        assert!(
            slice.seek(SeekFrom::Start(1)).is_ok() && slice.seek(SeekFrom::Current(-2)).is_err()
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_listing(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000), at in 0_usize..2000) {
        let _ = listed(&bytes);
        // Somewhere in it a header that is sound.
        let mut tar = bytes.clone();
        let at = at.min(tar.len());
        tar.splice(at..at, entry(b'0', b"a.jpg", &bytes));
        let _ = listed(&tar[at.min(tar.len())..]);
        let mut keep = Keep::default();
        let len = bytes.len() as u64;
        let _ = list(io::Cursor::new([b"\x1f\x8b\x08".as_slice(), &bytes].concat()), len, &mut keep);
    }
}
