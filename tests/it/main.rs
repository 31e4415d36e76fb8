//! What can only be asked from outside: of the sources as text, and of the program as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed; clippy.toml allows it in test functions, this in their helpers"
)]

mod layers;
mod readme;
