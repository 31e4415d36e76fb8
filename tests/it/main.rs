//! What can only be asked from outside: of the sources as text, and of the program as its users meet it: mounted, and
//! copied by the tools they use.
//!
//! One binary for all of it, so that it is linked once. It needs root or fusermount3, /dev/fuse, find, bash, tar,
//! rsync, restic, Borg and Python; what is missing is a failure. `GPHOTOSFS_TEST_ALL=1` lets every tool copy every
//! form of every generated export (see `copies`), which takes four times as long as all the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and what it prints is only shown then"
)]

mod again;
mod commands;
mod copies;
mod exports;
mod kit;
mod layers;
mod names;
mod options;
mod readme;
mod tools;
mod truth;
