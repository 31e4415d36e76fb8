//! What is true of the account, as far as the exports that are there tell: the reference that trees are held against.
//! It is made of the world's own records and knows neither archives nor the program.

use super::bytes::{Content, Pool};
use super::export::{Export, Held};
use super::world::{Item, ItemId, ROLES, Role};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Who bears a content: which upload, and as what.
pub type Owner = (ItemId, Role);

/// The exports that are there, in the order of their stamps, and what follows from them.
#[derive(Debug)]
pub struct Truth<'a> {
    /// All contents.
    pub pool: &'a Pool,
    /// What is there.
    pub exports: &'a [Export],
    owners: HashMap<Content, BTreeSet<Owner>>,
    versions: BTreeMap<Owner, Vec<Version>>,
}

/// That an export held a content of an upload.
#[derive(Debug, Clone, Copy)]
struct Version {
    content: Content,
    live: bool,
}

impl<'a> Truth<'a> {
    /// `exports` in the order of their stamps.
    pub fn new(pool: &'a Pool, exports: &'a [Export]) -> Truth<'a> {
        let mut truth = Truth {
            pool,
            exports,
            owners: HashMap::new(),
            versions: BTreeMap::new(),
        };
        for held in exports.iter().flat_map(|export| &export.held) {
            for role in ROLES {
                let Some(content) = held.facts.contents[role as usize] else {
                    continue;
                };
                let owner = (held.item, role);
                truth.owners.entry(content).or_default().insert(owner);
                let live = held.is_live();
                let version = Version { content, live };
                truth.versions.entry(owner).or_default().push(version);
            }
        }
        truth
    }

    /// All that ever bore a content.
    pub fn owners(&self, content: Content) -> &BTreeSet<Owner> {
        &self.owners[&content]
    }

    /// Whether one content may take the place of another: they may be versions of one photo, or be taken for such.
    pub fn may_follow(&self, one: Content, other: Content) -> bool {
        let residue = |content| {
            self.owners(content)
                .iter()
                .any(|owner| self.is_residue(owner.0))
        };
        let related = !self.owners(one).is_disjoint(self.owners(other));
        related || (residue(one) && residue(other))
    }

    /// The one upload and role that ever bore a content. `None` also where the upload's original, from which an edited
    /// copy has its name, was ever another's.
    pub fn only_owner(&self, content: Content) -> Option<Owner> {
        let owners = self.owners(content);
        let owner = *owners.first().filter(|_| owners.len() == 1)?;
        let originals = self.versions.get(&(owner.0, Role::Original));
        let mut originals = originals.into_iter().flatten();
        let own = originals.all(|version| self.owners(version.content).len() == 1);
        (owner.1 == Role::Original || own).then_some(owner)
    }

    /// All uploads and roles that exports hold.
    pub fn all(&self) -> impl Iterator<Item = Owner> + '_ {
        self.versions.keys().copied()
    }

    /// All contents that an upload ever had in a role.
    pub fn contents(&self, owner: Owner) -> BTreeSet<Content> {
        let versions = self.versions.get(&owner).into_iter().flatten();
        versions.map(|version| version.content).collect()
    }

    /// What should be shown of an upload: of edited copies and clips the newest, of originals the one of most pixels,
    /// then bytes, then the newest. What was only ever seen in the trash or the locked folder need not be; if the last
    /// version was, the last before will do as well. Empty where nothing has to be shown.
    pub fn wanted(&self, owner: Owner) -> Vec<Content> {
        let versions = &self.versions[&owner];
        let live: Vec<Version> = versions.iter().filter(|v| v.live).copied().collect();
        let Some(best) = self.best(owner.1, &live) else {
            return Vec::new();
        };
        let mut wanted = vec![best];
        wanted.extend(self.best(owner.1, versions).filter(|other| *other != best));
        wanted
    }

    fn best(&self, role: Role, versions: &[Version]) -> Option<Content> {
        let last = versions.last()?.content;
        if role != Role::Original {
            return Some(last);
        }
        let quality =
            |content: Content| (self.pool.pixels(content), self.pool.bytes(content).len());
        let best = versions
            .iter()
            .max_by_key(|version| quality(version.content));
        best.map(|version| version.content)
    }

    /// Each time an export held an upload with a sidecar.
    pub fn sightings(&self, item: ItemId) -> impl DoubleEndedIterator<Item = (usize, &'a Held)> {
        let exports = self.exports.iter().enumerate();
        exports.filter_map(move |(at, export)| {
            let held = export.of(item).filter(|held| !held.dark)?;
            Some((at, held))
        })
    }

    /// What may be said of an upload of which a content is shown: what the last export says, and what the last that held
    /// this content says. Where there are several versions of the original, any of them may be the one:
    /// then anything that was ever said.
    pub fn facts(&self, owner: Owner, content: Content) -> Vec<&'a Item> {
        let originals = self.contents((owner.0, Role::Original));
        if originals.len() > 1 {
            return self
                .sightings(owner.0)
                .map(|(_, held)| &held.facts)
                .collect();
        }
        let last = self.sightings(owner.0).last();
        let holds = |held: &Held| held.facts.contents[owner.1 as usize] == Some(content);
        let of_content = self.sightings(owner.0).rfind(|(_, held)| holds(held));
        let both = last.into_iter().chain(of_content);
        both.map(|(_, held)| &held.facts).collect()
    }

    /// Whether another upload ever shared title and second with this one. Then an edit of one may be taken for one of
    /// the other: the residue that the scheme admits.
    pub fn is_residue(&self, item: ItemId) -> bool {
        let own: Vec<&Item> = self.sightings(item).map(|(_, held)| &held.facts).collect();
        let held = self.exports.iter().flat_map(|export| &export.held);
        held.filter(|held| held.item != item).any(|other| {
            let same =
                |own: &&Item| own.upload == other.facts.upload && own.title == other.facts.title;
            own.iter().any(same)
        })
    }

    /// Some sidecar of this upload never came.
    pub fn is_dark(&self, item: ItemId) -> bool {
        let mut held = self.exports.iter().filter_map(|export| export.of(item));
        held.any(|held| held.dark)
    }

    /// Without a sidecar of either nothing tells a content from another of its length and CRC-32.
    pub fn is_taken_for_another(&self, owner: Owner) -> bool {
        let own = self.contents(owner);
        let dark = |content: &Content| {
            self.owners(*content)
                .iter()
                .any(|owner| self.is_dark(owner.0))
        };
        let alike = |other: &&Content| {
            let mut own = own.iter();
            own.any(|own| own != *other && self.pool.look_alike(*own, **other))
        };
        // Of two that look alike, and of which the same title and date were told, the scheme makes one.
        let said = |item: ItemId| {
            let facts = self.sightings(item).map(|(_, held)| &held.facts);
            facts
                .map(|facts| (facts.title.as_str(), facts.taken))
                .collect::<BTreeSet<_>>()
        };
        let own_said = said(owner.0);
        let same_said = |other: &Content| {
            let mut owners = self.owners(*other).iter();
            owners.any(|(item, _)| !said(*item).is_disjoint(&own_said))
        };
        let mut others = self.owners.keys().filter(alike);
        others.any(|other| dark(other) || self.is_dark(owner.0) || same_said(other))
    }
}
