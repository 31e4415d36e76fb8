//! Google Takeout: archives and unpacked folders, read where they lie.

pub mod archive;
pub mod assemble;
pub mod folder;
pub mod json;
pub mod loose;
pub mod name;
pub mod pair;
pub mod part;
pub mod tgz;
