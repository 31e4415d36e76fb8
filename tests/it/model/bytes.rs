//! Contents: small pictures with a size in pixels, a length and a checksum that can be chosen.

use std::collections::HashMap;
use std::sync::Arc;

/// The number of a content in its pool. Equal numbers are equal bytes, and only they.
pub type Content = usize;

/// Marker, height, width and three components: a decoder finds the size of the picture here.
const FRAME: usize = 19;
/// Where the comment with the serial number begins.
const SERIAL: usize = 2 + FRAME + 4;
/// The last bytes: four that decide the checksum, and the marker of the end.
const TAIL: usize = 6;
/// The shortest picture.
const LEAST: usize = SERIAL + 8 + TAIL;

/// All contents of one history.
#[derive(Debug, Default)]
pub struct Pool {
    all: Vec<(Arc<[u8]>, u32)>,
    by_bytes: HashMap<Arc<[u8]>, Content>,
    serial: u64,
}

impl Pool {
    /// A picture that is not there yet, of so many pixels (at most 65,535 a side) and bytes.
    pub fn picture(&mut self, side: u16, len: usize) -> Content {
        self.serial += 1;
        let bytes = picture(side, len.max(LEAST), self.serial);
        self.add(bytes, u32::from(side) * u32::from(side))
    }

    /// Other bytes of the same size in pixels, length and CRC-32.
    pub fn twin(&mut self, of: Content) -> Content {
        let (bytes, pixels) = self.all[of].clone();
        self.serial += 1;
        let mut forged = bytes.to_vec();
        forged[SERIAL..SERIAL + 8].copy_from_slice(&self.serial.to_le_bytes());
        forge(&mut forged, crc32fast::hash(&bytes));
        self.add(forged, pixels)
    }

    fn add(&mut self, bytes: Vec<u8>, pixels: u32) -> Content {
        let bytes: Arc<[u8]> = bytes.into();
        let next = self.all.len();
        let number = *self.by_bytes.entry(Arc::clone(&bytes)).or_insert(next);
        if number == next {
            self.all.push((bytes, pixels));
        }
        number
    }

    /// The bytes of a content.
    pub fn bytes(&self, content: Content) -> &Arc<[u8]> {
        &self.all[content].0
    }

    /// How large the picture is.
    pub fn pixels(&self, content: Content) -> u32 {
        self.all[content].1
    }

    /// Whether two contents share length and CRC-32.
    pub fn look_alike(&self, one: Content, other: Content) -> bool {
        let key = |content| {
            let bytes = self.bytes(content);
            (bytes.len(), crc32fast::hash(bytes))
        };
        key(one) == key(other)
    }
}

fn picture(side: u16, len: usize, serial: u64) -> Vec<u8> {
    let [high, low] = side.to_be_bytes();
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend([0xff, 0xc0, 0, 17, 8, high, low, high, low, 3]);
    bytes.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    let comment = (len - 2 - FRAME - 2 - 2) as u16;
    bytes.extend([0xff, 0xfe]);
    bytes.extend(comment.to_be_bytes());
    bytes.extend(serial.to_le_bytes());
    bytes.resize(len - 2, b'.');
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// Changes the four bytes before the end so that the whole has this CRC-32. What a bit changes in a CRC-32 does not
/// depend on the others, so this is a system of 32 linear equations.
fn forge(bytes: &mut [u8], wanted: u32) {
    let at = bytes.len() - TAIL;
    let mut with = |patch: u32| {
        bytes[at..at + 4].copy_from_slice(&patch.to_le_bytes());
        crc32fast::hash(bytes)
    };
    let zero = with(0);
    let mut rows: Vec<(u32, u32)> = (0..32)
        .map(|bit| (with(1 << bit) ^ zero, 1 << bit))
        .collect();
    let mut left = wanted ^ zero;
    let mut patch = 0;
    for bit in 0..32 {
        let Some(at) = rows.iter().position(|(effect, _)| effect >> bit & 1 == 1) else {
            continue;
        };
        let (effect, bits) = rows.swap_remove(at);
        for row in &mut rows {
            if row.0 >> bit & 1 == 1 {
                *row = (row.0 ^ effect, row.1 ^ bits);
            }
        }
        if left >> bit & 1 == 1 {
            left ^= effect;
            patch ^= bits;
        }
    }
    assert_eq!(with(patch), wanted, "a CRC-32 can always be forged");
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn twins_differ_in_nothing_that_a_directory_tells() {
        let mut pool = Pool::default();
        let one = pool.picture(100, 80);
        let other = pool.twin(one);
        assert!(pool.look_alike(one, other));
        assert_ne!(one, other);
        assert_ne!(pool.bytes(one), pool.bytes(other));
        assert_eq!(pool.bytes(one).len(), 80);
        let third = pool.picture(100, 80);
        assert!(!pool.look_alike(one, third));
    }
}
