//! From facts to the image: exports in the order of their stamps, folded into one tree, and kept in the catalog.
//!
//! The image is made only when something has changed: what it was made of is kept beside it.

pub use super::accounts::Key;
use super::pixels::Measure;
use super::{Error, dates, heads, memory};
use crate::catalog::{self, Catalog, KnownPart};
use crate::model::{Batch, Decided, Sidecar};
use crate::source::takeout::assemble::{self, Export};
use crate::tree::document;
use crate::tree::fold::{Fold, Held, Rules};
use crate::tree::image::{Image, Texts};
use crate::tree::moves::{Move, Moves};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Counts the versions of the fold and of what it takes in. A catalog whose image is of another is folded anew.
const VERSION: u32 = 6;
/// Under this key the catalog remembers which version made the kept image: another's cannot be read.
const DRAWN_BY: &str = "drawn_by";
/// Under this key the catalog remembers changed paths until they are told, as a JSON array of [`Move`].
const UNTOLD: &str = "untold";

/// What is known of the exports, for a fold.
pub(super) enum Facts<'a> {
    /// As far as it is remembered: no archive is opened, and what nothing tells apart counts as different.
    Kept(&'a Catalog),
    /// What is missing is read in the archives, and remembered.
    Growing(&'a mut Catalog),
}

impl Facts<'_> {
    pub(super) fn catalog(&self) -> &Catalog {
        match self {
            Facts::Kept(catalog) => catalog,
            Facts::Growing(catalog) => catalog,
        }
    }

    /// Where to remember what is read; `None` where nothing is to be read.
    pub(super) fn growing(&mut self) -> Option<&mut Catalog> {
        match self {
            Facts::Kept(_) => None,
            Facts::Growing(catalog) => Some(catalog),
        }
    }
}

/// The parts of each export to show.
pub type Groups = BTreeMap<Key, Vec<KnownPart>>;

/// Sorts parts into exports. What has no stamp belongs to the one export of its account that has one, else it is one of
/// its own.
pub fn groups(parts: &[KnownPart], hidden: &BTreeSet<Key>) -> Groups {
    let mut stamps: BTreeMap<&Option<String>, BTreeSet<&String>> = BTreeMap::new();
    for part in parts {
        let stamps = stamps.entry(&part.account).or_default();
        stamps.extend(&part.stamp);
    }
    let only = |account: &Option<String>| match stamps.get(account) {
        Some(stamps) if stamps.len() == 1 => stamps.first().map(|stamp| (*stamp).clone()),
        _ => None,
    };
    let mut groups = Groups::new();
    for part in parts {
        let stamp = part.stamp.clone().or_else(|| only(&part.account));
        let account = part.account.clone();
        let key = Key { account, stamp };
        if !hidden.contains(&key) {
            groups.entry(key).or_default().push(part.clone());
        }
    }
    groups
}

/// What a tree is made of.
#[derive(Debug, Clone, Default)]
pub struct Exports {
    /// The parts of each.
    pub groups: Groups,
    /// Parts whose bytes cannot be had now.
    pub absent: BTreeSet<u32>,
    /// Those that are shown although something is missing: what they lack proves nothing.
    pub broken: BTreeSet<Key>,
}

/// What decides, beside the exports, what becomes of them.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What decides about names.
    pub rules: &'a Rules,
    /// What the user decided.
    pub decided: &'a Decided,
}

/// Makes and keeps the image, unless the kept one was made of the same. Tells how it differs from the one before; `None`
/// where there was none, or one of another version of this program.
///
/// # Errors
/// When the catalog fails.
pub fn project(
    catalog: &mut Catalog,
    exports: &Exports,
    terms: Terms<'_>,
) -> Result<Option<Moves>, Error> {
    let made_of = fingerprint(exports, terms);
    if catalog.image_made_of()?.as_deref() == Some(&made_of) {
        let files = catalog.meta("files")?;
        return Ok(Some(Moves {
            kept: files.and_then(|files| files.parse().ok()).unwrap_or(0),
            ..Moves::default()
        }));
    }
    let (image, texts) = fold(Facts::Growing(catalog), exports, terms)?;
    // Only now, when the facts that the fold was made of are out of memory.
    memory::give_back();
    let old = kept(catalog)?;
    let moves = old.map(|old| Moves::between(&old, &image));
    if let Some(moves) = &moves {
        remember_untold(catalog, moves)?;
    }
    keep(catalog, &image, &texts, &made_of)?;
    Ok(moves)
}

/// Paths that have changed and that nobody has been told of: a pass may die between the two.
pub(super) fn untold(catalog: &Catalog) -> Result<Vec<Move>, Error> {
    let Some(text) = catalog.meta(UNTOLD)? else {
        return Ok(Vec::new());
    };
    let unreadable = |_| catalog::Error::Value(format!("{UNTOLD}: {text}"));
    Ok(serde_json::from_str(&text).map_err(unreadable)?)
}

fn remember_untold(catalog: &mut Catalog, moves: &Moves) -> Result<(), Error> {
    let mut paths = untold(catalog)?;
    if moves.paths.is_empty() {
        return Ok(());
    }
    paths.extend(moves.paths.iter().cloned());
    keep_untold(catalog, &paths)
}

fn keep_untold(catalog: &mut Catalog, paths: &[Move]) -> Result<(), Error> {
    let unwritable = |error| catalog::Error::Value(format!("{UNTOLD}: {error}"));
    let text = serde_json::to_string(paths).map_err(unwritable)?;
    Ok(catalog.set_meta(UNTOLD, &text)?)
}

/// From here on whoever called tells of all paths that have changed.
pub(super) fn told(catalog: &mut Catalog) -> Result<(), Error> {
    if untold(catalog)?.is_empty() {
        return Ok(());
    }
    keep_untold(catalog, &[])
}

/// Keeps an image, and which version made it.
fn keep(catalog: &mut Catalog, image: &Image, texts: &Texts, made_of: &str) -> Result<(), Error> {
    // Nobody's while it changes: stopped in between, it is not taken for the image of either version.
    catalog.set_meta(DRAWN_BY, "")?;
    catalog.keep_image(image, texts, made_of)?;
    catalog.set_meta(DRAWN_BY, &VERSION.to_string())?;
    Ok(())
}

/// Whether an image is kept that this version made.
pub(super) fn is_kept(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta(DRAWN_BY)? == Some(VERSION.to_string()))
}

/// Whether an image was ever kept, of whatever version: then all sources have been looked at once.
pub(super) fn was_ever_kept(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta(DRAWN_BY)?.is_some())
}

fn kept(catalog: &Catalog) -> Result<Option<Image>, Error> {
    if !is_kept(catalog)? {
        return Ok(None);
    }
    match catalog.image() {
        Ok(image) => Ok(Some(image)),
        Err(catalog::Error::NotYet | catalog::Error::Value(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Folds all exports into an image, account by account, and measures the documents for it.
pub(super) fn fold(
    facts: Facts<'_>,
    exports: &Exports,
    terms: Terms<'_>,
) -> Result<(Image, Texts), Error> {
    fold_with(facts, exports, terms, &mut |_, _, _| {})
}

/// Shown a fold after each export: of which account it is, and the export's stamp.
pub(super) type Look<'a> = &'a mut dyn FnMut(Option<&str>, &Fold<'_>, &str);

/// The same, and shows the folds while they are made.
pub(super) fn fold_with(
    mut facts: Facts<'_>,
    exports: &Exports,
    terms: Terms<'_>,
    look: Look<'_>,
) -> Result<(Image, Texts), Error> {
    let parts: HashMap<u32, &KnownPart> = exports
        .groups
        .values()
        .flatten()
        .map(|part| (part.part.id, part))
        .collect();
    let measure = RefCell::new(Measure::of(&mut facts, parts.clone())?);
    let mut folding = Folding {
        exports,
        terms,
        parts,
        map: dates::Map::default(),
        sidecars: HashMap::new(),
        problems: Vec::new(),
    };
    let mut image = folding.account(&mut facts, &measure, None, HashSet::new(), look)?;
    let accounts = exports.groups.keys().filter_map(|key| key.account.as_ref());
    for account in accounts.collect::<BTreeSet<&String>>() {
        let taken = image.inodes();
        image.join(folding.account(&mut facts, &measure, Some(account), taken, look)?);
    }
    let Folding {
        sidecars,
        problems,
        map,
        ..
    } = folding;
    drop(map);
    measure.into_inner().remember(&mut facts)?;
    image.found.problems = problems;
    let texts = document::measure(&image, |entry| Some(&**sidecars.get(&entry)?));
    Ok((image, texts))
}

/// The exports in the order of their stamps, each with the key of its parts.
pub(super) fn stamped(catalog: &Catalog, exports: &Exports) -> Result<Vec<(String, Key)>, Error> {
    let mut stamped = Vec::new();
    for key in exports.groups.keys() {
        let known = match &key.stamp {
            Some(stamp) => stamp.clone(),
            None => batch(catalog, exports, key)?.stamp,
        };
        stamped.push((known, key.clone()));
    }
    stamped.sort();
    Ok(stamped)
}

/// What the accounts share while they are folded one after the other.
struct Folding<'a> {
    exports: &'a Exports,
    terms: Terms<'a>,
    parts: HashMap<u32, &'a KnownPart>,
    map: dates::Map,
    /// Those in use, by the catalog's numbers.
    sidecars: HashMap<u32, Arc<Sidecar>>,
    problems: Vec<String>,
}

impl Folding<'_> {
    /// Folds the exports of one account. One is in memory at a time.
    fn account(
        &mut self,
        facts: &mut Facts<'_>,
        measure: &RefCell<Measure<'_>>,
        account: Option<&str>,
        taken: HashSet<u64>,
        look: Look<'_>,
    ) -> Result<Image, Error> {
        let Terms { rules, decided } = self.terms;
        let pixels = Box::new(|held: Held<'_>| measure.borrow_mut().pixels(held));
        let mut fold = Fold::of_account(account, taken, rules.clone(), decided, pixels);
        let mut row = Row::of(facts, self.exports, account)?;
        let mut sidecars: HashMap<u32, Arc<Sidecar>> = HashMap::new();
        while let Some(mut batch) = row.next(facts)? {
            let ambiguous = &row.ambiguous;
            let told = heads::compare(facts, &self.parts, ambiguous, &mut batch)?;
            self.problems.extend(told);
            let told = dates::tell(facts, &self.parts, &mut self.map, &mut batch)?;
            self.problems.extend(told);
            fold.step(&batch);
            look(account, &fold, &batch.stamp);
            sidecars.extend(batch.media.into_iter().filter_map(|medium| medium.sidecar));
            let in_use = fold.sidecars();
            sidecars.retain(|entry, _| in_use.contains(entry));
        }
        self.sidecars.extend(sidecars);
        Ok(fold.image())
    }
}

/// The exports of an account in the order of their stamps, each made of its parts when it is its turn.
struct Row<'a> {
    exports: &'a Exports,
    /// From the last to the first, each with its stamp.
    left: Vec<(String, &'a Key)>,
    /// The only one is made once.
    only: Option<Batch>,
    ambiguous: HashSet<(u64, u32)>,
}

impl<'a> Row<'a> {
    fn of(
        facts: &Facts<'_>,
        exports: &'a Exports,
        account: Option<&str>,
    ) -> Result<Row<'a>, Error> {
        let mut row = Row {
            exports,
            left: Vec::new(),
            only: None,
            ambiguous: HashSet::new(),
        };
        let mut said = heads::Said::default();
        let own = exports.groups.keys();
        let own: Vec<&Key> = own
            .filter(|key| key.account.as_deref() == account)
            .collect();
        for key in &own {
            let batch = batch(facts.catalog(), exports, key)?;
            said.hear(&batch);
            row.left.push((batch.stamp.clone(), key));
            row.only = (own.len() == 1).then_some(batch);
        }
        row.left.sort_by(|a, b| b.cmp(a));
        row.ambiguous = said.ambiguous();
        Ok(row)
    }

    fn next(&mut self, facts: &Facts<'_>) -> Result<Option<Batch>, Error> {
        let Some((_, key)) = self.left.pop() else {
            return Ok(None);
        };
        match self.only.take() {
            Some(batch) => Ok(Some(batch)),
            None => batch(facts.catalog(), self.exports, key).map(Some),
        }
    }
}

fn batch(catalog: &Catalog, exports: &Exports, key: &Key) -> Result<Batch, Error> {
    let parts = &exports.groups[key];
    let export = load(catalog, key.stamp.as_deref(), parts, &exports.absent)?;
    let mut batch = assemble::assemble(export);
    if batch.stamp.is_empty() {
        batch.stamp = newest_upload(&batch);
    }
    batch.whole = !exports.broken.contains(key);
    Ok(batch)
}

pub(super) fn fingerprint(exports: &Exports, terms: Terms<'_>) -> String {
    let mut sha = Sha256::new();
    sha.update(VERSION.to_le_bytes());
    let Terms { rules, decided } = terms;
    sha.update(rules.zone.iana_name().unwrap_or_default());
    sha.update([0, u8::from(rules.names.windows), rules.names.max]);
    let mut words = |tag: u8, stamps: &BTreeSet<String>| {
        for stamp in stamps {
            sha.update([tag]);
            sha.update(stamp);
            sha.update([0]);
        }
    };
    words(1, &decided.full);
    words(2, &decided.partial);
    let broken = exports.broken.iter().map(Key::to_string);
    words(3, &broken.collect());
    let of_first = decided.forgotten.iter().map(|key| ("", key));
    let others = decided.forgotten_in.iter();
    let of_others = others.flat_map(|(name, keys)| keys.iter().map(move |key| (&**name, key)));
    for (account, key) in of_first.chain(of_others) {
        sha.update([4]);
        sha.update(account);
        sha.update(key.size.to_le_bytes());
        sha.update(key.crc32.to_le_bytes());
        sha.update(key.head.to_le_bytes());
    }
    for (Key { account, stamp }, parts) in &exports.groups {
        for text in [account, stamp] {
            sha.update([5, u8::from(text.is_some())]);
            sha.update(text.as_deref().unwrap_or_default());
        }
        for part in parts {
            sha.update(part.part.id.to_le_bytes());
            sha.update([u8::from(exports.absent.contains(&part.part.id))]);
            sha.update(part.part.size.to_le_bytes());
            sha.update(part.part.mtime_ns.to_le_bytes());
            sha.update(part.part.path.as_os_str().as_bytes());
        }
    }
    data_encoding::HEXLOWER.encode(&sha.finalize())
}

/// Whether the kept image holds anything at all.
///
/// # Errors
/// When the catalog fails.
pub fn any_photos(catalog: &Catalog) -> Result<bool, Error> {
    Ok(catalog.meta("files")?.as_deref() != Some("0"))
}

fn load(
    catalog: &Catalog,
    stamp: Option<&str>,
    parts: &[KnownPart],
    absent: &BTreeSet<u32>,
) -> Result<Export, Error> {
    let mut export = Export {
        stamp: stamp.unwrap_or_default().to_owned(),
        ..Export::default()
    };
    for part in parts {
        let id = part.part.id;
        export.entries.extend(catalog.entries(id)?);
        export.sidecars.extend(
            catalog
                .sidecars(id)?
                .into_iter()
                .map(|(entry, facts)| (entry, Arc::new(facts))),
        );
        export.albums.extend(catalog.albums(id)?);
        if part.part.folder {
            export.folders.insert(id);
        }
        if part.part.gzipped {
            export.gzipped.insert(id);
        }
        if absent.contains(&id) {
            export.absent.insert(id);
        }
    }
    Ok(export)
}

/// An export without a stamp is as old as its newest upload.
fn newest_upload(batch: &Batch) -> String {
    let uploads = batch
        .media
        .iter()
        .filter_map(|medium| medium.sidecar.as_ref()?.1.uploaded);
    let newest = uploads
        .max()
        .and_then(|second| jiff::Timestamp::from_second(second).ok());
    newest
        .map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_default()
}
