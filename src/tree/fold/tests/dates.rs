//! Which date counts, in which zone, and when a photo moves.

use super::{batch, medium, sidecar, walk};
use crate::model::{Batch, Decided, Geo, Medium, Role, Sidecar, Stated, Told};
use crate::tree::fold::{Fold, Form, Rules};
use crate::tree::{Options, Tree};

/// 2023-07-31T23:30:00Z: August in Lisbon, July in New York.
const MIDNIGHT: i64 = 1_690_846_200;

fn told(written: Option<Stated>, named: Option<Stated>) -> Option<Box<Told>> {
    Some(Box::new(Told { written, named }))
}

fn shown(clock: i64, ahead: Option<i32>) -> Option<Stated> {
    Some(Stated { clock, ahead })
}

/// Path and time of modification of every file.
fn files(rules: &Rules, batches: &[Batch]) -> Vec<(String, i64)> {
    let mut fold = Fold::new(rules.clone(), &Decided::default(), Box::new(|_| None));
    for batch in batches {
        fold.step(batch);
    }
    let tree = Tree::plant(fold.image(), Options::default());
    let found = walk(&tree).into_iter();
    let mut found: Vec<(String, i64)> = found.map(|(path, facts)| (path, facts.1)).collect();
    found.retain(|(path, _)| path.starts_with("/by-date"));
    found
}

fn in_zone(name: &str) -> Rules {
    Rules {
        zone: Rules::zone(name).unwrap(),
        ..Rules::default()
    }
}

fn dated(taken: i64, zone: Option<&str>) -> Medium {
    Medium {
        zone: zone.map(Into::into),
        ..medium("a.jpg", 1, Some(sidecar("a.jpg", taken, taken + 60)))
    }
}

#[test]
fn the_zone_of_the_place_decides_the_month_else_the_configured_one() {
    let folder = |configured: &str, place: Option<&str>| {
        let found = files(
            &in_zone(configured),
            &[batch("1", vec![dated(MIDNIGHT, place)])],
        );
        assert_eq!(
            found[0].1, MIDNIGHT,
            "the time itself is that of the sidecar"
        );
        found[0].0.clone()
    };
    let (july, august) = ("/by-date/2023/2023-07/a.jpg", "/by-date/2023/2023-08/a.jpg");
    assert_eq!(folder("UTC", None), july);
    assert_eq!(folder("Europe/Lisbon", None), august);
    assert_eq!(folder("UTC", Some("Europe/Lisbon")), august);
    assert_eq!(folder("Europe/Lisbon", Some("America/New_York")), july);
    assert_eq!(folder("UTC", Some("Etc/GMT-1")), august, "at sea");
    assert_eq!(folder("Europe/Lisbon", Some("Middle/Earth")), august);
}

#[test]
fn a_place_that_changes_moves_nothing_and_a_date_that_changes_does() {
    let first = batch("1", vec![dated(MIDNIGHT, Some("America/New_York"))]);
    let moved = batch("2", vec![dated(MIDNIGHT, Some("Europe/Lisbon"))]);
    let without = batch("2", vec![dated(MIDNIGHT, None)]);
    let redated = batch("3", vec![dated(MIDNIGHT + 1, Some("Europe/Lisbon"))]);
    let path = |batches: &[Batch]| files(&Rules::default(), batches)[0].0.clone();
    let (july, august) = ("/by-date/2023/2023-07/a.jpg", "/by-date/2023/2023-08/a.jpg");
    assert_eq!(path(&[first.clone(), moved.clone()]), july);
    assert_eq!(path(&[first.clone(), without]), july);
    assert_eq!(path(&[first, moved, redated]), august);
}

#[test]
fn the_better_source_wins_and_a_worse_one_never_does() {
    let day = 86_400;
    let at = |number: i64| 1_600_000_000 + number * day;
    let bare = || medium("x.jpg", 1, None);
    let year = Medium {
        year: Some(2019),
        ..bare()
    };
    let named = Medium {
        told: told(None, shown(at(1), None)),
        year: Some(2019),
        ..bare()
    };
    let written = Medium {
        told: told(shown(at(2), Some(3600)), shown(at(1), None)),
        ..bare()
    };
    let said = medium("x.jpg", 1, Some(sidecar("x.jpg", at(3), at(9))));
    let said_and_written = Medium {
        told: told(shown(at(2), None), None),
        ..said.clone()
    };
    let time = |media: &[&Medium]| {
        let step =
            |(number, one): (usize, &&Medium)| batch(&number.to_string(), vec![(*one).clone()]);
        let batches: Vec<Batch> = media.iter().enumerate().map(step).collect();
        files(&Rules::default(), &batches)[0].1
    };
    let new_year = 1_546_344_000;
    assert_eq!(time(&[&year]), new_year);
    assert_eq!(time(&[&named]), at(1));
    assert_eq!(time(&[&written]), at(2) - 3600);
    assert_eq!(time(&[&said_and_written]), at(3));
    // In any order of exports the best one is left.
    assert_eq!(time(&[&year, &named, &written, &said]), at(3));
    assert_eq!(time(&[&said, &written, &named, &year]), at(3));
    assert_eq!(time(&[&written, &named]), at(2) - 3600);
    assert_eq!(time(&[&named, &year]), at(1));
}

#[test]
fn a_clock_without_a_zone_is_read_in_the_configured_one() {
    let clock = 1_704_069_000; // 2024-01-01 00:30:00
    let one = |stated| Medium {
        told: told(None, stated),
        ..medium("x.jpg", 1, None)
    };
    let read =
        |zone: &str, stated| files(&in_zone(zone), &[batch("1", vec![one(stated)])])[0].clone();
    let january = "/by-date/2024/2024-01/x.jpg".to_owned();
    assert_eq!(read("UTC", shown(clock, None)), (january.clone(), clock));
    assert_eq!(
        read("Asia/Tokyo", shown(clock, None)),
        (january.clone(), clock - 9 * 3600)
    );
    assert_eq!(
        read("America/New_York", shown(clock, None)),
        (january, clock + 5 * 3600)
    );
    // With an offset the instant is sure, and the month is that of the configured zone.
    let december = "/by-date/2023/2023-12/x.jpg".to_owned();
    assert_eq!(
        read("America/New_York", shown(clock, Some(0))),
        (december, clock)
    );
    // 2023-03-26 01:30 in Lisbon was left out, 2023-10-29 01:30 was there twice.
    assert_eq!(
        read("Europe/Lisbon", shown(1_679_794_200, None)).1,
        1_679_794_200
    );
    assert_eq!(
        read("Europe/Lisbon", shown(1_698_543_000, None)).1,
        1_698_539_400
    );
}

#[test]
fn clips_stand_in_the_month_of_their_still() {
    let mut still = dated(MIDNIGHT, Some("Europe/Lisbon"));
    still.file = "a.HEIC".into();
    let clip = Medium {
        role: Role::Clip,
        head: Some(0),
        told: told(shown(MIDNIGHT - 40 * 86_400, Some(0)), None),
        ..medium("a.MOV", 2, None)
    };
    let found = files(&Rules::default(), &[batch("1", vec![still, clip])]);
    assert_eq!(
        found,
        [
            ("/by-date/2023/2023-08/a.HEIC".to_owned(), MIDNIGHT),
            ("/by-date/2023/2023-08/a.MOV".to_owned(), MIDNIGHT)
        ]
    );
}

#[test]
fn the_date_of_another_copy_counts_where_the_sidecar_in_use_has_none() {
    let undated = Sidecar {
        taken: None,
        geo: Some(Geo {
            latitude: 1.0,
            longitude: 1.0,
            altitude: 0.0,
        }),
        ..sidecar("a.jpg", 0, 100)
    };
    let found = files(
        &Rules::default(),
        &[batch(
            "1",
            vec![medium("a.jpg", 1, Some(undated)), dated(MIDNIGHT, None)],
        )],
    );
    assert_eq!(
        found,
        [("/by-date/2023/2023-07/a.jpg".to_owned(), MIDNIGHT)]
    );
}

#[test]
fn names_follow_the_rules_for_names() {
    let rules = |windows: bool, max: u8| Rules {
        names: Form { windows, max },
        ..Rules::default()
    };
    let long = format!("{}.jpg", "Tea: é? ".repeat(60));
    let media: Vec<Medium> = (1..=30)
        .map(|crc| {
            medium(
                "x.jpg",
                crc,
                Some(sidecar(&long, MIDNIGHT, i64::from(crc) + 100)),
            )
        })
        .chain([
            medium("y.jpg", 90, Some(sidecar("NUL.jpg", MIDNIGHT, 100))),
            medium("z.jpg", 91, Some(sidecar("So far...", MIDNIGHT, 100))),
        ])
        .collect();
    let names = |rules: &Rules| -> Vec<String> {
        let found = files(rules, &[batch("1", media.clone())]).into_iter();
        found
            .filter_map(|(path, _)| Some(path.rsplit_once('/')?.1.to_owned()))
            .collect()
    };
    assert!(names(&rules(false, 255)).contains(&"NUL.jpg".to_owned()));
    let short = names(&rules(true, 64));
    assert_eq!(short.len(), media.len());
    assert!(short.contains(&"NUL_.jpg".to_owned()) && short.contains(&"So far....jpg".to_owned()));
    for name in short {
        assert!(name.len() <= 59 && !name.contains([':', '?']), "{name}");
    }
}

#[test]
fn the_clock_at_the_place_is_told_to_the_minute() {
    let ahead = |taken: i64, place: Option<&str>| {
        let mut fold = Fold::new(
            in_zone("Asia/Tokyo"),
            &Decided::default(),
            Box::new(|_| None),
        );
        fold.step(&batch("1", vec![dated(taken, place)]));
        fold.image().files[0].ahead_minutes
    };
    assert_eq!(ahead(MIDNIGHT, Some("Europe/Lisbon")), Some(60));
    assert_eq!(ahead(MIDNIGHT, Some("America/St_Johns")), Some(-150));
    assert_eq!(ahead(MIDNIGHT, None), None);
    // Lisbon's own time until 1912, 36 minutes and 45 seconds behind.
    assert_eq!(ahead(-2_000_000_000, Some("Europe/Lisbon")), None);
}
