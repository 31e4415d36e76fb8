//! `gphotosfs doctor`.

use super::{Common, Done, print, print_json};
use crate::config::{Accounts, Config, Library, Places};
use crate::content::usage;
use crate::fs::lock::Lock;
use crate::fs::machine;
use crate::fs::mounts::{self, MountEntry};
use crate::fs::options::Options;
use crate::report::doctor::{self, Line};
use clap::Args;
use indicatif::BinaryBytes;
use std::fmt::Write;
use std::path::Path;

const EXAMPLE: &str = "Example:
  gphotosfs doctor
  gphotosfs doctor --json | jq '.[] | select(.ok | not)'

Ends with 1 when something needs you.";

/// A catalog of 100,000 photos takes some tens of MiB, and half as much again while it is written; with less than this
/// left, indexing is likely to stop in its middle.
const STATE_MIN_FREE_BYTES: u64 = 64 << 20;

/// Looks at everything that a mount needs. One line each: in order, or what to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Doctor {
    /// A JSON array
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let (config, line) = config(&places)?;
        let mut lines = machine(&places, &config);
        lines.push(line);
        lines.push(state(&places));
        lines.push(cache(&places, &config));
        lines.extend(libraries(&places, &config));
        if self.json {
            print_json(&lines)?;
        } else {
            print(&text(&lines)?)?;
        }
        let well = lines.iter().all(|line| line.ok);
        Ok(if well { Done::Well } else { Done::NeedsYou })
    }
}

/// The configuration, or where it is wrong the defaults, so that the rest can be looked at.
fn config(places: &Places) -> anyhow::Result<(Config, Line)> {
    let check = "configuration";
    let path = places.config.display();
    Ok(match Config::load(places) {
        Ok(config) if !config.exists => {
            let line = Line::well(check, format!("no {path}; everything has its default"));
            (config, line)
        }
        Ok(config) if config.warnings.is_empty() => {
            (config, Line::well(check, format!("{path} is understood")))
        }
        Ok(config) => {
            let said = format!(
                "{}; `gphotosfs config --example` shows all keys",
                config.warnings.join("; ")
            );
            (config, Line::wrong(check, said))
        }
        Err(error) => {
            let line = Line::of(check, Err(error));
            (Config::absent(&places.config)?, line)
        }
    })
}

fn machine(places: &Places, config: &Config) -> Vec<Line> {
    let sharing = Options::parse(&config.mount.options).map_or_else(
        |error| Line::of("allow_other", Err(error)),
        |options| Line::of("allow_other", machine::sharing(&options)),
    );
    let mounts = machine::mounted(&places.state).map(|mounts| match mounts.len() {
        0 => "none".into(),
        some => format!("{some}, all of which answer"),
    });
    vec![
        Line::of("kernel", machine::kernel()),
        Line::of("/dev/fuse", machine::device()),
        Line::of("fusermount3", machine::helper()),
        sharing,
        Line::well("passthrough", machine::passthrough()),
        Line::of("mounts", mounts),
    ]
}

fn state(places: &Places) -> Line {
    let check = "state";
    let path = places.state.display();
    match usage::space(&places.state) {
        Ok(space) if space.free_bytes >= STATE_MIN_FREE_BYTES => Line::well(
            check,
            format!("{path}: {} free", BinaryBytes(space.free_bytes)),
        ),
        Ok(space) => Line::wrong(
            check,
            format!(
                "{path}: only {} free; free some space, or give another --state-dir",
                BinaryBytes(space.free_bytes)
            ),
        ),
        Err(error) => Line::wrong(
            check,
            format!("{path} cannot be written to: {error}; give another --state-dir"),
        ),
    }
}

fn cache(places: &Places, config: &Config) -> Line {
    let check = "cache";
    let path = places.cache.display();
    let looked = usage::space(&places.cache).and_then(|space| {
        let mut used = 0;
        if places.cache.exists() {
            for library in std::fs::read_dir(&places.cache)? {
                used += usage::usage(&library?.path())?.0;
            }
        }
        Ok((space.free_bytes, used))
    });
    let (free, used) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            let said = format!(
                "{path} cannot be used: {error}; without it inflated photos are inflated at each read. Give another \
                 --cache-dir"
            );
            return Line::wrong(check, said);
        }
    };
    let keep = config.cache_min_free_bytes;
    if free < keep {
        let said = format!(
            "{path}: {} free, and cache.min_free_bytes keeps {} free, so nothing more is cached; free some space, or \
             lower it",
            BinaryBytes(free),
            BinaryBytes(keep)
        );
        return Line::wrong(check, said);
    }
    Line::well(
        check,
        format!(
            "{path}: {} used of {} for each library, {} free",
            BinaryBytes(used),
            BinaryBytes(config.cache_max_bytes),
            BinaryBytes(free)
        ),
    )
}

/// The configured library, and every other one that has been indexed.
fn libraries(places: &Places, config: &Config) -> Vec<Line> {
    let configured = places.configured(&config.sources);
    let mut libraries = Vec::new();
    if !configured.sources.is_empty() {
        libraries.push(configured);
    }
    for state_dir in places.known() {
        if !libraries
            .iter()
            .any(|library| library.state_dir == state_dir)
        {
            libraries.push(Library {
                sources: doctor::remembered(&state_dir),
                accounts: Accounts::default(),
                cache_dir: places.cache.clone(),
                decisions: places.decisions(&state_dir),
                state_dir,
            });
        }
    }
    if libraries.is_empty() {
        let said = "none yet; `gphotosfs add --help` shows how to begin";
        return vec![Line::well("libraries", said)];
    }
    let mounted = mounts::gphotosfs().unwrap_or_default();
    let mut lines = Vec::new();
    for library in libraries {
        let name = library.state_dir.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        lines.push(doctor::catalog(&name, &library.state_dir));
        lines.push(lock(&name, &library.state_dir, &mounted));
        lines.extend(doctor::sources(&name, &library.sources));
    }
    lines
}

/// Who has the library in use, and whether it shows.
fn lock(name: &str, state_dir: &Path, mounted: &[MountEntry]) -> Line {
    let check = format!("lock of {name}");
    let holder = match Lock::held_by(state_dir) {
        Ok(None) => return Line::well(check, "free"),
        Ok(Some(holder)) => holder,
        Err(error) => {
            let said = format!(
                "{}: {error}; the folder must be yours",
                state_dir.join("lock").display()
            );
            return Line::wrong(check, said);
        }
    };
    let (pid, point) = (holder.pid, holder.mountpoint.display());
    if holder.mountpoint.as_os_str().is_empty() {
        return Line::well(check, format!("process {pid} works on the catalog"));
    }
    let shows = |mount: &MountEntry| {
        mount.state_dir().as_deref() == Some(state_dir) && mount.mountpoint == holder.mountpoint
    };
    if mounted.iter().any(shows) {
        return Line::well(check, format!("mounted on {point} by process {pid}"));
    }
    Line::wrong(
        check,
        format!(
            "process {pid} has it in use for {point}, where nothing is mounted: it is at its beginning or its end, in a \
             container, or hangs; then end it with `kill {pid}`"
        ),
    )
}

fn text(lines: &[Line]) -> Result<String, std::fmt::Error> {
    let width = lines.iter().map(|line| line.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let state = if line.ok { "OK  " } else { "TODO" };
        writeln!(text, "{state}  {:width$}  {}", line.check, line.said)?;
    }
    Ok(text)
}
