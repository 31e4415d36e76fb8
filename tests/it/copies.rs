//! Ten generated exports of 2,000 photos in three parts, with every class of names there is; each of them in six
//! forms, against its truth and through five tools.
//!
//! Every form of every seed is mounted and compared in full. Of the tools each form of each seed takes one, in turn,
//! so that a seed meets every tool and a form meets every tool twice; with `GPHOTOSFS_TEST_ALL=1` all take all, with
//! `GPHOTOSFS_TEST_ALL=tgz` those of that form.

use crate::copiers::{self, TOOLS, Tool};
use crate::exports;
use crate::kit::{FORMS, Home, generate, stats, takeout, within};
use crate::truth::Truth;
use std::time::Duration;

/// The tools for a form of a seed.
fn tools(seed: u32, form: usize) -> Vec<Tool> {
    let all = |value: String| value == "1" || value == FORMS[form];
    if std::env::var("GPHOTOSFS_TEST_ALL").is_ok_and(all) {
        return TOOLS.into();
    }
    vec![TOOLS[(seed as usize + form) % TOOLS.len()]]
}

fn seed(seed: u32) {
    within(Duration::from_secs(3000), move || {
        let exports = Home::new();
        generate(&exports.path("x"), seed, "all");
        let mut trees = FORMS.iter().enumerate().map(|(number, form)| {
            let home = Home::new();
            let export = exports.path("x").join(form);
            let mount = home.mount(takeout([export.join("export")]));
            let shown = exports::check(&mount, &Truth::read(&export));
            for tool in tools(seed, number) {
                let copy = copiers::copy(tool, &home, &mount);
                copiers::same(tool, &copy, &mount, &shown);
            }
            let tree = stats(&mount.point());
            mount.unmount();
            (form, tree)
        });
        let (_, first) = trees.next().unwrap();
        for (form, tree) in trees {
            assert_eq!(first, tree, "{form}");
        }
    });
}

macro_rules! seeds {
    ($($name:ident $number:literal)*) => {
        $(#[test]
        fn $name() {
            seed($number);
        })*
    };
}

seeds! {
    seed_1 1
    seed_2 2
    seed_3 3
    seed_4 4
    seed_5 5
    seed_6 6
    seed_7 7
    seed_8 8
    seed_9 9
    seed_10 10
}
