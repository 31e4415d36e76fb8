//! What the user can know of a library: `status` for all of it, `info` for single files, `doctor` for what may be wrong
//! with its catalog and sources.
//!
//! Reports are read from the catalog, beside a running mount or without one, and never change anything.

pub mod doctor;
pub mod info;
pub mod status;
