//! The time in the name of a photo, as cameras, phones and apps write it.
//!
//! It would rather find nothing than something wrong: a time counts only as a token of its own, between the ends of the
//! name and characters that are neither letters nor digits, and only where it exists in the calendar. Digits alone
//! count when they tell a second (`20230714_101112`, `20230714101112`); a day alone must be written with hyphens, or
//! stand where WhatsApp and Windows phones write it, and means noon. Seconds since 1970 count only behind the name of an
//! app that writes them, and a day before its month only where it cannot be the month.
//!
//! A time is that of the phone's zone, which the name does not tell. Two exceptions: `PXL_` is Google's camera, which
//! names its files in UTC, and ISO times may say `Z` or `+0200`.

use super::stated;
use crate::model::Stated;

/// First year of a time that is written in digits alone: there were no files with such names before, but there are other
/// numbers.
const FIRST_COMPACT_YEAR: i64 = 1970;
/// Apps that put milliseconds since 1970 behind their names, lower case.
const IN_MILLISECONDS: &[&str] = &["fb_img_", "mmexport", "wx_camera_"];
/// What stands before a day that is written before its month or behind it, lower case.
const DAY_FIRST: &[&str] = &["photo ", "video ", "foto "];
/// What stands between a day and its time where that is more than one character, in the languages of screenshots.
const BETWEEN: &[&str] = &[
    " at ",
    "_at_",
    " um ",
    " à ",
    " às ",
    " a las ",
    " a la(s) ",
    " om ",
    " alle ",
    " kl. ",
    ", ",
    " - ",
];
const NOON: [i64; 3] = [12, 0, 0];

/// The first time in a name; without one the first day, at noon.
pub fn find(name: &str) -> Option<Stated> {
    let bytes = name.as_bytes();
    let starts = || {
        (0..bytes.len())
            .filter(|at| {
                bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit())
            })
            .map(|at| name.split_at(at))
    };
    starts()
        .find_map(|(before, rest)| moment(before, rest))
        .or_else(|| starts().find_map(|(before, rest)| day(before, rest)))
}

/// A time that begins where `rest` does.
fn moment(before: &str, rest: &str) -> Option<Stated> {
    let mut rest = Rest(rest);
    match rest.digits() {
        2 => day_first(before, rest),
        4 if is_edge(before) => {
            let date = rest.date()?;
            let iso = rest.between()?;
            let time = rest.time()?;
            rest.end(date, time, iso)
        }
        8 if is_edge(before) => {
            let date = rest.compact_date()?;
            let iso = rest.eat(&['T']).is_some();
            if !iso {
                rest.eat(&['_', '-'])?;
            }
            let time = rest.time()?;
            let found = rest.end(date, time, iso)?;
            match before.ends_with("PXL_") {
                true => Stated::of(found.clock, Some(0)),
                false => Some(found),
            }
        }
        14 | 17 if is_edge(before) || before.ends_with("BURST") => {
            let date = rest.compact_date()?;
            let time = rest.time()?;
            rest.end(date, time, true)
        }
        13 => {
            let before = before.to_lowercase();
            let known = IN_MILLISECONDS.iter().any(|app| before.ends_with(app));
            let milliseconds = rest.number(13).filter(|_| known && rest.is_end())?;
            Stated::of(milliseconds / 1000, Some(0))
        }
        _ => None,
    }
}

/// `Photo 14-07-2023, 10 11 12`. Which of the first two numbers is the day must be sure.
fn day_first(before: &str, mut rest: Rest<'_>) -> Option<Stated> {
    let before = before.to_lowercase();
    if !DAY_FIRST.contains(&before.as_str()) {
        return None;
    }
    let first = rest.number(2)?;
    let mark = rest.eat(&['-', '.', '_'])?;
    let second = rest.number(2)?;
    rest.eat(&[mark])?;
    let year = rest.number(4)?;
    let (day, month) = if second > 12 {
        (second, first)
    } else {
        (first, second)
    };
    if day <= 12 && day != month {
        return None;
    }
    rest.between()?;
    let time = rest.time()?;
    rest.end([year, month, day], time, false)
}

/// A day without a time.
fn day(before: &str, rest: &str) -> Option<Stated> {
    let mut rest = Rest(rest);
    if !is_edge(before) {
        return None;
    }
    let date = match rest.digits() {
        4 => {
            let hyphens = rest.0.as_bytes().get(4) == Some(&b'-');
            rest.date().filter(|_| hyphens && rest.is_end())?
        }
        8 => {
            let date = rest.compact_date()?;
            let whatsapp = rest.0.strip_prefix("-WA");
            let counted =
                whatsapp.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let windows = before == "WP_" && rest.is_end();
            (counted || windows).then_some(date)?
        }
        _ => return None,
    };
    stated(joined(date, NOON), None)
}

fn joined([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> [i64; 6] {
    [year, month, day, hour, minute, second]
}

/// Whether a token may begin behind this.
fn is_edge(before: &str) -> bool {
    !before.ends_with(char::is_alphanumeric)
}

/// What of a name is yet to be read.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    /// How many digits come next.
    fn digits(&self) -> usize {
        self.0.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// The next `count` digits.
    fn number(&mut self, count: usize) -> Option<i64> {
        if self.digits() < count {
            return None;
        }
        let (number, rest) = self.0.split_at(count);
        self.0 = rest;
        number.parse().ok()
    }

    /// The next character, if it is one of these.
    fn eat(&mut self, any: &[char]) -> Option<char> {
        let next = self.0.chars().next().filter(|next| any.contains(next))?;
        self.0 = &self.0[next.len_utf8()..];
        Some(next)
    }

    /// Whether a token may end here.
    fn is_end(&self) -> bool {
        !self.0.starts_with(char::is_alphanumeric)
    }

    /// `2023-07-14`, with hyphens, underscores or dots.
    fn date(&mut self) -> Option<[i64; 3]> {
        let year = self.number(4)?;
        let mark = self.eat(&['-', '_', '.'])?;
        let month = self.number(2)?;
        self.eat(&[mark])?;
        let day = self.number(2)?;
        (self.digits() == 0).then_some([year, month, day])
    }

    /// `20230714`.
    fn compact_date(&mut self) -> Option<[i64; 3]> {
        let year = self.number(4)?;
        (year >= FIRST_COMPACT_YEAR).then_some([year, self.number(2)?, self.number(2)?])
    }

    /// What stands between a day and its time. Gives whether it is the `T` of ISO 8601, behind which a zone may come.
    fn between(&mut self) -> Option<bool> {
        for words in BETWEEN {
            if let Some(rest) = self.0.strip_prefix(words) {
                self.0 = rest;
                return Some(false);
            }
        }
        self.eat(&['T', '-', '_', ' ', '.']).map(|mark| mark == 'T')
    }

    /// `101112`, `101112123` or `10.11.12`, with an hour of one digit in the last form, and what may follow: a fraction of
    /// three digits, and AM or PM.
    fn time(&mut self) -> Option<[i64; 3]> {
        let mut time = match self.digits() {
            6 | 9 => {
                let time = [self.number(2)?, self.number(2)?, self.number(2)?];
                self.number(3);
                time
            }
            count @ (1 | 2) => {
                let hour = self.number(count)?;
                let mark = self.eat(&['.', '-', '_', ':', ' '])?;
                let minute = self.number(2)?;
                self.eat(&[mark])?;
                let second = self.number(2)?;
                if self.digits() > 0 {
                    return None;
                }
                [hour, minute, second]
            }
            _ => return None,
        };
        let fraction = self.0.get(1..).map(|rest| Rest(rest).digits());
        if fraction == Some(3) && self.eat(&['.', '-', '_']).is_some() {
            self.number(3);
        }
        let marker = self
            .0
            .trim_start_matches([' ', '\u{a0}', '\u{202f}'])
            .to_lowercase();
        let is = |half: &str| {
            marker
                .strip_prefix(half)
                .is_some_and(|rest| Rest(rest).is_end())
        };
        let noon = is("pm") || is("p.m.");
        if noon || is("am") || is("a.m.") {
            let half = self.0.to_lowercase().find('m')? + 1;
            self.0 = self.0.get(half..)?;
            if (1..=12).contains(&time[0]) {
                time[0] = time[0] % 12 + if noon { 12 } else { 0 };
            }
        }
        Some(time)
    }

    /// The end of a time, and before it, in ISO times, its zone.
    fn end(mut self, date: [i64; 3], time: [i64; 3], iso: bool) -> Option<Stated> {
        let ahead = if iso { self.zone() } else { None };
        self.is_end().then(|| stated(joined(date, time), ahead))?
    }

    /// `Z`, `+0200`, `+02_00`.
    fn zone(&mut self) -> Option<i32> {
        let mut rest = Rest(self.0);
        let ahead = match rest.eat(&['Z', '+', '-'])? {
            'Z' => 0,
            sign => {
                let hours = rest.number(2)?;
                rest.eat(&[':', '_', '.']);
                let minutes = rest.number(2)?;
                if hours > 14 || minutes > 59 {
                    return None;
                }
                let ahead = (hours * 60 + minutes) as i32 * 60;
                if sign == '-' { -ahead } else { ahead }
            }
        };
        if !rest.is_end() {
            return None;
        }
        self.0 = rest.0;
        Some(ahead)
    }
}

#[cfg(test)]
mod tests;
