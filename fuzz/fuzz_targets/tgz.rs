//! Any bytes are a tgz or an error, and so is any tar in a sound gzip: no panic, no endless loop, no allocation of what
//! a header claims. What is listed lies where it is said to lie.
#![no_main]

use flate2::{Compression, write::GzEncoder};
use gphotosfs::source::takeout::tgz::{self, Reader};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};

struct Texts;

impl Reader for Texts {
    type Facts = usize;
    fn is_text(&self, path: &str) -> bool {
        path.ends_with(".json")
    }
    fn read(&mut self, text: &[u8]) -> usize {
        text.len()
    }
    fn came(&mut self, _: u64) {}
}

fuzz_target!(|bytes: &[u8]| {
    let _ = tgz::list(Cursor::new(bytes.to_vec()), bytes.len() as u64, &mut Texts);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    let gzip = gzip.finish().unwrap();
    let len = gzip.len() as u64;
    if let Ok(listing) = tgz::list(Cursor::new(gzip), len, &mut Texts) {
        for (entry, _) in listing.entries {
            let data = &bytes[entry.at as usize..][..entry.size as usize];
            assert_eq!(crc32fast::hash(data), entry.crc32);
        }
    }
});
