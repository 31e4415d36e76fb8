//! The program as its users meet it: mounted, and copied by the tools they use.
//!
//! One binary for all of it, so that it is linked once. The tests need root or fusermount3, /dev/fuse, find, tar,
//! rsync, restic, Borg and Python; a tool that is missing is a failure.

mod again;
mod copies;
mod exports;
mod kit;
mod names;
mod options;
mod tools;
mod truth;
