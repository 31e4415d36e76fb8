//! Inodes, times and suffixes: everything that is drawn from a hash.
//!
//! All of it is SHA-256 over a tagged text and is frozen: a different number would make every backup read every file
//! again. The tests at the end hold examples that must never change.

use crate::model::BlobKey;
use sha2::{Digest, Sha256};

/// Inode of `by-date`. The lowest of the four, since Borg walks in inode order and knows a file by the path at which
/// it met it first.
pub const BY_DATE: u64 = 2;
/// Inode of `albums`.
pub const ALBUMS: u64 = 3;
/// Inode of `people`.
pub const PEOPLE: u64 = 4;
/// Inode of `favorites`.
pub const FAVORITES: u64 = 5;

/// 2001-09-09T01:46:40Z, the time of what has no date at all.
pub const NO_DATE: i64 = 1_000_000_000;

/// Seconds from 1900 to 1970.
const EPOCH_1900: i64 = 2_208_988_800;
/// Seconds since 1900 get 33 bits. The highest value is left free so that an inode never is the highest number.
const LAST_SECOND: i64 = (1 << 33) - 2;
const DIRECTORY: u64 = 1 << 61;
/// Links share no number with files (below 2^61) or directories (bit 61 alone).
const LINK: u64 = 1 << 62;

fn hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(tag.as_bytes());
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

fn word(hash: &[u8; 32], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn key_bytes(key: &BlobKey) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&key.size.to_le_bytes());
    bytes[8..12].copy_from_slice(&key.crc32.to_le_bytes());
    bytes[12..].copy_from_slice(&key.head.to_le_bytes());
    bytes
}

/// The `n`-th inode to try for a content that is first dated `time`: chronological first, a hash below.
pub fn inode(key: &BlobKey, time: i64, n: u32) -> u64 {
    let seconds = time.saturating_add(EPOCH_1900).clamp(0, LAST_SECOND) as u64;
    let low = word(&hash("inode", &[&key_bytes(key), &n.to_le_bytes()]), 0) & 0x0fff_ffff;
    // The numbers up to 15 belong to the root and the views.
    ((seconds << 28) | low).max(16)
}

/// The inode of a directory at a path below the root.
pub fn dir_inode(path: &str, n: u32) -> u64 {
    DIRECTORY
        | (word(&hash("directory", &[path.as_bytes(), &n.to_le_bytes()]), 0) & (DIRECTORY - 1))
}

/// The inode of a symbolic link, drawn from the directory it stands in and its name.
pub fn link_inode(dir: u64, name: &[u8]) -> u64 {
    LINK | (word(&hash("link", &[&dir.to_le_bytes(), name]), 0) & (DIRECTORY - 1))
}

/// The fraction of a change time, nanoseconds: distinct, so that no two files share the newest change time.
pub fn fraction(key: &BlobKey) -> u32 {
    (word(&hash("fraction", &[&key_bytes(key)]), 0) % 1_000_000_000) as u32
}

/// The second of the day for the change time of what has no date.
pub fn second_of_day(key: &BlobKey) -> i64 {
    (word(&hash("second", &[&key_bytes(key)]), 0) % 86_400) as i64
}

/// Characters that tell a photo from others of its name: lower-case base32, as many as wanted (at most 32).
pub fn suffix(key: &BlobKey, len: usize) -> String {
    letters(&hash("suffix", &[&key_bytes(key)]), len)
}

/// The same for a directory, drawn from what identifies it.
pub fn dir_suffix(id: &[u8], len: usize) -> String {
    letters(&hash("directory suffix", &[id]), len)
}

fn letters(hash: &[u8; 32], len: usize) -> String {
    let mut text = data_encoding::BASE32_NOPAD
        .encode(&hash[..20])
        .to_ascii_lowercase();
    text.truncate(len);
    text
}

/// Hash of the first bytes of a content, for contents that share size and CRC-32. Never 0.
pub fn head(bytes: &[u8]) -> u64 {
    word(&hash("head", &[bytes]), 0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: BlobKey = BlobKey {
        size: 123_456,
        crc32: 0xcbf4_3926,
        head: 0,
    };

    #[test]
    fn inodes_rise_with_time() {
        let times = [
            i64::MIN,
            -4_000_000_000,
            -86_400,
            0,
            1,
            1_700_000_000,
            4_000_000_000,
            i64::MAX,
        ];
        let mut last = 0;
        for time in times {
            let ino = inode(&KEY, time, 0);
            assert!(ino >= last, "{time}");
            assert!(ino < DIRECTORY);
            last = ino;
        }
        assert_ne!(inode(&KEY, 5, 0), inode(&KEY, 5, 1));
        assert_eq!(inode(&KEY, 5, 0) >> 28, (5 + EPOCH_1900) as u64);
    }

    #[test]
    fn frozen() {
        let numbers = (
            inode(&KEY, 1_689_329_472, 0),
            dir_inode("by-date/2023/2023-07", 0),
            link_inode(4, b"x.jpg"),
            fraction(&KEY),
            second_of_day(&KEY),
            suffix(&KEY, 4),
            dir_suffix(b"Ada", 4),
            head(b"bytes"),
        );
        let frozen = (
            1_046_446_843_039_408_172,
            2_706_717_749_770_147_289,
            5_789_750_626_485_772_123,
            622_207_885,
            77_597,
            "x3fi".to_owned(),
            "6qkb".to_owned(),
            15_344_544_301_138_686_188,
        );
        assert_eq!(numbers, frozen);
    }

    #[test]
    fn kinds_share_no_number() {
        let dir = dir_inode("by-date/2020", 0);
        let link = link_inode(dir, b"x.jpg");
        assert!(inode(&KEY, i64::MAX, 0) < dir && dir < link && link < i64::MAX as u64);
    }
}
