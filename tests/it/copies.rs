//! Ten generated exports of 2,000 photos, each in five forms, against their truth and through five tools.

use crate::kit::{FORMS, Home, generate, stats, takeout, within};
use crate::truth::Truth;
use std::time::Duration;

fn seed(seed: u32) {
    within(Duration::from_secs(1500), move || {
        let mut first: Option<Vec<String>> = None;
        for form in FORMS {
            let home = Home::new();
            generate(&home.path("x"), seed, form);
            let truth = Truth::read(&home.path("x"));
            let t=std::time::Instant::now();
            let mount = home.mount(takeout([home.path("x/export")]));
            println!("mounted {:?}", t.elapsed());
            let shown = crate::exports::check(&mount, &truth);
            println!("checked {:?} {}", t.elapsed(), shown.files.len());
            let tree = stats(&mount.point());
            if let Some(first) = &first { assert!(*first == tree, "{form}") } else { first = Some(tree); }
            mount.unmount();
        }
    });
}
#[test] fn seed_1() { seed(1) }
#[test] fn seed_2() { seed(2) }
