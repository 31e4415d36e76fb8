//! What arrives in a source: parts that are not whole yet, that have moved, or that are no archives; and the list of exports.

use crate::export::{How, Photo, noise, part, shown, unpacked, unpacked_path};
use crate::kit::{Home, Ran, generator, hashes, run, stats, takeout, within};
use crate::sources::{MIDDLE, export, gphotosfs, says};
use crate::trouble::{Got, python, read};
use crate::truth::Truth;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

const LIMIT: Duration = Duration::from_secs(300);
const FIRST: &str = "20260913T041200Z";
const SECOND: &str = "20260920T041200Z";

fn command(home: &Home, word: &str, more: &[&str]) -> Ran {
    let words = [word]
        .into_iter()
        .chain(more.iter().copied())
        .map(OsString::from);
    gphotosfs(home, words.chain(takeout([home.path("s")])))
}

fn exports(home: &Home) -> Vec<Value> {
    let ran = command(home, "exports", &["--json"]);
    ran.json().as_array().unwrap().clone()
}

#[test]
fn an_export_is_seen_when_it_is_whole_and_then_for_good() {
    within(LIMIT, || {
        let home = Home::new();
        let source = home.path("s");
        export(&source, FIRST, 1, &[("one.jpg", MIDDLE)]);
        command(&home, "sync", &[]).ok();
        export(&source, SECOND, 1, &[("two.jpg", MIDDLE)]);
        let second = export(
            &home.path("done"),
            SECOND,
            2,
            &[("three.jpg", MIDDLE), ("four.jpg", MIDDLE)],
        );
        let name = second.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&second).unwrap();
        let hidden = |file: &str, why: &str| {
            let path = source.join(file);
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            let told = ["not shown until it is whole", why, file];
            says(&command(&home, "sync", &[]).ends(1), &told);
            says(&command(&home, "status", &[]).ends(1), &told);
            says(
                &command(&home, "exports", &[]).ends(1),
                &["not complete, so not shown", why, file],
            );
            let listed = exports(&home);
            assert_eq!(
                (&listed[1]["stamp"], &listed[1]["complete"]),
                (&json!(SECOND), &json!(false))
            );
            let mount = home.mount(takeout([&source]));
            assert_eq!(hashes(&mount.path("by-date")).len(), 1, "{file}");
            mount.unmount();
            path
        };
        for file in [
            format!("{name}.crdownload"),
            format!("{name}.part"),
            // rsync's.
            format!(".{name}.x7Gq2c"),
        ] {
            fs::remove_file(hidden(&file, "still being downloaded")).unwrap();
        }
        // Under its own name, as cp and curl write it; it grows from one look to the next.
        let path = hidden(name, "no end record");
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        command(&home, "sync", &[]).ends(1);
        fs::write(&path, &bytes).unwrap();
        says(&command(&home, "sync", &[]).ok(), &["3 of them new"]);
        assert_eq!(exports(&home)[1]["complete"], true);

        // One more turns out to be on its way: what is shown stays.
        fs::write(
            source.join(format!("takeout-{SECOND}-003.zip.crdownload")),
            "",
        )
        .unwrap();
        says(
            &command(&home, "sync", &[]).ends(1),
            &["still being downloaded", "4 photos and videos are known"],
        );
        let mount = home.mount(takeout([&source]));
        assert_eq!(hashes(&mount.path("by-date")).len(), 4);
        mount.unmount();
        assert_eq!(
            exports(&home)[1]["shown"].as_bool(),
            exports(&home)[0]["shown"].as_bool()
        );
    });
}

/// A file that grows from look to look is not taken for whole, nor for damaged when it no longer does.
#[test]
fn a_folder_is_seen_when_nobody_writes_it_any_more() {
    within(LIMIT, || {
        let home = Home::new();
        let source = home.path("s");
        let first = Photo::new("first.jpg", noise(1, 9000), How::Stored);
        let mut grown = Photo::new("grown.jpg", noise(2, 4 << 20), How::Stored);
        unpacked(&source, &[first, grown.clone()]);
        let path = unpacked_path(&source, "grown.jpg");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, file) = (stop.clone(), path.clone());
        let writer = std::thread::spawn(move || {
            let mut file = File::options().append(true).open(file).unwrap();
            while !stopped.load(Ordering::Relaxed) {
                file.write_all(b"x").unwrap();
            }
        });
        // Where the writer gets no turn between two looks, there is nothing to see, and another try is made.
        let until = Instant::now() + LIMIT / 2;
        let told = loop {
            let ran = command(&home, "sync", &[]);
            let told = format!("{}{}", ran.text(), ran.err);
            if told.contains("still being written") || Instant::now() > until {
                break told;
            }
        };
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        assert!(told.contains("still being written"), "{told}");
        command(&home, "sync", &[]).ok();
        grown.bytes = fs::read(&path).unwrap();
        let mount = home.mount(takeout([&source]));
        assert_eq!(mount.status()["problems"], json!([]));
        assert_eq!(
            read(&mount.path(shown("grown.jpg"))),
            Got::Bytes(grown.sha256())
        );
        assert_eq!(hashes(&mount.path("by-date")).len(), 2);
        mount.unmount();
    });
}

/// Gives a file another time.
fn touch(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
        .unwrap();
}

#[test]
fn what_has_moved_is_known_again() {
    within(LIMIT, || {
        let home = Home::new();
        let photos = |prefix: &str| -> Vec<Photo> {
            let photo = |at: u64| {
                Photo::new(
                    &format!("{prefix}{at}.jpg"),
                    noise(at, 30_000 + prefix.len()),
                    How::Stored,
                )
            };
            (1..4).map(photo).collect()
        };
        let source = home.path("s");
        let zip = part(&source, 1, &photos("a")).path;
        // A tgz of the same export.
        unpacked(&home.path("t"), &photos("bb"));
        let tgz = source.join(format!("takeout-{FIRST}-002.tgz"));
        run(Command::new("tar")
            .arg("-czf")
            .arg(&tgz)
            .arg("-C")
            .arg(home.path("t"))
            .arg("Takeout"))
        .ok();
        let folder = source.join(format!("takeout-{FIRST}-003"));
        unpacked(&folder, &photos("ccc"));
        let mount = home.mount(takeout([&source]));
        let (tree, bytes) = (stats(&mount.point()), hashes(&mount.point()));
        assert_eq!(bytes.len(), 9);
        mount.unmount();
        let still = |what: &str| {
            let report = command(&home, "sync", &["--json"]).ok().json();
            assert_eq!(report["new_parts"], json!([]), "{what}");
            assert_eq!(
                (&report["new_files"], &report["moved"]),
                (&json!(0), &json!([])),
                "{what}"
            );
            let mount = home.mount(takeout([&source]));
            assert_eq!(stats(&mount.point()), tree, "{what}");
            assert_eq!(hashes(&mount.point()), bytes, "{what}");
            assert_eq!(mount.status()["parts"], 3, "{what}");
            mount.unmount();
        };
        touch(&zip);
        touch(&tgz);
        still("another time");
        let renamed = [source.join("first.zip"), source.join("second.tgz")];
        for (old, new) in [&zip, &tgz].into_iter().zip(&renamed) {
            // A copy, as through a disk that keeps no times.
            fs::copy(old, new).unwrap();
            fs::remove_file(old).unwrap();
        }
        still("another name, another time");
        let unpacked_to = source.join("third");
        fs::rename(&folder, &unpacked_to).unwrap();
        still("a folder moved");
        let copy = source.join("fourth");
        run(Command::new("cp").arg("-r").arg(&unpacked_to).arg(&copy)).ok();
        fs::remove_dir_all(&unpacked_to).unwrap();
        // Its files have other times, so they are read once more, and are what they were.
        let report = command(&home, "sync", &["--json"]).ok().json();
        assert_eq!(
            (&report["new_files"], &report["moved"]),
            (&json!(0), &json!([]))
        );
        still("a folder copied");
    });
}

/// Writes a part that has the sidecar of a video and not the video.
fn sidecar_alone(dir: &Path, number: u32, title: &str) -> PathBuf {
    let path = dir.join(format!("takeout-{FIRST}-{number:03}.zip"));
    let script = "import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    at = 'Takeout/Google Photos/Photos from 2023/'
    facts = {'title': sys.argv[2], 'photoTakenTime': {'timestamp': '1689328272'}, 'url': 'v'}
    z.writestr(at + sys.argv[2] + '.supplemental-metadata.json', json.dumps(facts))
    z.writestr(at + 'there.jpg', 'there' * 1000)
    facts['title'] = facts['url'] = 'there.jpg'
    z.writestr(at + 'there.jpg.supplemental-metadata.json', json.dumps(facts))";
    python(script, [path.as_os_str(), OsStr::new(title)]).ok();
    path
}

#[test]
fn media_too_large_for_an_archive_are_parts() {
    within(LIMIT, || {
        for (file, series) in [
            ("VID_0714-002.mp4", "gap"),
            ("takeout-20260913T041200Z-002.mp4", "stamp"),
        ] {
            let home = Home::new();
            let source = home.path("s");
            export(&source, FIRST, 1, &[("one.jpg", MIDDLE)]);
            sidecar_alone(&source, 3, "VID_0714.mp4");
            // Without it there is a gap, and whatever else is called so does not fill it.
            fs::write(source.join("holiday-002.jpg"), "not ours").unwrap();
            let ran = command(&home, "sync", &[]).ends(2);
            says(
                &ran,
                &[
                    &format!("part takeout-{FIRST}-002 is missing; "),
                    "holiday-002.jpg has its number",
                ],
            );
            let video = noise(7, 300_000);
            fs::write(source.join(file), &video).unwrap();
            let mount = home.mount(takeout([&source]));
            assert_eq!(mount.status()["problems"], json!([]));
            let path = mount.path(shown("VID_0714.mp4"));
            assert_eq!(fs::read(&path).unwrap(), video);
            let info = &mount.info(&[&path])[0];
            assert_eq!(info["taken"], "2023-07-14T09:51:12Z");
            assert_eq!(
                info["origin"]["archive"],
                source.join(file).to_str().unwrap()
            );
            assert_eq!(
                hashes(&mount.path("by-date")).len(),
                3,
                "holiday-002.jpg is nobody's"
            );
            let tree = stats(&mount.point());
            mount.unmount();
            let listed = exports(&home);
            assert_eq!(
                (&listed[0]["parts"], &listed[0]["complete"]),
                (&json!(3), &json!(true))
            );
            says(&command(&home, "sync", &[]).ok(), &["nothing new"]);
            // Gone, it keeps its name like any part.
            fs::remove_file(source.join(file)).unwrap();
            says(
                &command(&home, "sync", &[]).ends(1),
                &[file, "cannot be read"],
            );
            let mount = home.mount(takeout([&source]));
            assert_eq!(stats(&mount.point()), tree, "{series}");
            let error = fs::read(mount.path(shown("VID_0714.mp4"))).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EIO));
            mount.unmount();
        }
    });
}

/// Whatever the other parts are, and whatever else is in them.
#[test]
fn an_export_with_loose_files_is_all_that_it_should_be() {
    within(LIMIT, || {
        let home = Home::new();
        let mut make = Command::new("python3");
        make.args(["-S", "-E", "-B"])
            .arg(generator().join("make_export.py"));
        make.arg("--out")
            .arg(home.path("x"))
            .args(["--seed", "81", "--photos", "300"]);
        run(make.args(["--parts", "3", "--form", "mixed", "--loose", "4"])).ok();
        let mount = home.mount(takeout([home.path("x/export")]));
        assert_eq!(mount.status()["parts"], 7);
        crate::exports::check(&mount, &Truth::read(&home.path("x")));
        mount.unmount();
    });
}

#[test]
fn exports_are_listed_and_decided_upon() {
    within(LIMIT, || {
        let home = Home::new();
        let source = home.path("s");
        says(
            &command(&home, "exports", &[]).ends(2),
            &["nothing is known yet"],
        );
        export(
            &source,
            FIRST,
            1,
            &[("one.jpg", MIDDLE), ("two.jpg", MIDDLE)],
        );
        export(&source, SECOND, 1, &[("three.jpg", MIDDLE)]);
        let third = export(&source, SECOND, 3, &[("five.jpg", MIDDLE)]);
        command(&home, "sync", &[]).ends(1);
        let ran = command(&home, "exports", &[]).ends(1);
        says(
            &ran,
            &[
                FIRST,
                "complete",
                SECOND,
                "not complete, so not shown",
                "-002 is missing",
            ],
        );
        let listed = exports(&home);
        assert_eq!(
            (&listed[1]["parts"], &listed[1]["accepted"]),
            (&json!(2), &json!(false))
        );
        let size = fs::metadata(third).unwrap().len();
        assert!(listed[1]["bytes"].as_u64().unwrap() > size);
        // What there is not cannot be decided upon, and then nothing is.
        let wrong = ["--partial", FIRST, "--full", "20200101T000000Z"];
        says(
            &command(&home, "exports", &wrong).ends(2),
            &["there is no export 20200101T000000Z", FIRST, SECOND],
        );
        says(
            &command(&home, "exports", &["--partial", FIRST, "--full", FIRST]).ends(2),
            &["cannot be both"],
        );
        assert_eq!(exports(&home)[0]["decided"], Value::Null);
        let ran = command(
            &home,
            "exports",
            &["--partial", FIRST, "--accept-incomplete", SECOND],
        );
        says(
            &ran.ends(1),
            &[
                "from the next sync on partial",
                "shown from the next sync on",
                "the next `gphotosfs sync`",
            ],
        );
        command(&home, "sync", &[]).ends(1);
        says(
            &command(&home, "exports", &[]).ends(1),
            &["partial as you decided", "shown as you decided"],
        );
        let listed = exports(&home);
        assert_eq!(
            (&listed[0]["decided"], &listed[0]["full"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(
            (&listed[1]["accepted"], &listed[1]["complete"]),
            (&json!(true), &json!(false))
        );
        command(&home, "exports", &["--full", FIRST]).ends(1);
        assert_eq!(exports(&home)[0]["decided"], true);
        let mount = home.mount(takeout([&source]));
        assert_eq!(hashes(&mount.path("by-date")).len(), 4);
        mount.unmount();
    });
}
