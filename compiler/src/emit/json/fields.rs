//! How attributes of a document are read by name.

use std::collections::BTreeMap;

use super::read::{dtype, shape_of};
use super::{Attribute, Extent, Word};
use crate::ir::{DType, Shape};

/// The attributes of a node by name.
pub(super) struct Attributes<'a>(pub &'a BTreeMap<Word, Attribute>);

/// Something that was read, or what is wrong.
pub(super) type Read<T> = Result<T, String>;

impl<'a> Attributes<'a> {
    pub fn get(&self, name: &str) -> Read<&'a Attribute> {
        self.0.get(name).ok_or_else(|| format!("{name} is missing"))
    }

    /// Whether there is such an attribute, and it is not null.
    pub fn is_given(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|found| *found != Attribute::Optional(None))
    }

    pub fn flag(&self, name: &str) -> Read<bool> {
        match self.get(name)? {
            Attribute::Flag(flag) => Ok(*flag),
            _ => Err(format!("{name} is no truth value")),
        }
    }

    pub fn count(&self, name: &str) -> Read<u64> {
        match self.get(name)? {
            Attribute::Count(count) => Ok(*count),
            _ => Err(format!("{name} is no count")),
        }
    }

    pub fn integer(&self, name: &str) -> Read<i64> {
        match self.get(name)? {
            Attribute::Integer(integer) => Ok(*integer),
            Attribute::Count(count) => {
                i64::try_from(*count).map_err(|_| format!("{name} is too large"))
            }
            _ => Err(format!("{name} is no whole number")),
        }
    }

    pub fn number(&self, name: &str) -> Read<f64> {
        match self.get(name)? {
            Attribute::Number(real) => Ok(real.0),
            _ => self.integer(name).map(|integer| integer as f64),
        }
    }

    pub fn position(&self, name: &str) -> Read<usize> {
        usize::try_from(self.count(name)?).map_err(|_| format!("{name} is too large"))
    }

    pub fn optional<T>(&self, name: &str, read: impl Fn(&str) -> Read<T>) -> Read<Option<T>> {
        if self.is_given(name) { read(name).map(Some) } else { Ok(None) }
    }

    pub fn optional_number(&self, name: &str) -> Read<Option<f64>> {
        self.optional(name, |name| self.number(name))
    }

    pub fn optional_count(&self, name: &str) -> Read<Option<u64>> {
        self.optional(name, |name| self.count(name))
    }

    pub fn optional_position(&self, name: &str) -> Read<Option<usize>> {
        self.optional(name, |name| self.position(name))
    }

    pub fn text(&self, name: &str) -> Read<&'a str> {
        match self.get(name)? {
            Attribute::Text(text) => Ok(text),
            _ => Err(format!("{name} is no text")),
        }
    }

    /// A list of texts looks like one of extents.
    pub fn texts(&self, name: &str) -> Read<Vec<String>> {
        let text = |extent: &Extent| match extent {
            Extent::Batch(text) => Some(text.clone()),
            Extent::Known(_) => None,
        };
        let texts = match self.get(name)? {
            Attribute::Texts(texts) => Some(texts.clone()),
            Attribute::Shape(extents) => extents.iter().map(text).collect(),
            _ => None,
        };
        texts.ok_or_else(|| format!("{name} is no list of texts"))
    }

    pub fn counts(&self, name: &str) -> Read<Vec<u64>> {
        let counts = match self.get(name)? {
            Attribute::Counts(counts) => Some(counts.clone()),
            Attribute::Optional(Some(counts)) => counts.iter().copied().collect(),
            _ => None,
        };
        counts.ok_or_else(|| format!("{name} is no list of counts"))
    }

    pub fn positions(&self, name: &str) -> Read<Vec<usize>> {
        let positions = self.counts(name)?.into_iter().map(usize::try_from);
        positions.collect::<Result<_, _>>().map_err(|_| format!("{name} is too large"))
    }

    pub fn pair(&self, name: &str) -> Read<[u64; 2]> {
        self.counts(name)?.try_into().map_err(|_| format!("{name} is no pair"))
    }

    pub fn pairs(&self, name: &str) -> Read<Vec<(i64, i64)>> {
        match self.get(name)? {
            Attribute::Pairs(pairs) => Ok(pairs.clone()),
            Attribute::Counts(counts) if counts.is_empty() => Ok(Vec::new()),
            _ => Err(format!("{name} is no list of pairs")),
        }
    }

    pub fn shape(&self, name: &str) -> Read<Shape> {
        match self.get(name)? {
            Attribute::Shape(extents) => shape_of(extents),
            _ => self.counts(name).map(|counts| Shape::known(&counts)),
        }
    }

    pub fn dtype(&self) -> Read<DType> {
        dtype(self.text("dtype")?)
    }
}
