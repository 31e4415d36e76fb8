//! Scenes of what people make: streets, walls, cakes, and themselves.

use super::{Canvas, Dice, INK, SUN, WHITE, blend, sky};

pub(super) fn town(c: &mut Canvas, mut dice: Dice, moment: i32) {
    let dusk = dice.pick([[236, 150, 120], [120, 130, 190], [250, 200, 140]]);
    c.fade(0, 900, [24, 30, 72], dusk);
    c.ball(120 + dice.roll(300), 150, 54, [240, 236, 214]);
    let mut x = -20;
    while x < c.right() {
        let (width, height) = (70 + dice.roll(110), 300 + dice.roll(420));
        let wall = blend([46, 48, 84], dusk, dice.roll(70));
        c.rect(x, 940 - height, x + width, 1000, wall);
        for row in 0..height / 52 {
            for column in 0..width / 32 {
                let lit = dice.roll(1000) < 420 + moment / 4;
                let pane = if lit { SUN } else { blend(wall, INK, 120) };
                let (left, top) = (x + 10 + column * 32, 960 - height + row * 52);
                c.rect(left, top, left + 16, top + 28, pane);
            }
        }
        x += width + 6;
    }
}

pub(super) fn tram(c: &mut Canvas, mut dice: Dice, moment: i32) {
    sky(c, &mut dice, 500);
    let mut x = -30;
    while x < c.right() {
        let wall = dice.pick([
            [226, 180, 150],
            [240, 226, 190],
            [170, 196, 206],
            [222, 150, 130],
        ]);
        let (width, top) = (170 + dice.roll(80), 180 + dice.roll(140));
        c.rect(x, top, x + width, 800, wall);
        c.triangle(
            (x + width / 2, top - 70),
            x - 8,
            x + width + 8,
            top,
            [176, 84, 60],
        );
        for floor in 0..4 {
            for side in 0..2 {
                let (left, high) = (x + 30 + side * 80, top + 40 + floor * 130);
                c.rect(left, high, left + 44, high + 70, [96, 112, 126]);
            }
        }
        x += width;
    }
    c.fade(800, 1000, [150, 146, 140], [104, 100, 98]);
    c.rect(0, 930, c.right() + 9, 938, [70, 70, 74]);
    let body = dice.pick([[214, 66, 50], [246, 196, 40], [70, 140, 96]]);
    let left = c.right() / 8 + dice.roll(200) + moment / 3;
    c.rect(left, 560, left + 540, 740, WHITE);
    c.rect(left - 14, 530, left + 554, 566, blend(body, INK, 60));
    c.rect(left, 716, left + 540, 880, body);
    for window in 0..5 {
        c.rect(
            left + 22 + window * 102,
            590,
            left + 108 + window * 102,
            700,
            [92, 128, 150],
        );
    }
    for wheel in [110, 430] {
        c.disc(left + wheel, 890, 46, INK);
        c.disc(left + wheel, 890, 20, [150, 150, 154]);
    }
}

pub(super) fn tiles(c: &mut Canvas, mut dice: Dice) {
    let blue = dice.pick([[30, 70, 150], [24, 96, 140], [60, 60, 140]]);
    c.fade(0, 1000, [244, 244, 238], [226, 230, 232]);
    let size = dice.pick([125, 167, 200]);
    let petal = size / 5 + dice.roll(size / 8);
    for row in 0..=1000 / size {
        for column in 0..=c.right() / size {
            let (x, y) = (column * size + size / 2, row * size + size / 2);
            for (dx, dy) in [(-1, -1), (1, -1), (-1, 1), (1, 1)] {
                c.disc(x + dx * size / 2, y + dy * size / 2, size / 4, blue);
                c.disc(
                    x + dx * size / 2,
                    y + dy * size / 2,
                    size / 6,
                    [238, 200, 90],
                );
                c.disc(
                    x + dx * size / 5,
                    y + dy * size / 5,
                    petal,
                    blend(blue, WHITE, 110),
                );
            }
            c.disc(x, y, size / 6, blue);
            c.disc(x, y, size / 14, WHITE);
            c.rect(
                x - size / 2,
                y - size / 2,
                x + size / 2,
                y - size / 2 + 3,
                [190, 190, 186],
            );
            c.rect(
                x - size / 2,
                y - size / 2,
                x - size / 2 + 3,
                y + size / 2,
                [190, 190, 186],
            );
        }
    }
}

pub(super) fn portrait(c: &mut Canvas, mut dice: Dice) {
    let wall = dice.pick([
        [150, 176, 170],
        [196, 170, 150],
        [140, 150, 190],
        [190, 186, 140],
    ]);
    c.fade(0, 1000, blend(wall, WHITE, 90), blend(wall, INK, 60));
    let x = c.right() / 2 + dice.roll(120) - 60;
    let skin = dice.pick([
        [240, 204, 176],
        [206, 154, 116],
        [142, 96, 70],
        [250, 220, 200],
    ]);
    let hair = dice.pick([[60, 40, 30], [150, 90, 40], [40, 40, 46], [200, 196, 190]]);
    let coat = dice.pick([[60, 80, 140], [150, 50, 70], [50, 110, 96], [90, 70, 120]]);
    c.disc(x, 420, 240, hair);
    c.rect(x - 240, 420, x + 240, 560 + dice.roll(160), hair);
    c.disc(x, 1090, 380, coat);
    c.rect(x - 70, 600, x + 70, 770, blend(skin, INK, 40));
    c.disc(x, 470, 196, blend(skin, INK, 40));
    c.disc(x - 8, 466, 184, skin);
    c.triangle((x + 30, 180), x - 200, x + 190, 330, hair);
    for eye in [-76, 76] {
        c.disc(x + eye, 450, 30, WHITE);
        c.disc(
            x + eye + 4,
            452,
            16,
            dice.pick([[70, 110, 150], [80, 60, 40]]),
        );
    }
    c.triangle((x, 470), x - 20, x + 24, 540, blend(skin, INK, 50));
    c.disc(x, 570, 56, [190, 80, 80]);
    c.rect(x - 60, 510, x + 60, 572, skin);
}

pub(super) fn cake(c: &mut Canvas, mut dice: Dice) {
    c.fade(0, 700, [120, 70, 90], [70, 40, 66]);
    c.fade(700, 1000, [150, 110, 80], [110, 76, 54]);
    let middle = c.right() / 2;
    c.disc(middle, 1560, 760, WHITE);
    let icing = dice.pick([[250, 190, 206], [200, 226, 250], [250, 240, 200]]);
    for (tier, half) in [(0, 330), (1, 240), (2, 150)] {
        let top = 700 - tier * 140;
        c.rect(
            middle - half,
            top,
            middle + half,
            top + 140,
            blend(icing, [140, 80, 60], 60 + tier * 20),
        );
        for drop in 0..half / 15 {
            c.disc(
                middle - half + 15 + drop * 30,
                top + 12,
                18 + dice.roll(14),
                icing,
            );
        }
    }
    for candle in 0..6 {
        let x = middle - 125 + candle * 50;
        c.rect(
            x - 7,
            320,
            x + 7,
            412,
            dice.pick([[220, 80, 80], [80, 140, 210], [240, 190, 60]]),
        );
        c.glow(x, 290, 90, SUN);
        c.disc(x, 296, 14, [255, 244, 200]);
    }
}
