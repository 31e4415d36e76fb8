//! Random histories of an account and its exports, played against the program and held against a reference.
//!
//! A *world* is an account at Google; from time to time it is *exported*, to real archives. They arrive in order or out
//! of it, whole or in parts, while sources vanish and passes die. After every arrival the *program* makes its tree, which
//! must be the same as one made anew from the same exports in other archives, and must keep the *promises*: those that
//! hold of every tree, and those for exports that come whole and in order. What is true the reference knows from the
//! world; it shares no code with the program.
//!
//! A run plays `GPHOTOSFS_MODEL` histories (300; 3,000 with `GPHOTOSFS_TEST_ALL=1`), from seed `GPHOTOSFS_MODEL_SEED`
//! (1) on. `scripts/rules` shows for each rule of the scheme that it is needed: without it a promise breaks here.

mod bytes;
mod dice;
mod export;
mod history;
mod in_order;
mod program;
mod promises;
mod tools;
mod tree;
mod truth;
mod world;

use history::{Failure, play};
use promises::Counts;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many histories that break a promise say all there is to say.
const ENOUGH: usize = 10;

/// The number in an environment variable.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

#[test]
fn histories_keep_the_promises() {
    let all = std::env::var("GPHOTOSFS_TEST_ALL").is_ok_and(|value| value == "1");
    let usual = if all { 3000 } else { 300 };
    let histories = number("GPHOTOSFS_MODEL").unwrap_or(usual);
    let first = number("GPHOTOSFS_MODEL_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let sum = Mutex::new(Counts::default());
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    let work = || {
        while failures.lock().unwrap().len() < ENOUGH {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + histories {
                break;
            }
            match play(seed, &BTreeSet::new()) {
                Ok(counts) => sum.lock().unwrap().add(&counts),
                Err(failed) => failures.lock().unwrap().push(*failed),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", told(failures));
    println!("{:#?}", sum.into_inner().unwrap());
}

/// How often which promise broke, and the first history that broke it; one of them in full.
fn told(mut failures: Vec<Failure>) -> String {
    failures.sort_by_key(|failure| failure.seed);
    let mut broken: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for failure in &failures {
        let seeds = broken.entry(failure.broken.promise).or_default();
        seeds.push(failure.seed);
    }
    let mut text = String::new();
    for (promise, seeds) in broken {
        text += &format!(
            "\nbroken: {promise}: {} times, seeds {seeds:?}",
            seeds.len()
        );
    }
    text + &shortened(failures.remove(0))
}

/// Leaves out every export without which the same promise still breaks.
fn shortened(mut failure: Failure) -> String {
    let mut without = BTreeSet::new();
    for export in 0..10 {
        without.insert(export);
        match play(failure.seed, &without) {
            Err(shorter) if shorter.broken.promise == failure.broken.promise => failure = *shorter,
            _ => drop(without.remove(&export)),
        }
    }
    format!(
        "\nseed {}: broken: {}\n{}\n--- without exports {without:?}:\n{}\n--- the account:\n{}",
        failure.seed,
        failure.broken.promise,
        failure.broken.what,
        failure.steps.join("\n"),
        failure.story.join("\n"),
    )
}

/// The reference and the world that it knows use nothing of the program; one file calls it.
#[test]
fn the_reference_shares_no_code_with_the_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/model");
    let mut files = 0;
    for file in walkdir::WalkDir::new(folder) {
        let file = file.unwrap();
        let path = file.path();
        if file.file_type().is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let uses = text.contains(concat!("gphotosfs", "::"));
        assert_eq!(uses, path.ends_with("program.rs"), "{}", path.display());
        files += 1;
    }
    assert!(files > 5);
}
