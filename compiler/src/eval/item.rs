//! Subscripts: `object[index]` to read, write and delete.

use std::rc::Rc;

use super::error::{Eval, Mistake, Stop, raise, silent, type_error};
use super::interpreter::Interpreter;
use super::value::{Range, Value};

impl Interpreter<'_> {
    /// `object[index]`
    pub(crate) fn item(&mut self, object: &Value, index: &Value) -> Eval<Value> {
        match object {
            Value::Unknown => Ok(Value::Unknown),
            Value::Tensor(tensor) => {
                let result = self.tensor_item(tensor, index);
                self.absorb_misfit("the index", result)
            }
            Value::List(items) => {
                let items = items.borrow().clone();
                self.sequence_item(&items, index, "list", Value::list)
            }
            Value::Tuple(items) => self.sequence_item(items, index, "tuple", Value::tuple),
            Value::Str(text) => {
                let characters: Vec<Value> =
                    text.chars().map(|c| Value::str(c.to_string())).collect();
                self.sequence_item(&characters, index, "string", join_characters)
            }
            Value::Range(range) => range_item(*range, index),
            Value::Dict(entries) => {
                let key = self.key(index)?;
                let found = entries.borrow().get(&key).map(|(_, value)| value.clone());
                match found {
                    Some(value) => Ok(value),
                    None => Err(self.missing_key(index)?),
                }
            }
            Value::Instance(instance) => self.instance_item(object, instance, index),
            Value::Class(class) => self.class_item(class, index),
            Value::Native(_) => Ok(object.clone()),
            Value::Module("sys.modules") => self.loaded_module(index),
            Value::Opaque(opaque) if opaque.inert => Ok(object.clone()),
            Value::Opaque(opaque) => Err(super::modules::opaque_use(opaque)),
            other => {
                let error =
                    type_error(format!("'{}' object is not subscriptable", other.type_name()));
                Err(match other {
                    Value::Bound(_) => error.help("call it: `x.size(0)`, or `x.shape[0]`"),
                    _ => error,
                })
            }
        }
    }

    fn class_item(&mut self, class: &Rc<super::object::Class>, index: &Value) -> Eval<Value> {
        if let (Some(Value::Tuple(members)), Some(name)) =
            (class.lookup("__members__"), index.as_str())
        {
            for member in members.iter() {
                let known = member.instance().and_then(|instance| instance.attribute("name"));
                if known.and_then(|known| known.as_str()).is_some_and(|known| known == name) {
                    return Ok(member.clone());
                }
            }
            return Err(self.missing_key(index)?);
        }
        Ok(Value::Class(Rc::clone(class)))
    }

    fn missing_key(&mut self, index: &Value) -> Eval<Box<Stop>> {
        let text = self.repr(index)?;
        Ok(raise(Mistake::UnknownKey, "KeyError", text))
    }

    fn instance_item(
        &mut self,
        object: &Value,
        instance: &Rc<super::object::Instance>,
        index: &Value,
    ) -> Eval<Value> {
        if let Some(function) = instance.class.lookup("__getitem__") {
            return self.call_values(&function, vec![object.clone(), index.clone()]);
        }
        let payload = instance.payload.borrow().clone();
        let Some(payload) = payload else {
            return Err(type_error(format!(
                "'{}' object is not subscriptable",
                object.type_name()
            )));
        };
        if let (Value::Dict(entries), Some(function)) =
            (&payload, instance.attribute("default_factory"))
        {
            let key = self.key(index)?;
            if !entries.borrow().contains_key(&key) && !function.is_none() {
                let value = self.call_values(&function, Vec::new())?;
                entries.borrow_mut().insert(key, (index.clone(), value.clone()));
                return Ok(value);
            }
        }
        self.item(&payload, index)
    }

    fn sequence_item(
        &mut self,
        items: &[Value],
        index: &Value,
        kind: &str,
        make: fn(Vec<Value>) -> Value,
    ) -> Eval<Value> {
        match index {
            Value::Slice(parts) => {
                let indices = slice_indices(parts, items.len())?;
                self.fuel.allocate(indices.len())?;
                Ok(make(indices.into_iter().filter_map(|i| items.get(i).cloned()).collect()))
            }
            Value::Unknown => Ok(Value::Unknown),
            other => {
                let Some(number) = other.as_int() else {
                    return Err(type_error(format!(
                        "{kind} indices must be integers or slices, not {}",
                        other.type_name()
                    )));
                };
                match position(number, items.len()) {
                    Some(position) => Ok(items.get(position).cloned().unwrap_or(Value::None)),
                    None => Err(out_of_range(kind, items.len())),
                }
            }
        }
    }

    /// `object[index] = value`
    pub(crate) fn set_item(&mut self, object: &Value, index: &Value, value: Value) -> Eval<()> {
        match object {
            Value::Unknown => Ok(()),
            Value::List(items) => self.set_list_item(items, index, value),
            Value::Dict(entries) => {
                self.fuel.allocate(1)?;
                let key = self.key(index)?;
                entries.borrow_mut().insert(key, (index.clone(), value));
                Ok(())
            }
            Value::Instance(instance) => {
                if let Some(function) = instance.class.lookup("__setitem__") {
                    let args = vec![object.clone(), index.clone(), value];
                    return self.call_values(&function, args).map(drop);
                }
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.set_item(&payload, index, value),
                    None => Err(no_item_assignment(object)),
                }
            }
            Value::Tensor(tensor) => self.set_tensor_item(tensor, index, &value),
            Value::Opaque(opaque) if opaque.inert => Ok(()),
            Value::Opaque(opaque) => Err(super::modules::opaque_use(opaque)),
            _ => Err(no_item_assignment(object)),
        }
    }

    fn set_list_item(
        &mut self,
        items: &super::value::ListRef,
        index: &Value,
        value: Value,
    ) -> Eval<()> {
        if let Value::Slice(parts) = index {
            let replacement = self.collect(&value)?;
            let indices = slice_indices(parts, items.borrow().len())?;
            let start = indices.first().copied().unwrap_or_else(|| items.borrow().len());
            let mut list = items.borrow_mut();
            for &position in indices.iter().rev() {
                list.remove(position);
            }
            let start = start.min(list.len());
            list.splice(start..start, replacement);
            return Ok(());
        }
        let Some(number) = index.as_int() else {
            return Err(type_error("list indices must be integers or slices"));
        };
        let length = items.borrow().len();
        let Some(position) = position(number, length) else {
            return Err(out_of_range("list assignment", length));
        };
        if let Some(slot) = items.borrow_mut().get_mut(position) {
            *slot = value;
        }
        Ok(())
    }

    /// `del object[index]`
    pub(crate) fn delete_item(&mut self, object: &Value, index: &Value) -> Eval<()> {
        match object {
            Value::Unknown => Ok(()),
            Value::List(items) => {
                let length = items.borrow().len();
                let positions = match index {
                    Value::Slice(parts) => slice_indices(parts, length)?,
                    other => match other.as_int().and_then(|number| position(number, length)) {
                        Some(position) => vec![position],
                        None => return Err(out_of_range("list assignment", length)),
                    },
                };
                let mut sorted = positions;
                sorted.sort_unstable();
                for position in sorted.into_iter().rev() {
                    items.borrow_mut().remove(position);
                }
                Ok(())
            }
            Value::Dict(entries) => {
                let key = self.key(index)?;
                let removed = entries.borrow_mut().remove(&key);
                match removed {
                    Some(_) => Ok(()),
                    None => Err(self.missing_key(index)?),
                }
            }
            Value::Instance(instance) => {
                if let Some(function) = instance.class.lookup("__delitem__") {
                    let args = vec![object.clone(), index.clone()];
                    return self.call_values(&function, args).map(drop);
                }
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.delete_item(&payload, index),
                    None => Err(type_error("this object doesn't support item deletion")),
                }
            }
            _ => Err(type_error(format!(
                "'{}' object doesn't support item deletion",
                object.type_name()
            ))),
        }
    }
}

fn no_item_assignment(object: &Value) -> Box<Stop> {
    type_error(format!("'{}' object does not support item assignment", object.type_name()))
}

fn join_characters(items: Vec<Value>) -> Value {
    let text: Vec<std::sync::Arc<str>> = items.iter().filter_map(Value::as_str).collect();
    Value::str(text.concat())
}

/// Python's complaint about an index; the help says how many items there are.
pub(crate) fn out_of_range(kind: &str, length: usize) -> Box<Stop> {
    raise(Mistake::IndexOutOfRange, "IndexError", format!("{kind} index out of range"))
        .help(format!("it has {length} items, counted from 0"))
}

/// A position counted from the front.
pub(crate) fn position(number: i128, length: usize) -> Option<usize> {
    let length_signed = i128::try_from(length).ok()?;
    let index = if number < 0 { number + length_signed } else { number };
    usize::try_from(index).ok().filter(|&index| index < length)
}

fn range_item(range: Range, index: &Value) -> Eval<Value> {
    let length = range.len();
    if let Value::Slice(parts) = index {
        let count = usize::try_from(length).unwrap_or(usize::MAX).min(1 << 24);
        let indices = slice_indices(parts, count)?;
        let items = indices.into_iter().filter_map(|i| range.get(i as i128)).map(Value::Int);
        return Ok(Value::tuple(items.collect()));
    }
    let Some(number) = index.as_int() else {
        return Err(type_error("range indices must be integers or slices"));
    };
    let number = if number < 0 { number + length } else { number };
    match range.get(number) {
        Some(item) => Ok(Value::Int(item)),
        None => Err(out_of_range("range object", usize::try_from(length).unwrap_or(0))),
    }
}

/// The positions that `start:stop:step` selects.
pub(crate) fn slice_indices(parts: &[Value; 3], length: usize) -> Eval<Vec<usize>> {
    let (start, stop, step) = slice_bounds(parts, length)?;
    let range = Range { start, stop, step };
    Ok((0..range.len()).filter_map(|i| usize::try_from(range.get(i)?).ok()).collect())
}

/// `start`, `stop` and `step` clamped as Python does.
pub(crate) fn slice_bounds(parts: &[Value; 3], length: usize) -> Eval<(i128, i128, i128)> {
    let [start, stop, step] = parts;
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    let number = |value: &Value| -> Eval<Option<i128>> {
        match value {
            Value::None => Ok(None),
            Value::Unknown => Err(silent()),
            other => other.as_int().map(Some).ok_or_else(|| {
                type_error("slice indices must be integers or None or have an __index__ method")
            }),
        }
    };
    let step = number(step)?.unwrap_or(1);
    if step == 0 {
        return Err(super::error::value_error("slice step cannot be zero"));
    }
    let (least, most) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: i128| {
        let bound = if bound < 0 { bound + length } else { bound };
        bound.clamp(least, most)
    };
    let start = number(start)?.map_or(if step > 0 { least } else { most }, clamp);
    let stop = number(stop)?.map_or(if step > 0 { most } else { least }, clamp);
    Ok((start, stop, step))
}
