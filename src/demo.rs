//! The demo: a small library to try gphotosfs with, written as a real Google Takeout export in three parts.
//!
//! It promises:
//! - the same bytes on every machine and in every run, so that names, inodes and dates of the demo are always the same
//!   (a test freezes them);
//! - what Google's exports are known for: year folders, albums with copies, an album of sidecars alone, titles that
//!   file names cannot hold, cut names, moving numbers, an edited copy, a live photo, sidecars in other parts;
//! - no half-made part: all are written aside, in hidden files, and then renamed; parts that are there stay as they are.
//!
//! Everything in it is painted by code, for pictures in the repository would be larger than the program. The people
//! are famous, what they do here is invented.
//!
//! `SHOTS` is the story. The rooms below tell it: `scene` paints on a `canvas`, `jpeg` and `video` encode, `stamp` is
//! the camera's EXIF, `sidecar` is Google's JSON and its names, `export` arranges all of it in parts.

mod canvas;
mod export;
mod jpeg;
mod scene;
mod sidecar;
mod stamp;
#[cfg(test)]
mod tests;
mod video;

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use canvas::Dice;
use scene::Scene::{
    self, Balloons, Boats, Cake, Dunes, Garden, Night, Peaks, Portrait, Sea, Tiles, Town, Tram,
};

/// The parts and their lengths. A change of the story, the painting or the compression changes these, and then a demo
/// that an older release wrote is written again.
const PARTS: [(&str, u64); 3] = [
    ("takeout-20260913T041200Z-1-001.zip", 867_614),
    ("takeout-20260913T041200Z-1-002.zip", 852_309),
    ("takeout-20260913T041200Z-1-003.zip", 831_882),
];

/// The minute that the parts are named after.
const EXPORTED: i64 = 1_789_272_720;

/// Writes the export's parts into `dir`, which is made if it is missing, and returns their paths in order. Does nothing
/// if they are there.
pub fn make(dir: &Path) -> io::Result<Vec<PathBuf>> {
    if !ready(dir) {
        write(dir, &export::parts()?)?;
    }
    Ok(PARTS.iter().map(|(name, _)| dir.join(name)).collect())
}

/// Writes all parts aside before the first gets its name.
fn write(dir: &Path, parts: &[Vec<u8>]) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut aside = tempfile::Builder::new();
    // As readable as any new file: the process's mask still applies.
    aside
        .prefix(".demo-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666));
    let mut written = Vec::new();
    for bytes in parts {
        let mut file = aside.tempfile_in(dir)?;
        file.write_all(bytes)?;
        written.push(file);
    }
    for (file, (name, _)) in written.into_iter().zip(PARTS) {
        file.persist(dir.join(name))?;
    }
    Ok(())
}

/// Whether all parts are in `dir`, whole. Looks at their lengths only.
pub fn ready(dir: &Path) -> bool {
    PARTS.iter().all(|&(name, length)| {
        dir.join(name)
            .metadata()
            .is_ok_and(|meta| meta.is_file() && meta.len() == length)
    })
}

/// Where a photo was taken, in millionths of a degree and metres.
#[derive(Debug, Clone, Copy)]
struct Place {
    latitude: i32,
    longitude: i32,
    altitude: u32,
}

const fn place(latitude: i32, longitude: i32, altitude: u32) -> Place {
    Place {
        latitude,
        longitude,
        altitude,
    }
}

const LONDON: Place = place(51_507_400, -127_800, 11);
const EDINBURGH: Place = place(55_948_600, -3_199_900, 110);
const LISBON: Place = place(38_712_900, -9_133_500, 40);
const VIENNA: Place = place(48_208_200, 16_373_800, 171);
const ZERMATT: Place = place(46_020_700, 7_749_100, 1608);
const BERGEN: Place = place(60_391_300, 5_322_100, 12);
const REYKJAVIK: Place = place(64_146_600, -21_942_600, 5);
const MERZOUGA: Place = place(31_099_400, -4_012_700, 720);
const KYOTO: Place = place(35_011_600, 135_768_100, 50);
const CAPE_TOWN: Place = place(-33_924_900, 18_424_100, 6);

const ADA: &str = "Ada Lovelace";
const GRACE: &str = "Grace Hopper";
const ALAN: &str = "Alan Turing";
const EMILIE: &str = "Émilie du Châtelet";

/// An album; `copies` says whether its folder holds the media too, or sidecars alone.
#[derive(Debug, Clone, Copy)]
struct Album {
    title: &'static str,
    says: &'static str,
    date: i64,
    copies: bool,
}

const FAMILY: usize = 0;
const MOUNTAINS: usize = 1;
const GARDENS: usize = 2;

#[rustfmt::skip]
const ALBUMS: [Album; 3] = [
    Album { title: "Lisbon ❤ with the family", says: "Five days of sun and one of custard tarts", date: 1_689_202_800, copies: true },
    Album { title: "Ada's \"high\" places", says: "", date: 1_361_404_800, copies: false },
    Album { title: "The garden, year by year", says: "", date: 1_249_171_200, copies: true },
];

/// What kind of files a shot leaves.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Still,
    /// Beside an edited copy.
    Edited,
    /// With the clip of a live photo.
    Live,
    Video {
        frames: u32,
    },
}

/// One upload.
#[derive(Debug, Clone, Copy)]
struct Shot {
    title: &'static str,
    /// Local time with its offset, as RFC 3339.
    taken: &'static str,
    place: Place,
    scene: Scene,
    size: (usize, usize),
    kind: Kind,
    people: &'static [&'static str],
    says: &'static str,
    albums: &'static [usize],
    /// Where the user says that it was, against its EXIF.
    moved_to: Option<Place>,
    favorite: bool,
    archived: bool,
    trashed: bool,
    partner: bool,
    /// Without a sidecar.
    bare: bool,
    /// With the sidecar's name of before 2024.
    old_rule: bool,
}

/// A plain photo, to which the methods below add.
const fn shot(title: &'static str, taken: &'static str, place: Place, scene: Scene) -> Shot {
    Shot {
        title,
        taken,
        place,
        scene,
        size: (640, 480),
        kind: Kind::Still,
        people: &[],
        says: "",
        albums: &[],
        moved_to: None,
        favorite: false,
        archived: false,
        trashed: false,
        partner: false,
        bare: false,
        old_rule: false,
    }
}

#[rustfmt::skip]
impl Shot {
    const fn sized(self, width: usize, height: usize) -> Self { Self { size: (width, height), ..self } }
    const fn kind(self, kind: Kind) -> Self { Self { kind, ..self } }
    const fn of(self, people: &'static [&'static str]) -> Self { Self { people, ..self } }
    const fn says(self, says: &'static str) -> Self { Self { says, ..self } }
    const fn in_album(self, albums: &'static [usize]) -> Self { Self { albums, ..self } }
    const fn moved_to(self, place: Place) -> Self { Self { moved_to: Some(place), ..self } }
    const fn favorite(self) -> Self { Self { favorite: true, ..self } }
    const fn archived(self) -> Self { Self { archived: true, ..self } }
    const fn trashed(self) -> Self { Self { trashed: true, ..self } }
    const fn partner(self) -> Self { Self { partner: true, ..self } }
    const fn bare(self) -> Self { Self { bare: true, ..self } }
    const fn old_rule(self) -> Self { Self { old_rule: true, ..self } }
}

impl Shot {
    /// A number of its own, from which its picture, its exact position and its link follow.
    fn seed(&self) -> u32 {
        crc32fast::hash([self.taken, self.title].concat().as_bytes())
    }

    fn taken_secs(&self) -> io::Result<i64> {
        let time: jiff::Timestamp = self.taken.parse().map_err(io::Error::other)?;
        Ok(time.as_second())
    }

    /// Within a mile of its place.
    fn position(&self) -> Place {
        let mut dice = Dice::new(self.seed());
        let Place {
            latitude,
            longitude,
            altitude,
        } = self.place;
        place(
            latitude + dice.roll(20_000) - 10_000,
            longitude + dice.roll(20_000) - 10_000,
            altitude,
        )
    }

    fn camera(&self) -> &'static str {
        if self.taken < "2014" {
            "Compact 10"
        } else {
            "Phone"
        }
    }
}

/// The story: seventeen years in forty uploads.
#[rustfmt::skip]
const SHOTS: &[Shot] = &[
    // Two cameras began to count at 1: one title twice in one year, but once in the album.
    shot("IMG_0001.jpg", "2009-07-14T17:40:51+01:00", EDINBURGH, Portrait).of(&[ADA]).sized(480, 640),
    shot("IMG_0001.jpg", "2009-08-02T10:12:05+01:00", LONDON, Garden).in_album(&[GARDENS]).says("The garden when we moved in"),
    shot("IMG_0118.jpg", "2009-12-24T18:05:33+00:00", LONDON, Town),
    shot("IMG_0342.jpg", "2010-05-16T12:30:00+01:00", LONDON, Garden).in_album(&[GARDENS]),
    shot("Tea at four: milk & sugar?.jpg", "2011-06-05T16:01:10+01:00", LONDON, Cake).of(&[ADA, GRACE]).says("Milk first, she says"),
    shot("DSC_0104.JPG", "2012-02-11T09:14:00+01:00", ZERMATT, Peaks).in_album(&[MOUNTAINS]).old_rule().sized(1024, 768),
    shot("DSC_0104.JPG", "2012-09-20T14:45:27+02:00", VIENNA, Portrait).of(&[GRACE]).old_rule(),
    shot("DSC_0229.JPG", "2012-09-21T20:10:00+02:00", VIENNA, Town).old_rule(),
    shot("DSC_0377.JPG", "2013-02-21T11:20:15+01:00", ZERMATT, Peaks).in_album(&[MOUNTAINS]).of(&[ADA]).favorite().old_rule(),
    shot("P1010033.JPG", "2013-08-08T07:55:40+02:00", BERGEN, Boats).old_rule(),
    shot("IMG_20140621_213012.jpg", "2014-06-21T21:30:12+01:00", EDINBURGH, Balloons).sized(480, 640),
    shot("🎂 Émilie turns six.jpg", "2015-12-17T15:33:08+01:00", VIENNA, Cake).of(&[EMILIE, ADA]).favorite().says("Six candles, one breath"),
    shot("IMG_20160219_234100.jpg", "2016-02-19T23:41:00+00:00", REYKJAVIK, Night).favorite().sized(1024, 768),
    shot("IMG_20160221_080200.jpg", "2016-02-21T08:02:00+00:00", REYKJAVIK, Peaks).in_album(&[MOUNTAINS]),
    shot("Concert in the park with the whole street and a very small brass band.jpg", "2017-07-01T19:22:45+01:00", LONDON, Balloons).of(&[ALAN]),
    shot("IMG_20170812_110500.jpg", "2017-08-12T11:05:00+01:00", LONDON, Garden).in_album(&[GARDENS]),
    shot("IMG_20180331_173041.jpg", "2018-03-31T17:30:41+01:00", MERZOUGA, Dunes).sized(1280, 960).says("Four camels and no shade"),
    shot("IMG_20180401_061500.jpg", "2018-04-01T06:15:00+01:00", MERZOUGA, Dunes).moved_to(LISBON).says("Google lost the way here, so we set the place by hand"),
    // Came by messenger: Google has no sidecar for it.
    shot("received_4711.jpg", "2019-05-04T13:00:00+02:00", VIENNA, Portrait).bare(),
    shot("IMG_20190714_120000.jpg", "2019-07-14T12:00:00+01:00", EDINBURGH, Sea).partner(),
    // Still the old year in UTC.
    shot("IMG_20200101_003000.jpg", "2020-01-01T00:30:00+09:00", KYOTO, Town).of(&[GRACE, ALAN]).says("Happy new year, nine hours early"),
    shot("IMG_20200102_143000.jpg", "2020-01-02T14:30:00+09:00", KYOTO, Garden).kind(Kind::Edited).of(&[GRACE]),
    shot("IMG_2101.jpg", "2021-08-21T18:47:30+02:00", BERGEN, Boats).kind(Kind::Live).of(&[EMILIE]).favorite(),
    shot("IMG_2144.jpg", "2021-09-03T12:12:12+02:00", ZERMATT, Peaks).in_album(&[MOUNTAINS]).sized(480, 640),
    shot("PXL_20220210_164512007.jpg", "2022-02-10T16:45:12+02:00", CAPE_TOWN, Sea).sized(1024, 768),
    shot("PXL_20220211_091633410.jpg", "2022-02-11T09:16:33+02:00", CAPE_TOWN, Portrait).of(&[ALAN]).says("Before the swim"),
    shot("receipt.jpg", "2022-11-30T10:00:00+00:00", LONDON, Tiles).archived(),
    shot("PXL_20230713_101502318.jpg", "2023-07-13T10:15:02+01:00", LISBON, Tram).in_album(&[FAMILY]).favorite().sized(1600, 1200),
    shot("PXL_20230713_142210954.jpg", "2023-07-13T14:22:10+01:00", LISBON, Tiles).in_album(&[FAMILY]),
    shot("PXL_20230714_111730002.jpg", "2023-07-14T11:17:30+01:00", LISBON, Portrait).in_album(&[FAMILY]).of(&[ADA]),
    shot("PXL_20230715_205801115.jpg", "2023-07-15T20:58:01+01:00", LISBON, Sea).in_album(&[FAMILY]).of(&[ADA, EMILIE]).says("Last light at the river"),
    shot("VID_20230716_183000.mp4", "2023-07-16T18:30:00+01:00", LISBON, Tram).in_album(&[FAMILY]).kind(Kind::Video { frames: 22 }),
    shot("PXL_20230717_093344871.jpg", "2023-07-17T09:33:44+01:00", LISBON, Tiles).in_album(&[FAMILY]),
    shot("blurred.jpg", "2024-03-09T22:10:09+00:00", LONDON, Night).trashed(),
    shot("PXL_20240812_091530123.jpg", "2024-08-12T09:15:30+02:00", BERGEN, Boats).of(&[GRACE, EMILIE]),
    shot("VID_20240815_200000.mp4", "2024-08-15T20:00:00+02:00", BERGEN, Sea).kind(Kind::Video { frames: 20 }).says("It sets after all"),
    shot("PXL_20250405_152000640.jpg", "2025-04-05T15:20:00+01:00", LONDON, Garden).in_album(&[GARDENS]).favorite(),
    shot("PXL_20251224_170000001.jpg", "2025-12-24T17:00:00+00:00", LONDON, Cake).of(&[ADA, GRACE, ALAN, EMILIE]).says("All of us"),
    shot("PXL_20260221_101010777.jpg", "2026-02-21T10:10:10+01:00", ZERMATT, Peaks).in_album(&[MOUNTAINS]).favorite(),
    shot("PXL_20260830_071500222.jpg", "2026-08-30T07:15:00+02:00", CAPE_TOWN, Balloons),
];
