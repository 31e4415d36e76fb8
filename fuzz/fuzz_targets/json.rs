//! Any bytes are a sidecar, an album, something else, or an error.
#![no_main]

use gphotosfs::source::takeout::json::{self, Json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Json::Sidecar(facts)) = json::read(bytes) {
        assert!(facts.people.iter().all(|name| !name.is_empty()));
        assert_ne!(facts.taken, Some(0));
    }
});
