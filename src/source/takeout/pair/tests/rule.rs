//! Google's rule applied forward to made-up titles, and pairing asked to find the way back. Also what must hold for
//! any input: no panic, sane answers, no quadratic time.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::super::super::name;
use super::super::book::steps;
use super::super::{Pairing, SidecarName, pair};
use crate::model::Role;

/// One upload and what its export makes of it.
#[derive(Debug, Clone)]
struct Upload {
    title: String,
    edited: bool,
    live: bool,
    /// Old sidecars have no suffix.
    old: bool,
}

fn upload() -> impl Strategy<Value = Upload> {
    let part = prop_oneof![
        4 => "[a-cA-C_ -]{1,3}",
        2 => "IMG_[0-9]{1,2}",
        2 => Just("long enough to reach the limit of the names ".to_owned()),
        1 => "[0-9:/&?]{1,8}",
        1 => "(🎉|é|e\u{301}|写真|한){1,24}",
        1 => "[a-z.]{1,60}",
        1 => Just("(2)".to_owned()),
        1 => Just("-e".to_owned()),
        1 => Just(".MP".to_owned()),
    ];
    let extension = prop_oneof![
        4 => Just(".jpg"), 1 => Just(".JPG"), 1 => Just(".jpeg"), 2 => Just(".HEIC"), 1 => Just(".mp4"), 1 => Just(".png"),
        1 => Just(""),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (proptest::collection::vec(part, 1..4), extension, flags).prop_map(
        |(parts, extension, (edited, live, old))| {
            let title = format!("x{}z{extension}", parts.concat());
            Upload {
                title,
                edited,
                live: live && extension == ".HEIC",
                old,
            }
        },
    )
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The first `limit` units; a pair that the limit splits is kept whole or dropped.
fn clip(text: &str, limit: usize, whole: bool) -> String {
    let mut clipped = String::new();
    for char in text.chars() {
        let after = units(&clipped) + char.len_utf16();
        if after > limit && !(whole && units(&clipped) < limit) {
            break;
        }
        clipped.push(char);
    }
    clipped
}

#[derive(Default)]
struct Export {
    media: Vec<String>,
    sidecars: Vec<(String, String)>,
    /// For each media the sidecar it came with.
    truth: Vec<usize>,
    /// Whether any name had to be numbered.
    numbered: bool,
}

fn number(stem: &str, extension: &str, counter: usize) -> String {
    if counter == 0 {
        format!("{stem}{extension}")
    } else {
        format!("{stem}({counter}){extension}")
    }
}

impl Export {
    fn of(uploads: &[Upload], whole: bool, apart: bool) -> Self {
        let mut export = Self::default();
        let mut used: HashSet<String> = HashSet::new();
        for upload in uploads {
            let title = if apart {
                name::nfd(&upload.title)
            } else {
                name::nfc(&upload.title)
            };
            let clean: String = title
                .chars()
                .map(|char| if "/:&?".contains(char) { '_' } else { char })
                .collect();
            let (stem, extension) = match clean.rfind('.') {
                Some(dot) if name::kind(&clean) != name::Kind::Unknown => clean.split_at(dot),
                _ => (clean.as_str(), ".jpg"),
            };
            let suffix = if upload.old {
                ""
            } else {
                ".supplemental-metadata"
            };
            let side = clip(&format!("{clean}{suffix}"), 46, whole);
            let file = |suffix: &str, extension: &str, counter: usize| {
                let room = 51 - units(extension);
                number(
                    &clip(&format!("{stem}{suffix}"), room, whole),
                    extension,
                    counter,
                )
            };
            let free = |counter: &usize| {
                !used.contains(&number(&side, ".json", *counter))
                    && !used.contains(&file("", extension, *counter))
            };
            let counter = (0..).find(free).unwrap();
            export.numbered |= counter > 0;
            let mut files = vec![file("", extension, counter)];
            if upload.edited {
                let copy = (counter..).map(|counter| file("-edited", extension, counter));
                let copy = copy
                    .into_iter()
                    .find(|copy| !used.contains(copy) && *copy != files[0])
                    .unwrap();
                files.push(copy);
            }
            if upload.live {
                files.extend(Some(file("", ".MP4", counter)).filter(|video| !used.contains(video)));
            }
            used.insert(number(&side, ".json", counter));
            for file in files {
                used.insert(file.clone());
                export.media.push(file);
                export.truth.push(export.sidecars.len());
            }
            export
                .sidecars
                .push((number(&side, ".json", counter), title.into_owned()));
        }
        export
    }

    fn answers(&self) -> Vec<Pairing> {
        let media: Vec<&str> = self.media.iter().map(String::as_str).collect();
        let sidecars: Vec<SidecarName<'_>> = self
            .sidecars
            .iter()
            .map(|(name, title)| SidecarName {
                name,
                title: Some(title),
            })
            .collect();
        pair(&media, &sidecars)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_upload_finds_its_sidecar(upload in upload(), whole: bool, apart: bool) {
        let export = Export::of(&[upload], whole, apart);
        // A copy that lost its suffix and is a unit short of the limit looks like another photo.
        let sure = if whole { export.media.len() } else { 1 };
        for (index, answer) in export.answers().into_iter().enumerate().take(sure) {
            prop_assert_eq!(answer.sidecar, Some(0), "{} in {:?} {:?}", export.media[index], export.media, export.sidecars);
            prop_assert_eq!(answer.head, (index > 0).then_some(0), "{} in {:?}", export.media[index], export.media);
            prop_assert_eq!(answer.role == Role::Original, index == 0);
        }
    }

    #[test]
    fn many_uploads_find_their_sidecars(uploads in proptest::collection::vec(upload(), 1..12), whole: bool, apart: bool) {
        let export = Export::of(&uploads, whole, apart);
        let titles: HashSet<&str> = export.sidecars.iter().map(|(_, title)| title.as_str()).collect();
        // A numbered picture may be an upload without extension as well as a copy that lost its suffix.
        let extended = uploads.iter().all(|upload| name::kind(&upload.title) != name::Kind::Unknown);
        let unique = extended && titles.len() == export.sidecars.len();
        let distinct = !export.numbered && titles.len() == export.sidecars.len();
        for (index, answer) in export.answers().into_iter().enumerate() {
            let shown = || format!("{} in {:?} {:?}", export.media[index], export.media, export.sidecars);
            let truth = export.truth[index];
            let original = index == 0 || export.truth[index - 1] != truth;
            if distinct && (whole || original) || original && unique {
                prop_assert_eq!(answer.sidecar, Some(truth), "{}", shown());
            }
            if original && extended && let Some(sidecar) = answer.sidecar {
                prop_assert_eq!(&export.sidecars[sidecar].1, &export.sidecars[truth].1, "{}", shown());
            }
        }
    }

    #[test]
    fn garbage_gets_sane_answers(
        media in proptest::collection::vec("[ab(1)\\-.]{0,6}(\\.jpg|\\.MP|\\.mp4|-edited\\.jpg)?|\\PC{0,60}", 0..20),
        sidecars in proptest::collection::vec(
            ("[ab(1)\\-.]{0,6}(\\.jpg)?(\\.supp)?(\\(1\\))?\\.json|\\PC{0,60}", proptest::option::of("[ab(1)\\-.]{0,6}(\\.jpg)?|\\PC{0,60}")),
            0..20,
        ),
    ) {
        let names: Vec<&str> = media.iter().map(String::as_str).collect();
        let titled: Vec<SidecarName<'_>> =
            sidecars.iter().map(|(name, title)| SidecarName { name, title: title.as_deref() }).collect();
        let answers = pair(&names, &titled);
        prop_assert_eq!(answers.len(), names.len());
        let mut owners: HashMap<usize, &str> = HashMap::new();
        for (name, answer) in names.iter().zip(&answers) {
            if let Some(head) = answer.head {
                prop_assert!(names[head] != *name && answer.role != Role::Original);
                prop_assert_eq!(answers[head].head, None);
                prop_assert_eq!(answers[head].sidecar, answer.sidecar);
            }
            if let Some(sidecar) = answer.sidecar && answer.role == Role::Original {
                prop_assert_eq!(*owners.entry(sidecar).or_insert(name), *name);
            }
        }
        prop_assert_eq!(answers, pair(&names, &titled));
    }
}

#[test]
fn a_huge_folder_costs_the_same_for_each_file() {
    const MANY: usize = 1500;
    const CUT: &str = "a name that is so long that it is cut in exports";
    let shapes: [fn(usize) -> (String, String); 7] = [
        |index| {
            (
                format!("IMG_{index}.jpg"),
                format!("IMG_{index}.jpg.supplemental-metadata.json"),
            )
        },
        |index| {
            (
                format!("IMG({index}).jpg"),
                format!("IMG.jpg({index}).json"),
            )
        },
        |_| ("IMG.jpg".to_owned(), "IMG.jpg.json".to_owned()),
        |index| {
            (
                format!("{}({index}).jpg", &CUT[..47]),
                format!("{}.json", &CUT[..46]),
            )
        },
        |index| {
            (
                format!("{CUT}{index}-edited.MP4"),
                format!("{CUT}.{index}.json"),
            )
        },
        |index| {
            (
                format!("{}.x{index}", &CUT[..47]),
                format!("{}({index}).json", &CUT[..46]),
            )
        },
        |index| {
            (
                format!("IMG-edited.x{index}"),
                format!("IMG({index}).supplemental-metadata.json"),
            )
        },
    ];
    for shape in shapes {
        let names: Vec<(String, String)> = (0..MANY).map(shape).collect();
        let media: Vec<&str> = names.iter().map(|(media, _)| media.as_str()).collect();
        let long = format!("{CUT} and more.jpg");
        let numbered: Vec<String> = (0..MANY).map(|index| format!("IMG_{index}.jpg")).collect();
        for titles in [None, Some("IMG.jpg"), Some(long.as_str()), Some("")] {
            let title = |index: usize| {
                titles.map(|title| {
                    if title.is_empty() {
                        &numbered[index]
                    } else {
                        title
                    }
                })
            };
            let sidecars: Vec<SidecarName<'_>> = names
                .iter()
                .enumerate()
                .map(|(index, (_, name))| SidecarName {
                    name,
                    title: title(index),
                })
                .collect();
            steps();
            assert_eq!(pair(&media, &sidecars).len(), MANY);
            let steps = steps() / MANY;
            assert!(
                steps < 250,
                "{steps} steps for {} and {} with {titles:?}",
                media[1],
                sidecars[1].name
            );
        }
    }
}
