//! What a camera writes into its files: EXIF with date, offset and position.
//!
//! The TIFF structure is kamadak-exif's writer's, the same crate that reads EXIF elsewhere in this house.

use std::io;

use ::exif::experimental::Writer;
use ::exif::{Field, In, Rational, Tag, Value};

use super::Shot;

/// The TIFF body of a picture's APP1 segment.
pub(super) fn exif(shot: &Shot) -> io::Result<Vec<u8>> {
    let (civil, offset) = shot.taken.split_at_checked(19).unwrap_or((shot.taken, ""));
    let date = text(&civil.replace('-', ":").replace('T', " "));
    let (width, height) = shot.size;
    let place = shot.position();
    let fields = [
        (Tag::Make, text("Demo")),
        (Tag::Model, text(shot.camera())),
        (Tag::Orientation, Value::Short(vec![1])),
        (Tag::XResolution, rational(72, 1)),
        (Tag::YResolution, rational(72, 1)),
        (Tag::ResolutionUnit, Value::Short(vec![2])),
        (Tag::YCbCrPositioning, Value::Short(vec![1])),
        (Tag::DateTime, date.clone()),
        (Tag::ExifVersion, undefined(b"0232")),
        (Tag::DateTimeOriginal, date.clone()),
        (Tag::DateTimeDigitized, date),
        (Tag::OffsetTimeOriginal, text(offset)),
        (Tag::ComponentsConfiguration, undefined(&[1, 2, 3, 0])),
        (Tag::FlashpixVersion, undefined(b"0100")),
        (Tag::ColorSpace, Value::Short(vec![1])),
        (Tag::PixelXDimension, Value::Long(vec![width as u32])),
        (Tag::PixelYDimension, Value::Long(vec![height as u32])),
        (Tag::GPSVersionID, Value::Byte(vec![2, 3, 0, 0])),
        (
            Tag::GPSLatitudeRef,
            text(if place.latitude < 0 { "S" } else { "N" }),
        ),
        (Tag::GPSLatitude, angle(place.latitude)),
        (
            Tag::GPSLongitudeRef,
            text(if place.longitude < 0 { "W" } else { "E" }),
        ),
        (Tag::GPSLongitude, angle(place.longitude)),
        (Tag::GPSAltitudeRef, Value::Byte(vec![0])),
        (Tag::GPSAltitude, rational(place.altitude, 1)),
    ]
    .map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut out = io::Cursor::new(Vec::new());
    writer.write(&mut out, false).map_err(io::Error::other)?;
    Ok(out.into_inner())
}

fn text(value: &str) -> Value {
    Value::Ascii(vec![value.as_bytes().to_vec()])
}

fn undefined(value: &[u8]) -> Value {
    Value::Undefined(value.to_vec(), 0)
}

fn rational(num: u32, denom: u32) -> Value {
    Value::Rational(vec![Rational { num, denom }])
}

/// Millionths of a degree as degrees, minutes and seconds, without loss.
fn angle(millionths: i32) -> Value {
    let all = millionths.unsigned_abs();
    let minutes = all % 1_000_000 * 60;
    let seconds = minutes % 1_000_000 * 60;
    let parts = [
        (all / 1_000_000, 1),
        (minutes / 1_000_000, 1),
        (seconds / 100, 10_000),
    ];
    Value::Rational(parts.map(|(num, denom)| Rational { num, denom }).to_vec())
}
