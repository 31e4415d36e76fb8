//! Why bytes are not served. Kinds, not numbers: what the kernel is told is decided in `fs`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store;

/// Why bytes are not served. Cheap to clone, since one failure answers everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The archive, the file or the whole part is gone.
    #[error("{} is missing", path.display())]
    Missing {
        /// The archive or file.
        path: PathBuf,
    },
    /// Another file took its place, or it was written to after it was indexed.
    #[error("{} is not the file that was indexed: it was replaced or changed", path.display())]
    Changed {
        /// The archive or file.
        path: PathBuf,
    },
    /// Its bytes are not what they have to be.
    #[error("{} is damaged: {what}", path.display())]
    Garbled {
        /// The archive or file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The system does not let us read it.
    #[error("{} may not be read", path.display())]
    Denied {
        /// The archive or file.
        path: PathBuf,
    },
    /// The disk failed, or something else that the system says.
    #[error("failed to read {}", path.display())]
    Io {
        /// The archive or file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        match error {
            store::Error::Missing { path } => Error::Missing { path },
            store::Error::Changed { path } => Error::Changed { path },
            store::Error::Denied { path } => Error::Denied { path },
            store::Error::Io { path, source } => Error::Io { path, source },
        }
    }
}
