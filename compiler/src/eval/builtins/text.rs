//! Strings: conversion and methods.

use crate::eval::error::{Eval, type_error, value_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::Value;

use super::native;

pub(crate) const METHODS: &[Native] = &[
    native("str.capitalize", "self", |_, args| {
        let text = args.string("self")?;
        let mut characters = text.chars();
        let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        Ok(Value::str(first + &characters.as_str().to_lowercase()))
    }),
    native("str.count", "self, sub", |_, args| {
        let count = args.string("self")?.matches(&*args.string("sub")?).count();
        Ok(Value::Int(count as i128))
    }),
    native("str.endswith", "self, suffix", |interpreter, args| {
        affix(interpreter, args, "suffix", |text, affix| text.ends_with(affix))
    }),
    native("str.find", "self, sub", |_, args| {
        let (text, sub) = (args.string("self")?, args.string("sub")?);
        let place = text.find(&*sub).map(|byte| text.get(..byte).unwrap_or("").chars().count());
        Ok(Value::Int(place.map_or(-1, |place| place as i128)))
    }),
    native("str.format", "self, *args, **kwargs", |interpreter, args| {
        let template = args.string("self")?;
        interpreter.format_template(&template, &args.rest, &args.extra).map(Value::str)
    }),
    native("str.isdigit", "self", |_, args| {
        let text = args.string("self")?;
        Ok(Value::Bool(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())))
    }),
    native("str.isalpha", "self", |_, args| {
        let text = args.string("self")?;
        Ok(Value::Bool(!text.is_empty() && text.chars().all(char::is_alphabetic)))
    }),
    native("str.join", "self, iterable", join),
    native("str.lower", "self", |_, args| Ok(Value::str(args.string("self")?.to_lowercase()))),
    native("str.upper", "self", |_, args| Ok(Value::str(args.string("self")?.to_uppercase()))),
    native("str.title", "self", |_, args| Ok(Value::str(&*args.string("self")?))),
    native("str.strip", "self, chars=None", |_, args| strip(args, true, true)),
    native("str.lstrip", "self, chars=None", |_, args| strip(args, true, false)),
    native("str.rstrip", "self, chars=None", |_, args| strip(args, false, true)),
    native("str.replace", "self, old, new, count=-1", |interpreter, args| {
        let text = args.string("self")?;
        let (old, new) = (args.string("old")?, args.string("new")?);
        let result = match usize::try_from(args.int("count")?) {
            Ok(count) => text.replacen(&*old, &new, count),
            Err(_) => text.replace(&*old, &new),
        };
        interpreter.fuel.allocate(result.len() / 8)?;
        Ok(Value::str(result))
    }),
    native("str.split", "self, sep=None, maxsplit=-1", |_, args| split(args, false)),
    native("str.rsplit", "self, sep=None, maxsplit=-1", |_, args| split(args, true)),
    native("str.splitlines", "self", |_, args| {
        Ok(Value::list(args.string("self")?.lines().map(Value::str).collect()))
    }),
    native("str.startswith", "self, prefix", |interpreter, args| {
        affix(interpreter, args, "prefix", |text, affix| text.starts_with(affix))
    }),
    native("str.zfill", "self, width", |_, args| {
        let width = usize::try_from(args.int("width")?.clamp(0, 1000)).unwrap_or(0);
        Ok(Value::str(format!("{:0>width$}", args.string("self")?)))
    }),
];

fn affix(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    name: &str,
    test: fn(&str, &str) -> bool,
) -> Eval<Value> {
    let text = args.string("self")?;
    let candidates = match args.value(name) {
        Value::Tuple(items) => items.to_vec(),
        other => vec![other],
    };
    interpreter.fuel.step()?;
    Ok(Value::Bool(candidates.iter().filter_map(Value::as_str).any(|affix| test(&text, &affix))))
}

fn join(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let separator = args.string("self")?;
    let mut parts = Vec::new();
    for item in interpreter.collect(&args.value("iterable"))? {
        match item.as_str() {
            Some(text) => parts.push(text.to_string()),
            None => {
                return Err(type_error(format!(
                    "sequence item {}: expected str instance, {} found",
                    parts.len(),
                    item.type_name()
                )));
            }
        }
    }
    let text = parts.join(&*separator);
    interpreter.fuel.allocate(text.len() / 8)?;
    Ok(Value::str(text))
}

fn strip(args: &Args, front: bool, back: bool) -> Eval<Value> {
    let text = args.string("self")?;
    let removed: Option<Vec<char>> = match args.value("chars") {
        Value::None => None,
        _ => Some(args.string("chars")?.chars().collect()),
    };
    let matches = |c: char| removed.as_ref().map_or(c.is_whitespace(), |set| set.contains(&c));
    let mut result: &str = &text;
    if front {
        result = result.trim_start_matches(matches);
    }
    if back {
        result = result.trim_end_matches(matches);
    }
    Ok(Value::str(result))
}

fn split(args: &Args, from_end: bool) -> Eval<Value> {
    let text = args.string("self")?;
    let limit = usize::try_from(args.int("maxsplit")?).map_or(usize::MAX, |count| count + 1);
    let parts: Vec<Value> = match args.value("sep") {
        Value::None => text.split_whitespace().map(Value::str).collect(),
        _ => {
            let separator = args.string("sep")?;
            if separator.is_empty() {
                return Err(value_error("empty separator"));
            }
            if from_end {
                let mut parts: Vec<Value> =
                    text.rsplitn(limit, &*separator).map(Value::str).collect();
                parts.reverse();
                parts
            } else {
                text.splitn(limit, &*separator).map(Value::str).collect()
            }
        }
    };
    Ok(Value::list(parts))
}

pub(super) fn str(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.text_of(&args.value("object")).map(Value::str)
}

pub(super) fn repr(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.repr(&args.value("object")).map(Value::str)
}

pub(super) fn format_builtin(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let spec = args.string("spec")?;
    interpreter.format_value(&args.value("value"), None, &spec).map(Value::str)
}
