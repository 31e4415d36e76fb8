//! Settings: the configuration file, and where things lie.
//!
//! The only room that reads TOML and knows of XDG. What it hands out are plain values; nobody below sees a key.
//!
//! | file | what it is |
//! | --- | --- |
//! | `config.rs` | the settings, as everybody else knows them |
//! | [`places`] | where files lie: a user's places and the system's |
//! | `reader` | the file, key by key, with lines for what is wrong |
//! | [`example`] | the file as it is shown to people, key by key |
//! | [`edit`], `replace` | the file changed for its owner, whose comments and order stay |
//! | [`decisions`] | what the user decided for one library |
//! | `layout` | what moves photos: zone, rules, names |
//! | [`accounts`] | names of accounts, and which is the first |
//!
//! The file is the authority: names are a function of the sources, of this file and of what was decided. What moves
//! photos, the [`Layout`], is remembered for each library besides, so that a changed zone is noticed before a backup copies everything anew.

pub mod accounts;
pub mod decisions;
pub mod edit;
pub mod example;
mod layout;
pub mod places;
mod reader;
mod replace;

use crate::tree::fold::Rules;
use crate::tree::{Links, Sidecars};
use reader::{File, Reader};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub use accounts::Accounts;
pub use decisions::{Decisions, Forgotten};
pub use layout::{Layout, Names, RULES, name_max};
pub use places::{AsOf, Given, Library, Places};

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}", path = .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, or a value is of the wrong kind or makes no sense.
    #[error("{path}{line}: {what}", path = .path.display(), line = .line.map(|line| format!(":{line}")).unwrap_or_default())]
    Value {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: Option<usize>,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// There is no home directory.
    #[error("no home directory: set HOME, or give --config, --state-dir and --cache-dir")]
    NoHome,
    /// A path that a text file cannot hold.
    #[error("{path} is not UTF-8, and a configuration can hold nothing else; give a link to it", path = .0.display())]
    NotText(PathBuf),
}

/// A file of ours that says what makes no sense.
fn wrong(path: &Path, what: impl Into<String>) -> Error {
    Error::Value {
        path: path.into(),
        line: None,
        what: what.into(),
    }
}

/// A text as TOML writes it.
fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// What kind of place photos come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Archives or unpacked folders of Google Takeout on this machine.
    Takeout,
}

impl Kind {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Takeout => "takeout",
        }
    }
}

/// One place where photos come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// An archive, a folder of archives, or an unpacked `Takeout`.
    pub path: PathBuf,
    /// Whose photos these are, where that is said.
    pub account: Option<String>,
}

/// How a library is mounted, unless the command line says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// How albums, people and favorites show a photo.
    pub links: Links,
    /// Which documents stand beside the photos.
    pub sidecars: Sidecars,
    /// Tell what is known of photos in extended attributes.
    pub xattrs: bool,
    /// Show what is in the trash.
    pub trash: bool,
    /// Show what is in the locked folder.
    pub locked: bool,
    /// Mount options.
    pub options: Vec<String>,
}

/// How a mount learns of new exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// It looks by itself.
    pub watch: bool,
    /// Seconds between two looks where nothing tells it to look; 0 for never.
    pub poll_seconds: u64,
}

impl Default for Live {
    fn default() -> Live {
        Live {
            watch: true,
            poll_seconds: 600,
        }
    }
}

/// The settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// The file is there.
    pub exists: bool,
    /// Where the photos of the configured library come from.
    pub sources: Vec<Source>,
    /// What moves photos.
    pub layout: Layout,
    /// The same, for the fold.
    pub rules: Rules,
    /// How a library is mounted.
    pub mount: Mount,
    /// How a mount learns of new exports.
    pub live: Live,
    /// Most bytes in the disk cache.
    pub cache_max_bytes: u64,
    /// Bytes that stay free on the disk with the cache.
    pub cache_min_free_bytes: u64,
    /// Things in the file that are not understood.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file of these places; without one everything has its default. A file that was named must exist.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(places: &Places) -> Result<Config, Error> {
        let path = &places.config;
        match std::fs::read_to_string(path) {
            Ok(text) => Config::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !places.config_given => {
                Config::absent(path)
            }
            Err(source) => Err(Error::Read {
                path: path.clone(),
                source,
            }),
        }
    }

    /// The settings where there is no file.
    ///
    /// # Errors
    /// None in practice.
    pub fn absent(path: &Path) -> Result<Config, Error> {
        let config = Config::parse(path, "")?;
        Ok(Config {
            exists: false,
            ..config
        })
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn parse(path: &Path, text: &str) -> Result<Config, Error> {
        let file = File::parse(path, text)?;
        let config = read(path, &file)?;
        Ok(Config {
            warnings: file.warnings(),
            ..config
        })
    }

    /// The paths of all sources.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.sources
            .iter()
            .map(|source| source.path.clone())
            .collect()
    }
}

fn read(path: &Path, file: &File) -> Result<Config, Error> {
    let all = file.read();
    let (layout, rules) = layout(&all)?;
    let mut sources: Vec<Source> = Vec::new();
    for table in all.tables("source")? {
        let source = source(table, &sources)?;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let mount = mount(all.table("mount")?)?;
    let live = live(all.table("sync")?)?;
    let cache = all.table("cache")?;
    let bytes = |key, usual| Ok(cache.number(key)?.map_or(usual, |at| at.value));
    let cache_max_bytes = bytes("max_bytes", 5 << 30)?;
    let cache_min_free_bytes = bytes("min_free_bytes", 1 << 30)?;
    cache.end();
    all.end();
    Ok(Config {
        path: path.into(),
        exists: true,
        sources,
        layout,
        rules,
        mount,
        live,
        cache_max_bytes,
        cache_min_free_bytes,
        warnings: Vec::new(),
    })
}

/// What moves photos: `zone`, `rules`, `names`, `name_max`.
fn layout(all: &Reader<'_>) -> Result<(Layout, Rules), Error> {
    let mut layout = Layout::default();
    let mut last = None;
    // Each value is judged as it comes, so that the error names its line.
    let judge = |layout: &Layout, at: &reader::At<()>| {
        layout.fold().map_err(|what| all.wrong_whole(at, &what))
    };
    if let Some(at) = all.string("zone")? {
        layout.zone.clone_from(&at.value);
        last = Some(judge(&layout, &at.place())?);
    }
    if let Some(at) = all.number("rules")? {
        layout.rules = u32::try_from(at.value).unwrap_or(u32::MAX);
        last = Some(judge(&layout, &at.place())?);
    }
    if let Some(at) = all.string("names")? {
        layout.names = match at.value.as_str() {
            "posix" => Names::Posix,
            "windows" => Names::Windows,
            _ => return Err(all.wrong(&at, "must be \"posix\" or \"windows\"")),
        };
        last = Some(judge(&layout, &at.place())?);
    }
    if let Some(at) = all.number("name_max")? {
        let max = name_max(at.value).map_err(|what| all.wrong(&at, &format!("must be {what}")));
        layout.name_max = max?;
        last = Some(judge(&layout, &at.place())?);
    }
    Ok((layout, last.unwrap_or_default()))
}

/// A source that may stand beside those before it.
fn source(table: Reader<'_>, others: &[Source]) -> Result<Source, Error> {
    let kind = match table.string("kind")? {
        None => return Err(table.lacks("lacks its kind; allowed is kind = \"takeout\"")),
        Some(at) if at.value == Kind::Takeout.name() => Kind::Takeout,
        Some(at) => return Err(table.wrong(&at, "must be \"takeout\"")),
    };
    let at = match table.string("path")? {
        None => return Err(table.lacks("lacks its path")),
        Some(at) if Path::new(&at.value).is_absolute() => at,
        Some(at) => {
            return Err(table.wrong(&at, "must be an absolute path, one that begins with /"));
        }
    };
    let mut source = Source {
        kind,
        path: at.value.clone().into(),
        account: None,
    };
    let account = table.string("account")?;
    if let Some(name) = &account {
        accounts::check(&name.value).map_err(|what| table.wrong(name, &what))?;
        source.account = Some(name.value.clone());
    }
    let stands_in_the_way = |what: String| table.wrong_whole(&at, &what);
    accounts::beside(&source, others).map_err(stands_in_the_way)?;
    table.end();
    Ok(source)
}

fn mount(table: Reader<'_>) -> Result<Mount, Error> {
    let mut mount = Mount::default();
    if let Some(at) = table.string("links")? {
        mount.links = match at.value.as_str() {
            "hard" => Links::Hard,
            "symlink" => Links::Symlink,
            _ => return Err(table.wrong(&at, "must be \"hard\" or \"symlink\"")),
        };
    }
    if let Some(at) = table.string("sidecars")? {
        mount.sidecars = match at.value.as_str() {
            "auto" => Sidecars::Auto,
            "xmp" => Sidecars::Xmp,
            "json" => Sidecars::Json,
            "both" => Sidecars::Both,
            "none" => Sidecars::None,
            _ => {
                let allowed = "must be \"auto\", \"xmp\", \"json\", \"both\" or \"none\"";
                return Err(table.wrong(&at, allowed));
            }
        };
    }
    if let Some(at) = table.boolean("xattrs")? {
        mount.xattrs = at.value;
    }
    if let Some(at) = table.strings("include")? {
        for what in &at.value {
            match what.as_str() {
                "trash" => mount.trash = true,
                "locked" => mount.locked = true,
                _ => return Err(table.wrong(&at, "may hold \"trash\" and \"locked\"")),
            }
        }
    }
    if let Some(at) = table.strings("options")? {
        mount.options = at.value;
    }
    table.end();
    Ok(mount)
}

fn live(table: Reader<'_>) -> Result<Live, Error> {
    let mut live = Live::default();
    if let Some(at) = table.boolean("watch")? {
        live.watch = at.value;
    }
    if let Some(at) = table.number("poll_seconds")? {
        live.poll_seconds = at.value;
    }
    table.end();
    Ok(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn load(text: &str) -> Result<Config, Error> {
        Config::parse(Path::new("/x/config.toml"), text)
    }

    #[test]
    fn a_file_is_read() {
        let text = "zone = 'Europe/Lisbon'\nrules = 1\nnames = 'windows'\nname_max = 143\n[cache]\nmax_bytes = 7\n[sync]\nwatch = false\npoll_seconds = 9\n[mount]\nlinks = \"symlink\"\n\
                     sidecars = \"both\"\nxattrs = true\n\
                    include = [\"locked\"]\noptions = [\"allow_other,umask=022\", \"noexec\"]\n\
                    [[source]]\nkind = \"takeout\"\npath = \"/a\"\n[[source]]\nkind = \"takeout\"\npath = \"/b\"\n\
                    [[source]]\nkind = \"takeout\"\npath = \"/a\"\n";
        let config = load(text).unwrap();
        assert_eq!(config.rules.zone.iana_name(), Some("Europe/Lisbon"));
        assert_eq!(config.layout.zone, "Europe/Lisbon");
        assert!(config.rules.names.windows);
        assert_eq!(config.rules.names.max, 143);
        assert_eq!(config.mount.sidecars, Sidecars::Both);
        assert!(config.mount.xattrs);
        assert_eq!(config.cache_max_bytes, 7);
        assert_eq!((config.live.watch, config.live.poll_seconds), (false, 9));
        assert_eq!(config.cache_min_free_bytes, 1 << 30);
        assert_eq!(config.mount.links, Links::Symlink);
        assert!(config.mount.locked && !config.mount.trash);
        assert_eq!(config.mount.options, ["allow_other,umask=022", "noexec"]);
        assert_eq!(config.paths(), [Path::new("/a"), Path::new("/b")]);
        assert_eq!(config.warnings, [""; 0]);
        let inline =
            load("source = [{ kind = 'takeout', path = '/c' }]\ncache = { max_bytes = 3 }");
        let inline = inline.unwrap();
        assert_eq!(
            (inline.paths(), inline.cache_max_bytes),
            (vec!["/c".into()], 3)
        );
    }

    #[test]
    fn unknown_keys_are_a_warning_in_every_table() {
        let text = "colour = 1\n[cache]\nmax = 1\n\n[[source]]\nkind = 'takeout'\npath = '/a'\nspeed = 1\n\
                    [mount]\nlink = 1\n[party]\nx = 1\n[[more]]\ny = 1\n";
        let warnings = load(text).unwrap().warnings;
        for warning in [
            "/x/config.toml:1: unknown key colour",
            "/x/config.toml:3: unknown key cache.max",
            "/x/config.toml:8: unknown key source.speed",
            "/x/config.toml:10: unknown key mount.link",
            "/x/config.toml:11: unknown key party",
            "/x/config.toml:13: unknown key more",
        ] {
            assert!(
                warnings.contains(&warning.to_owned()),
                "{warning} in {warnings:#?}"
            );
        }
        assert_eq!(warnings.len(), 6, "{warnings:#?}");
    }

    #[test]
    fn a_wrong_value_names_its_line_and_what_is_allowed() {
        for (text, line, allowed) in [
            ("\nzone = 'Middle/Earth'", 2, "\"Europe/Lisbon\""),
            ("rules = 9", 1, "rules = 9 must be 1"),
            ("# x\n\nzone = 3", 3, "zone must be a text"),
            (
                "[cache]\nmax_bytes = -1",
                2,
                "cache.max_bytes must be a whole",
            ),
            (
                "[cache]\nmax_bytes = '5G'",
                2,
                "cache.max_bytes must be a whole",
            ),
            ("cache = 1", 1, "cache must be a table"),
            ("source = 1", 1, "source must be a list of tables"),
            ("[source]\nkind = 1", 1, "source must be a list of tables"),
            ("\n[[source]]\nkind = 'drive'", 3, "must be \"takeout\""),
            ("[[source]]\nkind = 'takeout'", 2, "lacks its path"),
            ("[[source]]\npath = '/a'", 2, "lacks its kind"),
            (
                "[[source]]\nkind = 'takeout'\npath = 'a'",
                3,
                "absolute path",
            ),
            ("[mount]\nlinks = 'soft'", 2, "\"hard\" or \"symlink\""),
            ("[mount]\nsidecars = 'all'", 2, "\"both\" or \"none\""),
            ("[mount]\nxattrs = 1", 2, "true or false"),
            ("[sync]\nwatch = 1", 2, "true or false"),
            (
                "[sync]\npoll_seconds = -1",
                2,
                "sync.poll_seconds must be a whole",
            ),
            (
                "[[source]]\nkind = 'takeout'\npath = '/a'\naccount = 'a/b'",
                4,
                "must be a name",
            ),
            (
                "[[source]]\nkind = 'takeout'\npath = '/a'\naccount = 'Ada'\n\
                 [[source]]\nkind = 'takeout'\npath = '/b'\naccount = 'ada'",
                7,
                "differs from \"Ada\" only in case",
            ),
            (
                "[[source]]\nkind = 'takeout'\npath = '/a'\naccount = 'ada'\n\
                 [[source]]\nkind = 'takeout'\npath = '/a'",
                7,
                "/a is a source of the account \"ada\"",
            ),
            ("names = 'dos'", 1, "\"posix\" or \"windows\""),
            ("name_max = 63", 1, "between 64 and 255"),
            ("name_max = 256", 1, "between 64 and 255"),
            (
                "[mount]\ninclude = 'trash'",
                2,
                "mount.include must be a list",
            ),
            (
                "[mount]\ninclude = [\n'spam']",
                2,
                "\"trash\" and \"locked\"",
            ),
            ("[mount]\noptions = [1]", 2, "must be a list of texts"),
            ("x = 1\n]", 2, "not TOML"),
            ("x = 1\nx = 2", 2, "not TOML"),
        ] {
            let error = load(text).unwrap_err().to_string();
            let at = format!("/x/config.toml:{line}: ");
            assert!(error.starts_with(&at), "{text:?}: {error}");
            assert!(error.contains(allowed), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let mut places = Places::system();
        places.config.clone_from(&path);
        assert!(!Config::load(&places).unwrap().exists);
        places.config_given = true;
        assert!(matches!(Config::load(&places), Err(Error::Read { .. })));
        std::fs::write(&path, "").unwrap();
        assert!(Config::load(&places).unwrap().exists);
    }

    /// Every key that is read stands in the example, and nothing else does.
    #[test]
    fn the_example_holds_every_key() {
        let text = example::uncommented();
        let path = Path::new("/x/config.toml");
        let file = File::parse(path, &text).unwrap();
        read(path, &file).unwrap();
        let asked = file.asked();
        let shown: BTreeSet<String> = example::keys().collect();
        assert_eq!(asked, shown);
        assert_eq!(file.warnings(), [""; 0]);
        // Its values are the defaults, but for the source.
        let config = load(&text).unwrap();
        let defaults = Config::absent(path).unwrap();
        assert_eq!(config.layout, defaults.layout);
        assert_eq!(config.mount, defaults.mount);
        assert_eq!(config.live, defaults.live);
        assert_eq!(config.cache_max_bytes, defaults.cache_max_bytes);
        assert_eq!(config.cache_min_free_bytes, defaults.cache_min_free_bytes);
        // As it is printed it sets nothing.
        assert!(load(&example::text()).unwrap().sources.is_empty());
    }
}
