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
/// Directories and symbolic links; photos stay below.
const DIRECTORY: u64 = 1 << 61;
/// The XMP document beside a photo has the photo's number and this bit.
const XMP: u64 = 1 << 62;
/// Google's own JSON beside a photo has the photo's number and these bits.
const JSON: u64 = XMP | DIRECTORY;
/// Documents are up to 2^20 seconds, twelve days, younger than their photos. Fewer bits let more changes of equal
/// length pass rsync unseen.
const FINGERPRINT: u32 = (1 << 20) - 1;

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

/// A hash of a content. In a further account it is another, since equal bytes are another file there.
fn hash_of(account: Option<&str>, tag: &str, key: &BlobKey, more: &[u8]) -> [u8; 32] {
    let key = key_bytes(key);
    match account {
        None if more.is_empty() => hash(tag, &[&key]),
        None => hash(tag, &[&key, more]),
        Some(account) => hash("account", &[account.as_bytes(), tag.as_bytes(), &key, more]),
    }
}

/// The `n`-th inode to try for a content that is first dated `time`: chronological first, a hash below.
pub fn inode(account: Option<&str>, key: &BlobKey, time: i64, n: u32) -> u64 {
    let seconds = time.saturating_add(EPOCH_1900).clamp(0, LAST_SECOND) as u64;
    let low = word(&hash_of(account, "inode", key, &n.to_le_bytes()), 0) & 0x0fff_ffff;
    // The numbers up to 15 belong to the root and the views.
    ((seconds << 28) | low).max(16)
}

/// The inode of a directory at a path below the root.
pub fn dir_inode(path: &str, n: u32) -> u64 {
    DIRECTORY
        | (word(&hash("directory", &[path.as_bytes(), &n.to_le_bytes()]), 0) & (DIRECTORY - 1))
}

/// The inodes of `by-date`, `albums`, `people` and `favorites` of a further account, whose directory this is: one after
/// the other, for what [`BY_DATE`] says.
pub fn view_inodes(account: &str, n: u32) -> [u64; 4] {
    let hash = hash("views", &[account.as_bytes(), &n.to_le_bytes()]);
    let first = DIRECTORY | (word(&hash, 0) & (DIRECTORY - 1) & !3);
    [first, first + 1, first + 2, first + 3]
}

/// The inode of a symbolic link, drawn from the directory it stands in and its name.
pub fn link_inode(dir: u64, name: &[u8]) -> u64 {
    DIRECTORY | (word(&hash("link", &[&dir.to_le_bytes(), name]), 0) & (DIRECTORY - 1))
}

/// What stands beside a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// Text of our own, made of what is known.
    Xmp,
    /// The sidecar as Google wrote it.
    Json,
}

impl Document {
    /// The bits that tell its inode from the photo's.
    fn bits(self) -> u64 {
        match self {
            Document::Xmp => XMP,
            Document::Json => JSON,
        }
    }

    /// What its name has behind the photo's.
    pub fn ending(self) -> &'static str {
        match self {
            Document::Xmp => ".xmp",
            Document::Json => ".json",
        }
    }

    /// All of them, in the order of their inodes.
    pub const ALL: [Document; 2] = [Document::Xmp, Document::Json];
}

/// The inode of a document beside the photo with this one.
pub fn document_inode(photo: u64, document: Document) -> u64 {
    photo | document.bits()
}

/// Whose document an inode is; `None` when it is none.
pub fn document_of(ino: u64) -> Option<(u64, Document)> {
    let of = |document: Document| (ino & !JSON, document);
    match ino & JSON {
        XMP => Some(of(Document::Xmp)),
        JSON => Some(of(Document::Json)),
        _ => None,
    }
}

/// Both times of a document: so near to when its photo was uploaded, and another for another text of equal length.
pub fn document_time(uploaded: i64, fingerprint: u32) -> i64 {
    uploaded.saturating_add(i64::from(fingerprint & FINGERPRINT))
}

/// The fraction of a change time, nanoseconds: distinct, so that no two files share the newest change time.
pub fn fraction(account: Option<&str>, key: &BlobKey) -> u32 {
    (word(&hash_of(account, "fraction", key, &[]), 0) % 1_000_000_000) as u32
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
            let ino = inode(None, &KEY, time, 0);
            assert!(ino >= last, "{time}");
            assert!(ino < DIRECTORY);
            last = ino;
        }
        assert_ne!(inode(None, &KEY, 5, 0), inode(None, &KEY, 5, 1));
        assert_eq!(inode(None, &KEY, 5, 0) >> 28, (5 + EPOCH_1900) as u64);
    }

    #[test]
    fn frozen() {
        let numbers = (
            inode(None, &KEY, 1_689_329_472, 0),
            dir_inode("by-date/2023/2023-07", 0),
            link_inode(4, b"x.jpg"),
            fraction(None, &KEY),
            second_of_day(&KEY),
            suffix(&KEY, 4),
            dir_suffix(b"Ada", 4),
            head(b"bytes"),
        );
        let frozen = (
            1_046_446_843_039_408_172,
            2_706_717_749_770_147_289,
            3_483_907_617_272_078_171,
            622_207_885,
            77_597,
            "x3fi".to_owned(),
            "6qkb".to_owned(),
            15_344_544_301_138_686_188,
        );
        assert_eq!(numbers, frozen);
    }

    #[test]
    fn frozen_in_a_further_account() {
        let ada = Some("ada");
        let numbers = (
            inode(ada, &KEY, 1_689_329_472, 0),
            inode(ada, &KEY, 1_689_329_472, 1),
            fraction(ada, &KEY),
            dir_inode("accounts", 0),
            dir_inode("accounts/ada", 0),
            view_inodes("accounts/ada", 0),
        );
        let first = 3_813_988_729_348_777_008;
        let frozen = (
            1_046_446_843_188_710_783,
            1_046_446_843_040_157_793,
            231_275_081,
            3_979_872_430_580_000_709,
            3_107_547_500_748_082_062,
            [first, first + 1, first + 2, first + 3],
        );
        assert_eq!(numbers, frozen);
        assert_eq!(numbers.0 >> 28, inode(None, &KEY, 1_689_329_472, 0) >> 28);
    }

    #[test]
    fn kinds_share_no_number() {
        let dir = dir_inode("by-date/2020", 0);
        let link = link_inode(dir, b"x.jpg");
        let photo = inode(None, &KEY, i64::MAX, 0);
        assert!(photo < DIRECTORY);
        assert!((DIRECTORY..XMP).contains(&dir) && (DIRECTORY..XMP).contains(&link));
        assert_ne!(dir, link);
        let xmp = document_inode(photo, Document::Xmp);
        let json = document_inode(photo, Document::Json);
        // A listing's position is the inode and one more, and must be a positive number.
        assert!((XMP..JSON).contains(&xmp) && (JSON..i64::MAX as u64).contains(&json));
        assert_eq!(document_of(xmp), Some((photo, Document::Xmp)));
        assert_eq!(document_of(json), Some((photo, Document::Json)));
        assert_eq!(
            (document_of(photo), document_of(dir), document_of(link)),
            (None, None, None)
        );
    }

    #[test]
    fn times_of_documents_are_near_the_upload() {
        assert_eq!(document_time(1000, 0), 1000);
        assert_eq!(document_time(1000, u32::MAX), 1000 + (1 << 20) - 1);
        assert_eq!(document_time(-5, 1 << 20), -5);
    }
}
