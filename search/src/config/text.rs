//! Configurations as TOML text: a file names a preset and the keys that differ from it.

use super::{ConfigError, Preset, SearchConfig};
use toml::{Table, Value};

fn text_error(reason: impl std::fmt::Display) -> ConfigError {
    ConfigError::Text { reason: reason.to_string().trim_end().to_owned() }
}

impl SearchConfig {
    /// Reads a configuration. The key `preset` names the starting point (`quick` if it is left
    /// out); every other key replaces that preset's value.
    ///
    /// # Errors
    /// [`ConfigError::Text`] for a text that is no TOML and for unknown or ill-typed keys.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let changes: Table = toml::from_str(text).map_err(text_error)?;
        let preset = match changes.get("preset") {
            None => Preset::Quick,
            Some(name) => Preset::deserialize_name(name)?,
        };
        let mut merged = Table::try_from(preset.config()).map_err(text_error)?;
        merge(&mut merged, changes);
        // Printed and read again, so that a mistake is reported with its key and line.
        let merged = toml::to_string(&merged).map_err(text_error)?;
        toml::from_str(&merged).map_err(text_error)
    }

    /// Every key with its value, as TOML; [`SearchConfig::from_toml`] gives the same back.
    ///
    /// # Errors
    /// [`ConfigError::Text`] for a value that TOML cannot hold, such as one above 2⁶³.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(text_error)
    }
}

impl Preset {
    fn deserialize_name(name: &Value) -> Result<Self, ConfigError> {
        name.as_str().and_then(Self::from_name).ok_or_else(|| ConfigError::Value {
            key: "preset".to_owned(),
            value: name.to_string(),
            requirement: "it must be one of \"quick\", \"paper\" and \"nasc\"".to_owned(),
        })
    }
}

/// Puts the values of `changes` into `base`, table by table; lists are replaced as a whole.
fn merge(base: &mut Table, changes: Table) {
    for (key, change) in changes {
        match (base.get_mut(&key), change) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, change) => {
                base.insert(key, change);
            }
        }
    }
}
