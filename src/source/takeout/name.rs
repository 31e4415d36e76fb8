//! The arithmetic of Takeout's file names: UTF-16 units, cuts, counters, extensions and edit suffixes.
//!
//! Promises: pure functions over one name; NFC and NFD spellings of a name count as the same; no slice ever splits a
//! character. Knows nothing of folders or sidecars; [`super::pair`] puts the pieces together.
//!
//! Why units: Google limits names to 51 UTF-16 units (46 and `.json` for sidecars) and adds counters outside of that
//! budget, so nearly every odd name of an export is explained by counting as it counts.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::model::{IMAGES, VIDEOS};

/// The most UTF-16 units a media file's name has, extension included and counter excluded.
pub const MEDIA_UNITS: usize = 51;
/// The most UTF-16 units a sidecar's name has before `.json` and the counter.
pub const SIDECAR_UNITS: usize = 46;

/// Suffixes of copies edited in Google Photos, lowercase and NFC. The language is that of the account when it
/// exported, so all are tried everywhere.
const EDITED: [&str; 24] = [
    "-edited",
    "-bearbeitet",
    "-modifié",
    "-ha editado",
    "-editado",
    "-editat",
    "-modificato",
    "-bewerkt",
    "-edytowane",
    "-muokattu",
    "-düzenlendi",
    "-upravené",
    "-измененный",
    "-отредактировано",
    "-відредаговано",
    "-redigeret",
    "-編集済み",
    "-편집됨",
    "-已修改",
    "-编辑",
    "-修改",
    "-已編輯",
    "-szerkesztve",
    "-redigerad",
];

/// Suffixes of copies that Google Photos made by itself: like edits they own no sidecar, but as ordinary words they
/// prove nothing where no original stands by.
const EFFECTS: [&str; 5] = ["-effects", "-smile", "-mix", "-motion", "-effect"];

/// Names of album cards without `.json`, lowercase and NFC. A hint only: cards are told by their shape, and the name
/// decides where the shape cannot, for `{}` and for broken documents.
const ALBUM_CARDS: [&str; 16] = [
    "metadata",
    "metadaten",
    "métadonnées",
    "metadatos",
    "metadades",
    "metadati",
    "metadados",
    "metadane",
    "metaadatok",
    "metadáta",
    "metatiedot",
    "метаданни",
    "метаданные",
    "метадані",
    "メタデータ",
    "元数据",
];

/// What a file name says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A picture.
    Image,
    /// A video in a common container.
    Video,
    /// The video of a motion photo under Google's own extensions, `.MP`, `.MP~2` or `.MV`.
    Clip,
    /// No extension, or one that says nothing.
    Unknown,
}

/// The length in UTF-16 units.
pub fn units(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// The start of `text` of at most `limit` units, and the same with a surrogate pair that the limit splits kept whole.
pub fn cut(text: &str, limit: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, char) in text.char_indices() {
        if used >= limit {
            return (&text[..at], &text[..at]);
        }
        used += char.len_utf16();
        if used > limit {
            return (&text[..at], &text[..at + char.len_utf8()]);
        }
    }
    (text, text)
}

/// The composed spelling, in which names are compared.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// The decomposed spelling, in which cut names are prefixes of whole ones even when the cut fell behind a bare letter.
pub fn nfd(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfd().collect())
    }
}

/// How many units a media name (without counter) is shorter than the limit. It counts in the longer of its spellings,
/// as nobody knows in which it was cut.
pub fn room(name: &str) -> usize {
    let spelled = match name.is_ascii() {
        true => name.len(),
        false => units(name).max(units(&nfd(name))),
    };
    MEDIA_UNITS.saturating_sub(spelled)
}

/// Whether a media name (without counter) is so long that Google may have cut it; one unit less will do where surrogate
/// pairs are about, as the cut may have fallen into one.
pub fn at_limit(name: &str) -> bool {
    match room(name) {
        0 => true,
        1 => name.chars().any(|char| char.len_utf16() == 2),
        _ => false,
    }
}

/// A name as stem and extension with its dot. Only what looks like an extension is one: a known media extension, or up
/// to five ASCII letters and digits with a letter among them; `21.12.11 - 1` has none.
pub fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && looks_like_extension(&name[dot + 1..]) => name.split_at(dot),
        _ => (name, ""),
    }
}

fn looks_like_extension(tail: &str) -> bool {
    let body = tail.split_once('~').map_or(tail, |(body, _)| body);
    (1..=5).contains(&body.len())
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && body.bytes().any(|byte| byte.is_ascii_alphabetic())
        && tail[body.len()..]
            .trim_start_matches('~')
            .bytes()
            .all(|byte| byte.is_ascii_digit())
}

/// Splits `text` before a trailing `(n)` and gives the digits of `n`; Google counts from 1 without leading zeros.
pub fn counter(text: &str) -> Option<(&str, &str)> {
    let (rest, digits) = text.strip_suffix(')')?.rsplit_once('(')?;
    let number = !digits.starts_with('0') && (1..=7).contains(&digits.len());
    (number && !rest.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((rest, digits))
}

/// Takes the counter out of a media name: `IMG(2).jpg` is `IMG.jpg` and `2`. It stands before the last dot, whatever
/// follows that dot, and at the end of a name without dots.
pub fn uncount(name: &str) -> Option<(String, &str)> {
    let dot = name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len());
    let (stem, tail) = name.split_at(dot);
    counter(stem).map(|(rest, digits)| (format!("{rest}{tail}"), digits))
}

/// Puts a counter into a media name, where [`uncount`] takes it from; nothing for an empty one.
pub fn recount(name: &str, digits: &str) -> String {
    if digits.is_empty() {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len());
    let (stem, tail) = name.split_at(dot);
    format!("{stem}({digits}){tail}")
}

/// An edit suffix at the end of a stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A whole suffix that only Google Photos writes.
    Sure,
    /// A whole suffix that is an ordinary word too.
    Likely,
    /// The start of a suffix, as the cut leaves it; it proves something only in names at the limit.
    Cut,
}

/// Takes an edit suffix off a composed stem.
pub fn unedit(stem: &str) -> Option<(&str, Edit)> {
    let dash = stem.rfind('-').filter(|dash| *dash > 0)?;
    let (rest, tail) = stem.split_at(dash);
    let tail = tail.to_lowercase();
    if EDITED.contains(&tail.as_str()) {
        return Some((rest, Edit::Sure));
    }
    if EFFECTS.contains(&tail.as_str()) {
        return Some((rest, Edit::Likely));
    }
    let accented = nfd(&tail);
    let starts =
        |suffix: &&str| suffix.starts_with(&tail) || nfd(suffix).starts_with(accented.as_ref());
    EDITED
        .iter()
        .chain(&EFFECTS)
        .any(starts)
        .then_some((rest, Edit::Cut))
}

/// What the extension says.
pub fn kind(name: &str) -> Kind {
    let Some(dot) = name.rfind('.').filter(|dot| *dot > 0) else {
        return Kind::Unknown;
    };
    let tail = &name[dot + 1..];
    let mut lower = [0_u8; 6];
    let Some(lower) = lower.get_mut(..tail.len()) else {
        return Kind::Unknown;
    };
    lower.copy_from_slice(tail.as_bytes());
    lower.make_ascii_lowercase();
    let Ok(lower) = std::str::from_utf8(lower) else {
        return Kind::Unknown;
    };
    let body = lower.split_once('~').map_or(lower, |(body, _)| body);
    if matches!(body, "mp" | "mv") && looks_like_extension(lower) {
        Kind::Clip
    } else if IMAGES.contains(&lower) {
        Kind::Image
    } else if VIDEOS.contains(&lower) {
        Kind::Video
    } else {
        Kind::Unknown
    }
}

/// Whether a `.json` name is one of an album card, numbered or not.
pub fn is_album_card(name: &str) -> bool {
    let name = nfc(name).to_lowercase();
    let Some(stem) = name.strip_suffix(".json") else {
        return false;
    };
    let stem = counter(stem).map_or(stem, |(rest, _)| rest);
    ALBUM_CARDS.contains(&stem)
}

/// Whether a path leads to something that an operating system or a NAS left behind and that was never in a takeout.
pub fn is_junk<'a>(components: impl IntoIterator<Item = &'a str>) -> bool {
    const NAMES: [&str; 13] = [
        ".ds_store",
        "@eadir",
        "#recycle",
        "thumbs.db",
        "ehthumbs.db",
        ".picasa.ini",
        "picasa.ini",
        "__macosx",
        "desktop.ini",
        ".appledouble",
        ".spotlight-v100",
        ".trashes",
        ".fseventsd",
    ];
    components.into_iter().any(|name| {
        name.starts_with("._")
            || name.starts_with("SYNOFILE_THUMB_")
            || NAMES.iter().any(|junk| name.eq_ignore_ascii_case(junk))
    })
}

/// The names a title may have become, decomposed: characters that are unsafe in file names stand as `_`, and a title
/// with HTML escapes is tried unescaped as well. [`flat`] does the same to the name it is compared with, so it does
/// not matter which of these characters Google really replaces.
pub fn sanitize(title: &str) -> Vec<String> {
    let mut names = vec![flat(title)];
    if title.contains('&') {
        let plain = flat(&unescape(title));
        if plain != names[0] {
            names.push(plain);
        }
    }
    names
}

/// A name in the spelling of [`sanitize`].
pub fn flat(name: &str) -> String {
    const UNSAFE: &str = "/\\:*?\"<>|&%'`^;=!@{}";
    let safe = |char: char| {
        if char.is_control() || UNSAFE.contains(char) {
            '_'
        } else {
            char
        }
    };
    nfd(name.trim()).chars().map(safe).collect()
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        // No escape is longer than `&#1114111;`.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((char, end)) => {
                plain.push(char);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests;
