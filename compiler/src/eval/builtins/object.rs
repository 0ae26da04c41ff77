//! Objects and types: attributes by name, `isinstance`, `type`, descriptors, `super`.

use std::rc::Rc;

use crate::ast::Name;
use crate::eval::error::{Eval, Stop, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::object::{Class, Instance};
use crate::eval::value::{SuperObject, Value, Wrapper};

use super::{collection, method_name, native};

pub(super) fn nothing(_: &mut Interpreter<'_>, _: &Args) -> Eval<Value> {
    Ok(Value::None)
}

pub(super) fn object(interpreter: &mut Interpreter<'_>, _: &Args) -> Eval<Value> {
    let class = interpreter.object_class();
    interpreter.new_instance(&class).map(Value::Instance)
}

pub(super) fn get_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.string("name")?;
    let object = args.value("object");
    match args.rest.first() {
        None => interpreter.attribute(&object, &name),
        Some(default) => match interpreter.find_attribute(&object, &name) {
            Ok(found) => Ok(found.unwrap_or_else(|| default.clone())),
            Err(stop) => match *stop {
                Stop::Raise(exception) if exception.class == "AttributeError" => {
                    Ok(default.clone())
                }
                other => Err(Box::new(other)),
            },
        },
    }
}

pub(super) fn has_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.string("name")?;
    if let Value::Opaque(opaque) = args.value("object") {
        return Err(crate::eval::modules::opaque_use(&opaque));
    }
    match interpreter.find_attribute(&args.value("object"), &name) {
        Ok(found) => Ok(Value::Bool(found.is_some())),
        Err(stop) => match *stop {
            Stop::Raise(exception) if exception.class == "AttributeError" => Ok(Value::Bool(false)),
            other => Err(Box::new(other)),
        },
    }
}

pub(super) fn set_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name: Name = args.string("name")?;
    interpreter.set_attribute(&args.value("object"), &name, args.value("value"))?;
    Ok(Value::None)
}

pub(super) fn delete_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.delete_attribute(&args.value("object"), &args.string("name")?)?;
    Ok(Value::None)
}

pub(super) fn dir(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut names = interpreter.attribute_names(&args.value("object"));
    names.sort();
    names.dedup();
    Ok(Value::list(names.into_iter().map(Value::Str).collect()))
}

pub(super) fn vars(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.attribute(&args.value("object"), "__dict__")
}

pub(super) fn callable(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Bool(match args.value("object") {
        Value::Function(_)
        | Value::Native(_)
        | Value::Bound(_)
        | Value::Partial(_)
        | Value::Class(_) => true,
        Value::Instance(instance) => {
            instance.class.is_module || instance.class.lookup("__call__").is_some()
        }
        _ => false,
    }))
}

pub(super) fn hash(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.key(&args.value("object"))?;
    Err(crate::eval::error::refuse(
        crate::eval::error::Mistake::UnsupportedFunction,
        format!("nasc does not support {}()", args.function),
    ))
}

pub(super) fn is_instance(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let object = args.value("object");
    crate::eval::call::known(&object)?;
    matches_class(interpreter, &object, &args.value("classinfo")).map(Value::Bool)
}

fn matches_class(interpreter: &mut Interpreter<'_>, object: &Value, class: &Value) -> Eval<bool> {
    match class {
        Value::Tuple(classes) => {
            for class in classes.iter() {
                if matches_class(interpreter, object, class)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Class(class) => Ok(instance_of(object, class)),
        Value::Native(native) => Ok(builtin_instance(object, native.name)),
        Value::None => Ok(object.is_none()),
        Value::Opaque(opaque) => abstract_instance(interpreter, object, opaque),
        other => Err(type_error(format!(
            "isinstance() arg 2 must be a type, a tuple of types, or a union, not {}",
            other.type_name()
        ))),
    }
}

fn instance_of(object: &Value, class: &Rc<Class>) -> bool {
    match object {
        Value::Instance(instance) => instance.class.derives_from(class),
        Value::Tensor(tensor) => &*class.name == "Parameter" && tensor.0.parameter,
        Value::Dict(_) => &*class.name == "dict" && class.native,
        _ => &*class.name == "object" && class.native,
    }
}

/// `isinstance(x, Iterable)` and the other abstract classes of `collections.abc` and `typing`.
fn abstract_instance(
    interpreter: &mut Interpreter<'_>,
    object: &Value,
    opaque: &crate::eval::value::Opaque,
) -> Eval<bool> {
    let name = opaque.name.rsplit('.').next().unwrap_or(&opaque.name);
    Ok(match name {
        "Iterable" | "Iterator" => match object {
            Value::Instance(_) => interpreter.find_attribute(object, "__iter__")?.is_some(),
            Value::Tensor(_) => true,
            _ => matches!(
                object,
                Value::List(_)
                    | Value::Tuple(_)
                    | Value::Dict(_)
                    | Value::Set(_)
                    | Value::Str(_)
                    | Value::Range(_)
                    | Value::Iterator(_)
            ),
        },
        "Sequence" | "List" | "Tuple" => {
            matches!(object, Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Range(_))
        }
        "Mapping" | "MutableMapping" | "Dict" => matches!(object, Value::Dict(_)),
        "Callable" => matches!(
            object,
            Value::Function(_)
                | Value::Native(_)
                | Value::Bound(_)
                | Value::Partial(_)
                | Value::Class(_)
        ),
        "Number" | "Real" => {
            matches!(object, Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Batch(_))
        }
        "Integral" => matches!(object, Value::Int(_) | Value::Bool(_) | Value::Batch(_)),
        "FunctionType" | "LambdaType" => matches!(object, Value::Function(_)),
        "Size" => matches!(object, Value::Tuple(_)),
        _ if opaque.inert => false,
        _ => return Err(crate::eval::modules::opaque_use(opaque)),
    })
}

fn builtin_instance(object: &Value, name: &str) -> bool {
    if let Value::Instance(instance) = object
        && let Some(base) = instance.class.builtin_base()
    {
        return base == name || name == "object";
    }
    match name {
        "object" => true,
        "int" => matches!(object, Value::Int(_) | Value::Bool(_) | Value::Batch(_)),
        "bool" => matches!(object, Value::Bool(_)),
        "float" => matches!(object, Value::Float(_)),
        "str" => matches!(object, Value::Str(_)),
        "list" => matches!(object, Value::List(_)),
        "tuple" => matches!(object, Value::Tuple(_)),
        "dict" | "collections.OrderedDict" => matches!(object, Value::Dict(_)),
        "set" | "frozenset" => matches!(object, Value::Set(_)),
        "range" => matches!(object, Value::Range(_)),
        "slice" => matches!(object, Value::Slice(_)),
        "type" => matches!(object, Value::Class(_) | Value::Native(_)),
        "torch.Tensor" => matches!(object, Value::Tensor(_)),
        "functools.partial" => matches!(object, Value::Partial(_)),
        "property" => matches!(object, Value::Wrapper(_)),
        _ => false,
    }
}

pub(super) fn is_subclass(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Class(class) = args.value("cls") else {
        return Ok(Value::Bool(false));
    };
    let wanted = match args.value("classinfo") {
        Value::Tuple(items) => items.to_vec(),
        other => vec![other],
    };
    Ok(Value::Bool(wanted.iter().any(|wanted| match wanted {
        Value::Class(wanted) => class.derives_from(wanted),
        Value::Native(native) => {
            native.name == "object" || class.builtin_base() == Some(native.name)
        }
        _ => false,
    })))
}

pub(super) fn type_of(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let object = args.value("object");
    match args.rest.as_slice() {
        [] => Ok(type_value(&object)),
        [bases, attributes] => {
            let name: Name = args.string("object")?;
            let bases = interpreter.collect(bases)?;
            let bases = bases.into_iter().filter_map(|base| match base {
                Value::Class(class) => Some(class),
                _ => None,
            });
            let mut map = crate::eval::ordered::OrderedMap::default();
            for (key, value) in interpreter.mapping_items(attributes)? {
                if let Some(key) = key.as_str() {
                    map.insert(key, value);
                }
            }
            interpreter.make_class(name, bases.collect(), map, None).map(Value::Class)
        }
        _ => Err(type_error("type() takes 1 or 3 arguments")),
    }
}

/// `type(object)`
pub(crate) fn type_value(object: &Value) -> Value {
    let name = match object {
        Value::Instance(instance) => return Value::Class(Rc::clone(&instance.class)),
        Value::Unknown => return Value::Unknown,
        Value::Tensor(_) => return Value::Native(&super::TENSOR_TYPE),
        Value::Class(_) | Value::Native(_) => "type",
        Value::Partial(_) => "functools.partial",
        other => &other.type_name(),
    };
    crate::eval::library::function(name).map_or_else(|| Value::inert(name), Value::Native)
}

pub(super) fn class_method(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Wrapper(Rc::new(Wrapper::Class(args.value("function")))))
}

pub(super) fn static_method(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Wrapper(Rc::new(Wrapper::Static(args.value("function")))))
}

pub(super) fn property(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let get = args.value("fget");
    Ok(Value::Wrapper(Rc::new(Wrapper::Property { get, set: None })))
}

pub(super) fn property_setter(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let get = match args.value("self") {
        Value::Wrapper(wrapper) => match &*wrapper {
            Wrapper::Property { get, .. } => get.clone(),
            Wrapper::Static(inner) | Wrapper::Class(inner) => inner.clone(),
        },
        other => other,
    };
    let set = Some(args.value("function"));
    Ok(Value::Wrapper(Rc::new(Wrapper::Property { get, set })))
}

pub(super) fn super_of(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    match args.value("cls") {
        Value::Class(class) => {
            Ok(Value::Super(Rc::new(SuperObject { class, object: args.value("object") })))
        }
        other => {
            Err(type_error(format!("super() argument 1 must be a type, not {}", other.type_name())))
        }
    }
}

pub(super) fn exception_init(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if let Value::Instance(instance) = args.value("self") {
        instance.set("args", Value::tuple(args.rest.clone()));
    }
    Ok(Value::None)
}

pub(super) fn builtin_init(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let Value::Instance(instance) = args.value("self") else { return Ok(Value::None) };
    if let Some(builtin @ ("dict" | "list" | "set")) = instance.class.builtin_base() {
        let call = CallArgs { positional: args.rest.clone(), keywords: args.extra.clone() };
        interpreter.initialise_builtin(&instance, builtin, &call)?;
    }
    Ok(Value::None)
}

/// `__name__` and friends of a native function.
pub(super) fn native_attribute(native: &'static Native, name: &str) -> Option<Value> {
    match (native.name, name) {
        (_, "__name__" | "__qualname__") => Some(Value::str(method_name(native))),
        (_, "__doc__") => Some(Value::None),
        (_, "__module__") => Some(Value::str("builtins")),
        ("dict" | "collections.OrderedDict", "fromkeys") => Some(Value::Native(&FROM_KEYS)),
        ("object", "__setattr__") => Some(Value::Native(&OBJECT_SETATTR)),
        ("object", "__init__") => Some(Value::Native(&OBJECT_INIT)),
        ("object", "__new__") => Some(Value::Native(&OBJECT_NEW)),
        _ => None,
    }
}

static FROM_KEYS: Native = native("dict.fromkeys", "keys, value=None", |interpreter, args| {
    let value = args.value("value");
    let keys = interpreter.collect(&args.value("keys"))?;
    interpreter.make_dict(keys.into_iter().map(|key| (key, value.clone())).collect::<Vec<_>>())
});

static OBJECT_INIT: Native = native("object.__init__", "self, *args, **kwargs", nothing);

static OBJECT_SETATTR: Native =
    native("object.__setattr__", "self, name, value", |interpreter, args| {
        let name: Name = args.string("name")?;
        if let Value::Instance(instance) = args.value("self") {
            interpreter.set_instance_attribute(&instance, &name, args.value("value"))?;
        }
        Ok(Value::None)
    });

static OBJECT_NEW: Native =
    native("object.__new__", "cls, *args, **kwargs", |interpreter, args| match args.value("cls") {
        Value::Class(class) => {
            let instance = interpreter.new_instance(&class)?;
            if let Some(builtin) = class.builtin_base() {
                let call = CallArgs { positional: args.rest.clone(), keywords: args.extra.clone() };
                interpreter.initialise_builtin(&instance, builtin, &call)?;
            }
            Ok(Value::Instance(instance))
        }
        other => Err(type_error(format!(
            "object.__new__(X): X is not a type object ({})",
            other.type_name()
        ))),
    });

impl Interpreter<'_> {
    /// What every object has from `object`.
    pub(crate) fn default_method(&mut self, object: &Value, name: &str) -> Option<Value> {
        let native: &'static Native = match name {
            "__init__" | "__init_subclass__" | "__post_init__" => &OBJECT_INIT,
            "__setattr__" => &OBJECT_SETATTR,
            "__new__" => return Some(Value::Native(&OBJECT_NEW)),
            "__class__" => return Some(type_value(object)),
            "__doc__" => return Some(Value::None),
            "__module__" => return Some(Value::str("__main__")),
            _ => return None,
        };
        Some(Value::Bound(Rc::new((object.clone(), Value::Native(native)))))
    }

    /// What every class has from `type` and `object`.
    pub(crate) fn class_default(&mut self, _class: &Rc<Class>, name: &str) -> Option<Value> {
        match name {
            "__init__" => Some(Value::Native(&OBJECT_INIT)),
            "__setattr__" => Some(Value::Native(&OBJECT_SETATTR)),
            "__new__" => Some(Value::Native(&OBJECT_NEW)),
            "__dict__" => Some(Value::dict(Default::default())),
            _ => None,
        }
    }

    /// Gives an instance of a class that derives from a built-in type the value it wraps.
    pub(crate) fn initialise_builtin(
        &mut self,
        instance: &Rc<Instance>,
        builtin: &'static str,
        args: &CallArgs,
    ) -> Eval<()> {
        if let (Some(Value::Tuple(fields)), Some(defaults)) =
            (instance.class.lookup("_fields"), instance.class.lookup("_defaults"))
        {
            let name = &instance.class.name;
            let values = collection::named_tuple_values(self, name, &fields, &defaults, args)?;
            for (field, value) in fields.iter().zip(&values) {
                if let Some(field) = field.as_str() {
                    instance.set(&field, value.clone());
                }
            }
            *instance.payload.borrow_mut() = Some(Value::tuple(values));
            return Ok(());
        }
        let Some(make) = crate::eval::library::function(builtin) else { return Ok(()) };
        let own_init = instance.class.lookup("__init__");
        let has_own_init = matches!(own_init, Some(Value::Function(_)));
        let call = if has_own_init && matches!(builtin, "dict" | "list" | "set") {
            CallArgs::default()
        } else {
            args.clone()
        };
        let value = self.call_native(make, call)?;
        *instance.payload.borrow_mut() = Some(value);
        Ok(())
    }
}
