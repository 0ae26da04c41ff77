//! Configurations as TOML text: a file names a preset and the keys that differ from it.

use super::{ConfigError, Preset, SearchConfig, place};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// A key that two configurations do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key, with its table, e.g. `training.epochs`.
    pub key: String,
    /// Its value here, as TOML.
    pub own: String,
    /// Its value in the other configuration.
    pub other: String,
}

fn text_error(reason: impl std::fmt::Display) -> ConfigError {
    ConfigError::Text { place: None, reason: reason.to_string().trim_end().to_owned() }
}

impl SearchConfig {
    /// Reads a configuration. The key `preset` names the starting point (`quick` if it is left
    /// out); every other key replaces that preset's value.
    ///
    /// # Errors
    /// [`ConfigError::Text`] for a text that is no TOML and for unknown or ill-typed keys; it says
    /// where they are.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let changes: Table =
            toml::from_str(text).map_err(|error| place::unreadable(text, &error))?;
        let preset = match changes.get("preset") {
            None => Preset::Quick,
            Some(name) => Preset::deserialize_name(name)?,
        };
        Self::changed(preset, changes, text)
    }

    /// Reads what differs from a preset, whichever the text itself names.
    ///
    /// # Errors
    /// As [`SearchConfig::from_toml`].
    pub fn from_toml_as(preset: Preset, text: &str) -> Result<Self, ConfigError> {
        let mut changes: Table =
            toml::from_str(text).map_err(|error| place::unreadable(text, &error))?;
        changes.remove("preset");
        Self::changed(preset, changes, text)
    }

    fn changed(preset: Preset, changes: Table, text: &str) -> Result<Self, ConfigError> {
        let base = Value::Table(Table::try_from(preset.config()).map_err(text_error)?);
        let mut merged = base.clone();
        let changes = Value::Table(changes);
        merge(&mut merged, changes.clone());
        merged.try_into().map_err(|error| match place::culprit(&base, &changes) {
            Some(culprit) => culprit.error(text),
            None => text_error(error),
        })
    }

    /// Every key with its value, as TOML; [`SearchConfig::from_toml`] gives the same back.
    ///
    /// # Errors
    /// [`ConfigError::Text`] for a value that TOML cannot hold, such as one above 2⁶³.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(text_error)
    }
}

impl SearchConfig {
    /// The first key, in the order of their names, with another value in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let table = |config: &Self| Table::try_from(config).unwrap_or_default();
        difference("", &table(self), &table(other))
    }
}

fn difference(prefix: &str, own: &Table, other: &Table) -> Option<Difference> {
    let shown = |value: Option<&Value>| value.map_or("not set".to_owned(), Value::to_string);
    let keys: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
    keys.into_iter().find_map(|name| {
        let key = format!("{prefix}{name}");
        match (own.get(name), other.get(name)) {
            (Some(Value::Table(own)), Some(Value::Table(other))) => {
                difference(&format!("{key}."), own, other)
            }
            (own, other) if own == other => None,
            (own, other) => Some(Difference { key, own: shown(own), other: shown(other) }),
        }
    })
}

impl Preset {
    fn deserialize_name(name: &Value) -> Result<Self, ConfigError> {
        name.as_str().and_then(Self::from_name).ok_or_else(|| ConfigError::Value {
            key: "preset".to_owned(),
            value: name.to_string(),
            requirement: format!("it must be one of {}", SearchConfig::preset_names()),
        })
    }
}

/// Puts the values of `change` into `base`, table by table; lists are replaced as a whole.
pub(super) fn merge(base: &mut Value, change: Value) {
    match (base, change) {
        (Value::Table(old), Value::Table(new)) => {
            for (key, change) in new {
                match old.get_mut(&key) {
                    Some(value) => merge(value, change),
                    None => {
                        old.insert(key, change);
                    }
                }
            }
        }
        (base, change) => *base = change,
    }
}
