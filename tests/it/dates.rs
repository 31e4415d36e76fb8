//! When photos were taken, through real archives and a mount: a table of cases, of which a person said which date counts
//! and Python worked out month and second (`tests/data/dates.tsv`).

use crate::kit::{Home, generator, hashes, run, takeout, within};
use gphotosfs::catalog::Catalog;
use gphotosfs::model::Decided;
use gphotosfs::sync::{Pass, Progress, sync};
use gphotosfs::tree::fold::Rules;
use gphotosfs::tree::image::Image;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// One line of the table: values by the names of their columns.
type Case = HashMap<String, String>;

fn table() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dates.tsv");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let case = |line: &str| {
        let values: Vec<&str> = line.split('\t').collect();
        assert_eq!(values.len(), header.len(), "{line}");
        let pairs = header.iter().zip(values);
        pairs
            .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
            .collect()
    };
    lines.map(case).collect()
}

/// Makes the export of the table below `dir`. Gives the SHA-256 of each case.
fn make(dir: &Path) -> BTreeMap<String, String> {
    let mut command = Command::new("python3");
    command.arg("-B").arg(generator().join("dates.py"));
    run(command.arg("--out").arg(dir)).ok();
    serde_json::from_str(&fs::read_to_string(dir.join("cases.json")).unwrap()).unwrap()
}

/// Mounts the export with a zone and compares every case.
#[track_caller]
fn compare(home: &Home, zone: &str, prefix: &str, shas: &BTreeMap<String, String>) {
    let config = home.path("config/gphotosfs");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), format!("zone = {zone:?}\n")).unwrap();
    let mut args = takeout([home.path("x/export")]);
    args.extend(["--sidecars", "none"].map(Into::into));
    let mount = home.mount(args);
    let views = mount.path("by-date");
    let found: HashMap<String, PathBuf> = hashes(&views)
        .into_iter()
        .map(|(path, sha)| (sha, path))
        .collect();
    let cases = table();
    assert_eq!(found.len(), cases.len());
    let paths: Vec<PathBuf> = cases
        .iter()
        .map(|case| views.join(&found[&shas[&case["case"]]]))
        .collect();
    let mut wrong = Vec::new();
    for ((case, path), info) in cases.iter().zip(&paths).zip(mount.info(&paths)) {
        let folder = path.parent().unwrap().strip_prefix(&views).unwrap();
        let meta = fs::symlink_metadata(path).unwrap();
        let is = (folder.to_str().unwrap(), meta.mtime().to_string());
        let should = (
            case[&format!("{prefix} folder")].as_str(),
            case[&format!("{prefix} mtime")].clone(),
        );
        if is != should || meta.mtime_nsec() != 0 {
            wrong.push(format!("{}: {is:?} instead of {should:?}", case["case"]));
        }
        let second = |text: &str| {
            text.parse::<jiff::Timestamp>()
                .unwrap()
                .as_second()
                .to_string()
        };
        let taken = info["taken"].as_str().map(second);
        let told = matches!(&*case["by"], "sidecar" | "exif" | "header" | "name");
        if taken != told.then_some(should.1) {
            wrong.push(format!("{}: taken {taken:?}", case["case"]));
        }
    }
    mount.unmount();
    // Another zone is refused for a library that has names.
    fs::remove_dir_all(home.path("state")).unwrap();
    assert!(wrong.is_empty(), "in {zone}:\n{}", wrong.join("\n"));
}

#[test]
fn every_case_of_the_table_stands_where_it_must() {
    within(LIMIT, || {
        let mut command = Command::new("python3");
        command.arg("-B").arg(generator().join("dates.py"));
        run(command.arg("--check")).ok();
        assert!(table().len() >= 60);
        let home = Home::new();
        let shas = make(&home.path("x"));
        compare(&home, "Pacific/Auckland", "auckland", &shas);
        compare(&home, "America/New_York", "new_york", &shas);
    });
}

/// One pass over sources, with a zone.
fn pass(state: &Path, source: &Path, zone: &str) -> (Image, Vec<String>) {
    let mut catalog = Catalog::open(state).unwrap();
    let pass = Pass {
        sources: &[source.to_owned()],
        decided: &Decided::default(),
        rules: &Rules {
            zone: Rules::zone(zone).unwrap(),
            ..Rules::default()
        },
        in_force: None,
        progress: &Progress::default(),
    };
    let outcome = sync(&mut catalog, &pass).unwrap();
    (catalog.image().unwrap(), outcome.problems)
}

/// Times of modification by checksum.
fn times(image: &Image) -> BTreeMap<u32, i64> {
    image
        .files
        .iter()
        .map(|file| (file.crc32, file.mtime))
        .collect()
}

/// What files carry is looked for once: after that their archives may be gone, and also in another zone they are dated
/// as before.
#[test]
fn what_a_file_carries_is_remembered() {
    let home = Home::new();
    make(&home.path("x"));
    let source = home.path("x/export");
    let (fresh, problems) = pass(&home.path("fresh"), &source, "America/New_York");
    assert_eq!(problems, Vec::<String>::new());
    let (other, _) = pass(&home.path("state"), &source, "Pacific/Auckland");
    assert_ne!(times(&other), times(&fresh));
    fs::rename(&source, home.path("x/elsewhere")).unwrap();
    fs::create_dir(&source).unwrap();
    let (again, problems) = pass(&home.path("state"), &source, "America/New_York");
    assert_eq!(
        problems.len(),
        4,
        "the source and three parts are gone: {problems:?}"
    );
    assert_eq!(times(&again), times(&fresh));
}

/// The normal case: where every photo has a sidecar with a date, no photo is looked into.
#[test]
fn photos_with_sidecars_are_not_looked_into() {
    use crate::export::{How, Photo, noise, part};
    let home = Home::new();
    let photos: Vec<Photo> = (0..20)
        .map(|n| Photo::new(&format!("IMG_{n}.jpg"), noise(n, 5000), How::Stored))
        .collect();
    let part = part(&home.path("x"), 1, &photos);
    let (_, problems) = pass(&home.path("state"), &part.path, "UTC");
    assert_eq!(problems, Vec::<String>::new());
    let catalog = Catalog::open(&home.path("state")).unwrap();
    let parts = catalog.parts().unwrap();
    assert_eq!(parts.len(), 1);
    assert_eq!(catalog.written(parts[0].part.id).unwrap(), []);

    make(&home.path("y"));
    pass(&home.path("other"), &home.path("y/export"), "UTC");
    let catalog = Catalog::open(&home.path("other")).unwrap();
    let looked: usize = catalog
        .parts()
        .unwrap()
        .iter()
        .map(|part| catalog.written(part.part.id).unwrap().len())
        .sum();
    let silent = |case: &&Case| case["by"] != "sidecar";
    assert_eq!(looked, table().iter().filter(silent).count());
}
