//! The program as its users meet it: mounted, and copied by the tools they use.
//!
//! One binary for all of it, so that it is linked once. The tests need root or fusermount3, /dev/fuse, find, tar,
//! rsync, restic, Borg and Python; a tool that is missing is a failure.

mod absent;
mod damage;
mod errors;
mod export;
mod killed;
mod kit;
mod messages;
mod read_only;
mod robust;
mod tools;
mod trouble;
