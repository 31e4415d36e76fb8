//! Changes of the configuration file that leave everything else as its owner wrote it, byte for byte: comments, order,
//! blanks. A change is made in the text, at the place that the parser names, and read back before it is written.

use super::replace::Folder;
use super::{Config, Error, Layout, Source};
use std::ops::Range;
use std::path::Path;
use toml_edit::{Document, Item, Table};

/// Adds sources that are not there yet; gives those that were added.
///
/// # Errors
/// When the file cannot be read, understood or written; then it is as it was.
pub fn add_sources(path: &Path, sources: &[Source]) -> Result<Vec<Source>, Error> {
    let mut added = Vec::new();
    change(path, |old| {
        let config = Config::parse(path, old)?;
        let mut new = old.to_owned();
        for source in sources {
            if config.sources.contains(source) || added.contains(source) {
                continue;
            }
            new = with_source(path, new, source)?;
            added.push(source.clone());
        }
        Ok(new)
    })?;
    Ok(added)
}

fn with_source(path: &Path, mut text: String, source: &Source) -> Result<String, Error> {
    let at = source.path.to_str();
    let at = at.ok_or_else(|| Error::NotText(source.path.clone()))?;
    let mut pairs = vec![("kind", source.kind.name()), ("path", at)];
    pairs.extend(source.account.iter().map(|name| ("account", name.as_str())));
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key} = {}", super::text(value)))
        .collect();
    let document = parse(path, &text)?;
    if let Some(list) = document.get("source").and_then(Item::as_array) {
        // A list in brackets can only grow where it stands.
        let table = format!("{{ {} }}", pairs.join(", "));
        let last = list.iter().last().and_then(|value| value.span());
        match (last, list.span()) {
            (Some(last), _) => text.insert_str(last.end, &format!(", {table}")),
            (None, Some(list)) => text.insert_str(list.start + 1, &table),
            (None, None) => {}
        }
        return Ok(text);
    }
    let gap = match text.as_str() {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    text.push_str(&format!("{gap}[[source]]\n{}\n", pairs.join("\n")));
    Ok(text)
}

/// Takes a source out, wherever and however often it stands.
///
/// # Errors
/// As [`add_sources`].
pub fn remove_source(path: &Path, source: &Source) -> Result<(), Error> {
    change(path, |old| {
        let document = parse(path, old)?;
        let is_it = |table: &dyn toml_edit::TableLike| {
            let is = |key: &str, value: &str| table.get(key).and_then(Item::as_str) == Some(value);
            is("kind", source.kind.name()) && source.path.to_str().is_some_and(|at| is("path", at))
        };
        let mut gone: Vec<Range<usize>> = Vec::new();
        match document.get("source") {
            Some(Item::ArrayOfTables(tables)) => {
                let tables = tables.iter().filter(|table| is_it(*table));
                gone.extend(tables.filter_map(|table| lines_of(old, table)));
            }
            Some(Item::Value(list)) => {
                for value in list.as_array().into_iter().flatten() {
                    let table = value.as_inline_table().filter(|table| is_it(*table));
                    if let Some(span) = table.and(value.span()) {
                        gone.push(with_comma(old, span));
                    }
                }
            }
            _ => {}
        }
        let mut new = old.to_owned();
        for range in gone.into_iter().rev() {
            new.replace_range(range, "");
        }
        Ok(new)
    })
}

/// Writes a layout. What stands there already, or is the default, is left as it is.
///
/// # Errors
/// As [`add_sources`].
pub fn set_layout(path: &Path, layout: &Layout) -> Result<(), Error> {
    change(path, |old| {
        let now = Config::parse(path, old)?.layout;
        let mut new = old.to_owned();
        for ((key, value), (_, now)) in layout.pairs().into_iter().zip(now.pairs()) {
            if value == now {
                continue;
            }
            let document = parse(path, &new)?;
            if let Some(span) = document.get(key).and_then(Item::span) {
                new.replace_range(span, &value);
                continue;
            }
            // Behind the last key that belongs to no table, else at the top.
            let spans = document
                .iter()
                .filter(|(_, item)| item.is_value())
                .filter_map(|(_, item)| item.span());
            let place = spans.map(|span| end_of_line(&new, span.end)).max();
            let place = place.unwrap_or(0);
            let gap = if place > 0 && !new[..place].ends_with('\n') {
                "\n"
            } else {
                ""
            };
            new.insert_str(place, &format!("{gap}{key} = {value}\n"));
        }
        Ok(new)
    })
}

/// Reads, changes and writes a file under its lock. What the change makes of it must be a configuration.
fn change(path: &Path, change: impl FnOnce(&str) -> Result<String, Error>) -> Result<(), Error> {
    let folder = Folder::lock(path)?;
    let old = folder.read()?;
    let new = change(&old)?;
    if new == old {
        return Ok(());
    }
    Config::parse(path, &new)?;
    folder.replace(&new)
}

fn parse(path: &Path, text: &str) -> Result<Document<String>, Error> {
    Document::parse(text.to_owned()).map_err(|error| Error::Value {
        path: path.into(),
        line: None,
        what: format!("not TOML: {}", error.message()),
    })
}

/// The lines of a table, from its heading to its last value, and one blank line before them.
fn lines_of(text: &str, table: &Table) -> Option<Range<usize>> {
    let values = table.iter().filter_map(|(_, item)| item.span());
    let end = values
        .map(|span| span.end)
        .chain(table.span().map(|span| span.end))
        .max()?;
    let start = table.span()?.start;
    let mut start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    if text[..start].ends_with("\n\n") {
        start -= 1;
    }
    Some(start..end_of_line(text, end))
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// A value of a list and the comma behind it; of the last one the comma before it.
fn with_comma(text: &str, span: Range<usize>) -> Range<usize> {
    let behind = text[span.end..].trim_start();
    if let Some(rest) = behind.strip_prefix(',') {
        return span.start..text.len() - rest.len();
    }
    let before = text[..span.start].trim_end();
    span.start.min(
        before
            .strip_suffix(',')
            .unwrap_or(&text[..span.start])
            .len(),
    )..span.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind, example};
    use std::fs;

    fn takeout(path: &str) -> Source {
        Source {
            kind: Kind::Takeout,
            path: path.into(),
            account: None,
        }
    }

    fn of_account(path: &str, name: &str) -> Source {
        Source {
            account: Some(name.into()),
            ..takeout(path)
        }
    }

    struct Home(tempfile::TempDir);

    impl Home {
        fn with(text: &str) -> Home {
            let home = Home(tempfile::tempdir().unwrap());
            fs::write(home.path(), text).unwrap();
            home
        }

        fn path(&self) -> std::path::PathBuf {
            self.0.path().join("config.toml")
        }

        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }

        fn paths(&self) -> Vec<String> {
            let config = Config::parse(&self.path(), &self.text()).unwrap();
            let paths = config.paths();
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        }
    }

    const WRITTEN: &str = "# mine\nzone = \"UTC\"   # here\n\n[cache]\n# small\nmax_bytes = 7\n";

    #[test]
    fn what_is_added_is_taken_away_again_without_a_trace() {
        let own = example::text();
        for text in ["", "# only this", WRITTEN, &own] {
            let home = Home::with(text);
            let (a, b) = (of_account("/a \"quoted\" \\ ❤", "Ada ❤"), takeout("/b"));
            let added = add_sources(&home.path(), &[a.clone(), b.clone(), a.clone()]).unwrap();
            assert_eq!(added, [a.clone(), b.clone()]);
            assert_eq!(
                add_sources(&home.path(), std::slice::from_ref(&b)).unwrap(),
                []
            );
            assert_eq!(home.paths(), ["/a \"quoted\" \\ ❤", "/b"]);
            assert!(home.text().starts_with(text), "{}", home.text());
            remove_source(&home.path(), &a).unwrap();
            assert_eq!(home.paths(), ["/b"]);
            remove_source(&home.path(), &b).unwrap();
            assert_eq!(home.text().trim_end(), text.trim_end());
        }
    }

    #[test]
    fn comments_around_a_removed_source_stay() {
        let text = "# top\n\n# the old disk\n[[source]] # here\nkind = \"takeout\"\npath = \"/a\"  # gone\n\n# the new disk\n\
                    [[source]]\npath = \"/b\"\nkind = \"takeout\"\n\n# last\n[cache]\nmax_bytes = 1\n";
        let home = Home::with(text);
        remove_source(&home.path(), &takeout("/a")).unwrap();
        let left = "# top\n\n# the old disk\n\n# the new disk\n[[source]]\npath = \"/b\"\nkind = \"takeout\"\n\n# last\n\
                    [cache]\nmax_bytes = 1\n";
        assert_eq!(home.text(), left);
        remove_source(&home.path(), &takeout("/c")).unwrap();
        assert_eq!(home.text(), left);
        // A source added later stands behind the other tables, and the file means the same.
        add_sources(&home.path(), &[takeout("/d")]).unwrap();
        assert_eq!(home.paths(), ["/b", "/d"]);
    }

    #[test]
    fn a_list_in_brackets_stays_one() {
        let home =
            Home::with("source = [\n  { kind = 'takeout', path = '/a' }, # first\n]\n[cache]\n");
        add_sources(&home.path(), &[takeout("/b"), takeout("/c")]).unwrap();
        assert_eq!(home.paths(), ["/a", "/b", "/c"], "{}", home.text());
        for (path, left) in [("/b", 2), ("/c", 1), ("/a", 0)] {
            remove_source(&home.path(), &takeout(path)).unwrap();
            assert_eq!(home.paths().len(), left, "{}", home.text());
        }
        let home = Home::with("source = []");
        add_sources(&home.path(), &[takeout("/b")]).unwrap();
        assert_eq!(
            home.text(),
            "source = [{ kind = \"takeout\", path = \"/b\" }]"
        );
    }

    #[test]
    fn a_layout_is_set_in_its_place() {
        let lisbon = Layout {
            zone: "Europe/Lisbon".into(),
            ..Layout::default()
        };
        for (text, set) in [
            ("", "zone = \"Europe/Lisbon\"\n"),
            (
                WRITTEN,
                "# mine\nzone = \"Europe/Lisbon\"   # here\n\n[cache]\n# small\nmax_bytes = 7\n",
            ),
            ("# x\n[cache]\n", "zone = \"Europe/Lisbon\"\n# x\n[cache]\n"),
            (
                "rules = 1 # the first",
                "rules = 1 # the first\nzone = \"Europe/Lisbon\"\n",
            ),
        ] {
            let home = Home::with(text);
            set_layout(&home.path(), &Layout::default()).unwrap();
            assert_eq!(home.text(), text);
            set_layout(&home.path(), &lisbon).unwrap();
            assert_eq!(home.text(), set);
        }
    }

    #[test]
    fn what_cannot_be_understood_is_left_alone() {
        let home = Home::with("zone = 3\n");
        assert!(add_sources(&home.path(), &[takeout("/a")]).is_err());
        assert_eq!(home.text(), "zone = 3\n");
        use std::os::unix::ffi::OsStrExt;
        let odd = Source {
            kind: Kind::Takeout,
            path: std::ffi::OsStr::from_bytes(b"/\xff").into(),
            account: None,
        };
        let home = Home::with("");
        assert!(matches!(
            add_sources(&home.path(), &[odd]),
            Err(Error::NotText(_))
        ));
        assert_eq!(home.text(), "");
    }
}
