//! Names as cameras and apps write them, and names that only look alike.

use super::find;
use crate::model::Stated;
use proptest::prelude::*;

/// 2023-07-14 10:11:12 as if in UTC.
const MORNING: i64 = 1_689_329_472;
/// The same day at 12:00:00.
const NOON: i64 = 1_689_336_000;

#[test]
fn times_are_read_as_the_phone_showed_them() {
    let names = [
        "IMG_20230714_101112.jpg",
        "IMG_20230714_101112123.jpg",
        "IMG_20230714_101112(1).jpg",
        "IMG_20230714_101112~2.jpg",
        "IMG_20230714_101112_HDR.jpg",
        "IMG_20230714_101112",
        "VID_20230714_101112.mp4",
        "MVIMG_20230714_101112.jpg",
        "PANO_20230714_101112.vr.jpg",
        "Screenshot_20230714-101112.png",
        "Screenshot_20230714-101112_Maps.jpg",
        "Screenshot_20230714_101112_com.example.app.jpg",
        "Screenshot_2023-07-14-10-11-12-123_com.example.app.jpg",
        "Screenshot_2023-07-14-10-11-12.png",
        "Screenshot 2023-07-14 at 10.11.12.png",
        "Screenshot 2023-07-14 at 10.11.12 AM.png",
        "Screenshot 2023-07-14 at 10.11.12\u{202f}AM.png",
        "Screen Recording 2023-07-14 at 10.11.12.mov",
        "Bildschirmfoto 2023-07-14 um 10.11.12.png",
        "Capture d’écran 2023-07-14 à 10.11.12.png",
        "Captura de pantalla 2023-07-14 a la(s) 10.11.12.png",
        "WhatsApp Image 2023-07-14 at 10.11.12.jpeg",
        "WhatsApp Image 2023-07-14 at 10.11.12 (10).jpeg",
        "WhatsApp Video 2023-07-14 at 10.11.12 AM.mp4",
        "PHOTO-2023-07-14-10-11-12.jpg",
        "signal-2023-07-14-101112.jpg",
        "signal-2023-07-14-10-11-12-123.jpg",
        "2023-07-14 10.11.12.jpg",
        "2023-07-14 10.11.12-1.jpg",
        "2023_07_14_10_11_12.jpg",
        "20230714_101112.jpg",
        "20230714-101112.jpg",
        "20230714101112.jpg",
        "photo_2023-07-14_10-11-12.jpg",
        "viber_image_2023-07-14_10-11-12-123.jpg",
        "DJI_20230714101112_0001.JPG",
        "Photo 14-07-2023, 10 11 12.jpg",
        "Burst_Cover_GIF_Action_20230714101112.gif",
        "00100lPORTRAIT_00100_BURST20230714101112772_COVER.jpg",
        "Resized_20230714_101112.jpeg",
        "VideoCapture_20230714-101112.jpg",
        "lv_0_20230714101112.mp4",
        "InShot_20230714_101112123.mp4",
        "CameraZOOM-20230714101112.jpg",
        "JPEG_20230714_101112_123.jpg",
        "WP_20230714_10_11_12_Pro.jpg",
        "C360_2023-07-14-10-11-12-123.jpg",
        "20230714T101112.jpg",
        "❤ 2023-07-14 10:11:12.jpg",
        ".trashed-1691234567-IMG_20230714_101112.jpg",
    ];
    for name in names {
        let found = find(name);
        assert_eq!(
            found,
            Some(Stated {
                clock: MORNING,
                ahead: None
            }),
            "{name}"
        );
    }
}

#[test]
fn afternoons_and_other_clocks() {
    let at = |name: &str| find(name).map(|found| (found.clock, found.ahead));
    let evening = MORNING + 12 * 3600;
    assert_eq!(
        at("Screen Shot 2023-07-14 at 10.11.12 PM.png"),
        Some((evening, None))
    );
    assert_eq!(
        at("Screen Shot 2023-07-14 at 1.02.03 p.m..png"),
        Some((1_689_339_723, None))
    );
    assert_eq!(
        at("Screen Shot 2023-07-14 at 12.00.00 AM.png"),
        Some((NOON - 43_200, None))
    );
    assert_eq!(
        at("Screen Shot 2023-07-14 at 12.00.00 PM.png"),
        Some((NOON, None))
    );
    // UTC, and offsets.
    assert_eq!(at("PXL_20230714_101112318.jpg"), Some((MORNING, Some(0))));
    assert_eq!(
        at("PXL_20230714_101112318.MP.jpg"),
        Some((MORNING, Some(0)))
    );
    assert_eq!(
        at("Skype_Picture_2023_07_14T10_11_12_123Z.jpeg"),
        Some((MORNING, Some(0)))
    );
    assert_eq!(
        at("2023-07-14T10_11_12+02_00.JPEG"),
        Some((MORNING, Some(7200)))
    );
    assert_eq!(
        at("Bebop2_20230714101112+0200.mp4"),
        Some((MORNING, Some(7200)))
    );
    assert_eq!(
        at("2023-07-14T10_11_12-03_30.JPEG"),
        Some((MORNING, Some(-12_600)))
    );
    // Milliseconds since 1970.
    for app in ["FB_IMG_", "mmexport", "wx_camera_"] {
        assert_eq!(
            at(&format!("{app}1689329472000.jpg")),
            Some((MORNING, Some(0))),
            "{app}"
        );
    }
    // Month first, where that is sure.
    assert_eq!(at("Photo 07-14-2023, 10 11 12.jpg"), Some((MORNING, None)));
}

#[test]
fn a_day_alone_means_noon() {
    for name in [
        "IMG-20230714-WA0001.jpg",
        "VID-20230714-WA0012.mp4",
        "IMG-20230714-WA0001(1).jpg",
        "WP_20230714_001.jpg",
        "2023-07-14.jpg",
        "Scan 2023-07-14.tif",
        "2023-07-14-0042.jpg",
        "2023-07-14 25.00.00.jpg",
    ] {
        assert_eq!(
            find(name),
            Some(Stated {
                clock: NOON,
                ahead: None
            }),
            "{name}"
        );
    }
    // A time elsewhere in the name is better than a day.
    let both = find("2023-07-13 IMG_20230714_101112.jpg").unwrap();
    assert_eq!(both.clock, MORNING);
    assert_eq!(
        find("1904-01-01 wedding.jpg").unwrap().clock,
        -2_082_801_600
    );
}

#[test]
fn what_only_looks_like_a_time_is_none() {
    for name in [
        "",
        "IMG_1234.jpg",
        "DSC_20231314.jpg",
        "DSC_20230714.jpg",
        "20230714.jpg",
        "20230230.jpg",
        "20230230_101112.jpg",
        "2023-02-30 10.11.12.jpg",
        "IMG_20230714_251112.jpg",
        "IMG_20230714_106012.jpg",
        "IMG_20990101.jpg",
        "IMG_99990101_101112.jpg",
        "IMG_10230714_101112.jpg",
        "20101315101112.jpg",
        "120230714_101112.jpg",
        "20230714_1011121.jpg",
        "IMG20230714_101112x.jpg",
        "A20230714101112.jpg",
        "received_1689329472000.jpg",
        "1689329472000.jpg",
        "1689329472.jpg",
        "FB_IMG_16893294720001.jpg",
        "FB_IMG_9689329472000.jpg",
        "Snapchat-1234567890.jpg",
        "1920x1080.jpg",
        "wallpaper 3840x2160 60.jpg",
        "+49 151 12345678.jpg",
        "+14155552671.jpg",
        "00491511234567.jpg",
        "Photo 03-04-2023, 10 11 12.jpg",
        "14-07-2023 10 11 12.jpg",
        "192.168.10.11.jpg",
        "v2023.07.14.jpg",
        "PicsArt_07-14-10.11.12.jpg",
        "IMG_19700101_000000.jpg",
        "1825-12-31 10.11.12.jpg",
        "IMG-20231314-WA0001.jpg",
        "20230714-WALL.jpg",
        "10153345678901234_n.jpg",
    ] {
        assert_eq!(find(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn no_name_panics(name in "[0-9TZ_ .:+-]{0,40}|\\PC{0,40}|2023[-_.]07[-_.]14[T ]?\\PC{0,12}") {
        if let Some(found) = find(&name) {
            prop_assert!(Stated::of(found.clock, found.ahead).is_some());
        }
    }
}
