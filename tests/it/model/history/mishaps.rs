//! What happens between arrivals: sources that vanish or break and come back, and photos that the user has forgotten.

use super::History;
use crate::model::bytes::Content;
use crate::model::program::{self, Failed};
use crate::model::promises::{Kept, keep};
use crate::model::tree::{Tree, difference};
use crate::model::truth::Truth;
use std::path::PathBuf;

impl History {
    /// Something happens to a source, a pass looks at it, and it comes back. The tree stays.
    pub(super) fn vanish(&mut self) -> Kept {
        self.counts.vanished += 1;
        let sources = self.sources();
        let source = self.dice.pick(&sources).clone();
        let away = self.dir.path().join("away");
        let mut inside: Vec<PathBuf> = std::fs::read_dir(&source)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        inside.sort();
        let one = self.dice.pick(&inside).clone();
        let how = self.dice.below(4);
        let (what, at) = match how {
            0 => ("is away", source),
            1 => ("is emptied", source),
            2 => ("loses a part", one),
            _ => ("has a part that is cut", one),
        };
        self.steps.push(format!("{} {what}", at.display()));
        std::fs::rename(&at, &away).unwrap();
        if how == 1 {
            std::fs::create_dir(&at).unwrap();
        }
        if how == 3 {
            std::fs::write(&at, b"PK").unwrap();
        }
        let seen = program::sync(&self.state(), &sources, &self.decisions, &self.places);
        self.unchanged(seen, true)?;
        if how == 1 {
            std::fs::remove_dir(&at).unwrap();
        }
        if how == 3 {
            std::fs::remove_file(&at).unwrap();
        }
        std::fs::rename(&away, &at).unwrap();
        let seen = program::sync(&self.state(), &sources, &self.decisions, &self.places);
        self.unchanged(seen, false)
    }

    fn unchanged(&mut self, seen: Result<Tree, Failed>, alarm: bool) -> Kept {
        let (tree, told) = match seen {
            Ok(tree) => {
                let told = !tree.problems.is_empty();
                (tree, told)
            }
            Err(_) if alarm => match program::look(&self.state(), &self.places) {
                Ok(tree) => (tree, true),
                Err(failed) => {
                    return keep("a source that vanishes changes nothing", false, || {
                        format!("{failed:?}")
                    });
                }
            },
            Err(failed) => return keep("a pass ends well", false, || format!("{failed:?}")),
        };
        let differs = self.tree.as_ref().and_then(|old| difference(old, &tree));
        keep(
            "a source that vanishes changes nothing",
            differs.is_none(),
            || differs.unwrap_or_default(),
        )?;
        keep(
            "a source that vanishes is an alarm",
            told || !alarm,
            String::new,
        )
    }

    /// The user has a photo forgotten: it goes, and nothing else does.
    pub(super) fn forget(&mut self) -> Kept {
        let Some(old) = self.tree.take() else {
            return Ok(());
        };
        let truth = Truth::new(&self.world.pool, &self.seen);
        let plain = |content: &Content| truth.only_owner(*content).is_some();
        let homes = old.homes().map(|(_, _, content)| content);
        let mut contents: Vec<Content> = homes.filter(plain).collect();
        contents.sort_unstable();
        if contents.is_empty() {
            self.tree = Some(old);
            return Ok(());
        }
        let content = *self.dice.pick(&contents);
        let bytes = self.world.pool.bytes(content).clone();
        self.decisions.forgotten.insert(bytes);
        self.forgotten.insert(content);
        self.steps.push(format!("{content} is to be forgotten"));
        let synced = program::sync(
            &self.state(),
            &self.sources(),
            &self.decisions,
            &self.places,
        );
        let tree = match synced {
            Ok(tree) => tree,
            Err(failed) => return keep("a pass ends well", false, || format!("{failed:?}")),
        };
        let owners = truth.owners(content).clone();
        for (path, entry, other) in old.media() {
            let goes = other == content;
            let is = tree.files.get(path);
            // What stands beside a forgotten original may go with it.
            let may = truth
                .owners(other)
                .iter()
                .any(|(item, _)| owners.iter().any(|(own, _)| own == item));
            let right = if goes {
                is.is_none()
            } else {
                is == Some(entry) || (may && is.is_none())
            };
            keep("what is forgotten goes, and nothing else", right, || {
                format!("{path}: {is:?}")
            })?;
        }
        for tool in &mut self.tools {
            tool.run(&tree);
        }
        self.tree = Some(tree);
        Ok(())
    }
}
