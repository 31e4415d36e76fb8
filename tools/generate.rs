//! Writes manual pages and shell completions, made from the command lines themselves.
//!
//!     cargo run --example generate -- DIR
//!
//! `DIR/man` gets the pages, `DIR/bash`, `DIR/zsh` and `DIR/fish` the completions under the names by which those shells
//! find them. An example and no command: the program itself needs neither the generators nor their output.

use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{Error, Result};
use std::path::Path;

fn main() -> Result<()> {
    let dir = std::env::args_os().nth(1);
    let dir = dir.ok_or_else(|| Error::other("say where to: generate DIR"))?;
    generate(Path::new(&dir))
}

/// Writes all of it into `dir`.
pub fn generate(dir: &Path) -> Result<()> {
    let [program, helper] = gphotosfs::cli::command_lines();
    for (shell, name) in [
        (Shell::Bash, "bash"),
        (Shell::Zsh, "zsh"),
        (Shell::Fish, "fish"),
    ] {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir)?;
        let path =
            clap_complete::generate_to(shell, &mut program.clone(), "gphotosfs", dir.clone())?;
        if shell == Shell::Bash {
            // bash-completion looks for a command's own name.
            std::fs::rename(path, dir.join("gphotosfs"))?;
        }
    }
    let man = dir.join("man");
    std::fs::create_dir_all(&man)?;
    clap_mangen::generate_to(program, &man)?;
    // A helper of mount(8) is for administrators: section 8.
    let page = Man::new(helper).section("8");
    page.generate_to(&man)?;
    Ok(())
}
