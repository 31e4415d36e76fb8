//! Deflate streams that can be entered in the middle: gzip files, and the packed bytes of large zip entries.
//!
//! A [`Pass`] reads such a stream once, from front to back, and notes checkpoints on its way: places between two
//! blocks, with the 32 KiB before them that later bytes may refer to. [`Points`] are those of one stream, in a file; a
//! [`Runner`] begins at the one nearest before the byte that is wanted.
//!
//! # Promises
//!
//! - A pass that comes to its end has proved what the format can prove: of gzip the CRC-32 and the length of every
//!   member, of both that nothing lies behind the end. What it gave before an error is worth nothing.
//! - A file of points that is missing, damaged, or another stream's is an error of [`Points::open`] or of the window
//!   that is damaged, and never a wrong byte. It costs the way from the beginning.
//! - Memory: the points of a stream that is being passed, 32 KiB each at most, so [`spacing`] keeps them below some
//!   2,000; of one that is read 24 bytes for each, and one window for each runner.
//!
//! A point lies between two blocks. Most programs end a block every 32 KiB or so; some write one endless block at their
//! lowest level, and such a stream can only be read from its beginning: right, and slow.
//!
//! Bytes that a runner gives are not checked by anything here: a checkpoint knows no sum of what lies before it. Whoever
//! serves them knows the CRC-32 of what he serves.
//!
//! Why a foreign crate: zlib tells where a block ends and can begin there, flate2 cannot be asked for it.
//! `rapidgzip-core` can, checks every sum, and hands its points out. Its way of inflating with many threads is not used:
//! what is wanted here is little memory, and a disk is seldom faster than one thread.

mod pass;
mod points;
mod runner;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use rapidgzip_core::{DecodeError, Format};

pub use pass::{Marks, Pass};
pub use points::{FOLDER, Ident, Points, file_name, owner};
pub use rapidgzip_core::ReadAt;
pub use runner::Runner;

/// Least distance between two checkpoints, in bytes of what comes out. Half of it is inflated in vain by a read at any
/// place; each costs 32 KiB on disk.
const NEAR: u64 = 4 << 20;
/// How many checkpoints a stream gets at most, or about: what bounds the memory of a pass, at 32 KiB each.
const MOST: u64 = 2048;

/// How far apart the checkpoints of a stream of so many bytes should lie, if it may have `most` of them.
pub fn spacing(len: u64, most: u64) -> u64 {
    (len / most.clamp(1, MOST)).max(NEAR)
}

/// What stands around the deflated bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Gzip, of any number of members.
    Gzip,
    /// Nothing, as in a zip archive.
    Raw,
}

impl Frame {
    fn format(self) -> Format {
        match self {
            Frame::Gzip => Format::Gzip,
            Frame::Raw => Format::RawDeflate,
        }
    }
}

/// Why a stream gives no bytes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It is not what it should be, or breaks off.
    #[error("{0}")]
    Damaged(String),
    /// What it is read from failed: the source's own error.
    #[error("cannot read")]
    Io(#[source] Arc<io::Error>),
}

impl Error {
    /// Sorts an error of the decoder into the source's and the stream's own.
    pub fn of(error: io::Error) -> Error {
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<DecodeError>())
        {
            Some(inner) => Error::decode(inner),
            None => match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    Error::Damaged(error.to_string())
                }
                _ => Error::Io(Arc::new(error)),
            },
        }
    }

    fn decode(error: &DecodeError) -> Error {
        match error {
            DecodeError::Io { source, .. } => Error::Io(Arc::clone(source)),
            other => Error::Damaged(other.to_string()),
        }
    }
}
