//! Names: a title made legal, and how names that clash are told apart.
//!
//! A name is valid UTF-8 in NFC without `/` and control characters, of at most [`MAX`] bytes, so that every suffix that
//! may ever be added still fits into the 255 bytes of a file system. Two names of a directory never differ in case
//! only, for the sake of copies on NTFS, exFAT and APFS.

use unicode_normalization::UnicodeNormalization;

/// Longest name before suffixes: 255 less 24 for `-edited`, `~abcdefgh`, `.xmp` and the like. A different value would
/// rename long titles in every copy.
pub const MAX: usize = 231;

/// Longest name of an edited copy or a clip: its head's, with `-edited`.
pub const MAX_FOLLOWER: usize = MAX + 13;

/// Most characters of a hash in a suffix: what 255 bytes leave for an original's.
pub const MAX_SUFFIX: usize = 16;

/// Longest ending that counts as an extension, with its dot.
const MAX_EXTENSION: usize = 12;

/// Longest name of all: 255 less the `.json` of a document. It shortens no name in practice.
const MAX_WITH_SUFFIX: usize = 250;

/// What names are compared by: NFC without case.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Upper then lower also joins letters whose upper case is the same, such as the two small sigmas.
    name.nfc()
        .collect::<String>()
        .to_uppercase()
        .to_lowercase()
        .nfc()
        .collect()
}

/// A legal name of at most `max` bytes for any text: `stem`, cut where need be, and `extension`.
pub fn legal(stem: &str, extension: &str, max: usize) -> String {
    let extension = clean(extension);
    let mut name = clean(stem);
    cut(&mut name, max.saturating_sub(extension.len()));
    name.push_str(&extension);
    match name.as_str() {
        "" => "_".into(),
        "." => "_".into(),
        ".." => "__".into(),
        _ => name,
    }
}

/// How many bytes at the end of a legal name are its extension.
pub fn ending(name: &str, extension: &str) -> usize {
    let extension = clean(extension);
    if name.ends_with(&extension) {
        extension.len()
    } else {
        0
    }
}

/// A name with a suffix that tells it from others.
pub fn suffixed(stem: &str, suffix: &str, extension: &str) -> String {
    let mut name = stem.to_owned();
    cut(
        &mut name,
        MAX_WITH_SUFFIX.saturating_sub(1 + suffix.len() + extension.len()),
    );
    format!("{name}~{suffix}{extension}")
}

/// The name before an ending in ASCII, whatever its case; `None` when it has another.
pub fn without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    if !fold(name).ends_with(ending) {
        return None;
    }
    // Folding makes one character of each of these, be it the long s.
    let (at, _) = name.char_indices().rev().nth(ending.len() - 1)?;
    Some(&name[..at])
}

/// Replaces what a file name must not hold.
fn clean(text: &str) -> String {
    let legal = |c: char| if c == '/' || c.is_control() { '_' } else { c };
    if text.is_ascii() {
        return text.chars().map(legal).collect();
    }
    text.nfc().map(legal).collect()
}

fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

/// Splits a name into stem and extension (with its dot, empty when there is none).
pub fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION && !name[dot..].contains(' ') => {
            name.split_at(dot)
        }
        _ => (name, ""),
    }
}

/// Stem and extension of an original: the title's, with the extension the file really has.
///
/// `file` is the file's name in the export, which is cut and numbered and therefore only lends its extension, unless
/// there is no title.
pub fn of_original<'a>(title: Option<&'a str>, file: &'a str) -> (&'a str, &'a str) {
    let (file_stem, real) = split(file);
    let Some(title) = title.filter(|title| !title.trim().is_empty()) else {
        return (file_stem, real);
    };
    let (stem, ending) = split(title);
    if real.is_empty() || ending.eq_ignore_ascii_case(real) {
        return (stem, ending);
    }
    let known = |ending: &str| crate::model::is_media_extension(ending);
    if known(ending) {
        (stem, real)
    } else {
        (title, real)
    }
}

/// Stem and extension of an edited copy beside its original.
pub fn of_edited(head_stem: &str, file: &str) -> (String, String) {
    (format!("{head_stem}-edited"), split(file).1.to_owned())
}

/// Stem and extension of the clip beside its still. A still `X.MP.jpg` has the clip `X.MP`.
pub fn of_clip(head_stem: &str, file: &str) -> (String, String) {
    let real = split(file).1;
    let (stem, ending) = split(head_stem);
    if !real.is_empty() && ending.eq_ignore_ascii_case(real) {
        (stem.to_owned(), ending.to_owned())
    } else {
        (head_stem.to_owned(), real.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_become_legal() {
        assert_eq!(legal("a/b\0c\nd", ".jpg", MAX), "a_b_c_d.jpg");
        assert_eq!(legal("", "", MAX), "_");
        assert_eq!(legal(".", "", MAX), "_");
        assert_eq!(legal(".", ".", MAX), "__");
        assert_eq!(legal("e\u{301}", ".JPG", MAX), "\u{e9}.JPG");
        assert_eq!(legal(&"é".repeat(200), ".jpg", MAX).len(), 230);
    }

    #[test]
    fn originals_keep_title_and_extension() {
        let name = |title, file| {
            let (stem, extension) = of_original(title, file);
            format!("{stem}{extension}")
        };
        assert_eq!(name(Some("IMG_1.JPG"), "IMG_1(1).jpg"), "IMG_1.JPG");
        assert_eq!(
            name(Some("27/06/12 - 1"), "27_06_12 - 1.mov"),
            "27/06/12 - 1.mov"
        );
        assert_eq!(name(Some("IMG_1.HEIC"), "IMG_1.jpg"), "IMG_1.jpg");
        assert_eq!(name(Some("v1.5 final"), "v1.5 final.jpg"), "v1.5 final.jpg");
        assert_eq!(name(None, "x(1).png"), "x(1).png");
        assert_eq!(name(Some(" "), "x.png"), "x.png");
        assert_eq!(name(Some("MVIMG_2"), "MVIMG_2"), "MVIMG_2");
    }

    #[test]
    fn clips_and_edits_follow_their_head() {
        assert_eq!(
            of_clip("IMG_1", "IMG_1(2).MP4"),
            ("IMG_1".into(), ".MP4".into())
        );
        assert_eq!(
            of_clip("PXL_1.MP", "PXL_1.MP"),
            ("PXL_1".into(), ".MP".into())
        );
        assert_eq!(
            of_clip("PXL_1.MP~2", "PXL_1.MP~2"),
            ("PXL_1".into(), ".MP~2".into())
        );
        assert_eq!(
            of_clip("MVIMG_1", "MVIMG_1"),
            ("MVIMG_1".into(), String::new())
        );
        assert_eq!(
            of_edited("a~wxyz", "a-bearbeitet.jpg"),
            ("a~wxyz-edited".into(), ".jpg".into())
        );
    }

    #[test]
    fn endings_are_found_in_any_case() {
        assert_eq!(without("x.jpg.XMP", ".xmp"), Some("x.jpg"));
        assert_eq!(without("x.j\u{17f}on", ".json"), Some("x"));
        assert_eq!(without("ΟΔΟΣ.xmp", ".xmp"), Some("ΟΔΟΣ"));
        assert_eq!(without("x.xmp.jpg", ".xmp"), None);
        assert_eq!(without("xmp", ".xmp"), None);
    }

    #[test]
    fn the_longest_name_has_room_for_a_document() {
        let name = suffixed(&"é".repeat(120), &"x".repeat(MAX_SUFFIX), ".jpeg");
        assert!(name.len() <= MAX_WITH_SUFFIX && name.ends_with("xx.jpeg"));
        assert_eq!(suffixed("a", "bcde", ".jpg"), "a~bcde.jpg");
        const { assert!(MAX_FOLLOWER <= MAX_WITH_SUFFIX && MAX_WITH_SUFFIX + ".json".len() <= 255) };
    }

    proptest! {
        #[test]
        fn any_text_gives_a_legal_name(stem in any::<String>(), ending in "(\\.[a-zA-Z0-9~/]{0,6})?") {
            let name = legal(&stem, &ending, MAX);
            prop_assert!(!name.is_empty() && name != "." && name != "..");
            prop_assert!(name.len() <= MAX);
            prop_assert!(!name.contains('/') && !name.chars().any(char::is_control));
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
            prop_assert_eq!(name.nfc().collect::<String>(), name);
        }
    }
}
