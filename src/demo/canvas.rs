//! A canvas of pixels with a handful of brushes, and the dice that vary what they paint.
//!
//! Positions and lengths are thousandths of the canvas's height, so that one scene fits every size. All arithmetic is
//! on integers: a sine from the system's library could differ in its last bit, and with it a picture's bytes.

/// Red, green and blue.
pub(super) type Colour = [u8; 3];

/// What brushes paint on.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0; 3]; width * height],
        }
    }

    /// The colour at a pixel inside the canvas.
    pub fn at(&self, column: usize, row: usize) -> Colour {
        self.pixels[row * self.width + column]
    }

    /// The right edge in thousandths of the height.
    pub fn right(&self) -> i32 {
        (self.width * 1000 / self.height) as i32
    }

    /// Fills the band between two heights, blending from one colour to another.
    pub fn fade(&mut self, top: i32, bottom: i32, from: Colour, to: Colour) {
        let (first, end) = (self.pixel(top), self.pixel(bottom));
        for row in first.max(0)..end.min(self.height as i32) {
            let colour = blend(from, to, (row - first) * 256 / (end - first));
            self.span(row, 0, self.width as i32, colour);
        }
    }

    pub fn rect(&mut self, left: i32, top: i32, right: i32, bottom: i32, colour: Colour) {
        let [left, top, right, bottom] = [left, top, right, bottom].map(|v| self.pixel(v));
        for row in top.max(0)..bottom.min(self.height as i32) {
            self.span(row, left, right, colour);
        }
    }

    /// A disc with a smooth edge.
    pub fn disc(&mut self, x: i32, y: i32, radius: i32, colour: Colour) {
        // Beside the edge, `radius² - distance²` falls by twice the radius with each pixel.
        self.round(x, y, radius, |inside, radius| {
            (inside * 128 / radius + 128, colour)
        });
    }

    /// Light that fades away from a centre.
    pub fn glow(&mut self, x: i32, y: i32, radius: i32, colour: Colour) {
        self.round(x, y, radius, |inside, radius| {
            let near = (inside * 256 / (radius * radius)).max(0);
            (near * near / 256, colour)
        });
    }

    /// A disc that is lit from above on the left.
    pub fn ball(&mut self, x: i32, y: i32, radius: i32, colour: Colour) {
        self.disc(x, y, radius, blend(colour, [0; 3], 70));
        self.disc(x - radius / 12, y - radius / 12, radius * 10 / 12, colour);
        self.glow(x - radius / 3, y - radius / 3, radius * 6 / 10, [255; 3]);
    }

    /// Blends in what `paint` makes of `radius² - distance²` and the radius, both in pixels: an opacity and a colour.
    fn round(&mut self, x: i32, y: i32, radius: i32, paint: impl Fn(i64, i64) -> (i64, Colour)) {
        let [x, y, radius] = [x, y, radius].map(|v| self.pixel(v));
        let radius = radius.max(1);
        for row in (y - radius - 1).max(0)..(y + radius + 2).min(self.height as i32) {
            for column in (x - radius - 1).max(0)..(x + radius + 2).min(self.width as i32) {
                let [dx, dy, r] = [column - x, row - y, radius].map(i64::from);
                let (opacity, colour) = paint(r * r - dx * dx - dy * dy, r);
                if opacity > 0 {
                    let at = row as usize * self.width + column as usize;
                    self.pixels[at] = blend(self.pixels[at], colour, opacity.min(256) as i32);
                }
            }
        }
    }

    /// A triangle that stands or hangs: its tip, and the two ends of its level side.
    pub fn triangle(&mut self, tip: (i32, i32), left: i32, right: i32, level: i32, colour: Colour) {
        let [tip_x, tip_y, left, right, level] =
            [tip.0, tip.1, left, right, level].map(|v| self.pixel(v));
        let rows = tip_y.min(level)..tip_y.max(level);
        let height = (level - tip_y).abs().max(1);
        for row in rows.start.max(0)..rows.end.min(self.height as i32) {
            let below = (row - tip_y).abs();
            let at = |end: i32| tip_x + (end - tip_x) * below / height;
            self.span(row, at(left), at(right) + 1, colour);
        }
    }

    /// Land below a rough line: `top` is where it is highest, `relief` how far it falls.
    pub fn land(&mut self, top: i32, relief: i32, period: i32, seed: u32, colour: Colour) {
        let foot = blend(colour, [0; 3], 90);
        for column in 0..self.width as i32 {
            let x = column * 1000 / self.height as i32;
            let first = self.pixel(top + relief * roughness(x, period, seed) / 1024);
            for row in first.max(0)..self.height as i32 {
                let deep = ((row - first) * 512 / self.height as i32).min(256);
                let at = row as usize * self.width + column as usize;
                self.pixels[at] = blend(colour, foot, deep);
            }
        }
    }

    /// Changes every pixel.
    pub fn tone(&mut self, change: impl Fn(Colour) -> Colour) {
        for pixel in &mut self.pixels {
            *pixel = change(*pixel);
        }
    }

    fn span(&mut self, row: i32, left: i32, right: i32, colour: Colour) {
        let right = right.clamp(0, self.width as i32) as usize;
        let left = (left.max(0) as usize).min(right);
        let start = row as usize * self.width;
        self.pixels[start + left..start + right].fill(colour);
    }

    fn pixel(&self, thousandths: i32) -> i32 {
        thousandths * self.height as i32 / 1000
    }
}

/// `part` of 256 of one colour laid over another.
pub(super) fn blend(under: Colour, over: Colour, part: i32) -> Colour {
    std::array::from_fn(|i| {
        let (under, over) = (i32::from(under[i]), i32::from(over[i]));
        (under + (over - under) * part / 256) as u8
    })
}

/// A smooth random line between 0 and 1024, with three finer ones on top of it.
fn roughness(x: i32, period: i32, seed: u32) -> i32 {
    (0..4).fold(0, |height, octave| {
        let step = (period >> octave).max(1);
        let (cell, inside) = (x.div_euclid(step), x.rem_euclid(step) * 1024 / step);
        let height_at = |cell: i32| {
            let place = (cell as u32).wrapping_mul(0x9e37_79b9) ^ seed.wrapping_add(octave as u32);
            Dice::new(place).roll(1024)
        };
        let smooth = inside * inside / 1024 * (3072 - 2 * inside) / 1024;
        let (from, to) = (height_at(cell), height_at(cell + 1));
        height + ((from + (to - from) * smooth / 1024) >> (octave + 1))
    })
}

/// Numbers that look random and are the same every time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u32);

impl Dice {
    pub fn new(seed: u32) -> Self {
        let mut dice = Self(seed ^ 0x5bd1_e995);
        for _ in 0..3 {
            dice.roll(2);
        }
        dice
    }

    /// A number from 0 to below `sides`.
    pub fn roll(&mut self, sides: i32) -> i32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mixed = (self.0 ^ (self.0 >> 15)).wrapping_mul(0x2c1b_3c6d) >> 8;
        mixed as i32 % sides.max(1)
    }

    /// One of several.
    pub fn pick<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        of[self.roll(N as i32) as usize]
    }
}
