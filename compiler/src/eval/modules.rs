//! `import`, and the Python modules that nasc knows: which names they have. Modules that only log,
//! read files or plot are inert: whatever is done with them changes nothing about a network.

use std::rc::Rc;

use crate::ast::{Alias, Name};
use crate::ir::DType;

use super::error::{Eval, Mistake, Stop, raise, refuse};
use super::interpreter::Interpreter;
use super::native::CallArgs;
use super::scope::{Scope, import_binding};
use super::value::{Opaque, Value};

/// Modules with names that nasc evaluates.
const KNOWN: &[&str] = &[
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.modules",
    "torch.nn.modules.utils",
    "torch.nn.parameter",
    "torch.jit",
    "torch.fx",
    "torch.nn.utils",
    "torch.nn.utils.parametrizations",
    "torch.utils",
    "torch.utils.checkpoint",
    "torch.autograd",
    "torch.cuda",
    "torch.backends",
    "torch.linalg",
    "math",
    "collections",
    "collections.abc",
    "functools",
    "itertools",
    "copy",
    "operator",
    "dataclasses",
    "enum",
    "abc",
    "types",
    "typing",
    "typing_extensions",
    "inspect",
    "re",
    "os",
    "sys",
    "sys.modules",
    "einops",
    "einops.layers",
    "einops.layers.torch",
    "numbers",
    "contextlib",
    "numpy",
    "argparse",
];

/// Modules without influence on a network.
const INERT: &[&str] = &[
    "logging",
    "warnings",
    "time",
    "datetime",
    "json",
    "pickle",
    "random",
    "string",
    "pathlib",
    "tqdm",
    "matplotlib",
    "tensorboardX",
    "torchsummary",
    "torchinfo",
    "thop",
    "torchvision",
    "PIL",
    "pandas",
    "sklearn",
    "wandb",
    "traceback",
    "pprint",
    "gc",
    "glob",
    "shutil",
    "subprocess",
    "threading",
    "multiprocessing",
    "urllib",
    "requests",
    "yaml",
    "scipy",
    "cv2",
    "__future__",
    "unittest",
    "platform",
    "socket",
    "csv",
    "io",
    "struct",
    "uuid",
    "hashlib",
    "tempfile",
    "zipfile",
    "tarfile",
    "abc",
    "weakref",
    "textwrap",
    "ptflops",
    "fvcore",
    "builtins",
    "pdb",
    "code",
    "torchmetrics",
    "absl",
    "tensorflow",
    "lightning",
    "pytorch_lightning",
    "numba",
    "termcolor",
    "easydict",
    "prettytable",
    "tabulate",
    "signal",
];

/// Parts of torch that train, load or measure and never change the forward graph.
const INERT_TORCH: &[&str] = &[
    "torch.optim",
    "torch.utils.data",
    "torch.utils.tensorboard",
    "torch.utils.model_zoo",
    "torch.hub",
    "torch.distributed",
    "torch.multiprocessing",
    "torch.onnx",
    "torch.profiler",
    "torch.amp",
    "torch.utils.cpp_extension",
    "torch.backends",
    "torch.random",
    "torch.version",
    "torch.overrides",
    "torch.library",
    "torch._dynamo",
    "torch._C",
    "torch.testing",
    "torch.nn.utils",
    "torch.nn.parallel",
    "torch.quantization",
    "torch.ao",
];

fn known_module(name: &str) -> Option<&'static str> {
    KNOWN.iter().copied().find(|known| *known == name)
}

fn is_inert(name: &str) -> bool {
    let top = name.split('.').next().unwrap_or(name);
    // These make layers; what nasc does not know of them matters.
    if ["torchvision.models", "torchvision.ops"].iter().any(|made| name.starts_with(made)) {
        return false;
    }
    let under = |root: &&str| name == *root || name.starts_with(&format!("{root}."));
    INERT.contains(&top) || INERT_TORCH.iter().any(under)
}

/// How people import a name that is missing.
pub(crate) fn usual_import(name: &str) -> Option<&'static str> {
    Some(match name {
        "torch" => "import torch",
        "nn" => "import torch.nn as nn",
        "F" => "import torch.nn.functional as F",
        "math" => "import math",
        "np" => "import numpy as np",
        "partial" => "from functools import partial",
        "OrderedDict" => "from collections import OrderedDict",
        _ => return None,
    })
}

impl Interpreter<'_> {
    /// `import a.b as c`
    pub(crate) fn import(&mut self, names: &[Alias], scope: &Rc<Scope>) -> Eval<()> {
        for alias in names {
            let top = alias.name.split('.').next().unwrap_or(&alias.name);
            let wanted: &str = if alias.asname.is_some() { &alias.name } else { top };
            let module = self.import_module(wanted).map_err(|stop| stop.at(alias.span))?;
            scope.assign(&import_binding(alias), module);
        }
        Ok(())
    }

    /// A module of nasc's own, of another file, or one that does not matter.
    fn import_module(&mut self, name: &str) -> Eval<Value> {
        let top = name.split('.').next().unwrap_or(name);
        if known_module(top).is_none()
            && let Some(package) = self.package(name)
        {
            return Ok(Value::Package(package));
        }
        self.module(name)
    }

    fn module(&mut self, name: &str) -> Eval<Value> {
        if let Some(known) = known_module(name) {
            return Ok(Value::Module(known));
        }
        if is_inert(name) {
            return Ok(Value::inert(name));
        }
        if self.protected > 0 {
            let message = format!("No module named '{name}'");
            return Err(raise(Mistake::UnsupportedModule, "ModuleNotFoundError", message));
        }
        Ok(Value::opaque(name))
    }

    /// `from a.b import c as d`
    pub(crate) fn import_from(
        &mut self,
        module: Option<&Name>,
        names: &[Alias],
        level: u32,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let Some(absolute) = self.absolute_name(module, level, scope) else {
            return Err(super::package::beyond_root());
        };
        let top = absolute.split('.').next().unwrap_or(&absolute);
        if (level > 0 || known_module(top).is_none())
            && let Some(package) = self.package(&absolute)
        {
            return self.import_from_package(&package, names, scope);
        }
        let dots = ".".repeat(usize::try_from(level.min(16)).unwrap_or(0));
        let name = format!("{dots}{}", module.map_or("", |name| &**name));
        let container = if level > 0 { Value::opaque(&*name) } else { self.module(&name)? };
        for alias in names {
            if &*alias.name == "*" {
                self.import_all(&name, scope)?;
                continue;
            }
            let value = self.imported(&container, &name, alias)?;
            scope.assign(&import_binding(alias), value);
        }
        Ok(())
    }

    fn imported(&mut self, container: &Value, module: &str, alias: &Alias) -> Eval<Value> {
        let inner = format!("{module}.{}", alias.name);
        if known_module(&inner).is_some()
            || matches!(container, Value::Module(_))
                && is_inert(&inner)
                && !super::prelude::defines(module, &alias.name)
        {
            return self.module(&inner);
        }
        match self.find_attribute(container, &alias.name)? {
            Some(value) => Ok(value),
            None if module.starts_with("torch") && self.protected > 0 => Err(raise(
                Mistake::UnknownAttribute,
                "ImportError",
                format!("cannot import name '{}' from '{module}'", alias.name),
            )),
            None if module == "torch.nn" || module == "torch.nn.functional" => {
                Err(self.missing_attribute(container, &alias.name).at(alias.span))
            }
            None => Ok(Value::opaque(inner)),
        }
    }

    fn import_all(&mut self, module: &str, scope: &Rc<Scope>) -> Eval<()> {
        let Some(known) = known_module(module) else { return Ok(()) };
        for name in attribute_names(known) {
            if let Some(value) = self.module_attribute(known, &name)? {
                scope.assign(&name, value);
            }
        }
        Ok(())
    }

    /// `module.name`
    pub(crate) fn module_attribute(
        &mut self,
        module: &'static str,
        name: &str,
    ) -> Eval<Option<Value>> {
        let full = format!("{module}.{name}");
        if let Some(known) = known_module(&full) {
            return Ok(Some(Value::Module(known)));
        }
        if let Some(native) = super::library::function(&full) {
            return Ok(Some(Value::Native(native)));
        }
        if let Some(value) = self.prelude_attribute(module, name)? {
            return Ok(Some(value));
        }
        if is_inert(&full) {
            return Ok(Some(Value::inert(full)));
        }
        Ok(match module {
            "torch" => torch_constant(name).or_else(|| self.torch_fallback(name)),
            "torch.nn" | "torch.nn.modules" => self.nn_attribute(name),
            "torch.autograd" if name == "Function" => Some(Value::Class(self.autograd_class())),
            "torch.nn.parameter" | "torch.autograd" => {
                self.module_attribute("torch.nn", name)?.or_else(|| Some(Value::opaque(full)))
            }
            "torch.nn.functional" => known_but_unsupported(super::nn::functional_names(), &full),
            "torch.jit" | "torch.fx" => Some(jit_attribute(name, &full)),
            "math" => math_constant(name),
            "typing" | "typing_extensions" | "abc" | "types" | "numbers" | "contextlib"
            | "collections.abc" => Some(self.annotation_name(&full, name)),
            "enum" => self.enum_class(name),
            "einops.layers.torch" => {
                let class = self.einops_class(name).map(Value::Class);
                class.or_else(|| Some(Value::opaque(full)))
            }
            "sys" => Some(system_attribute(name)),
            "os" if name == "environ" => Some(Value::dict(Default::default())),
            "os" | "argparse" => Some(Value::inert(full)),
            "dataclasses" | "functools" | "itertools" | "copy" | "collections" | "operator"
            | "inspect" => Some(Value::opaque(full)),
            "numpy" if name == "pi" => Some(Value::Float(std::f64::consts::PI)),
            _ => Some(Value::opaque(full)),
        })
    }

    fn annotation_name(&mut self, full: &str, name: &str) -> Value {
        match name {
            "NamedTuple" => Value::opaque(full),
            "nullcontext" | "suppress" => Value::inert(full),
            "contextmanager" => Value::inert(full),
            _ => Value::inert(format!("typing.{name}")),
        }
    }

    fn enum_class(&mut self, name: &str) -> Option<Value> {
        let base = self.native_class("Enum", Vec::new(), &[], None, None);
        match name {
            "Enum" => Some(Value::Class(base)),
            "IntEnum" => {
                Some(Value::Class(self.native_class("IntEnum", vec![base], &[], None, Some("int"))))
            }
            _ => Some(Value::opaque(format!("enum.{name}"))),
        }
    }

    /// `torch.nn.NAME`: a layer, a module, or a name that exists but nasc does not know.
    fn nn_attribute(&mut self, name: &str) -> Option<Value> {
        if let Some(class) = self.layer_class(name) {
            return Some(Value::Class(class));
        }
        if name.ends_with("Loss") || name == "DataParallel" {
            return Some(Value::inert(format!("torch.nn.{name}")));
        }
        known_but_unsupported(super::nn::layer_names_of_torch(), &format!("torch.nn.{name}"))
    }

    fn torch_fallback(&mut self, name: &str) -> Option<Value> {
        let full = format!("torch.{name}");
        match name {
            "manual_seed" | "save" | "load" | "compile" | "set_default_dtype" | "autocast"
            | "set_grad_enabled" | "enable_grad" | "no_grad" | "inference_mode" | "_assert"
            | "Size" | "FloatTensor" | "set_num_threads" | "memory_format" | "channels_last"
            | "contiguous_format" | "Generator" => Some(Value::inert(full)),
            _ => known_but_unsupported(super::tensor::torch_names(), &full),
        }
    }

    /// Typing constructs take any subscript.
    pub(crate) fn is_typing(&self, value: &Value) -> bool {
        matches!(value, Value::Opaque(opaque) if opaque.inert && opaque.name.starts_with("typing."))
    }

    /// Calls whose arguments need not be looked at: printing and logging.
    pub(crate) fn ignored_call(&self, function: &Value) -> Option<Value> {
        match function {
            Value::Opaque(opaque) if opaque.inert && !opaque.name.starts_with("typing.") => {
                let decorates =
                    opaque.name.starts_with("torch.") || opaque.name.contains("contextmanager");
                (!decorates).then(|| Value::inert(format!("{}()", opaque.name)))
            }
            Value::Native(native) if native.name == "print" => Some(Value::None),
            _ => None,
        }
    }
}

/// A name that torch has and nasc does not know; `None` if torch does not have it, either.
fn known_but_unsupported(names: &str, full: &str) -> Option<Value> {
    let name = full.rsplit('.').next().unwrap_or(full);
    contains(names, name).then(|| Value::opaque(full))
}

/// Whether a list of names holds this one.
pub(crate) fn contains(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|known| known == name)
}

/// `sys.version_info` and the like, as Python 3.11 has them.
fn system_attribute(name: &str) -> Value {
    match name {
        "version_info" => Value::tuple([3, 11, 0].into_iter().map(Value::Int).collect()),
        "maxsize" => Value::Int(i128::from(i64::MAX)),
        "platform" => Value::str("linux"),
        _ => Value::inert(format!("sys.{name}")),
    }
}

fn jit_attribute(name: &str, full: &str) -> Value {
    match name {
        "is_scripting" | "is_tracing" => Value::Native(&super::builtins::FALSE),
        "Final" => Value::inert("typing.Final"),
        _ => Value::inert(full),
    }
}

fn torch_constant(name: &str) -> Option<Value> {
    Some(match name {
        "float" | "float32" => Value::DType(DType::F32),
        "double" | "float64" => Value::DType(DType::F64),
        "half" | "float16" => Value::DType(DType::F16),
        "bfloat16" => Value::DType(DType::Bf16),
        "long" | "int64" => Value::DType(DType::I64),
        "int" | "int32" => Value::DType(DType::I32),
        "uint8" => Value::DType(DType::U8),
        "bool" => Value::DType(DType::Bool),
        // The version whose behaviour nasc follows.
        "__version__" => Value::str("2.15.0"),
        "pi" => Value::Float(std::f64::consts::PI),
        "e" => Value::Float(std::f64::consts::E),
        "inf" => Value::Float(f64::INFINITY),
        "nan" => Value::Float(f64::NAN),
        "Tensor" => Value::Native(&super::builtins::TENSOR_TYPE),
        _ => return None,
    })
}

fn math_constant(name: &str) -> Option<Value> {
    Some(Value::Float(match name {
        "pi" => std::f64::consts::PI,
        "e" => std::f64::consts::E,
        "tau" => std::f64::consts::TAU,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => return None,
    }))
}

/// The names of a module, for suggestions and `from m import *`.
pub(crate) fn attribute_names(module: &str) -> Vec<Name> {
    let functions = super::library::function_names(module).map(Name::from);
    match module {
        "torch.nn" => super::library::layer_names()
            .chain(["functional", "init", "Parameter"])
            .map(Name::from)
            .collect(),
        "torch" => functions.chain(["nn", "float32", "Tensor"].map(Name::from)).collect(),
        _ => functions.collect(),
    }
}

/// Another module of PyTorch that has a name.
pub(crate) fn home_of(name: &str, except: &str) -> Option<&'static str> {
    let modules = [("torch", "torch"), ("torch.nn", "nn"), ("torch.nn.functional", "F")];
    let others = modules.into_iter().filter(|(module, _)| *module != except);
    let mut homes = others.filter(|(module, _)| {
        let function = super::library::function(&format!("{module}.{name}"));
        function.is_some() || *module == "torch.nn" && super::library::layer(name).is_some()
    });
    homes.next().map(|(_, shown)| shown)
}

/// An attribute of something opaque.
pub(crate) fn opaque_attribute(opaque: &Rc<Opaque>, name: &str) -> Eval<Value> {
    if opaque.reason.is_some() {
        return Err(opaque_use(opaque));
    }
    Ok(Value::Opaque(Rc::new(Opaque {
        name: format!("{}.{name}", opaque.name),
        inert: opaque.inert,
        reason: None,
    })))
}

/// The refusal to look into something opaque.
pub(crate) fn opaque_use(opaque: &Opaque) -> Box<Stop> {
    if let Some(reason) = &opaque.reason {
        return Box::new(Stop::Refuse(reason.clone()));
    }
    let name = &opaque.name;
    if let Some(layer) = name.strip_prefix("torch.nn.").filter(|rest| !rest.contains('.')) {
        return refuse(Mistake::UnsupportedLayer, format!("nasc does not support nn.{layer}"))
            .help("use a layer that nasc supports, or write it out with simpler ones");
    }
    if name.starts_with("torch.") {
        return refuse(Mistake::UnsupportedFunction, format!("nasc does not support {name}"))
            .help("write it with functions that nasc supports");
    }
    refuse(Mistake::UnsupportedModule, format!("nasc does not know what {name} is"))
        .help("write what it does in this file, or leave it out of the network")
}

/// The result of calling something inert.
pub(crate) fn inert_call(opaque: &Rc<Opaque>, args: &CallArgs) -> Value {
    // A decorator gives back the function it decorates.
    match args.positional.as_slice() {
        [only @ (Value::Function(_) | Value::Class(_))] if args.keywords.is_empty() => only.clone(),
        _ => Value::inert(format!("{}()", opaque.name)),
    }
}
