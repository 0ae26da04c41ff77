//! Python's `re`: patterns that the crate `regex` understands, which leaves out backreferences and
//! looking around; those are refused.

use std::rc::Rc;

use regex::{Captures, Regex};

use crate::eval::error::{Eval, Mistake, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::Value;

use super::native;

/// Functions of `re`.
pub(crate) const REGULAR_EXPRESSIONS: &[Native] = &[
    native("re.compile", "pattern, flags=0", compile),
    native("re.split", "pattern, string, maxsplit=0, flags=0", split),
    native("re.match", "pattern, string, flags=0", find),
    native("re.fullmatch", "pattern, string, flags=0", find),
    native("re.search", "pattern, string, flags=0", find),
    native("re.sub", "pattern, repl, string, count=0, flags=0", substitute),
    native("re.findall", "pattern, string, flags=0", find_all),
    native("re.escape", "pattern", |_, args| {
        Ok(Value::str(regex::escape(&args.string("pattern")?)))
    }),
];

const PATTERN_METHODS: &[Native] = &[
    native("Pattern.split", "pattern, string, maxsplit=0", split),
    native("Pattern.match", "pattern, string", find),
    native("Pattern.fullmatch", "pattern, string", find),
    native("Pattern.search", "pattern, string", find),
    native("Pattern.sub", "pattern, repl, string, count=0", substitute),
    native("Pattern.findall", "pattern, string", find_all),
];

const MATCH_METHODS: &[Native] = &[
    native("Match.group", "self, *args", group),
    native("Match.groups", "self, default=None", |interpreter, args| {
        interpreter.attribute(&args.value("self"), "_groups")
    }),
    native("Match.groupdict", "self, default=None", |interpreter, args| {
        interpreter.attribute(&args.value("self"), "_named")
    }),
    native("Match.start", "self", |interpreter, args| {
        interpreter.attribute(&args.value("self"), "_start")
    }),
    native("Match.end", "self", |interpreter, args| {
        interpreter.attribute(&args.value("self"), "_end")
    }),
    native("Match.__getitem__", "self, *args", group),
];

/// `re.compile(pattern)`
fn compile(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    expression(args)?;
    let class = interpreter.native_class("Pattern", Vec::new(), PATTERN_METHODS, None, None);
    let instance = interpreter.new_instance(&class)?;
    instance.set("pattern", args.value("pattern"));
    Ok(Value::Instance(instance))
}

/// The pattern of a call, given as text or compiled.
fn expression(args: &Args) -> Eval<Regex> {
    let pattern = match args.value("pattern") {
        Value::Instance(instance) => instance.attribute("pattern").unwrap_or(Value::None),
        other => other,
    };
    let Some(text) = pattern.as_str() else {
        return Err(type_error("first argument must be string or compiled pattern"));
    };
    let flags = args.value("flags");
    if !matches!(flags, Value::Int(0) | Value::None) {
        return Err(refuse(
            Mistake::UnsupportedArgument,
            "nasc does not support flags of regular expressions",
        ));
    }
    Regex::new(&text).map_err(|_| {
        refuse(
            Mistake::UnsupportedArgument,
            format!("nasc does not support the regular expression {text:?}"),
        )
    })
}

fn capture(captures: &Captures<'_>, index: usize) -> Value {
    captures.get(index).map_or(Value::None, |found| Value::str(found.as_str()))
}

/// `re.split`: captured groups are parts of the result, as in Python.
fn split(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (regex, text) = (expression(args)?, args.string("string")?);
    let limit = usize::try_from(args.int("maxsplit")?).unwrap_or(0);
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut parts = Vec::new();
    let mut end = 0;
    for captures in regex.captures_iter(&text).take(limit) {
        let Some(whole) = captures.get(0) else { continue };
        interpreter.fuel.allocate(captures.len())?;
        parts.push(Value::str(text.get(end..whole.start()).unwrap_or("")));
        parts.extend((1..captures.len()).map(|index| capture(&captures, index)));
        end = whole.end();
    }
    parts.push(Value::str(text.get(end..).unwrap_or("")));
    Ok(Value::list(parts))
}

/// `re.match`, `re.fullmatch` and `re.search` by the name they were called with.
fn find(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (regex, text) = (expression(args)?, args.string("string")?);
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let whole = match name {
        "match" => Regex::new(&format!("^(?:{})", regex.as_str())),
        "fullmatch" => Regex::new(&format!("^(?:{})$", regex.as_str())),
        _ => Ok(regex.clone()),
    };
    let Ok(regex) = whole else { return Ok(Value::None) };
    let Some(captures) = regex.captures(&text) else { return Ok(Value::None) };
    let class = interpreter.native_class("Match", Vec::new(), MATCH_METHODS, None, None);
    let instance = interpreter.new_instance(&class)?;
    let groups = (1..captures.len()).map(|index| capture(&captures, index)).collect();
    let named = regex
        .capture_names()
        .enumerate()
        .filter_map(|(index, name)| name.map(|name| (Value::str(name), capture(&captures, index))));
    let named = interpreter.make_dict(named.collect::<Vec<_>>())?;
    let (start, end) = captures.get(0).map_or((0, 0), |found| (found.start(), found.end()));
    for (name, value) in [
        ("_whole", capture(&captures, 0)),
        ("_groups", Value::tuple(groups)),
        ("_named", named),
        ("_start", Value::Int(start as i128)),
        ("_end", Value::Int(end as i128)),
    ] {
        instance.set(name, value);
    }
    Ok(Value::Instance(instance))
}

/// `match.group(...)`: by number or name; several give a tuple.
fn group(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let object = args.value("self");
    let mut found = Vec::new();
    for key in &args.rest {
        found.push(match key.as_int() {
            Some(0) => interpreter.attribute(&object, "_whole")?,
            Some(number) => {
                let groups = interpreter.attribute(&object, "_groups")?;
                interpreter.item(&groups, &Value::Int(number - 1))?
            }
            None => {
                let named = interpreter.attribute(&object, "_named")?;
                interpreter.item(&named, key)?
            }
        });
    }
    match found.len() {
        0 => interpreter.attribute(&object, "_whole"),
        1 => Ok(found.remove(0)),
        _ => Ok(Value::Tuple(Rc::from(found))),
    }
}

/// `re.sub` with a text to put in.
fn substitute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (regex, text) = (expression(args)?, args.string("string")?);
    let count = usize::try_from(args.int("count")?).unwrap_or(0);
    let replacement = args.string("repl")?;
    // Python writes \1 where the crate writes ${1}.
    let group = Regex::new(r"\\(\d+)").map_err(|_| type_error("bad pattern"))?;
    let escaped = replacement.replace('$', "$$");
    let replacement = group.replace_all(&escaped, "$${$1}").into_owned();
    let result = regex.replacen(&text, count, replacement.as_str()).into_owned();
    interpreter.fuel.allocate(result.len())?;
    Ok(Value::str(result))
}

/// `re.findall`: whole matches, groups, or tuples of groups.
fn find_all(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (regex, text) = (expression(args)?, args.string("string")?);
    let mut found = Vec::new();
    for captures in regex.captures_iter(&text) {
        interpreter.fuel.allocate(captures.len())?;
        found.push(match captures.len() {
            1 => capture(&captures, 0),
            2 => capture(&captures, 1),
            many => Value::tuple((1..many).map(|index| capture(&captures, index)).collect()),
        });
    }
    Ok(Value::list(found))
}
