//! Names: a title made legal, and how names that clash are told apart.
//!
//! A name is valid UTF-8 in NFC without `/` and control characters, short enough that every suffix that may ever be
//! added still fits into what a file system takes, 255 bytes unless it is told otherwise. Two names of a directory never
//! differ in case only, for the sake of copies on NTFS, exFAT and APFS. Where names shall be legal for Windows, they also
//! lack what NTFS, exFAT, FAT and SMB refuse or change: some marks, dots and spaces at the end, names of devices.

use unicode_normalization::UnicodeNormalization;

/// What `max` leaves for `-edited`, `~abcdefgh`, `.xmp` and the like. A different value would rename long titles in every
/// copy.
const RESERVE: usize = 24;
/// How much longer the name of an edited copy or a clip may be: its head's, with `-edited` and a longer extension.
const FOLLOWER: usize = 13;
/// What stays free for a document beside a photo: `.json`.
const DOCUMENT: usize = 5;
/// Most characters of a hash in a suffix.
pub const MAX_SUFFIX: usize = 16;

/// What Windows takes for no part of a name. `/` and control characters are no part of one anywhere.
const MARKS: &[char] = &['<', '>', ':', '"', '\\', '|', '?', '*'];
/// Names that Windows takes for devices, whatever extension they have.
const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// The same with a number behind them.
const PORTS: &[&str] = &["COM", "LPT"];
const PORT_NUMBERS: &[char] = &[
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '\u{b9}', '\u{b2}', '\u{b3}',
];

/// Which names are legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Legal on NTFS, exFAT, FAT and over SMB, not only on Linux.
    pub windows: bool,
    /// Longest name, bytes, with everything that may be added to a title. That many bytes are never more than as many
    /// units of UTF-16, in which Windows counts.
    pub max: u8,
}

impl Default for Form {
    fn default() -> Form {
        Form {
            windows: false,
            max: u8::MAX,
        }
    }
}

impl Form {
    /// Least that `max` may be: what is reserved must leave room to tell titles apart.
    pub const LEAST: u8 = 64;

    /// Longest name of a photo or a directory before suffixes, bytes.
    pub fn plain(self) -> usize {
        usize::from(self.max.max(Form::LEAST)) - RESERVE
    }

    /// Longest name of an edited copy or a clip before suffixes, bytes.
    pub fn follower(self) -> usize {
        self.plain() + FOLLOWER
    }

    /// A legal name of at most `max` bytes for any text: `stem`, cut where need be, and `extension`.
    pub fn legal(self, stem: &str, extension: &str, max: usize) -> String {
        let extension = self.clean(extension);
        let mut name = self.clean(stem);
        if self.windows {
            part_from_devices(&mut name);
        }
        cut(&mut name, max.saturating_sub(extension.len()));
        name.push_str(&extension);
        if self.windows {
            name.truncate(name.trim_end_matches(['.', ' ']).len());
        }
        match name.as_str() {
            "" => "_".into(),
            "." => "_".into(),
            ".." => "__".into(),
            _ => name,
        }
    }

    /// How many bytes at the end of a legal name are its extension.
    pub fn ending(self, name: &str, extension: &str) -> usize {
        let extension = self.clean(extension);
        if name.ends_with(&extension) {
            extension.len()
        } else {
            0
        }
    }

    /// `stem~suffix` and `ending`, the stem cut where that would be too long.
    pub fn suffixed(self, stem: &str, suffix: &str, ending: &str) -> String {
        let room = usize::from(self.max.max(Form::LEAST)) - DOCUMENT;
        let mut stem = stem.to_owned();
        cut(
            &mut stem,
            room.saturating_sub(1 + suffix.len() + ending.len()),
        );
        format!("{stem}~{suffix}{ending}")
    }

    /// What names are compared by, in whatever form.
    pub fn fold(name: &str) -> String {
        fold(name)
    }

    /// Replaces what a file name must not hold.
    fn clean(self, text: &str) -> String {
        let legal = |c: char| {
            let wrong = c == '/' || c.is_control() || self.windows && MARKS.contains(&c);
            if wrong { '_' } else { c }
        };
        if text.is_ascii() {
            return text.chars().map(legal).collect();
        }
        text.nfc().map(legal).collect()
    }
}

/// Makes `CON_` of `CON`, and `aux_.old` of `aux.old`: Windows knows a device by what stands before the first dot.
fn part_from_devices(stem: &mut String) {
    let first = stem.find('.').unwrap_or(stem.len());
    let base = stem[..first].trim_end_matches(' ').to_uppercase();
    let port = || {
        let number = base
            .chars()
            .last()
            .filter(|last| PORT_NUMBERS.contains(last))?;
        base.strip_suffix(number)
            .filter(|name| PORTS.contains(name))
    };
    if DEVICES.contains(&base.as_str()) || port().is_some() {
        stem.insert(first, '_');
    }
}

/// Longest ending that counts as an extension, with its dot.
const MAX_EXTENSION: usize = 12;

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

/// The name before an ending in ASCII, whatever its case; `None` when it has another.
pub fn without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    if !fold(name).ends_with(ending) {
        return None;
    }
    // Folding makes one character of each of these, be it the long s.
    let (at, _) = name.char_indices().rev().nth(ending.len() - 1)?;
    Some(&name[..at])
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

    const POSIX: Form = Form {
        windows: false,
        max: 255,
    };
    const WINDOWS: Form = Form {
        windows: true,
        max: 255,
    };

    #[test]
    fn titles_become_legal() {
        let legal = |stem: &str, extension: &str| POSIX.legal(stem, extension, POSIX.plain());
        assert_eq!(legal("a/b\0c\nd", ".jpg"), "a_b_c_d.jpg");
        assert_eq!(legal("", ""), "_");
        assert_eq!(legal(".", ""), "_");
        assert_eq!(legal(".", "."), "__");
        assert_eq!(legal("e\u{301}", ".JPG"), "\u{e9}.JPG");
        assert_eq!(legal(&"é".repeat(200), ".jpg").len(), 230);
        assert_eq!(legal("a<b>:\"\\|?* ", ""), "a<b>:\"\\|?* ");
        assert_eq!(legal("CON", ".jpg"), "CON.jpg");
    }

    #[test]
    fn lengths_are_what_they_have_always_been() {
        assert_eq!((POSIX.plain(), POSIX.follower()), (231, 244));
        let short = Form { max: 64, ..POSIX };
        assert_eq!((short.plain(), short.follower()), (40, 53));
        let suffixed =
            |form: Form, len: usize| form.suffixed(&"x".repeat(300), &"a".repeat(len), ".jpg");
        assert_eq!(suffixed(POSIX, 4).len(), 250);
        assert_eq!(suffixed(short, 16).len(), 59);
        assert_eq!(POSIX.suffixed("x", "abcd", ".jpg"), "x~abcd.jpg");
    }

    #[test]
    fn titles_become_legal_on_windows() {
        let legal = |stem: &str, extension: &str| WINDOWS.legal(stem, extension, WINDOWS.plain());
        for (stem, extension, name) in [
            ("a<b>:\"\\|?*/", ".jpg", "a_b________.jpg"),
            ("Tea at four: milk?", ".jpg", "Tea at four_ milk_.jpg"),
            ("So far... ", "", "So far"),
            ("...", "", "_"),
            (" . ", "", "_"),
            (" leading", ".jpg", " leading.jpg"),
            ("x.", ".", "x"),
            ("inside . dots. ", ".jpg", "inside . dots. .jpg"),
            ("CON", ".jpg", "CON_.jpg"),
            ("con", "", "con_"),
            ("aux.old", ".png", "aux_.old.png"),
            ("Nul ", ".jpg", "Nul _.jpg"),
            ("COM1", ".jpg", "COM1_.jpg"),
            ("lpt\u{b3}", ".jpg", "lpt\u{b3}_.jpg"),
            ("COM10", ".jpg", "COM10.jpg"),
            ("COM", ".jpg", "COM.jpg"),
            ("CONTENT", ".jpg", "CONTENT.jpg"),
            ("\u{7f}", ".jp?", "_.jp_"),
        ] {
            assert_eq!(legal(stem, extension), name, "{stem:?} {extension:?}");
        }
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
        let form = Form::default();
        let name = form.suffixed(&"é".repeat(120), &"x".repeat(MAX_SUFFIX), ".jpeg");
        assert!(name.len() + ".json".len() <= 255 && name.ends_with("xx.jpeg"));
        assert_eq!(form.suffixed("a", "bcde", ".jpg"), "a~bcde.jpg");
        assert!(form.follower() + ".json".len() <= 255);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_legal_name(stem in any::<String>(), ending in "(\\.[a-zA-Z0-9~/]{0,6})?") {
            let name = POSIX.legal(&stem, &ending, POSIX.plain());
            prop_assert!(!name.is_empty() && name != "." && name != "..");
            prop_assert!(name.len() <= POSIX.plain());
            prop_assert!(!name.contains('/') && !name.chars().any(char::is_control));
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
            prop_assert_eq!(name.nfc().collect::<String>(), name);
        }

        #[test]
        fn any_text_gives_a_name_that_is_legal_on_windows(
            stem in any::<String>(), device in "(CON|nul|Com[0-9²]|)", ending in "(\\.[a-zA-Z0-9~/?. ]{0,6})?", max in 40_usize..=231
        ) {
            let name = WINDOWS.legal(&format!("{device}{stem}"), &ending, max);
            prop_assert!(!name.is_empty() && name.len() <= max);
            prop_assert!(!name.ends_with(['.', ' ']));
            prop_assert!(!name.contains(['/', '<', '>', ':', '"', '\\', '|', '?', '*']) && !name.chars().any(char::is_control));
            let base = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
            prop_assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9", "COM²"].contains(&&*base), "{}", name);
        }
    }
}
