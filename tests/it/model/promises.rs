//! The promises of the scheme that hold of every tree.

use super::bytes::Content;
use super::export::{Export, year};
use super::tree::{Entry, Tree, fold, folder, name};
use super::truth::{Owner, Truth};
use super::world::{Item, ROLES, Role};
use std::collections::{BTreeSet, HashMap};

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Which.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
}

/// Kept, or broken.
pub type Kept = Result<(), Broken>;

/// Kept if `holds`.
pub fn keep(promise: &'static str, holds: bool, what: impl FnOnce() -> String) -> Kept {
    if holds {
        return Ok(());
    }
    Err(Broken {
        promise,
        what: what(),
    })
}

/// What was met on the way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Histories played.
    pub histories: u64,
    /// Exports that arrived, whole or in parts.
    pub exports: u64,
    /// Trees compared with one made anew.
    pub rebuilds: u64,
    /// Photos that were to stay as they are, and were looked at.
    pub survivors: u64,
    /// Edits shown in the place of what was edited.
    pub edits: u64,
    /// Older versions that stand beside a newer one, because it is not certain that it is one.
    pub beside: u64,
    /// Contents that another upload of the same title and second hides.
    pub residue: u64,
    /// Arrivals of exports that are older than one that was there.
    pub older: u64,
    /// Passes that were stopped in the middle.
    pub crashes: u64,
    /// Sources that vanished or broke for a while.
    pub vanished: u64,
    /// Paths that had to be told to the tools, since an older export came later.
    pub told: u64,
    /// Photos marked as gone from Google.
    pub gone: u64,
}

impl Counts {
    /// Adds what another history met.
    pub fn add(&mut self, other: &Counts) {
        self.histories += other.histories;
        self.exports += other.exports;
        self.rebuilds += other.rebuilds;
        self.survivors += other.survivors;
        self.edits += other.edits;
        self.beside += other.beside;
        self.residue += other.residue;
        self.older += other.older;
        self.crashes += other.crashes;
        self.vanished += other.vanished;
        self.told += other.told;
        self.gone += other.gone;
    }
}

/// The promises of a tree by itself.
pub fn always(
    truth: &Truth<'_>,
    tree: &Tree,
    forgotten: &BTreeSet<Content>,
    counts: &mut Counts,
) -> Kept {
    names_differ(tree)?;
    numbers_agree(truth, tree)?;
    newest_are_shown(truth, tree, forgotten, counts)?;
    for (path, entry, content) in tree.homes() {
        if let Some(owner) = truth.only_owner(content)
            && !truth.is_dark(owner.0)
            && !truth.is_residue(owner.0)
            && !truth.is_taken_for_another(owner)
        {
            facts_are_told(truth, owner, path, entry, content)?;
            links_are_told(truth, tree, owner, content)?;
        }
    }
    albums_are_whole(truth, tree, forgotten)?;
    marks_are_right(truth, tree, counts)?;
    exports_are_judged(truth, tree)
}

fn names_differ(tree: &Tree) -> Kept {
    let mut seen = BTreeSet::new();
    for path in tree.files.keys().chain(tree.dirs.keys()) {
        keep(
            "no two names differ only in case",
            seen.insert(fold(path)),
            || path.clone(),
        )?;
    }
    Ok(())
}

fn numbers_agree(truth: &Truth<'_>, tree: &Tree) -> Kept {
    let mut by_ino: HashMap<u64, &Entry> = HashMap::new();
    let mut by_content: HashMap<Content, u64> = HashMap::new();
    for (path, entry, content) in tree.media() {
        let first = by_ino.entry(entry.ino).or_insert(entry);
        keep("one inode is one content", *first == entry, || {
            format!("{path}: {entry:?} and {first:?}")
        })?;
        let ino = *by_content.entry(content).or_insert(entry.ino);
        keep("one content is one inode", ino == entry.ino, || {
            format!("{path}: content {content} has {ino} and {}", entry.ino)
        })?;
        let size = truth.pool.bytes(content).len() as u64;
        keep("sizes are exact", size == entry.size, || path.to_owned())?;
    }
    let mut homes = BTreeSet::new();
    for (path, _, content) in tree.homes() {
        keep(
            "each content stands once in by-date",
            homes.insert(content),
            || path.to_owned(),
        )?;
    }
    let mut elsewhere = tree
        .media()
        .filter(|(_, _, content)| !homes.contains(content));
    let homeless = elsewhere.next();
    keep(
        "each content stands once in by-date",
        homeless.is_none(),
        || format!("not there: {homeless:?}"),
    )
}

fn newest_are_shown(
    truth: &Truth<'_>,
    tree: &Tree,
    forgotten: &BTreeSet<Content>,
    counts: &mut Counts,
) -> Kept {
    let shown: BTreeSet<Content> = tree.homes().map(|(_, _, content)| content).collect();
    for owner in truth.all() {
        let wanted = truth.wanted(owner);
        let all = truth.contents(owner);
        if wanted.is_empty() || !all.is_disjoint(forgotten) {
            continue;
        }
        if !wanted.iter().any(|content| shown.contains(content)) {
            if truth.is_residue(owner.0) || truth.is_taken_for_another(owner) {
                counts.residue += 1;
                continue;
            }
            return keep("the newest bytes of every item are shown", false, || {
                let shown: Vec<_> = all.intersection(&shown).collect();
                format!("{owner:?}: {wanted:?} of {all:?} is not there, {shown:?} is")
            });
        }
        let others = all.intersection(&shown).filter(|c| !wanted.contains(c));
        counts.beside += others.filter(|c| truth.owners(**c).len() == 1).count() as u64;
    }
    Ok(())
}

/// Title, date and upload of a photo in its path and times.
fn facts_are_told(
    truth: &Truth<'_>,
    owner: Owner,
    path: &str,
    entry: &Entry,
    content: Content,
) -> Kept {
    let facts = truth.facts(owner, content);
    let versions = truth.contents(owner).len() as i64;
    let fits = |facts: &&Item| {
        let late = entry.mtime - facts.taken;
        // Two seconds for each version, and two where a new date would hide that.
        let in_time = late % 2 == 0 && (0..=2 * versions).contains(&late);
        in_time && folder(path) == month(facts.taken) && is_named(name(path), &facts.title, owner.1)
    };
    keep(
        "path and mtime say title and date",
        facts.iter().any(fits),
        || {
            let said: Vec<_> = facts.iter().map(|f| (&f.title, f.taken)).collect();
            format!("{owner:?} {path} {entry:?}: {said:?}")
        },
    )?;
    let uploaded = facts.iter().all(|facts| facts.upload == entry.ctime.0);
    keep("ctime says the upload", uploaded, || {
        format!("{owner:?} {path} {entry:?}: {}", facts[0].upload)
    })
}

fn month(taken: i64) -> String {
    let time = jiff::Timestamp::from_second(taken).unwrap();
    let time = time.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    format!("by-date/{:04}/{0:04}-{:02}", year(taken), time.month())
}

fn is_named(name: &str, title: &str, role: Role) -> bool {
    let (stem, ending) = title.rsplit_once('.').unwrap();
    let Some((own, own_ending)) = name.rsplit_once('.') else {
        return false;
    };
    if role == Role::Original {
        let suffix = own.strip_prefix(stem);
        let plain = suffix.is_some_and(|rest| rest.is_empty() || rest.starts_with('~'));
        return plain && ending == own_ending;
    }
    // The stem of the head, with its suffix if it has one, and one of its own.
    own.starts_with(stem) && (role == Role::Clip) == (own_ending == "MP4")
}

/// People and favourites follow the sidecar in use.
fn links_are_told(truth: &Truth<'_>, tree: &Tree, owner: Owner, content: Content) -> Kept {
    let facts = truth.facts(owner, content);
    let places = |view: &str| {
        let places = tree
            .media()
            .filter(|(path, _, other)| *other == content && path.starts_with(view));
        places.count()
    };
    let fits = |facts: &&Item| {
        places("favorites/") == usize::from(facts.favourite)
            && places("people/") == facts.people.len()
    };
    keep(
        "people and favourites are the sidecar's",
        facts.iter().any(fits),
        || {
            let said: Vec<_> = facts.iter().map(|f| (f.favourite, &f.people)).collect();
            format!(
                "{owner:?} {content}: {} {}: {said:?}",
                places("favorites/"),
                places("people/")
            )
        },
    )
}

/// All that was ever in an album is there.
fn albums_are_whole(truth: &Truth<'_>, tree: &Tree, forgotten: &BTreeSet<Content>) -> Kept {
    for (title, members) in truth
        .exports
        .iter()
        .flat_map(|export| export.albums.values())
    {
        let dir = fold(&format!("albums/{}", title.replace('/', "_")));
        let in_album = |path: &str| {
            let folder = fold(folder(path));
            let rest = folder.strip_prefix(&dir);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('~'))
        };
        for item in members {
            let own = (*item, Role::Original);
            let known = truth
                .exports
                .iter()
                .any(|export| export.of(*item).is_some_and(|h| !h.dark));
            let contents = truth.contents(own);
            if !known
                || truth.is_dark(*item)
                || contents.is_empty()
                || !contents.is_disjoint(forgotten)
            {
                continue;
            }
            let mut there = tree.media().filter(|(path, ..)| in_album(path));
            let there = there.any(|(_, _, content)| truth.owners(content).contains(&own));
            keep(
                "albums hold what they ever held",
                there || truth.is_residue(*item),
                || format!("{title} lacks {item}, one of {contents:?}"),
            )?;
        }
    }
    Ok(())
}

fn was_full(tree: &Tree, export: &Export) -> bool {
    let judged = tree
        .judged
        .iter()
        .find(|judged| judged.stamp == export.stamp);
    judged.is_some_and(|judged| judged.full)
}

/// An original is marked as gone when it was put away, or a full export lacks it, since it was last seen in the library.
fn marks_are_right(truth: &Truth<'_>, tree: &Tree, counts: &mut Counts) -> Kept {
    for (path, entry, content) in tree.homes() {
        counts.gone += u64::from(entry.gone);
        let Some(owner) = truth
            .only_owner(content)
            .filter(|owner| owner.1 == Role::Original)
        else {
            continue;
        };
        if truth.is_dark(owner.0)
            || truth.is_residue(owner.0)
            || truth.is_taken_for_another(owner)
            || truth.contents(owner).len() > 1
        {
            continue;
        }
        let live = |(_, held): &(usize, &super::export::Held)| held.is_live();
        let Some((last, _)) = truth.sightings(owner.0).rfind(live) else {
            continue;
        };
        let gone = truth.exports[last + 1..]
            .iter()
            .any(|export| export.of(owner.0).is_some() || was_full(tree, export));
        keep(
            "what is gone from Google is marked",
            entry.gone == gone,
            || format!("{owner:?} {path}: {}", entry.gone),
        )?;
    }
    Ok(())
}

/// Full is what holds every year's folder known before and nine tenths of the photos, and lacks no part. What comes near
/// to that limit is left to the program: edited copies count, and so do older versions that stand beside the newer.
fn exports_are_judged(truth: &Truth<'_>, tree: &Tree) -> Kept {
    for (at, export) in truth.exports.iter().enumerate().skip(1) {
        let before = &truth.exports[..at];
        let full = was_full(tree, export);
        let known = before
            .iter()
            .flat_map(|export| export.held.iter().map(|held| held.item));
        let known: BTreeSet<usize> = known.collect();
        let known: Vec<usize> = known
            .into_iter()
            .filter(|item| is_here(tree, before, *item))
            .collect();
        let all = export.held.iter().flat_map(|held| held.facts.contents);
        let all: BTreeSet<Content> = all.flatten().collect();
        let held = |item: &&usize| {
            let mut own = ROLES
                .into_iter()
                .flat_map(|role| truth.contents((**item, role)));
            own.any(|content| all.contains(&content))
        };
        let lacking = known.len() - known.iter().filter(held).count();
        let share = 1.0 - lacking as f64 / known.len().max(1) as f64;
        let all_roles = known.iter().all(|item| {
            ROLES.into_iter().all(|role| {
                let contents = truth.contents((*item, role));
                let now = export
                    .of(*item)
                    .and_then(|held| held.facts.contents[role as usize]);
                contents.is_empty() || (contents.len() == 1 && now.is_some())
            })
        });
        let seen = before.iter().filter(|export| export.whole);
        let years: BTreeSet<i16> = seen.flat_map(Export::years).collect();
        let all_years = years.is_subset(&export.years());
        let wrong = match full {
            true => share < 0.7 || !all_years || export.broken,
            false => {
                before.iter().all(|export| export.whole)
                    && export.whole
                    && share == 1.0
                    && all_roles
                    && all_years
            }
        };
        keep("full exports are told from partial ones", !wrong, || {
            format!(
                "{}: {full}, {share} of the photos, all years {all_years}",
                export.stamp
            )
        })?;
    }
    Ok(())
}

/// Whether an upload was at Google as far as exports told.
fn is_here(tree: &Tree, exports: &[Export], item: usize) -> bool {
    let mut here = false;
    for export in exports {
        match export.of(item) {
            Some(held) => here = held.is_live(),
            None => here &= !was_full(tree, export),
        }
    }
    here
}
