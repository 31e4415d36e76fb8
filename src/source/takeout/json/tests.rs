//! Every form of document, and what must never be mistaken.

use proptest::prelude::*;

use super::*;

fn facts(text: &str) -> Sidecar {
    match read(text.as_bytes()).unwrap() {
        Json::Sidecar(sidecar) => *sidecar,
        other => panic!("{other:?} for {text}"),
    }
}

fn card(text: &str) -> AlbumCard {
    match read(text.as_bytes()).unwrap() {
        Json::Album(card) => card,
        other => panic!("{other:?} for {text}"),
    }
}

#[test]
fn a_full_sidecar() {
    let sidecar = facts(
        r#"{
            "title": "IMG &amp; 1.jpg", "description": " at the sea \n", "imageViews": "12",
            "creationTime": {"timestamp": "1700000000", "formatted": "14 nov. 2023, 22:13:20 UTC"},
            "photoTakenTime": {"timestamp": "1600000000", "formatted": "13 сент. 2020 г., 12:26:40 UTC"},
            "geoData": {"latitude": 48.1, "longitude": 11.5, "altitude": 520.0, "latitudeSpan": 0.0, "longitudeSpan": 0.0},
            "geoDataExif": {"latitude": -1.5, "longitude": 0.0, "altitude": 0.0},
            "people": [{"name": "Ada"}, {}, {"name": ""}, {"name": "Bob / B"}, {"name": "Ada"}],
            "url": "https://photos.google.com/photo/x", "favorited": true, "archived": true, "trashed": true,
            "inLockedFolder": true, "googlePhotosOrigin": {"fromPartnerSharing": {}}
        }"#,
    );
    let expected = Sidecar {
        title: Some("IMG &amp; 1.jpg".into()),
        description: Some("at the sea".into()),
        taken: Some(1_600_000_000),
        uploaded: Some(1_700_000_000),
        people: vec!["Ada".into(), "Bob / B".into()],
        favorite: true,
        archived: true,
        trashed: true,
        locked: true,
        geo: Some(Geo {
            latitude: 48.1,
            longitude: 11.5,
            altitude: 520.0,
        }),
        geo_exif: Some(Geo {
            latitude: -1.5,
            longitude: 0.0,
            altitude: 0.0,
        }),
        url: Some("https://photos.google.com/photo/x".into()),
        partner: true,
    };
    assert_eq!(sidecar, expected);
}

#[test]
fn absent_is_false_or_nothing() {
    assert_eq!(facts(r#"{"photoTakenTime": {}}"#), Sidecar::default());
    assert_eq!(
        facts(r#"{"photoTakenTime": null, "title": "", "description": "  "}"#),
        Sidecar::default()
    );
}

#[test]
fn odd_fields_spoil_nothing() {
    let sidecar = facts(
        r#"{"title": 5, "description": [], "photoTakenTime": {"timestamp": "1"}, "creationTime": "x", "people": {"a": 1},
            "favorited": "true", "archived": 1, "trashed": null, "geoData": "here", "geoDataExif": {"latitude": 1},
            "url": {}, "googlePhotosOrigin": "web"}"#,
    );
    assert_eq!(
        sidecar,
        Sidecar {
            taken: Some(1),
            favorite: true,
            ..Sidecar::default()
        }
    );
    let people = facts(
        r#"{"photoTakenTime": {}, "people": ["Ada", {"name": 5}, null, [], {"name": " Ada "}]}"#,
    )
    .people;
    assert_eq!(people, ["Ada"]);
}

#[test]
fn times() {
    let taken = |value: &str| {
        facts(&format!(
            r#"{{"photoTakenTime": {{"timestamp": {value}}}}}"#
        ))
        .taken
    };
    for (value, expected) in [
        ("\"1600000000\"", Some(1_600_000_000)),
        ("1600000000", Some(1_600_000_000)),
        ("1600000000.9", Some(1_600_000_000)),
        ("\" 12 \"", Some(12)),
        ("\"-2082844800\"", Some(-2_082_844_800)),
        ("-1", Some(-1)),
        ("\"-4544208000\"", Some(-4_544_208_000)),
        ("\"-4544208001\"", None),
        ("\"4133980799\"", Some(4_133_980_799)),
        ("\"4133980800\"", None),
        ("\"4165689599\"", None),
        ("\"0\"", None),
        ("0", None),
        ("\"\"", None),
        ("\"99999999999999999999\"", None),
        ("1e300", None),
        ("-1e300", None),
        ("null", None),
        ("[1]", None),
    ] {
        assert_eq!(taken(value), expected, "{value}");
    }
    assert_eq!(
        facts(r#"{"photoTakenTime": "1600000000"}"#).taken,
        Some(1_600_000_000)
    );
}

#[test]
fn places() {
    let geo = |value: &str| {
        facts(&format!(
            r#"{{"photoTakenTime": {{}}, "geoData": {value}}}"#
        ))
        .geo
    };
    assert_eq!(
        geo(r#"{"latitude": 0.0, "longitude": 0.0, "altitude": 5.0}"#),
        None
    );
    assert_eq!(geo(r#"{"latitude": 91, "longitude": 0}"#), None);
    assert_eq!(geo(r#"{"latitude": 1, "longitude": -181}"#), None);
    assert_eq!(geo(r#"{"latitude": "nan", "longitude": 1}"#), None);
    assert_eq!(
        geo(r#"{"latitude": "1.5", "longitude": 0}"#),
        Some(Geo {
            latitude: 1.5,
            longitude: 0.0,
            altitude: 0.0
        })
    );
}

#[test]
fn sidecars_without_a_time() {
    for rest in [
        r#""creationTime": {"timestamp": "5"}"#,
        r#""photoLastModifiedTime": {"timestamp": "5"}"#,
        r#""googlePhotosOrigin": {}"#,
        r#""imageViews": "0""#,
        r#""url": "https://x""#,
    ] {
        let sidecar = facts(&format!(r#"{{"title": "a.jpg", {rest}}}"#));
        assert_eq!(
            (sidecar.title.as_deref(), sidecar.taken),
            (Some("a.jpg"), None)
        );
    }
    assert!(
        !facts(r#"{"title": "a", "url": "x", "googlePhotosOrigin": {"mobileUpload": {}}}"#).partner
    );
}

#[test]
fn albums() {
    assert_eq!(card(r#"{"title": "Sea"}"#).title.as_deref(), Some("Sea"));
    assert_eq!(card(r#"{"title": ""}"#), AlbumCard::default());
    let flat = card(
        r#"{"title": "Gary's / birthday", "description": " cake ", "access": "protected", "location": "",
            "date": {"timestamp": "1500000000", "formatted": "…"}, "geoData": {"latitude": 1.0, "longitude": 1.0}}"#,
    );
    let expected = AlbumCard {
        title: Some("Gary's / birthday".into()),
        description: Some("cake".into()),
        date: Some(1_500_000_000),
    };
    assert_eq!(flat, expected);
    let wrapped =
        r#"{"albumData": {"title": "Old", "date": {"timestamp": "7"}, "access": ""}, "media": []}"#;
    assert_eq!(
        card(wrapped),
        AlbumCard {
            title: Some("Old".into()),
            date: Some(7),
            ..AlbumCard::default()
        }
    );
    assert_eq!(card(r#"{"albumData": {}}"#), AlbumCard::default());
    assert_eq!(card(r#"{"date": {"timestamp": "7"}}"#).date, Some(7));
    assert_eq!(
        card(r#"{"enrichments": [{"narrativeEnrichment": {"text": "x"}}]}"#),
        AlbumCard::default()
    );
    assert_eq!(
        card(r#"{"title": "", "sharedAlbumComments": [{"text": "hi"}]}"#),
        AlbumCard::default()
    );
    assert_eq!(
        card(r#"{"sharedAlbumComments": [{"text": "hi", "contentOwnerName": "Ada"}]}"#),
        AlbumCard::default()
    );
    assert_eq!(
        card(r#"{"title": "x", "date": {"timestamp": "8"}, "url": "https://x"}"#).date,
        Some(8)
    );
}

#[test]
fn titles_that_are_lists() {
    assert_eq!(
        read(br#"{"title": ["A day", "Then and now"]}"#).unwrap(),
        Json::Other
    );
    assert_eq!(
        facts(r#"{"title": [1, "", "a.jpg", "b.jpg"], "photoTakenTime": {}}"#)
            .title
            .as_deref(),
        Some("a.jpg")
    );
}

#[test]
fn everything_else() {
    assert_eq!(read(b" {} ").unwrap(), Json::Empty);
    for text in [
        "[]",
        "1",
        "\"title\"",
        "null",
        r#"[{"title": "x"}]"#,
        r#"{"externalOrderId": "5", "type": "PHOTO_BOOK", "quantity": 1, "numPages": 20, "client": "WEB", "category": "x"}"#,
        r#"{"title": "My book", "externalOrderId": "5"}"#,
        r#"{"subscriptions": []}"#,
        r#"{"sharedAlbumComments": [{"text": "hi", "contentUrl": "https://photos.google.com/x"}]}"#,
        r#"{"title": {"text": "x"}}"#,
        r#"{"albumData": 5}"#,
        r#"{"unknown": {"photoTakenTime": {}}}"#,
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), Json::Other, "{text}");
    }
}

#[test]
fn bytes_that_are_no_document() {
    assert_eq!(
        card("\u{feff}{\"title\": \"x\"}").title.as_deref(),
        Some("x")
    );
    assert!(matches!(
        read(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"),
        Err(Error::NotJson(_))
    ));
    assert!(matches!(
        read(b"{\"title\": \"\xff\"}"),
        Err(Error::NotUtf8(_))
    ));
    assert!(matches!(read(b""), Err(Error::NotJson(_))));
    assert!(matches!(read(b"{\"title\": "), Err(Error::NotJson(_))));
    assert!(matches!(read(b"{} {}"), Err(Error::NotJson(_))));
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(matches!(read(deep.as_bytes()), Err(Error::NotJson(_))));
    assert!(matches!(
        read(&vec![b' '; MAX_BYTES + 1]),
        Err(Error::TooLarge(_))
    ));
}

/// Any value, with the keys that mean something among its keys.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,8}|-?[0-9]{1,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            prop::sample::select(&MEDIA_KEYS[..]),
            prop::sample::select(&ALBUM_KEYS[..]),
            prop::sample::select(
                &[
                    "title",
                    "photoTakenTime",
                    "timestamp",
                    "geoData",
                    "latitude",
                    "longitude",
                    "name",
                    "description",
                    "sharedAlbumComments"
                ][..]
            ),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::vec((key, inner), 0..8).prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }

    #[test]
    fn documents_never_fail(value in value()) {
        let json = read(value.to_string().as_bytes()).unwrap();
        let taken = value.as_object().is_some_and(|map| map.contains_key("photoTakenTime"));
        prop_assert!(!taken || matches!(json, Json::Sidecar(_)));
    }
}
