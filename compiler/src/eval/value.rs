//! Values of the interpreted program: what a name can be bound to while a network is built and
//! traced. Tensors are abstract: a type and where they come from, never elements (except small
//! constants). Deliberately not here: classes and instances (`object`), behaviour.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{FunctionDef, Name};
use crate::ir::{DType, Dim, Init, ParamId, TensorType, ValueId};

use super::native::Native;
use super::object::{Class, Instance};
use super::ordered::OrderedMap;
use super::scope::Scope;

/// A shared, mutable list.
pub(crate) type ListRef = Rc<RefCell<Vec<Value>>>;
/// A shared, mutable dict or set: hash key to the key itself and the value.
pub(crate) type DictRef = Rc<RefCell<OrderedMap<Key, (Value, Value)>>>;

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Unknown because of a mistake that was reported; everything on it is silent.
    Unknown,
    None,
    Ellipsis,
    NotImplemented,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    /// `factor · N`, an integer that depends on the batch size.
    Batch(u64),
    Tuple(Rc<[Value]>),
    List(ListRef),
    Dict(DictRef),
    Set(DictRef),
    Slice(Rc<[Value; 3]>),
    Range(Range),
    Iterator(Rc<RefCell<Iter>>),
    Function(Rc<Function>),
    Native(&'static Native),
    /// A function with its first argument.
    Bound(Rc<(Value, Value)>),
    /// `functools.partial`.
    Partial(Rc<Partial>),
    Class(Rc<Class>),
    Instance(Rc<Instance>),
    /// `super()`: the object and the class to search after.
    Super(Rc<SuperObject>),
    Wrapper(Rc<Wrapper>),
    /// A Python module that nasc knows, by dotted name.
    Module(&'static str),
    /// A module of another file.
    Package(Rc<super::package::Package>),
    /// A name that nothing has used yet; only in variables of modules.
    Lazy(Rc<super::package::Lazy>),
    /// Something outside the subset; harmless until it decides anything.
    Opaque(Rc<Opaque>),
    DType(DType),
    Tensor(Tensor),
}

/// `range(start, stop, step)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: i128,
    pub stop: i128,
    pub step: i128,
}

impl Range {
    pub(crate) fn len(self) -> i128 {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        let step = self.step.abs().max(1);
        if span <= 0 { 0 } else { (span + step - 1) / step }
    }

    pub(crate) fn get(self, index: i128) -> Option<i128> {
        (index >= 0 && index < self.len()).then(|| self.start + index * self.step)
    }
}

/// A running iteration.
#[derive(Debug, Clone)]
pub(crate) enum Iter {
    /// Over items fixed at the start, from a position.
    Items(Rc<[Value]>, usize),
    /// Over a list that may change.
    List(ListRef, usize),
    Range(Range, i128),
    /// `itertools.count(next, step)`.
    Count(i128, i128),
    /// `itertools.cycle`.
    Cycle(Rc<[Value]>, usize),
    /// `itertools.repeat(value)` without end.
    Repeat(Value),
    /// `zip`.
    Zip(Vec<Rc<RefCell<Iter>>>),
    /// `enumerate` from a number.
    Enumerate(Rc<RefCell<Iter>>, i128),
}

/// A function written in the program.
#[derive(Debug)]
pub(crate) struct Function {
    pub def: Arc<FunctionDef>,
    pub qualified_name: Name,
    pub closure: Rc<Scope>,
    pub locals: Rc<super::scope::Locals>,
    /// Defaults of the positional parameters that have one, by position.
    pub defaults: Vec<Option<Value>>,
    pub keyword_defaults: Vec<Option<Value>>,
    /// The class whose body defines it, for `super()`.
    pub owner: RefCell<Option<std::rc::Weak<Class>>>,
    pub attributes: RefCell<OrderedMap<Name, Value>>,
}

/// `functools.partial(function, *positional, **keywords)`.
#[derive(Debug)]
pub(crate) struct Partial {
    pub function: Value,
    pub positional: Vec<Value>,
    pub keywords: Vec<(Name, Value)>,
}

/// `super(class, object)`.
#[derive(Debug)]
pub(crate) struct SuperObject {
    pub class: Rc<Class>,
    pub object: Value,
}

/// Descriptors found in class bodies.
#[derive(Debug)]
pub(crate) enum Wrapper {
    Static(Value),
    Class(Value),
    Property { get: Value, set: Option<Value> },
}

/// Something that nasc does not look into.
#[derive(Debug)]
pub(crate) struct Opaque {
    /// How the program names it.
    pub name: String,
    /// Whether calls of it have no effect on a network (logging, files, plotting).
    pub inert: bool,
    /// Why it is unknown, if a statement could not be evaluated.
    pub reason: Option<super::error::Exception>,
}

/// A tensor: shared, since operations in place change what all its names see.
#[derive(Debug, Clone)]
pub(crate) struct Tensor(pub Rc<TensorCell>);

/// The inside of a tensor.
#[derive(Debug)]
pub(crate) struct TensorCell {
    pub tensor_type: RefCell<TensorType>,
    pub source: RefCell<Source>,
    /// Whether it is an `nn.Parameter`.
    pub parameter: bool,
    pub requires_grad: Cell<bool>,
    /// Memory strides, at a made-up batch size, when they differ from the contiguous ones.
    pub strides: RefCell<Option<Vec<u64>>>,
}

/// Where a tensor comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A value of the graph.
    Graph(ValueId),
    /// A parameter or buffer of the graph.
    Param(ParamId),
    /// Made outside the graph; becomes a constant of the graph if an operation uses it.
    Fill(Init),
    /// A small constant with known elements.
    Data(Rc<[f64]>),
}

impl Tensor {
    pub(crate) fn new(tensor_type: TensorType, source: Source) -> Tensor {
        Tensor(Rc::new(TensorCell {
            tensor_type: RefCell::new(tensor_type),
            source: RefCell::new(source),
            parameter: false,
            requires_grad: Cell::new(false),
            strides: RefCell::new(None),
        }))
    }

    pub(crate) fn parameter(tensor_type: TensorType, source: Source, requires_grad: bool) -> Self {
        Tensor(Rc::new(TensorCell {
            tensor_type: RefCell::new(tensor_type),
            source: RefCell::new(source),
            parameter: true,
            requires_grad: Cell::new(requires_grad),
            strides: RefCell::new(None),
        }))
    }

    pub(crate) fn tensor_type(&self) -> TensorType {
        self.0.tensor_type.borrow().clone()
    }

    pub(crate) fn rank(&self) -> usize {
        self.0.tensor_type.borrow().shape.rank()
    }

    pub(crate) fn dtype(&self) -> DType {
        self.0.tensor_type.borrow().dtype
    }

    pub(crate) fn dims(&self) -> Vec<Dim> {
        self.0.tensor_type.borrow().shape.0.clone()
    }

    pub(crate) fn data(&self) -> Option<Rc<[f64]>> {
        match &*self.0.source.borrow() {
            Source::Data(data) => Some(Rc::clone(data)),
            Source::Graph(_) | Source::Param(_) | Source::Fill(_) => None,
        }
    }

    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }
}

/// What hashes like a Python value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    None,
    Int(i128),
    Float(u64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    Batch(u64),
    Tuple(Vec<Key>),
    DType(DType),
    Name(&'static str),
    /// Objects hash by identity.
    Identity(usize),
}

impl Value {
    pub(crate) fn str(text: impl Into<Arc<str>>) -> Value {
        Value::Str(text.into())
    }

    pub(crate) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(RefCell::new(items)))
    }

    pub(crate) fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(items.into())
    }

    pub(crate) fn dim(dim: Dim) -> Value {
        match dim {
            Dim::Known(extent) => Value::Int(i128::from(extent)),
            Dim::Batch { factor } => Value::Batch(factor),
        }
    }

    pub(crate) fn dict(entries: OrderedMap<Key, (Value, Value)>) -> Value {
        Value::Dict(Rc::new(RefCell::new(entries)))
    }

    pub(crate) fn inert(name: impl Into<String>) -> Value {
        Value::Opaque(Rc::new(Opaque { name: name.into(), inert: true, reason: None }))
    }

    pub(crate) fn opaque(name: impl Into<String>) -> Value {
        Value::Opaque(Rc::new(Opaque { name: name.into(), inert: false, reason: None }))
    }

    pub(crate) fn items(items: Vec<Value>) -> Value {
        Value::Iterator(Rc::new(RefCell::new(Iter::Items(items.into(), 0))))
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown)
    }

    /// The instance if it is one.
    pub(crate) fn instance(&self) -> Option<&Rc<Instance>> {
        match self {
            Value::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    /// The instance if it is an `nn.Module`.
    pub(crate) fn module(&self) -> Option<&Rc<Instance>> {
        self.instance().filter(|instance| instance.class.is_module)
    }

    /// The string if it is one, or a subclass of `str`.
    pub(crate) fn as_str(&self) -> Option<Arc<str>> {
        match self {
            Value::Str(text) => Some(Arc::clone(text)),
            Value::Instance(instance) => match &*instance.payload.borrow() {
                Some(Value::Str(text)) => Some(Arc::clone(text)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The integer if it is one; booleans count, as in Python.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bool(flag) => Some(i128::from(*flag)),
            Value::Instance(instance) => match &*instance.payload.borrow() {
                Some(Value::Int(number)) => Some(*number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number as a float if it is one.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// Python's name of its type.
    pub(crate) fn type_name(&self) -> String {
        String::from(match self {
            Value::Unknown => "unknown",
            Value::None => "NoneType",
            Value::Ellipsis => "ellipsis",
            Value::NotImplemented => "NotImplementedType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Batch(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::Tuple(_) => "tuple",
            Value::List(_) => "list",
            Value::Dict(_) => "dict",
            Value::Set(_) => "set",
            Value::Slice(_) => "slice",
            Value::Range(_) => "range",
            Value::Iterator(_) => "generator",
            Value::Function(_) => "function",
            Value::Native(_) => "builtin_function_or_method",
            Value::Bound(_) => "method",
            Value::Partial(_) => "functools.partial",
            Value::Class(_) => "type",
            Value::Instance(instance) => return instance.class.name.to_string(),
            Value::Super(_) => "super",
            Value::Wrapper(_) => "property",
            Value::Module(_) | Value::Package(_) | Value::Lazy(_) => "module",
            Value::Opaque(opaque) => return opaque.name.clone(),
            Value::DType(_) => "dtype",
            Value::Tensor(tensor) if tensor.0.parameter => "Parameter",
            Value::Tensor(_) => "Tensor",
        })
    }
}
