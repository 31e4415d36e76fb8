//! Real mounts of an in-memory library.
//!
//! The server is this test binary run anew ([`stage::server`]), because a process must not wait for a mount that it
//! serves itself, and because servers have to be killed here. Every mount stands under a watchdog: a hang is a failure.
//!
//! They need root and `/dev/fuse`. What users may do is tried where the system lets users mount; where it does not, what
//! they are told is.

mod background;
mod end;
mod fake;
mod live;
mod look;
mod old;
mod read;
mod stage;
mod write;
