//! Arranges shots as Google Takeout does: folders of years and albums, sidecars, three parts.
//!
//! The media are stored, all texts deflated. A third of the sidecars lie in another part than their media, and album
//! cards in another part than their album: so do those of real exports.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::canvas::blend;
use super::sidecar::{album_card, album_folder, media_name, sidecar, sidecar_name, split};
use super::{ALBUMS, EXPORTED, Kind, SHOTS, Shot, jpeg, scene, stamp, video};

const PARTS: usize = super::PARTS.len();
const PRODUCT: &str = "Takeout/Google Photos";

/// The parts of the export, in order.
pub(super) fn parts() -> io::Result<Vec<Vec<u8>>> {
    let mut export = Export::default();
    let mut homes: BTreeMap<String, Vec<Made<'_>>> = BTreeMap::new();
    let mut albums: Vec<Vec<Made<'_>>> = vec![Vec::new(); ALBUMS.len()];
    for made in make_all()? {
        for &album in made.shot.albums {
            albums[album].push(made.clone());
        }
        homes.entry(home(made.shot)).or_default().push(made);
    }
    for (folder, shots) in &homes {
        for made in shots {
            export.shelve(folder, made, true);
        }
    }
    for (album, shots) in ALBUMS.iter().zip(&albums) {
        let folder = album_folder(album.title);
        for made in shots {
            export.shelve(&folder, made, album.copies);
        }
        export.push(
            format!("{PRODUCT}/{folder}/metadata.json"),
            Form::Card(album.date),
            album_card(album)?.into(),
        );
    }
    let page = include_str!("archive_browser.html").as_bytes();
    export.push(
        "Takeout/archive_browser.html".into(),
        Form::Page,
        page.into(),
    );
    export.pack()
}

/// A shot with the bytes of its files.
#[derive(Clone)]
struct Made<'a> {
    shot: &'a Shot,
    files: Vec<File>,
    sidecar: Option<Arc<[u8]>>,
}

/// One media file of a shot.
#[derive(Clone)]
struct File {
    /// What follows the title's stem.
    suffix: &'static str,
    /// The extension, unless it is the title's own.
    extension: Option<&'static str>,
    bytes: Arc<[u8]>,
}

impl File {
    fn new(suffix: &'static str, extension: Option<&'static str>, bytes: Vec<u8>) -> Self {
        Self {
            suffix,
            extension,
            bytes: bytes.into(),
        }
    }
}

/// Painting is nearly all the work, so all processors share it.
fn make_all() -> io::Result<Vec<Made<'static>>> {
    let painters = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let tasks: Vec<_> = SHOTS
            .chunks(SHOTS.len().div_ceil(painters))
            .map(|shots| scope.spawn(|| shots.iter().map(make).collect::<io::Result<Vec<_>>>()))
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(
                task.join()
                    .map_err(|_| io::Error::other("painting the demo failed"))??,
            );
        }
        Ok(all)
    })
}

fn make(shot: &Shot) -> io::Result<Made<'_>> {
    let (seed, taken) = (shot.seed(), shot.taken_secs()?);
    let film = |frames| video::film(shot.scene, seed, frames, taken);
    let mut files = Vec::new();
    if let Kind::Video { frames } = shot.kind {
        files.push(File::new("", None, film(frames)));
    } else {
        let exif = stamp::exif(shot)?;
        let (width, height) = shot.size;
        let mut canvas = scene::paint(shot.scene, seed, 0, width, height);
        files.push(File::new("", None, jpeg::encode(&canvas, Some(&exif))));
        match shot.kind {
            Kind::Edited => {
                canvas.tone(|colour| blend(colour, [255, 190, 120], 60));
                files.push(File::new(
                    "-edited",
                    None,
                    jpeg::encode(&canvas, Some(&exif)),
                ));
            }
            Kind::Live => files.push(File::new("", Some(".MP4"), film(12))),
            Kind::Still | Kind::Video { .. } => {}
        }
    }
    let sidecar = if shot.bare {
        None
    } else {
        Some(sidecar(shot)?.into())
    };
    Ok(Made {
        shot,
        files,
        sidecar,
    })
}

/// The folder that holds a shot outside albums.
fn home(shot: &Shot) -> String {
    match shot {
        Shot { trashed: true, .. } => "Trash".into(),
        Shot { archived: true, .. } => "Archive".into(),
        Shot { taken, .. } => format!("Photos from {}", taken.get(..4).unwrap_or_default()),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Media,
    Sidecar,
    /// An album's card, and its date.
    Card(i64),
    Page,
}

struct Entry {
    path: String,
    form: Form,
    bytes: Arc<[u8]>,
}

#[derive(Default)]
struct Export {
    entries: Vec<Entry>,
    /// How often a name was given, by path.
    names: HashMap<String, u32>,
}

impl Export {
    /// Puts a shot into a folder; equal names are numbered there.
    fn shelve(&mut self, folder: &str, made: &Made<'_>, with_media: bool) {
        let shot = made.shot;
        let taken = self
            .names
            .entry(format!("{folder}/{}", shot.title))
            .or_default();
        let number = *taken;
        *taken += 1;
        if with_media {
            for File {
                suffix,
                extension,
                bytes,
            } in &made.files
            {
                let title = match extension {
                    Some(extension) => format!("{}{extension}", split(shot.title).0),
                    None => shot.title.to_owned(),
                };
                let name = media_name(&title, suffix, number);
                self.push(
                    format!("{PRODUCT}/{folder}/{name}"),
                    Form::Media,
                    bytes.clone(),
                );
            }
        }
        if let Some(sidecar) = &made.sidecar {
            let name = sidecar_name(shot.title, shot.old_rule, number);
            self.push(
                format!("{PRODUCT}/{folder}/{name}"),
                Form::Sidecar,
                sidecar.clone(),
            );
        }
    }

    fn push(&mut self, path: String, form: Form, bytes: Arc<[u8]>) {
        self.entries.push(Entry { path, form, bytes });
    }

    /// Fills the parts evenly and writes them.
    fn pack(&self) -> io::Result<Vec<Vec<u8>>> {
        let total: usize = self.entries.iter().map(|entry| entry.bytes.len()).sum();
        let mut parts: Vec<Vec<&Entry>> = vec![Vec::new(); PARTS];
        let (mut before, mut sidecars) = (0, 0);
        for entry in &self.entries {
            let here = before * PARTS / (total + 1);
            let part = match entry.form {
                Form::Media => here,
                Form::Card(_) => (here + 1) % PARTS,
                Form::Page => 0,
                Form::Sidecar => {
                    sidecars += 1;
                    if sidecars % 3 == 0 {
                        (here + 1) % PARTS
                    } else {
                        here
                    }
                }
            };
            parts[part].push(entry);
            before += entry.bytes.len();
        }
        parts
            .iter()
            .map(|entries| zip(entries).map_err(io::Error::other))
            .collect()
    }
}

fn zip(entries: &[&Entry]) -> Result<Vec<u8>, rawzip::Error> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for entry in entries {
        let method = match entry.form {
            Form::Media => CompressionMethod::STORE,
            Form::Sidecar | Form::Card(_) | Form::Page => CompressionMethod::DEFLATE,
        };
        // Files bear the minute of the export, album cards the album's own date.
        let modified = if let Form::Card(date) = entry.form {
            date
        } else {
            EXPORTED
        };
        let (mut file, config) = archive
            .new_file(&entry.path)
            .compression_method(method)
            .last_modified(UtcDateTime::from_unix(modified))
            .unix_permissions(0o100_644)
            .start()?;
        let written = if method == CompressionMethod::STORE {
            let mut writer = config.wrap(&mut file);
            writer.write_all(&entry.bytes)?;
            writer.finish()?.1
        } else {
            let mut writer = config.wrap(DeflateEncoder::new(&mut file, Compression::default()));
            writer.write_all(&entry.bytes)?;
            let (encoder, written) = writer.finish()?;
            encoder.finish()?;
            written
        };
        file.finish(written)?;
    }
    archive.finish()
}
