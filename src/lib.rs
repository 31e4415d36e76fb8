//! gphotosfs shows a Google Photos library as plain directories.
//!
//! # The map of the house
//!
//! A *source* tells what photos exist and where their bytes are, the *catalog* remembers it, the *tree* gives names,
//! *content* turns "these bytes of that photo" into bytes, and *fs* lets the kernel ask. *sync* alone moves facts from
//! a source into the catalog.
//!
//! | room | what it is | may use |
//! | --- | --- | --- |
//! | [`model`] | the vocabulary; no I/O | – |
//! | [`store`] | bytes of archives and files on local disks | – |
//! | [`content`] | checked bytes of blobs, and their cache on disk | store, model |

pub mod content;
pub mod model;
pub mod source;
pub mod store;
