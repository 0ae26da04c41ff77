//! `nn.Module` itself and its methods.

use std::rc::Rc;

use crate::ast::Name;
use crate::eval::builtins::native;
use crate::eval::call::missing_super_init;
use crate::eval::error::{Eval, Mistake, raise, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, Native};
use crate::eval::object::{Instance, ModuleState};
use crate::eval::value::{Tensor, Value};

use super::{start, this, tree};

/// The root of all layers.
pub(crate) const BASE_LAYERS: &[Layer] = &[Layer { name: "Module", base: "", methods: METHODS }];

const METHODS: &[Native] = &[
    native("Module.__init__", "self, *args, **kwargs", |_, args| {
        start(&*this(args)?);
        Ok(Value::None)
    }),
    native("Module.add_module", "self, name, module", add_module),
    native("Module.register_module", "self, name, module", add_module),
    native("Module.register_parameter", "self, name, param", register_parameter),
    native("Module.register_buffer", "self, name, tensor, persistent=True", register_buffer),
    native("Module.parameters", "self, recurse=True", tree::parameters),
    native("Module.named_parameters", "self, prefix='', recurse=True", tree::named_parameters),
    native("Module.buffers", "self, recurse=True", tree::buffers),
    native("Module.named_buffers", "self, prefix='', recurse=True", tree::named_buffers),
    native("Module.modules", "self", tree::modules),
    native("Module.named_modules", "self, memo=None, prefix=''", tree::named_modules),
    native("Module.children", "self", tree::children),
    native("Module.named_children", "self", tree::named_children),
    native("Module.get_submodule", "self, target", tree::get_submodule),
    native("Module.state_dict", "self, *args, **kwargs", tree::state_dict),
    native("Module.apply", "self, fn", apply),
    native("Module.train", "self, mode=True", itself),
    native("Module.eval", "self", itself),
    native("Module.to", "self, *args, **kwargs", itself),
    native("Module.cuda", "self, device=None", itself),
    native("Module.cpu", "self", itself),
    native("Module.half", "self", itself),
    native("Module.float", "self", itself),
    native("Module.double", "self", itself),
    native("Module.type", "self, dst_type", itself),
    native("Module.share_memory", "self", itself),
    native("Module.zero_grad", "self, set_to_none=True", nothing),
    native("Module.load_state_dict", "self, *args, **kwargs", nothing),
    native("Module._load_from_state_dict", "self, *args, **kwargs", nothing),
    native("Module.register_forward_hook", "self, *args, **kwargs", nothing),
    native("Module.register_forward_pre_hook", "self, *args, **kwargs", nothing),
    native("Module.register_load_state_dict_pre_hook", "self, *args, **kwargs", nothing),
    native("Module._register_load_state_dict_pre_hook", "self, *args, **kwargs", nothing),
    native("Module.extra_repr", "self", |_, _| Ok(Value::str(""))),
    native("Module.requires_grad_", "self, requires_grad=True", requires_grad),
    native("Module.__setattr__", "self, name, value", set_attribute),
    native("Module.__getattr__", "self, name", get_attribute),
    native("Module._get_name", "self", |_, args| {
        Ok(Value::Str(Name::clone(&this(args)?.class.name)))
    }),
];

fn itself(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(args.value("self"))
}

fn nothing(_: &mut Interpreter<'_>, _: &Args) -> Eval<Value> {
    Ok(Value::None)
}

fn set_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name: Name = args.string("name")?;
    interpreter.set_instance_attribute(&this(args)?, &name, args.value("value"))?;
    Ok(Value::None)
}

/// Registered members, for classes whose own `__getattr__` asks `super()`.
fn get_attribute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let name = args.string("name")?;
    match module.member(&name) {
        Some(value) => Ok(value),
        None => Err(interpreter.missing_attribute(&args.value("self"), &name)),
    }
}

/// `add_module(name, module)`
pub(super) fn add_module(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let name: Name = args.string("name").map_err(|_| {
        type_error(format!(
            "module name should be a string. Got {}",
            args.value("name").type_name()
        ))
    })?;
    let child = args.value("module");
    let fits = child.module().is_some() || child.is_none() || child.is_unknown();
    if !fits {
        return Err(not_a_module(&child));
    }
    if name.contains('.') || name.is_empty() {
        return Err(raise(
            Mistake::BadArgument,
            "KeyError",
            format!("module name can't be empty or contain \".\", got: {name}"),
        ));
    }
    refuse_clash(&module, &name, |state| state.modules.contains_key(&name))?;
    let mut state = module.module.borrow_mut();
    let Some(state) = state.as_mut() else {
        return Err(missing_super_init(&module.class.name, "module"));
    };
    state.modules.insert(name, child);
    Ok(Value::None)
}

/// A name that the module has as something else cannot be registered; `again` says whether it is
/// of the kind that is registered, which replaces it.
pub(super) fn refuse_clash(
    module: &Instance,
    name: &str,
    again: impl Fn(&ModuleState) -> bool,
) -> Eval<()> {
    let taken = module.member(name).is_some()
        || module.attribute(name).is_some()
        || module.class.lookup(name).is_some();
    if !taken || module.module.borrow().as_ref().is_some_and(again) {
        return Ok(());
    }
    let message = format!("attribute '{name}' already exists");
    Err(raise(Mistake::BadArgument, "KeyError", message).help("choose another name"))
}

/// `F.relu is not a Module subclass`
pub(super) fn not_a_module(value: &Value) -> Box<crate::eval::error::Stop> {
    if value.is_unknown() {
        return crate::eval::error::silent();
    }
    let name = match value {
        Value::Native(native) => String::from(native.name),
        Value::Class(class) => format!("class {}", class.name),
        Value::Function(function) => function.qualified_name.to_string(),
        Value::Opaque(opaque) => return crate::eval::modules::opaque_use(opaque),
        other => other.type_name(),
    };
    let error = raise(Mistake::NotAModule, "TypeError", format!("{name} is not a Module subclass"));
    match value {
        Value::Native(native) => match layer_of_function(native.name) {
            Some(layer) => error.help(format!("write `nn.{layer}()` instead")),
            None => error,
        },
        Value::Class(class) if class.is_module => {
            error.help(format!("make an object of it: `{}()`", class.name))
        }
        _ => error.help("put an object of a class that derives from nn.Module here"),
    }
}

/// The layer that does what a function does.
fn layer_of_function(name: &str) -> Option<&'static str> {
    let short = name.rsplit('.').next()?.replace('_', "");
    crate::eval::library::layer_names().find(|layer| layer.to_lowercase() == short)
}

fn register_parameter(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let name: Name = args.string("name")?;
    let parameter = args.optional_tensor("param")?;
    if parameter.as_ref().is_some_and(|tensor| !tensor.0.parameter) {
        return Err(type_error(format!(
            "cannot assign 'torch.FloatTensor' object to parameter '{name}' (torch.nn.Parameter or None required)"
        )));
    }
    refuse_clash(&module, &name, |state| state.parameters.contains_key(&name))?;
    let mut state = module.module.borrow_mut();
    let Some(state) = state.as_mut() else {
        return Err(missing_super_init(&module.class.name, "parameters"));
    };
    state.parameters.insert(name, parameter);
    Ok(Value::None)
}

fn register_buffer(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let name: Name = args.string("name")?;
    let tensor: Option<Tensor> = args.optional_tensor("tensor")?;
    let persistent = args.bool(interpreter, "persistent")?;
    refuse_clash(&module, &name, |state| state.buffers.contains_key(&name))?;
    let mut state = module.module.borrow_mut();
    let Some(state) = state.as_mut() else {
        return Err(missing_super_init(&module.class.name, "parameters"));
    };
    state.buffers.insert(name, (tensor, persistent));
    Ok(Value::None)
}

/// `apply(fn)`: weight initialisation nearly always; children first.
fn apply(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let function = args.value("fn");
    let mut modules = tree::all_modules(&this(args)?);
    modules.reverse();
    for (_, module) in modules {
        interpreter.call_values(&function, vec![Value::Instance(Rc::clone(&module))])?;
    }
    Ok(args.value("self"))
}

fn requires_grad(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let flag = args.bool(interpreter, "requires_grad")?;
    for (_, tensor) in tree::all_parameters(&this(args)?, true) {
        tensor.0.requires_grad.set(flag);
    }
    Ok(args.value("self"))
}
