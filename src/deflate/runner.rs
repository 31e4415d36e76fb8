//! Reads a stream from a checkpoint on.

use std::io::Read;

use rapidgzip_core::{
    Checkpoint, CheckpointKind, DeflateIndex, IndexKind, IndexedReader, IndexedReaderError, ReadAt,
    StoredWindow,
};

use super::points::{Point, Points};
use super::{Error, Frame};

/// Bytes that are skipped at once.
const SKIP: usize = 128 << 10;

/// A stream that is read forward from some place. It holds some 400 KiB.
pub struct Runner<S: ReadAt> {
    reader: IndexedReader<S>,
    /// How many bytes came out, those that were skipped included.
    inflated: u64,
}

// SAFETY: the one part of an `IndexedReader` that is not `Send` by itself is zlib-rs's `z_stream`, for its raw pointers.
// `state` points to heap memory that this stream alone owns; zlib-rs keeps nothing in thread-local or global variables.
// `next_in` and `next_out` are null whenever no method runs, and no method runs while the reader moves to another
// thread, since all of them borrow it mutably. The source is `Send` because `ReadAt` demands it, and the rest is plain
// vectors and numbers.
#[allow(unsafe_code)]
unsafe impl<S: ReadAt> Send for Runner<S> {}

impl<S: ReadAt> Runner<S> {
    /// Begins at the last of `points` at or before byte `at`, else at the beginning. It does not go to `at` yet.
    ///
    /// # Errors
    /// When the source's length cannot be told. Points that cannot be read are passed over, and logged.
    pub fn start(
        source: S,
        frame: Frame,
        points: Option<&Points>,
        at: u64,
    ) -> Result<Runner<S>, Error> {
        let point = points.and_then(|points| {
            points.point(at).unwrap_or_else(|error| {
                tracing::warn!("a checkpoint cannot be read: {error}; reading from the beginning");
                None
            })
        });
        let begin = point.as_ref().map_or(0, |point| point.byte);
        let index = index(frame, point).map_err(|error| Error::Damaged(error.to_string()))?;
        let reader = IndexedReader::new(source, index).map_err(|error| match error {
            IndexedReaderError::Io(error) => Error::Io(error),
            other => Error::Damaged(other.to_string()),
        })?;
        // The window stands in the index already.
        let mut reader = reader.with_window_cache_bytes(0);
        std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(begin)).map_err(Error::of)?;
        Ok(Runner {
            reader,
            inflated: 0,
        })
    }

    /// The byte that comes next.
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// How many bytes it has inflated so far.
    pub fn inflated(&self) -> u64 {
        self.inflated
    }

    /// Goes forward to byte `to`. One that lies behind or beyond the end is [`Error::Damaged`].
    ///
    /// # Errors
    /// As [`Runner::read`].
    pub fn skip(&mut self, to: u64) -> Result<(), Error> {
        if to < self.position() {
            return Err(Error::Damaged("cannot go back".to_owned()));
        }
        let mut buf = vec![0; SKIP.min((to - self.position()) as usize)];
        while self.position() < to {
            let len = (buf.len() as u64).min(to - self.position()) as usize;
            if self.read(&mut buf[..len])? == 0 {
                return Err(Error::Damaged("ends too early".to_owned()));
            }
        }
        Ok(())
    }

    /// Gives some of the bytes that come next; none at the end only.
    ///
    /// # Errors
    /// When the source fails or what it holds cannot be inflated.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let got = self.reader.read(buf).map_err(Error::of)?;
        self.inflated += got as u64;
        Ok(got)
    }
}

/// An index of one point, which is all that a runner needs.
fn index(frame: Frame, point: Option<Point>) -> Result<DeflateIndex, rapidgzip_core::IndexError> {
    let mut index = DeflateIndex::new();
    let (kind, first) = match frame {
        Frame::Gzip => (IndexKind::Gzip, CheckpointKind::GzipMemberHeader),
        Frame::Raw => (IndexKind::RawDeflate, CheckpointKind::RawDeflateStart),
    };
    index.set_kind(kind);
    let point = point.unwrap_or(Point {
        bit: 0,
        byte: 0,
        window: None,
    });
    let checkpoint = Checkpoint {
        compressed_offset_in_bits: point.bit,
        uncompressed_offset_in_bytes: point.byte,
        kind: if point.bit == 0 {
            first
        } else {
            CheckpointKind::DeflateBlock
        },
        line_offset: None,
    };
    let window = match point.window {
        Some(window) => StoredWindow::from_raw(window)?,
        None => StoredWindow::empty(),
    };
    index.push(checkpoint, window)?;
    Ok(index)
}
