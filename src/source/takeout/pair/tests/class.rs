//! One test per class of names.

use super::super::title_agrees;
use super::paired;
use crate::model::Role::{self, Clip, Edited, Original};

/// Media with what is expected of each: sidecar, role, head. Sidecars as name and title.
type Case<'a> = (&'a str, Option<&'a str>, Role, Option<&'a str>);

fn check(sidecars: &[(&str, &str)], cases: &[Case<'_>]) {
    let media: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let answers = paired(&media, sidecars);
    for (case, answer) in cases.iter().zip(answers) {
        let sidecar = answer.sidecar.map(|index| sidecars[index].0);
        let head = answer.head.map(|index| media[index]);
        assert_eq!(
            (case.0, sidecar, answer.role, head),
            *case,
            "with {sidecars:?}"
        );
    }
}

/// The same with and without titles.
fn check_both(sidecars: &[(&str, &str)], cases: &[Case<'_>]) {
    check(sidecars, cases);
    let untitled: Vec<(&str, &str)> = sidecars.iter().map(|(name, _)| (*name, "")).collect();
    check(&untitled, cases);
}

#[test]
fn counters_move() {
    check_both(
        &[
            ("IMG.jpg.json", "IMG.jpg"),
            ("IMG.jpg(1).json", "IMG.jpg"),
            ("IMG.jpg.supplemental-metadata(2).json", "IMG.jpg"),
            ("IMG.jpg(4).json", "IMG.jpg"),
        ],
        &[
            (
                "IMG(2).jpg",
                Some("IMG.jpg.supplemental-metadata(2).json"),
                Original,
                None,
            ),
            ("IMG.jpg", Some("IMG.jpg.json"), Original, None),
            ("IMG(1).jpg", Some("IMG.jpg(1).json"), Original, None),
            ("IMG(3).jpg", None, Original, None),
        ],
    );
}

#[test]
fn numbers_of_titles_stay() {
    check_both(
        &[
            ("image(2).png.supplemental-metadata.json", "image(2).png"),
            ("image.png.supplemental-metadata.json", "image.png"),
            (
                "skytree (2).jpg.supplemental-metadata.json",
                "skytree (2).jpg",
            ),
            (
                "skytree (2).jpg.supplemental-metadata(1).json",
                "skytree (2).jpg",
            ),
        ],
        &[
            (
                "image(2).png",
                Some("image(2).png.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "image.png",
                Some("image.png.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "skytree (2).jpg",
                Some("skytree (2).jpg.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "skytree (2)(1).jpg",
                Some("skytree (2).jpg.supplemental-metadata(1).json"),
                Original,
                None,
            ),
        ],
    );
}

#[test]
fn titles_tell_moved_from_kept_numbers() {
    let moved = ("image.png(2).json", "image.png");
    let kept = ("image(2).png.json", "image(2).png");
    check(&[moved], &[("image(2).png", Some(moved.0), Original, None)]);
    check(&[kept], &[("image(2).png", Some(kept.0), Original, None)]);
    check(
        &[("image.png(2).json", "image(2).png")],
        &[("image(2).png", None, Original, None)],
    );
    check(
        &[("image(2).png.json", "image.png")],
        &[("image(2).png", None, Original, None)],
    );
}

#[test]
fn titles_refuse() {
    check(
        &[("IMG_1.jpg.json", "IMG_2.jpg")],
        &[("IMG_1.jpg", None, Original, None)],
    );
    check(
        &[("IMG_1.jpg.json", "IMG_1.png")],
        &[("IMG_1.jpg", None, Original, None)],
    );
    check(
        &[("IMG_1.json", "IMG_1.heic")],
        &[("IMG_1.jpg", None, Original, None)],
    );
    check(
        &[("IMG_1.jpg.json", "IMG_2.jpg")],
        &[("IMG_1-edited.jpg", None, Edited, None)],
    );
    check(
        &[("IMG_1.HEIC.json", "IMG_2.HEIC")],
        &[("IMG_1.MP4", None, Original, None)],
    );
}

#[test]
fn orphans_stay_orphans() {
    check_both(
        &[
            ("a.jpg(1).json", "a.jpg"),
            ("b.jpg.json", "b.jpg"),
            ("c.json", "c"),
        ],
        &[
            ("a.jpg", None, Original, None),
            ("b(1).jpg", None, Original, None),
            ("d.jpg", None, Original, None),
        ],
    );
}

#[test]
fn titles_without_extension() {
    check_both(
        &[
            ("Balls.supplemental-metadata.json", "Balls"),
            ("2013-12-23.json", "2013-12-23"),
            ("2013-12-23.supplemental-metadata(1).json", "2013-12-23"),
            ("21.12.11 - 1.supplemental-metadata(1).json", "21/12/11 - 1"),
            ("21.12.11 - 1.supplemental-metadata.json", "21.12.11 - 1"),
        ],
        &[
            (
                "Balls.jpg",
                Some("Balls.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "Balls-edited.jpg",
                Some("Balls.supplemental-metadata.json"),
                Edited,
                Some("Balls.jpg"),
            ),
            ("2013-12-23.jpg", Some("2013-12-23.json"), Original, None),
            (
                "2013-12-23(1).jpg",
                Some("2013-12-23.supplemental-metadata(1).json"),
                Original,
                None,
            ),
            (
                "2013-12-23-edited(1).jpg",
                Some("2013-12-23.supplemental-metadata(1).json"),
                Edited,
                Some("2013-12-23(1).jpg"),
            ),
            (
                "21.12.11 - 1",
                Some("21.12.11 - 1.supplemental-metadata.json"),
                Original,
                None,
            ),
        ],
    );
    check_both(
        &[("21.12.11 - 1.supplemental-metadata(1).json", "21.12.11 - 1")],
        &[(
            "21.12(1).11 - 1",
            Some("21.12.11 - 1.supplemental-metadata(1).json"),
            Original,
            None,
        )],
    );
    check_both(
        &[("plain(3).json", "plain")],
        &[("plain(3)", Some("plain(3).json"), Original, None)],
    );
}

#[test]
fn one_bare_sidecar_and_two_pictures_is_a_tie() {
    let tie = [
        ("IMG.jpg", None, Original, None),
        ("IMG.png", None, Original, None),
    ];
    check(&[("IMG.json", "")], &tie);
    check(&[("IMG.json", "IMG")], &tie);
    check(
        &[("IMG.json", "IMG.png")],
        &[
            ("IMG.jpg", None, Original, None),
            ("IMG.png", Some("IMG.json"), Original, None),
        ],
    );
}

#[test]
fn extensions_differ_in_case() {
    check_both(
        &[
            ("IMG_4081.JPG(1).json", "IMG_4081.JPG"),
            ("img.Jpg.supplemental-metadata.json", "img.Jpg"),
        ],
        &[
            (
                "IMG_4081(1).jpg",
                Some("IMG_4081.JPG(1).json"),
                Original,
                None,
            ),
            (
                "img.jpg",
                Some("img.Jpg.supplemental-metadata.json"),
                Original,
                None,
            ),
            ("IMG.jpg", None, Original, None),
        ],
    );
    check_both(
        &[("x.JPG.json", "x.JPG"), ("x.jpg.json", "x.jpg")],
        &[
            ("x.jpg", Some("x.jpg.json"), Original, None),
            ("x.JPG", Some("x.JPG.json"), Original, None),
        ],
    );
}

#[test]
fn edited_copies_share() {
    check_both(
        &[
            ("X.jpg.supplemental-metadata.json", "X.jpg"),
            ("X.jpg.supplemental-metadata(1).json", "X.jpg"),
            ("Y-edited.jpg.json", "Y-edited.jpg"),
            ("Z(1).jpg.json", "Z(1).jpg"),
        ],
        &[
            (
                "X.jpg",
                Some("X.jpg.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "X-edited.jpg",
                Some("X.jpg.supplemental-metadata.json"),
                Edited,
                Some("X.jpg"),
            ),
            (
                "X-bearbeitet.jpg",
                Some("X.jpg.supplemental-metadata.json"),
                Edited,
                Some("X.jpg"),
            ),
            (
                "X-effects.jpg",
                Some("X.jpg.supplemental-metadata.json"),
                Edited,
                Some("X.jpg"),
            ),
            (
                "X-edited(1).jpg",
                Some("X.jpg.supplemental-metadata(1).json"),
                Edited,
                None,
            ),
            ("Y-edited.jpg", Some("Y-edited.jpg.json"), Original, None),
            ("Z(1).jpg", Some("Z(1).jpg.json"), Original, None),
            (
                "Z(1)-edited.jpg",
                Some("Z(1).jpg.json"),
                Edited,
                Some("Z(1).jpg"),
            ),
            ("V-modifié.jpg", None, Edited, None),
            ("W-mix.jpg", None, Original, None),
        ],
    );
}

#[test]
fn a_numbered_edit_takes_the_plain_original_only_if_there_is_no_numbered_one() {
    let plain = ("X.jpg.json", "X.jpg");
    check_both(
        &[plain],
        &[
            ("X.jpg", Some(plain.0), Original, None),
            ("X-edited(1).jpg", Some(plain.0), Edited, Some("X.jpg")),
        ],
    );
    check_both(
        &[plain],
        &[
            ("X.jpg", Some(plain.0), Original, None),
            ("X(1).jpg", None, Original, None),
            ("X-edited(1).jpg", None, Edited, Some("X(1).jpg")),
        ],
    );
}

#[test]
fn edits_may_change_the_extension() {
    check_both(
        &[
            ("IMG_1.HEIC.supplemental-metadata.json", "IMG_1.HEIC"),
            ("IMG_2.HEIC.json", "IMG_2.HEIC"),
        ],
        &[
            (
                "IMG_1.HEIC",
                Some("IMG_1.HEIC.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "IMG_1-edited.jpg",
                Some("IMG_1.HEIC.supplemental-metadata.json"),
                Edited,
                Some("IMG_1.HEIC"),
            ),
            ("IMG_2-edited.jpg", Some("IMG_2.HEIC.json"), Edited, None),
        ],
    );
}

const L44: &str = "abcdefghijklmnopqrstuvwxyz_0123456789_ABCDEF";

#[test]
fn cut_edit_suffixes() {
    assert_eq!(L44.len(), 44);
    for (letters, suffix) in [("", "-ed"), ("G", "-e"), ("GH", "-")] {
        let title = format!("{L44}{letters}.jpg");
        let sidecar = format!("{}.json", &format!("{title}.supplemental-metadata")[..46]);
        let copy = format!("{L44}{letters}{suffix}.jpg");
        check_both(
            &[(&sidecar, &title)],
            &[
                (&title, Some(&sidecar), Original, None),
                (&copy, Some(&sidecar), Edited, Some(&title)),
            ],
        );
        check(
            &[(&sidecar, &title)],
            &[(&copy, Some(&sidecar), Edited, None)],
        );
        let numbered = format!("{L44}{letters}{suffix}(1).jpg");
        let second = format!("{}(1).json", &sidecar[..46]);
        check(
            &[(&sidecar, &title), (&second, &title)],
            &[
                (&title, Some(&sidecar), Original, None),
                (&numbered, Some(&second), Edited, None),
            ],
        );
    }
    // Below the limit the same tails are words.
    check_both(
        &[("a.jpg.json", "a.jpg")],
        &[
            ("a.jpg", Some("a.jpg.json"), Original, None),
            ("a-ed.jpg", None, Original, None),
        ],
    );
}

#[test]
fn lost_edit_suffixes() {
    let title = format!("{L44}GHIJKL.jpg");
    let media = format!("{}.jpg", &title[..47]);
    let copy = format!("{}(1).jpg", &title[..47]);
    let sidecar = format!("{}.json", &title[..46]);
    check_both(
        &[(&sidecar, &title)],
        &[
            (&media, Some(&sidecar), Original, None),
            (&copy, Some(&sidecar), Edited, Some(&media)),
        ],
    );
    check_both(
        &[(&sidecar, &title)],
        &[(&copy, Some(&sidecar), Edited, None)],
    );
    // Two photos, each with a sidecar.
    let second = format!("{}(1).json", &title[..46]);
    check_both(
        &[(&sidecar, &title), (&second, &title)],
        &[
            (&media, Some(&sidecar), Original, None),
            (&copy, Some(&second), Original, None),
        ],
    );
}

#[test]
fn cut_sidecars_collide_where_media_do_not() {
    let (photo, raw) = (format!("{L44}GHI.JPG"), format!("{L44}GHI.NEF"));
    let (first, second) = (
        format!("{}.json", &photo[..46]),
        format!("{}(1).json", &photo[..46]),
    );
    check(
        &[(&first, &photo), (&second, &raw)],
        &[
            (&photo, Some(&first), Original, None),
            (&raw, Some(&second), Original, None),
        ],
    );
    check(
        &[(&first, &raw), (&second, &photo)],
        &[
            (&photo, Some(&second), Original, None),
            (&raw, Some(&first), Original, None),
        ],
    );
    let (m, n) = (
        format!("{L44}GHm and more.jpg"),
        format!("{L44}GHn and more.jpg"),
    );
    let (media_m, media_n) = (format!("{}.jpg", &m[..47]), format!("{}.jpg", &n[..47]));
    check(
        &[(&first, &m), (&second, &n)],
        &[
            (&media_m, Some(&first), Original, None),
            (&media_n, Some(&second), Original, None),
        ],
    );
    // Without titles nobody can tell, and nobody guesses.
    check(
        &[(&first, ""), (&second, "")],
        &[
            (&media_m, None, Original, None),
            (&media_n, None, Original, None),
        ],
    );
}

#[test]
fn exports_that_do_not_cut() {
    let title = format!("{L44}_a name that is not cut at all.jpg");
    let sidecar = format!("{title}.supplemental-metadata.json");
    check_both(
        &[(&sidecar, &title)],
        &[(&title, Some(&sidecar), Original, None)],
    );
    let copy = title.replace(".jpg", "-edited.jpg");
    check_both(
        &[(&sidecar, &title)],
        &[
            (&title, Some(&sidecar), Original, None),
            (&copy, Some(&sidecar), Edited, Some(&title)),
        ],
    );
    let media = format!("{}.jpg", &title[..47]);
    check_both(
        &[(&sidecar, &title)],
        &[(&media, Some(&sidecar), Original, None)],
    );
    let later = format!("{}.json", &title[..53]);
    check_both(
        &[(&later, &title)],
        &[(&title, Some(&later), Original, None)],
    );
    let cut = format!("{}.json", &title[..46]);
    check_both(&[(&cut, &title)], &[(&title, Some(&cut), Original, None)]);
    check_both(
        &[(&cut, &title)],
        &[
            (&title, Some(&cut), Original, None),
            (&copy, Some(&cut), Edited, Some(&title)),
        ],
    );
}

#[test]
fn surrogates_round_either_way() {
    let title = format!("{}.jpg", "🎉".repeat(30));
    for (stem, side) in [(23, 23), (24, 23), (24, 22)] {
        let media = format!("{}.jpg", "🎉".repeat(stem));
        let sidecar = format!("{}.json", "🎉".repeat(side));
        if side == 23 {
            check_both(
                &[(&sidecar, &title)],
                &[(&media, Some(&sidecar), Original, None)],
            );
        }
        let odd = format!("a{}", &media);
        let odd_title = format!("a{title}");
        let odd_side = format!("a{sidecar}");
        check_both(
            &[(&odd_side, &odd_title)],
            &[(&odd, Some(&odd_side), Original, None)],
        );
    }
}

#[test]
fn accents_in_both_spellings() {
    let composed = "Caf\u{e9} \u{e0} la plage.jpg";
    let decomposed = "Cafe\u{301} a\u{300} la plage.jpg";
    for (media, sidecar, title) in [
        (composed, format!("{decomposed}.json"), composed),
        (decomposed, format!("{composed}.json"), decomposed),
        (
            decomposed,
            format!("{composed}.supplemental-metadata.json"),
            composed,
        ),
    ] {
        check_both(
            &[(&sidecar, title)],
            &[(media, Some(&sidecar), Original, None)],
        );
    }
    // Cut between a letter and its accent.
    let title = format!("{L44}Ge\u{301}te\u{301}.jpg");
    let sidecar = format!("{L44}Ge.json");
    let media = format!("{L44}G\u{e9}t.jpg");
    check(
        &[(&sidecar, &title)],
        &[(&media, Some(&sidecar), Original, None)],
    );
}

#[test]
fn live_photos() {
    let still = ("IMG_1.HEIC.supplemental-metadata.json", "IMG_1.HEIC");
    let second = ("IMG_1.HEIC.supplemental-metadata(1).json", "IMG_1.HEIC");
    check_both(
        &[still, second],
        &[
            ("IMG_1.MP4", Some(still.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.HEIC", Some(still.0), Original, None),
            ("IMG_1(1).HEIC", Some(second.0), Original, None),
            ("IMG_1(1).MP4", Some(second.0), Clip, Some("IMG_1(1).HEIC")),
            ("IMG_1(2).MP4", None, Original, None),
        ],
    );
    check_both(&[still], &[("IMG_1.mov", Some(still.0), Clip, None)]);
    let own = ("IMG_1.MOV.json", "IMG_1.MOV");
    check_both(
        &[still, own],
        &[
            ("IMG_1.HEIC", Some(still.0), Original, None),
            ("IMG_1.MOV", Some(own.0), Original, None),
        ],
    );
    check_both(
        &[],
        &[
            ("a.jpg", None, Original, None),
            ("a.mp4", None, Clip, Some("a.jpg")),
        ],
    );
    check_both(
        &[still, ("IMG_1.jpg.json", "IMG_1.jpg")],
        &[
            ("IMG_1.jpg", Some("IMG_1.jpg.json"), Original, None),
            ("IMG_1.MOV", Some(still.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.HEIC", Some(still.0), Original, None),
        ],
    );
    let bare = ("IMG_1.json", "IMG_1.HEIC");
    check_both(
        &[bare],
        &[
            ("IMG_1.MOV", Some(bare.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.HEIC", Some(bare.0), Original, None),
        ],
    );
}

#[test]
fn live_photos_at_the_limit() {
    let title = format!("{L44}GHIJK.HEIC");
    let sidecar = format!("{}.json", &title[..46]);
    let (still, video) = (
        format!("{}.HEIC", &title[..46]),
        format!("{}.MP4", &title[..47]),
    );
    check_both(
        &[(&sidecar, &title)],
        &[
            (&video, Some(&sidecar), Clip, Some(&still)),
            (&still, Some(&sidecar), Original, None),
        ],
    );
}

#[test]
fn edited_live_photos() {
    let still = ("IMG_1.HEIC.json", "IMG_1.HEIC");
    check_both(
        &[still],
        &[
            ("IMG_1-edited.MOV", Some(still.0), Clip, Some("IMG_1.HEIC")),
            (
                "IMG_1-edited.HEIC",
                Some(still.0),
                Edited,
                Some("IMG_1.HEIC"),
            ),
            ("IMG_1.MOV", Some(still.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.HEIC", Some(still.0), Original, None),
        ],
    );
    check_both(
        &[still],
        &[
            ("IMG_1-edited.MOV", Some(still.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.MOV", Some(still.0), Clip, Some("IMG_1.HEIC")),
            ("IMG_1.HEIC", Some(still.0), Original, None),
        ],
    );
    let second = ("IMG_1.HEIC.json(1).json", "");
    let second = (second.0.trim_end_matches("(1).json"), still.1);
    check_both(
        &[second],
        &[("IMG_1-edited.MOV", Some(second.0), Clip, None)],
    );
    let (video, image) = (("V.mp4.json", "V.mp4"), ("V.png.json", "V.png"));
    check_both(
        &[video, image],
        &[
            ("V.mp4", Some(video.0), Original, None),
            ("V-edited.mp4", Some(video.0), Edited, Some("V.mp4")),
            ("V-edited.png", Some(image.0), Edited, Some("V.png")),
            ("V.png", Some(image.0), Original, None),
        ],
    );
    check_both(
        &[video],
        &[
            ("V.mp4", Some(video.0), Original, None),
            ("V-edited.mp4", Some(video.0), Edited, Some("V.mp4")),
        ],
    );
}

#[test]
fn motion_photos() {
    check_both(
        &[
            ("PXL_1.MP.jpg.json", "PXL_1.MP.jpg"),
            ("PXL_1.MP.jpg(1).json", "PXL_1.MP.jpg"),
            (
                "PXL_1.MP~2.jpg.supplemental-metadata.json",
                "PXL_1.MP~2.jpg",
            ),
            ("MVIMG_2.jpg.json", "MVIMG_2.jpg"),
            ("MVIMG_2.jpg(1).json", "MVIMG_2.jpg"),
            ("PXL_3.MP.supplemental-metadata.json", "PXL_3.MP"),
            ("PXL_4.MV.jpg.json", "PXL_4.MV.jpg"),
        ],
        &[
            (
                "PXL_1.MP",
                Some("PXL_1.MP.jpg.json"),
                Clip,
                Some("PXL_1.MP.jpg"),
            ),
            ("PXL_1.MP.jpg", Some("PXL_1.MP.jpg.json"), Original, None),
            (
                "PXL_1(1).MP",
                Some("PXL_1.MP.jpg(1).json"),
                Clip,
                Some("PXL_1.MP(1).jpg"),
            ),
            (
                "PXL_1.MP(1).jpg",
                Some("PXL_1.MP.jpg(1).json"),
                Original,
                None,
            ),
            (
                "PXL_1.MP~2",
                Some("PXL_1.MP~2.jpg.supplemental-metadata.json"),
                Clip,
                Some("PXL_1.MP~2.jpg"),
            ),
            (
                "PXL_1.MP~2.jpg",
                Some("PXL_1.MP~2.jpg.supplemental-metadata.json"),
                Original,
                None,
            ),
            (
                "PXL_1.MP-edited.jpg",
                Some("PXL_1.MP.jpg.json"),
                Edited,
                Some("PXL_1.MP.jpg"),
            ),
            (
                "MVIMG_2",
                Some("MVIMG_2.jpg.json"),
                Clip,
                Some("MVIMG_2.jpg"),
            ),
            ("MVIMG_2.jpg", Some("MVIMG_2.jpg.json"), Original, None),
            (
                "MVIMG_2(1)",
                Some("MVIMG_2.jpg(1).json"),
                Clip,
                Some("MVIMG_2(1).jpg"),
            ),
            (
                "MVIMG_2(1).jpg",
                Some("MVIMG_2.jpg(1).json"),
                Original,
                None,
            ),
            (
                "MVIMG_2.MP4",
                Some("MVIMG_2.jpg.json"),
                Clip,
                Some("MVIMG_2.jpg"),
            ),
            (
                "PXL_3.MP",
                Some("PXL_3.MP.supplemental-metadata.json"),
                Original,
                None,
            ),
            ("PXL_4.MV", Some("PXL_4.MV.jpg.json"), Clip, None),
        ],
    );
}

#[test]
fn sanitised_and_escaped_titles() {
    for (title, media) in [
        ("27/06/12 - 1.jpg", "27_06_12 - 1.jpg"),
        (
            "2021-08-08T15:36:24+02:00.JPEG",
            "2021-08-08T15_36_24+02_00.JPEG",
        ),
        ("Tom & Jerry?.jpg", "Tom _ Jerry_.jpg"),
        ("Tom &amp; Jerry&#39;s.jpg", "Tom _ Jerry_s.jpg"),
        ("Tom &amp; Jerry.jpg", "Tom _amp; Jerry.jpg"),
        ("a \"b\" 100%.jpg", "a _b_ 100_.jpg"),
        ("$1 #2 (3)+4.jpg", "$1 #2 (3)+4.jpg"),
        ("it&#x27;s &nope; &.jpg", "it_s _nope; _.jpg"),
    ] {
        let sidecar = format!("{media}.supplemental-metadata.json");
        check_both(
            &[(&sidecar, title)],
            &[(media, Some(&sidecar), Original, None)],
        );
    }
}

#[test]
fn styles_in_order() {
    let names = [
        "p.jpg.supplemental-metadata.json",
        "p.jpg.json",
        "p.jpg.supplem.json",
        "p.json",
    ];
    for start in 0..names.len() {
        let mut sidecars: Vec<(&str, &str)> =
            names[start..].iter().map(|name| (*name, "p.jpg")).collect();
        sidecars.reverse();
        check_both(&sidecars, &[("p.jpg", Some(names[start]), Original, None)]);
    }
}

#[test]
fn every_cut_of_the_suffix() {
    for end in 0..=".supplemental-metadata".len() {
        let suffix = &".supplemental-metadata"[..end];
        let (plain, numbered) = (
            format!("p.jpg{suffix}.json"),
            format!("p.jpg{suffix}(3).json"),
        );
        check_both(
            &[(&numbered, "p.jpg"), (&plain, "p.jpg")],
            &[
                ("p.jpg", Some(&plain), Original, None),
                ("p(3).jpg", Some(&numbered), Original, None),
            ],
        );
    }
    check_both(
        &[("p.jpg(3).supplemental-metadata.json", "p.jpg")],
        &[(
            "p(3).jpg",
            Some("p.jpg(3).supplemental-metadata.json"),
            Original,
            None,
        )],
    );
    check_both(
        &[("v1.s.json", "v1.s")],
        &[("v1.s.jpg", Some("v1.s.json"), Original, None)],
    );
}

#[test]
fn equal_names_get_equal_answers() {
    let sidecars = [
        ("a.jpg.json", "b.jpg"),
        ("a.jpg.json", "a.jpg"),
        ("a.jpg.json", "a.jpg"),
        ("a.jpg.json", ""),
    ];
    let answers = paired(
        &["a.jpg", "a-edited.jpg", "a.jpg", "a-edited.jpg"],
        &sidecars,
    );
    assert!(
        answers.iter().all(|answer| answer.sidecar == Some(1)),
        "{answers:?}"
    );
    assert_eq!((answers[0], answers[1]), (answers[2], answers[3]));
    assert_eq!(answers[3].head, Some(0));
}

#[test]
fn broken_documents_pair_by_name() {
    check(
        &[("a.jpg.json", ""), ("metadata.json", "")],
        &[
            ("a.jpg", Some("a.jpg.json"), Original, None),
            ("metadata.jpg", None, Original, None),
        ],
    );
    check(
        &[("metadata.json", "metadata")],
        &[("metadata.jpg", Some("metadata.json"), Original, None)],
    );
}

#[test]
fn a_whole_name_outweighs_a_garbled_title() {
    check(
        &[("M├ílaga.jpg.json", "M\u{e1}laga.jpg")],
        &[("M├ílaga.jpg", Some("M├ílaga.jpg.json"), Original, None)],
    );
    check(
        &[("M_laga(1).jpg.json", "M\u{e1}laga(1).jpg")],
        &[("M_laga(1).jpg", Some("M_laga(1).jpg.json"), Original, None)],
    );
    check(
        &[("Trip_20231006_063909.jpg.json", "PXL_20231006_063909.jpg")],
        &[(
            "Trip_20231006_063909.jpg",
            Some("Trip_20231006_063909.jpg.json"),
            Original,
            None,
        )],
    );
    check(
        &[("山.jpg.json", "川.jpg")],
        &[("山.jpg", None, Original, None)],
    );
}

#[test]
fn titles_across_folders() {
    for (title, media) in [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("IMG_1.jpg", "IMG_1(7).jpg"),
        ("IMG_1.JPG", "IMG_1.jpg"),
        ("IMG_1", "IMG_1.jpg"),
        ("IMG_1.jpg", "IMG_1-edited.jpg"),
        ("IMG_1.jpg", "IMG_1-edited(2).jpg"),
        ("IMG_1.HEIC", "IMG_1-edited.jpg"),
        ("IMG_1(2).jpg", "IMG_1(2).jpg"),
        ("IMG_1(2).jpg", "IMG_1(2)-edited.jpg"),
        ("IMG_1.HEIC", "IMG_1.MP4"),
        ("IMG_1.HEIC", "IMG_1(1)-edited.MOV"),
        ("PXL_1.MP.jpg", "PXL_1.MP"),
        ("PXL_1.MP~2.jpg", "PXL_1(3).MP~2"),
        ("MVIMG_1.jpg", "MVIMG_1"),
        ("Caf\u{e9}.jpg", "Cafe\u{301}.jpg"),
        (
            "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_PHOTO.jpg",
            "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P(1).jpg",
        ),
    ] {
        assert!(title_agrees(title, media), "{title} and {media}");
    }
    for (title, media) in [
        ("IMG_1.jpg", "IMG_2.jpg"),
        ("IMG_1.jpg", "IMG_1.png"),
        ("IMG_1.mp4", "IMG_1.jpg"),
        ("IMG_1(2).jpg", "IMG_1.jpg"),
        ("IMG_1-edited.jpg", "IMG_1.jpg"),
        ("IMG_10.jpg", "IMG_1.jpg"),
        ("img_1.jpg", "IMG_1.jpg"),
        ("", "IMG_1.jpg"),
        ("IMG_1.jpg", ""),
    ] {
        assert!(!title_agrees(title, media), "{title} and {media}");
    }
}
