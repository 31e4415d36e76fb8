//! Reads the configuration file key by key, and knows which keys were asked for: what nobody asks for is unknown, in
//! whatever table it stands. So a key exists in one place, where it is read.
//!
//! An unknown key is a warning, so that an older program can live with a newer file. A wrong value is an error that
//! names file, line, and what is allowed: a setting that is silently dropped is a promise broken later.

use super::Error;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Table, TableLike, Value};

/// The whole file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    document: Document<String>,
    notes: RefCell<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// Every key that was asked for, with the names of its tables.
    asked: BTreeSet<String>,
    unknown: Vec<String>,
}

/// One table of the file.
pub(super) struct Reader<'a> {
    file: &'a File,
    table: &'a dyn TableLike,
    /// `cache.`, and nothing for the file itself.
    prefix: String,
    asked: RefCell<BTreeSet<String>>,
}

/// A value, and where it stands in the text.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    key: String,
    span: Option<Range<usize>>,
}

impl<T> At<T> {
    /// Where it stands, without the value.
    pub(super) fn place(&self) -> At<()> {
        At {
            value: (),
            key: self.key.clone(),
            span: self.span.clone(),
        }
    }
}

impl File {
    pub(super) fn parse(path: &Path, text: &str) -> Result<File, Error> {
        match Document::parse(text.to_owned()) {
            Ok(document) => Ok(File {
                path: path.into(),
                document,
                notes: RefCell::default(),
            }),
            Err(error) => Err(Error::Value {
                path: path.into(),
                line: error.span().map(|span| line(text, span.start)),
                what: format!("not TOML: {}", error.message()),
            }),
        }
    }

    pub(super) fn read(&self) -> Reader<'_> {
        Reader {
            file: self,
            table: self.document.as_table(),
            prefix: String::new(),
            asked: RefCell::default(),
        }
    }

    /// Unknown keys, after all has been read.
    pub(super) fn warnings(self) -> Vec<String> {
        self.notes.into_inner().unknown
    }

    /// All keys that a reader knows.
    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.notes.borrow().asked.clone()
    }

    fn line(&self, span: Option<&Range<usize>>) -> Option<usize> {
        Some(line(self.document.raw(), span?.start))
    }
}

fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// What a value must be, in the words of an error.
const TEXT: &str = "a text in quotes";
const NUMBER: &str = "a whole number, not negative";
const SWITCH: &str = "true or false";
const TEXTS: &str = "a list of texts such as [\"a\", \"b\"]";
const TABLE: &str = "a table";
const TABLES: &str = "a list of tables, each headed by double brackets";

impl<'a> Reader<'a> {
    pub(super) fn string(&self, key: &str) -> Result<Option<At<String>>, Error> {
        self.value(key, TEXT, |item| item.as_str().map(String::from))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<At<u64>>, Error> {
        self.value(key, NUMBER, |item| {
            item.as_integer()
                .and_then(|number| u64::try_from(number).ok())
        })
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<At<bool>>, Error> {
        self.value(key, SWITCH, Item::as_bool)
    }

    pub(super) fn strings(&self, key: &str) -> Result<Option<At<Vec<String>>>, Error> {
        self.value(key, TEXTS, |item| {
            let texts = item.as_array()?.iter();
            texts.map(|text| text.as_str().map(String::from)).collect()
        })
    }

    /// A table; one that is not there is empty.
    pub(super) fn table(&self, key: &str) -> Result<Reader<'a>, Error> {
        static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);
        let table: &'a dyn TableLike = match self.item(key) {
            None => &*EMPTY,
            Some(item) => item
                .as_table_like()
                .ok_or_else(|| self.not(key, item, TABLE))?,
        };
        Ok(self.below(key, table))
    }

    /// The tables of a list, however it is written.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Reader<'a>>, Error> {
        let item = self.item(key);
        let tables: Option<Vec<&'a dyn TableLike>> = match item {
            None => Some(Vec::new()),
            Some(Item::ArrayOfTables(tables)) => {
                Some(tables.iter().map(|table| table as &dyn TableLike).collect())
            }
            Some(Item::Value(Value::Array(values))) => values
                .iter()
                .map(|value| value.as_inline_table().map(|table| table as &dyn TableLike))
                .collect(),
            Some(_) => None,
        };
        match (tables, item) {
            (Some(tables), _) => Ok(tables
                .into_iter()
                .map(|table| self.below(key, table))
                .collect()),
            (None, Some(item)) => Err(self.not(key, item, TABLES)),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// What is wrong with a value.
    pub(super) fn wrong<T>(&self, at: &At<T>, what: &str) -> Error {
        Error::Value {
            path: self.file.path.clone(),
            line: self.file.line(at.span.as_ref()),
            what: format!("{} {what}", at.key),
        }
    }

    /// The same in words that name the key themselves.
    pub(super) fn wrong_whole<T>(&self, at: &At<T>, what: &str) -> Error {
        Error::Value {
            path: self.file.path.clone(),
            line: self.file.line(at.span.as_ref()),
            what: what.to_owned(),
        }
    }

    /// What this table lacks.
    pub(super) fn lacks(&self, what: &str) -> Error {
        let first = self
            .table
            .iter()
            .filter_map(|(_, item)| item.span())
            .min_by_key(|span| span.start);
        Error::Value {
            path: self.file.path.clone(),
            line: self.file.line(first.as_ref()),
            what: format!("[[{}]] {what}", self.prefix.trim_end_matches('.')),
        }
    }

    /// Notes what nobody asked for.
    pub(super) fn end(self) {
        let asked = self.asked.into_inner();
        let mut notes = self.file.notes.borrow_mut();
        for (key, item) in self.table.iter().filter(|(key, _)| !asked.contains(*key)) {
            let span = self.table.key(key).and_then(|key| key.span());
            let at = self
                .file
                .line(span.or_else(|| item.span()).as_ref())
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            notes.unknown.push(format!(
                "{}{at}: unknown key {}{key}",
                self.file.path.display(),
                self.prefix
            ));
        }
    }

    fn item(&self, key: &str) -> Option<&'a Item> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.file
            .notes
            .borrow_mut()
            .asked
            .insert(format!("{}{key}", self.prefix));
        self.table.get(key).filter(|item| !item.is_none())
    }

    fn value<T>(
        &self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&Item) -> Option<T>,
    ) -> Result<Option<At<T>>, Error> {
        let Some(item) = self.item(key) else {
            return Ok(None);
        };
        match take(item) {
            Some(value) => Ok(Some(At {
                value,
                key: format!("{}{key}", self.prefix),
                span: item.span(),
            })),
            None => Err(self.not(key, item, wanted)),
        }
    }

    fn not(&self, key: &str, item: &Item, wanted: &str) -> Error {
        let at = At {
            value: (),
            key: format!("{}{key}", self.prefix),
            span: item.span(),
        };
        self.wrong(&at, &format!("must be {wanted}"))
    }

    fn below(&self, key: &str, table: &'a dyn TableLike) -> Reader<'a> {
        Reader {
            file: self.file,
            table,
            prefix: format!("{}{key}.", self.prefix),
            asked: RefCell::default(),
        }
    }
}
