//! Units, cuts, counters, extensions, suffixes, rubbish.

use proptest::prelude::*;

use super::*;

#[test]
fn counts_as_google_counts() {
    assert_eq!(units("IMG.jpg"), 7);
    assert_eq!(units("é"), 1);
    assert_eq!(units("e\u{301}"), 2);
    assert_eq!(units("😀"), 2);
    assert_eq!(units("☺️"), 2);
}

#[test]
fn cuts_beside_surrogates() {
    assert_eq!(cut("abc", 2), ("ab", "ab"));
    assert_eq!(cut("abc", 3), ("abc", "abc"));
    assert_eq!(cut("abc", 9), ("abc", "abc"));
    assert_eq!(cut("abc", 0), ("", ""));
    assert_eq!(cut("a😀b", 2), ("a", "a😀"));
    assert_eq!(cut("a😀b", 3), ("a😀", "a😀"));
    assert_eq!(cut("a😀", 2), ("a", "a😀"));
    assert_eq!(cut("", 5), ("", ""));
}

#[test]
fn knows_the_limit() {
    let stem = "x".repeat(46);
    assert!(!at_limit(&format!("{stem}.jpg")));
    assert!(at_limit(&format!("{stem}y.jpg")));
    assert!(at_limit(&format!("{}😀.jpg", &stem[2..])));
    assert!(!at_limit(&format!("{}😀.jpg", &stem[4..])));
    // 50 units composed, 51 decomposed.
    assert!(at_limit(&format!("{}é.jpg", &stem[1..])));
    assert_eq!(room("x.jpg"), 46);
}

#[test]
fn splits_what_looks_like_an_extension() {
    for (name, stem, extension) in [
        ("a.jpg", "a", ".jpg"),
        ("a.b.JPEG", "a.b", ".JPEG"),
        ("PXL.MP~2", "PXL", ".MP~2"),
        ("a.MP", "a", ".MP"),
        ("a", "a", ""),
        ("a.", "a.", ""),
        (".jpg", ".jpg", ""),
        ("21.12.11 - 1", "21.12.11 - 1", ""),
        ("1.12", "1.12", ""),
        ("a.sixsix", "a.sixsix", ""),
        ("é.ü", "é.ü", ""),
        ("", "", ""),
    ] {
        assert_eq!(split(name), (stem, extension), "{name}");
    }
}

#[test]
fn takes_counters_out_and_puts_them_back() {
    for (name, plain, digits) in [
        ("IMG(1).jpg", "IMG.jpg", "1"),
        ("IMG(2)(10).jpg", "IMG(2).jpg", "10"),
        ("21.12(1).11 - 1", "21.12.11 - 1", "1"),
        ("MVIMG(3)", "MVIMG", "3"),
        ("PXL.MP(1).jpg", "PXL.MP.jpg", "1"),
        ("写真(494).jpg", "写真.jpg", "494"),
        ("a (2).jpg", "a .jpg", "2"),
    ] {
        assert_eq!(uncount(name), Some((plain.to_owned(), digits)), "{name}");
        assert_eq!(recount(plain, digits), name);
    }
    for name in [
        "a.jpg",
        "a().jpg",
        "a(0).jpg",
        "a(01).jpg",
        "(1).jpg",
        "a(1)b.jpg",
        "a(-1).jpg",
        "a(12345678).jpg",
        "",
    ] {
        assert_eq!(uncount(name), None, "{name}");
    }
    assert_eq!(recount("a.jpg", ""), "a.jpg");
}

#[test]
fn takes_edit_suffixes_off() {
    for suffix in EDITED {
        let stem = format!("IMG-1{suffix}");
        assert_eq!(unedit(&stem), Some(("IMG-1", Edit::Sure)), "{stem}");
        let capital = stem.to_uppercase();
        assert_eq!(unedit(&capital), Some(("IMG-1", Edit::Sure)), "{capital}");
        assert_eq!(suffix, nfc(&suffix.to_lowercase()));
        assert_eq!(
            suffix.rfind('-'),
            Some(0),
            "a second dash would hide the first"
        );
        let mut short = stem.clone();
        short.pop();
        assert!(unedit(&short).is_some(), "{short}");
    }
    assert_eq!(unedit("IMG-effects"), Some(("IMG", Edit::Likely)));
    assert_eq!(unedit("IMG-"), Some(("IMG", Edit::Cut)));
    assert_eq!(unedit("IMG-ha edi"), Some(("IMG", Edit::Cut)));
    // Cut between a letter and its accent.
    assert_eq!(unedit("IMG-modifie"), Some(("IMG", Edit::Cut)));
    for stem in [
        "IMG",
        "-edited",
        "IMG-editedx",
        "IMG-COLLAGE",
        "IMG-ANIMATION",
        "IMG-20200101",
        "",
    ] {
        assert_eq!(unedit(stem), None, "{stem}");
    }
}

#[test]
fn tells_kinds() {
    for (name, expected) in [
        ("a.jpg", Kind::Image),
        ("a.HEIC", Kind::Image),
        ("a.DNG", Kind::Image),
        ("a.mp4", Kind::Video),
        ("a.MOV", Kind::Video),
        ("a.LS.mp4", Kind::Video),
        ("a.MP", Kind::Clip),
        ("a.mv", Kind::Clip),
        ("a.MP~2", Kind::Clip),
        ("a.MP~x", Kind::Unknown),
        ("a.MP.jpg", Kind::Image),
        ("MVIMG_1", Kind::Unknown),
        ("a.json", Kind::Unknown),
        ("a.", Kind::Unknown),
        (".jpg", Kind::Unknown),
        ("a.jpg~2", Kind::Unknown),
        ("", Kind::Unknown),
    ] {
        assert_eq!(kind(name), expected, "{name}");
    }
}

#[test]
fn knows_album_cards() {
    for name in [
        "metadata.json",
        "Metadaten.json",
        "métadonnées.json",
        "me\u{301}tadonne\u{301}es(2).json",
        "метаданни.json",
    ] {
        assert!(is_album_card(name), "{name}");
    }
    for name in [
        "metadata",
        "metadata.jpg.json",
        "a.json",
        "print-subscriptions.json",
    ] {
        assert!(!is_album_card(name), "{name}");
    }
}

#[test]
fn knows_rubbish() {
    for path in [
        "a/._IMG.jpg",
        ".DS_Store",
        "a/@eaDir/IMG.jpg/SYNOFILE_THUMB_M.jpg",
        "a/Thumbs.db",
        "a/.picasa.ini",
        "__MACOSX/a/b.jpg",
        "a/SYNOFILE_THUMB_XL.jpg",
        "desktop.ini",
    ] {
        assert!(is_junk(path.split('/')), "{path}");
    }
    for path in [
        "Takeout/Google Photos/a/IMG.jpg",
        "a/.trashed-1-IMG.jpg",
        "a/_.jpg",
        "",
        "a/eaDir/b.jpg",
    ] {
        assert!(!is_junk(path.split('/')), "{path}");
    }
}

#[test]
fn sanitises() {
    assert_eq!(sanitize("a/b:c?.jpg"), ["a_b_c_.jpg"]);
    assert_eq!(sanitize("$ # + (1) ~.jpg"), ["$ # + (1) ~.jpg"]);
    assert_eq!(
        sanitize("a &amp; b"),
        ["a _amp_ b".to_owned(), "a _ b".to_owned()]
    );
    assert_eq!(sanitize("&#39;&#x41;&lt;&bogus;&")[1], flat("'A<&bogus;&"));
    assert_eq!(sanitize("é")[0], "e\u{301}");
    assert_eq!(
        sanitize("&#xD800;&#99999999;&;"),
        [flat("&#xD800;&#99999999;&;")]
    );
}

proptest! {
    #[test]
    fn no_name_breaks_anything(name in "\\PC{0,80}|[a(1).~MPé😀-]{0,60}", limit in 0_usize..70) {
        let (down, up) = cut(&name, limit);
        prop_assert!(name.starts_with(up) && up.starts_with(down));
        prop_assert!(units(down) <= limit && units(up) <= limit + 1);
        let (stem, extension) = split(&name);
        prop_assert_eq!(format!("{stem}{extension}"), name.as_str());
        if let Some((plain, digits)) = uncount(&name) {
            prop_assert_eq!(recount(&plain, digits), name.as_str());
        }
        unedit(&name);
        kind(&name);
        is_album_card(&name);
        is_junk([name.as_str()]);
        prop_assert_eq!(sanitize(&name)[0].clone(), flat(&name));
    }
}
