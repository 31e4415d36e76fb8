//! What moves photos: the zone in which a month begins, and the rules for names.
//!
//! The configuration asks for a layout. The one in force, by which the names were made that backups know, stands beside
//! each catalog (see [`super::decisions`]). A key that is added here gets its default where it is not written.

use super::text;
use crate::tree::fold::Rules;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The rules for names that this program knows. A configuration that asks for others is refused.
pub const RULES: u32 = 1;

/// What decides where photos lie and what they are called. A change of it moves photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The number of the rules.
    pub rules: u32,
    /// The name of the zone in which a month begins.
    pub zone: String,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            rules: RULES,
            zone: "UTC".into(),
        }
    }
}

impl Layout {
    /// Its keys in the configuration and their values as TOML.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("zone", text(&self.zone)),
            ("rules", self.rules.to_string()),
        ]
    }

    /// The keys by which another layout differs: `zone = "UTC"` here, `zone = "Europe/Lisbon"` there.
    pub fn differences(&self, other: &Layout) -> Vec<(String, String)> {
        let line = |(key, value): (&str, String)| format!("{key} = {value}");
        let (ours, theirs) = (self.pairs().into_iter(), other.pairs());
        ours.map(line)
            .zip(theirs.into_iter().map(line))
            .filter(|(ours, theirs)| ours != theirs)
            .collect()
    }

    /// What the fold needs to know.
    ///
    /// # Errors
    /// What is wrong with a value, and what is allowed.
    pub fn fold(&self) -> Result<Rules, String> {
        let zone = TimeZone::get(&self.zone).map_err(|_| {
            format!(
                "zone = {} must be \"UTC\" or a time zone such as \"Europe/Lisbon\"",
                text(&self.zone)
            )
        })?;
        if self.rules != RULES {
            return Err(format!(
                "rules = {} must be {RULES}, the only ones that this version knows",
                self.rules
            ));
        }
        Ok(Rules { zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_differ_by_their_keys() {
        let utc = Layout::default();
        let lisbon = Layout {
            zone: "Europe/Lisbon".into(),
            ..Layout::default()
        };
        assert_eq!(utc.differences(&utc), []);
        let differs = ("zone = \"UTC\"".into(), "zone = \"Europe/Lisbon\"".into());
        assert_eq!(utc.differences(&lisbon), [differs]);
        assert!(Layout { rules: 2, ..utc }.fold().is_err());
    }
}
