//! What Google writes beside the media: sidecars, album cards and their names.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::canvas::Dice;
use super::{Album, Place, Shot};

/// The longest name of a media file, in UTF-16 units, and of a sidecar without `.json`.
const MEDIA_UNITS: usize = 51;
const SIDECAR_UNITS: usize = 46;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sidecar<'a> {
    title: &'a str,
    description: &'a str,
    image_views: String,
    creation_time: Moment,
    photo_taken_time: Moment,
    geo_data: Position,
    geo_data_exif: Position,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<Value>,
    url: String,
    // Like Google, leave out what is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    favorited: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    trashed: bool,
    google_photos_origin: Value,
}

#[derive(Serialize)]
struct Moment {
    timestamp: String,
    formatted: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    latitude: f64,
    longitude: f64,
    altitude: f64,
    latitude_span: f64,
    longitude_span: f64,
}

/// The JSON beside a shot.
pub(super) fn sidecar(shot: &Shot) -> io::Result<Vec<u8>> {
    let taken = shot.taken_secs()?;
    let origin = if shot.partner {
        json!({"fromPartnerSharing": {}})
    } else if taken < OPENING {
        json!({"webUpload": {"computerUpload": {}}})
    } else {
        json!({"mobileUpload": {
            "deviceFolder": {"localFolderName": ""}, "deviceType": "ANDROID_PHONE"
        }})
    };
    pretty(&Sidecar {
        title: shot.title,
        description: shot.says,
        image_views: Dice::new(shot.seed()).roll(90).to_string(),
        creation_time: moment(uploaded(taken, shot.seed()))?,
        photo_taken_time: moment(taken)?,
        geo_data: position(shot.moved_to.unwrap_or_else(|| shot.position())),
        geo_data_exif: position(shot.position()),
        people: shot
            .people
            .iter()
            .map(|name| json!({"name": name}))
            .collect(),
        url: format!(
            "https://photos.google.com/photo/AF1QipDemo{:08x}",
            shot.seed()
        ),
        favorited: shot.favorite,
        archived: shot.archived,
        trashed: shot.trashed,
        google_photos_origin: origin,
    })
}

/// The JSON of an album.
pub(super) fn album_card(album: &Album) -> io::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Card<'a> {
        title: &'a str,
        description: &'a str,
        access: &'a str,
        date: Moment,
    }
    pretty(&Card {
        title: album.title,
        description: album.says,
        access: "protected",
        date: moment(album.date)?,
    })
}

fn pretty(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(io::Error::other)
}

fn moment(secs: i64) -> io::Result<Moment> {
    let time = Timestamp::from_second(secs).map_err(io::Error::other)?;
    // Google sets a narrow no-break space before AM and PM.
    let formatted = time
        .strftime("%b %-d, %Y, %-I:%M:%S\u{202f}%p UTC")
        .to_string();
    Ok(Moment {
        timestamp: secs.to_string(),
        formatted,
    })
}

fn position(place: Place) -> Position {
    Position {
        latitude: f64::from(place.latitude) / 1e6,
        longitude: f64::from(place.longitude) / 1e6,
        altitude: f64::from(place.altitude),
        latitude_span: 0.0,
        longitude_span: 0.0,
    }
}

/// Google Photos opened in May 2015; what is older was uploaded in one evening some months later.
const OPENING: i64 = 1_432_771_200;
const EVENING: i64 = 1_452_453_000;

fn uploaded(taken: i64, seed: u32) -> i64 {
    let delay = i64::from(seed % 7_200);
    if taken < OPENING {
        EVENING + delay
    } else {
        taken + 60 + delay
    }
}

/// The name of a media file: legal, and cut in its stem. `suffix` and the number follow the stem, in that order.
pub(super) fn media_name(title: &str, suffix: &str, number: u32) -> String {
    let title = legal(title);
    let (stem, extension) = split(&title);
    let stem = format!("{stem}{suffix}");
    let stem = cut(&stem, MEDIA_UNITS - extension.encode_utf16().count());
    format!("{stem}{}{extension}", counter(number))
}

/// The name of a sidecar: it starts with the whole title, and is cut where it may be in the middle of the suffix.
/// Until 2024 there was no suffix.
pub(super) fn sidecar_name(title: &str, old_rule: bool, number: u32) -> String {
    let suffix = if old_rule {
        ""
    } else {
        ".supplemental-metadata"
    };
    let whole = legal(title) + suffix;
    format!("{}{}.json", cut(&whole, SIDECAR_UNITS), counter(number))
}

/// The folder of an album: beside what no file name may hold, symbols are lost.
pub(super) fn album_folder(title: &str) -> String {
    legal(title).replace(|c: char| !c.is_ascii() && !c.is_alphanumeric(), "_")
}

/// Stem and extension, with its dot.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_at(name.rfind('.').unwrap_or(name.len()))
}

fn legal(title: &str) -> String {
    title.replace(
        ['/', '\\', '\'', '"', '%', ':', '&', '?', '*', '<', '>', '|'],
        "_",
    )
}

/// The number that tells equal names of a folder apart stands outside the budget.
fn counter(number: u32) -> String {
    if number == 0 {
        String::new()
    } else {
        format!("({number})")
    }
}

fn cut(name: &str, units: usize) -> &str {
    let mut used = 0;
    let end = name.char_indices().find(|(_, c)| {
        used += c.len_utf16();
        used > units
    });
    end.map_or(name, |(at, _)| &name[..at])
}
