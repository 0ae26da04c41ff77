//! Classes and instances: Python's object model with C3 linearisation, and what `nn.Module` adds
//! to an instance (parameters, buffers and submodules in order of registration).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::ast::Name;
use crate::source::Span;

use super::ordered::OrderedMap;
use super::value::{Tensor, Value};

/// A class, the program's own or one that nasc knows.
#[derive(Debug)]
pub(crate) struct Class {
    pub name: Name,
    pub bases: Vec<Rc<Class>>,
    /// The classes searched after this one, in order.
    pub ancestors: Vec<Rc<Class>>,
    pub attributes: RefCell<OrderedMap<Name, Value>>,
    /// Whether it is or derives from `nn.Module`.
    pub is_module: bool,
    /// Whether nasc itself defines it.
    pub native: bool,
    /// The layer of `torch.nn` that it is, without prefix.
    pub layer: Option<&'static str>,
    /// What an instance wraps when it derives from a built-in type such as `dict`.
    pub builtin: Option<&'static str>,
    /// Where the program defines it.
    pub span: Option<Span>,
}

impl Class {
    /// Itself and its ancestors in the order of attribute lookup.
    pub(crate) fn mro(self: &Rc<Class>) -> impl Iterator<Item = &Rc<Class>> {
        std::iter::once(self).chain(&self.ancestors)
    }

    /// The attribute and the class that holds it.
    pub(crate) fn lookup(self: &Rc<Class>, name: &str) -> Option<Value> {
        self.mro().find_map(|class| class.attributes.borrow().get(name).cloned())
    }

    /// The attribute as found after `start` in the order of lookup.
    pub(crate) fn lookup_after(self: &Rc<Class>, start: &Rc<Class>, name: &str) -> Option<Value> {
        let mut rest = self.mro().skip_while(|class| !Rc::ptr_eq(class, start));
        rest.next();
        rest.find_map(|class| class.attributes.borrow().get(name).cloned())
    }

    pub(crate) fn derives_from(self: &Rc<Class>, other: &Rc<Class>) -> bool {
        self.mro().any(|class| Rc::ptr_eq(class, other))
    }

    /// Whether it or an ancestor is the class that nasc defines under this name.
    pub(crate) fn is_native(self: &Rc<Class>, name: &str) -> bool {
        self.mro().any(|class| class.native && &*class.name == name)
    }

    /// The layer of `torch.nn` that it is or derives from.
    pub(crate) fn layer_name(self: &Rc<Class>) -> Option<&'static str> {
        self.mro().find_map(|class| class.layer)
    }

    /// The built-in type that it derives from.
    pub(crate) fn builtin_base(self: &Rc<Class>) -> Option<&'static str> {
        self.mro().find_map(|class| class.builtin)
    }
}

/// Linearises the bases (C3); `None` if they contradict each other.
pub(crate) fn linearise(bases: &[Rc<Class>]) -> Option<Vec<Rc<Class>>> {
    let mut sequences: Vec<Vec<Rc<Class>>> =
        bases.iter().map(|base| base.mro().cloned().collect()).collect();
    sequences.push(bases.to_vec());
    let mut order = Vec::new();
    loop {
        sequences.retain(|sequence| !sequence.is_empty());
        if sequences.is_empty() {
            return Some(order);
        }
        let next = next_class(&sequences)?;
        for sequence in &mut sequences {
            if sequence.first().is_some_and(|class| Rc::ptr_eq(class, &next)) {
                sequence.remove(0);
            }
        }
        order.push(next);
    }
}

fn next_class(sequences: &[Vec<Rc<Class>>]) -> Option<Rc<Class>> {
    let in_a_tail = |candidate: &Rc<Class>| {
        sequences
            .iter()
            .any(|sequence| sequence.iter().skip(1).any(|class| Rc::ptr_eq(class, candidate)))
    };
    sequences.iter().filter_map(|sequence| sequence.first()).find(|c| !in_a_tail(c)).cloned()
}

/// An object.
#[derive(Debug)]
pub(crate) struct Instance {
    pub class: Rc<Class>,
    pub attributes: RefCell<OrderedMap<Name, Value>>,
    /// Present once `nn.Module.__init__` ran.
    pub module: RefCell<Option<ModuleState>>,
    /// The wrapped value of a class that derives from a built-in type.
    pub payload: RefCell<Option<Value>>,
    /// Where it was constructed.
    pub declared: Cell<Option<Span>>,
}

/// What `nn.Module` keeps.
#[derive(Debug, Default)]
pub(crate) struct ModuleState {
    /// Parameters; `None` where one was registered as absent.
    pub parameters: OrderedMap<Name, Option<Tensor>>,
    /// Buffers, and whether the state dict holds them.
    pub buffers: OrderedMap<Name, (Option<Tensor>, bool)>,
    /// Submodules; `Value::None` where one was set to `None`.
    pub modules: OrderedMap<Name, Value>,
}

impl Instance {
    pub(crate) fn new(class: Rc<Class>) -> Instance {
        Instance {
            class,
            attributes: RefCell::default(),
            module: RefCell::default(),
            payload: RefCell::default(),
            declared: Cell::default(),
        }
    }

    /// A plain attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<Value> {
        self.attributes.borrow().get(name).cloned()
    }

    /// Sets a plain attribute.
    pub(crate) fn set(&self, name: &str, value: Value) {
        self.attributes.borrow_mut().insert(Name::from(name), value);
    }

    /// A parameter, buffer or submodule.
    pub(crate) fn member(&self, name: &str) -> Option<Value> {
        let state = self.module.borrow();
        let state = state.as_ref()?;
        let tensor = |tensor: &Option<Tensor>| tensor.clone().map_or(Value::None, Value::Tensor);
        if let Some(parameter) = state.parameters.get(name) {
            return Some(tensor(parameter));
        }
        if let Some((buffer, _)) = state.buffers.get(name) {
            return Some(tensor(buffer));
        }
        state.modules.get(name).cloned()
    }

    /// Submodules that are present, in order.
    pub(crate) fn children(&self) -> Vec<(Name, Rc<Instance>)> {
        let state = self.module.borrow();
        let Some(state) = state.as_ref() else { return Vec::new() };
        let modules = state.modules.iter();
        modules
            .filter_map(|(name, value)| Some((Name::clone(name), Rc::clone(value.instance()?))))
            .collect()
    }

    /// A parameter, or the tensor computed from others that a normalisation of weights put there.
    pub(crate) fn parameter(&self, name: &str) -> Option<Tensor> {
        match self.module.borrow().as_ref()?.parameters.get(name) {
            Some(parameter) => parameter.clone(),
            None => match self.attribute(name) {
                Some(Value::Tensor(tensor)) => Some(tensor),
                _ => None,
            },
        }
    }

    pub(crate) fn buffer(&self, name: &str) -> Option<Tensor> {
        self.module.borrow().as_ref()?.buffers.get(name)?.0.clone()
    }

    pub(crate) fn address(self: &Rc<Instance>) -> usize {
        Rc::as_ptr(self) as usize
    }
}
