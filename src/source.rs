//! Where photos come from. One room per source; today there is Google Takeout.

pub mod takeout;
