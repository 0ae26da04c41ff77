//! The standard library as far as networks use it: math, collections, functools, itertools, copy,
//! dataclasses, operator, inspect.

use std::cell::RefCell;
use std::rc::Rc;

use crate::ast::{BinaryOp, Name};
use crate::eval::error::{Eval, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::value::{Iter, Partial, Value};

use super::{collection, native, number};

/// Functions found under dotted names.
pub(crate) const STANDARD: &[Native] = &[
    native("math.sqrt", "x", number::math),
    native("math.exp", "x", number::math),
    native("math.log2", "x", number::math),
    native("math.log10", "x", number::math),
    native("math.log1p", "x", number::math),
    native("math.sin", "x", number::math),
    native("math.cos", "x", number::math),
    native("math.tan", "x", number::math),
    native("math.tanh", "x", number::math),
    native("math.atan", "x", number::math),
    native("math.fabs", "x", number::math),
    native("math.radians", "x", number::math),
    native("math.degrees", "x", number::math),
    native("math.erf", "x", number::math),
    native("math.log", "x, base=None", number::log),
    native("math.floor", "x", number::floor),
    native("math.ceil", "x", number::ceil),
    native("math.trunc", "x", number::to_int),
    native("math.pow", "x, y", number::float_pow),
    native("math.comb", "n, k", number::choices),
    native("math.perm", "n, k", number::choices),
    native("math.factorial", "n", number::factorial),
    native("math.gcd", "*args", number::gcd),
    native("math.prod", "iterable, start=1", number::prod),
    native("math.isqrt", "n", number::isqrt),
    native("numpy.prod", "iterable, start=1", number::prod),
    native("collections.OrderedDict", "*args, **kwargs", collection::dict),
    native("collections.defaultdict", "default_factory=None, *args, **kwargs", default_dict),
    native(
        "collections.namedtuple",
        "typename, field_names, defaults=None",
        collection::named_tuple,
    ),
    native("collections.deque", "iterable=(), maxlen=None", super::deque::make),
    native("functools.partial", "function, *args, **kwargs", partial),
    native("functools.lru_cache", "maxsize=128, typed=False", memo),
    native("functools.cache", "function", |_, args| Ok(args.value("function"))),
    native("functools.total_ordering", "cls", |_, args| Ok(args.value("cls"))),
    native("functools.reduce", "function, iterable, *initial", reduce),
    native("itertools.chain", "*iterables", chain),
    native("itertools.chain.from_iterable", "iterables", chain_nested),
    native("itertools.product", "*iterables, repeat=1", product),
    native("itertools.repeat", "object, times=None", repeat),
    native("itertools.count", "start=0, step=1", count),
    native("itertools.cycle", "iterable", cycle),
    native("itertools.islice", "iterable, *args", islice),
    native("itertools.accumulate", "iterable, func=None, *, initial=None", accumulate),
    native("itertools.zip_longest", "*iterables, fillvalue=None", zip_longest),
    native("itertools.combinations", "iterable, r", combinations),
    native("copy.copy", "x", shallow_copy),
    native("copy.deepcopy", "x, memo=None", deep_copy),
    native("dataclasses.dataclass", "cls=None, **kwargs", dataclass),
    native("dataclasses.field", "**kwargs", field),
    native("dataclasses.asdict", "instance", as_dict),
    native("dataclasses.replace", "instance, **changes", replace),
    native("operator.add", "a, b", |i, args| {
        i.binary(BinaryOp::Add, &args.value("a"), &args.value("b"))
    }),
    native("operator.mul", "a, b", |i, args| {
        i.binary(BinaryOp::Mul, &args.value("a"), &args.value("b"))
    }),
    native("inspect.isfunction", "object", |_, args| {
        Ok(Value::Bool(matches!(args.value("object"), Value::Function(_))))
    }),
    native("inspect.isclass", "object", |_, args| {
        Ok(Value::Bool(matches!(args.value("object"), Value::Class(_))))
    }),
    native("types.MethodType", "function, instance", |_, args| {
        Ok(Value::Bound(Rc::new((args.value("instance"), args.value("function")))))
    }),
    native("typing.cast", "type, value", |_, args| Ok(args.value("value"))),
    native("torch.jit.annotate", "type, value", |_, args| Ok(args.value("value"))),
    native("torch.jit.script", "obj, **kwargs", |_, args| Ok(args.value("obj"))),
    native("torch.jit.ignore", "function=None, **kwargs", decorate),
    native("torch.jit.unused", "function=None, **kwargs", decorate),
    native("torch.jit.export", "function, **kwargs", |_, args| Ok(args.value("function"))),
    native("torch.autograd.Variable", "data, *args, **kwargs", |_, args| Ok(args.value("data"))),
    native("torch.fx.wrap", "function", |_, args| Ok(args.value("function"))),
    native("torch.cuda.is_available", "", |_, _| Ok(Value::Bool(false))),
    native("torch.is_tensor", "object", |_, args| {
        Ok(Value::Bool(matches!(args.value("object"), Value::Tensor(_))))
    }),
    native("torch.is_grad_enabled", "", |_, _| Ok(Value::Bool(false))),
    native("torch.utils.checkpoint.checkpoint", "function, *args, **kwargs", |i, args| {
        i.call_values(&args.value("function"), args.rest.clone())
    }),
];

/// `@decorator` and `@decorator(...)` that change nothing.
fn decorate(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(match args.value("function") {
        Value::None | Value::Bool(_) => Value::Native(&IDENTITY),
        function => function,
    })
}

static IDENTITY: Native = native("identity", "x", |_, args| Ok(args.value("x")));

/// `@lru_cache` and `@lru_cache(maxsize=None)`.
fn memo(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(match args.value("maxsize") {
        function @ (Value::Function(_) | Value::Class(_)) => function,
        _ => Value::Native(&IDENTITY),
    })
}

fn default_dict(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Some(class) = interpreter.builtin_class("dict") else { return Ok(Value::None) };
    let instance = interpreter.new_instance(&class)?;
    let call = CallArgs { positional: args.rest.clone(), keywords: args.extra.clone() };
    interpreter.initialise_builtin(&instance, "dict", &call)?;
    instance.set("default_factory", args.value("default_factory"));
    Ok(Value::Instance(instance))
}

/// A partial of a partial is one of the function itself, as in Python.
fn partial(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if let Value::Partial(inner) = args.value("function") {
        let mut keywords: Vec<(Name, Value)> = inner.keywords.clone();
        keywords.retain(|(name, _)| !args.extra.iter().any(|(given, _)| given == name));
        keywords.extend(args.extra.clone());
        return Ok(Value::Partial(Rc::new(Partial {
            function: inner.function.clone(),
            positional: [inner.positional.as_slice(), &args.rest].concat(),
            keywords,
        })));
    }
    Ok(Value::Partial(Rc::new(Partial {
        function: args.value("function"),
        positional: args.rest.clone(),
        keywords: args.extra.clone(),
    })))
}

fn reduce(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let function = args.value("function");
    let mut items = interpreter.collect(&args.value("iterable"))?.into_iter();
    let first = args.rest.first().cloned().or_else(|| items.next());
    let Some(mut result) = first else {
        return Err(type_error("reduce() of empty iterable with no initial value"));
    };
    for item in items {
        result = interpreter.call_values(&function, vec![result, item])?;
    }
    Ok(result)
}

fn chain(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut items = Vec::new();
    for iterable in &args.rest {
        items.extend(interpreter.collect(iterable)?);
    }
    Ok(Value::items(items))
}

fn chain_nested(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut items = Vec::new();
    for iterable in interpreter.collect(&args.value("iterables"))? {
        items.extend(interpreter.collect(&iterable)?);
    }
    Ok(Value::items(items))
}

fn product(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for _ in 0..args.count("repeat", 0)? {
        for iterable in &args.rest {
            let items = interpreter.collect(iterable)?;
            let mut longer = Vec::new();
            for row in &rows {
                for item in &items {
                    interpreter.fuel.allocate(row.len() + 1)?;
                    let mut next = row.clone();
                    next.push(item.clone());
                    longer.push(next);
                }
            }
            rows = longer;
        }
    }
    Ok(Value::items(rows.into_iter().map(Value::tuple).collect()))
}

fn combinations(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let items = interpreter.collect(&args.value("iterable"))?;
    let size = args.count("r", 0)?;
    let mut rows: Vec<(usize, Vec<Value>)> = vec![(0, Vec::new())];
    for _ in 0..size {
        let mut longer = Vec::new();
        for (start, row) in &rows {
            for (position, item) in items.iter().enumerate().skip(*start) {
                interpreter.fuel.allocate(row.len() + 1)?;
                let mut next = row.clone();
                next.push(item.clone());
                longer.push((position + 1, next));
            }
        }
        rows = longer;
    }
    Ok(Value::items(rows.into_iter().map(|(_, row)| Value::tuple(row)).collect()))
}

fn repeat(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let object = args.value("object");
    if args.value("times").is_none() {
        return Ok(Value::Iterator(Rc::new(RefCell::new(Iter::Repeat(object)))));
    }
    let times = usize::try_from(args.int("times")?.max(0)).unwrap_or(usize::MAX);
    interpreter.fuel.allocate(times)?;
    Ok(Value::items(vec![object; times]))
}

fn count(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let iter = Iter::Count(args.int("start")?, args.int("step")?);
    Ok(Value::Iterator(Rc::new(RefCell::new(iter))))
}

fn cycle(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let items = interpreter.collect(&args.value("iterable"))?;
    Ok(Value::Iterator(Rc::new(RefCell::new(Iter::Cycle(items.into(), 0)))))
}

fn islice(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let number = |index: usize| args.rest.get(index).and_then(Value::as_int);
    let (start, stop) = match args.rest.len() {
        1 => (0, number(0)),
        _ => (number(0).unwrap_or(0), number(1)),
    };
    let mut iterator = interpreter.iterate(&args.value("iterable"))?;
    let mut items = Vec::new();
    let mut position: i128 = 0;
    while stop.is_none_or(|stop| position < stop) {
        let Some(item) = interpreter.next(&mut iterator)? else { break };
        if position >= start {
            interpreter.fuel.allocate(1)?;
            items.push(item);
        }
        position += 1;
    }
    Ok(Value::items(items))
}

fn accumulate(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (function, initial) = (args.value("func"), args.value("initial"));
    let mut sums: Vec<Value> = if initial.is_none() { Vec::new() } else { vec![initial] };
    for item in interpreter.collect(&args.value("iterable"))? {
        let next = match sums.last().cloned() {
            Some(last) if function.is_none() => interpreter.binary(BinaryOp::Add, &last, &item)?,
            Some(last) => interpreter.call_values(&function, vec![last, item])?,
            None => item,
        };
        sums.push(next);
    }
    Ok(Value::items(sums))
}

fn zip_longest(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut columns = Vec::new();
    for iterable in &args.rest {
        columns.push(interpreter.collect(iterable)?);
    }
    let length = columns.iter().map(Vec::len).max().unwrap_or(0);
    let fill = args.value("fillvalue");
    let rows = (0..length).map(|row| {
        let cells = columns.iter().map(|c| c.get(row).cloned().unwrap_or_else(|| fill.clone()));
        Value::tuple(cells.collect())
    });
    Ok(Value::items(rows.collect()))
}

fn shallow_copy(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.value("x");
    Ok(match &value {
        Value::List(items) => Value::list(items.borrow().clone()),
        Value::Dict(entries) => Value::dict(entries.borrow().clone()),
        Value::Instance(_) => crate::eval::copying::copy_instance(interpreter, &value, false)?,
        _ => value,
    })
}

fn deep_copy(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    crate::eval::copying::copy_instance(interpreter, &args.value("x"), true)
}

/// `@dataclass` and `@dataclass(frozen=True)`.
fn dataclass(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Class(class) = args.value("cls") else {
        return Ok(Value::Native(&APPLY_DATACLASS));
    };
    apply_dataclass(&class);
    Ok(Value::Class(class))
}

fn apply_dataclass(class: &crate::eval::object::Class) {
    let mut attributes = class.attributes.borrow_mut();
    if !attributes.contains_key("__init__") {
        attributes.insert(Name::from("__init__"), Value::Native(&DATACLASS_INIT));
    }
    attributes.insert(Name::from("__is_dataclass__"), Value::Bool(true));
}

static APPLY_DATACLASS: Native = native("dataclass", "cls", |_, args| {
    if let Value::Class(class) = args.value("cls") {
        apply_dataclass(&class);
    }
    Ok(args.value("cls"))
});

static DATACLASS_INIT: Native = native("__init__", "self, *args, **kwargs", |interpreter, args| {
    let call = CallArgs { positional: args.rest.clone(), keywords: args.extra.clone() };
    interpreter.initialise_dataclass(&args.value("self"), call)
});

fn field(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let class = interpreter.native_class("Field", Vec::new(), &[], None, None);
    let instance = interpreter.new_instance(&class)?;
    for (name, value) in &args.extra {
        instance.set(name, value.clone());
    }
    Ok(Value::Instance(instance))
}

fn as_dict(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Instance(instance) = args.value("instance") else {
        return Err(type_error("asdict() should be called on dataclass instances"));
    };
    let fields = interpreter.dataclass_fields(&instance.class);
    let pairs = fields.into_iter().filter_map(|(name, _)| {
        let value = instance.attribute(&name)?;
        Some((Value::Str(name), value))
    });
    interpreter.make_dict(pairs.collect::<Vec<_>>())
}

fn replace(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Instance(instance) = args.value("instance") else {
        return Err(type_error("replace() should be called on dataclass instances"));
    };
    let mut keywords: Vec<(Name, Value)> = args.extra.clone();
    for (name, _) in interpreter.dataclass_fields(&instance.class) {
        if !keywords.iter().any(|(known, _)| *known == name)
            && let Some(value) = instance.attribute(&name)
        {
            keywords.push((name, value));
        }
    }
    let class = Value::Class(Rc::clone(&instance.class));
    interpreter.call(&class, CallArgs { positional: Vec::new(), keywords })
}
