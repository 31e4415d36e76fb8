//! The commands: flags in, settings out, and what a person reads. No logic of its own.
//!
//! Exit codes are 0 for done, 1 for done but something needs the user, 2 for not done.

mod add;
mod config;
mod doctor;
mod exports;
mod find;
mod helper;
mod info;
mod mount;
mod notify;
mod pass;
mod progress;
mod relayout;
mod remove;
mod serve;
mod sources;
mod status;
mod sync;
mod unmount;

use crate::config::{self as settings, Config, Given, Places};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

const ABOUT: &str =
    "Shows a Google Photos library as plain directories, from Takeout archives read where they lie.

Any backup tool can copy what it shows: by-date/, albums/, people/, favorites/.";

const EXAMPLE: &str = "Example:
  gphotosfs add takeout ~/Takeout
  gphotosfs mount ~/photos
  rsync -aH ~/photos/by-date ~/photos/albums /mnt/nas/photos/
  gphotosfs unmount ~/photos

Exit codes: 0 done, 1 done but something needs you, 2 not done.";

#[derive(Debug, Parser)]
#[command(name = "gphotosfs", version, about = ABOUT, after_help = EXAMPLE, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Where catalogs and logs lie [default: $XDG_STATE_HOME/gphotosfs]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "GPHOTOSFS_STATE_DIR",
        help_heading = "Places"
    )]
    state_dir: Option<OsString>,
    /// Where bytes that can be had again lie [default: $XDG_CACHE_HOME/gphotosfs]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "GPHOTOSFS_CACHE_DIR",
        help_heading = "Places"
    )]
    cache_dir: Option<OsString>,
    /// The configuration file [default: $XDG_CONFIG_HOME/gphotosfs/config.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "GPHOTOSFS_CONFIG",
        help_heading = "Places"
    )]
    config: Option<OsString>,
    /// The system's places: /etc/gphotosfs/config.toml, /var/lib/gphotosfs, /var/cache/gphotosfs
    #[arg(long, global = true, help_heading = "Places")]
    system: bool,
    /// Tell more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Tell only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

/// Where names must be legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Names {
    /// Linux and other Unix systems
    Posix,
    /// Also NTFS, exFAT, FAT and SMB
    Windows,
}

impl From<Names> for settings::Names {
    fn from(names: Names) -> settings::Names {
        match names {
            Names::Posix => settings::Names::Posix,
            Names::Windows => settings::Names::Windows,
        }
    }
}

fn name_max(text: &str) -> Result<u8, String> {
    let bytes = text.parse().map_err(|_| "not a number".to_owned())?;
    settings::name_max(bytes).map_err(|allowed| format!("must be {allowed}"))
}

/// A path that was given. An empty one, as from `GPHOTOSFS_CONFIG=`, is none.
fn path(given: Option<&OsString>) -> Option<&Path> {
    given.filter(|path| !path.is_empty()).map(Path::new)
}

impl Common {
    fn places(&self) -> anyhow::Result<Places> {
        Ok(Places::find(&Given {
            config: path(self.config.as_ref()),
            state: path(self.state_dir.as_ref()),
            cache: path(self.cache_dir.as_ref()),
            system: self.system,
        })?)
    }

    fn load(&self, places: &Places) -> anyhow::Result<Config> {
        let config = Config::load(places)?;
        for warning in &config.warnings {
            tell(&format!("warning: {warning}"));
        }
        Ok(config)
    }

    /// What the log takes in.
    fn level(&self) -> &'static str {
        match (self.quiet, self.verbose) {
            (true, _) => "error",
            (false, 0) => "info",
            (false, 1) => "gphotosfs=debug,info",
            (false, _) => "trace",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add places where photos come from to the configuration
    Add(add::Add),
    /// Take a place where photos come from out of the configuration
    Remove(remove::Remove),
    /// The places where photos come from
    Sources(sources::Sources),
    /// Index what is new, without mounting
    Sync(sync::Sync),
    /// Index what is new and mount the library
    Mount(mount::Mount),
    /// Take a mount away
    #[command(visible_alias = "umount")]
    Unmount(unmount::Unmount),
    /// What is shown, what is not, and why
    Status(status::Status),
    /// The exports: what each holds, whether it is full, whether it is whole
    Exports(exports::Exports),
    /// All that is known of files in a mount
    Info(info::Info),
    /// Change what moves photos, such as the time zone
    Relayout(relayout::Relayout),
    /// The configuration file and the values in force
    Config(config::Config),
    /// Whether everything is as it should be, and what to do where it is not
    Doctor(doctor::Doctor),
    /// The server behind a mount
    #[command(hide = true)]
    Serve(serve::Serve),
}

/// How a command ended, short of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All is well.
    Well,
    /// Done, but something needs the user.
    NeedsYou,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    if helper::is_called() {
        return helper::run();
    }
    let cli = Cli::parse();
    let ended = match &cli.command {
        Command::Add(add) => add.run(&cli.common),
        Command::Remove(remove) => remove.run(&cli.common),
        Command::Sources(sources) => sources.run(&cli.common),
        Command::Sync(sync) => sync.run(&cli.common),
        Command::Mount(mount) => mount.run(&cli.common),
        Command::Unmount(unmount) => unmount.run(),
        Command::Status(status) => status.run(&cli.common),
        Command::Exports(exports) => exports.run(&cli.common),
        Command::Info(info) => info.run(),
        Command::Relayout(relayout) => relayout.run(&cli.common),
        Command::Config(config) => config.run(&cli.common),
        Command::Doctor(doctor) => doctor.run(&cli.common),
        Command::Serve(serve) => serve.run(),
    };
    match ended {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::NeedsYou) => ExitCode::from(1),
        Err(error) => {
            tell(&format!("gphotosfs: {}", text_of(&error)));
            ExitCode::from(2)
        }
    }
}

/// Says what is wrong with a command line, the program's name first, and runs nothing: the README is checked by it.
///
/// # Errors
/// What a person would see. A question for help or the version is none.
pub fn understand<T: Into<std::ffi::OsString> + Clone>(
    line: impl IntoIterator<Item = T>,
) -> Result<(), String> {
    match Cli::try_parse_from(line) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The command line as clap knows it, and that of mount(8)'s helper: manual pages and completions are made of them.
pub fn command_lines() -> [clap::Command; 2] {
    [Cli::command(), helper::Helper::command()]
}

/// An error with its causes, each once.
fn text_of(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

/// Writes a line to standard error. Where even that fails there is nobody to tell.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}
