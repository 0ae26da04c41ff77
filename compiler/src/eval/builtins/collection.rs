//! Lists, tuples, dicts, sets and iterators: constructors, functions, methods.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::ast::BinaryOp;
use crate::eval::error::{Eval, Mistake, raise, type_error, value_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::value::{DictRef, Iter, ListRef, Value};

use super::native;

pub(crate) const LIST_METHODS: &[Native] = &[
    native("list.append", "self, object", |interpreter, args| {
        interpreter.fuel.allocate(1)?;
        this_list(args)?.borrow_mut().push(args.value("object"));
        Ok(Value::None)
    }),
    native("list.extend", "self, iterable", |interpreter, args| {
        let items = interpreter.collect(&args.value("iterable"))?;
        interpreter.fuel.allocate(items.len())?;
        this_list(args)?.borrow_mut().extend(items);
        Ok(Value::None)
    }),
    native("list.insert", "self, index, object", |interpreter, args| {
        interpreter.fuel.allocate(1)?;
        let list = this_list(args)?;
        let length = list.borrow().len() as i128;
        let index = args.int("index")?;
        let index = if index < 0 { index + length } else { index }.clamp(0, length);
        list.borrow_mut().insert(usize::try_from(index).unwrap_or(0), args.value("object"));
        Ok(Value::None)
    }),
    native("list.pop", "self, index=-1", |_, args| {
        let list = this_list(args)?;
        let length = list.borrow().len();
        match crate::eval::item::position(args.int("index")?, length) {
            Some(position) => Ok(list.borrow_mut().remove(position)),
            None if length == 0 => {
                Err(raise(Mistake::IndexOutOfRange, "IndexError", "pop from empty list"))
            }
            None => Err(crate::eval::item::out_of_range("pop", length)),
        }
    }),
    native("list.remove", "self, value", |interpreter, args| {
        let list = this_list(args)?;
        let items = list.borrow().clone();
        for (position, item) in items.iter().enumerate() {
            if interpreter.equal(item, &args.value("value"))? {
                list.borrow_mut().remove(position);
                return Ok(Value::None);
            }
        }
        Err(value_error("list.remove(x): x not in list"))
    }),
    native("list.reverse", "self", |_, args| {
        this_list(args)?.borrow_mut().reverse();
        Ok(Value::None)
    }),
    native("list.clear", "self", |_, args| {
        this_list(args)?.borrow_mut().clear();
        Ok(Value::None)
    }),
    native("list.copy", "self", |_, args| Ok(Value::list(this_list(args)?.borrow().clone()))),
    native("list.index", "self, value", index_of),
    native("list.count", "self, value", count_of),
    native("list.sort", "self, *, key=None, reverse=False", |interpreter, args| {
        let list = this_list(args)?;
        let items = list.borrow().clone();
        let items = sort_items(interpreter, items, args)?;
        *list.borrow_mut() = items;
        Ok(Value::None)
    }),
];

pub(crate) const TUPLE_METHODS: &[Native] = &[
    native("tuple.index", "self, value", index_of),
    native("tuple.count", "self, value", count_of),
    native("Size.numel", "self", |interpreter, args| {
        let mut product = Value::Int(1);
        for item in interpreter.collect(&args.value("self"))? {
            product = interpreter.binary(BinaryOp::Mul, &product, &item)?;
        }
        Ok(product)
    }),
];

pub(crate) const DICT_METHODS: &[Native] = &[
    native("dict.get", "self, key, default=None", |interpreter, args| {
        let key = interpreter.key(&args.value("key"))?;
        let found = this_dict(args)?.borrow().get(&key).map(|(_, value)| value.clone());
        Ok(found.unwrap_or_else(|| args.value("default")))
    }),
    native("dict.items", "self", |_, args| {
        let dict = this_dict(args)?;
        let dict = dict.borrow();
        let pairs = dict.values().map(|(k, v)| Value::tuple(vec![k.clone(), v.clone()]));
        Ok(Value::list(pairs.collect()))
    }),
    native("dict.keys", "self", |_, args| Ok(Value::list(this_dict(args)?.borrow().keys_of()))),
    native("dict.values", "self", |_, args| {
        Ok(Value::list(this_dict(args)?.borrow().values().map(|(_, v)| v.clone()).collect()))
    }),
    native("dict.pop", "self, key, *default", |interpreter, args| {
        let key = interpreter.key(&args.value("key"))?;
        let removed = this_dict(args)?.borrow_mut().remove(&key);
        match (removed, args.rest.first()) {
            (Some((_, value)), _) => Ok(value),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => {
                let text = interpreter.repr(&args.value("key"))?;
                Err(raise(Mistake::UnknownKey, "KeyError", text))
            }
        }
    }),
    native("dict.setdefault", "self, key, default=None", |interpreter, args| {
        let value = args.value("key");
        let key = interpreter.key(&value)?;
        let dict = this_dict(args)?;
        let found = dict.borrow().get(&key).map(|(_, value)| value.clone());
        Ok(found.unwrap_or_else(|| {
            let default = args.value("default");
            dict.borrow_mut().insert(key, (value, default.clone()));
            default
        }))
    }),
    native("dict.update", "self, *others, **kwargs", |interpreter, args| {
        update_dict(interpreter, this_dict(args)?, &args.rest, args)?;
        Ok(Value::None)
    }),
    native("dict.copy", "self", |_, args| Ok(Value::dict(this_dict(args)?.borrow().clone()))),
    native("dict.clear", "self", |_, args| {
        this_dict(args)?.borrow_mut().clear();
        Ok(Value::None)
    }),
    native("dict.move_to_end", "self, key", |interpreter, args| {
        let key = interpreter.key(&args.value("key"))?;
        let dict = this_dict(args)?;
        let removed = dict.borrow_mut().remove(&key);
        if let Some(pair) = removed {
            dict.borrow_mut().insert(key, pair);
        }
        Ok(Value::None)
    }),
];

pub(crate) const SET_METHODS: &[Native] = &[
    native("set.add", "self, item", |interpreter, args| {
        let item = args.value("item");
        let key = interpreter.key(&item)?;
        this_dict(args)?.borrow_mut().insert(key, (item, Value::None));
        Ok(Value::None)
    }),
    native("set.discard", "self, item", |interpreter, args| {
        let key = interpreter.key(&args.value("item"))?;
        this_dict(args)?.borrow_mut().remove(&key);
        Ok(Value::None)
    }),
    native("set.update", "self, iterable", |interpreter, args| {
        for item in interpreter.collect(&args.value("iterable"))? {
            let key = interpreter.key(&item)?;
            this_dict(args)?.borrow_mut().insert(key, (item, Value::None));
        }
        Ok(Value::None)
    }),
    native("set.union", "self, iterable", |interpreter, args| {
        let mut items = interpreter.collect(&args.value("self"))?;
        items.extend(interpreter.collect(&args.value("iterable"))?);
        interpreter.make_set(items)
    }),
    native("set.issubset", "self, other", |interpreter, args| {
        contains_all(interpreter, &args.value("other"), &args.value("self"))
    }),
    native("set.issuperset", "self, other", |interpreter, args| {
        contains_all(interpreter, &args.value("self"), &args.value("other"))
    }),
    native("set.difference", "self, iterable", |interpreter, args| {
        interpreter.filtered_set(&args.value("self"), &args.value("iterable"), false)
    }),
    native("set.intersection", "self, iterable", |interpreter, args| {
        interpreter.filtered_set(&args.value("self"), &args.value("iterable"), true)
    }),
    native("set.remove", "self, item", |interpreter, args| {
        let item = args.value("item");
        let key = interpreter.key(&item)?;
        match this_dict(args)?.borrow_mut().remove(&key) {
            Some(_) => Ok(Value::None),
            None => Err(raise(Mistake::UnknownKey, "KeyError", interpreter.repr(&item)?)),
        }
    }),
    native("set.clear", "self", |_, args| {
        this_dict(args)?.borrow_mut().clear();
        Ok(Value::None)
    }),
    native("set.copy", "self", |interpreter, args| {
        let items = interpreter.collect(&args.value("self"))?;
        interpreter.make_set(items)
    }),
];

/// Whether all items of the second are in the first.
fn contains_all(interpreter: &mut Interpreter<'_>, whole: &Value, part: &Value) -> Eval<Value> {
    let whole = interpreter.collect(whole)?;
    let part = interpreter.collect(part)?;
    let mut keys = std::collections::HashSet::new();
    for item in &whole {
        keys.insert(interpreter.key(item)?);
    }
    for item in &part {
        if !keys.contains(&interpreter.key(item)?) {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

impl Interpreter<'_> {
    /// The items of a set that are, or are not, in another collection.
    fn filtered_set(&mut self, set: &Value, other: &Value, wanted: bool) -> Eval<Value> {
        let mut keys = std::collections::HashSet::new();
        for item in self.collect(other)? {
            keys.insert(self.key(&item)?);
        }
        let mut kept = Vec::new();
        for item in self.collect(set)? {
            if keys.contains(&self.key(&item)?) == wanted {
                kept.push(item);
            }
        }
        self.make_set(kept)
    }
}

fn this_list(args: &Args) -> Eval<ListRef> {
    match args.value("self") {
        Value::List(items) => Ok(items),
        other => Err(type_error(format!("a list is needed, not {}", other.type_name()))),
    }
}

fn this_dict(args: &Args) -> Eval<DictRef> {
    match args.value("self") {
        Value::Dict(entries) | Value::Set(entries) => Ok(entries),
        other => Err(type_error(format!("a dict is needed, not {}", other.type_name()))),
    }
}

fn index_of(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    for (position, item) in interpreter.collect(&args.value("self"))?.iter().enumerate() {
        if interpreter.equal(item, &args.value("value"))? {
            return Ok(Value::Int(position as i128));
        }
    }
    let text = interpreter.repr(&args.value("value"))?;
    Err(value_error(format!("{text} is not in list")))
}

fn count_of(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut count = 0;
    for item in interpreter.collect(&args.value("self"))? {
        count += i128::from(interpreter.equal(&item, &args.value("value"))?);
    }
    Ok(Value::Int(count))
}

fn update_dict(
    interpreter: &mut Interpreter<'_>,
    dict: DictRef,
    others: &[Value],
    args: &Args,
) -> Eval<()> {
    for other in others {
        for (key, value) in pairs_of(interpreter, other)? {
            let hashed = interpreter.key(&key)?;
            interpreter.fuel.allocate(1)?;
            dict.borrow_mut().insert(hashed, (key, value));
        }
    }
    for (name, value) in &args.extra {
        let key = Value::Str(std::sync::Arc::clone(name));
        let hashed = interpreter.key(&key)?;
        dict.borrow_mut().insert(hashed, (key, value.clone()));
    }
    Ok(())
}

/// Pairs of a mapping or of an iterable of pairs.
pub(crate) fn pairs_of(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
) -> Eval<Vec<(Value, Value)>> {
    let is_mapping = match value {
        Value::Dict(_) => true,
        Value::Instance(instance) => {
            matches!(&*instance.payload.borrow(), Some(Value::Dict(_)))
                || instance.class.lookup("keys").is_some()
        }
        _ => false,
    };
    if is_mapping {
        return interpreter.mapping_items(value);
    }
    let mut pairs = Vec::new();
    for item in interpreter.collect(value)? {
        match interpreter.collect(&item)?.as_slice() {
            [key, value] => pairs.push((key.clone(), value.clone())),
            other => {
                return Err(value_error(format!(
                    "dictionary update sequence element #{} has length {}; 2 is required",
                    pairs.len(),
                    other.len()
                )));
            }
        }
    }
    Ok(pairs)
}

pub(super) fn dict(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let result = Value::dict(Default::default());
    if let Value::Dict(entries) = &result {
        update_dict(interpreter, Rc::clone(entries), &args.rest, args)?;
    }
    Ok(result)
}

pub(super) fn list(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.collect(&args.value("iterable")).map(Value::list)
}

pub(super) fn tuple(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.collect(&args.value("iterable")).map(Value::tuple)
}

pub(super) fn set(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let items = interpreter.collect(&args.value("iterable"))?;
    interpreter.make_set(items)
}

pub(super) fn slice(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let get = |index: usize| args.rest.get(index).cloned().unwrap_or(Value::None);
    let parts = if args.rest.len() == 1 {
        [Value::None, get(0), Value::None]
    } else {
        [get(0), get(1), get(2)]
    };
    Ok(Value::Slice(Rc::new(parts)))
}

pub(super) fn len(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.value("object");
    let length = match &value {
        Value::Str(text) => text.chars().count(),
        Value::Tuple(items) => items.len(),
        Value::List(items) => items.borrow().len(),
        Value::Dict(entries) | Value::Set(entries) => entries.borrow().len(),
        Value::Range(range) => return Ok(Value::Int(range.len())),
        Value::Bytes(bytes) => bytes.len(),
        Value::Unknown => return Ok(Value::Unknown),
        Value::Tensor(tensor) => {
            return match tensor.dims().first() {
                Some(&dim) => Ok(Value::dim(dim)),
                None => Err(type_error("len() of a 0-d tensor")),
            };
        }
        Value::Instance(instance) => {
            if let Some(function) = instance.class.lookup("__len__") {
                return interpreter.call_values(&function, vec![value.clone()]);
            }
            let payload = instance.payload.borrow().clone();
            match payload {
                Some(payload) => interpreter.collect(&payload)?.len(),
                None => return Err(no_len(&value)),
            }
        }
        Value::Class(_) => interpreter.collect(&value)?.len(),
        Value::Opaque(opaque) => return Err(crate::eval::modules::opaque_use(opaque)),
        _ => return Err(no_len(&value)),
    };
    Ok(Value::Int(length as i128))
}

fn no_len(value: &Value) -> Box<crate::eval::error::Stop> {
    type_error(format!("object of type '{}' has no len()", value.type_name()))
}

pub(super) fn iter(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.iterate(&args.value("iterable")).map(Value::Iterator)
}

pub(super) fn next(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut iterator = match args.value("iterator") {
        Value::Iterator(iterator) => iterator,
        other => match interpreter.find_attribute(&other, "__next__")? {
            Some(method) => return interpreter.call_values(&method, Vec::new()),
            None => {
                return Err(type_error(format!(
                    "'{}' object is not an iterator",
                    other.type_name()
                )));
            }
        },
    };
    match interpreter.next(&mut iterator)? {
        Some(item) => Ok(item),
        None => {
            args.rest.first().cloned().ok_or_else(|| {
                raise(Mistake::BadValue, "StopIteration", "the iterator is exhausted")
            })
        }
    }
}

pub(super) fn enumerate(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let inner = interpreter.iterate(&args.value("iterable"))?;
    let iter = Iter::Enumerate(inner, args.int("start")?);
    Ok(Value::Iterator(Rc::new(RefCell::new(iter))))
}

pub(super) fn zip(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let parts = args.rest.iter().map(|part| interpreter.iterate(part));
    let parts = parts.collect::<Eval<Vec<_>>>()?;
    Ok(Value::Iterator(Rc::new(RefCell::new(Iter::Zip(parts)))))
}

pub(super) fn map(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let function = args.value("function");
    let mut parts = Vec::new();
    for iterable in &args.rest {
        parts.push(interpreter.iterate(iterable)?);
    }
    let mut results = Vec::new();
    'rows: loop {
        let mut row = Vec::new();
        for part in &mut parts {
            match interpreter.next(part)? {
                Some(item) => row.push(item),
                None => break 'rows,
            }
        }
        if row.is_empty() {
            break;
        }
        interpreter.fuel.allocate(1)?;
        results.push(interpreter.call_values(&function, row)?);
    }
    Ok(Value::items(results))
}

pub(super) fn filter(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let function = args.value("function");
    let mut kept = Vec::new();
    for item in interpreter.collect(&args.value("iterable"))? {
        let verdict = match &function {
            Value::None => item.clone(),
            function => interpreter.call_values(function, vec![item.clone()])?,
        };
        if interpreter.truth(&verdict)? {
            kept.push(item);
        }
    }
    Ok(Value::items(kept))
}

pub(super) fn all(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    for item in interpreter.collect(&args.value("iterable"))? {
        if !interpreter.truth(&item)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

pub(super) fn any(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    for item in interpreter.collect(&args.value("iterable"))? {
        if interpreter.truth(&item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn sum(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut total = args.value("start");
    for item in interpreter.collect(&args.value("iterable"))? {
        total = interpreter.binary(BinaryOp::Add, &total, &item)?;
    }
    Ok(total)
}

pub(super) fn max(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    extreme(interpreter, args, Ordering::Greater)
}

pub(super) fn min(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    extreme(interpreter, args, Ordering::Less)
}

fn extreme(interpreter: &mut Interpreter<'_>, args: &Args, wanted: Ordering) -> Eval<Value> {
    let items = match args.rest.as_slice() {
        [only] => interpreter.collect(only)?,
        several => several.to_vec(),
    };
    let keyword = |name: &str| {
        args.extra.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
    };
    let key = keyword("key").filter(|key| !key.is_none());
    let mut best: Option<(Value, Value)> = None;
    for item in items {
        let rank = match &key {
            Some(key) => interpreter.call_values(key, vec![item.clone()])?,
            None => item.clone(),
        };
        let better = match &best {
            Some((known, _)) => interpreter.order(&rank, known)? == Some(wanted),
            None => true,
        };
        if better {
            best = Some((rank, item));
        }
    }
    match best {
        Some((_, item)) => Ok(item),
        None => keyword("default")
            .ok_or_else(|| value_error(format!("{}() iterable argument is empty", args.function))),
    }
}

pub(super) fn reversed(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut items = interpreter.collect(&args.value("sequence"))?;
    items.reverse();
    Ok(Value::items(items))
}

pub(super) fn sorted(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let items = interpreter.collect(&args.value("iterable"))?;
    sort_items(interpreter, items, args).map(Value::list)
}

/// A stable merge sort, since a comparison may fail.
fn sort_items(
    interpreter: &mut Interpreter<'_>,
    items: Vec<Value>,
    args: &Args,
) -> Eval<Vec<Value>> {
    let key = args.value("key");
    let reverse = args.bool(interpreter, "reverse")?;
    let mut ranked = Vec::with_capacity(items.len());
    for item in items {
        let rank = match &key {
            Value::None => item.clone(),
            key => interpreter.call_values(key, vec![item.clone()])?,
        };
        ranked.push((rank, item));
    }
    if reverse {
        ranked.reverse();
    }
    let mut sorted = merge_sort(interpreter, ranked)?;
    if reverse {
        sorted.reverse();
    }
    Ok(sorted.into_iter().map(|(_, item)| item).collect())
}

fn merge_sort(
    interpreter: &mut Interpreter<'_>,
    mut items: Vec<(Value, Value)>,
) -> Eval<Vec<(Value, Value)>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let mut left = merge_sort(interpreter, items)?.into_iter().peekable();
    let mut right = merge_sort(interpreter, right)?.into_iter().peekable();
    let mut merged = Vec::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let take_right = interpreter.order(&b.0, &a.0)? == Some(Ordering::Less);
        merged.extend(if take_right { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// `collections.namedtuple('Point', 'x y')`
pub(super) fn named_tuple(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.string("typename")?;
    let fields: Vec<Value> = match args.value("field_names").as_str() {
        Some(text) => {
            text.split([',', ' ']).filter(|part| !part.is_empty()).map(Value::str).collect()
        }
        None => interpreter.collect(&args.value("field_names"))?,
    };
    let Some(base) = interpreter.builtin_class("tuple") else { return Ok(Value::None) };
    let mut attributes = crate::eval::ordered::OrderedMap::default();
    attributes.insert("_fields".into(), Value::tuple(fields));
    attributes.insert("_defaults".into(), args.value("defaults"));
    for method in super::NAMED_TUPLE_METHODS {
        attributes.insert(super::method_name(method).into(), Value::Native(method));
    }
    let class = interpreter.make_class(name, vec![base], attributes, None)?;
    Ok(Value::Class(class))
}

/// Fields and values of a named tuple under construction.
pub(crate) fn named_tuple_values(
    interpreter: &mut Interpreter<'_>,
    class_name: &str,
    fields: &[Value],
    defaults: &Value,
    args: &CallArgs,
) -> Eval<Vec<Value>> {
    let defaults = match defaults {
        Value::None => Vec::new(),
        other => interpreter.collect(other)?,
    };
    let first_default = fields.len().saturating_sub(defaults.len());
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        let name = field.as_str().unwrap_or_default();
        let keyword = args.keywords.iter().find(|(known, _)| *known == name);
        let default = position.checked_sub(first_default).and_then(|index| defaults.get(index));
        match args.positional.get(position).or(keyword.map(|(_, value)| value)).or(default) {
            Some(value) => values.push(value.clone()),
            None => missing.push(name.to_string()),
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let text = crate::eval::native::missing_text(&missing);
    Err(crate::eval::error::wrong_arguments(format!("{class_name}.__new__() {text}")))
}
