//! What the pictures show: a dozen scenes, each different with every seed, some of which move.

mod made;
mod open;

use super::canvas::{Canvas, Colour, Dice, blend};

/// A subject.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scene {
    Sea,
    Peaks,
    Town,
    Tram,
    Tiles,
    Garden,
    Portrait,
    Balloons,
    Night,
    Dunes,
    Cake,
    Boats,
}

const WHITE: Colour = [250, 250, 245];
const INK: Colour = [30, 34, 46];
const SUN: Colour = [255, 226, 150];

/// Paints a scene; `moment` runs from 0 to 1000 while a video plays.
pub(super) fn paint(scene: Scene, seed: u32, moment: i32, width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    let dice = Dice::new(seed);
    let c = &mut canvas;
    match scene {
        Scene::Sea => open::sea(c, dice, moment),
        Scene::Peaks => open::peaks(c, dice, seed),
        Scene::Town => made::town(c, dice, moment),
        Scene::Tram => made::tram(c, dice, moment),
        Scene::Tiles => made::tiles(c, dice),
        Scene::Garden => open::garden(c, dice),
        Scene::Portrait => made::portrait(c, dice),
        Scene::Balloons => open::balloons(c, dice, moment),
        Scene::Night => open::night(c, dice, seed),
        Scene::Dunes => open::dunes(c, dice, seed),
        Scene::Cake => made::cake(c, dice),
        Scene::Boats => open::boats(c, dice, moment),
    }
    canvas
}

fn sky(c: &mut Canvas, dice: &mut Dice, horizon: i32) {
    let (top, low) = dice.pick([
        ([52, 108, 190], [190, 220, 240]),
        ([84, 140, 206], [232, 236, 232]),
        ([70, 66, 130], [250, 176, 120]),
        ([110, 150, 190], [248, 226, 190]),
    ]);
    c.fade(0, horizon, top, low);
}

fn cloud(c: &mut Canvas, dice: &mut Dice, y: i32) {
    let x = dice.roll(c.right());
    for puff in 0..5 {
        c.glow(
            x + puff * 50 - 100,
            y + dice.roll(30),
            60 + dice.roll(50),
            WHITE,
        );
    }
}
