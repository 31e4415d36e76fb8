//! One history: exports of an account arrive in some order and some state, and after each the tree is held against the
//! truth.

mod mishaps;

use super::bytes::Content;
use super::dice::Dice;
use super::export::{self, Export, Form, Places};
use super::in_order::Step;
use super::program::{self, Decisions, Failed};
use super::promises::{self, Broken, Counts, Kept, keep};
use super::tools::{self, Tool};
use super::tree::{Tree, difference};
use super::truth::Truth;
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How an export comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// All parts at once.
    Whole,
    /// The first part comes after the rest: a gap in the numbers.
    FirstLate,
    /// The last part comes after the rest, which nothing tells.
    LastLate,
    /// One archive is cut at first.
    Cut,
    /// The first part never comes, and the user accepts that.
    Accepted,
}

/// A part that has come.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    cut: bool,
}

/// A history being played.
pub struct History {
    dir: tempfile::TempDir,
    world: World,
    exports: Vec<Export>,
    /// Parts by export and number.
    arrived: BTreeMap<usize, BTreeMap<usize, Part>>,
    decisions: Decisions,
    forgotten: BTreeSet<Content>,
    places: Places,
    /// The last tree, and what it was made of.
    tree: Option<Tree>,
    seen: Vec<Export>,
    tools: [Tool; 3],
    /// Who bore a name since the last arrival that was out of order.
    ever: BTreeMap<String, BTreeSet<Content>>,
    numbers: BTreeMap<u64, Content>,
    counts: Counts,
    /// Paths that a pass would have told of, had it not died after it had kept the tree.
    lost: Vec<String>,
    steps: Vec<String>,
    rebuilds: usize,
    dice: Dice,
}

/// A history that broke a promise.
#[derive(Debug)]
pub struct Failure {
    /// Which history.
    pub seed: u64,
    /// What broke.
    pub broken: Broken,
    /// What was done, to the end.
    pub steps: Vec<String>,
    /// What happened at Google.
    pub story: Vec<String>,
}

/// Plays the history of a seed without the exports in `without`.
pub fn play(seed: u64, without: &BTreeSet<usize>) -> Result<Counts, Box<Failure>> {
    let mut history = History::new(seed);
    let order = history.order(seed);
    let mut kept = Ok(());
    for export in order.into_iter().filter(|export| !without.contains(export)) {
        // Each export has dice of its own, so that leaving one out changes nothing about the others.
        history.dice = Dice::new(seed, 1000 + export as u64);
        kept = history.arrive(export);
        if kept.is_err() {
            break;
        }
    }
    history.counts.histories = 1;
    match kept {
        Ok(()) => Ok(history.counts),
        Err(broken) => Err(Box::new(Failure {
            seed,
            broken,
            steps: history.steps,
            story: history.world.story,
        })),
    }
}

impl History {
    fn new(seed: u64) -> History {
        let shm = Path::new("/dev/shm");
        let mut home = tempfile::Builder::new();
        home.prefix("gphotosfs-model-");
        let dir = if shm.is_dir() {
            home.tempdir_in(shm)
        } else {
            home.tempdir()
        };
        let mut world = World::new(seed);
        let mut dice = Dice::new(seed, 2);
        let mut exports = Vec::new();
        for number in 0..dice.between(2, 6) {
            world.now += 1000;
            world.story.push(format!("-- export {number}"));
            let full = number == 0 || dice.chance(25);
            exports.push(export::export(&mut world, &mut dice, full));
            world.live();
        }
        History {
            dir: dir.unwrap(),
            world,
            exports,
            arrived: BTreeMap::new(),
            decisions: Decisions::default(),
            forgotten: BTreeSet::new(),
            places: Places::default(),
            tree: None,
            seen: Vec::new(),
            tools: tools::all(),
            ever: BTreeMap::new(),
            numbers: BTreeMap::new(),
            counts: Counts::default(),
            lost: Vec::new(),
            steps: Vec::new(),
            rebuilds: 0,
            dice,
        }
    }

    /// In three of four histories exports arrive in the order of their stamps.
    fn order(&self, seed: u64) -> Vec<usize> {
        let exports = self.exports.iter().enumerate();
        let there = exports.filter(|(_, export)| !export.files.is_empty());
        let mut order: Vec<usize> = there.map(|(number, _)| number).collect();
        let mut dice = Dice::new(seed, 3);
        if dice.chance(28) {
            dice.shuffle(&mut order);
        }
        order
    }

    fn arrive(&mut self, number: usize) -> Kept {
        self.counts.exports += 1;
        let parts = self.exports[number]
            .parts
            .min(self.exports[number].files.len());
        let arrival = match self.dice.below(100) {
            0..8 if parts > 1 => Arrival::FirstLate,
            8..14 if parts > 1 => Arrival::LastLate,
            14..20 if self.exports[number].form != Form::Unpacked => Arrival::Cut,
            20..24 if parts > 1 => Arrival::Accepted,
            _ => Arrival::Whole,
        };
        let stamp = self.exports[number].stamp.clone();
        self.steps.push(format!(
            "export {number} ({stamp}, full {}) arrives: {arrival:?}",
            self.exports[number].full
        ));
        for part in 0..parts {
            let late = match arrival {
                Arrival::FirstLate | Arrival::Accepted => part == 0,
                Arrival::LastLate => part == parts - 1,
                Arrival::Whole | Arrival::Cut => false,
            };
            if !late {
                self.put(number, part);
            }
        }
        match arrival {
            Arrival::Whole => return self.pass(),
            Arrival::Accepted => {
                self.decisions.accepted.insert(stamp);
                return self.pass();
            }
            Arrival::FirstLate | Arrival::LastLate => self.pass()?,
            Arrival::Cut => {
                let part = self.dice.below(parts);
                self.cut(number, part, true);
                self.pass()?;
                self.cut(number, part, false);
            }
        }
        self.steps.push("the rest of it arrives".to_owned());
        for part in 0..parts {
            if !self.arrived[&number].contains_key(&part) {
                self.put(number, part);
            }
        }
        self.pass()
    }

    /// A part appears in one of the source folders.
    fn put(&mut self, number: usize, part: usize) {
        let export = &self.exports[number];
        let files = export.part_of.iter().enumerate();
        let mut files: Vec<usize> = files
            .filter(|(_, of)| **of == part)
            .map(|(file, _)| file)
            .collect();
        self.dice.shuffle(&mut files);
        let folder = self.dir.path().join(["a", "b"][self.dice.below(2)]);
        std::fs::create_dir_all(&folder).unwrap();
        let path = export::write_part(&folder, export, part, &files, &mut self.places);
        let parts = self.arrived.entry(number).or_default();
        parts.insert(part, Part { path, cut: false });
    }

    /// An archive loses its end, or gets it back.
    fn cut(&mut self, number: usize, part: usize, cut: bool) {
        let known = self
            .arrived
            .get_mut(&number)
            .unwrap()
            .get_mut(&part)
            .unwrap();
        known.cut = cut;
        let whole = known.path.with_extension("whole");
        if cut {
            std::fs::rename(&known.path, &whole).unwrap();
            let bytes = std::fs::read(&whole).unwrap();
            std::fs::write(&known.path, &bytes[..bytes.len() / 2]).unwrap();
        } else {
            std::fs::rename(whole, &known.path).unwrap();
        }
    }

    /// What is visible now, by the rules of the scheme: exports without a gap and without damage, or accepted ones.
    fn visible(&self) -> (Vec<Export>, bool) {
        let mut all_whole = true;
        let mut visible = Vec::new();
        for (number, parts) in &self.arrived {
            let export = &self.exports[*number];
            let good: BTreeSet<usize> = parts
                .iter()
                .filter(|(_, part)| !part.cut)
                .map(|(n, _)| *n)
                .collect();
            let gap = parts
                .keys()
                .next_back()
                .is_some_and(|last| good.len() <= *last);
            if gap && !self.decisions.accepted.contains(&export.stamp) {
                continue;
            }
            let whole = good.len() == export.parts.min(export.files.len());
            all_whole &= whole;
            let mut export = if whole {
                export.clone()
            } else {
                export.of_parts(&good)
            };
            export.broken = gap;
            visible.push(export);
        }
        (visible, all_whole)
    }

    fn sources(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = ["a", "b"].map(|name| self.dir.path().join(name)).into();
        folders.retain(|folder| folder.is_dir());
        folders
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A pass, and all that must hold after it.
    fn pass(&mut self) -> Kept {
        let mut sources = self.sources();
        self.dice.shuffle(&mut sources);
        if self.dice.chance(15) {
            let keep = self.dice.below(101) as u64;
            self.steps
                .push(format!("a pass dies with {keep} % of its log"));
            self.counts.crashes += 1;
            let told = self.stop(&sources, keep)?;
            self.lost.extend(told);
        }
        let (visible, all_whole) = self.visible();
        let synced = program::sync(&self.state(), &sources, &self.decisions, &self.places);
        let tree = match synced {
            Ok(tree) => tree,
            Err(Failed::Nothing(text)) => {
                let nothing = visible.iter().all(|export| export.held.is_empty());
                return keep("what is whole is shown", nothing, || text);
            }
            Err(Failed::Other(text)) => return keep("a pass ends well", false, || text),
        };
        keep(
            "what is not whole is not shown",
            !visible.is_empty(),
            || format!("{:?}", tree.files.keys()),
        )?;
        self.check(tree, visible, all_whole)?;
        self.rebuild()?;
        if self.dice.chance(25) {
            self.vanish()?;
        }
        if self.dice.chance(4) {
            self.forget()?;
        }
        Ok(())
    }

    fn stop(&self, sources: &[PathBuf], keep_percent: u64) -> Result<Vec<String>, Broken> {
        match program::sync_and_die(&self.state(), sources, &self.decisions, keep_percent) {
            Ok(moves) => Ok(moves
                .into_iter()
                .flat_map(|(from, to)| [from, to])
                .collect()),
            Err(Failed::Nothing(_)) => Ok(Vec::new()),
            Err(Failed::Other(text)) => Err(Broken {
                promise: "a pass ends well",
                what: text,
            }),
        }
    }

    fn check(&mut self, tree: Tree, visible: Vec<Export>, all_whole: bool) -> Kept {
        let truth = Truth::new(&self.world.pool, &visible);
        promises::always(&truth, &tree, &self.forgotten, &mut self.counts)?;
        let newer = |export: &Export| {
            self.seen
                .last()
                .is_some_and(|last| last.stamp < export.stamp)
        };
        let in_order = match visible.split_last() {
            Some((last, before)) if all_whole && newer(last) => before.len() == self.seen.len(),
            _ => false,
        };
        if let Some(old) = &self.tree {
            if in_order {
                let climate = self.world.climate;
                let step = Step {
                    truth: &truth,
                    old,
                    new: &tree,
                    climate,
                };
                step.in_order(&mut self.ever, &mut self.counts)?;
            } else if difference(old, &tree).is_some() {
                self.counts.older += 1;
                self.ever.clear();
            }
            let moves = tree.moves.iter().flat_map(|(from, to)| [from, to]);
            let moves: BTreeSet<&String> = moves.chain(&self.lost).collect();
            for path in moves.into_iter().filter(|_| !in_order) {
                self.counts.told += 1;
                self.tools[0].repair(path);
            }
            self.lost.clear();
        }
        for (_, entry, content) in tree.media() {
            let first = *self.numbers.entry(entry.ino).or_insert(content);
            let alike = || truth.pool.look_alike(first, content);
            keep(
                "one inode is one content, in all trees",
                first == content || alike(),
                || format!("{}: {first} and {content}", entry.ino),
            )?;
        }
        for tool in &mut self.tools {
            let (one, stale): (Vec<_>, Vec<_>) = tool.run(&tree).into_iter().partition(|path| {
                // The scheme makes one of what looks alike; which of the two is read nothing tells.
                let here = tree.media().filter(|(at, _, _)| at == path);
                let mut owners = here.flat_map(|(_, _, content)| truth.owners(content));
                owners.any(|owner| truth.is_taken_for_another(*owner))
            });
            for path in &one {
                tool.repair(path);
            }
            keep("backup tools miss no change", stale.is_empty(), || {
                format!("{} holds other bytes of {stale:?}", tool.name)
            })?;
        }
        self.tree = Some(tree);
        self.seen = visible;
        Ok(())
    }

    /// The same exports in a new place, in other archives, in another order, for a new catalog.
    fn rebuild(&mut self) -> Kept {
        self.rebuilds += 1;
        self.counts.rebuilds += 1;
        let home = self.dir.path().join(format!("anew-{}", self.rebuilds));
        let mut places = Places::default();
        let mut folders: Vec<PathBuf> = Vec::new();
        let numbers: Vec<usize> = self.arrived.keys().copied().collect();
        for number in numbers {
            let mut export = self.exports[number].clone();
            if !self.seen.iter().any(|seen| seen.stamp == export.stamp) {
                continue;
            }
            let parts: Vec<usize> = {
                let parts = self.arrived[&number].iter();
                parts
                    .filter(|(_, part)| !part.cut)
                    .map(|(part, _)| *part)
                    .collect()
            };
            let mut files: Vec<usize> = (0..export.files.len()).collect();
            files.retain(|file| parts.contains(&export.part_of[*file]));
            self.dice.shuffle(&mut files);
            let spread = export::spread(&mut self.dice, files.len(), parts.len());
            export.form = *self
                .dice
                .pick(&[Form::Stored, Form::Deflated, Form::Unpacked]);
            for (at, part) in parts.iter().enumerate() {
                let some: Vec<usize> = {
                    let pairs = files.iter().zip(&spread);
                    pairs
                        .filter(|(_, of)| **of == at)
                        .map(|(file, _)| *file)
                        .collect()
                };
                let folder = home.join(["x", "y", "z"][self.dice.below(3)]);
                std::fs::create_dir_all(&folder).unwrap();
                export::write_part(&folder, &export, *part, &some, &mut places);
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        self.dice.shuffle(&mut folders);
        let synced = program::sync(&home.join("state"), &folders, &self.decisions, &places);
        let anew = match synced {
            Ok(tree) => tree,
            Err(failed) => return keep("a rebuild ends well", false, || format!("{failed:?}")),
        };
        let differs = self.tree.as_ref().and_then(|tree| difference(tree, &anew));
        std::fs::remove_dir_all(home).unwrap();
        keep(
            "the same exports make the same tree",
            differs.is_none(),
            || differs.unwrap_or_default(),
        )
    }
}
