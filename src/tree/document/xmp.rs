//! The text of an XMP document.
//!
//! Promises: the same facts give the same bytes for ever, since every changed byte is copied again by every backup of
//! every library. `tests/data/xmp` holds texts that must not change; whoever must change one raises [`VERSION`], which
//! stands in the text. Whatever the facts hold, the text is well-formed.
//!
//! What is said where is what programs read: exiftool, exiv2, digiKam, Lightroom, darktable, Shotwell and the servers that
//! show photos. People and albums are tags below `People` and `Albums`; the schemas that have a separator cannot escape
//! it, so a separator within a name becomes `_` there, while `PersonInImage` and `dc:subject` have the name as it is.

use super::Facts;
use crate::model::Geo;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use quick_xml::escape::escape;
use std::borrow::Cow;

/// Counts the forms of the text. It stands in each, so raising it changes all of them.
pub const VERSION: u32 = 1;

/// All schemas in every text, so that one more fact does not change the beginning.
const SCHEMAS: &str = "xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" \
    xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
    xmlns:digiKam=\"http://www.digikam.org/ns/1.0/\" \
    xmlns:exif=\"http://ns.adobe.com/exif/1.0/\" \
    xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\" \
    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"";
const RDF: &str = "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"";
const END: &str = "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n";
/// Properties stand in three elements.
const DEPTH: usize = 3;
/// More than most texts need: a library has a million, measured one after the other.
const ROOM: usize = 2048;
/// A favourite's stars.
const FAVORITE: &str = "5";
/// The version of Exif's GPS part that knows all that is written here.
const GPS_VERSION: &str = "2.3.0.0";
/// A minute of arc has this many units: 7 digits, a thousandth of a millimetre on the ground.
const UNITS: u64 = 10_000_000;

/// Writes the text.
pub fn write(facts: &Facts<'_>) -> String {
    let mut text = Text {
        out: String::with_capacity(ROOM),
        depth: DEPTH,
    };
    text.out
        .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.out.push_str(&format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"gphotosfs {VERSION}\">\n <rdf:RDF {RDF}>\n"
    ));
    text.out.push_str("  <rdf:Description rdf:about=\"\" ");
    text.out.push_str(SCHEMAS);
    text.out.push_str(">\n");
    text.properties(facts);
    text.out.push_str(END);
    text.out
}

/// A text under way: a line for each tag, or for each value between its tags.
struct Text {
    out: String,
    depth: usize,
}

impl Text {
    fn properties(&mut self, facts: &Facts<'_>) {
        let (people, albums) = (&facts.people, &facts.albums);
        let plain = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let tags = |separator: char| -> Vec<String> {
            let below = |root: &str, name: &str| {
                format!("{root}{separator}{}", name.replace(separator, "_"))
            };
            let people = people.iter().map(|name| below("People", name));
            let albums = albums.iter().map(|title| below("Albums", title));
            people.chain(albums).collect()
        };
        self.list("Iptc4xmpExt:PersonInImage", "rdf:Bag", &plain(people));
        if let Some(description) = facts.description {
            self.open("dc:description");
            self.open("rdf:Alt");
            self.line("rdf:li xml:lang=\"x-default\"", "rdf:li", description);
            self.close("rdf:Alt");
            self.close("dc:description");
        }
        let both = [&people[..], &albums[..]].concat();
        self.list("dc:subject", "rdf:Bag", &plain(&both));
        self.list("digiKam:TagsList", "rdf:Seq", &tags('/'));
        if let Some(taken) = facts.taken.and_then(|t| moment(t, facts.offset_minutes)) {
            self.value("exif:DateTimeOriginal", &taken);
        }
        if let Some(place) = &facts.place {
            self.place(place);
        }
        self.list("lr:HierarchicalSubject", "rdf:Bag", &tags('|'));
        if facts.favorite {
            self.value("xmp:Rating", FAVORITE);
        }
    }

    fn place(&mut self, place: &Geo) {
        // Centimetres, since the schema wants a fraction; 0 means that Google does not know.
        let centimetres = (place.altitude * 100.0).round() as i64;
        if centimetres != 0 {
            let altitude = format!("{}/100", centimetres.unsigned_abs());
            self.value("exif:GPSAltitude", &altitude);
            self.value(
                "exif:GPSAltitudeRef",
                if centimetres < 0 { "1" } else { "0" },
            );
        }
        self.value("exif:GPSLatitude", &arc(place.latitude, ['N', 'S']));
        self.value("exif:GPSLongitude", &arc(place.longitude, ['E', 'W']));
        self.value("exif:GPSVersionID", GPS_VERSION);
    }

    fn list(&mut self, name: &str, kind: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.open(name);
        self.open(kind);
        for item in items {
            self.value("rdf:li", item);
        }
        self.close(kind);
        self.close(name);
    }

    fn value(&mut self, name: &str, value: &str) {
        self.line(name, name, value);
    }

    fn line(&mut self, start: &str, end: &str, value: &str) {
        self.indent();
        let value = legal(value);
        for piece in ["<", start, ">", &escape(&*value), "</", end, ">\n"] {
            self.out.push_str(piece);
        }
    }

    fn open(&mut self, name: &str) {
        self.indent();
        for piece in ["<", name, ">\n"] {
            self.out.push_str(piece);
        }
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        for piece in ["</", name, ">\n"] {
            self.out.push_str(piece);
        }
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(' ', self.depth));
    }
}

/// What XML 1.0 can hold: other characters become U+FFFD. A reader makes `\n` of every line's end, so it is `\n` already.
fn legal(text: &str) -> Cow<'_, str> {
    let is_legal = |c: char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(|c| is_legal(c) && c != '\r') {
        return text.into();
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let legal = lines
        .chars()
        .map(|c| if is_legal(c) { c } else { '\u{fffd}' });
    legal.collect::<String>().into()
}

/// `38,42.5000000N`: degrees and minutes, as XMP wants it.
fn arc(degrees: f64, [positive, negative]: [char; 2]) -> String {
    let units = (degrees.abs() * 60.0 * UNITS as f64).round() as u64;
    let (minutes, fraction) = (units / UNITS, units % UNITS);
    let side = if degrees < 0.0 { negative } else { positive };
    format!("{},{}.{fraction:07}{side}", minutes / 60, minutes % 60)
}

/// ISO 8601 with the offset where it is known, else in UTC.
fn moment(second: i64, offset_minutes: Option<i16>) -> Option<String> {
    let time = Timestamp::from_second(second).ok()?;
    let offset = offset_minutes.and_then(|m| Offset::from_seconds(i32::from(m) * 60).ok());
    Some(match offset {
        Some(offset) => {
            let local = time.to_zoned_datetime(TimeZone::fixed(offset));
            local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        }
        None => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

#[cfg(test)]
mod tests;
