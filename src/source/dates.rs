//! Dates that no sidecar tells: those in a media file itself, and those in its name.
//!
//! Promises: no input panics or takes more memory than [`written`] says; a broken or absurd time is no time; no clock is
//! asked and no zone is guessed. What a clock showed is handed out as it stands ([`Stated`]), so that whoever
//! knows the zone can read it.

mod movie;
pub mod named;
mod tiff;
pub mod written;

use crate::model::Stated;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A calendar time, from year to second, as a clock showed it. `None` where there is no such time.
fn stated(at: [i64; 6], ahead: Option<i32>) -> Option<Stated> {
    let small = |number: i64| i8::try_from(number).ok();
    let [year, month, day, hour, minute, second] = at;
    let time = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let zoned = time.ok()?.to_zoned_datetime(TimeZone::UTC).ok()?;
    Stated::of(zoned.timestamp().as_second(), ahead)
}
