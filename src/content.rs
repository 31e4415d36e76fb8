//! A placeholder with the signatures that `fs` is written against; the real room replaces this file.

use std::io;
use std::path::PathBuf;

use crate::model::Blob;

/// Why bytes cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} is missing", path = path.display())]
    Missing { path: PathBuf },
    #[error("{path} was changed since it was indexed", path = path.display())]
    Changed { path: PathBuf },
    #[error("{path} is damaged: {what}", path = path.display())]
    Garbled { path: PathBuf, what: String },
    #[error("no permission to read {path}", path = path.display())]
    Denied { path: PathBuf },
    #[error("failed to read {path}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The bytes of an empty library.
#[derive(Debug, Default)]
pub struct Content;

impl Content {
    pub fn read_now(
        &self,
        _blob: &Blob<'_>,
        _offset: u64,
        _len: usize,
    ) -> Option<Result<Vec<u8>, Error>> {
        None
    }

    pub fn read(&self, _blob: &Blob<'_>, _offset: u64, _len: usize) -> Result<Vec<u8>, Error> {
        Err(Error::Missing {
            path: PathBuf::new(),
        })
    }
}
