//! Attributes: reading, writing, deleting, with Python's order of lookup and what `nn.Module`
//! adds to it.

use std::rc::Rc;

use crate::ast::Name;

use super::call::missing_super_init;
use super::error::{Eval, Fix, attribute_error};
use super::interpreter::Interpreter;
use super::object::{Class, Instance};
use super::value::{Function, Value, Wrapper};

impl Interpreter<'_> {
    /// `object.name`
    pub(crate) fn attribute(&mut self, object: &Value, name: &str) -> Eval<Value> {
        match self.find_attribute(object, name)? {
            Some(value) => Ok(value),
            None => Err(self.missing_attribute(object, name)),
        }
    }

    /// `object.name` if there is such an attribute.
    pub(crate) fn find_attribute(&mut self, object: &Value, name: &str) -> Eval<Option<Value>> {
        match object {
            Value::Unknown => Ok(Some(Value::Unknown)),
            Value::Instance(instance) => self.instance_attribute(instance, name),
            Value::Class(class) => self.class_attribute(class, name),
            Value::Super(object) => self.super_attribute(object, name).map(Some),
            Value::Module(module) => self.module_attribute(module, name),
            Value::Package(package) => self.package_attribute(package, name),
            Value::Opaque(opaque) => super::modules::opaque_attribute(opaque, name).map(Some),
            Value::Tensor(tensor) => self.tensor_attribute(tensor, name),
            Value::Function(_) | Value::Bound(_) | Value::Partial(_) if name == "__class__" => {
                Ok(Some(super::builtins::class_of(object)))
            }
            Value::Function(function) => Ok(function_attribute(function, name)),
            Value::Bound(bound) => match name {
                "__self__" => Ok(Some(bound.0.clone())),
                "__func__" => Ok(Some(bound.1.clone())),
                _ => self.find_attribute(&bound.1, name),
            },
            Value::Partial(partial) => Ok(match name {
                "func" => Some(partial.function.clone()),
                "args" => Some(Value::tuple(partial.positional.clone())),
                "keywords" => {
                    let pairs = partial.keywords.iter();
                    let pairs =
                        pairs.map(|(name, value)| (Value::Str(Name::clone(name)), value.clone()));
                    Some(self.make_dict(pairs.collect::<Vec<_>>())?)
                }
                _ => None,
            }),
            Value::Wrapper(wrapper) => self.wrapper_attribute(wrapper, object, name),
            other => Ok(self.builtin_attribute(other, name)),
        }
    }

    fn wrapper_attribute(
        &mut self,
        wrapper: &Rc<Wrapper>,
        object: &Value,
        name: &str,
    ) -> Eval<Option<Value>> {
        match (&**wrapper, name) {
            (Wrapper::Property { .. }, "setter" | "getter" | "deleter") => Ok(Some(Value::Bound(
                Rc::new((object.clone(), Value::Native(&super::builtins::PROPERTY_SETTER))),
            ))),
            (Wrapper::Static(inner) | Wrapper::Class(inner), _) => self.find_attribute(inner, name),
            (Wrapper::Property { .. }, _) => Ok(None),
        }
    }

    fn instance_attribute(&mut self, instance: &Rc<Instance>, name: &str) -> Eval<Option<Value>> {
        let object = Value::Instance(Rc::clone(instance));
        let in_class = instance.class.lookup(name);
        if let Some(Value::Wrapper(wrapper)) = &in_class
            && let Wrapper::Property { get, .. } = &**wrapper
        {
            let site = self.site;
            let result = self.call_values(get, vec![object]);
            self.site = site;
            return result.map(Some);
        }
        if let Some(value) = instance.attribute(name).or_else(|| instance.member(name)) {
            return Ok(Some(value));
        }
        if let Some(found) = in_class {
            return self.bind_class_attribute(found, &object).map(Some);
        }
        let special = self.special_attribute(instance, name);
        if special.is_some() {
            return Ok(special);
        }
        if let Some(payload) = instance.payload.borrow().clone()
            && let Some(value) = self.find_attribute(&payload, name)?
        {
            return Ok(Some(value));
        }
        match instance.class.lookup("__getattr__") {
            Some(function) => self.call_values(&function, vec![object, Value::str(name)]).map(Some),
            None => Ok(None),
        }
    }

    fn special_attribute(&mut self, instance: &Rc<Instance>, name: &str) -> Option<Value> {
        match name {
            "__class__" => Some(Value::Class(Rc::clone(&instance.class))),
            "training" if instance.class.is_module => Some(Value::Bool(self.training)),
            "_modules" | "_parameters" | "_buffers" => self.module_table(instance, name),
            "__dict__" => {
                let entries = instance.attributes.borrow();
                let pairs = entries.iter().map(|(n, v)| (Value::Str(Name::clone(n)), v.clone()));
                self.make_dict(pairs.collect::<Vec<_>>()).ok()
            }
            _ => self.default_method(&Value::Instance(Rc::clone(instance)), name),
        }
    }

    /// A copy of one of the tables of a module.
    fn module_table(&mut self, instance: &Rc<Instance>, name: &str) -> Option<Value> {
        let state = instance.module.borrow();
        let state = state.as_ref()?;
        let names: Vec<Name> = match name {
            "_modules" => state.modules.keys().cloned().collect(),
            "_parameters" => state.parameters.keys().cloned().collect(),
            _ => state.buffers.keys().cloned().collect(),
        };
        let pairs: Vec<(Value, Value)> = names
            .into_iter()
            .filter_map(|name| Some((Value::Str(Name::clone(&name)), instance.member(&name)?)))
            .collect();
        self.make_dict(pairs).ok()
    }

    /// Binds what was found in a class to an object.
    pub(crate) fn bind_class_attribute(&mut self, found: Value, object: &Value) -> Eval<Value> {
        Ok(match found {
            Value::Function(_) => Value::Bound(Rc::new((object.clone(), found))),
            Value::Native(native) if !native.signature.starts_with("cls") => {
                Value::Bound(Rc::new((object.clone(), found)))
            }
            Value::Wrapper(wrapper) => match &*wrapper {
                Wrapper::Static(inner) => inner.clone(),
                Wrapper::Class(inner) => {
                    let class = match object {
                        Value::Instance(instance) => Value::Class(Rc::clone(&instance.class)),
                        other => other.clone(),
                    };
                    Value::Bound(Rc::new((class, inner.clone())))
                }
                Wrapper::Property { get, .. } => {
                    let get = get.clone();
                    return self.call_values(&get, vec![object.clone()]);
                }
            },
            other => other,
        })
    }

    fn class_attribute(&mut self, class: &Rc<Class>, name: &str) -> Eval<Option<Value>> {
        match name {
            "__name__" | "__qualname__" => return Ok(Some(Value::Str(Name::clone(&class.name)))),
            "__mro__" => {
                let order = class.mro().map(|class| Value::Class(Rc::clone(class)));
                return Ok(Some(Value::tuple(order.collect())));
            }
            "__bases__" => {
                let bases = class.bases.iter().map(|base| Value::Class(Rc::clone(base)));
                return Ok(Some(Value::tuple(bases.collect())));
            }
            _ => {}
        }
        Ok(match class.lookup(name) {
            Some(Value::Wrapper(wrapper)) => match &*wrapper {
                Wrapper::Static(inner) => Some(inner.clone()),
                Wrapper::Class(inner) => {
                    let class = Value::Class(Rc::clone(class));
                    Some(Value::Bound(Rc::new((class, inner.clone()))))
                }
                Wrapper::Property { .. } => Some(Value::Wrapper(wrapper)),
            },
            Some(other) => Some(other),
            None => match name {
                "__doc__" => Some(Value::None),
                "__module__" => Some(Value::str("__main__")),
                _ => self.class_default(class, name),
            },
        })
    }

    /// `object.name = value`
    pub(crate) fn set_attribute(&mut self, object: &Value, name: &Name, value: Value) -> Eval<()> {
        match object {
            Value::Instance(instance) => {
                if let Some(function) = instance.class.lookup("__setattr__") {
                    let args = vec![object.clone(), Value::Str(Name::clone(name)), value];
                    return self.call_values(&function, args).map(drop);
                }
                self.set_instance_attribute(instance, name, value)
            }
            Value::Class(class) => {
                super::class::adopt(&value, class);
                class.attributes.borrow_mut().insert(Name::clone(name), value);
                Ok(())
            }
            Value::Function(function) => {
                function.attributes.borrow_mut().insert(Name::clone(name), value);
                Ok(())
            }
            Value::Tensor(tensor) => self.set_tensor_attribute(tensor, name, value),
            Value::Package(package) => {
                package.scope.set(name, value);
                Ok(())
            }
            Value::Unknown | Value::Opaque(_) | Value::Module(_) | Value::Bound(_) => Ok(()),
            other => Err(attribute_error(format!(
                "'{}' object has no attribute '{name}'",
                other.type_name()
            ))),
        }
    }

    /// Sets an attribute without asking `__setattr__`; modules register what they are given.
    pub(crate) fn set_instance_attribute(
        &mut self,
        instance: &Rc<Instance>,
        name: &Name,
        value: Value,
    ) -> Eval<()> {
        if let Some(Value::Wrapper(wrapper)) = instance.class.lookup(name)
            && let Wrapper::Property { set, .. } = &*wrapper
        {
            let Some(set) = set else {
                return Err(attribute_error(format!(
                    "property '{name}' of '{}' object has no setter",
                    instance.class.name
                )));
            };
            let args = vec![Value::Instance(Rc::clone(instance)), value];
            return self.call_values(set, args).map(drop);
        }
        if instance.class.is_module {
            return self.set_module_attribute(instance, name, value);
        }
        instance.attributes.borrow_mut().insert(Name::clone(name), value);
        Ok(())
    }

    fn set_module_attribute(
        &mut self,
        instance: &Rc<Instance>,
        name: &Name,
        value: Value,
    ) -> Eval<()> {
        let is_parameter = matches!(&value, Value::Tensor(tensor) if tensor.0.parameter);
        let is_module = value.module().is_some();
        let mut state = instance.module.borrow_mut();
        let Some(state) = state.as_mut() else {
            if is_module || is_parameter {
                let what = if is_module { "module" } else { "parameters" };
                return Err(missing_super_init(&instance.class.name, what));
            }
            instance.attributes.borrow_mut().insert(Name::clone(name), value);
            return Ok(());
        };
        let name = Name::clone(name);
        if is_parameter {
            instance.attributes.borrow_mut().remove(&name);
            state.modules.remove(&name);
            if let Value::Tensor(tensor) = value {
                state.parameters.insert(name, Some(tensor));
            }
        } else if is_module {
            instance.attributes.borrow_mut().remove(&name);
            state.parameters.remove(&name);
            state.modules.insert(name, value);
        } else if state.parameters.contains_key(&name) && value.is_none() {
            state.parameters.insert(name, None);
        } else if state.parameters.contains_key(&name) && is_plain(&value) {
            return Err(misassigned(&value, &format!("parameter '{name}' (torch.nn.Parameter")));
        } else if state.modules.contains_key(&name) && is_plain(&value) {
            return Err(misassigned(&value, &format!("child module '{name}' (torch.nn.Module"))
                .help("choose another name for one of them"));
        } else if state.modules.contains_key(&name) && (value.is_none() || value.is_unknown()) {
            state.modules.insert(name, value);
        } else if state.buffers.contains_key(&name)
            && matches!(value, Value::Tensor(_) | Value::None)
        {
            let persistent = state.buffers.get(&name).is_some_and(|(_, persistent)| *persistent);
            let tensor = match value {
                Value::Tensor(tensor) => Some(tensor),
                _ => None,
            };
            state.buffers.insert(name, (tensor, persistent));
        } else {
            instance.attributes.borrow_mut().insert(name, value);
        }
        Ok(())
    }

    /// `del object.name`
    pub(crate) fn delete_attribute(&mut self, object: &Value, name: &str) -> Eval<()> {
        let removed = match object {
            Value::Instance(instance) => {
                let mut removed = instance.attributes.borrow_mut().remove(name).is_some();
                if let Some(state) = instance.module.borrow_mut().as_mut() {
                    removed |= state.modules.remove(name).is_some();
                    removed |= state.parameters.remove(name).is_some();
                    removed |= state.buffers.remove(name).is_some();
                }
                removed
            }
            Value::Class(class) => class.attributes.borrow_mut().remove(name).is_some(),
            _ => true,
        };
        if removed { Ok(()) } else { Err(self.missing_attribute(object, name)) }
    }

    /// Python's complaint about a missing attribute, with the closest name there is.
    pub(crate) fn missing_attribute(&self, object: &Value, name: &str) -> Box<super::error::Stop> {
        if let Value::Class(class) = object
            && class.native
            && class.is_module
        {
            let message = format!("nasc does not support nn.{}.{name}", class.name);
            return super::error::refuse(super::error::Mistake::UnsupportedFunction, message)
                .help("write what it does in this file");
        }
        let message = match object {
            Value::Module(module) => format!("module '{module}' has no attribute '{name}'"),
            Value::Package(package) => {
                format!("module '{}' has no attribute '{name}'", package.name)
            }
            Value::Class(class) => {
                format!("type object '{}' has no attribute '{name}'", class.name)
            }
            other => format!("'{}' object has no attribute '{name}'", other.type_name()),
        };
        let error = attribute_error(message);
        let names = self.attribute_names(object);
        match super::suggest::closest(name, names.iter().map(|name| &**name)) {
            Some(close) => {
                let (wrong, right) = (name.to_string(), close.to_string());
                error.help(format!("did you mean `{close}`?")).fix(Fix::Name { wrong, right })
            }
            None => match object {
                Value::Module(module) => match super::modules::home_of(name, module) {
                    Some(home) => {
                        let callee = format!("{home}.{name}");
                        error.help(format!("write `{callee}` instead")).fix(Fix::Callee(callee))
                    }
                    None => error.help(format!("`{module}` has no such name in PyTorch 2")),
                },
                _ => error.help(format!("assign `{name}` before it is read")),
            },
        }
    }

    /// The attributes of an object, for suggestions and `dir`.
    pub(crate) fn attribute_names(&self, object: &Value) -> Vec<Name> {
        match object {
            Value::Instance(instance) => {
                let mut names: Vec<Name> = instance.attributes.borrow().keys().cloned().collect();
                if let Some(state) = instance.module.borrow().as_ref() {
                    names.extend(state.parameters.keys().cloned());
                    names.extend(state.buffers.keys().cloned());
                    names.extend(state.modules.keys().cloned());
                }
                for class in instance.class.mro() {
                    names.extend(class.attributes.borrow().keys().cloned());
                }
                names
            }
            Value::Class(class) => {
                let classes = class.mro();
                let names = classes.map(|c| c.attributes.borrow().keys().cloned().collect());
                names.collect::<Vec<Vec<Name>>>().concat()
            }
            Value::Module(module) => super::modules::attribute_names(module),
            Value::Package(package) => package.scope.names(),
            Value::Tensor(_) => super::tensor::attribute_names(),
            _ => Vec::new(),
        }
    }
}

/// Whether a value is no module, no parameter and known.
fn is_plain(value: &Value) -> bool {
    let known = !matches!(value, Value::Unknown | Value::Opaque(_) | Value::None);
    known && value.module().is_none()
}

/// `cannot assign 'int' as child module 'c' (torch.nn.Module or None expected)`
fn misassigned(value: &Value, place: &str) -> Box<super::error::Stop> {
    let found = match value {
        Value::Tensor(_) => String::from("torch.FloatTensor"),
        other => other.type_name(),
    };
    super::error::type_error(format!("cannot assign '{found}' as {place} or None expected)"))
}

fn function_attribute(function: &Rc<Function>, name: &str) -> Option<Value> {
    if let Some(value) = function.attributes.borrow().get(name) {
        return Some(value.clone());
    }
    match name {
        "__name__" => Some(Value::Str(Name::clone(&function.def.name))),
        "__qualname__" => Some(Value::Str(Name::clone(&function.qualified_name))),
        "__module__" => {
            let name = function.closure.module_scope().get("__name__");
            Some(name.unwrap_or_else(|| Value::str("__main__")))
        }
        "__doc__" => Some(Value::None),
        "__dict__" => Some(Value::dict(Default::default())),
        _ => None,
    }
}
