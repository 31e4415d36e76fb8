//! Extended attributes: what is known of a photo, for tools that look for it on the file itself.
//!
//! Only with `--xattrs`, since every one of them costs a backup tool a request for each file. What does not apply to a
//! photo is not there; directories, links and documents have none. Values are text; lists have a line for each.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use fuser::{Errno, ReplyXattr};

use crate::model::{Role, Sidecar};
use crate::tree::document::Facts;

/// All of ours begin with this.
pub(super) const PREFIX: &str = "user.gphotos.";

/// Bytes that all attributes of a file may take together. ext4 has one block of 4 KiB for them, and a copy that keeps
/// attributes fails where they do not fit; what would not fit is left out whole.
const MOST: usize = 3800;
/// What ext4 needs for an attribute besides its name and value.
const EACH: usize = 16 + 6;

/// Name and value.
pub(super) type Xattr = (String, Vec<u8>);

/// The attributes of a photo.
pub(super) fn of(facts: &Facts<'_>, sidecar: Option<&Sidecar>, role: Role) -> Vec<Xattr> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let lines = |names: &[&str]| {
        let line = |name: &&str| name.replace('\n', " ");
        (!names.is_empty()).then(|| names.iter().map(line).collect::<Vec<_>>().join("\n"))
    };
    let taken = facts
        .taken
        .and_then(|second| jiff::Timestamp::from_second(second).ok());
    let place = facts
        .place
        .map(|place| format!("{},{}", place.latitude, place.longitude));
    let fidelity = if role == Role::Edited {
        "edited"
    } else {
        "stored"
    };
    // The first ones are the last to be left out.
    let all = [
        ("title", text(sidecar.and_then(|s| s.title.as_deref()))),
        ("taken", taken.map(|time| time.to_string())),
        ("people", lines(&facts.people)),
        ("favorite", facts.favorite.then(|| "1".to_owned())),
        ("place", place),
        ("description", text(facts.description)),
        ("albums", lines(&facts.albums)),
        ("url", text(sidecar.and_then(|s| s.url.as_deref()))),
        ("fidelity", Some(fidelity.to_owned())),
    ];
    let mut sum = 0;
    let mut kept = Vec::new();
    for (name, value) in all {
        let Some(value) = value else { continue };
        let cost = EACH + name.len() + PREFIX.len() + value.len();
        if sum + cost <= MOST {
            sum += cost;
            kept.push((format!("{PREFIX}{name}"), value.into_bytes()));
        }
    }
    kept
}

/// Answers a question for one of them.
pub(super) fn get(found: &[Xattr], name: &OsStr, size: u32, reply: ReplyXattr) {
    let named = |(of, _): &&Xattr| of.as_bytes() == name.as_bytes();
    match found.iter().find(named) {
        Some((_, value)) => answer(value, size, reply),
        None => reply.error(Errno::ENODATA),
    }
}

/// Answers a question for the names of all.
pub(super) fn list(found: &[Xattr], size: u32, reply: ReplyXattr) {
    let mut names = Vec::new();
    for (name, _) in found {
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    answer(&names, size, reply);
}

/// A size of 0 asks how much room is needed.
fn answer(bytes: &[u8], size: u32, reply: ReplyXattr) {
    if size == 0 {
        reply.size(bytes.len() as u32);
    } else if bytes.len() > size as usize {
        reply.error(Errno::ERANGE);
    } else {
        reply.data(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_a_block_is_left_out_whole() {
        let long = "x".repeat(3000);
        let facts = Facts {
            description: Some(&long),
            people: vec!["Ada", "Ben\nJen"],
            albums: vec![&long],
            favorite: true,
            ..Facts::default()
        };
        let sidecar = Sidecar {
            title: Some("IMG_1.jpg".into()),
            url: Some("https://photos.google.com/photo/x".into()),
            ..Sidecar::default()
        };
        let found = of(&facts, Some(&sidecar), Role::Original);
        let names: Vec<&str> = found
            .iter()
            .map(|(name, _)| &name[PREFIX.len()..])
            .collect();
        let all = [
            "title",
            "people",
            "favorite",
            "description",
            "url",
            "fidelity",
        ];
        assert_eq!(names, all);
        assert_eq!(found[1].1, b"Ada\nBen Jen");
        assert_eq!(found[3].1, long.as_bytes());
        let sum: usize = found
            .iter()
            .map(|(name, value)| EACH + name.len() + value.len())
            .sum();
        assert!(sum <= MOST);
    }
}
