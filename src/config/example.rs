//! The configuration as people see it: all keys with their defaults and what they mean, and the values in force.
//!
//! A test compares [`keys`] with those that are read, so a key without its line here does not pass.

use super::Config;
use crate::tree::Sidecars;
use std::fmt::Write;

/// A key: its table, its name, its default as TOML, and what it means.
struct Key(
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// Root keys first, as TOML wants it. Names of tables in double brackets are lists.
const KEYS: &[Key] = &[
    Key(
        "",
        "zone",
        "\"UTC\"",
        &[
            "The time zone in which a month of by-date begins. A change moves photos near the ends of months:",
            "`gphotosfs relayout --zone ZONE` shows which, and makes it.",
        ],
    ),
    Key(
        "",
        "rules",
        "1",
        &["The number of the rules for names and folders; these are the only ones so far."],
    ),
    Key(
        "",
        "names",
        "\"posix\"",
        &[
            "Where names must be legal: \"posix\", or \"windows\" for copies on NTFS, exFAT, FAT or SMB. A change renames",
            "photos: `gphotosfs relayout --names windows`.",
        ],
    ),
    Key(
        "",
        "name_max",
        "255",
        &[
            "Longest name in bytes, 64 to 255: 143 for eCryptfs. A change renames photos: `gphotosfs relayout --name-max 143`.",
        ],
    ),
    Key(
        "mount",
        "links",
        "\"hard\"",
        &["How albums, people and favorites show a photo: \"hard\" or \"symlink\"."],
    ),
    Key(
        "mount",
        "sidecars",
        "\"auto\"",
        &[
            "Which documents stand beside the photos in by-date: \"auto\", \"xmp\", \"json\", \"both\" or \"none\".",
        ],
    ),
    Key(
        "mount",
        "xattrs",
        "false",
        &["Tell what is known of a photo in extended attributes, user.gphotos.*."],
    ),
    Key(
        "mount",
        "include",
        "[]",
        &["What is shown besides: \"trash\", \"locked\"."],
    ),
    Key(
        "mount",
        "options",
        "[]",
        &[
            "Mount options, as behind -o: \"allow_other\", \"umask=022\". Those of the command line are added.",
        ],
    ),
    Key(
        "sync",
        "watch",
        "true",
        &[
            "A mount takes in new exports by itself. With false it does so when `gphotosfs sync` says so, or when it is made.",
        ],
    ),
    Key(
        "sync",
        "poll_seconds",
        "600",
        &[
            "How often a mount looks for new exports where the system does not tell it of them, as on network storage; 0 for never.",
        ],
    ),
    Key(
        "cache",
        "max_bytes",
        "5368709120",
        &["Most bytes that inflated photos may take, for each library."],
    ),
    Key(
        "cache",
        "min_free_bytes",
        "1073741824",
        &["Bytes that stay free on the disk with the cache."],
    ),
    Key(
        "[source]",
        "kind",
        "\"takeout\"",
        &[
            "Where photos come from; one such table for each place. `gphotosfs add takeout PATH` writes it.",
        ],
    ),
    Key(
        "[source]",
        "path",
        "\"/srv/Takeout\"",
        &["An archive, a folder with archives, or an unpacked Takeout. Absolute."],
    ),
    Key(
        "[source]",
        "account",
        "\"ada\"",
        &[
            "Whose photos these are, where there are several accounts. The first one keeps the root, the others stand in",
            "accounts/NAME. Sources without this line are of the first one.",
        ],
    ),
];

/// The full names of all keys and tables.
pub fn keys() -> impl Iterator<Item = String> {
    let table = |key: &Key| key.0.trim_matches(['[', ']']).to_owned();
    KEYS.iter().flat_map(move |key| {
        let table = table(key);
        match table.as_str() {
            "" => vec![key.1.to_owned()],
            _ => vec![format!("{table}.{}", key.1), table],
        }
    })
}

/// Every key with its default, commented out: a file to begin with.
pub fn text() -> String {
    let mut text = String::from(
        "# The configuration of gphotosfs: every key with its default. A line that begins with # and no blank is a\n\
         # setting: take the # away to change it, and that of the [table] above it.\n",
    );
    let mut last = "";
    for Key(table, name, usual, about) in KEYS {
        text.push('\n');
        if *table != last {
            text.push_str(&format!("#[{table}]\n"));
            last = table;
        }
        for line in *about {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!("#{name} = {usual}\n"));
    }
    text
}

/// The same with every setting made one.
pub fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text().lines().map(line).collect()
}

/// The values in force, as TOML.
pub fn in_force(config: &Config) -> String {
    let mut out = String::new();
    for (key, value) in config.layout.pairs() {
        let _ = writeln!(out, "{key} = {value}");
    }
    let mount = &config.mount;
    let list = |texts: Vec<&str>| {
        let texts: Vec<String> = texts.into_iter().map(text_of).collect();
        format!("[{}]", texts.join(", "))
    };
    let include = [("trash", mount.trash), ("locked", mount.locked)];
    let include = include.iter().filter(|(_, on)| *on).map(|(what, _)| *what);
    let links = match mount.links {
        crate::tree::Links::Hard => "hard",
        crate::tree::Links::Symlink => "symlink",
    };
    let _ = writeln!(out, "\n[mount]\nlinks = {}", text_of(links));
    let sidecars = match mount.sidecars {
        Sidecars::Auto => "auto",
        Sidecars::Xmp => "xmp",
        Sidecars::Json => "json",
        Sidecars::Both => "both",
        Sidecars::None => "none",
    };
    let _ = writeln!(out, "sidecars = {}", text_of(sidecars));
    let _ = writeln!(out, "xattrs = {}", mount.xattrs);
    let _ = writeln!(out, "include = {}", list(include.collect()));
    let options = mount.options.iter().map(String::as_str).collect();
    let _ = writeln!(out, "options = {}", list(options));
    let (watch, poll) = (config.live.watch, config.live.poll_seconds);
    let _ = writeln!(out, "\n[sync]\nwatch = {watch}\npoll_seconds = {poll}");
    let (most, free) = (config.cache_max_bytes, config.cache_min_free_bytes);
    let _ = writeln!(
        out,
        "\n[cache]\nmax_bytes = {most}\nmin_free_bytes = {free}"
    );
    for source in &config.sources {
        let path = source.path.display().to_string();
        let (kind, path) = (text_of(source.kind.name()), text_of(&path));
        let _ = writeln!(out, "\n[[source]]\nkind = {kind}\npath = {path}");
        if let Some(name) = &source.account {
            let _ = writeln!(out, "account = {}", text_of(name));
        }
    }
    out
}

fn text_of(value: &str) -> String {
    super::text(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_is_in_force_reads_back() {
        let path = Path::new("/x");
        let text = "zone = 'Europe/Lisbon'\nnames = 'windows'\nname_max = 143\n[mount]\nsidecars = 'json'\nxattrs = true\ninclude = ['locked']\noptions = ['umask=022']\nlinks = 'symlink'\n\
                    [sync]\nwatch = false\npoll_seconds = 5\n[cache]\nmax_bytes = 1\nmin_free_bytes = 2\n[[source]]\nkind = 'takeout'\npath = \"/a \\\"b\\\"\"\naccount = 'ada'\n";
        let config = Config::parse(path, text).unwrap();
        let again = Config::parse(path, &in_force(&config)).unwrap();
        assert_eq!(format!("{config:?}"), format!("{again:?}"));
        // Every key but the tables' own names is told.
        for key in keys() {
            let name = key.rsplit('.').next().unwrap_or_default();
            assert!(in_force(&config).contains(name), "{key}");
        }
    }
}
