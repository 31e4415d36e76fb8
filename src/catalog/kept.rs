//! The tree that was made of the facts.

use super::pieces::{self, ALL, ENTERED, IMAGE};
use super::{Catalog, Result, rows};
use crate::tree::image::{Extent, Image, Sidecars, Texts};

impl Catalog {
    /// Keeps an image with the documents measured for it, and what it was made of.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn keep_image(&mut self, image: &Image, texts: &Texts, made_of: &str) -> Result<()> {
        let tx = self.db.transaction()?;
        tx.execute("DELETE FROM image", [])?;
        pieces::keep(&tx, IMAGE, image)?;
        pieces::keep(&tx, ENTERED, &texts.entered)?;
        pieces::keep(&tx, ALL, &texts.all)?;
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('image', ?1)",
            [made_of],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('files', ?1)",
            [image.files.len().to_string()],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// What the kept image was made of; `None` when there is none.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn image_made_of(&self) -> Result<Option<String>> {
        self.meta("image")
    }

    /// The kept image, without documents.
    ///
    /// # Errors
    /// [`Error::NotYet`] without one; also when SQLite fails or the image was kept by another version.
    pub fn image(&self) -> Result<Image> {
        pieces::read(&self.db, IMAGE)
    }

    /// The kept image with the documents that a mount shows.
    ///
    /// # Errors
    /// As [`Catalog::image`].
    pub fn image_with(&self, sidecars: Sidecars) -> Result<Image> {
        let mut image = self.image()?;
        image.documents.extent = sidecars.extent();
        image.documents.texts = match sidecars.extent() {
            Some(Extent::Entered) => pieces::read(&self.db, ENTERED)?,
            Some(Extent::All) => pieces::read(&self.db, ALL)?,
            None => Vec::new(),
        };
        if sidecars.json() {
            rows::add_json(&self.db, &mut image)?;
        }
        Ok(image)
    }
}
