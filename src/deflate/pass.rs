//! One pass through a stream, from front to back, that notes checkpoints.

use std::io::{self, Read};
use std::num::NonZeroU64;

use rapidgzip_core::{
    Decoder, DeflateIndex, IndexOptions, IndexingDecoderReader, IndexingError, WindowStorage,
};

use super::{Error, Frame};

/// Bytes read at once.
const INPUT: usize = 256 << 10;
/// Bytes inflated at once, at most: a block of deflate is mostly smaller.
const OUTPUT: usize = 128 << 10;

/// A stream being read for the first time. Reading it to its end is not enough: [`Pass::finish`] has the verdict.
pub struct Pass {
    reader: IndexingDecoderReader,
}

/// The checkpoints of a stream that was passed as a whole.
#[derive(Debug)]
pub struct Marks(pub(super) DeflateIndex);

impl Pass {
    /// Begins with the first bytes of `source`. Checkpoints lie `spacing` bytes apart, of what comes out.
    ///
    /// # Errors
    /// When the source fails, or does not begin as it should.
    pub fn new(
        source: impl Read + Send + 'static,
        frame: Frame,
        spacing: u64,
    ) -> Result<Pass, Error> {
        let decoder = Decoder::builder()
            .decoder_threads(1)
            .decoded_chunk_size(OUTPUT)
            .input_page_size(INPUT)
            .format(frame.format())
            .build()
            .map_err(|error| Error::Damaged(error.to_string()))?;
        let options = IndexOptions {
            checkpoint_spacing: NonZeroU64::new(spacing).unwrap_or(NonZeroU64::MIN),
            // A stream that inflates to a thousand times its length has as many windows, and they pack as well as it.
            window_storage: WindowStorage::Zlib,
        };
        let reader = decoder
            .stream_reader_with_index(source, options)
            .map_err(|error| Error::decode(&error))?;
        Ok(Pass { reader })
    }

    /// Goes on to the end and judges the whole.
    ///
    /// # Errors
    /// When anything in it is wrong.
    pub fn finish(self) -> Result<Marks, Error> {
        match self.reader.finish() {
            Ok(report) => Ok(Marks(report.into_parts().1)),
            Err(IndexingError::Decode(error)) => Err(Error::decode(&error)),
            Err(other) => Err(Error::Damaged(other.to_string())),
        }
    }
}

impl Read for Pass {
    /// Its errors are for [`Error::of`].
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}
