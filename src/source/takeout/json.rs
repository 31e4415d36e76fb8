//! What a `.json` inside a takeout is, told by its shape alone.
//!
//! Promises: the same answer in every language, since no key and no value of Takeout's JSON is translated except
//! `formatted`, which is never read; no odd field spoils the rest of its document; no input panics or overflows the
//! stack. Reads nothing and knows no file names.
//!
//! Why by shape: album cards are called `metadata.json` in one language and `métadonnées.json` in another, sidecars
//! carry a dozen cuts of one suffix, and files about the whole account lie beside both.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::{AlbumCard, FIRST_SECS, Geo, LAST_SECS, Sidecar};

/// The longest document that is read. Sidecars have about 1 KiB; comments of a whole account reach megabytes. Larger
/// ones would only cost memory, as nothing that matters is that long.
pub const MAX_BYTES: usize = 16 << 20;

/// Keys that only a media sidecar has; any of them beside a title makes one when `photoTakenTime` is missing.
const MEDIA_KEYS: [&str; 10] = [
    "creationTime",
    "photoLastModifiedTime",
    "modificationTime",
    "googlePhotosOrigin",
    "imageViews",
    "url",
    "geoDataExif",
    "people",
    "appSource",
    "favorited",
];

/// Keys that only an album card has.
const ALBUM_KEYS: [&str; 4] = ["albumData", "date", "enrichments", "access"];

/// Keys of print orders and other business of the account.
const ACCOUNT_KEYS: [&str; 4] = ["externalOrderId", "numPages", "quantity", "subscriptions"];

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// The facts of one photo or video.
    Sidecar(Box<Sidecar>),
    /// The facts of an album.
    Album(AlbumCard),
    /// `{}`. Takeout writes this for some albums, so the caller takes it as an album card without a title when its
    /// name is one of an album card ([`super::name::is_album_card`]); anywhere else it says nothing.
    Empty,
    /// Anything else: files about the account, documents of other products.
    Other,
}

/// Why bytes are not a document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_BYTES`].
    #[error("too large: {0} bytes")]
    TooLarge(usize),
    /// Not text, as AppleDouble files are.
    #[error("not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// Text, but broken or nested too deeply.
    #[error("not JSON")]
    NotJson(#[from] serde_json::Error),
}

/// Tells what the document is and takes its facts.
pub fn read(bytes: &[u8]) -> Result<Json, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes)?;
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let Value::Object(map) = value else {
        return Ok(Json::Other);
    };
    Ok(classify(&map))
}

fn classify(map: &Map<String, Value>) -> Json {
    let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    if map.is_empty() {
        return Json::Empty;
    }
    if map.contains_key("photoTakenTime") {
        return Json::Sidecar(Box::new(sidecar(map)));
    }
    // The titles of memories are a list; a number or an object is no title either.
    let titled = matches!(map.get("title"), Some(Value::String(_) | Value::Null));
    if map.contains_key("title") && !titled || has(&ACCOUNT_KEYS) {
        return Json::Other;
    }
    if let Some(Value::Object(inner)) = map.get("albumData") {
        return Json::Album(album(inner));
    }
    if titled && has(&MEDIA_KEYS) && !has(&ALBUM_KEYS) {
        return Json::Sidecar(Box::new(sidecar(map)));
    }
    if titled || has(&["date", "enrichments"]) || conversation(map) {
        return Json::Album(album(map));
    }
    Json::Other
}

/// Comments inside an album's folder. Those of the whole account name their album by an address instead of lying in it.
fn conversation(map: &Map<String, Value>) -> bool {
    match map.get("sharedAlbumComments") {
        Some(Value::Array(comments)) => !comments.iter().any(|comment| {
            comment.get("contentUrl").is_some() || comment.get("albumUrl").is_some()
        }),
        _ => false,
    }
}

fn sidecar(map: &Map<String, Value>) -> Sidecar {
    let origin = map.get("googlePhotosOrigin");
    Sidecar {
        title: title(map),
        description: words(map, "description"),
        taken: time(map, "photoTakenTime"),
        uploaded: time(map, "creationTime"),
        people: people(map),
        favorite: flag(map, "favorited"),
        archived: flag(map, "archived"),
        trashed: flag(map, "trashed"),
        locked: flag(map, "inLockedFolder"),
        geo: geo(map, "geoData"),
        geo_exif: geo(map, "geoDataExif"),
        url: words(map, "url"),
        partner: origin
            .and_then(|origin| origin.get("fromPartnerSharing"))
            .is_some_and(|shared| !shared.is_null()),
    }
}

fn album(map: &Map<String, Value>) -> AlbumCard {
    AlbumCard {
        title: title(map),
        description: words(map, "description"),
        date: time(map, "date"),
    }
}

/// The title as it stands, blanks and escapes included; one export had it as a list.
fn title(map: &Map<String, Value>) -> Option<String> {
    let text = match map.get("title")? {
        Value::String(text) => text,
        Value::Array(list) => list
            .iter()
            .find_map(|item| item.as_str().filter(|text| !text.trim().is_empty()))?,
        _ => return None,
    };
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn words(map: &Map<String, Value>, key: &str) -> Option<String> {
    let text = map.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn flag(map: &Map<String, Value>, key: &str) -> bool {
    match map.get(key) {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// Seconds from `{"timestamp": "…"}` or from the bare value; `None` for anything that cannot be a photo's time.
fn time(map: &Map<String, Value>, key: &str) -> Option<i64> {
    let value = map.get(key)?;
    let secs = match value.get("timestamp").unwrap_or(value) {
        Value::String(text) => text.trim().parse::<i64>().ok()?,
        // A float is cut to its second; the cast saturates, and the range below refuses what saturated.
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|secs| secs as i64))?,
        _ => return None,
    };
    (secs != 0 && (FIRST_SECS..=LAST_SECS).contains(&secs)).then_some(secs)
}

fn geo(map: &Map<String, Value>, key: &str) -> Option<Geo> {
    let place = map.get(key)?;
    let degrees = |key: &str| match place.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let (latitude, longitude) = (degrees("latitude")?, degrees("longitude")?);
    let nowhere = latitude == 0.0 && longitude == 0.0;
    let sane = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    let altitude = degrees("altitude")
        .filter(|metres| metres.is_finite())
        .unwrap_or(0.0);
    (sane && !nowhere).then_some(Geo {
        latitude,
        longitude,
        altitude,
    })
}

fn people(map: &Map<String, Value>) -> Vec<String> {
    let Some(Value::Array(list)) = map.get("people") else {
        return Vec::new();
    };
    let mut seen = HashSet::new();
    list.iter()
        .filter_map(|person| person.get("name").unwrap_or(person).as_str())
        .map(str::trim)
        .filter(|name| !name.is_empty() && seen.insert(*name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
