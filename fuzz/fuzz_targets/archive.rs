//! Any bytes are an archive or an error: no panic, no endless loop, no allocation of what a header claims.
#![no_main]

use gphotosfs::source::takeout::archive::Archive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let archive = Archive::of(bytes.to_vec(), bytes.len() as u64);
    for entry in archive.list().unwrap_or_default().iter().take(64) {
        if let Ok(text) = archive.read(entry) {
            assert_eq!(text.len() as u64, entry.size);
        }
        let _ = archive.read_start(entry, 64 << 10);
    }
});
