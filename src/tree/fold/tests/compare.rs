//! What differs between two moments of a fold, kind by kind.

use super::{JULY, batch, medium, rules, sidecar};
use crate::model::{Album, Batch, BlobKey, Decided, Medium, Role, Sidecar};
use crate::tree::fold::{Altered, Differences, Fold, Gathering, Redated, Retitled, Seen};
use std::collections::BTreeSet;
use std::sync::Arc;

const AUGUST: i64 = JULY + 31 * 86_400;

/// What the second of two exports changes; everything else in the series is as it is.
fn between(batches: &[Batch; 2], decided: &Decided) -> Differences {
    let mut fold = Fold::new(rules(), decided, Box::new(|_| None));
    fold.step(&batches[0]);
    let then = fold.moment();
    assert_eq!(fold.since(&then), Differences::default());
    fold.step(&batches[1]);
    fold.since(&then)
}

fn changes(first: Vec<Medium>, second: Vec<Medium>) -> Differences {
    between(
        &[batch("1", first), batch("2", second)],
        &Decided::default(),
    )
}

fn photo(crc: u32, name: &str) -> Medium {
    medium(name, crc, Some(sidecar(name, JULY, 10)))
}

fn told(mut medium: Medium, change: impl FnOnce(&mut Sidecar)) -> Medium {
    if let Some((_, facts)) = &mut medium.sidecar {
        change(Arc::make_mut(facts));
    }
    medium
}

fn sized(mut medium: Medium, size: u64) -> Medium {
    medium.key.size = size;
    medium
}

fn at(name: &str) -> String {
    format!("by-date/2023/2023-07/{name}")
}

fn seen(name: &str) -> Seen {
    Seen {
        path: at(name),
        size: 1000,
    }
}

#[test]
fn what_is_new_and_what_was_in_the_trash_is_added() {
    let trashed = told(photo(2, "b.jpg"), |facts| facts.trashed = true);
    let found = changes(
        vec![photo(1, "a.jpg"), trashed],
        vec![photo(2, "b.jpg"), photo(3, "c.jpg")],
    );
    let added = vec![seen("b.jpg"), seen("c.jpg")];
    assert_eq!(
        found,
        Differences {
            added,
            ..Differences::default()
        }
    );
    let trashed = told(photo(3, "c.jpg"), |facts| facts.trashed = true);
    assert!(
        changes(vec![photo(1, "a.jpg")], vec![trashed])
            .added
            .is_empty()
    );
}

#[test]
fn edits_and_compression_are_told_apart() {
    let edited = |crc: u32| Medium {
        role: Role::Edited,
        ..photo(crc, "a.jpg")
    };
    let altered = |name: &str, to: u64, shown: bool| {
        vec![Altered {
            path: at(name),
            from: 1000,
            to,
            shown,
        }]
    };
    let found = changes(vec![edited(1)], vec![edited(2)]);
    assert_eq!(found.edited, altered("a-edited.jpg", 1000, true));
    assert!(found.re_encoded.is_empty() && found.added.is_empty());
    let original = |size: u64| {
        changes(
            vec![photo(1, "a.jpg")],
            vec![sized(photo(2, "a.jpg"), size)],
        )
    };
    assert_eq!(original(900).re_encoded, altered("a.jpg", 900, false));
    assert_eq!(original(1100).re_encoded, altered("a.jpg", 1100, true));
    assert_eq!(original(1000).edited, altered("a.jpg", 1000, true));
    for size in [900, 1000, 1100] {
        let found = original(size);
        assert_eq!(found.edited.len() + found.re_encoded.len(), 1, "{found:?}");
    }
}

#[test]
fn what_is_gone_and_what_returned() {
    let twenty = || (1..=20).map(|crc| photo(crc, &format!("{crc}.jpg")));
    let without = || twenty().skip(1).collect::<Vec<_>>();
    let found = changes(twenty().collect(), without());
    assert_eq!(found.gone, [seen("1.jpg")]);
    assert!(found.returned.is_empty());
    let mut fold = Fold::new(rules(), &Decided::default(), Box::new(|_| None));
    fold.step(&batch("1", twenty().collect()));
    fold.step(&batch("2", without()));
    let then = fold.moment();
    fold.step(&batch("3", vec![photo(1, "1.jpg")]));
    let found = fold.since(&then);
    let returned = vec![seen("1.jpg")];
    assert_eq!(
        found,
        Differences {
            returned,
            ..Differences::default()
        }
    );
}

#[test]
fn other_dates_and_titles_are_told_with_both_paths() {
    let follower = |date: i64, title: &str| {
        let edited = told(photo(2, title), |facts| facts.taken = Some(date));
        let original = told(photo(1, title), |facts| facts.taken = Some(date));
        vec![
            original,
            Medium {
                role: Role::Edited,
                head: Some(0),
                ..edited
            },
        ]
    };
    let found = changes(follower(JULY, "a.jpg"), follower(AUGUST, "a.jpg"));
    let redated = Redated {
        path: "by-date/2023/2023-08/a.jpg".into(),
        was: Some(at("a.jpg")),
        from: Some("2023-07-14T10:11:12Z".into()),
        to: Some("2023-08-14T10:11:12Z".into()),
    };
    assert_eq!(found.re_dated, [redated], "the edited copy is not told");
    let found = changes(follower(JULY, "a.jpg"), follower(JULY, "b.jpg"));
    let retitled = Retitled {
        path: at("b.jpg"),
        was: Some(at("a.jpg")),
        from: "a.jpg".into(),
        to: "b.jpg".into(),
    };
    let re_titled = vec![retitled];
    assert_eq!(
        found,
        Differences {
            re_titled,
            ..Differences::default()
        }
    );
}

#[test]
fn albums_people_and_favourites_that_hold_others() {
    let ada = |medium: Medium| told(medium, |facts| facts.people = vec!["Ada".into()]);
    let star = |medium: Medium| told(medium, |facts| facts.favorite = true);
    let sea = |members: &[u32]| Album {
        title: "Sea".into(),
        members: members.to_vec(),
        ..Album::default()
    };
    let mut first = batch("1", vec![ada(photo(1, "a.jpg")), photo(2, "b.jpg")]);
    first.albums.push(sea(&[0]));
    let mut second = batch("2", vec![photo(1, "a.jpg"), star(ada(photo(2, "b.jpg")))]);
    second.albums.push(sea(&[0, 1]));
    let gathering = |path: &str, title: &str, new: bool, added: &[&str], removed: &[&str]| {
        let paths = |names: &[&str]| names.iter().map(|name| format!("{path}/{name}")).collect();
        vec![Gathering {
            path: path.into(),
            title: title.into(),
            new,
            added: paths(added),
            removed: paths(removed),
        }]
    };
    let found = between(&[first, second], &Decided::default());
    let told = Differences {
        albums: gathering("albums/Sea", "Sea", false, &["b.jpg"], &[]),
        people: gathering("people/Ada", "Ada", false, &["b.jpg"], &["a.jpg"]),
        favorites: gathering("favorites", "favorites", true, &["b.jpg"], &[]),
        ..Differences::default()
    };
    assert_eq!(found, told);
}

#[test]
fn what_is_forgotten_is_in_neither() {
    let key = BlobKey {
        size: 1000,
        crc32: 3,
        head: 0,
    };
    let decided = Decided {
        forgotten: BTreeSet::from([key]),
        ..Decided::default()
    };
    let series = [
        batch("1", vec![photo(1, "a.jpg")]),
        batch("2", vec![photo(3, "c.jpg")]),
    ];
    assert_eq!(between(&series, &Decided::default()).added, [seen("c.jpg")]);
    assert!(between(&series, &decided).added.is_empty());
}
