//! Manual pages and completions, made as a package makes them and used as people use them. Needs mandoc, bash, zsh, fish.

use crate::kit::{Home, run, within};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../tools/generate.rs"]
mod generate;

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_pages_have_no_errors_and_tell_every_option() {
    within(LIMIT, || {
        let home = Home::new();
        generate::generate(&home.path("")).unwrap();
        let pages: BTreeSet<_> = std::fs::read_dir(home.path("man"))
            .unwrap()
            .map(|page| page.unwrap().path())
            .collect();
        let names: Vec<_> = pages.iter().map(|page| page.file_name().unwrap()).collect();
        for page in [
            "gphotosfs.1",
            "gphotosfs-mount.1",
            "gphotosfs-status.1",
            "mount.gphotosfs.8",
        ] {
            assert!(
                names.contains(&OsStr::new(page)),
                "{page} is not in {names:?}"
            );
        }
        run(Command::new("mandoc")
            .args(["-Tlint", "-Werror"])
            .args(&pages))
        .ok();
        let shown = |page: &str| {
            let mut command = Command::new("mandoc");
            let ran = run(command
                .args(["-Tutf8", "-Owidth=300"])
                .arg(home.path("man").join(page)))
            .ok();
            // Bold is a letter struck twice.
            ran.text()
                .split('\u{8}')
                .fold(String::new(), |mut text, part| {
                    if !text.is_empty() {
                        text.pop();
                    }
                    text + part
                })
        };
        let mount = shown("gphotosfs-mount.1");
        for words in [
            "--takeout <PATH>",
            "--accept-incomplete <STAMP>",
            "An empty directory",
        ] {
            assert!(mount.contains(words), "{words}: {mount}");
        }
        let helper = shown("mount.gphotosfs.8");
        for words in [
            "links=symlink",
            "-N <NAMESPACE>",
            "Exit codes are those of mount(8)",
        ] {
            assert!(helper.contains(words), "{words}: {helper}");
        }
        // The server behind a mount is nobody's command.
        assert!(
            !names
                .iter()
                .any(|name| name.to_string_lossy().contains("serve"))
        );
    });
}

#[test]
fn shells_complete_commands_and_options() {
    within(LIMIT, || {
        let home = Home::new();
        generate::generate(&home.path("")).unwrap();
        let said = |command: &mut Command| {
            let ran = run(command
                .current_dir(home.path(""))
                .env("HOME", home.path(""))
                .env("TERM", "dumb"));
            assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
            ran.text()
        };
        let bash = |words: &str, at: usize| {
            let script = format!(
                "set -eu; source bash/gphotosfs
                complete -p gphotosfs >/dev/null
                COMP_WORDS=({words}) COMP_CWORD={at}
                _gphotosfs gphotosfs \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$COMP_CWORD-1]}}\"
                echo \"${{COMPREPLY[*]}}\""
            );
            said(Command::new("bash").args(["--norc", "-c", &script]))
        };
        assert_eq!(bash("gphotosfs mo", 1), "mount\n");
        assert_eq!(bash("gphotosfs mount --tak", 2), "--takeout\n");
        assert_eq!(bash("gphotosfs mount --links s", 3), "symlink\n");
        let fish = "source fish/gphotosfs.fish; complete -C 'gphotosfs mo'";
        assert!(
            said(Command::new("fish").args(["--no-config", "-c", fish])).starts_with("mount\t")
        );
        // zsh completes at a prompt alone; here it is loaded as the prompt would.
        let zsh =
            "autoload -U compinit; compinit -D; fpath=($PWD/zsh $fpath); autoload -U _gphotosfs;
            functions _gphotosfs >/dev/null && zsh -n zsh/_gphotosfs && head -n 1 zsh/_gphotosfs";
        assert_eq!(
            said(Command::new("zsh").args(["-f", "-c", zsh])),
            "#compdef gphotosfs\n"
        );
    });
}
