//! Turns a deflated entry into its bytes, in order, once.
//!
//! Promises: never more than `size` bytes come out, however many there would be; with the last byte comes the verdict:
//! length, end of the stream, nothing behind it, CRC-32. A call that would give the last byte of a wrong blob gives
//! an error and nothing.

use flate2::{Decompress, FlushDecompress, Status};

use super::counters::add;
use super::error::Error;
use super::origin::{Origin, Place};
use super::table::{Known, Version};

/// Bytes of an archive that are read at once. Smaller costs calls, larger only memory.
const INPUT: usize = 256 << 10;

/// How far a blob is inflated.
pub(super) struct Inflater {
    place: Place,
    version: Version,
    /// Where in the archive the packed bytes begin.
    start: u64,
    zip: Decompress,
    /// Packed bytes at hand, of which those before `used` are done with.
    input: Vec<u8>,
    used: usize,
    /// Packed bytes read so far.
    taken: u64,
    /// Bytes given so far.
    given: u64,
    ended: bool,
    crc: crc32fast::Hasher,
}

impl Inflater {
    /// Begins at the beginning, with a look at the local header.
    pub(super) fn new(origin: &Origin, place: &Place) -> Result<Inflater, Error> {
        let (_, known) = origin.locate(place)?;
        Ok(Inflater::over(place, known, Vec::new()))
    }

    /// Begins with packed bytes that were read already.
    pub(super) fn over(place: &Place, known: Known, input: Vec<u8>) -> Inflater {
        Inflater {
            place: place.clone(),
            version: known.version,
            start: known.start,
            zip: Decompress::new(false),
            taken: input.len() as u64,
            input,
            used: 0,
            given: 0,
            ended: false,
            crc: crc32fast::Hasher::new(),
        }
    }

    /// A whole small blob in memory.
    pub(super) fn whole(mut self, origin: &Origin) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.place.size as usize];
        self.fill(origin, &mut bytes)?;
        Ok(bytes)
    }

    /// How many bytes it has given.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Fills `out`, or as much of it as there are bytes left, and says how much that is. Zero at the end only.
    pub(super) fn fill(&mut self, origin: &Origin, out: &mut [u8]) -> Result<usize, Error> {
        let left = self.place.size - self.given;
        let want = left.min(out.len() as u64) as usize;
        let out = &mut out[..want];
        let mut filled = 0;
        while filled < want {
            let got = self.step(origin, &mut out[filled..])?;
            filled += got;
            if got == 0 && self.ended {
                return Err(self.place.garbled("inflates to fewer bytes than it should"));
            }
        }
        self.crc.update(out);
        self.given += want as u64;
        add(&origin.counters.bytes_inflated, want as u64);
        if want > 0 && self.given == self.place.size {
            add(&origin.counters.checks, 1);
            self.end(origin)?;
        }
        Ok(want)
    }

    /// The verdict, once all bytes are out.
    fn end(&mut self, origin: &Origin) -> Result<(), Error> {
        while !self.ended {
            // One byte more is room enough to see that there is one too many.
            if self.step(origin, &mut [0])? > 0 {
                return Err(self.place.garbled("inflates to more bytes than it should"));
            }
        }
        if self.used < self.input.len() || self.taken < self.place.packed {
            return Err(self
                .place
                .garbled("goes on behind the end of its deflate stream"));
        }
        self.place.judge(self.crc.clone().finalize())
    }

    /// Inflates what is at hand, after reading more where nothing is. Progress or an error, except at the end.
    fn step(&mut self, origin: &Origin, out: &mut [u8]) -> Result<usize, Error> {
        if self.ended {
            return Ok(0);
        }
        if self.used == self.input.len() && self.taken < self.place.packed {
            self.refill(origin)?;
        }
        let (in_before, out_before) = (self.zip.total_in(), self.zip.total_out());
        let outcome = self
            .zip
            .decompress(&self.input[self.used..], out, FlushDecompress::None);
        let status = outcome.map_err(|_| self.place.garbled("is no deflate stream"))?;
        let eaten = (self.zip.total_in() - in_before) as usize;
        let got = (self.zip.total_out() - out_before) as usize;
        self.used += eaten;
        self.ended = status == Status::StreamEnd;
        if !self.ended && eaten == 0 && got == 0 {
            return Err(self
                .place
                .garbled("breaks off before the end of its deflate stream"));
        }
        Ok(got)
    }

    fn refill(&mut self, origin: &Origin) -> Result<(), Error> {
        let more = (self.place.packed - self.taken).min(INPUT as u64) as usize;
        self.input.resize(more, 0);
        self.used = 0;
        let (_, version) = origin.raw(&self.place, self.start + self.taken, &mut self.input)?;
        if version != self.version {
            return Err(self.place.changed());
        }
        self.taken += more as u64;
        Ok(())
    }
}
