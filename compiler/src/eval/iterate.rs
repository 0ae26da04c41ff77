//! Iteration, hashing, truth: what `for`, `in`, `dict` and `if` ask of a value.

use std::cell::RefCell;
use std::rc::Rc;

use super::error::{Eval, Mistake, Stop, raise, refuse, silent, type_error};
use super::interpreter::Interpreter;
use super::ordered::OrderedMap;
use super::value::{Iter, Key, Value};

/// A running iteration.
pub(crate) type Running = Rc<RefCell<Iter>>;

impl Interpreter<'_> {
    /// Starts iterating a value.
    pub(crate) fn iterate(&mut self, value: &Value) -> Eval<Running> {
        if let Value::Iterator(iterator) = value {
            return Ok(Rc::clone(iterator));
        }
        let iter = match value {
            Value::List(items) => Iter::List(Rc::clone(items), 0),
            Value::Range(range) => Iter::Range(*range, 0),
            Value::Tuple(items) => Iter::Items(Rc::clone(items), 0),
            other => Iter::Items(self.iterable_items(other)?.into(), 0),
        };
        Ok(Rc::new(RefCell::new(iter)))
    }

    fn iterable_items(&mut self, value: &Value) -> Eval<Vec<Value>> {
        Ok(match value {
            Value::Dict(entries) | Value::Set(entries) => {
                entries.borrow().values().map(|(key, _)| key.clone()).collect()
            }
            Value::Str(text) => text.chars().map(|c| Value::str(c.to_string())).collect(),
            Value::Bytes(bytes) => bytes.iter().map(|&b| Value::Int(i128::from(b))).collect(),
            Value::Instance(instance) => return self.iterate_instance(value, instance),
            Value::Class(class) => match class.lookup("__members__") {
                Some(Value::Tuple(members)) => members.to_vec(),
                _ => return Err(not_iterable(value)),
            },
            Value::Tensor(tensor) => return self.unbind_items(&tensor.clone()),
            Value::Unknown => return Err(silent()),
            Value::Opaque(opaque) => return Err(super::modules::opaque_use(opaque)),
            _ => return Err(not_iterable(value)),
        })
    }

    fn iterate_instance(
        &mut self,
        value: &Value,
        instance: &Rc<super::object::Instance>,
    ) -> Eval<Vec<Value>> {
        if let Some(function) = instance.class.lookup("__iter__") {
            let iterator = self.call_values(&function, vec![value.clone()])?;
            if let Value::Instance(inner) = &iterator
                && inner.class.lookup("__next__").is_some()
            {
                return self.drain_instance(&iterator, inner);
            }
            return self.collect(&iterator);
        }
        let payload = instance.payload.borrow().clone();
        if let Some(payload) = payload {
            return self.collect(&payload);
        }
        match instance.class.lookup("__getitem__") {
            Some(function) => self.iterate_by_index(value, &function),
            None => Err(not_iterable(value)),
        }
    }

    fn drain_instance(
        &mut self,
        iterator: &Value,
        instance: &Rc<super::object::Instance>,
    ) -> Eval<Vec<Value>> {
        let Some(function) = instance.class.lookup("__next__") else { return Ok(Vec::new()) };
        self.until(
            |interpreter, _| interpreter.call_values(&function, vec![iterator.clone()]),
            "StopIteration",
        )
    }

    fn iterate_by_index(&mut self, value: &Value, function: &Value) -> Eval<Vec<Value>> {
        self.until(
            |interpreter, index| {
                interpreter.call_values(function, vec![value.clone(), Value::Int(index)])
            },
            "IndexError",
        )
    }

    /// Collects results until an exception of this class ends them.
    fn until(
        &mut self,
        mut step: impl FnMut(&mut Self, i128) -> Eval<Value>,
        end: &str,
    ) -> Eval<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            self.fuel.allocate(1)?;
            match step(self, items.len() as i128) {
                Ok(item) => items.push(item),
                Err(stop) => match *stop {
                    Stop::Raise(exception) if exception.class == end => return Ok(items),
                    other => return Err(Box::new(other)),
                },
            }
        }
    }

    /// The next item of an iteration.
    pub(crate) fn next(&mut self, iterator: &mut Running) -> Eval<Option<Value>> {
        self.fuel.step()?;
        let mut iter = iterator.borrow_mut();
        Ok(match &mut *iter {
            Iter::Items(items, position) => advance(items, position),
            Iter::List(items, position) => advance(&items.borrow(), position),
            Iter::Range(range, position) => {
                let item = range.get(*position);
                *position += 1;
                item.map(Value::Int)
            }
            Iter::Count(next, step) => {
                let item = *next;
                *next = next.saturating_add(*step);
                Some(Value::Int(item))
            }
            Iter::Cycle(items, position) => {
                let index = *position % items.len().max(1);
                *position += 1;
                items.get(index).cloned()
            }
            Iter::Repeat(value) => Some(value.clone()),
            Iter::Zip(parts) => {
                let mut row = Vec::with_capacity(parts.len());
                for part in parts.iter_mut() {
                    match self.next(part)? {
                        Some(item) => row.push(item),
                        None => return Ok(None),
                    }
                }
                (!row.is_empty()).then(|| Value::tuple(row))
            }
            Iter::Enumerate(inner, position) => {
                let item = self.next(inner)?;
                let index = *position;
                *position += 1;
                item.map(|item| Value::tuple(vec![Value::Int(index), item]))
            }
        })
    }

    /// All items of an iterable.
    pub(crate) fn collect(&mut self, value: &Value) -> Eval<Vec<Value>> {
        match value {
            Value::Tuple(items) => return Ok(items.to_vec()),
            Value::List(items) => return Ok(items.borrow().clone()),
            Value::Range(range) => {
                let count = usize::try_from(range.len()).unwrap_or(usize::MAX);
                self.fuel.allocate(count)?;
            }
            _ => {}
        }
        let mut iterator = self.iterate(value)?;
        let mut items = Vec::new();
        while let Some(item) = self.next(&mut iterator)? {
            self.fuel.allocate(1)?;
            items.push(item);
        }
        Ok(items)
    }

    /// Keys and values of a mapping.
    pub(crate) fn mapping_items(&mut self, value: &Value) -> Eval<Vec<(Value, Value)>> {
        match value {
            Value::Dict(entries) => {
                let entries = entries.borrow();
                Ok(entries.values().map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Value::Unknown => Err(silent()),
            Value::Instance(instance) => {
                let payload = instance.payload.borrow().clone();
                if let Some(payload) = payload {
                    return self.mapping_items(&payload);
                }
                let keys = self.attribute(value, "keys")?;
                let keys = self.call_values(&keys, Vec::new())?;
                let keys = self.collect(&keys)?;
                keys.into_iter()
                    .map(|key| {
                        let item = self.item(value, &key)?;
                        Ok((key, item))
                    })
                    .collect()
            }
            other => Err(type_error(format!("'{}' object is not a mapping", other.type_name()))),
        }
    }

    /// What a value hashes as.
    pub(crate) fn key(&mut self, value: &Value) -> Eval<Key> {
        Ok(match value {
            Value::None => Key::None,
            Value::Bool(flag) => Key::Int(i128::from(*flag)),
            Value::Int(number) => Key::Int(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Key::Int(*number as i128)
            }
            Value::Float(number) => Key::Float(number.to_bits()),
            Value::Str(text) => Key::Str(std::sync::Arc::clone(text)),
            Value::Bytes(bytes) => Key::Bytes(std::sync::Arc::clone(bytes)),
            Value::Batch(factor) => Key::Batch(*factor),
            Value::Tuple(items) => {
                let keys = items.iter().map(|item| self.key(item));
                Key::Tuple(keys.collect::<Eval<_>>()?)
            }
            Value::DType(dtype) => Key::DType(*dtype),
            Value::Native(native) => Key::Name(native.name),
            Value::Module(name) => Key::Name(name),
            Value::Package(package) => Key::Identity(Rc::as_ptr(package) as usize),
            Value::Function(function) => Key::Identity(Rc::as_ptr(function) as usize),
            Value::Class(class) => Key::Identity(Rc::as_ptr(class) as usize),
            Value::Bound(bound) => Key::Identity(Rc::as_ptr(bound) as usize),
            Value::Partial(partial) => Key::Identity(Rc::as_ptr(partial) as usize),
            Value::Tensor(tensor) => Key::Identity(tensor.address()),
            Value::Opaque(opaque) => Key::Identity(Rc::as_ptr(opaque) as usize),
            Value::Instance(instance) => match &*instance.payload.borrow() {
                Some(payload @ (Value::Str(_) | Value::Int(_))) => return self.key(payload),
                Some(Value::Tuple(items)) => return self.key(&Value::Tuple(Rc::clone(items))),
                _ => Key::Identity(instance.address()),
            },
            Value::Unknown => return Err(silent()),
            other => {
                return Err(type_error(format!("unhashable type: '{}'", other.type_name())));
            }
        })
    }

    /// A set of items.
    pub(crate) fn make_set(&mut self, items: Vec<Value>) -> Eval<Value> {
        self.fuel.allocate(items.len())?;
        let mut map = OrderedMap::default();
        for item in items {
            map.insert(self.key(&item)?, (item, Value::None));
        }
        Ok(Value::Set(Rc::new(RefCell::new(map))))
    }

    /// A dict of pairs.
    pub(crate) fn make_dict(
        &mut self,
        pairs: impl IntoIterator<Item = (Value, Value)>,
    ) -> Eval<Value> {
        let mut map = OrderedMap::default();
        for (key, value) in pairs {
            self.fuel.allocate(1)?;
            map.insert(self.key(&key)?, (key, value));
        }
        Ok(Value::dict(map))
    }

    /// Whether a value counts as true.
    pub(crate) fn truth(&mut self, value: &Value) -> Eval<bool> {
        Ok(match value {
            Value::Unknown => return Err(silent()),
            Value::None => false,
            Value::Bool(flag) => *flag,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::Tuple(items) => !items.is_empty(),
            Value::List(items) => !items.borrow().is_empty(),
            Value::Dict(entries) | Value::Set(entries) => !entries.borrow().is_empty(),
            Value::Range(range) => range.len() > 0,
            Value::Tensor(tensor) => return self.tensor_truth(tensor),
            Value::Opaque(opaque) => return Err(super::modules::opaque_use(opaque)),
            Value::Instance(instance) => return self.instance_truth(value, instance),
            Value::Ellipsis
            | Value::NotImplemented
            | Value::Batch(_)
            | Value::Slice(_)
            | Value::Iterator(_)
            | Value::Function(_)
            | Value::Native(_)
            | Value::Bound(_)
            | Value::Partial(_)
            | Value::Class(_)
            | Value::Super(_)
            | Value::Wrapper(_)
            | Value::Module(_)
            | Value::Package(_)
            | Value::Lazy(_)
            | Value::DType(_) => true,
        })
    }

    fn tensor_truth(&mut self, tensor: &super::value::Tensor) -> Eval<bool> {
        match tensor.data().as_deref() {
            Some([number]) => Ok(*number != 0.0),
            _ => Err(data_dependent("the truth of a tensor")),
        }
    }

    fn instance_truth(
        &mut self,
        value: &Value,
        instance: &Rc<super::object::Instance>,
    ) -> Eval<bool> {
        for name in ["__bool__", "__len__"] {
            if let Some(function) = instance.class.lookup(name) {
                let result = self.call_values(&function, vec![value.clone()])?;
                return self.truth(&result);
            }
        }
        let payload = instance.payload.borrow().clone();
        match payload {
            Some(payload) => self.truth(&payload),
            None => Ok(true),
        }
    }
}

/// Control flow that depends on what a tensor holds.
pub(crate) fn data_dependent(what: &str) -> Box<Stop> {
    refuse(
        Mistake::DataDependentControlFlow,
        format!("{what} depends on data that nasc does not have"),
    )
    .help("decide with a hyper-parameter instead, so that the graph is the same for every input")
}

fn not_iterable(value: &Value) -> Box<Stop> {
    raise(
        Mistake::TypeMismatch,
        "TypeError",
        format!("'{}' object is not iterable", value.type_name()),
    )
}

fn advance(items: &[Value], position: &mut usize) -> Option<Value> {
    let item = items.get(*position).cloned();
    *position += 1;
    item
}
