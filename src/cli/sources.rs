//! `gphotosfs sources`.

use super::{Common, Done, print, print_json};
use crate::config::{Decisions, Kind};
use crate::sync::look::{Look, look};
use crate::tree::image::ACCOUNTS;
use clap::Args;
use serde::Serialize;
use std::fmt::Write;

const EXAMPLE: &str = "Example:
  gphotosfs sources
  gphotosfs sources --json | jq '.[] | select(.readable | not)'

Ends with 1 when one cannot be read, or lacks something.";

/// Tells the places where photos come from, and whether they can be read now.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Sources {
    /// A JSON array
    #[arg(long)]
    json: bool,
}

/// A source, and what was seen of it.
#[derive(Debug, Serialize)]
struct Seen {
    number: usize,
    kind: Kind,
    path: String,
    /// Whose it is, where that is said.
    account: Option<String>,
    /// The views of that account stand in the root.
    first: bool,
    #[serde(flatten)]
    look: Look,
}

impl Sources {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let library = places.configured(&config.sources);
        let first = library.first_account(&Decisions::load(&library.decisions)?)?;
        let seen: Vec<Seen> = config
            .sources
            .iter()
            .enumerate()
            .map(|(at, source)| Seen {
                number: at + 1,
                kind: source.kind,
                path: source.path.display().to_string(),
                account: source.account.clone().or_else(|| first.clone()),
                first: source.account.is_none() || source.account == first,
                look: look(&source.path),
            })
            .collect();
        if self.json {
            print_json(&seen)?;
        } else if seen.is_empty() {
            let path = config.path.display();
            print(&format!(
                "no sources in {path}; `gphotosfs add takeout PATH` adds one\n"
            ))?;
        } else {
            print(&text(&seen)?)?;
        }
        let well = seen.iter().all(|seen| seen.look.problems.is_empty());
        Ok(if well { Done::Well } else { Done::NeedsYou })
    }
}

fn text(seen: &[Seen]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for Seen {
        number,
        kind,
        path,
        account,
        first,
        look,
    } in seen
    {
        let whose = match (account, first) {
            (None, _) => String::new(),
            (Some(name), true) => format!(" (account {name}, in the root)"),
            (Some(name), false) => format!(" (account {name}, in {ACCOUNTS}/{name})"),
        };
        let (kind, found) = (kind.name(), found(look));
        writeln!(text, "{number}  {kind}  {path}{whose}: {found}")?;
        for problem in &look.problems {
            writeln!(text, "   {problem}")?;
        }
    }
    Ok(text)
}

/// What a source holds, in words.
pub(super) fn found(look: &Look) -> String {
    match (look.parts, look.readable) {
        (0, _) => "cannot be read".into(),
        (parts, readable) => {
            let but = if readable {
                ""
            } else {
                ", of which some cannot be read"
            };
            format!("{} export(s) in {parts} part(s){but}", look.exports)
        }
    }
}
