//! Class statements: bases, body, C3 order, decorators, and the kinds of class that Python's
//! standard library makes: dataclasses, named tuples, enumerations.

use std::rc::Rc;

use crate::ast::{ClassDef, Name};

use super::error::{Eval, Mistake, raise, refuse, type_error, value_error};
use super::interpreter::Interpreter;
use super::native::CallArgs;
use super::object::{Class, linearise};
use super::ordered::OrderedMap;
use super::scope::{Scope, ScopeKind};
use super::value::{Value, Wrapper};

impl Interpreter<'_> {
    /// Runs a class statement.
    pub(crate) fn define_class(&mut self, def: &ClassDef, scope: &Rc<Scope>) -> Eval<Value> {
        let bases = self.bases(def, scope)?;
        let body = Scope::new(ScopeKind::Class, Rc::default(), Some(Rc::clone(scope)));
        self.capture(&body);
        self.block(&def.body, &body)?;
        let mut attributes = self.class_attributes(&body);
        if bases.iter().any(|base| &*base.name == NAMED_TUPLE) {
            name_fields(&mut attributes);
        }
        let span = Some(def.name_span);
        let class = self.make_class(Name::clone(&def.name), bases, attributes, span)?;
        if class.is_native("Enum") {
            self.make_members(&class)?;
        }
        let mut value = Value::Class(class);
        for decorator in def.decorators.iter().rev() {
            value = self.decorate(decorator, value, scope)?;
        }
        Ok(value)
    }

    fn bases(&mut self, def: &ClassDef, scope: &Rc<Scope>) -> Eval<Vec<Rc<Class>>> {
        let mut bases = Vec::new();
        for value in self.items(&def.bases, scope)? {
            match value {
                Value::Class(class) => bases.push(class),
                Value::Opaque(opaque) if opaque.name == "typing.NamedTuple" => {
                    let tuple = self.builtin_class("tuple").into_iter().collect();
                    let methods = super::builtins::NAMED_TUPLE_METHODS;
                    bases.push(self.native_class(NAMED_TUPLE, tuple, methods, None, Some("tuple")));
                }
                Value::Opaque(opaque) if opaque.inert => {}
                Value::Opaque(opaque) => return Err(super::modules::opaque_use(&opaque)),
                Value::Unknown => return Err(super::error::silent()),
                Value::Native(native) => {
                    bases.push(self.builtin_class(native.name).ok_or_else(|| {
                        refuse(
                            Mistake::UnsupportedSyntax,
                            format!("nasc cannot derive a class from {}", native.name),
                        )
                    })?);
                }
                Value::Module(name) => {
                    return Err(type_error(format!("cannot derive a class from module '{name}'")));
                }
                other => {
                    return Err(type_error(format!(
                        "cannot derive a class from {}",
                        other.type_name()
                    )));
                }
            }
        }
        Ok(bases)
    }

    /// The names of a class body, in order of definition where it matters.
    fn class_attributes(&mut self, body: &Rc<Scope>) -> OrderedMap<Name, Value> {
        let variables = body.variables.borrow();
        let mut names: Vec<&Name> = variables.keys().collect();
        names.sort();
        let mut attributes = OrderedMap::default();
        for name in names {
            if let Some(value) = variables.get(name) {
                attributes.insert(Name::clone(name), value.clone());
            }
        }
        attributes
    }

    /// A class from its parts; its functions learn whose they are.
    pub(crate) fn make_class(
        &mut self,
        name: Name,
        bases: Vec<Rc<Class>>,
        attributes: OrderedMap<Name, Value>,
        span: Option<crate::source::Span>,
    ) -> Eval<Rc<Class>> {
        self.fuel.allocate(16)?;
        let Some(ancestors) = linearise(&bases) else {
            return Err(type_error("Cannot create a consistent method resolution order (MRO)"));
        };
        let class = Rc::new(Class {
            name,
            is_module: bases.iter().any(|base| base.is_module),
            bases,
            ancestors,
            attributes: attributes.into(),
            native: false,
            layer: None,
            builtin: None,
            span,
        });
        for value in class.attributes.borrow().values() {
            adopt(value, &class);
        }
        Ok(class)
    }

    /// Makes the members of an enumeration out of its class attributes.
    fn make_members(&mut self, class: &Rc<Class>) -> Eval<()> {
        let entries: Vec<(Name, Value)> = {
            let attributes = class.attributes.borrow();
            let plain = attributes.iter().filter(|(name, value)| {
                !name.starts_with('_')
                    && !matches!(
                        value,
                        Value::Function(_) | Value::Wrapper(_) | Value::Class(_) | Value::Native(_)
                    )
            });
            plain.map(|(name, value)| (Name::clone(name), value.clone())).collect()
        };
        let mut members = Vec::new();
        for (name, value) in entries {
            let instance = self.new_instance(class)?;
            instance.set("name", Value::Str(Name::clone(&name)));
            instance.set("value", value.clone());
            if class.builtin_base().is_some() {
                *instance.payload.borrow_mut() = Some(value);
            }
            let member = Value::Instance(instance);
            class.attributes.borrow_mut().insert(name, member.clone());
            members.push(member);
        }
        let list = Value::tuple(members);
        class.attributes.borrow_mut().insert(Name::from("__members__"), list);
        Ok(())
    }

    /// `Color('red')`: the member with that value.
    pub(crate) fn enum_member(&mut self, class: &Rc<Class>, args: &CallArgs) -> Eval<Value> {
        let Some(wanted) = args.positional.first() else {
            return Err(super::error::wrong_arguments("an enumeration is called with a value"));
        };
        let Some(Value::Tuple(members)) = class.lookup("__members__") else {
            return Err(type_error("the enumeration has no members"));
        };
        for member in members.iter() {
            let value = member.instance().and_then(|instance| instance.attribute("value"));
            let same = match value {
                Some(value) => self.equal(&value, wanted)?,
                None => false,
            };
            if same || self.identical(member, wanted) {
                return Ok(member.clone());
            }
        }
        let text = self.repr(wanted)?;
        Err(value_error(format!("{text} is not a valid {}", class.name)))
    }

    /// `@dataclass`: the fields of a class and its bases, with their defaults.
    pub(crate) fn dataclass_fields(&self, class: &Rc<Class>) -> Vec<(Name, Option<Value>)> {
        let mut fields: OrderedMap<Name, Option<Value>> = OrderedMap::default();
        let mut classes: Vec<&Rc<Class>> = class.mro().collect();
        classes.reverse();
        for class in classes {
            let attributes = class.attributes.borrow();
            let Some(Value::Dict(annotated)) = attributes.get("__annotations__") else { continue };
            for (key, _) in annotated.borrow().values() {
                if let Some(name) = key.as_str() {
                    let default = attributes.get(&*name).cloned();
                    fields.insert(name, default);
                }
            }
        }
        fields.iter().map(|(name, default)| (Name::clone(name), default.clone())).collect()
    }

    /// The `__init__` of a dataclass.
    pub(crate) fn initialise_dataclass(
        &mut self,
        object: &Value,
        mut args: CallArgs,
    ) -> Eval<Value> {
        let Some(instance) = object.instance().cloned() else { return Ok(Value::None) };
        let class = Rc::clone(&instance.class);
        let fields = self.dataclass_fields(&class);
        if args.positional.len() > fields.len() {
            return Err(super::error::wrong_arguments(format!(
                "{}.__init__() takes {} positional arguments but {} were given",
                class.name,
                fields.len() + 1,
                args.positional.len() + 1
            )));
        }
        let mut given = std::mem::take(&mut args.positional).into_iter();
        let mut missing = Vec::new();
        for (name, default) in fields {
            let keyword = args.keywords.iter().position(|(known, _)| *known == name);
            let value = match (given.next(), keyword) {
                (Some(value), None) => Some(value),
                (None, Some(position)) => Some(args.keywords.remove(position).1),
                (Some(_), Some(_)) => {
                    return Err(super::error::wrong_arguments(format!(
                        "{}.__init__() got multiple values for argument '{name}'",
                        class.name
                    )));
                }
                (None, None) => self.default_of_field(default)?,
            };
            match value {
                Some(value) => instance.set(&name, value),
                None => missing.push(name.to_string()),
            }
        }
        self.check_dataclass_arguments(&class, &missing, &args)?;
        if let Some(function) = class.lookup("__post_init__") {
            self.call_values(&function, vec![object.clone()])?;
        }
        Ok(Value::None)
    }

    fn check_dataclass_arguments(
        &self,
        class: &Class,
        missing: &[String],
        args: &CallArgs,
    ) -> Eval<()> {
        if let Some((name, _)) = args.keywords.first() {
            return Err(super::error::wrong_arguments(format!(
                "{}.__init__() got an unexpected keyword argument '{name}'",
                class.name
            )));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let text = super::native::missing_text(missing);
        Err(super::error::wrong_arguments(format!("{}.__init__() {text}", class.name)))
    }

    /// `field(default_factory=list)` is called for every object.
    fn default_of_field(&mut self, default: Option<Value>) -> Eval<Option<Value>> {
        let Some(Value::Instance(field)) = &default else { return Ok(default) };
        if &*field.class.name != "Field" {
            return Ok(default);
        }
        match field.attribute("default_factory") {
            Some(factory) if !factory.is_none() => self.call_values(&factory, vec![]).map(Some),
            _ => Ok(field.attribute("default")),
        }
    }

    /// The order of the class search for `super()` and friends: the method after `class`.
    pub(crate) fn super_attribute(
        &mut self,
        object: &super::value::SuperObject,
        name: &str,
    ) -> Eval<Value> {
        let (start, instance_class) = match &object.object {
            Value::Instance(instance) => (&object.class, Rc::clone(&instance.class)),
            Value::Class(class) => (&object.class, Rc::clone(class)),
            Value::Unknown => return Ok(Value::Unknown),
            other => {
                return Err(type_error(format!(
                    "super(type, obj): obj must be an instance or subtype of type, not {}",
                    other.type_name()
                )));
            }
        };
        if !instance_class.derives_from(start) {
            return Err(type_error("super(type, obj): obj must be an instance or subtype of type"));
        }
        match instance_class.lookup_after(start, name) {
            Some(found) => self.bind_class_attribute(found, &object.object),
            None => self.default_method(&object.object, name).ok_or_else(|| {
                raise(
                    Mistake::UnknownAttribute,
                    "AttributeError",
                    format!("'super' object has no attribute '{name}'"),
                )
            }),
        }
    }
}

/// The class that `typing.NamedTuple` stands for.
const NAMED_TUPLE: &str = "NamedTuple";

/// The annotated names of a class body are the fields of a named tuple, their values defaults.
fn name_fields(attributes: &mut OrderedMap<Name, Value>) {
    let Some(Value::Dict(annotated)) = attributes.get("__annotations__").cloned() else { return };
    let names: Vec<Name> =
        annotated.borrow().values().filter_map(|(key, _)| key.as_str()).collect();
    let defaults: Vec<Value> =
        names.iter().filter_map(|name| attributes.get(&**name).cloned()).collect();
    names.iter().for_each(|name| {
        attributes.remove(&**name);
    });
    let fields = names.into_iter().map(Value::Str).collect();
    attributes.insert("_fields".into(), Value::tuple(fields));
    attributes.insert("_defaults".into(), Value::tuple(defaults));
}

/// Tells a function of a class body whose method it is.
pub(crate) fn adopt(value: &Value, class: &Rc<Class>) {
    match value {
        Value::Function(function) => {
            function.owner.borrow_mut().get_or_insert_with(|| Rc::downgrade(class));
        }
        Value::Wrapper(wrapper) => match &**wrapper {
            Wrapper::Static(inner) | Wrapper::Class(inner) => adopt(inner, class),
            Wrapper::Property { get, set } => {
                adopt(get, class);
                if let Some(set) = set {
                    adopt(set, class);
                }
            }
        },
        _ => {}
    }
}
