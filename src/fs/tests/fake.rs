//! A library in memory that can fail and stall on command.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex};

use crate::content::Error;
use crate::fs::library::{Library, Take};
use crate::fs::xattr::Xattr;
use crate::tree::changes::{Changes, Listing};
use crate::tree::{Attr, Kind, Totals};

pub(super) const BY_DATE: u64 = 2;
pub(super) const ALBUMS: u64 = 3;
pub(super) const PEOPLE: u64 = 4;
pub(super) const FAVORITES: u64 = 5;

/// Entries of `people`: enough for many pages of a listing.
pub(super) const MANY: u64 = 50_000;

/// Entries of `people` that the library which comes after does not have.
pub(super) const GONE: RangeInclusive<u64> = 3_000..=9_000;

/// The one that has another name there, [`NEW_NAME`].
pub(super) const RENAMED: u64 = 12_000;
pub(super) const NEW_NAME: &str = "new one";

/// What reading a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Answers at once.
    Serve,
    /// Answers from a reading thread.
    ServeLater,
    /// Answers when the gate opens.
    Stall,
    Fail,
    FailAtOnce,
    Change,
    TooShort,
    /// Fails the read that includes the last byte.
    FailAtLast,
    Panic,
}

/// name, inode, size, mtime, ctime with nanoseconds, what reading does
type Row = (&'static str, u64, u64, i64, (i64, u32), Does);

pub(super) const FILES: [Row; 13] = [
    (
        "a.jpg",
        1 << 40,
        300_001,
        1_600_000_000,
        (1_700_000_000, 7),
        Does::Serve,
    ),
    ("later.jpg", 1 << 41, 3_000_000, 1, (2, 3), Does::ServeLater),
    (
        "rotten.jpg",
        1 << 43,
        3_000_000,
        1,
        (2, 3),
        Does::FailAtLast,
    ),
    ("empty.jpg", 1 << 42, 0, 0, (0, 0), Does::Serve),
    (
        "1926.jpg",
        101,
        1,
        -1_388_534_400,
        (-1, 250_000_000),
        Does::Serve,
    ),
    ("stalled.jpg", 102, 5_000, 5, (5, 5), Does::Stall),
    ("stalled2.jpg", 108, 5_000, 5, (5, 5), Does::Stall),
    ("bad.jpg", 103, 200_000, 5, (5, 5), Does::Fail),
    ("bad now.jpg", 104, 200_000, 5, (5, 5), Does::FailAtOnce),
    ("changed.jpg", 105, 200_000, 5, (5, 5), Does::Change),
    ("short.jpg", 106, 200_000, 5, (5, 5), Does::TooShort),
    ("panic.jpg", 107, 200_000, 5, (5, 5), Does::Panic),
    (
        "last.jpg",
        i64::MAX as u64 - 2,
        4_096,
        5,
        (5, 5),
        Does::Serve,
    ),
];

pub(super) struct Fake {
    attrs: HashMap<u64, Attr>,
    dirs: HashMap<u64, BTreeMap<u64, Vec<u8>>>,
    /// The same by name.
    names: HashMap<(u64, Vec<u8>), u64>,
    does: HashMap<u64, Does>,
    gate: Mutex<bool>,
    opened: Condvar,
}

/// The byte at `offset` of file `ino`.
fn byte(ino: u64, offset: u64) -> u8 {
    ((offset.wrapping_mul(31) ^ (offset >> 12)).wrapping_add(ino) % 251) as u8
}

pub(super) fn bytes(ino: u64, offset: u64, len: usize) -> Vec<u8> {
    (offset..offset + len as u64)
        .map(|at| byte(ino, at))
        .collect()
}

pub(super) fn many_name(ino: u64) -> String {
    format!("person {} {}", ino, "x".repeat((ino % 60) as usize))
}

impl Fake {
    pub(super) fn new() -> Fake {
        let mut fake = Fake {
            attrs: HashMap::new(),
            dirs: HashMap::new(),
            names: HashMap::new(),
            does: HashMap::new(),
            gate: Mutex::new(false),
            opened: Condvar::new(),
        };
        fake.put(1, "", 1, Kind::Dir, 0, 9, (9, 0), 6);
        for (ino, name) in [
            (BY_DATE, "by-date"),
            (ALBUMS, "albums"),
            (PEOPLE, "people"),
            (FAVORITES, "favorites"),
        ] {
            fake.put(1, name, ino, Kind::Dir, 0, 9, (9, 0), 2);
        }
        for (name, ino, size, mtime, ctime, does) in FILES {
            fake.put(BY_DATE, name, ino, Kind::File, size, mtime, ctime, 1);
            fake.does.insert(ino, does);
        }
        let (name, ino, size, mtime, ctime, _) = FILES[0];
        fake.put(ALBUMS, name, ino, Kind::File, size, mtime, ctime, 2);
        fake.put(ALBUMS, "link.jpg", 50, Kind::Link, 18, 9, (9, 0), 1);
        for ino in 1_000..1_000 + MANY {
            fake.put(
                PEOPLE,
                &many_name(ino),
                ino,
                Kind::File,
                ino % 7,
                11,
                (12, ino as u32),
                1,
            );
            fake.does.insert(ino, Does::Serve);
        }
        fake.by_name()
    }

    fn by_name(mut self) -> Fake {
        let all = self.dirs.iter().flat_map(|(dir, entries)| {
            let entry = |(ino, name): (&u64, &Vec<u8>)| ((*dir, name.clone()), *ino);
            entries.iter().map(entry)
        });
        self.names = all.collect();
        self
    }

    /// The library that comes after.
    pub(super) fn next() -> Fake {
        let mut fake = Fake::new();
        let people = fake.dirs.get_mut(&PEOPLE).unwrap();
        people.retain(|ino, _| !GONE.contains(ino));
        people.insert(RENAMED, NEW_NAME.into());
        fake.by_name()
    }

    /// What differs between the two.
    pub(super) fn changes() -> Changes {
        let names = GONE.chain([RENAMED]);
        let names = names
            .map(|ino| many_name(ino).into_bytes().into())
            .collect();
        Changes {
            listings: vec![Listing { dir: PEOPLE, names }],
            ..Changes::default()
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn put(
        &mut self,
        dir: u64,
        name: &str,
        ino: u64,
        kind: Kind,
        size: u64,
        mtime: i64,
        ctime: (i64, u32),
        nlink: u32,
    ) {
        let attr = Attr {
            ino,
            kind,
            size,
            mtime,
            ctime: ctime.0,
            ctime_nsec: ctime.1,
            nlink,
        };
        self.attrs.insert(ino, attr);
        if kind == Kind::Dir {
            self.dirs.entry(ino).or_default();
        }
        if ino != 1 {
            self.dirs
                .entry(dir)
                .or_default()
                .insert(ino, name.as_bytes().to_vec());
        }
    }

    pub(super) fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn wait_at_gate(&self) {
        let mut open = self.gate.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }
}

impl Library for std::sync::Arc<Fake> {
    fn attr(&self, ino: u64) -> Option<Attr> {
        self.attrs.get(&ino).copied()
    }

    fn lookup(&self, dir: u64, name: &[u8]) -> Option<Attr> {
        self.attr(*self.names.get(&(dir, name.to_vec()))?)
    }

    fn list(&self, dir: u64, after: u64, take: Take<'_>) -> Option<()> {
        for (ino, name) in self.dirs.get(&dir)?.range(after + 1..) {
            if take(&self.attrs[ino], name) {
                break;
            }
        }
        Some(())
    }

    fn parent(&self, dir: u64) -> Option<u64> {
        self.dirs.contains_key(&dir).then_some(1)
    }

    fn target(&self, ino: u64) -> Option<Vec<u8>> {
        (ino == 50).then(|| b"../by-date/a.jpg".to_vec())
    }

    fn path(&self, ino: u64) -> Option<String> {
        let names = self.dirs.get(&BY_DATE)?;
        Some(format!(
            "by-date/{}",
            String::from_utf8_lossy(names.get(&ino)?)
        ))
    }

    fn xattrs(&self, ino: u64) -> Result<Vec<Xattr>, Error> {
        match self.does.get(&ino) {
            Some(Does::Serve) => Ok(vec![
                ("user.gphotos.title".into(), b"A title".to_vec()),
                ("user.gphotos.people".into(), b"Ada\nBen".to_vec()),
            ]),
            Some(Does::Fail) => Err(Error::Missing {
                path: PathBuf::from("catalog"),
            }),
            _ => Ok(Vec::new()),
        }
    }

    fn totals(&self) -> Totals {
        Totals {
            files: 60_000,
            documents: 0,
            dirs: 5,
            bytes: 40_961,
            bytes_without_links: 40_961,
        }
    }

    fn read_now(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>> {
        match self.does.get(&ino)? {
            Does::Serve => Some(Ok(bytes(ino, offset, len))),
            Does::FailAtOnce => Some(Err(failure())),
            _ => None,
        }
    }

    fn read(&self, ino: u64, offset: u64, len: usize) -> Option<Result<Vec<u8>, Error>> {
        let served = Ok(bytes(ino, offset, len));
        Some(match self.does.get(&ino)? {
            Does::Serve | Does::FailAtOnce => panic!("asked twice"),
            Does::ServeLater => served,
            Does::Stall => {
                self.wait_at_gate();
                served
            }
            Does::Fail => Err(failure()),
            Does::FailAtLast if offset + len as u64 == self.attrs[&ino].size => Err(failure()),
            Does::FailAtLast => served,
            Does::Change => Err(Error::Changed {
                path: "/archive.zip".into(),
            }),
            Does::TooShort => Ok(bytes(ino, offset, len - 1)),
            Does::Panic => panic!("on purpose"),
        })
    }
}

fn failure() -> Error {
    Error::Io {
        path: PathBuf::from("/archive.zip"),
        source: io::Error::other("the disk is on fire").into(),
    }
}
