//! How many pixels pictures have, for those of which exports hold several versions.
//!
//! Google compresses originals for 'Storage saver' and says so nowhere; of two versions of an original the one with more
//! pixels is the better one. A picture is looked into once, and that is remembered, also when nothing was found: its size
//! is a function of its bytes. One that cannot be read now is looked at again in a later pass.

use super::Error;
use super::peek::Shelf;
use super::project::Facts;
use crate::catalog::KnownPart;
use crate::deflate;
use crate::tree::fold::Held;
use std::collections::HashMap;
use std::io::BufReader;
use std::path::PathBuf;

type Size = Option<(u32, u32)>;

/// Looks into pictures, and knows those that were looked into.
pub(super) struct Measure<'a> {
    parts: HashMap<u32, &'a KnownPart>,
    points: PathBuf,
    /// Nothing is to be read.
    kept: bool,
    known: HashMap<u32, Size>,
    found: Vec<(u32, Size)>,
}

impl<'a> Measure<'a> {
    /// What the catalog remembers.
    ///
    /// # Errors
    /// When the catalog fails.
    pub(super) fn of(
        facts: &mut Facts<'_>,
        parts: HashMap<u32, &'a KnownPart>,
    ) -> Result<Measure<'a>, Error> {
        let mut known = HashMap::new();
        for part in parts.keys() {
            known.extend(facts.catalog().pixels(*part)?);
        }
        Ok(Measure {
            parts,
            points: facts.catalog().dir().join(deflate::FOLDER),
            kept: facts.growing().is_none(),
            known,
            found: Vec::new(),
        })
    }

    /// Width times height; `None` where it cannot be known.
    pub(super) fn pixels(&mut self, held: Held<'_>) -> Option<u64> {
        let size = match self.known.get(&held.entry) {
            Some(size) => *size,
            None => self.look(held)?,
        };
        size.map(|(width, height)| u64::from(width) * u64::from(height))
    }

    fn look(&mut self, held: Held<'_>) -> Option<Size> {
        let part = self
            .parts
            .get(&held.location.part())
            .filter(|_| !self.kept)?;
        let mut shelf = Shelf::of(part, &self.points);
        let file = match shelf.open(held.location, held.paths, held.key) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!("{}: cannot be measured: {error}", part.part.path.display());
                return None;
            }
        };
        let size = match imagesize::reader_size(BufReader::new(file)) {
            Ok(size) => u32::try_from(size.width)
                .ok()
                .zip(u32::try_from(size.height).ok()),
            Err(imagesize::ImageError::IoError(error)) => {
                tracing::debug!("{}: cannot be measured: {error}", part.part.path.display());
                return None;
            }
            // A video, a raw picture, or damaged.
            Err(_) => None,
        };
        self.known.insert(held.entry, size);
        self.found.push((held.entry, size));
        Some(size)
    }

    /// Keeps what was found.
    ///
    /// # Errors
    /// When the catalog fails.
    pub(super) fn remember(self, facts: &mut Facts<'_>) -> Result<(), Error> {
        match facts.growing() {
            Some(catalog) if !self.found.is_empty() => Ok(catalog.set_pixels(&self.found)?),
            _ => Ok(()),
        }
    }
}
