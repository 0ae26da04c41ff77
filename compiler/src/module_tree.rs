//! The registered modules of a network as tables of the graph: modules with their paths, parameters
//! and buffers in the order of PyTorch's state dict, shared ones once under their first name.

use std::collections::HashSet;
use std::rc::Rc;

use crate::eval::error::Eval;
use crate::eval::interpreter::Interpreter;
use crate::eval::object::Instance;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::{Dim, Init, Module, ModuleId, ModulePath, Param, ParamKind};

impl Interpreter<'_> {
    /// Registers a network: its modules first, then its parameters and buffers.
    pub(crate) fn register_network(&mut self, root: &Rc<Instance>) -> Eval<()> {
        let mut seen = HashSet::new();
        self.register_module(root, ModulePath::root(), None, &mut seen)
    }

    fn register_module(
        &mut self,
        module: &Rc<Instance>,
        path: ModulePath,
        parent: Option<ModuleId>,
        seen: &mut HashSet<usize>,
    ) -> Eval<()> {
        if self.module_ids.contains_key(&module.address()) {
            return Ok(());
        }
        self.fuel.enter()?;
        self.fuel.allocate(1)?;
        let id = self.builder.module(Module {
            path: path.clone(),
            class_name: module.class.name.clone(),
            layer: module.class.layer_name().map(Into::into),
            is_derived: !module.class.native,
            out_features: out_features(module),
            parent,
            declared: module.declared.get(),
        });
        self.module_ids.insert(module.address(), id);
        self.register_tensors(module, &path, id, seen)?;
        for (name, child) in module.children() {
            self.register_module(&child, path.join(&name), Some(id), seen)?;
        }
        self.fuel.leave();
        Ok(())
    }

    fn register_tensors(
        &mut self,
        module: &Instance,
        path: &ModulePath,
        id: ModuleId,
        seen: &mut HashSet<usize>,
    ) -> Eval<()> {
        let state = module.module.borrow();
        let Some(state) = state.as_ref() else { return Ok(()) };
        for (name, parameter) in state.parameters.iter() {
            let Some(tensor) = parameter else { continue };
            let trainable = tensor.0.requires_grad.get();
            let kind = if trainable { ParamKind::Trainable } else { ParamKind::Frozen };
            self.register_tensor(tensor, path.join(name), id, kind, seen)?;
        }
        for (name, (buffer, persistent)) in state.buffers.iter() {
            let Some(tensor) = buffer else { continue };
            let kind = if *persistent { ParamKind::Buffer } else { ParamKind::TransientBuffer };
            self.register_tensor(tensor, path.join(name), id, kind, seen)?;
        }
        Ok(())
    }

    fn register_tensor(
        &mut self,
        tensor: &Tensor,
        path: ModulePath,
        module: ModuleId,
        kind: ParamKind,
        seen: &mut HashSet<usize>,
    ) -> Eval<()> {
        if !seen.insert(tensor.address()) {
            return Ok(());
        }
        self.fuel.allocate(1)?;
        let init = match &*tensor.0.source.borrow() {
            Source::Fill(init) => init.clone(),
            Source::Data(data) => match data.split_first() {
                Some((first, rest)) if rest.iter().all(|number| number == first) => {
                    Init::Constant(*first)
                }
                _ => Init::Elements(data.to_vec().into()),
            },
            Source::Graph(_) | Source::Param(_) => Init::Constant(0.0),
        };
        let shape = tensor.dims().iter().filter_map(|dim: &Dim| dim.known()).collect();
        let dtype = tensor.dtype();
        let id = self.builder.param(Param { path, module, dtype, shape, kind, init });
        *tensor.0.source.borrow_mut() = Source::Param(id);
        Ok(())
    }
}

/// The width of a layer: channels or features of its output.
fn out_features(module: &Instance) -> Option<u64> {
    ["out_channels", "out_features"].iter().find_map(|name| match module.attribute(name) {
        Some(Value::Int(width)) if module.class.is_module => u64::try_from(width).ok(),
        _ => None,
    })
}
