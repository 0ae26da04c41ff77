//! Functions that nasc itself provides: a name, a signature in Python's own notation, and code.
//! Arguments are bound by the signature with Python's complaints, then read by name.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ast::Name;
use crate::ir::{DType, Dim};

use super::error::{Eval, Fix, Mistake, raise, refuse, type_error, wrong_arguments};
use super::interpreter::Interpreter;
use super::value::{Tensor, Value};

/// A native function.
#[derive(Debug)]
pub(crate) struct Native {
    /// How errors call it, e.g. `torch.cat`.
    pub name: &'static str,
    /// Parameters such as `input, dim=0, *, out=None`; `*args` and `**kwargs` collect.
    pub signature: &'static str,
    pub run: fn(&mut Interpreter<'_>, &Args) -> Eval<Value>,
}

/// Arguments of a call before they are bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallArgs {
    pub positional: Vec<Value>,
    pub keywords: Vec<(Name, Value)>,
}

impl CallArgs {
    pub(crate) fn positional(positional: Vec<Value>) -> CallArgs {
        CallArgs { positional, keywords: Vec::new() }
    }

    /// With one more argument in front.
    pub(crate) fn with_first(mut self, first: Value) -> CallArgs {
        self.positional.insert(0, first);
        self
    }
}

/// A parsed signature.
#[derive(Debug)]
pub(crate) struct Signature {
    parameters: Vec<SignatureParameter>,
    var_args: bool,
    var_kwargs: bool,
}

#[derive(Debug)]
struct SignatureParameter {
    name: &'static str,
    default: Option<Value>,
    keyword_only: bool,
}

/// Signatures parsed so far.
pub(crate) type SignatureCache = HashMap<usize, Rc<Signature>>;

/// The parsed form of a native function's signature.
pub(crate) fn signature(cache: &mut SignatureCache, native: &'static Native) -> Rc<Signature> {
    let key = std::ptr::from_ref(native) as usize;
    Rc::clone(cache.entry(key).or_insert_with(|| Rc::new(Signature::parse(native.signature))))
}

impl Signature {
    fn parse(text: &'static str) -> Signature {
        let mut signature =
            Signature { parameters: Vec::new(), var_args: false, var_kwargs: false };
        let mut keyword_only = false;
        for part in text.split(", ").map(str::trim).filter(|part| !part.is_empty()) {
            if part.starts_with("**") {
                signature.var_kwargs = true;
            } else if part.starts_with('*') {
                signature.var_args = part.len() > 1;
                keyword_only = true;
            } else {
                let (name, default) = match part.split_once('=') {
                    Some((name, default)) => (name, Some(literal(default))),
                    None => (part, None),
                };
                signature.parameters.push(SignatureParameter { name, default, keyword_only });
            }
        }
        signature
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.name == name)
    }

    /// Binds the arguments of a call of `function`.
    pub(crate) fn bind(self: &Rc<Self>, function: &'static str, args: CallArgs) -> Eval<Args> {
        let mut values: Vec<Option<Value>> = vec![None; self.parameters.len()];
        let mut rest = Vec::new();
        let given = args.positional.len();
        for (position, value) in args.positional.into_iter().enumerate() {
            match self.parameters.get(position).filter(|parameter| !parameter.keyword_only) {
                Some(_) => set(&mut values, position, value),
                None if self.var_args => rest.push(value),
                None => return Err(self.too_many(function, given)),
            }
        }
        let mut extra = Vec::new();
        for (name, value) in args.keywords {
            match self.position(&name) {
                Some(position) if values.get(position).is_some_and(Option::is_some) => {
                    return Err(wrong_arguments(format!(
                        "{function}() got multiple values for argument '{name}'"
                    )));
                }
                Some(position) => set(&mut values, position, value),
                None if self.var_kwargs => extra.push((name, value)),
                None => return Err(self.unexpected(function, &name)),
            }
        }
        self.fill_defaults(function, &mut values)?;
        let values = values.into_iter().flatten().collect();
        Ok(Args { function, signature: Rc::clone(self), values, rest, extra })
    }

    fn fill_defaults(&self, function: &str, values: &mut [Option<Value>]) -> Eval<()> {
        let mut missing = Vec::new();
        for (parameter, value) in self.parameters.iter().zip(values) {
            if value.is_none() {
                *value = parameter.default.clone();
            }
            if value.is_none() {
                missing.push(String::from(parameter.name));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(wrong_arguments(format!("{function}() {}", missing_text(&missing))))
    }

    fn too_many(&self, function: &str, given: usize) -> Box<super::error::Stop> {
        let takes = self.parameters.iter().filter(|parameter| !parameter.keyword_only).count();
        wrong_arguments(format!(
            "{function}() takes {takes} positional argument{} but {given} {} given",
            if takes == 1 { "" } else { "s" },
            if given == 1 { "was" } else { "were" },
        ))
    }

    fn unexpected(&self, function: &str, name: &str) -> Box<super::error::Stop> {
        let error =
            wrong_arguments(format!("{function}() got an unexpected keyword argument '{name}'"));
        let names = self.parameters.iter().map(|parameter| parameter.name);
        match super::suggest::closest(name, names) {
            Some(close) => {
                let (wrong, right) = (name.to_string(), close.to_string());
                error.help(format!("did you mean `{close}`?")).fix(Fix::Keyword { wrong, right })
            }
            None => error,
        }
    }
}

fn set(values: &mut [Option<Value>], position: usize, value: Value) {
    if let Some(slot) = values.get_mut(position) {
        *slot = Some(value);
    }
}

/// `missing 2 required positional arguments: 'a' and 'b'`
pub(crate) fn missing_text(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let list = match quoted.as_slice() {
        [rest @ .., last] if !rest.is_empty() => {
            let comma = if rest.len() > 1 { "," } else { "" };
            format!("{}{comma} and {last}", rest.join(", "))
        }
        _ => quoted.join(", "),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("missing {} required positional argument{plural}: {list}", names.len())
}

/// A default written in a signature.
fn literal(text: &str) -> Value {
    match text {
        "None" => Value::None,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "()" => Value::tuple(Vec::new()),
        _ => {
            if let Some(inner) = text.strip_prefix('\'') {
                return Value::str(inner.trim_end_matches('\''));
            }
            if let Ok(number) = text.parse::<i128>() {
                return Value::Int(number);
            }
            text.parse::<f64>().map_or(Value::None, Value::Float)
        }
    }
}

/// Bound arguments, read by name.
#[derive(Debug)]
pub(crate) struct Args {
    pub function: &'static str,
    signature: Rc<Signature>,
    values: Vec<Value>,
    /// What `*args` collected.
    pub rest: Vec<Value>,
    /// What `**kwargs` collected.
    pub extra: Vec<(Name, Value)>,
}

impl Args {
    /// The argument `name`; `None` if the signature lacks it.
    pub(crate) fn value(&self, name: &str) -> Value {
        let position = self.signature.position(name);
        position.and_then(|position| self.values.get(position)).cloned().unwrap_or(Value::None)
    }

    /// All arguments of the signature, with their names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.signature.parameters.iter().map(|parameter| parameter.name).zip(&self.values)
    }

    /// Whether any argument is unknown because of an earlier mistake.
    pub(crate) fn any_unknown(&self) -> bool {
        let unknown_inside = |value: &Value| match value {
            Value::List(items) => items.borrow().iter().any(Value::is_unknown),
            Value::Tuple(items) => items.iter().any(Value::is_unknown),
            other => other.is_unknown(),
        };
        self.values.iter().chain(&self.rest).any(unknown_inside)
    }

    fn wrong_type(&self, name: &str, expected: &str, found: &Value) -> Box<super::error::Stop> {
        if let Value::Opaque(opaque) = found
            && let Some(reason) = &opaque.reason
        {
            return Box::new(super::error::Stop::Refuse(reason.clone()));
        }
        type_error(format!(
            "{}(): argument '{name}' must be {expected}, not {}",
            self.function,
            found.type_name()
        ))
    }

    pub(crate) fn tensor(&self, name: &str) -> Eval<Tensor> {
        match self.value(name) {
            Value::Tensor(tensor) => Ok(tensor),
            Value::Unknown => Err(super::error::silent()),
            other => Err(self.wrong_type(name, "Tensor", &other)),
        }
    }

    pub(crate) fn optional_tensor(&self, name: &str) -> Eval<Option<Tensor>> {
        match self.value(name) {
            Value::None => Ok(None),
            _ => self.tensor(name).map(Some),
        }
    }

    pub(crate) fn int(&self, name: &str) -> Eval<i128> {
        let value = self.value(name);
        value.as_int().ok_or_else(|| match value {
            Value::Unknown => super::error::silent(),
            Value::Batch(_) => self.symbolic(name),
            other => self.wrong_type(name, "int", &other),
        })
    }

    fn symbolic(&self, name: &str) -> Box<super::error::Stop> {
        refuse(
            Mistake::SymbolicArithmetic,
            format!("{}(): argument '{name}' depends on the batch size", self.function),
        )
        .help("nasc keeps the batch size symbolic; use a number here")
    }

    pub(crate) fn optional_int(&self, name: &str) -> Eval<Option<i128>> {
        if self.value(name).is_none() { Ok(None) } else { self.int(name).map(Some) }
    }

    pub(crate) fn float(&self, name: &str) -> Eval<f64> {
        let value = self.value(name);
        value.as_float().ok_or_else(|| match value {
            Value::Unknown => super::error::silent(),
            other => self.wrong_type(name, "float", &other),
        })
    }

    pub(crate) fn optional_float(&self, name: &str) -> Eval<Option<f64>> {
        if self.value(name).is_none() { Ok(None) } else { self.float(name).map(Some) }
    }

    pub(crate) fn bool(&self, interpreter: &mut Interpreter<'_>, name: &str) -> Eval<bool> {
        interpreter.truth(&self.value(name))
    }

    pub(crate) fn string(&self, name: &str) -> Eval<std::sync::Arc<str>> {
        let value = self.value(name);
        value.as_str().ok_or_else(|| self.wrong_type(name, "str", &value))
    }

    /// A count that must be a whole number of at least `least`.
    pub(crate) fn count(&self, name: &str, least: i128) -> Eval<u64> {
        let number = self.int(name)?;
        if number < least {
            return Err(raise(
                Mistake::BadArgument,
                "ValueError",
                format!("{}(): {name} must be at least {least}, but is {number}", self.function),
            ));
        }
        u64::try_from(number).map_err(|_| {
            refuse(Mistake::IntegerOverflow, format!("{name} = {number} exceeds 64 bits"))
        })
    }

    /// One count for each of `rank` spatial dimensions; a single one is repeated.
    pub(crate) fn counts(&self, name: &str, rank: usize, least: i128) -> Eval<Vec<u64>> {
        counts(self.function, name, &self.value(name), rank, least)
    }

    /// A dimension number made non-negative.
    pub(crate) fn dim(&self, name: &str, rank: usize) -> Eval<usize> {
        normalise_dim(self.int(name)?, rank)
    }

    /// Several dimension numbers; a single one is a list of one; `None` is all.
    pub(crate) fn dims(&self, name: &str, rank: usize) -> Eval<Vec<usize>> {
        let value = self.value(name);
        let numbers: Vec<Value> = match &value {
            Value::None => return Ok((0..rank).collect()),
            Value::Tuple(items) => items.to_vec(),
            Value::List(items) => items.borrow().clone(),
            other => vec![other.clone()],
        };
        if numbers.is_empty() {
            return Ok((0..rank).collect());
        }
        let mut dims = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let number = number.as_int().ok_or_else(|| self.wrong_type(name, "int", number))?;
            let dim = normalise_dim(number, rank)?;
            if dims.contains(&dim) {
                return Err(raise(
                    Mistake::BadArgument,
                    "RuntimeError",
                    format!("dim {dim} appears multiple times in the list of dims"),
                ));
            }
            dims.push(dim);
        }
        dims.sort_unstable();
        Ok(dims)
    }

    pub(crate) fn optional_dtype(&self, name: &str) -> Eval<Option<DType>> {
        match self.value(name) {
            Value::None => Ok(None),
            Value::DType(dtype) => Ok(Some(dtype)),
            other => Err(self.wrong_type(name, "dtype", &other)),
        }
    }
}

/// One count per spatial dimension out of a number or a sequence.
pub(crate) fn counts(
    function: &str,
    name: &str,
    value: &Value,
    rank: usize,
    least: i128,
) -> Eval<Vec<u64>> {
    let items: Vec<Value> = match value {
        Value::Tuple(items) => items.to_vec(),
        Value::List(items) => items.borrow().clone(),
        other => vec![other.clone(); rank],
    };
    let items = if items.len() == 1 {
        vec![items.into_iter().next().unwrap_or(Value::None); rank]
    } else {
        items
    };
    if items.len() != rank {
        return Err(raise(
            Mistake::BadArgument,
            "RuntimeError",
            format!("{function}(): {name} needs one number or {rank}, but has {}", items.len()),
        ));
    }
    items.iter().map(|item| count(function, name, item, least)).collect()
}

fn count(function: &str, name: &str, item: &Value, least: i128) -> Eval<u64> {
    let number = match item {
        Value::Unknown => return Err(super::error::silent()),
        Value::Batch(_) => {
            return Err(refuse(
                Mistake::SymbolicArithmetic,
                format!("{function}(): {name} depends on the batch size"),
            )
            .help("nasc keeps the batch size symbolic; use a number here"));
        }
        other => other.as_int().ok_or_else(|| {
            type_error(format!(
                "{function}(): argument '{name}' must be int, not {}",
                other.type_name()
            ))
        })?,
    };
    if number < least {
        return Err(super::error::bad_argument(format!(
            "{function}(): {name} must be at least {least}, but is {number}"
        )));
    }
    u64::try_from(number)
        .map_err(|_| refuse(Mistake::IntegerOverflow, format!("{name} = {number} exceeds 64 bits")))
}

/// A dimension number of a tensor with `rank` dimensions, made non-negative.
pub(crate) fn normalise_dim(number: i128, rank: usize) -> Eval<usize> {
    let dim = i64::try_from(number).unwrap_or(i64::MAX);
    crate::shape::resolve_dim(dim, rank).map_err(super::error::misfit)
}

/// A tensor extent out of an integer value.
pub(crate) fn extent(value: &Value) -> Eval<Dim> {
    match value {
        Value::Batch(factor) => Ok(Dim::Batch { factor: *factor }),
        Value::Unknown => Err(super::error::silent()),
        other => {
            let number = other.as_int().ok_or_else(|| {
                type_error(format!("a size must be int, not {}", other.type_name()))
            })?;
            u64::try_from(number).map(Dim::Known).map_err(|_| {
                raise(
                    Mistake::BadArgument,
                    "RuntimeError",
                    format!("a size must not be negative, but is {number}"),
                )
            })
        }
    }
}
