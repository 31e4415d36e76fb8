//! Inflates a deflated zip entry from its beginning, by zlib.

use flate2::{Decompress, FlushDecompress, Status};

use super::error::Error;
use super::origin::{Origin, Place};
use super::table::{Known, Version};

/// Bytes of an archive that are read at once. Smaller costs calls, larger only memory.
const INPUT: usize = 256 << 10;

/// A deflate stream on its way.
pub(super) struct Zip {
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
    ended: bool,
}

impl Zip {
    /// Begins with packed bytes that were read already.
    pub(super) fn over(place: &Place, known: Known, input: Vec<u8>) -> Zip {
        Zip {
            place: place.clone(),
            version: known.version,
            start: known.start,
            zip: Decompress::new(false),
            taken: input.len() as u64,
            input,
            used: 0,
            ended: false,
        }
    }

    /// The end of the stream, once all bytes are out: nothing may follow.
    pub(super) fn end(&mut self, origin: &Origin) -> Result<(), Error> {
        // One byte more is room enough to see that there is one too many.
        while let Some(got) = self.step(origin, &mut [0])? {
            if got > 0 {
                return Err(self.place.garbled("inflates to more bytes than it should"));
            }
        }
        if self.used < self.input.len() || self.taken < self.place.packed {
            return Err(self
                .place
                .garbled("goes on behind the end of its deflate stream"));
        }
        Ok(())
    }

    /// Inflates what is at hand, after reading more where nothing is. Progress or an error; `None` at the end.
    pub(super) fn step(&mut self, origin: &Origin, out: &mut [u8]) -> Result<Option<usize>, Error> {
        if self.ended {
            return Ok(None);
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
        Ok(Some(got))
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
