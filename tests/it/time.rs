//! A library in time: what each export changed, the library as of each of them, and photos that are forgotten.

use crate::kit::{Home, Ran, generator, hashes, run, sha256, stats, takeout, walk, within};
use crate::sources::{gphotosfs, says, write_config};
use crate::trouble::{library, python};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// Three exports of one account: the first and the last are full.
const STAMPS: [&str; 3] = ["20260713T041200Z", "20260913T041200Z", "20261113T041200Z"];

/// 2023-07-14T09:51:12Z.
const JULY: i64 = 1_689_328_272;
const AUGUST: i64 = JULY + 31 * 86_400;

/// Writes entries into a zip: text as it is said so many times, numbers as so many bytes that cannot be compressed.
const WRITE: &str = "import sys, json, random, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    for path, what in json.load(open(sys.argv[2])):
        data = random.Random(path).randbytes(what) if isinstance(what, int) else what
        how = zipfile.ZIP_STORED if path.endswith('.png') else zipfile.ZIP_DEFLATED
        z.writestr(path, data, how)";

/// The entries of one part.
#[derive(Default)]
struct Export(Vec<(String, Value)>);

impl Export {
    fn add(&mut self, folder: &str, file: &str, data: &Value) {
        let path = format!("Takeout/Google Photos/{folder}/{file}");
        self.0.push((path, data.clone()));
    }

    /// A photo and its sidecar. It is taken in July unless `facts` say otherwise, and uploaded when its number says.
    fn photo(&mut self, file: &str, number: i64, data: impl Into<Value>, facts: Value) {
        self.in_folder("Photos from 2023", file, number, &data.into(), facts);
    }

    fn in_folder(&mut self, folder: &str, file: &str, number: i64, data: &Value, facts: Value) {
        self.add(folder, file, data);
        let mut said = json!({
            "title": file,
            "photoTakenTime": { "timestamp": JULY.to_string() },
            "creationTime": { "timestamp": (JULY + number).to_string() },
            "url": format!("https://photos.google.com/photo/{number}"),
        });
        if let Value::Object(facts) = facts {
            said.as_object_mut().unwrap().extend(facts);
        }
        let sidecar = format!("{file}.supplemental-metadata.json");
        self.add(folder, &sidecar, &said.to_string().into());
    }

    fn write(self, dir: &Path, stamp: &str) {
        fs::create_dir_all(dir).unwrap();
        let list = dir.join("entries");
        fs::write(&list, serde_json::to_vec(&self.0).unwrap()).unwrap();
        let part = dir.join(format!("takeout-{stamp}-001.zip"));
        python(WRITE, [part, list.clone()]).ok();
        fs::remove_file(list).unwrap();
    }
}

fn text(name: &str, times: usize) -> String {
    name.repeat(times)
}

fn taken(second: i64) -> Value {
    json!({ "photoTakenTime": { "timestamp": second.to_string() } })
}

/// What the first and the last export share: photos 1 to 20, and three that something happens to.
fn common(export: &mut Export, retitled: &str) {
    for number in 1..=20 {
        let name = format!("p{number:02}.jpg");
        let facts = match number {
            3 => json!({ "people": [{ "name": "Ada" }], "description": "by the sea" }),
            4 => json!({ "favorited": true }),
            _ => Value::Null,
        };
        export.photo(&name, number, text(&name, 100), facts);
    }
    export.photo("big.jpg", 30, 400_000, Value::Null);
    export.photo("stored.png", 31, 300_000, Value::Null);
    export.photo(retitled, 32, text("t", 500), Value::Null);
}

fn first(dir: &Path) {
    let mut export = Export::default();
    common(&mut export, "t.jpg");
    export.photo("a.jpg", 40, text("original", 100), Value::Null);
    export.add(
        "Photos from 2023",
        "a-edited.jpg",
        &text("edit 1", 100).into(),
    );
    export.photo("r.jpg", 41, text("r", 700), Value::Null);
    export.photo("o.jpg", 42, text("o", 3000), Value::Null);
    export.photo("gone.jpg", 43, text("gone", 100), Value::Null);
    export.photo("trashed.jpg", 44, text("trashed", 100), Value::Null);
    export.add(
        "Sea",
        "metadata.json",
        &json!({ "title": "Sea" }).to_string().into(),
    );
    export.in_folder(
        "Sea",
        "p01.jpg",
        1,
        &text("p01.jpg", 100).into(),
        Value::Null,
    );
    export.write(dir, STAMPS[0]);
}

fn second(dir: &Path) {
    let mut export = Export::default();
    export.photo("a.jpg", 40, text("original", 100), Value::Null);
    export.add(
        "Photos from 2023",
        "a-edited.jpg",
        &text("edit 2", 100).into(),
    );
    export.photo("r.jpg", 41, text("r", 700), taken(AUGUST));
    export.photo(
        "n1.jpg",
        50,
        text("new", 100),
        json!({ "people": [{ "name": "Ada" }] }),
    );
    // Another photo of the same name.
    export.photo("p02.jpg", 51, text("another", 300), Value::Null);
    export.write(dir, STAMPS[1]);
}

fn third(dir: &Path) {
    let mut export = Export::default();
    common(&mut export, "b.jpg");
    export.photo("a.jpg", 40, text("original", 100), Value::Null);
    export.add(
        "Photos from 2023",
        "a-edited.jpg",
        &text("edit 2", 100).into(),
    );
    export.photo("r.jpg", 41, text("r", 700), taken(AUGUST));
    export.photo("o.jpg", 42, text("o", 1000), Value::Null);
    export.photo(
        "trashed.jpg",
        44,
        text("trashed", 100),
        json!({ "trashed": true }),
    );
    export.photo(
        "n1.jpg",
        50,
        text("new", 100),
        json!({ "people": [{ "name": "Ada" }] }),
    );
    export.photo(
        "p02(1).jpg",
        51,
        text("another", 300),
        json!({ "title": "p02.jpg" }),
    );
    export.photo("n2.jpg", 52, text("newer", 100), Value::Null);
    export.add(
        "Sea",
        "metadata.json",
        &json!({ "title": "Sea" }).to_string().into(),
    );
    export.in_folder("Sea", "n2.jpg", 52, &text("newer", 100).into(), Value::Null);
    export.write(dir, STAMPS[2]);
}

/// A folder with the first so many exports.
fn series(dir: &Path, count: usize) -> PathBuf {
    for write in [first, second, third].iter().take(count) {
        write(dir);
    }
    dir.to_owned()
}

fn at(name: &str) -> String {
    format!("by-date/2023/2023-07/{name}")
}

/// A library of all three that is configured and indexed.
fn home() -> Home {
    let home = Home::new();
    let path = series(&home.path("all"), 3);
    let path = path.display();
    write_config(
        &home,
        &format!("[[source]]\nkind = \"takeout\"\npath = \"{path}\"\n"),
    );
    gphotosfs(&home, ["sync"]).ok();
    home
}

fn diff(home: &Home, stamps: &[&str]) -> Value {
    let words = ["diff", "--json"].iter().chain(stamps);
    gphotosfs(home, words).ok().json()
}

fn paths(found: &Value, kind: &str) -> Vec<String> {
    let all = found[kind].as_array().unwrap().iter();
    all.map(|one| one["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn diff_tells_what_each_export_changed() {
    within(LIMIT, || {
        let home = home();
        let found = diff(&home, &STAMPS[..2]);
        assert_eq!(
            (&found["from"], &found["to"]),
            (&STAMPS[0].into(), &STAMPS[1].into())
        );
        let added = paths(&found, "added");
        let another = added.iter().find(|path| path.contains("p02~")).unwrap();
        assert_eq!(added, [at("n1.jpg"), another.clone()]);
        assert_eq!(
            found["edited"],
            json!([{ "path": at("a-edited.jpg"), "from": 600, "to": 600, "shown": true }])
        );
        let august = "by-date/2023/2023-08/r.jpg";
        assert_eq!(
            found["re_dated"],
            json!([{
                "path": august, "was": at("r.jpg"),
                "from": "2023-07-14T09:51:12Z", "to": "2023-08-14T09:51:12Z",
            }])
        );
        assert_eq!(
            found["people"],
            json!([{
                "path": "people/Ada", "title": "Ada", "new": false,
                "added": ["people/Ada/n1.jpg"], "removed": [],
            }])
        );
        for none in [
            "re_encoded",
            "gone",
            "returned",
            "re_titled",
            "albums",
            "favorites",
        ] {
            assert_eq!(found[none], json!([]), "{none}");
        }

        let found = diff(&home, &STAMPS[1..]);
        assert_eq!(paths(&found, "added"), [at("n2.jpg")]);
        assert_eq!(
            found["re_encoded"],
            json!([{ "path": at("o.jpg"), "from": 3000, "to": 1000, "shown": false }])
        );
        assert_eq!(paths(&found, "gone"), [at("gone.jpg"), at("trashed.jpg")]);
        assert_eq!(
            found["re_titled"],
            json!([{ "path": at("b.jpg"), "was": at("t.jpg"), "from": "t.jpg", "to": "b.jpg" }])
        );
        assert_eq!(
            found["albums"],
            json!([{
                "path": "albums/Sea", "title": "Sea", "new": false,
                "added": ["albums/Sea/n2.jpg"], "removed": [],
            }])
        );
        for none in ["edited", "returned", "re_dated", "people", "favorites"] {
            assert_eq!(found[none], json!([]), "{none}");
        }

        // The newest is meant where one is named, and the sum is that of the steps.
        let all = diff(&home, &STAMPS[..1]);
        assert_eq!(all["to"], STAMPS[2]);
        assert_eq!(all, diff(&home, &[STAMPS[0], STAMPS[2]]));
        assert_eq!(paths(&all, "added").len(), 3);
        assert_eq!(paths(&all, "edited"), [at("a-edited.jpg")]);
        let told = gphotosfs(&home, ["diff", STAMPS[1]]).ok();
        let words = [
            "1 added:\n",
            "1 re-encoded at Google:\n",
            "the better version stays in view",
            "2 gone from Google, still shown:\n",
            "b.jpg (was by-date/2023/2023-07/t.jpg)  \"t.jpg\" -> \"b.jpg\"",
            "albums/Sea  +1\n",
        ];
        says(&told, &words);
    });
}

#[test]
fn stamps_that_make_no_sense_are_refused_with_those_that_do() {
    within(LIMIT, || {
        let home = home();
        let known = STAMPS.join(", ");
        let unknown = gphotosfs(&home, ["diff", "20250101T000000Z"]).ends(2);
        says(
            &unknown,
            &["no export has the stamp 20250101T000000Z", &known],
        );
        let unknown = gphotosfs(&home, ["diff", STAMPS[0], "yesterday"]).ends(2);
        says(&unknown, &["no export has the stamp yesterday", &known]);
        let order = gphotosfs(&home, ["diff", STAMPS[1], STAMPS[0]]).ends(2);
        says(&order, &["give the older one first"]);
        says(
            &gphotosfs(&home, ["diff", STAMPS[2]]).ends(2),
            &["not older"],
        );
    });
}

/// A mount of the past beside that of the home; unmounted when dropped.
struct Past<'a> {
    home: &'a Home,
    point: PathBuf,
}

impl Past<'_> {
    fn mount<'a>(home: &'a Home, name: &str, words: &[&str]) -> Past<'a> {
        let point = home.path(name);
        fs::create_dir(&point).unwrap();
        let mut command = home.gphotosfs(["mount"]);
        run(command.args(words).arg(&point)).ok();
        Past { home, point }
    }

    fn unmount(&self) -> Ran {
        run(self.home.gphotosfs(["unmount"]).arg(&self.point))
    }
}

impl Drop for Past<'_> {
    fn drop(&mut self) {
        let ran = self.unmount();
        assert!(ran.code == 0 || std::thread::panicking(), "{ran:?}");
    }
}

/// Everything in folders but one, and whether any of it was written: size, times and SHA-256 of files.
fn files(folders: &[PathBuf], without: &str) -> BTreeMap<PathBuf, (u64, i64, i64, String)> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for (path, meta) in walk(folder) {
            let path = folder.join(path);
            let shared = path
                .extension()
                .is_some_and(|ending| ending == "sqlite-shm");
            if meta.is_file() && !shared && !path.starts_with(folder.join(without)) {
                let state = (meta.len(), meta.mtime(), meta.mtime_nsec(), sha256(&path));
                found.insert(path, state);
            }
        }
    }
    found
}

/// The library of the first so many exports, in a state directory of its own: names and bytes, also of documents.
fn fresh(count: usize, sidecars: &str) -> BTreeMap<PathBuf, String> {
    let home = Home::new();
    let source = series(&home.path("some"), count);
    let mut words = takeout([source]);
    words.extend(["--sidecars".into(), sidecars.into()]);
    let mount = home.mount(words);
    let found = hashes(&mount.point());
    mount.unmount();
    found
}

#[test]
fn the_library_as_of_each_export_is_what_it_would_have_been() {
    within(LIMIT, || {
        let home = home();
        let mount = home.mount([""; 0]);
        let now = hashes(&mount.point());
        let state = library(&home);
        let before = files(&[home.cache()], "-");
        assert!(!before.is_empty(), "big.jpg is in the cache");
        let catalog = sha256(&state.join("catalog.sqlite"));
        let log = fs::read_to_string(state.join("gphotosfs.log")).unwrap();
        for (older, stamp) in STAMPS.iter().enumerate() {
            let sidecars = ["auto", "both"][older % 2];
            let words = ["--as-of", stamp, "--sidecars", sidecars];
            let past = Past::mount(&home, &format!("past-{older}-{sidecars}"), &words);
            let shown = hashes(&past.point);
            assert_eq!(shown, fresh(older + 1, sidecars), "{stamp} {sidecars}");
            assert!(shown.len() > 30);
            // Names are those of today where nothing has happened, and so are numbers.
            let ino = |root: &Path| fs::metadata(root.join(at("p02.jpg"))).unwrap().ino();
            assert_eq!(ino(&past.point), ino(&mount.point()));
            let status = run(home.gphotosfs(["status", "--json"]).arg(&past.point))
                .ok()
                .json();
            assert_eq!(status["as_of"], *stamp);
            assert_eq!(status["exports"], older + 1);
            assert_eq!(status["mount"]["mountpoint"], past.point.to_str().unwrap());
            let edited = past.point.join(at("a-edited.jpg"));
            let info = run(home.gphotosfs(["info", "--json"]).arg(edited))
                .ok()
                .json();
            let versions = info[0]["versions"].as_array().unwrap().len();
            assert_eq!(versions, if older == 0 { 0 } else { 2 });
        }
        // Nobody has noticed.
        assert_eq!(files(&[home.cache()], "-"), before);
        assert_eq!(sha256(&state.join("catalog.sqlite")), catalog);
        assert_eq!(
            fs::read_to_string(state.join("gphotosfs.log")).unwrap(),
            log
        );
        assert_eq!(hashes(&mount.point()), now);
        assert_eq!(mount.status()["as_of"], Value::Null);
        mount.unmount();

        // By itself it writes nothing either, and needs no cache.
        let folders = [state, home.cache()];
        for cache in [true, false] {
            if !cache {
                fs::remove_dir_all(home.cache()).unwrap();
                fs::create_dir(home.cache()).unwrap();
            }
            let before = files(&folders, "as-of");
            let past = Past::mount(&home, &format!("alone-{cache}"), &["--as-of", STAMPS[2]]);
            assert_eq!(hashes(&past.point), now);
            drop(past);
            assert_eq!(files(&folders, "as-of"), before);
        }
    });
}

#[test]
fn a_mount_of_the_past_needs_a_stamp_that_is_known() {
    within(LIMIT, || {
        let home = home();
        let mut command = home.gphotosfs(["mount", "--as-of", "20250101T000000Z"]);
        let refused = run(command.arg(home.point())).ends(2);
        let known = STAMPS.join(", ");
        says(
            &refused,
            &["no export has the stamp 20250101T000000Z", &known],
        );
        let words = ["--as-of", STAMPS[0], "--names", "windows"];
        says(
            &home.mount_run(words).ends(2),
            &["--as-of", "cannot be used with"],
        );
        assert!(!library(&home).join("as-of").exists());

        // Without a catalog nothing is known of the past, and none is made.
        let other = Home::new();
        let source = series(&other.path("all"), 1);
        let mut words = takeout([source]);
        words.extend(["--as-of".into(), STAMPS[0].into()]);
        says(&other.mount_run(words).ends(2), &["nothing is known yet"]);
        assert!(!other.state().exists());

        // Two of them at once, and forgotten photos are in none.
        forget(&home, &["--yes", &at("a.jpg")]).ok();
        let first = Past::mount(&home, "first", &["--as-of", STAMPS[0]]);
        let second = Past::mount(&home, "second", &["--as-of", STAMPS[0]]);
        for past in [&first, &second] {
            assert!(past.point.join(at("p01.jpg")).exists());
            assert!(!past.point.join(at("a.jpg")).exists());
            assert!(!past.point.join(at("a-edited.jpg")).exists());
        }
        let status = gphotosfs(&home, ["status", "--json"]).ok().json();
        assert_eq!(status["mount"], Value::Null, "the library is not mounted");
        first.unmount().ok();
        std::mem::forget(first);
        assert!(second.point.join(at("p01.jpg")).exists());
    });
}

fn forget(home: &Home, words: &[&str]) -> Ran {
    gphotosfs(home, ["forget"].iter().chain(words))
}

/// The lines of [`stats`] but for the sums that directories show, without those of some names.
fn others(root: &Path, without: &[&str]) -> BTreeSet<String> {
    let is_other = |line: &String| !without.iter().any(|name| line.contains(name));
    let files = stats(root).into_iter().filter(|line| line.contains(".jpg"));
    files.filter(is_other).collect()
}

#[test]
fn what_is_gone_is_told_and_stays_until_it_is_forgotten() {
    within(LIMIT, || {
        let home = home();
        let mount = home.mount([""; 0]);
        let status = mount.status();
        assert_eq!(status["gone"], 2, "{status:#}");
        let told = gphotosfs(&home, ["status"]).ok();
        says(&told, &["2 photos are gone from Google and still shown"]);
        let info =
            mount.info(&[at("gone.jpg"), at("trashed.jpg"), at("p01.jpg")].map(|p| mount.path(p)));
        assert_eq!(
            info[0]["gone"],
            json!({ "export": STAMPS[2], "held": false })
        );
        assert_eq!(
            info[1]["gone"],
            json!({ "export": STAMPS[2], "held": true })
        );
        assert_eq!(info[2]["gone"], Value::Null);
        let mut command = home.gphotosfs(["info"]);
        let told = run(command.arg(mount.path(at("gone.jpg")))).ok();
        says(
            &told,
            &[&format!("yes, lacking in the full export {}", STAMPS[2])],
        );
        // Its versions, the one that is shown first.
        let edited = mount.info(&[mount.path(at("a-edited.jpg"))]).remove(0);
        let versions = edited["versions"].as_array().unwrap();
        let shown = |at: usize| (&versions[at]["shown"], &versions[at]["size"]);
        assert_eq!(versions.len(), 2);
        assert_eq!(
            (shown(0), shown(1)),
            ((&true.into(), &600.into()), (&false.into(), &600.into()))
        );
        assert_eq!(info[2]["versions"], json!([]));
        let before = stats(&mount.point());
        let rest = others(&mount.point(), &["gone.jpg", "trashed.jpg"]);
        assert_eq!(rest.len() + 2, others(&mount.point(), &[]).len());

        let words = [
            at("gone.jpg"),
            at("trashed.jpg"),
            "2 photos and videos".into(),
            "nothing is changed".into(),
        ];
        let words = words.each_ref().map(String::as_str);
        says(&forget(&home, &["--gone", "--dry-run"]).ok(), &words);
        let refused = forget(&home, &["--gone"]).ends(2);
        says(&refused, &["nothing is changed", "say --yes"]);
        assert_eq!(stats(&mount.point()), before);
        mount.unmount();

        let told = forget(&home, &["--gone", "--yes", "--json"]).ok().json();
        assert_eq!(told["paths"], json!([at("gone.jpg"), at("trashed.jpg")]));
        assert_eq!(
            (&told["count"], &told["bytes"]),
            (&2.into(), &(400 + 700).into())
        );
        assert_eq!(
            (&told["done"], &told["applied"]),
            (&true.into(), &true.into())
        );
        says(
            &forget(&home, &["--gone", "--yes"]).ok(),
            &["nothing to forget"],
        );
        let status = gphotosfs(&home, ["status", "--json"]).ok().json();
        assert_eq!(
            (&status["gone"], &status["left_out"]["forgotten"]),
            (&0.into(), &2.into())
        );

        // The decision is not the catalog's: that may be lost.
        for round in 0..2 {
            let mount = home.mount([""; 0]);
            assert_eq!(others(&mount.point(), &[]), rest, "round {round}");
            mount.unmount();
            fs::remove_file(library(&home).join("catalog.sqlite")).unwrap();
        }
        let decisions = home.path("config/gphotosfs/decisions.toml");
        let decided = fs::read_to_string(&decisions).unwrap();
        assert_eq!(decided.matches("[[forget]]").count(), 2, "{decided}");
        // Taken back: everything is as it was.
        let (kept, _) = decided.split_once("[[forget]]").unwrap();
        fs::write(&decisions, kept).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(stats(&mount.point()), before);
        mount.unmount();
    });
}

#[test]
fn a_forgotten_photo_takes_along_what_follows_it_and_leaves_its_name_to_nobody() {
    within(LIMIT, || {
        let home = Home::new();
        let source = series(&home.path("all"), 2);
        let mount = home.mount(takeout([&source]));
        let before = others(&mount.point(), &[]);
        let told = forget(&home, &["--yes", mount.path(at("a.jpg")).to_str().unwrap()]).ok();
        says(
            &told,
            &[
                &at("a.jpg"),
                &at("a-edited.jpg"),
                "2 photos and videos",
                "forgotten\n",
            ],
        );
        // The mount has taken it in, and so has the next one.
        let after = others(&mount.point(), &[]);
        mount.unmount();
        let mount = home.mount(takeout([&source]));
        assert_eq!(others(&mount.point(), &[]), after);
        let gone: BTreeSet<&String> = before.difference(&after).collect();
        assert_eq!(gone.len(), 2, "{gone:?}");
        assert!(
            gone.iter()
                .all(|line| line.contains("/a.jpg") || line.contains("/a-edited.jpg"))
        );
        assert!(after.is_subset(&before));
        mount.unmount();
        // Both versions of the edited copy, and the original.
        let decided = fs::read_to_string(library(&home).join("decisions.toml")).unwrap();
        assert_eq!(decided.matches("[[forget]]").count(), 3, "{decided}");

        // Another photo that wants the name gets another.
        let mut export = Export::default();
        export.photo("a.jpg", 90, text("somebody else", 100), Value::Null);
        export.write(&source, STAMPS[2]);
        let mount = home.mount(takeout([&source]));
        let now = others(&mount.point(), &[]);
        let new: Vec<&String> = now.difference(&after).collect();
        assert!(new.len() == 1 && new[0].contains("/a~"), "{new:?}");

        // By a path below the root, a directory, and what cannot be meant.
        mount.unmount();
        let words = ["--takeout", source.to_str().unwrap(), "--yes"];
        let of = |path: &str| forget(&home, &[&words[..], &[path]].concat());
        let told = of("albums/Sea").ok();
        says(&told, &[&at("p01.jpg"), "1 photos and videos"]);
        says(
            &of("by-date/1999").ends(2),
            &["neither in a mount nor a path below the root"],
        );
        says(
            &of(source.to_str().unwrap()).ends(2),
            &["neither in a mount"],
        );
        says(&forget(&home, &["--yes"]).ends(2), &["PATH"]);
        let told = of("by-date/2023/2023-08").ok();
        says(&told, &["r.jpg", "1 photos and videos"]);
        let mount = home.mount(takeout([&source]));
        assert!(!mount.path("albums/Sea").exists() && !mount.path("by-date/2023/2023-08").exists());
        let rest = others(&mount.point(), &[]);
        assert_eq!(now.difference(&rest).count(), 3, "p01.jpg has two places");
        mount.unmount();
    });
}

/// A year of exports by the generator, and its truth.
fn year(home: &Home) -> (PathBuf, Vec<Value>) {
    let made = home.path("year");
    let mut command = std::process::Command::new("python3");
    command.args(["-S", "-E", "-B"]);
    command
        .arg(generator().join("series.py"))
        .arg("--out")
        .arg(&made);
    run(command.args(["--photos", "150", "--added", "10", "--edited", "8"])).ok();
    let truth = fs::read(made.join("truth.json")).unwrap();
    (made, serde_json::from_slice(&truth).unwrap())
}

/// What the generator says is shown in by-date: path to SHA-256.
fn of_truth(truth: &Value) -> BTreeMap<PathBuf, String> {
    let shown = truth["shown"].as_object().unwrap().iter();
    shown
        .map(|(sha, path)| (path.as_str().unwrap().into(), sha.clone()))
        .collect()
}

#[test]
fn a_year_is_looked_back_into() {
    within(LIMIT, || {
        let home = Home::new();
        let (source, truth) = year(&home);
        let path = source.display();
        let folders = (0..truth.len())
            .map(|number| format!("[[source]]\nkind = \"takeout\"\npath = \"{path}/{number}\"\n"));
        write_config(&home, &folders.collect::<String>());
        gphotosfs(&home, ["sync"]).ok();
        for (number, export) in truth.iter().enumerate() {
            let stamp = export["stamp"].as_str().unwrap();
            let words = ["--as-of", stamp, "--sidecars", "none"];
            let past = Past::mount(&home, &format!("past-{number}"), &words);
            let is = hashes(&past.point.join("by-date"));
            let is = is
                .into_iter()
                .map(|(path, sha)| (Path::new("by-date").join(path), sha));
            assert_eq!(is.collect::<BTreeMap<_, _>>(), of_truth(export), "{stamp}");
        }
        for pair in truth.windows(2) {
            let stamps = [&pair[0], &pair[1]].map(|export| export["stamp"].as_str().unwrap());
            let found = diff(&home, &stamps);
            let (was, is) = (of_truth(&pair[0]), of_truth(&pair[1]));
            let known: BTreeSet<&String> = was.values().collect();
            let set = |kind: &str| paths(&found, kind).into_iter().collect::<BTreeSet<_>>();
            let those = |wanted: &dyn Fn(&PathBuf, &String) -> bool| {
                let paths = is.iter().filter(|(path, sha)| wanted(path, sha));
                let paths = paths.map(|(path, _)| path.to_str().unwrap().to_owned());
                paths.collect::<BTreeSet<_>>()
            };
            let is_new =
                |path: &PathBuf, sha: &String| !known.contains(sha) && !was.contains_key(path);
            let is_edit =
                |path: &PathBuf, sha: &String| was.get(path).is_some_and(|old| old != sha);
            assert_eq!(set("added"), those(&is_new), "{stamps:?}");
            assert_eq!(set("edited"), those(&is_edit), "{stamps:?}");
            let moved = pair[1]["moved"].as_array().unwrap().len();
            assert_eq!(
                set("re_dated").len() + set("re_titled").len(),
                moved,
                "{stamps:?}"
            );
            let gone = pair[1]["gone"].as_array().into_iter().flatten();
            let gone: BTreeSet<&str> = gone.map(|sha| sha.as_str().unwrap()).collect();
            assert_eq!(
                set("gone"),
                those(&|_, sha| gone.contains(sha.as_str())),
                "{stamps:?}"
            );
            let compressed = pair[1]["compressed"].as_array().into_iter().flatten();
            let compressed = compressed.map(|path| path.as_str().unwrap().to_owned());
            assert_eq!(set("re_encoded"), compressed.collect(), "{stamps:?}");
        }
    });
}
