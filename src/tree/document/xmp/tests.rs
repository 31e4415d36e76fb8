//! The frozen texts, and what no text may be.

use super::*;
use proptest::prelude::*;
use quick_xml::events::Event;

const LISBON: Geo = Geo {
    latitude: 38.7223,
    longitude: -9.1393,
    altitude: 0.0,
};

fn golden() -> Vec<(&'static str, Facts<'static>)> {
    let everything = Facts {
        description: Some("Line one\nline two & <three> \u{1f388}"),
        people: vec!["Ben/Jen", "O'Neill, Pat", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}"],
        albums: vec!["A|B & C", "Lisbon \u{2764} with the family"],
        favorite: true,
        place: Some(Geo {
            altitude: 12.34,
            ..LISBON
        }),
        taken: Some(1_689_329_472),
        offset_minutes: Some(60),
    };
    vec![
        ("nothing", Facts::default()),
        (
            "description",
            Facts {
                description: Some("Zur\u{fc}ck \"am\" See, 100 %"),
                ..Facts::default()
            },
        ),
        (
            "what xml cannot hold",
            Facts {
                description: Some(
                    "a\0b\u{8}c\u{b}d\r\ne\rf\tg\u{7f}\u{85}\u{fffe}\u{ffff}\u{10ffff} ]]>",
                ),
                people: vec!["<b> & \"c\""],
                ..Facts::default()
            },
        ),
        (
            "south and west, below the sea",
            Facts {
                place: Some(Geo {
                    latitude: -33.999_999_999_99,
                    longitude: -179.999_999_9,
                    altitude: -430.5,
                }),
                ..Facts::default()
            },
        ),
        (
            "1904 at an odd offset",
            Facts {
                taken: Some(-2_082_844_800),
                offset_minutes: Some(-(4 * 60 + 30)),
                ..Facts::default()
            },
        ),
        ("everything", everything.clone()),
        (
            "entered",
            Facts {
                albums: Vec::new(),
                taken: None,
                offset_minutes: None,
                ..everything.clone()
            },
        ),
        (
            "no offset",
            Facts {
                offset_minutes: None,
                ..everything
            },
        ),
    ]
}

#[test]
fn texts_are_frozen() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/xmp");
    for (name, facts) in golden() {
        let path = format!("{folder}/{name}.xmp");
        let frozen = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = write(&facts);
        assert!(text.as_bytes() == frozen, "{name} is now\n{text}");
    }
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, golden().len(), "each frozen text is compared");
}

#[test]
fn degrees_are_rounded_and_carried() {
    assert_eq!(arc(38.7223, ['N', 'S']), "38,43.3380000N");
    assert_eq!(arc(-0.000_000_001, ['N', 'S']), "0,0.0000001S");
    assert_eq!(arc(9.999_999_999_999, ['E', 'W']), "10,0.0000000E");
    assert_eq!(arc(-180.0, ['E', 'W']), "180,0.0000000W");
}

#[test]
fn an_offset_that_cannot_be_is_none() {
    assert_eq!(
        moment(0, Some(i16::MAX)).as_deref(),
        Some("1970-01-01T00:00:00Z")
    );
    assert_eq!(
        moment(-1, Some(345)).as_deref(),
        Some("1970-01-01T05:44:59+05:45")
    );
}

proptest! {
    #[test]
    fn any_text_is_well_formed_and_comes_back(text in any::<String>(), name in any::<String>()) {
        let facts = Facts {
            description: Some(&text),
            people: vec![&name],
            ..Facts::default()
        };
        let written = write(&facts);
        let mut reader = quick_xml::Reader::from_str(&written);
        let mut said = String::new();
        let mut texts = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(_) => said.clear(),
                Event::Text(part) => said.push_str(&part),
                Event::GeneralRef(part) => {
                    let part = quick_xml::escape::unescape(&format!("&{};", &*part)).unwrap().into_owned();
                    said.push_str(&part);
                }
                Event::End(end) if end.name().as_ref() == "rdf:li" => texts.push(std::mem::take(&mut said)),
                Event::Eof => break,
                _ => {}
            }
        }
        prop_assert!(texts.contains(&legal(&text).into_owned()));
        prop_assert!(texts.contains(&legal(&name).into_owned()));
    }
}
