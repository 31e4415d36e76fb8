//! `gphotosfs remove`.

use super::{Common, Done, add, print};
use crate::catalog;
use crate::config::{Config, Source, edit};
use anyhow::bail;
use clap::Args;
use std::ffi::OsString;
use std::path::Path;

const EXAMPLE: &str = "Example:
  gphotosfs sources
  gphotosfs remove ~/Takeout
  gphotosfs remove 2

The source's files are left alone, and photos that were shown once stay.";

/// Takes a place where photos come from out of the configuration.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Remove {
    /// Its path, or its number in `gphotosfs sources`
    #[arg(value_name = "PATH|NUMBER")]
    which: OsString,
}

impl Remove {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        let places = common.places()?;
        let config = common.load(&places)?;
        let source = self.source(&config)?;
        edit::remove_source(&places.config, &source)?;
        let mut text = format!(
            "removed {} from {}; its files are left alone\n",
            source.path.display(),
            places.config.display()
        );
        let state = places.configured(&[]).state_dir;
        if state.join(catalog::FILE).exists() {
            text.push_str(&format!(
                "Photos that it has shown stay, also those that only it holds, and are read there as long as it is there:\n\
                 nothing is hidden because a source is gone. To forget them, delete {} when\n\
                 nothing is mounted, and mount again.\n",
                state.display()
            ));
        }
        print(&text)?;
        Ok(Done::Well)
    }

    fn source(&self, config: &Config) -> anyhow::Result<Source> {
        let path = Path::new(&self.which);
        let absolute = add::absolute(path).ok();
        let by_path = config
            .sources
            .iter()
            .find(|source| Some(&source.path) == absolute.as_ref() || source.path == path);
        let number = self
            .which
            .to_str()
            .and_then(|text| text.parse::<usize>().ok());
        let by_number = number.and_then(|number| config.sources.get(number.checked_sub(1)?));
        match by_path.or(by_number) {
            Some(source) => Ok(source.clone()),
            None if config.sources.is_empty() => {
                bail!("there are no sources in {}", config.path.display())
            }
            None => bail!(
                "{} is no source; those are:\n{}",
                path.display(),
                list(config)
            ),
        }
    }
}

fn list(config: &Config) -> String {
    let line =
        |(number, source): (usize, &Source)| format!("  {}  {}", number + 1, source.path.display());
    let lines: Vec<String> = config.sources.iter().enumerate().map(line).collect();
    lines.join("\n")
}
