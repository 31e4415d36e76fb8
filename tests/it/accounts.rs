//! Several accounts in one mount: the first in the root as if it were alone, others in `accounts/NAME`.

use crate::kit::{Home, Mount, Ran, VIEWS, hashes, run, stats, within};
use crate::sources::{MIDDLE, config, export, gphotosfs, says, write_config};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
/// Two accounts may well be exported in the same second.
const STAMP: &str = "20260913T041200Z";
const LATER: &str = "20260920T041200Z";
const PHOTOS: &[(&str, i64)] = &[
    ("one.jpg", MIDDLE),
    ("two.jpg", MIDDLE),
    ("Two.jpg", MIDDLE + 1),
];

fn add(home: &Home, path: &Path, account: Option<&str>) -> Ran {
    let mut args = vec![OsStr::new("add"), OsStr::new("takeout"), path.as_os_str()];
    if let Some(account) = account {
        args.extend([OsStr::new("--account"), OsStr::new(account)]);
    }
    gphotosfs(home, args)
}

fn remove(home: &Home, path: &Path) {
    gphotosfs(home, [OsStr::new("remove"), path.as_os_str()]).ok();
}

fn decisions(home: &Home) -> PathBuf {
    config(home).with_file_name("decisions.toml")
}

fn json(home: &Home, args: &[&str]) -> Value {
    let ran = gphotosfs(home, args);
    assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    ran.json()
}

/// What `find` tells of the root's own views, or of all: lines by path. Of the mount itself its links and times are those
/// of what stands in it.
fn told(mount: &Mount<'_>, accounts: bool) -> Vec<String> {
    let mut lines = stats(&mount.point());
    lines.retain(|line| !line.starts_with(". ") && (accounts || !line.starts_with("./accounts")));
    assert!(
        lines.iter().any(|line| line.contains("one.jpg")),
        "{lines:#?}"
    );
    lines
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Inode and checksum of each photo below a directory of months.
fn photos(dir: &Path) -> BTreeMap<PathBuf, (u64, String)> {
    let found = hashes(dir).into_iter();
    found
        .map(|(path, sha)| {
            let ino = fs::metadata(dir.join(&path)).unwrap().ino();
            (path, (ino, sha))
        })
        .collect()
}

#[test]
fn another_account_comes_and_goes_and_the_root_stays() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&b, STAMP, 1, PHOTOS);
        add(&home, &a, None).ok();
        let mount = home.mount([""; 0]);
        let alone = told(&mount, true);
        assert_eq!(
            names(&mount.point()),
            ["albums", "by-date", "favorites", "people"]
        );
        assert_eq!(mount.status()["accounts"], serde_json::json!([]));
        let info = mount.info(&[mount.path("by-date/2023/2023-07/one.jpg")]);
        assert_eq!(info[0]["account"], Value::Null);
        mount.unmount();

        let ran = add(&home, &b, Some("ada")).ok();
        says(&ran, &["photos of ada stand in accounts/ada"]);
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, false), alone);
        assert_eq!(
            names(&mount.point()),
            ["accounts", "albums", "by-date", "favorites", "people"]
        );
        assert_eq!(names(&mount.path("accounts")), ["ada"]);
        let mut views = VIEWS.map(str::to_owned);
        views.sort();
        assert_eq!(names(&mount.path("accounts/ada")), views);
        let both = told(&mount, true);

        // The same titles and the same bytes: other files.
        let (own, hers) = (
            photos(&mount.path("by-date")),
            photos(&mount.path("accounts/ada/by-date")),
        );
        assert_eq!(own.len(), PHOTOS.len());
        assert!(own.keys().eq(hers.keys()), "{own:?} {hers:?}");
        for (path, (ino, sha)) in &own {
            assert_eq!(&hers[path].1, sha);
            assert_ne!(&hers[path].0, ino);
        }
        let status = mount.status();
        assert_eq!(status["photos"], 6);
        let account = |at: usize, key: &str| status["accounts"][at][key].clone();
        assert_eq!(
            (account(0, "name"), account(0, "first")),
            (Value::Null, true.into())
        );
        assert_eq!(
            (account(1, "name"), account(1, "first")),
            ("ada".into(), false.into())
        );
        for at in [0, 1] {
            assert_eq!(
                (account(at, "photos"), account(at, "exports")),
                (3.into(), 1.into())
            );
        }
        let text = gphotosfs(&home, ["status"]).ok();
        says(&text, &["the root: 3 photos", "accounts/ada: 3 photos"]);
        let info = mount.info(&[mount.path("accounts/ada/by-date/2023/2023-07/one.jpg")]);
        assert_eq!(info[0]["account"], "ada");
        assert!(
            info[0]["origin"]["archive"]
                .as_str()
                .unwrap()
                .starts_with(b.to_str().unwrap())
        );
        mount.unmount();

        // Her folder is away: all names stay, and the root can be read.
        fs::rename(&b, home.path("away")).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), both);
        assert_eq!(photos(&mount.path("by-date")), own);
        mount.unmount();
        fs::rename(home.path("away"), &b).unwrap();

        // A catalog made anew tells the same; so does one without her source, since what was shown once stays.
        fs::remove_dir_all(home.state()).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), both);
        mount.unmount();
        remove(&home, &b);
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), both);
        mount.unmount();
        fs::remove_dir_all(home.state()).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), alone);
    });
}

#[test]
fn the_first_account_keeps_the_root_whatever_comes_and_goes() {
    within(LIMIT, || {
        let home = Home::new();
        let [ada, ben, carl, more] = ["ada", "ben", "carl", "more"].map(|name| home.path(name));
        for (at, dir) in [&ada, &ben, &carl].into_iter().enumerate() {
            let own = format!("only-{at}.jpg");
            let mut photos = PHOTOS.to_vec();
            photos.push((&own, MIDDLE + 5));
            export(dir, STAMP, 1, &photos);
        }
        export(&more, LATER, 1, &[("late.jpg", MIDDLE)]);
        says(
            &add(&home, &ada, Some("ada")).ok(),
            &["photos of ada stand in the root"],
        );
        add(&home, &ben, Some("ben")).ok();
        let mount = home.mount([""; 0]);
        let (root, of_two) = (told(&mount, false), told(&mount, true));
        let info = mount.info(&[mount.path("by-date/2023/2023-07/only-0.jpg")]);
        assert_eq!(info[0]["account"], "ada");
        let text = gphotosfs(&home, ["status"]).ok();
        says(
            &text,
            &["the root (ada): 4 photos", "accounts/ben: 4 photos"],
        );
        mount.unmount();
        let text = fs::read_to_string(decisions(&home)).unwrap();
        assert!(text.contains("first_account = \"ada\""), "{text}");

        // In another order, and with a third one: the others see nothing of it.
        let sources = json(&home, &["sources", "--json"]);
        assert_eq!(sources[0]["account"], "ada");
        assert_eq!(
            (&sources[0]["first"], &sources[1]["first"]),
            (&true.into(), &false.into())
        );
        let text = [(&carl, "carl"), (&ben, "ben"), (&ada, "ada")].map(|(path, name)| {
            let path = path.display();
            format!("[[source]]\nkind = 'takeout'\npath = '{path}'\naccount = '{name}'\n")
        });
        write_config(&home, &text.concat());
        fs::remove_dir_all(home.state()).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(names(&mount.path("accounts")), ["ben", "carl"]);
        let mut of_three = told(&mount, true);
        of_three.retain(|line| !line.contains("/carl") && !line.starts_with("./accounts "));
        let mut of_two = of_two;
        of_two.retain(|line| !line.starts_with("./accounts "));
        assert_eq!(of_three, of_two);
        mount.unmount();

        // A source without an account is of the first one.
        add(&home, &more, None).ok();
        let sources = gphotosfs(&home, ["sources"]).ok();
        says(
            &sources,
            &[
                "more (account ada, in the root): 1 export(s)",
                "carl (account carl, in accounts/carl)",
            ],
        );
        let mount = home.mount([""; 0]);
        assert!(mount.path("by-date/2023/2023-07/late.jpg").exists());
        mount.unmount();
        remove(&home, &more);

        // Her source is gone, and her catalog too: nobody moves into the root.
        remove(&home, &ada);
        fs::remove_dir_all(home.state()).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(names(&mount.path("accounts")), ["ben", "carl"]);
        assert_eq!(names(&mount.path("by-date")), [""; 0]);
        mount.unmount();
        add(&home, &ada, Some("ada")).ok();
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, false), root);
    });
}

#[test]
fn parts_go_with_their_source() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b, c) = (home.path("a"), home.path("b"), home.path("c"));
        export(&a, STAMP, 1, PHOTOS);
        export(&b, STAMP, 1, PHOTOS);
        export(&b, LATER, 1, &[("late.jpg", MIDDLE)]);
        add(&home, &a, None).ok();
        add(&home, &b, Some("ada")).ok();
        let mount = home.mount([""; 0]);
        let before = told(&mount, true);
        mount.unmount();
        fs::rename(&b, &c).unwrap();
        remove(&home, &b);
        add(&home, &c, Some("ada")).ok();
        let ran = gphotosfs(&home, ["sync"]).ok();
        says(&ran, &["nothing new"]);
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), before);
        mount.unmount();

        // A folder in another source's folder is of its own account.
        let inner = a.join("hers");
        export(&inner, LATER, 1, &[("inner.jpg", MIDDLE)]);
        add(&home, &inner, Some("carl")).ok();
        let mount = home.mount([""; 0]);
        let path = "by-date/2023/2023-07/inner.jpg";
        assert!(mount.path("accounts/carl").join(path).exists());
        assert!(!mount.path(path).exists());
    });
}

#[test]
fn an_export_that_is_not_whole_is_its_accounts_alone() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&a, STAMP, 2, &[("three.jpg", MIDDLE)]);
        add(&home, &a, None).ok();
        let mount = home.mount([""; 0]);
        let alone = told(&mount, true);
        mount.unmount();
        export(&b, LATER, 2, &[("hers.jpg", MIDDLE)]);
        add(&home, &b, Some("ada")).ends(1);
        let ran = gphotosfs(&home, ["sync"]).ends(1);
        says(&ran, &["is missing", "is not shown until it is whole"]);
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, true), alone);
        mount.unmount();
        let mount = home.mount(["--accept-incomplete", LATER]);
        assert_eq!(told(&mount, false), alone);
        assert!(
            mount
                .path("accounts/ada/by-date/2023/2023-07/hers.jpg")
                .exists()
        );
    });
}

#[test]
fn a_gap_is_not_filled_by_another_accounts_part() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&a, STAMP, 2, &[("three.jpg", MIDDLE)]);
        export(&b, STAMP, 2, &[("hers.jpg", MIDDLE)]);
        add(&home, &a, None).ok();
        add(&home, &b, Some("ada")).ends(1);
        let ran = gphotosfs(&home, ["sync"]).ends(1);
        let gap = format!("part takeout-{STAMP}-001 is missing (account ada)");
        says(&ran, &[&gap]);
        assert_eq!(json(&home, &["status", "--json"])["photos"], 4);
        let exports = json(&home, &["exports", "--json"]);
        let told = |at: usize| {
            let keys = ["stamp", "account", "parts", "complete", "shown"];
            keys.map(|key| exports[at][key].clone())
        };
        let stamp = || Value::from(STAMP);
        assert_eq!(
            told(0),
            [stamp(), Value::Null, 2.into(), true.into(), true.into()]
        );
        assert_eq!(
            told(1),
            [stamp(), "ada".into(), 1.into(), false.into(), false.into()]
        );
    });
}

#[test]
fn links_lead_within_the_account() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        let folder = b.join("Takeout/Google Photos/Lisbon");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hers.jpg"), "hers").unwrap();
        fs::write(folder.join("metadata.json"), r#"{"title": "Lisbon"}"#).unwrap();
        let facts = format!(
            r#"{{"title": "hers.jpg", "favorited": true, "photoTakenTime": {{"timestamp": "{MIDDLE}"}}}}"#
        );
        fs::write(folder.join("hers.jpg.supplemental-metadata.json"), facts).unwrap();
        add(&home, &a, None).ok();
        add(&home, &b, Some("ada")).ok();
        let mount = home.mount(["--links", "symlink"]);
        let link = mount.path("accounts/ada/albums/Lisbon/hers.jpg");
        let target = Path::new("../../by-date/2023/2023-07/hers.jpg");
        assert_eq!(fs::read_link(&link).unwrap(), target);
        assert_eq!(fs::read(&link).unwrap(), b"hers");
        // Her document stands in her by-date.
        let document = mount.path("accounts/ada/by-date/2023/2023-07/hers.jpg.xmp");
        assert!(
            fs::read_to_string(&document)
                .unwrap()
                .contains("<xmp:Rating>5</xmp:Rating>")
        );
        assert_eq!(mount.info(&[&document])[0]["account"], "ada");
        // The account by itself is a whole copy.
        let copy = home.path("copy");
        let mut rsync = std::process::Command::new("rsync");
        run(rsync.arg("-aH").arg(mount.path("accounts/ada/")).arg(&copy)).ok();
        assert_eq!(
            fs::read(copy.join("albums/Lisbon/hers.jpg")).unwrap(),
            b"hers"
        );
    });
}

#[test]
fn a_photo_is_forgotten_in_one_account_alone() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&b, STAMP, 1, PHOTOS);
        add(&home, &a, None).ok();
        add(&home, &b, Some("ada")).ok();
        gphotosfs(&home, ["sync"]).ok();
        let path = "by-date/2023/2023-07/one.jpg";
        let hers = format!("accounts/ada/{path}");
        let mount = home.mount([""; 0]);
        let root = told(&mount, false);
        mount.unmount();
        gphotosfs(&home, ["forget", "--yes", &hers]).ok();
        let text = fs::read_to_string(decisions(&home)).unwrap();
        assert!(text.contains("account = \"ada\""), "{text}");
        // Also when the catalog is made anew.
        for state in [None, Some(home.state())] {
            if let Some(state) = state {
                fs::remove_dir_all(state).unwrap();
            }
            let mount = home.mount([""; 0]);
            assert_eq!(told(&mount, false), root);
            assert!(!mount.path(&hers).exists());
            assert!(mount.path(path).exists());
            mount.unmount();
        }
    });
}

/// A library that a version without accounts has shown keeps its root.
#[test]
fn a_library_from_before_accounts_keeps_the_root() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&b, STAMP, 1, &[("one.jpg", MIDDLE), ("hers.jpg", MIDDLE)]);
        add(&home, &a, None).ok();
        let mount = home.mount([""; 0]);
        let alone = told(&mount, true);
        mount.unmount();
        assert!(
            !decisions(&home).exists(),
            "nothing is to be remembered yet"
        );
        let own = fs::read_to_string(config(&home)).unwrap();
        let path = b.display();
        let hers = format!("[[source]]\nkind = 'takeout'\npath = '{path}'\naccount = 'ada'\n");
        write_config(&home, &format!("{hers}{own}"));
        let mount = home.mount([""; 0]);
        assert_eq!(told(&mount, false), alone);
        assert!(
            mount
                .path("accounts/ada/by-date/2023/2023-07/hers.jpg")
                .exists()
        );
    });
}

#[test]
fn what_cannot_be_an_account_is_refused() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, STAMP, 1, PHOTOS);
        export(&b, STAMP, 1, PHOTOS);
        add(&home, &a, Some("Ada")).ok();
        for (path, name, says_what) in [
            (
                &b,
                Some("ada"),
                "the account \"ada\" differs from \"Ada\" only in case",
            ),
            (
                &a,
                Some("ben"),
                "is a source of the account \"Ada\" already",
            ),
            (&a, None, "is a source of the account \"Ada\" already"),
            (&b, Some("a/b"), "must be a name for a directory"),
            (&b, Some(""), "must be a name for a directory"),
        ] {
            says(&add(&home, path, name).ends(2), &[says_what]);
        }
        assert_eq!(
            json(&home, &["sources", "--json"])
                .as_array()
                .unwrap()
                .len(),
            1
        );
    });
}
