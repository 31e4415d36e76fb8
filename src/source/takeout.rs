//! Google Takeout: archives and unpacked folders, read where they lie.

pub mod json;
pub mod name;
pub mod pair;
