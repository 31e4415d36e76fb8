//! What can only be asked from outside: of the sources as text, and of the program as users meet it: mounted, and copied
//! by the tools they use.
//!
//! One binary for all of it, so that it is linked once. The tests need root, /dev/fuse, find, tar, rsync, restic, Borg
//! and Python; a tool that is missing is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed; clippy.toml allows it in test functions, this in their helpers"
)]

mod absent;
mod damage;
mod errors;
mod export;
mod killed;
#[allow(
    dead_code,
    reason = "some of it is for tests of exports made by the generator"
)]
mod kit;
mod layers;
mod messages;
mod read_only;
mod readme;
mod robust;
mod tools;
mod trouble;
