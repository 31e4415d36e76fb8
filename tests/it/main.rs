//! What can only be asked from outside: of the sources as text, and of the program as users meet it: mounted, and copied
//! by the tools they use.
//!
//! One binary for all of it, so that it is linked once. The tests need root, /dev/fuse, loop devices, bash, find, tar,
//! rsync, restic, Borg, Python, getfattr, exiftool, exiv2, ntfs-3g and exfat-fuse; a tool that is missing is a failure.
//! `GPHOTOSFS_TEST_ALL=1` lets every tool copy every form of every generated export (see `copies`), which takes four
//! times as long as all the rest, and kills a sync at 204 points in place of 24 (see `killed_sync`).

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; clippy.toml allows it in test functions, this in their helpers"
)]

mod absent;
mod accounts;
mod again;
mod arrivals;
mod catalogs;
mod commands;
mod copiers;
mod copies;
mod damage;
mod dates;
mod disks;
mod doctor;
mod documents;
mod errors;
mod export;
mod exports;
mod killed;
mod killed_sync;
mod kit;
mod layers;
mod live;
mod machine;
mod manual;
mod messages;
mod model;
mod names;
mod old_catalogs;
mod options;
mod read_only;
mod readme;
mod recipes;
mod relayout;
mod robust;
mod series;
mod service;
mod sources;
mod systems;
mod tgz;
mod time;
mod tools;
mod trouble;
mod truth;
mod vanish;
mod xattrs;
