//! Python's built-in functions and types, and the parts of its standard library that networks use.

mod collection;
mod deque;
mod inspect;
mod number;
mod object;
mod regex;
mod standard;
mod text;

pub(crate) use collection::pairs_of;
pub(crate) use deque::NAMED_TUPLE_METHODS;
pub(crate) use inspect::INSPECTION;
pub(crate) use number::math_function;
pub(crate) use regex::REGULAR_EXPRESSIONS;
pub(crate) use standard::STANDARD;

use super::interpreter::Interpreter;
use super::native::Native;
use super::value::Value;

/// A native function.
pub(crate) const fn native(
    name: &'static str,
    signature: &'static str,
    run: fn(&mut Interpreter<'_>, &super::native::Args) -> super::error::Eval<Value>,
) -> Native {
    Native { name, signature, run }
}

/// Functions found under their bare names.
pub(crate) const FUNCTIONS: &[Native] = &[
    native("abs", "x", number::abs),
    native("all", "iterable", collection::all),
    native("any", "iterable", collection::any),
    native("bool", "x=False", number::to_bool),
    native("callable", "object", object::callable),
    native("classmethod", "function", object::class_method),
    native("delattr", "object, name", object::delete_attribute),
    native("dict", "*args, **kwargs", collection::dict),
    native("dir", "object", object::dir),
    native("divmod", "a, b", number::divmod),
    native("enumerate", "iterable, start=0", collection::enumerate),
    native("filter", "function, iterable", collection::filter),
    native("float", "x=0.0", number::to_float),
    native("format", "value, spec=''", text::format_builtin),
    native("frozenset", "iterable=()", collection::set),
    native("getattr", "object, name, *default", object::get_attribute),
    native("hasattr", "object, name", object::has_attribute),
    native("hash", "object", object::hash),
    native("id", "object", object::hash),
    native("int", "x=0, base=10", number::to_int),
    native("isinstance", "object, classinfo", object::is_instance),
    native("issubclass", "cls, classinfo", object::is_subclass),
    native("iter", "iterable", collection::iter),
    native("len", "object", collection::len),
    native("list", "iterable=()", collection::list),
    native("map", "function, *iterables", collection::map),
    native("max", "*args, **kwargs", collection::max),
    native("min", "*args, **kwargs", collection::min),
    native("next", "iterator, *default", collection::next),
    native("object", "", object::object),
    native("pow", "base, exp", number::pow),
    native("print", "*args, **kwargs", object::nothing),
    native("property", "fget", object::property),
    native("range", "*args", number::range),
    native("repr", "object", text::repr),
    native("reversed", "sequence", collection::reversed),
    native("round", "number, ndigits=None", number::round),
    native("set", "iterable=()", collection::set),
    native("setattr", "object, name, value", object::set_attribute),
    native("slice", "*args", collection::slice),
    native("sorted", "iterable, *, key=None, reverse=False", collection::sorted),
    native("staticmethod", "function", object::static_method),
    native("str", "object=''", text::str),
    native("sum", "iterable, start=0", collection::sum),
    native("super", "cls, object", object::super_of),
    native("tuple", "iterable=()", collection::tuple),
    native("type", "object, *rest", object::type_of),
    native("vars", "object", object::vars),
    native("zip", "*iterables, strict=False", collection::zip),
];

/// `torch.jit.is_scripting` and other questions that are answered with no.
pub(crate) static FALSE: Native = native("is_scripting", "*args", |_, _| Ok(Value::Bool(false)));

/// `torch.Tensor`, as far as `isinstance` asks for it.
pub(crate) static TENSOR_TYPE: Native = native("torch.Tensor", "*args", super::tensor::new_tensor);

/// `property.setter`.
pub(crate) static PROPERTY_SETTER: Native =
    native("setter", "self, function", object::property_setter);

/// Methods of exceptions.
pub(crate) const EXCEPTION_METHODS: &[Native] =
    &[native("BaseException.__init__", "self, *args, **kwargs", object::exception_init)];

/// Methods of classes that derive from built-in types.
pub(crate) const BUILTIN_BASE_METHODS: &[Native] =
    &[native("builtin.__init__", "self, *args, **kwargs", object::builtin_init)];

/// All built-in names, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|native| native.name).chain(super::exceptions::names())
}

impl Interpreter<'_> {
    /// A built-in name.
    pub(crate) fn builtin(&mut self, name: &str) -> super::error::Eval<Option<Value>> {
        if let Some(native) = super::library::function(name).filter(|n| !n.name.contains('.')) {
            return Ok(Some(Value::Native(native)));
        }
        if let Some(name) = super::exceptions::static_name(name) {
            return self.exception_class(name).map(|class| Some(Value::Class(class)));
        }
        Ok(match name {
            "NotImplemented" => Some(Value::NotImplemented),
            "Ellipsis" => Some(Value::Ellipsis),
            "__name__" => Some(Value::str("__main__")),
            "__file__" => Some(Value::str("network.py")),
            "__debug__" => Some(Value::Bool(true)),
            "open" | "input" | "exit" | "quit" | "globals" | "eval" | "exec" | "compile"
            | "__import__" => Some(Value::opaque(name)),
            _ => None,
        })
    }

    /// A method or attribute of a built-in type.
    pub(crate) fn builtin_attribute(&mut self, object: &Value, name: &str) -> Option<Value> {
        let methods: &'static [Native] = match object {
            Value::Str(_) => text::METHODS,
            Value::List(_) => collection::LIST_METHODS,
            Value::Tuple(_) => collection::TUPLE_METHODS,
            Value::Dict(_) => collection::DICT_METHODS,
            Value::Set(_) => collection::SET_METHODS,
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => number::METHODS,
            Value::DType(_) => number::DTYPE_METHODS,
            Value::Native(native) => return object::native_attribute(native, name),
            Value::Slice(parts) => {
                let [start, stop, step] = &**parts;
                return match name {
                    "start" => Some(start.clone()),
                    "stop" => Some(stop.clone()),
                    "step" => Some(step.clone()),
                    _ => None,
                };
            }
            _ => return None,
        };
        if let (Value::Int(number), "real" | "numerator") = (object, name) {
            return Some(Value::Int(*number));
        }
        if name == "__class__" {
            return Some(object::type_value(object));
        }
        let found = methods.iter().find(|native| method_name(native) == name)?;
        if found.signature.is_empty() {
            return None;
        }
        Some(Value::Bound(std::rc::Rc::new((object.clone(), Value::Native(found)))))
    }
}

/// `type(object)` of a callable.
pub(crate) fn class_of(object: &Value) -> Value {
    object::type_value(object)
}

/// `append` of `list.append`.
pub(crate) fn method_name(native: &Native) -> &'static str {
    native.name.rsplit('.').next().unwrap_or(native.name)
}
