//! Where in a configuration's text a key stands, and which key of a text that cannot be read is at
//! fault. A text changes a preset, so what is read is not what was written; each key is tried alone.

use super::text::merge;
use super::{ConfigError, SearchConfig};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    fn at(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }

    /// Where a key such as `training.epochs` or `network_archive.axes[1]` stands; where it does not,
    /// the table around it. `None` if that is not there either.
    #[must_use]
    pub fn of_key(text: &str, key: &str) -> Option<Self> {
        let steps: Vec<Step> = key.split('.').flat_map(steps).collect();
        find(text, &steps)
    }
}

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Element(usize),
}

/// `axes[1]` is a key and an element.
fn steps(part: &str) -> Vec<Step> {
    let (name, rest) = part.split_once('[').unwrap_or((part, ""));
    let element = rest.strip_suffix(']').and_then(|number| number.parse().ok());
    let element = element.map(Step::Element);
    std::iter::once(Step::Key(name.to_owned())).chain(element).collect()
}

/// A text that is no TOML.
pub(super) fn unreadable(text: &str, error: &toml::de::Error) -> ConfigError {
    let place = error.span().map(|span| Place::at(text, span.start));
    ConfigError::Text { place, reason: error.message().to_owned() }
}

/// A key whose value cannot be read.
#[derive(Debug)]
pub(super) struct Culprit {
    steps: Vec<Step>,
    reason: String,
}

impl Culprit {
    pub(super) fn error(&self, text: &str) -> ConfigError {
        let reason = format!("`{}`: {}", self.key(), self.reason);
        ConfigError::Text { place: find(text, &self.steps), reason }
    }

    fn key(&self) -> String {
        let mut key = String::new();
        for step in &self.steps {
            match step {
                Step::Key(name) if key.is_empty() => key.push_str(name),
                Step::Key(name) => key.push_str(&format!(".{name}")),
                Step::Element(index) => key.push_str(&format!("[{index}]")),
            }
        }
        key
    }
}

/// The first key of `changes` that spoils `base` by itself.
pub(super) fn culprit(base: &Value, changes: &Value) -> Option<Culprit> {
    let read = |whole: Value| {
        whole.try_into::<SearchConfig>().err().map(|error| error.message().to_owned())
    };
    let mut steps = Vec::new();
    let reason = narrow(&read, Some(base), changes, &mut steps)?;
    Some(Culprit { steps, reason })
}

/// Why `read` refuses the change of a value, and in `steps` the way to the part that is at fault.
fn narrow(
    read: &dyn Fn(Value) -> Option<String>,
    base: Option<&Value>,
    change: &Value,
    steps: &mut Vec<Step>,
) -> Option<String> {
    let empty = Value::Table(Table::new());
    let inside = match (base, change) {
        // what a preset leaves out begins empty, if it is a table at all
        (None, Value::Table(_)) if read(empty.clone()).is_none() => {
            in_table(read, &empty, change, steps)
        }
        (Some(base @ Value::Table(_)), Value::Table(_)) => in_table(read, base, change, steps),
        (Some(Value::Array(base)), Value::Array(change)) => {
            in_list(read, base.first(), change, steps)
        }
        _ => None,
    };
    inside.or_else(|| {
        let mut changed = base.cloned().unwrap_or_else(|| change.clone());
        merge(&mut changed, change.clone());
        read(changed)
    })
}

fn in_table(
    read: &dyn Fn(Value) -> Option<String>,
    base: &Value,
    change: &Value,
    steps: &mut Vec<Step>,
) -> Option<String> {
    change.as_table()?.iter().find_map(|(key, change)| {
        let with = |value: Value| {
            let mut whole = base.clone();
            whole.as_table_mut()?.insert(key.clone(), value);
            read(whole)
        };
        below(&with, base.get(key), change, Step::Key(key.clone()), steps)
    })
}

/// Each element is tried as a change of the first one of the preset.
fn in_list(
    read: &dyn Fn(Value) -> Option<String>,
    base: Option<&Value>,
    change: &[Value],
    steps: &mut Vec<Step>,
) -> Option<String> {
    let with = |value: Value| read(Value::Array(vec![value]));
    let elements = change.iter().enumerate();
    elements
        .into_iter()
        .find_map(|(index, change)| below(&with, base, change, Step::Element(index), steps))
}

fn below(
    read: &dyn Fn(Value) -> Option<String>,
    base: Option<&Value>,
    change: &Value,
    step: Step,
    steps: &mut Vec<Step>,
) -> Option<String> {
    steps.push(step);
    let reason = narrow(read, base, change, steps);
    if reason.is_none() {
        steps.pop();
    }
    reason
}

/// The place of the last step that the text holds.
fn find(text: &str, steps: &[Step]) -> Option<Place> {
    let (first, rest) = steps.split_first()?;
    let root = DeTable::parse(text).ok()?;
    let (mut offset, mut value) = enter_table(root.get_ref(), first)?;
    for step in rest {
        let next = match value.get_ref() {
            DeValue::Table(table) => enter_table(table, step),
            DeValue::Array(list) => enter_list(list, step),
            _ => None,
        };
        let Some(next) = next else { break };
        (offset, value) = next;
    }
    Some(Place::at(text, offset))
}

type Found<'t, 'i> = Option<(usize, &'t Spanned<DeValue<'i>>)>;

fn enter_table<'t, 'i>(table: &'t DeTable<'i>, step: &Step) -> Found<'t, 'i> {
    let Step::Key(name) = step else { return None };
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name.as_str())?;
    Some((key.span().start, value))
}

fn enter_list<'t, 'i>(list: &'t [Spanned<DeValue<'i>>], step: &Step) -> Found<'t, 'i> {
    let Step::Element(index) = step else { return None };
    let value = list.get(*index)?;
    Some((value.span().start, value))
}
