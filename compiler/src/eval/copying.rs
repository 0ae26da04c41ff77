//! `copy.copy` and `copy.deepcopy`: new objects, shared parts copied once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::error::Eval;
use super::interpreter::Interpreter;
use super::object::{Instance, ModuleState};
use super::ordered::OrderedMap;
use super::value::{Tensor, TensorCell, Value};

/// Copies a value; `deep` copies what it holds, too.
pub(crate) fn copy_instance(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    deep: bool,
) -> Eval<Value> {
    Copier { interpreter, known: HashMap::new(), deep }.top(value)
}

struct Copier<'i, 'a> {
    interpreter: &'i mut Interpreter<'a>,
    known: HashMap<usize, Value>,
    deep: bool,
}

impl Copier<'_, '_> {
    fn top(&mut self, value: &Value) -> Eval<Value> {
        match value {
            Value::Instance(instance) => self.instance(instance),
            other => self.value(other),
        }
    }

    fn value(&mut self, value: &Value) -> Eval<Value> {
        if !self.deep {
            return Ok(value.clone());
        }
        self.interpreter.fuel.step()?;
        self.interpreter.fuel.enter()?;
        let copy = self.deep_value(value);
        self.interpreter.fuel.leave();
        copy
    }

    fn deep_value(&mut self, value: &Value) -> Eval<Value> {
        Ok(match value {
            Value::List(items) => {
                let items = items.borrow().clone();
                Value::list(self.values(&items)?)
            }
            Value::Tuple(items) => Value::tuple(self.values(items)?),
            Value::Dict(entries) => {
                let entries = entries.borrow().clone();
                let mut copy = OrderedMap::default();
                for (key, (name, value)) in entries.iter() {
                    copy.insert(key.clone(), (name.clone(), self.value(value)?));
                }
                Value::dict(copy)
            }
            Value::Set(entries) => Value::Set(Rc::new(RefCell::new(entries.borrow().clone()))),
            Value::Instance(instance) => self.instance(instance)?,
            Value::Tensor(tensor) => Value::Tensor(self.tensor(tensor)),
            Value::Bound(bound) => Value::Bound(Rc::new((self.value(&bound.0)?, bound.1.clone()))),
            other => other.clone(),
        })
    }

    fn values(&mut self, items: &[Value]) -> Eval<Vec<Value>> {
        self.interpreter.fuel.allocate(items.len())?;
        items.iter().map(|item| self.value(item)).collect()
    }

    fn tensor(&mut self, tensor: &Tensor) -> Tensor {
        if !self.deep {
            return tensor.clone();
        }
        if let Some(Value::Tensor(copy)) = self.known.get(&tensor.address()) {
            return copy.clone();
        }
        let cell = &tensor.0;
        let copy = Tensor(Rc::new(TensorCell {
            tensor_type: RefCell::new(cell.tensor_type.borrow().clone()),
            source: RefCell::new(cell.source.borrow().clone()),
            parameter: cell.parameter,
            requires_grad: cell.requires_grad.clone(),
            strides: RefCell::new(cell.strides.borrow().clone()),
        }));
        self.known.insert(tensor.address(), Value::Tensor(copy.clone()));
        copy
    }

    fn instance(&mut self, instance: &Rc<Instance>) -> Eval<Value> {
        if let Some(copy) = self.known.get(&instance.address()) {
            return Ok(copy.clone());
        }
        let copy = self.interpreter.new_instance(&instance.class)?;
        copy.declared.set(instance.declared.get());
        let value = Value::Instance(Rc::clone(&copy));
        self.known.insert(instance.address(), value.clone());
        let attributes = instance.attributes.borrow().clone();
        for (name, attribute) in attributes.iter() {
            let attribute = self.value(attribute)?;
            copy.set(name, attribute);
        }
        let payload = instance.payload.borrow().clone();
        if let Some(payload) = payload {
            *copy.payload.borrow_mut() = Some(self.value(&payload)?);
        }
        if instance.module.borrow().is_some() {
            let state = self.module_state(instance)?;
            *copy.module.borrow_mut() = Some(state);
        }
        Ok(value)
    }

    fn module_state(&mut self, instance: &Instance) -> Eval<ModuleState> {
        let mut copy = ModuleState::default();
        let state = instance.module.borrow();
        let Some(state) = state.as_ref() else { return Ok(copy) };
        for (name, parameter) in state.parameters.iter() {
            let parameter = parameter.as_ref().map(|tensor| self.tensor(tensor));
            copy.parameters.insert(name.clone(), parameter);
        }
        for (name, (buffer, persistent)) in state.buffers.iter() {
            let buffer = buffer.as_ref().map(|tensor| self.tensor(tensor));
            copy.buffers.insert(name.clone(), (buffer, *persistent));
        }
        for (name, module) in state.modules.iter() {
            let module = self.value(module)?;
            copy.modules.insert(name.clone(), module);
        }
        Ok(copy)
    }
}
