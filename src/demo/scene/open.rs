//! Scenes under the open sky.

use super::{Canvas, Dice, INK, SUN, WHITE, blend, cloud, sky};

pub(super) fn sea(c: &mut Canvas, mut dice: Dice, moment: i32) {
    let horizon = 540 + dice.roll(120);
    let (top, low) = dice.pick([
        ([44, 62, 120], [252, 150, 90]),
        ([90, 60, 120], [255, 190, 120]),
        ([60, 120, 190], [250, 230, 190]),
    ]);
    c.fade(0, horizon, top, low);
    let sun = c.right() / 4 + dice.roll(c.right() / 2);
    let height = horizon - 60 - dice.roll(160) + moment / 10;
    c.glow(sun, height, 420, SUN);
    c.disc(sun, height, 62, [255, 240, 200]);
    c.fade(horizon, 1000, blend(low, [20, 60, 90], 120), [10, 36, 62]);
    for wave in 0..46 {
        let y = horizon + 8 + wave * wave / 5;
        let x = sun + dice.roll(40 + wave * 7) - 20 - wave * 7 / 2 + (moment / 30 + wave * 7) % 20;
        c.rect(
            x - 10 - wave * 2,
            y,
            x + 10 + wave * 2,
            y + 2 + wave / 8,
            blend(low, SUN, 120),
        );
    }
}

pub(super) fn peaks(c: &mut Canvas, mut dice: Dice, seed: u32) {
    sky(c, &mut dice, 800);
    cloud(c, &mut dice, 180);
    let near = dice.pick([[38, 74, 66], [58, 66, 52], [44, 62, 84]]);
    for range in 0..4 {
        let colour = blend([176, 192, 214], near, range * 80);
        let top = 220 + range * 150;
        c.land(
            top,
            420 - range * 70,
            520 - range * 90,
            seed.wrapping_add(range as u32 * 77),
            colour,
        );
    }
    for _ in 0..26 {
        let (x, y) = (dice.roll(c.right()), 860 + dice.roll(130));
        c.triangle((x, y - 90), x - 26, x + 26, y, blend(near, INK, 140));
    }
}

pub(super) fn garden(c: &mut Canvas, mut dice: Dice) {
    sky(c, &mut dice, 420);
    cloud(c, &mut dice, 130);
    c.fade(400, 1000, [120, 170, 84], [50, 104, 50]);
    let kind = dice.pick([
        [226, 70, 96],
        [250, 200, 60],
        [170, 110, 210],
        [250, 250, 250],
    ]);
    for flower in 0..60 {
        let (x, y) = (dice.roll(c.right()), 430 + flower * 9 + dice.roll(20));
        let size = 4 + flower / 4;
        c.rect(
            x - size / 5,
            y,
            x + size / 5 + 1,
            y + size * 5,
            [50, 110, 56],
        );
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            c.disc(
                x + dx * size,
                y + dy * size,
                size,
                blend(kind, WHITE, dice.roll(90)),
            );
        }
        c.disc(x, y, size * 2 / 3, [240, 176, 40]);
    }
}

pub(super) fn balloons(c: &mut Canvas, mut dice: Dice, moment: i32) {
    sky(c, &mut dice, 1000);
    cloud(c, &mut dice, 700);
    cloud(c, &mut dice, 300);
    for size in 1..9 {
        let (x, start) = (dice.roll(c.right()), 150 + dice.roll(700));
        let y = start - moment * size / 20;
        let radius = 30 + size * 12;
        let silk = dice.pick([
            [220, 60, 60],
            [60, 120, 200],
            [250, 190, 50],
            [90, 170, 100],
            [180, 90, 180],
        ]);
        c.triangle(
            (x, y + radius * 3 / 2),
            x - radius * 4 / 5,
            x + radius * 4 / 5,
            y + radius / 2,
            silk,
        );
        c.ball(x, y, radius, silk);
        c.rect(
            x - radius / 5,
            y + radius * 3 / 2,
            x + radius / 5,
            y + radius * 2,
            [120, 84, 50],
        );
    }
}

pub(super) fn night(c: &mut Canvas, mut dice: Dice, seed: u32) {
    c.fade(0, 1000, [6, 10, 34], [44, 50, 96]);
    let aurora = dice.pick([[60, 220, 150], [90, 150, 240], [200, 110, 220]]);
    let mut x = -100;
    while x < c.right() {
        c.glow(
            x,
            330 + dice.roll(140),
            220,
            blend([20, 40, 70], aurora, 120 + dice.roll(100)),
        );
        x += 130;
    }
    for _ in 0..220 {
        let (x, y) = (dice.roll(c.right()), dice.roll(700));
        c.disc(
            x,
            y,
            2 + dice.roll(3),
            blend(WHITE, [150, 170, 255], dice.roll(200)),
        );
    }
    c.land(690, 200, 480, seed, [24, 28, 46]);
    c.rect(300, 860, 420, 950, [14, 14, 24]);
    c.triangle((360, 800), 280, 440, 862, [10, 10, 18]);
    c.rect(345, 885, 375, 915, SUN);
}

pub(super) fn dunes(c: &mut Canvas, mut dice: Dice, seed: u32) {
    c.fade(0, 640, [70, 130, 200], [246, 226, 190]);
    c.disc(150 + dice.roll(c.right() - 300), 170, 60, [255, 246, 214]);
    let sand = dice.pick([[226, 170, 100], [210, 140, 84], [236, 200, 140]]);
    for ridge in 0..4 {
        let colour = blend(
            blend(sand, WHITE, 90),
            blend(sand, [90, 40, 20], 80),
            ridge * 80,
        );
        c.land(
            430 + ridge * 130,
            170,
            900 - ridge * 120,
            seed ^ (ridge as u32 + 5),
            colour,
        );
    }
    for camel in 0..4 {
        let x = c.right() / 3 + camel * 110;
        c.disc(x, 760, 26, INK);
        c.rect(x - 26, 764, x - 18, 820, INK);
        c.rect(x + 18, 764, x + 26, 820, INK);
        c.rect(x + 30, 716, x + 38, 766, INK);
        c.disc(x + 42, 716, 11, INK);
    }
}

pub(super) fn boats(c: &mut Canvas, mut dice: Dice, moment: i32) {
    sky(c, &mut dice, 520);
    cloud(c, &mut dice, 160);
    c.land(430, 90, 300, 12, [110, 140, 120]);
    c.fade(520, 1000, [110, 176, 196], [24, 84, 124]);
    for wave in 0..70 {
        let (x, y) = (dice.roll(c.right()), 530 + wave * 7);
        c.rect(x, y, x + 30 + wave, y + 3, [170, 210, 220]);
    }
    for boat in 1..5 {
        let x = (dice.roll(c.right()) + moment * boat / 12) % c.right();
        let (y, size) = (540 + boat * 80, 30 + boat * 24);
        let sail = dice.pick([WHITE, [230, 80, 70], [246, 200, 70], [60, 90, 150]]);
        c.triangle((x, y + size), x - size, x + size, y, [110, 60, 40]);
        c.triangle((x - 4, y - size * 3), x - size, x - 4, y - 8, sail);
        c.triangle(
            (x + 6, y - size * 5 / 2),
            x + 6,
            x + size * 4 / 5,
            y - 8,
            blend(sail, INK, 30),
        );
        c.rect(x - 3, y - size * 3, x + 4, y, INK);
    }
}
