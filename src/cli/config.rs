//! `gphotosfs config`.

use super::{Common, Done, print};
use crate::config::example;
use clap::Args;

const EXAMPLE: &str = "Example:
  gphotosfs config
  gphotosfs config --example > ~/.config/gphotosfs/config.toml";

/// Shows where the configuration lies and the values in force.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Config {
    /// Every key with its default and what it means, instead
    #[arg(long)]
    example: bool,
}

impl Config {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<Done> {
        if self.example {
            print(&example::text())?;
            return Ok(Done::Well);
        }
        let places = common.places()?;
        let config = common.load(&places)?;
        let absent = if config.exists {
            ""
        } else {
            " (not there; these are the defaults)"
        };
        print(&format!(
            "# configuration: {}{absent}\n# state: {}\n# cache: {}\n{}",
            config.path.display(),
            places.state.display(),
            places.cache.display(),
            example::in_force(&config)
        ))?;
        Ok(if config.warnings.is_empty() {
            Done::Well
        } else {
            Done::NeedsYou
        })
    }
}
