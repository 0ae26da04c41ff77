//! Everything that nasc itself defines, by dotted name: functions, classes, layers. One table per
//! family; this file only joins them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use crate::ast::Name;

use super::interpreter::Interpreter;
use super::native::Native;
use super::object::{Class, linearise};
use super::ordered::OrderedMap;
use super::value::Value;

/// A class of `torch.nn` that nasc defines.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Name without prefix.
    pub name: &'static str,
    /// The class it derives from, without prefix; `Module` for most.
    pub base: &'static str,
    pub methods: &'static [Native],
}

const FUNCTIONS: &[&[Native]] = &[
    super::builtins::FUNCTIONS,
    super::builtins::STANDARD,
    super::builtins::INSPECTION,
    super::builtins::REGULAR_EXPRESSIONS,
    super::einops::FUNCTIONS,
    super::prelude::HELPERS,
    super::lazy::HELPERS,
    super::numpy::FUNCTIONS,
    super::tensor::CREATION,
    super::tensor::FUNCTIONS,
    super::tensor::SELECTIONS,
    super::nn::FUNCTIONS,
    super::nn::INITIALISERS,
];

const LAYERS: &[&[Layer]] = &[
    super::nn::BASE_LAYERS,
    super::nn::CONTAINERS,
    super::nn::CONVOLUTIONS,
    super::nn::LINEAR_LAYERS,
    super::nn::NORMALISATIONS,
    super::nn::LAYER_NORMS,
    super::nn::IMAGE_LAYERS,
    super::nn::POOLS,
    super::nn::ACTIVATIONS,
    super::nn::RECURRENT_LAYERS,
];

/// The function of this dotted name.
pub(crate) fn function(name: &str) -> Option<&'static Native> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Native>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        FUNCTIONS.iter().copied().flatten().map(|native| (native.name, native)).collect()
    });
    table.get(name).copied()
}

/// The layer of this name, without prefix.
pub(crate) fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().copied().flatten().find(|layer| layer.name == name)
}

/// Names of all layers.
pub(crate) fn layer_names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().copied().flatten().map(|layer| layer.name)
}

/// Names of the functions of a module, without its prefix.
pub(crate) fn function_names(module: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("{module}.");
    let natives = FUNCTIONS.iter().copied().flatten();
    natives
        .filter_map(move |native| native.name.strip_prefix(prefix.as_str()))
        .filter(|name| !name.contains('.'))
}

impl Interpreter<'_> {
    /// Makes a class that nasc defines and remembers it.
    pub(crate) fn native_class(
        &mut self,
        name: &'static str,
        bases: Vec<Rc<Class>>,
        methods: &'static [Native],
        layer: Option<&'static str>,
        builtin: Option<&'static str>,
    ) -> Rc<Class> {
        if let Some(class) = self.native_classes.get(name) {
            return Rc::clone(class);
        }
        let mut attributes = OrderedMap::default();
        for native in methods {
            let method = native.name.rsplit('.').next().unwrap_or(native.name);
            attributes.insert(Name::from(method), Value::Native(native));
        }
        let ancestors = linearise(&bases).unwrap_or_default();
        let class = Rc::new(Class {
            name: Name::from(name),
            is_module: name == "Module" || bases.iter().any(|base| base.is_module),
            bases,
            ancestors,
            attributes: attributes.into(),
            native: true,
            layer,
            builtin,
            span: None,
        });
        self.native_classes.insert(name, Rc::clone(&class));
        class
    }

    /// `object`
    pub(crate) fn object_class(&mut self) -> Rc<Class> {
        self.native_class("object", Vec::new(), &[], None, None)
    }

    /// `torch.nn.NAME`
    pub(crate) fn layer_class(&mut self, name: &str) -> Option<Rc<Class>> {
        if let Some(class) = self.native_classes.get(name) {
            return class.is_module.then(|| Rc::clone(class));
        }
        let layer = layer(name)?;
        let bases = match layer.base {
            "" => Vec::new(),
            base => vec![self.layer_class(base)?],
        };
        let is_layer = !matches!(layer.name, "Module");
        let shown = is_layer.then_some(layer.name);
        Some(self.native_class(layer.name, bases, layer.methods, shown, None))
    }

    /// `einops.layers.torch.NAME`
    pub(crate) fn einops_class(&mut self, name: &str) -> Option<Rc<Class>> {
        let layer = super::einops::LAYERS.iter().find(|layer| layer.name == name)?;
        let bases = vec![self.layer_class(layer.base)?];
        Some(self.native_class(layer.name, bases, layer.methods, Some(layer.name), None))
    }

    /// The class to derive from when the program derives from a built-in type.
    pub(crate) fn builtin_class(&mut self, name: &'static str) -> Option<Rc<Class>> {
        match name {
            "object" => Some(self.object_class()),
            "dict" | "list" | "str" | "int" | "float" | "tuple" | "set" => {
                let methods = super::builtins::BUILTIN_BASE_METHODS;
                Some(self.native_class(name, Vec::new(), methods, None, Some(name)))
            }
            "collections.OrderedDict" => {
                let methods = super::builtins::BUILTIN_BASE_METHODS;
                Some(self.native_class("OrderedDict", Vec::new(), methods, None, Some("dict")))
            }
            "type" => Some(self.native_class("type", Vec::new(), &[], None, None)),
            _ => None,
        }
    }
}

/// The parameters of a layer's constructor, without `self`, or of a function of PyTorch.
pub(crate) fn parameters_of(name: &str) -> Option<Vec<&'static str>> {
    let constructor = layer(name)
        .and_then(|layer| layer.methods.iter().find(|method| method.name.ends_with(".__init__")));
    let modules = ["torch.nn.functional", "torch", "Tensor"];
    let functions = || modules.iter().find_map(|module| function(&format!("{module}.{name}")));
    let native = constructor.or_else(functions)?;
    let names = native.signature.split(',').map(|part| part.split('=').next().unwrap_or("").trim());
    Some(names.filter(|name| !matches!(*name, "self" | "*" | "/" | "")).collect())
}
