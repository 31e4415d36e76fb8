//! Any names of files and sidecars are paired, and what is paired exists.
#![no_main]

use gphotosfs::source::takeout::pair::{SidecarName, pair};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.lines().take(200).collect();
    let (texts, media): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.contains(".json"));
    let split = |line: &&'_ str| -> (String, Option<String>) {
        match line.split_once('\t') {
            Some((name, title)) => (name.into(), Some(title.into())),
            None => ((*line).into(), None),
        }
    };
    let sidecars: Vec<(String, Option<String>)> = texts.iter().map(split).collect();
    let names: Vec<SidecarName<'_>> =
        sidecars.iter().map(|(name, title)| SidecarName { name, title: title.as_deref() }).collect();
    let pairs = pair(&media, &names);
    assert_eq!(pairs.len(), media.len());
    for pairing in pairs {
        assert!(pairing.sidecar.is_none_or(|at| at < names.len()));
        assert!(pairing.head.is_none_or(|at| at < media.len()));
    }
});
