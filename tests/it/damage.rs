//! The damage matrix: 211 exports, each wrong in one way. What is served is right; what is not is an error that names
//! the file, or a mount refused by the part's name; nothing panics, hangs, or writes outside.

use crate::kit::{Home, Mount, Ran, generator, hashes, run, stats, takeout, within};
use crate::trouble::{Got, calm, log, peak, read_all};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CASES: usize = 211;

/// One case, which takes a second. The crowds of 100,000 take longest.
const LIMIT: Duration = Duration::from_secs(400);

/// Cases at the same time: most of their time is spent waiting for programs to start and end.
const WORKERS: usize = 4;

/// Runs a program and writes down the most memory that it held.
const MEASURE: &str = "import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)";

#[test]
fn every_kind_of_damage_is_an_error_or_does_no_harm() {
    let home = Home::new();
    let matrix = home.path("matrix");
    let script = generator().join("damage.py");
    run(Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg("--out")
        .arg(&matrix))
    .ok();
    let base = Arc::new(Base::read(&matrix));
    let index: Vec<Value> = parse(&matrix.join("index.json"));
    let names = index.iter().map(|case| text(&case["name"]));
    // From the end: the crowds, which take longest, first.
    let todo = Mutex::new(names.collect::<Vec<String>>());
    assert_eq!(todo.lock().unwrap().len(), CASES);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(name) = todo.lock().unwrap().pop() else {
                return;
            };
            let (case, base) = (matrix.join(&name), base.clone());
            let ended = AssertUnwindSafe(|| within(LIMIT, move || Case::read(&case).check(&base)));
            if std::panic::catch_unwind(ended).is_err() {
                failed.lock().unwrap().push(name);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {CASES} failed: {failed:?}",
        failed.len()
    );
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn entries(case: &Value) -> BTreeMap<String, String> {
    let entries = case["entries"].as_object().unwrap();
    let pair = |(path, value): (&String, &Value)| (path.clone(), text(value));
    entries.iter().map(pair).collect()
}

/// The sound export that all cases damage: SHA-256 and part (from 1) of every medium.
struct Base(BTreeMap<String, (String, usize)>);

impl Base {
    /// Which part a medium lies in is told by the cases that lack one.
    fn read(matrix: &Path) -> Base {
        let case = |name: &str| entries(&parse(&matrix.join(name).join("case.json")));
        let lacking = [
            case("missing_first"),
            case("missing_middle"),
            case("missing_last"),
        ];
        let part_of = |path: &String| lacking.iter().position(|case| case[path] == "gone");
        let place = |(path, sum): (String, String)| {
            let part = part_of(&path).unwrap() + 1;
            (path, (sum, part))
        };
        Base(case("part_twice").into_iter().map(place).collect())
    }
}

struct Case {
    folder: PathBuf,
    facts: Value,
    entries: BTreeMap<String, String>,
    /// What a refusal has to name.
    names: Vec<String>,
    /// Every content that may be served.
    known: BTreeSet<String>,
}

impl Case {
    fn read(folder: &Path) -> Case {
        let facts: Value = parse(&folder.join("case.json"));
        let entries = entries(&facts);
        let sums = entries.values().map(|value| value.trim_start_matches('?'));
        let mut known: BTreeSet<String> = sums.map(str::to_owned).collect();
        if let Ok(truth) = fs::read_to_string(folder.join("truth.tsv")) {
            known.extend(truth.lines().map(str::to_owned));
        }
        let (folder, names) = (folder.to_owned(), texts(&facts["names"]));
        Case {
            folder,
            facts,
            entries,
            names,
            known,
        }
    }

    fn allows(&self, what: &str) -> bool {
        self.facts["expect"] == what || self.facts["also_accept"] == what
    }

    fn check(&self, base: &Base) {
        let home = Home::new();
        let export = self.folder.join("export");
        let before = stats(&export);
        let mut ran = self.mount(&home, &[]);
        calm(&home, &ran.err);
        let refused = ran.code == 2;
        assert!(
            self.allows(if refused { "refuse" } else { "mount" }),
            "{ran:?}"
        );
        if refused {
            for name in &self.names {
                // A part that is not there has no extension either.
                assert!(
                    ran.err
                        .contains(name.trim_end_matches(".zip").trim_end_matches(".tgz")),
                    "{name}: {ran:?}"
                );
            }
            if let Some((_, rest)) = ran.err.split_once("--accept-incomplete ") {
                let stamp = rest.split_whitespace().next().unwrap().to_owned();
                ran = self.mount(&home, &["--accept-incomplete", &stamp]);
            }
        }
        if ran.code == 0 {
            let mount = home.mounted();
            self.look(&home, &mount, refused, base);
            calm(&home, &ran.err);
            mount.unmount();
        } else {
            let nothing_left = self.entries.is_empty();
            assert!(refused && ran.code == 2 && nothing_left, "{ran:?}");
        }
        assert_eq!(stats(&export), before);
        self.nothing_outside(&home);
    }

    /// `gphotosfs mount`; where the case has limits, within them.
    fn mount(&self, home: &Home, more: &[&str]) -> Ran {
        let mut args = takeout([self.folder.join("export")]);
        // Their text is made here, and is no archive's to damage.
        args.extend(["--sidecars", "none"].map(Into::into));
        args.extend(more.iter().map(Into::into));
        let Some(most) = self.facts["limits"]["rss_mb"].as_u64() else {
            return home.mount_run(args);
        };
        let mut inner = home.gphotosfs(["mount"]);
        inner.args(args).arg(home.point());
        let note = home.path("rss");
        let measured = [
            "python3".as_ref(),
            "-c".as_ref(),
            MEASURE.as_ref(),
            note.as_os_str(),
        ];
        let ran = run(&mut crate::trouble::through(&measured, &inner));
        let peak: u64 = fs::read_to_string(&note).unwrap().parse().unwrap();
        fs::remove_file(note).unwrap();
        assert!(peak <= most * 1024, "mount took {peak} KiB");
        ran
    }

    fn look(&self, home: &Home, mount: &Mount<'_>, refused: bool, base: &Base) {
        // The copy comes first: what it meets nobody has read before.
        let crowd = self.facts["kind"] == "crowd";
        let copied = (!crowd).then(|| self.copy(home, mount));
        let got = read_all(mount, "by-date");
        let mut served = BTreeSet::new();
        let mut failing = Vec::new();
        for (path, got) in &got {
            match got {
                Got::Bytes(sum) => {
                    assert!(
                        self.known.contains(sum),
                        "{} shows wrong bytes",
                        path.display()
                    );
                    served.insert(sum.as_str());
                }
                Got::Refused(errno) | Got::Broken(errno) => {
                    assert_eq!(*errno, nix::libc::EIO, "{}", path.display());
                    failing.push(path);
                }
            }
        }
        if let Some(ran) = copied {
            self.compare_copy(home, &got, &failing, &ran);
        }
        let log = log(home);
        let status = mount.status();
        let problems = texts(&status["problems"]).join("\n");
        self.failures_are_told(mount, &failing, &log, &problems);
        for (path, value) in &self.entries {
            let lost = value.len() == 64 && !served.contains(value.as_str());
            let part = base.0.get(path).map(|(_, part)| part);
            let in_refused = part.is_some_and(|part| self.names_part(*part));
            assert!(!lost || refused && in_refused, "{path} is not served");
        }
        for (path, (sum, part)) in base
            .0
            .iter()
            .filter(|(path, _)| self.entries.contains_key(*path))
        {
            let named = self
                .names
                .iter()
                .all(|name| log.contains(name) || problems.contains(name));
            let silent = !refused && !served.contains(sum.as_str()) && self.names_part(*part);
            assert!(
                !silent || named,
                "{path} is lost, and nothing names {:?}",
                self.names
            );
        }
        for sidecar in texts(&self.facts["bad_sidecars"]) {
            assert!(
                problems.contains(&sidecar),
                "nothing tells of {sidecar}: {problems}"
            );
        }
        if let Some(distinct) = self.facts["distinct"].as_u64() {
            assert_eq!(served.len() as u64, distinct);
        }
        if let Some(most) = self.facts["limits"]["rss_mb"].as_u64() {
            let peak = peak(mount.pid());
            assert!(peak <= most * 1024, "the server took {peak} KiB");
        }
    }

    fn names_part(&self, part: usize) -> bool {
        let [zip, tgz] = ["zip", "tgz"].map(|ending| format!("-{part:03}.{ending}"));
        let ends = |name: &String| name.ends_with(&zip) || name.ends_with(&tgz);
        self.names.iter().any(ends)
    }

    fn copy(&self, home: &Home, mount: &Mount<'_>) -> Ran {
        run(Command::new("rsync")
            .arg("-a")
            .args(mount.views())
            .arg(home.path("copy")))
    }

    /// What rsync has copied is what the mount serves, file by file; if something failed, it said so by name.
    fn compare_copy(
        &self,
        home: &Home,
        got: &BTreeMap<PathBuf, Got>,
        failing: &[&PathBuf],
        ran: &Ran,
    ) {
        assert_eq!(ran.code, if failing.is_empty() { 0 } else { 23 }, "{ran:?}");
        for path in failing {
            let name = path.to_str().unwrap();
            assert!(
                ran.err.contains(name),
                "rsync does not name {name}: {ran:?}"
            );
        }
        let copy = hashes(&home.path("copy"));
        for (path, sum) in &copy {
            assert!(self.known.contains(sum), "rsync made {} up", path.display());
        }
        let copied = copy.iter().filter(|(path, _)| path.starts_with("by-date"));
        let served = got.iter().filter_map(|(path, got)| match got {
            Got::Bytes(sum) => Some((path, sum)),
            _ => None,
        });
        assert!(copied.eq(served), "the copy is not what is served: {ran:?}");
    }

    /// What fails is what has to, the log names each with the archive behind it, and nothing that has to fail is
    /// passed over in silence.
    fn failures_are_told(
        &self,
        mount: &Mount<'_>,
        failing: &[&PathBuf],
        log: &str,
        problems: &str,
    ) {
        let paths: Vec<PathBuf> = failing.iter().map(|path| mount.path(path)).collect();
        let mut bad: BTreeSet<String> = BTreeSet::new();
        for (path, info) in failing.iter().zip(mount.info(&paths)) {
            let entry = text(&info["origin"]["entry"]);
            let value = self
                .entries
                .get(&entry)
                .map(String::as_str)
                .unwrap_or_default();
            let may = value == "bad" || value.starts_with('?');
            assert!(may, "{} ({entry}) fails and should not", path.display());
            let archive = text(&info["origin"]["archive"]);
            let told = log
                .lines()
                .any(|line| line.contains(path.to_str().unwrap()) && line.contains(&archive));
            assert!(
                told,
                "the log does not name {} and {archive}: {log}",
                path.display()
            );
            bad.insert(entry);
        }
        for (path, value) in &self.entries {
            let told = bad.contains(path) || problems.contains(path);
            assert!(value != "bad" || told, "{path} should fail: {problems}");
        }
    }

    fn nothing_outside(&self, home: &Home) {
        let mut found: Vec<String> = Vec::new();
        for entry in fs::read_dir(home.path("")).unwrap() {
            found.push(entry.unwrap().file_name().into_string().unwrap());
        }
        found.retain(|name| !["state", "cache", "mnt", "copy"].contains(&name.as_str()));
        assert_eq!(found, [""; 0]);
        assert_eq!(fs::read_dir(home.point()).unwrap().count(), 0);
        let temp = std::env::temp_dir();
        for hostile in ["/abs/x.jpg", "/tmp/evil.jpg", "/evil.jpg", "/x.jpg"] {
            assert!(!Path::new(hostile).exists(), "{hostile} was written");
        }
        for hostile in ["evil.jpg", "x.jpg"] {
            let above = temp.ancestors().map(|dir| dir.join(hostile));
            assert_eq!(above.filter(|path| path.exists()).count(), 0, "{hostile}");
        }
    }
}
