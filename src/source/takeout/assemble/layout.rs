//! Which folders of an export are those of Google Photos, and what their names tell.

use crate::model::listing::{Entry, Kind};
use crate::source::takeout::part::is_root;
use std::collections::{HashMap, HashSet};

/// What the product folder is called where it is missing.
const PRODUCT: &str = "Google Photos";

/// What lies below the root folder `Takeout`, or the whole where there is none.
pub(super) fn below_root(dir: &str) -> &str {
    let mut from = 0;
    for component in dir.split('/') {
        from += component.len() + 1;
        if is_root(component) {
            return dir.get(from..).unwrap_or("");
        }
    }
    dir
}

/// Product folder and the folder below it, of a folder in an export.
///
/// `Takeout/Google Photos/Paris` is `("Google Photos", "Paris")`. What lies deeper keeps its slashes.
pub(super) fn place(dir: &str) -> (&str, &str) {
    let rest = below_root(dir);
    rest.split_once('/').unwrap_or((rest, ""))
}

/// Which folders of an export are those of Google Photos.
#[derive(Debug)]
pub(super) struct Layout {
    /// The product folder is missing: somebody kept only what lies in it.
    flat: bool,
    products: HashSet<String>,
}

impl Layout {
    pub(super) fn of(entries: &[Entry]) -> Layout {
        let mut seen: HashMap<&str, (bool, bool)> = HashMap::new();
        for entry in entries {
            let (media, sidecar) = seen.entry(&entry.dir).or_default();
            *media |= entry.file.kind == Kind::Media;
            *sidecar |= entry.file.kind == Kind::Sidecar;
        }
        let beside = seen
            .iter()
            .filter(|(_, (media, sidecar))| *media && *sidecar);
        let beside: Vec<&str> = beside.map(|(dir, _)| *dir).collect();
        let flat = !beside.is_empty() && beside.iter().all(|dir| place(dir).1.is_empty());
        let products = if flat {
            HashSet::from([PRODUCT.to_owned()])
        } else {
            photo_products(seen)
        };
        Layout { flat, products }
    }

    /// The product and the folder of Google Photos that a folder is; `None` when it is another product's.
    pub(super) fn place<'a>(&self, dir: &'a str) -> Option<(&'a str, &'a str)> {
        let (product, folder) = if self.flat {
            (PRODUCT, below_root(dir))
        } else {
            place(dir)
        };
        self.products.contains(product).then_some((product, folder))
    }
}

/// The products that are Google Photos: those with a folder in which media lie beside sidecars, else all with sidecars,
/// else all with media below a folder `Takeout`.
pub(super) fn photo_products(mut seen: HashMap<&str, (bool, bool)>) -> HashSet<String> {
    let products = |wanted: fn(&(bool, bool)) -> bool| -> HashSet<String> {
        let dirs = seen.iter().filter(|(_, has)| wanted(has));
        dirs.map(|(dir, _)| place(dir).0.to_owned()).collect()
    };
    let beside = products(|(media, sidecar)| *media && *sidecar);
    if !beside.is_empty() {
        return beside;
    }
    let with_sidecars = products(|(_, sidecar)| *sidecar);
    if !with_sidecars.is_empty() {
        return with_sidecars;
    }
    // Any archive has files. Without a single sidecar only the folder `Takeout` tells that these are photos.
    seen.retain(|dir, _| dir.split('/').any(is_root));
    seen.into_iter()
        .filter(|(_, (media, _))| *media)
        .map(|(dir, _)| place(dir).0.to_owned())
        .collect()
}

/// The four-digit year in a folder's name.
pub fn year_of(folder: &str) -> Option<i16> {
    let mut found = None;
    for word in folder
        .split(|c: char| !c.is_ascii_digit())
        .filter(|word| word.len() == 4)
    {
        found = word
            .parse::<i16>()
            .ok()
            .filter(|year| (1826..=2100).contains(year))
            .or(found);
    }
    found
}
