//! From a blob to the bytes that its archive or folder holds, as they are: nothing here is checked or inflated.
//!
//! Promises: bytes come out of the file that was indexed, and from inside it; each read says of which [`Version`] of
//! the file. Sizes, checksums and methods are the central directory's; of a local header only the signature and the
//! lengths of name and extra field are believed, and only as far as the data stay within the archive.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::counters::{Counters, add};
use super::error::Error;
use super::table::{Known, Table, Version};
use crate::deflate;
use crate::model::{Blob, Location, Part};
use crate::store::{Key, Stamp, Store, Wanted};

/// Length of a local header without its name and extra field.
const HEADER: usize = 30;
const SIGNATURE: [u8; 4] = [0x50, 0x4b, 0x03, 0x04];
/// What is read along with a header so that one pread gets a small entry whole: names in Takeout have some 60 bytes
/// below folders of some 40, extra fields 9 to 28. Where it is too little, a second pread gets the rest.
const NAME_AND_EXTRA: u64 = 512;

/// A part, and the state in which its archive was last seen.
struct Seat {
    part: Part,
    /// The stamp last seen, and the number of that state. Held for a comparison only.
    seen: Mutex<(Option<Stamp>, u16)>,
}

/// A blob with everything that is needed to read it, free of borrows so that a thread can take it along.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) index: u32,
    pub(super) size: u64,
    pub(super) crc32: u32,
    /// It has to be inflated, out of a zip or a tgz.
    pub(super) deflated: bool,
    /// It lies in a tgz.
    pub(super) gzipped: bool,
    /// Offset of the local header; in a tgz of its bytes in the inflated stream; 0 for a plain file.
    pub(super) header: u64,
    /// Bytes it takes where it lies; in a tgz as its size.
    pub(super) packed: u64,
    seat: Arc<Seat>,
    /// Of a plain file: its path, the number of that, its mtime.
    file: Option<(PathBuf, u32, i64)>,
}

impl Place {
    pub(super) fn plain(&self) -> bool {
        self.file.is_some()
    }

    /// The number of its part.
    pub(super) fn part(&self) -> u32 {
        self.seat.part.id
    }

    /// Length of the archive that holds it.
    pub(super) fn archive_size(&self) -> u64 {
        self.seat.part.size
    }

    /// Where its bytes begin in the inflated stream: that of the archive for a tgz, its own for a zip entry.
    pub(super) fn base(&self) -> u64 {
        if self.gzipped { self.header } else { 0 }
    }

    /// The name of the file that holds its checkpoints.
    pub(super) fn points_name(&self) -> String {
        let part = &self.seat.part;
        let entry = (!self.gzipped).then_some(self.header);
        deflate::file_name(part.size, part.mtime_ns, entry)
    }

    /// The file that holds the bytes: what messages name.
    pub(super) fn path(&self) -> &Path {
        self.file
            .as_ref()
            .map_or(&self.seat.part.path, |(path, ..)| path)
    }

    fn wanted(&self) -> Wanted<'_> {
        let part = &self.seat.part;
        match &self.file {
            Some((path, number, mtime_ns)) => Wanted {
                key: Key::File(part.id, *number),
                path: Cow::Borrowed(path),
                size: self.size,
                mtime_ns: *mtime_ns,
            },
            None => Wanted {
                key: Key::Archive(part.id),
                path: Cow::Borrowed(&part.path),
                size: part.size,
                mtime_ns: part.mtime_ns,
            },
        }
    }

    /// An error that says what is wrong with this blob.
    pub(super) fn garbled(&self, what: &str) -> Error {
        let what = if self.plain() {
            what.to_owned()
        } else if self.gzipped {
            format!("the entry at {} of what it inflates to {what}", self.header)
        } else {
            format!("the entry at {} {what}", self.header)
        };
        Error::Garbled {
            path: self.path().to_owned(),
            what,
        }
    }

    pub(super) fn changed(&self) -> Error {
        Error::Changed {
            path: self.path().to_owned(),
        }
    }

    /// Length and checksum, the only judge there is.
    pub(super) fn judge(&self, crc32: u32) -> Result<(), Error> {
        if crc32 == self.crc32 {
            Ok(())
        } else {
            Err(self.garbled("fails its CRC-32"))
        }
    }

    /// Names the content of this entry for the cache: the same after the archive moved, never the same for two
    /// different entries even if they share length and checksum.
    pub(super) fn ident(&self) -> u64 {
        let part = &self.seat.part;
        let mut hash = Sha256::new();
        for number in [part.size, part.mtime_ns as u64, self.header, self.packed] {
            hash.update(number.to_le_bytes());
        }
        first_bytes(hash)
    }

    /// Names this entry of this state of its file for the memory of checks. The device is left out, since it may get
    /// another number at each boot.
    pub(super) fn proof(&self, stamp: &Stamp) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.path().as_os_str().as_bytes());
        for number in [
            stamp.ino,
            stamp.size,
            stamp.mtime_ns as u64,
            stamp.ctime_ns as u64,
        ] {
            hash.update(number.to_le_bytes());
        }
        for number in [
            u64::from(self.plain()),
            self.header,
            self.size,
            u64::from(self.crc32),
        ] {
            hash.update(number.to_le_bytes());
        }
        first_bytes(hash)
    }
}

fn first_bytes(hash: Sha256) -> u64 {
    hash.finalize()
        .iter()
        .take(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Where all bytes come from. Lock order: none is held while another is taken.
pub(super) struct Origin {
    pub(super) table: Table,
    pub(super) counters: Arc<Counters>,
    store: Store,
    seats: HashMap<u32, Arc<Seat>>,
}

impl Origin {
    pub(super) fn new(parts: Vec<Part>, blobs: usize, counters: Arc<Counters>) -> Origin {
        let seat = |part: Part| {
            (
                part.id,
                Arc::new(Seat {
                    part,
                    seen: Mutex::new((None, 0)),
                }),
            )
        };
        let seats = parts.into_iter().map(seat).collect();
        Origin {
            table: Table::new(blobs),
            counters,
            store: Store::default(),
            seats,
        }
    }

    /// How many files were opened so far.
    #[cfg(test)]
    pub(super) fn opens(&self) -> u64 {
        self.store.opens()
    }

    /// Finds a blob, or says what is wrong with its description.
    pub(super) fn place(&self, blob: &Blob<'_>) -> Result<Place, Error> {
        let part = blob.location.part();
        let Some(seat) = self.seats.get(&part) else {
            return Err(Error::Missing {
                path: PathBuf::from(format!("part {part}")),
            });
        };
        let (size, crc32, index) = (blob.size, blob.crc32, blob.index);
        let place = Place {
            index,
            size,
            crc32,
            deflated: false,
            gzipped: false,
            header: 0,
            packed: size,
            seat: Arc::clone(seat),
            file: None,
        };
        match blob.location {
            Location::Zip {
                deflated,
                header,
                packed,
                ..
            } => {
                let place = Place {
                    deflated,
                    header,
                    packed,
                    ..place
                };
                if !deflated && packed != size {
                    return Err(
                        place.garbled("is stored, but takes more or less bytes than it has")
                    );
                }
                Ok(place)
            }
            Location::Tgz { at, .. } => Ok(Place {
                deflated: true,
                gzipped: true,
                header: at,
                ..place
            }),
            Location::File {
                path: number,
                mtime_ns,
                ..
            } => {
                let below = Path::new(OsStr::from_bytes(blob.path));
                let path = seat.part.file(blob.path);
                if below
                    .components()
                    .all(|step| matches!(step, Component::Normal(_)))
                {
                    Ok(Place {
                        file: Some((path, number, mtime_ns)),
                        ..place
                    })
                } else {
                    Err(Error::Garbled {
                        path,
                        what: "its path leads out of its folder".to_owned(),
                    })
                }
            }
        }
    }

    /// What the blob's file is, without a promise that it still is.
    pub(super) fn stamp(&self, place: &Place) -> Result<Stamp, Error> {
        Ok(self.store.stamp(&place.wanted())?)
    }

    /// Fills `buf` with what the blob's file has from `at` on, and says of which state of the file that is.
    pub(super) fn raw(
        &self,
        place: &Place,
        at: u64,
        buf: &mut [u8],
    ) -> Result<(Stamp, Version), Error> {
        let stamp = self.store.read(&place.wanted(), at, buf)?;
        add(&self.counters.bytes_read_from_archives, buf.len() as u64);
        Ok((stamp, version(place, &stamp)))
    }

    /// What is known of the blob.
    pub(super) fn known(&self, place: &Place) -> Option<Known> {
        self.table.get(place.index, place.plain())
    }

    /// Where the blob's data begin, from its local header if that was not read before.
    pub(super) fn locate(&self, place: &Place) -> Result<(Stamp, Known), Error> {
        if let Some(known) = self.known(place) {
            let stamp = self.stamp(place)?;
            if version(place, &stamp) == known.version {
                return Ok((stamp, known));
            }
        }
        let mut header = [0; HEADER];
        let (at, bytes) = if place.plain() || place.gzipped {
            (0, &mut [][..])
        } else {
            (place.header, &mut header[..])
        };
        self.bound(place, at, bytes.len() as u64)?;
        let (stamp, version) = self.raw(place, at, bytes)?;
        let start = self.start(place, &header)?;
        let known = Known {
            version,
            start,
            checked: false,
        };
        self.table.set(place.index, known);
        Ok((stamp, known))
    }

    /// Reads a whole small blob as it lies, in one pread where header and data can be had together.
    pub(super) fn packed(&self, place: &Place) -> Result<(Vec<u8>, Stamp, Known), Error> {
        let found = self.known(place);
        if place.plain() || found.is_some() {
            let start = found.map_or(0, |known| known.start);
            let mut data = vec![0; place.packed as usize];
            let (stamp, version) = self.raw(place, start, &mut data)?;
            if place.plain() || found.is_some_and(|known| known.version == version) {
                return Ok((
                    data,
                    stamp,
                    Known {
                        version,
                        start,
                        checked: false,
                    },
                ));
            }
        }
        self.packed_with_header(place)
    }

    fn packed_with_header(&self, place: &Place) -> Result<(Vec<u8>, Stamp, Known), Error> {
        let header = HEADER as u64;
        self.bound(place, place.header, header.saturating_add(place.packed))?;
        let room = place.seat.part.size - place.header;
        let mut data = vec![0; (header + NAME_AND_EXTRA + place.packed).min(room) as usize];
        let (stamp, version) = self.raw(place, place.header, &mut data)?;
        let start = self.start(place, &data)?;
        let skip = (start - place.header) as usize;
        let (have, want) = (data.len().saturating_sub(skip), place.packed as usize);
        data.drain(..skip.min(data.len()));
        data.truncate(want);
        if have < want {
            data.resize(want, 0);
            let (_, later) = self.raw(place, start + have as u64, &mut data[have..])?;
            if later != version {
                return Err(place.changed());
            }
        }
        Ok((
            data,
            stamp,
            Known {
                version,
                start,
                checked: false,
            },
        ))
    }

    /// Where the data begin, given the first bytes of the local header.
    fn start(&self, place: &Place, header: &[u8]) -> Result<u64, Error> {
        if place.plain() || place.gzipped {
            return Ok(0);
        }
        let Some((header, _)) = header.split_first_chunk::<HEADER>() else {
            return Err(place.garbled("has no local header"));
        };
        if header[..4] != SIGNATURE {
            return Err(place.garbled("has no local header"));
        }
        let name = u16::from_le_bytes([header[26], header[27]]);
        let extra = u16::from_le_bytes([header[28], header[29]]);
        let start = place.header + HEADER as u64 + u64::from(name) + u64::from(extra);
        self.bound(place, start, place.packed)?;
        Ok(start)
    }

    /// Refuses a range that is not within the archive.
    fn bound(&self, place: &Place, at: u64, len: u64) -> Result<(), Error> {
        let end = at.checked_add(len);
        if place.plain() || end.is_some_and(|end| end <= place.seat.part.size) {
            return Ok(());
        }
        Err(place.garbled("reaches beyond the end of the archive"))
    }
}

/// The number of this state of the blob's file.
fn version(place: &Place, stamp: &Stamp) -> Version {
    if place.plain() {
        let mut hash = Sha256::new();
        for number in [
            stamp.dev,
            stamp.ino,
            stamp.size,
            stamp.mtime_ns as u64,
            stamp.ctime_ns as u64,
        ] {
            hash.update(number.to_le_bytes());
        }
        return Version::File((first_bytes(hash) >> 1).max(1));
    }
    let mut seen = place
        .seat
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if seen.0 != Some(*stamp) {
        *seen = (Some(*stamp), seen.1.wrapping_add(1).max(1));
    }
    Version::Archive(seen.1)
}
