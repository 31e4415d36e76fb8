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
//! | [`model`] | the vocabulary: photos, blobs, albums, sidecars, parts; no I/O | – |
//! | [`deflate`] | deflate streams that can be entered in the middle, and their checkpoints | – |
//! | [`store`] | bytes of archives and files on local disks | – |
//! | [`source`] | what exists and where: Takeout archives and folders; dates in files and their names | deflate, model |
//! | [`catalog`] | one SQLite file that remembers facts and the image of the tree | model, tree's image |
//! | [`tree`] | the fold: names, inodes, times, places | model |
//! | [`content`] | checked bytes of blobs, and their cache on disk | store, deflate, model |
//! | [`sync`] | sources → catalog → image | source, catalog, tree, deflate, model |
//! | [`fs`] | FUSE: translates requests; mounts, the server, its lock, log and socket | tree, content, model |
//! | [`report`] | `status`, `exports`, `info`, and what `doctor` tells of libraries | catalog, sync, tree, model |
//! | [`config`] | settings; the only reader of TOML and XDG | model, tree's fold, tree's Links, tree's Sidecars, catalog's FILE |
//! | [`cli`] | the commands | all |
//! | [`demo`] | a small real export, made by code | model |
//!
//! # Invariants
//!
//! 1. Names never wait: what the tree answers is in memory.
//! 2. SQL stays in the catalog, an errno stays in fs, fuser stays in fs.
//! 3. Everything in the tree is a projection: facts per export in, folded in the order of their stamps, names and
//!    numbers out. Drop it, rebuild it, get the same.

pub mod catalog;
pub mod cli;
pub mod config;
pub mod content;
pub mod deflate;
pub mod demo;
pub mod fs;
pub mod model;
pub mod report;
pub mod source;
pub mod store;
pub mod sync;
pub mod tree;
