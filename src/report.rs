//! What the user can know of a library: `status` for all of it, `exports` for each export, `info` for single files,
//! `doctor` for what may be wrong with its catalog and sources.
//!
//! Reports are read from the catalog, beside a running mount or without one, and never change anything.

pub mod doctor;
pub mod exports;
pub mod info;
pub mod status;
