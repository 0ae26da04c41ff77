//! `collections.deque` and what named tuples can do besides being tuples.

use crate::eval::error::{Eval, Mistake, raise};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::value::{ListRef, Value};

use super::native;

/// Methods of `deque` that lists do not have.
pub(crate) const DEQUE_METHODS: &[Native] = &[
    native("builtin.__init__", "self, *args, **kwargs", super::object::builtin_init),
    native("deque.appendleft", "self, object", |_, args| {
        items(args).borrow_mut().insert(0, args.value("object"));
        Ok(Value::None)
    }),
    native("deque.popleft", "self", |_, args| {
        let items = items(args);
        if items.borrow().is_empty() {
            return Err(raise(Mistake::IndexOutOfRange, "IndexError", "pop from an empty deque"));
        }
        Ok(items.borrow_mut().remove(0))
    }),
    native("deque.extendleft", "self, iterable", |interpreter, args| {
        for item in interpreter.collect(&args.value("iterable"))? {
            items(args).borrow_mut().insert(0, item);
        }
        Ok(Value::None)
    }),
    native("deque.rotate", "self, n=1", |_, args| {
        let items = items(args);
        let length = items.borrow().len();
        if length > 0 {
            let steps = args.int("n")?.rem_euclid(length as i128);
            items.borrow_mut().rotate_right(usize::try_from(steps).unwrap_or(0));
        }
        Ok(Value::None)
    }),
];

/// Methods of named tuples.
pub(crate) const NAMED_TUPLE_METHODS: &[Native] = &[
    native("builtin.__init__", "self, *args, **kwargs", super::object::builtin_init),
    native("_replace", "self, **kwargs", replace),
    native("_asdict", "self", |interpreter, args| {
        let fields = fields(interpreter, args)?;
        interpreter.make_dict(fields)
    }),
];

fn items(args: &Args) -> ListRef {
    let object = args.value("self");
    let payload = object.instance().and_then(|instance| instance.payload.borrow().clone());
    match payload {
        Some(Value::List(items)) => items,
        _ => ListRef::default(),
    }
}

/// `collections.deque(iterable)`
pub(super) fn make(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let class = interpreter.native_class("deque", Vec::new(), DEQUE_METHODS, None, Some("list"));
    let call = CallArgs::positional(vec![args.value("iterable")]);
    interpreter.instantiate(&class, call)
}

/// Names and values of a named tuple.
fn fields(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Vec<(Value, Value)>> {
    let object = args.value("self");
    let names = interpreter.attribute(&object, "_fields")?;
    let mut pairs = Vec::new();
    for name in interpreter.collect(&names)? {
        let text = name.as_str().unwrap_or_default();
        pairs.push((name, interpreter.attribute(&object, &text)?));
    }
    Ok(pairs)
}

fn replace(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut keywords = args.extra.clone();
    for (name, value) in fields(interpreter, args)? {
        let Some(name) = name.as_str() else { continue };
        if !keywords.iter().any(|(known, _)| *known == name) {
            keywords.push((name, value));
        }
    }
    let class = interpreter.attribute(&args.value("self"), "__class__")?;
    interpreter.call(&class, CallArgs { positional: Vec::new(), keywords })
}
