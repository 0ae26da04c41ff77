//! What a program asks about its own functions and modules: `inspect.signature`, `functools.wraps`
//! and `sys.modules`.

use std::rc::Rc;

use crate::ast::Parameter;
use crate::eval::error::{Eval, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::object::Instance;
use crate::eval::value::{Function, Partial, Value};

use super::native;

/// Functions of this file by dotted name.
pub(crate) const INSPECTION: &[Native] = &[
    native("inspect.signature", "callable", signature),
    native("functools.wraps", "wrapped, *args, **kwargs", wraps),
    native("functools.update_wrapper", "wrapper, wrapped, *args, **kwargs", update_wrapper),
];

/// Kinds of parameters, with Python's numbers.
const KINDS: [&str; 5] =
    ["POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD"];

/// `inspect.signature(f)`: an object with `parameters`, in order.
fn signature(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (function, is_bound) = function_of(&args.value("callable"))?;
    let mut entries = Vec::new();
    for (index, (parameter, kind, default)) in parameters(&function).into_iter().enumerate() {
        if is_bound && index == 0 {
            continue;
        }
        let value = describe(interpreter, parameter, kind, default)?;
        entries.push((Value::Str(parameter.name.clone()), value));
    }
    let class = interpreter.native_class("Signature", Vec::new(), &[], None, None);
    let instance = interpreter.new_instance(&class)?;
    let entries = interpreter.make_dict(entries)?;
    instance.set("parameters", entries);
    Ok(Value::Instance(instance))
}

/// The function behind a callable, and whether its first argument is bound already.
fn function_of(callable: &Value) -> Eval<(Rc<Function>, bool)> {
    match callable {
        Value::Function(function) => {
            let wrapped = function.attributes.borrow().get("__wrapped__").cloned();
            match wrapped {
                Some(wrapped) => function_of(&wrapped),
                None => Ok((Rc::clone(function), false)),
            }
        }
        Value::Bound(bound) => Ok((function_of(&bound.1)?.0, true)),
        Value::Class(class) => match class.lookup("__init__") {
            Some(function @ Value::Function(_)) => Ok((function_of(&function)?.0, true)),
            _ => Err(unknown_signature(callable)),
        },
        Value::Instance(instance) => match instance.class.lookup("__call__") {
            Some(function @ Value::Function(_)) => Ok((function_of(&function)?.0, true)),
            _ => Err(unknown_signature(callable)),
        },
        other => Err(unknown_signature(other)),
    }
}

fn unknown_signature(callable: &Value) -> Box<crate::eval::error::Stop> {
    crate::eval::error::refuse(
        crate::eval::error::Mistake::UnsupportedFunction,
        format!("nasc does not know the signature of {}", callable.type_name()),
    )
}

type Described<'a> = (&'a Parameter, usize, Option<Value>);

/// Parameters in order with their kind and default.
fn parameters(function: &Function) -> Vec<Described<'_>> {
    let params = &function.def.params;
    let positional = params.positional_only.iter().map(|parameter| (parameter, 0));
    let positional = positional.chain(params.regular.iter().map(|parameter| (parameter, 1)));
    let defaults = function.defaults.iter();
    let mut all: Vec<Described<'_>> =
        positional.zip(defaults).map(|((p, kind), default)| (p, kind, default.clone())).collect();
    all.extend(params.var_args.iter().map(|parameter| (parameter, 2, None)));
    let keywords = params.keyword_only.iter().zip(&function.keyword_defaults);
    all.extend(keywords.map(|(parameter, default)| (parameter, 3, default.clone())));
    all.extend(params.var_kwargs.iter().map(|parameter| (parameter, 4, None)));
    all
}

fn describe(
    interpreter: &mut Interpreter<'_>,
    parameter: &Parameter,
    kind: usize,
    default: Option<Value>,
) -> Eval<Value> {
    let class = interpreter.native_class("Parameter.of.signature", Vec::new(), &[], None, None);
    let instance: Rc<Instance> = interpreter.new_instance(&class)?;
    instance.set("name", Value::Str(parameter.name.clone()));
    instance.set("kind", Value::Int(kind as i128));
    instance.set("annotation", Value::inert("typing.Any"));
    let empty = Value::Native(&super::FALSE);
    instance.set("default", default.unwrap_or_else(|| empty.clone()));
    instance.set("empty", empty);
    for (number, name) in KINDS.into_iter().enumerate() {
        instance.set(name, Value::Int(number as i128));
    }
    Ok(Value::Instance(instance))
}

/// `@functools.wraps(wrapped)`
fn wraps(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Partial(Rc::new(Partial {
        function: Value::Native(&WRAP),
        positional: vec![args.value("wrapped")],
        keywords: Vec::new(),
    })))
}

static WRAP: Native = native("wraps", "wrapped, wrapper", update_wrapper);

/// Gives a wrapper the names of what it wraps.
fn update_wrapper(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (wrapper, wrapped) = (args.value("wrapper"), args.value("wrapped"));
    let Value::Function(function) = &wrapper else {
        return match &wrapper {
            Value::None => Err(type_error("wraps() needs a function")),
            _ => Ok(wrapper),
        };
    };
    for name in ["__name__", "__qualname__", "__module__", "__doc__"] {
        if let Some(value) = interpreter.find_attribute(&wrapped, name)? {
            function.attributes.borrow_mut().insert(name.into(), value);
        }
    }
    function.attributes.borrow_mut().insert("__wrapped__".into(), wrapped);
    Ok(wrapper)
}
