//! Where photos come from, and what their files and names tell by themselves. One room per source; today there is
//! Google Takeout.

pub mod dates;
pub mod seen;
pub mod takeout;
