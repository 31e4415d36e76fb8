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
//! | [`fs`] | lets the kernel ask: translate, mount, unmount, the background server; alone with fuser, libc and nix | tree, content, model |

pub mod content;
pub mod fs;
pub mod model;
pub mod source;
pub mod tree;
