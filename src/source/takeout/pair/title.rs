//! Whether a title from a sidecar and a media name can belong together.
//!
//! The title is the name at upload. On its way to the archive it was sanitised, got an extension if it had none, was
//! cut, numbered, and perhaps received an edit suffix; a media name agrees if these steps lead to it.

use std::collections::BTreeSet;

use super::super::name::{self, Edit, Kind};

/// What the media file is to the photo of the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// The file that was uploaded under the title.
    Own,
    /// A copy edited in Google Photos; its edit suffix has been taken off.
    Edited,
    /// The video of the photo.
    Clip,
}

/// Whether a sidecar's title and a media file's name can belong to one photo: as the original, as an edited copy, or
/// as the video of a live or motion photo. Counters are ignored, as they differ between folders.
pub fn title_agrees(title: &str, media_name: &str) -> bool {
    let media = name::nfc(media_name.trim());
    let mut plain = vec![media.to_string()];
    plain.extend(name::uncount(&media).map(|(rest, _)| rest));
    for index in 0..plain.len() {
        let (originals, _) = originals(&plain[index]);
        if plain.iter().any(|plain| agrees(title, plain, Bond::Own))
            || originals
                .iter()
                .any(|(original, _)| agrees(title, original, Bond::Edited))
        {
            return true;
        }
        plain.extend(originals.into_iter().map(|(original, _)| original));
    }
    let (_, extension) = name::split(&media);
    let clip = matches!(name::kind(&media), Kind::Video | Kind::Clip) || extension.is_empty();
    clip && plain.iter().any(|plain| agrees(title, plain, Bond::Clip))
}

/// The names that the original of an edited copy can have, each with the counter taken from it; nothing for names that
/// carry no edit suffix. Also tells what kind of suffix it is.
pub fn originals(plain: &str) -> (Vec<(String, String)>, Option<Edit>) {
    let (stem, extension) = name::split(plain);
    let Some((rest, edit)) = name::unedit(stem) else {
        return (Vec::new(), None);
    };
    if edit == Edit::Cut && !name::at_limit(plain) {
        return (Vec::new(), None);
    }
    let original = format!("{rest}{extension}");
    let counted = name::uncount(&original).map(|(plain, digits)| (plain, digits.to_owned()));
    (
        std::iter::once((original, String::new()))
            .chain(counted)
            .collect(),
        Some(edit),
    )
}

/// Whether the title leads to `plain`, a media name without counter and edit suffix.
pub fn agrees(title: &str, plain: &str, bond: Bond) -> bool {
    if bond == Bond::Own && title == plain {
        return true;
    }
    let plain = name::flat(plain);
    let (stem, extension) = name::split(&plain);
    let room = name::room(&plain);
    name::sanitize(title).iter().any(|title| {
        let (title_stem, title_extension) = name::split(title);
        let kind = name::kind(title);
        match bond {
            Bond::Own => {
                title_extension.eq_ignore_ascii_case(extension) && starts(title_stem, stem, room)
                    || starts(
                        title,
                        stem,
                        if kind == Kind::Unknown { room } else { WHOLE },
                    )
            }
            Bond::Edited => {
                kind == name::kind(&plain) && starts(title_stem, stem, WHOLE)
                    || kind == Kind::Unknown && starts(title, stem, WHOLE)
            }
            Bond::Clip => {
                // A still's own extension may be part of its video's name: `X.MP.jpg` and `X.MP`.
                let still = if kind == Kind::Image {
                    title_stem
                } else {
                    title
                };
                matches!(kind, Kind::Image | Kind::Unknown)
                    && (starts(still, stem, room) || starts(still, &plain, room))
            }
        }
    })
}

/// More room than a cut leaves.
const WHOLE: usize = usize::MAX;

/// Whether `whole` is `start`, or begins with it where a cut may have happened: with no room left, or with a unit too
/// few for the surrogate pair that comes next.
fn starts(whole: &str, start: &str, room: usize) -> bool {
    whole.trim_end() == start.trim_end()
        || room < 2
            && whole.strip_prefix(start).is_some_and(|rest| {
                room == 0
                    || rest
                        .chars()
                        .next()
                        .is_some_and(|char| char.len_utf16() == 2)
            })
}

/// Whether a title is so close to `plain` that a sidecar which bears the whole media name is still believed. Two ways
/// lead to such titles: archives repacked with a wrong encoding garble everything outside of ASCII, and people rename
/// prefixes but leave the camera's long number.
pub fn resembles(title: &str, plain: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let number = digits(plain);
    let same_extension = name::split(title)
        .1
        .eq_ignore_ascii_case(name::split(plain).1);
    if same_extension && number.len() >= 8 && number == digits(title) {
        return true;
    }
    let garbled = plain.is_ascii() || plain.chars().any(is_garble);
    !title.is_ascii() && garbled && blur(title) == blur(plain)
}

/// Characters that UTF-8 read as CP437 or Latin-1 is full of. Some are honest letters; they only open the door to
/// [`blur`].
fn is_garble(char: char) -> bool {
    matches!(char, '\u{80}'..='\u{9f}' | '\u{2500}'..='\u{25ff}' | '\u{fffd}')
        || "ÃÂÄÅÌÐÑâãäåæçèéêëìíïðαΓπΣσµτΦΘΩδ∞φ∩≡".contains(char)
}

/// What every encoding and every sanitiser leaves alone, each run of anything else as one `_`.
fn blur(text: &str) -> String {
    let mut blurred = String::with_capacity(text.len());
    for char in name::nfc(text.trim()).chars() {
        if char.is_ascii_alphanumeric() || " .-+()".contains(char) {
            blurred.push(char.to_ascii_lowercase());
        } else if !blurred.ends_with('_') {
            blurred.push('_');
        }
    }
    blurred
}

/// The media names that a title becomes, without counter, in the spelling of [`media_key`]: cut or not, and with both
/// roundings where a cut splits a surrogate pair.
pub fn forward(title: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for title in name::sanitize(title) {
        names.insert(media_key(&title));
        for spelled in [name::nfc(&title), name::nfd(&title)] {
            let (stem, extension) = name::split(&spelled);
            let room = name::MEDIA_UNITS.saturating_sub(name::units(extension));
            let (down, up) = name::cut(stem, room);
            names.insert(media_key(&format!("{down}{extension}")));
            names.insert(media_key(&format!("{up}{extension}")));
        }
    }
    names
}

/// One spelling for a media name without counter: flat, its extension in lowercase.
pub fn media_key(plain: &str) -> String {
    let flat = name::flat(plain);
    let (stem, extension) = name::split(&flat);
    format!("{stem}{}", extension.to_ascii_lowercase())
}
