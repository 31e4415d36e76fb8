//! What `doctor` tells: one line for each thing that was looked at, which is in order or says what to do.
//!
//! Of a library: whether its catalog is whole and its sources can be read. What the machine offers is for others to
//! ask; they put it into the same lines.

use crate::catalog::{Catalog, FILE, Health};
use crate::model::chain;
use crate::sync::look::{Look, look};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// One thing that was looked at. Its field names are those of `doctor --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What.
    pub check: String,
    /// It is in order.
    pub ok: bool,
    /// What was seen, and what to do where it is not in order.
    pub said: String,
}

impl Line {
    /// What is in order.
    pub fn well(check: impl Into<String>, said: impl Into<String>) -> Line {
        Line {
            check: check.into(),
            ok: true,
            said: said.into(),
        }
    }

    /// What needs the user.
    pub fn wrong(check: impl Into<String>, said: impl Into<String>) -> Line {
        Line {
            ok: false,
            ..Line::well(check, said)
        }
    }

    /// An answer, or the error in its place with all its causes.
    pub fn of<E: std::error::Error>(check: &str, answer: Result<String, E>) -> Line {
        match answer {
            Ok(said) => Line::well(check, said),
            Err(error) => Line::wrong(check, chain(&error)),
        }
    }
}

/// The catalog of a library.
pub fn catalog(name: &str, state_dir: &Path) -> Line {
    let check = format!("catalog of {name}");
    let file = state_dir.join(FILE);
    let file = file.display();
    match Catalog::health(state_dir) {
        Ok(Health::Absent) => Line::well(check, "nothing is indexed yet"),
        Ok(Health::Sound) => Line::well(check, format!("{file} is whole")),
        Ok(Health::Older(_)) => Line::well(
            check,
            format!("{file} is of an earlier version; the next mount brings it up to date"),
        ),
        Ok(Health::Newer(schema)) => Line::wrong(
            check,
            format!(
                "{file} was written by a newer gphotosfs (schema {schema}); use that version, or another --state-dir"
            ),
        ),
        Ok(Health::Damaged(found)) => Line::wrong(
            check,
            format!(
                "{file} is damaged ({found}); the next `gphotosfs sync`, or mount, sets it aside and makes another, which \
                 names everything as before but what no source holds any more"
            ),
        ),
        Err(error) => Line::wrong(
            check,
            format!("{file} cannot be read: {}; it must be yours", chain(&error)),
        ),
    }
}

/// The sources of a library, one line each.
pub fn sources(name: &str, sources: &[PathBuf]) -> Vec<Line> {
    let line = |source: &PathBuf| {
        let check = format!("source of {name}");
        let path = source.display();
        let Look {
            exports,
            parts,
            problems,
            ..
        } = look(source);
        if problems.is_empty() {
            Line::well(
                check,
                format!("{path}: {exports} export(s) in {parts} part(s)"),
            )
        } else {
            Line::wrong(check, format!("{path}: {}", problems.join("; ")))
        }
    };
    sources.iter().map(line).collect()
}

/// The sources that a catalog remembers; none where it cannot be asked.
pub fn remembered(state_dir: &Path) -> Vec<PathBuf> {
    let Ok(Some(catalog)) = Catalog::peek(state_dir) else {
        return Vec::new();
    };
    let sources = catalog.meta("sources").ok().flatten().unwrap_or_default();
    let sources: Vec<String> = serde_json::from_str(&sources).unwrap_or_default();
    sources.into_iter().map(PathBuf::from).collect()
}
