//! A baseline JPEG encoder: pixels in, the same bytes out on every machine and in every release.
//!
//! Why our own: inodes, names and the demo's frozen hash follow from the bytes of its pictures, and those of a
//! library's encoder change with its version. The pure Rust ones also bring eight more crates, or a licence that
//! wants a notice in every manual. Here all arithmetic is on integers, with one quality, one pair of Huffman tables
//! for all components, and chroma at half resolution, as cameras write it. It is not meant for anything but the demo.

use super::canvas::Canvas;

/// Order in which the coefficients of a block are written: from low to high frequencies.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Steps for brightness, by row and column of frequency.
const LUMA_STEPS: [u8; 64] = steps([3, 1, 1]);
/// Steps for colour, which the eye resolves less well.
const CHROMA_STEPS: [u8; 64] = steps([4, 3, 2]);

/// Quantization grows with the frequency: `start + (row + column) * slope + row * column / divisor`.
const fn steps([start, slope, divisor]: [usize; 3]) -> [u8; 64] {
    let mut table = [0; 64];
    let mut at = 0;
    while at < 64 {
        let (row, column) = (at / 8, at % 8);
        table[at] = (start + (row + column) * slope + row * column / divisor) as u8;
        at += 1;
    }
    table
}

/// Huffman table of the DC differences: how many codes of each length, then their symbols. (T.81, table K.3)
const DC_COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Huffman table of the AC coefficients. (T.81, table K.5)
const AC_COUNTS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
const AC_SYMBOLS: [u8; 162] = ac_symbols();

/// The frequent symbols in the standard's order; the 125 others follow in ascending order.
const fn ac_symbols() -> [u8; 162] {
    const FREQUENT: [u8; 37] = [
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
        0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52,
        0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82,
    ];
    let mut symbols = [0; 162];
    let mut known = [false; 256];
    let mut filled = 0;
    while filled < FREQUENT.len() {
        symbols[filled] = FREQUENT[filled];
        known[FREQUENT[filled] as usize] = true;
        filled += 1;
    }
    let mut symbol = 1;
    while symbol < 256 {
        let size = symbol & 15;
        if size >= 1 && size <= 10 && !known[symbol] {
            symbols[filled] = symbol as u8;
            filled += 1;
        }
        symbol += 1;
    }
    symbols
}

/// Code and length of every symbol.
type Codes = [(u32, u32); 256];

const DC_CODES: Codes = codes(&DC_COUNTS, &DC_SYMBOLS);
const AC_CODES: Codes = codes(&AC_COUNTS, &AC_SYMBOLS);

const fn codes(counts: &[u8; 16], symbols: &[u8]) -> Codes {
    let mut table = [(0, 0); 256];
    let (mut code, mut used, mut length) = (0, 0, 1);
    while length <= 16 {
        let mut left = counts[length - 1];
        while left > 0 {
            table[symbols[used] as usize] = (code, length as u32);
            code += 1;
            used += 1;
            left -= 1;
        }
        code <<= 1;
        length += 1;
    }
    table
}

/// Encodes a canvas; `exif` is the body of its APP1 segment, behind `Exif\0\0`.
pub(super) fn encode(canvas: &Canvas, exif: Option<&[u8]>) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    if let Some(tiff) = exif {
        segment(&mut out, 0xe1, &[b"Exif\0\0", tiff]);
    }
    segment(&mut out, 0xdb, &[&[0], &zigzag(&LUMA_STEPS)]);
    segment(&mut out, 0xdb, &[&[1], &zigzag(&CHROMA_STEPS)]);
    let [width, height] = [canvas.width, canvas.height].map(|side| (side as u16).to_be_bytes());
    let components = [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    segment(&mut out, 0xc0, &[&[8], &height, &width, &components]);
    segment(&mut out, 0xc4, &[&[0x00], &DC_COUNTS, &DC_SYMBOLS]);
    segment(&mut out, 0xc4, &[&[0x10], &AC_COUNTS, &AC_SYMBOLS]);
    segment(&mut out, 0xda, &[&[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]]);
    let mut scan = Scan {
        out,
        pending: 0,
        bits: 0,
    };
    scan.picture(canvas);
    let mut out = scan.finish();
    out.extend([0xff, 0xd9]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, pieces: &[&[u8]]) {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    out.extend([0xff, marker]);
    out.extend((length as u16 + 2).to_be_bytes());
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

fn zigzag(table: &[u8; 64]) -> [u8; 64] {
    ZIGZAG.map(|at| table[usize::from(at)])
}

/// The entropy-coded part.
struct Scan {
    out: Vec<u8>,
    /// Bits not yet written, right-aligned.
    pending: u32,
    bits: u32,
}

impl Scan {
    /// Writes squares of 16 pixels: four blocks of brightness, then one of each colour.
    fn picture(&mut self, canvas: &Canvas) {
        let mut last = [0; 3];
        for top in (0..canvas.height).step_by(16) {
            for left in (0..canvas.width).step_by(16) {
                let (luma, blue, red) = square(canvas, left, top);
                for block in &luma {
                    last[0] = self.block(block, &LUMA_STEPS, last[0]);
                }
                last[1] = self.block(&blue, &CHROMA_STEPS, last[1]);
                last[2] = self.block(&red, &CHROMA_STEPS, last[2]);
            }
        }
    }

    /// Writes one block and returns its DC value, from which the next one is counted.
    fn block(&mut self, samples: &[i32; 64], steps: &[u8; 64], last: i32) -> i32 {
        let waves = transform(samples);
        let dc = rounded(waves[0], steps[0]);
        self.number(dc - last, 0, &DC_CODES);
        let mut zeros = 0;
        for &at in &ZIGZAG[1..] {
            let at = usize::from(at);
            match rounded(waves[at], steps[at]) {
                0 => zeros += 1,
                value => {
                    while zeros > 15 {
                        self.symbol(0xf0, &AC_CODES);
                        zeros -= 16;
                    }
                    self.number(value, zeros, &AC_CODES);
                    zeros = 0;
                }
            }
        }
        if zeros > 0 {
            self.symbol(0x00, &AC_CODES);
        }
        dc
    }

    /// Writes a number as the symbol of its size and the bits of its value.
    fn number(&mut self, value: i32, zeros: usize, codes: &Codes) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        self.symbol((zeros << 4) | size as usize, codes);
        let bits = if value < 0 { value - 1 } else { value } as u32;
        self.put(bits & ((1 << size) - 1), size);
    }

    fn symbol(&mut self, symbol: usize, codes: &Codes) {
        let (code, length) = codes[symbol];
        self.put(code, length);
    }

    fn put(&mut self, code: u32, length: u32) {
        self.pending = (self.pending << length) | code;
        self.bits += length;
        while self.bits >= 8 {
            self.bits -= 8;
            let byte = (self.pending >> self.bits) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        self.put(0x7f, 7);
        self.out
    }
}

/// A square of 16 pixels in brightness (four blocks) and two colours (one block each), all around zero.
fn square(canvas: &Canvas, left: usize, top: usize) -> ([[i32; 64]; 4], [i32; 64], [i32; 64]) {
    let (mut luma, mut blue, mut red) = ([[0; 64]; 4], [0; 64], [0; 64]);
    for y in 0..16 {
        for x in 0..16 {
            let column = (left + x).min(canvas.width - 1);
            let row = (top + y).min(canvas.height - 1);
            let [r, g, b] = canvas.at(column, row);
            let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
            luma[y / 8 * 2 + x / 8][y % 8 * 8 + x % 8] =
                ((19595 * r + 38470 * g + 7471 * b) >> 16) - 128;
            let small = y / 2 * 8 + x / 2;
            blue[small] += 32768 * b - 11059 * r - 21709 * g;
            red[small] += 32768 * r - 27439 * g - 5329 * b;
        }
    }
    // Four pixels were added up in 16 bits of fraction; the largest sum is just below what fits.
    let mean = |sum: i32| (((sum >> 2) + 32768) >> 16).min(127);
    (luma, blue.map(mean), red.map(mean))
}

/// `cos` at the multiples of a 32nd turn, halved, in 13 bits of fraction: `COS[n] = cos(n·π/16) / 2`.
const COS: [i32; 8] = [4096, 4017, 3784, 3406, 2896, 2276, 1567, 799];

/// The discrete cosine transform of a block: all rows, then all columns; three more bits are kept in between.
fn transform(samples: &[i32; 64]) -> [i32; 64] {
    turned_waves(&turned_waves(samples, 10), 0)
}

/// Makes frequencies of every row and turns rows into columns, so that doing it twice serves both.
fn turned_waves(block: &[i32; 64], drop_bits: u32) -> [i32; 64] {
    let half = (1 << drop_bits) >> 1;
    let mut turned = [0; 64];
    for (row, line) in block.chunks_exact(8).enumerate() {
        for (frequency, value) in waves(line).into_iter().enumerate() {
            turned[frequency * 8 + row] = (value + half) >> drop_bits;
        }
    }
    turned
}

/// Eight samples as eight frequencies. Even ones see only the sums of mirrored samples, odd ones only the differences.
fn waves(s: &[i32]) -> [i32; 8] {
    let [_, c1, c2, c3, c4, c5, c6, c7] = COS;
    let [a, b, c, d] = [s[0] + s[7], s[1] + s[6], s[2] + s[5], s[3] + s[4]];
    let [p, q, r, t] = [s[0] - s[7], s[1] - s[6], s[2] - s[5], s[3] - s[4]];
    [
        c4 * (a + b + c + d),
        c1 * p + c3 * q + c5 * r + c7 * t,
        c2 * (a - d) + c6 * (b - c),
        c3 * p - c7 * q - c1 * r - c5 * t,
        c4 * (a - b - c + d),
        c5 * p - c1 * q + c7 * r + c3 * t,
        c6 * (a - d) - c2 * (b - c),
        c7 * p - c5 * q + c3 * r - c1 * t,
    ]
}

/// Divides a coefficient, which has 16 bits of fraction, by its step, to the nearest.
fn rounded(value: i32, step: u8) -> i32 {
    let step = i32::from(step) << 16;
    let half = step / 2;
    if value < 0 {
        (value - half) / step
    } else {
        (value + half) / step
    }
}
