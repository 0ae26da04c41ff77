//! Walks over a module and what it registered: parents first, each module and tensor once.

use std::collections::HashSet;
use std::rc::Rc;

use crate::ast::Name;
use crate::eval::error::Eval;
use crate::eval::interpreter::Interpreter;
use crate::eval::native::Args;
use crate::eval::object::Instance;
use crate::eval::value::{Tensor, Value};

use super::this;

/// A module and all below it with their dotted names, in PyTorch's order.
pub(crate) fn all_modules(root: &Rc<Instance>) -> Vec<(String, Rc<Instance>)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut stack = vec![(String::new(), Rc::clone(root))];
    while let Some((path, module)) = stack.pop() {
        if !seen.insert(module.address()) {
            continue;
        }
        let children = module.children();
        found.push((path.clone(), module));
        for (name, child) in children.into_iter().rev() {
            stack.push((join(&path, &name), child));
        }
    }
    found
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { String::from(name) } else { format!("{path}.{name}") }
}

/// Parameters with their dotted names, each once.
pub(crate) fn all_parameters(root: &Rc<Instance>, recurse: bool) -> Vec<(String, Tensor)> {
    tensors(root, recurse, |module| {
        let state = module.module.borrow();
        let Some(state) = state.as_ref() else { return Vec::new() };
        let parameters = state.parameters.iter();
        parameters.filter_map(|(name, t)| Some((Name::clone(name), t.clone()?))).collect()
    })
}

fn all_buffers(root: &Rc<Instance>, recurse: bool) -> Vec<(String, Tensor)> {
    tensors(root, recurse, |module| {
        let state = module.module.borrow();
        let Some(state) = state.as_ref() else { return Vec::new() };
        let buffers = state.buffers.iter();
        buffers.filter_map(|(name, (t, _))| Some((Name::clone(name), t.clone()?))).collect()
    })
}

fn tensors(
    root: &Rc<Instance>,
    recurse: bool,
    of_module: impl Fn(&Instance) -> Vec<(Name, Tensor)>,
) -> Vec<(String, Tensor)> {
    let modules = if recurse { all_modules(root) } else { vec![(String::new(), Rc::clone(root))] };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (path, module) in modules {
        for (name, tensor) in of_module(&module) {
            if seen.insert(tensor.address()) {
                found.push((join(&path, &name), tensor));
            }
        }
    }
    found
}

fn named<T>(entries: Vec<(String, T)>, value: impl Fn(T) -> Value) -> Value {
    let pairs =
        entries.into_iter().map(|(name, entry)| Value::tuple(vec![Value::str(name), value(entry)]));
    Value::items(pairs.collect())
}

fn plain<T>(entries: Vec<(String, T)>, value: impl Fn(T) -> Value) -> Value {
    Value::items(entries.into_iter().map(|(_, entry)| value(entry)).collect())
}

pub(super) fn parameters(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let recurse = args.bool(interpreter, "recurse")?;
    Ok(plain(all_parameters(&this(args)?, recurse), Value::Tensor))
}

pub(super) fn named_parameters(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let recurse = args.bool(interpreter, "recurse")?;
    Ok(named(all_parameters(&this(args)?, recurse), Value::Tensor))
}

pub(super) fn buffers(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let recurse = args.bool(interpreter, "recurse")?;
    Ok(plain(all_buffers(&this(args)?, recurse), Value::Tensor))
}

pub(super) fn named_buffers(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let recurse = args.bool(interpreter, "recurse")?;
    Ok(named(all_buffers(&this(args)?, recurse), Value::Tensor))
}

pub(super) fn modules(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(plain(all_modules(&this(args)?), Value::Instance))
}

pub(super) fn named_modules(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(named(all_modules(&this(args)?), Value::Instance))
}

fn own_children(args: &Args) -> Eval<Vec<(String, Rc<Instance>)>> {
    let mut seen = HashSet::new();
    let children = this(args)?.children().into_iter();
    let once = children.filter(|(_, child)| seen.insert(child.address()));
    Ok(once.map(|(name, child)| (name.to_string(), child)).collect())
}

pub(super) fn children(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(plain(own_children(args)?, Value::Instance))
}

pub(super) fn named_children(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(named(own_children(args)?, Value::Instance))
}

pub(super) fn get_submodule(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut value = args.value("self");
    for part in args.string("target")?.split('.').filter(|part| !part.is_empty()) {
        value = interpreter.attribute(&value, part)?;
    }
    Ok(value)
}

pub(super) fn state_dict(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let root = this(args)?;
    let mut entries = all_parameters(&root, true);
    entries.extend(all_buffers(&root, true));
    let pairs = entries.into_iter().map(|(name, t)| (Value::str(name), Value::Tensor(t)));
    interpreter.make_dict(pairs.collect::<Vec<_>>())
}
