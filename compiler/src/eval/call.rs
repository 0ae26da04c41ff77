//! Calls: of the program's functions (with Python's binding of arguments and its complaints), of
//! classes, of modules (`forward`), of native functions.

use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{Expr, FunctionDef, Name, Parameter};

use super::error::{Eval, Fix, Mistake, Stop, raise, silent, type_error, wrong_arguments};
use super::interpreter::{Flow, Interpreter};
use super::native::{CallArgs, Native, missing_text, signature};
use super::object::{Class, Instance};
use super::scope::{Locals, Scope, ScopeKind, function_locals};
use super::value::{Function, Value, Wrapper};

impl Interpreter<'_> {
    /// Calls a value with positional arguments.
    pub(crate) fn call_values(&mut self, function: &Value, values: Vec<Value>) -> Eval<Value> {
        self.call(function, CallArgs::positional(values))
    }

    /// Calls a value.
    pub(crate) fn call(&mut self, function: &Value, args: CallArgs) -> Eval<Value> {
        self.fuel.step()?;
        self.fuel.enter()?;
        let result = self.call_inner(function, args);
        self.fuel.leave();
        result
    }

    fn call_inner(&mut self, function: &Value, args: CallArgs) -> Eval<Value> {
        match function {
            Value::Function(function) => self.call_function(function, args),
            Value::Native(native) => self.call_native(native, args),
            Value::Bound(bound) => self.call(&bound.1, args.with_first(bound.0.clone())),
            Value::Partial(partial) => {
                let mut all = CallArgs::positional(partial.positional.clone());
                all.positional.extend(args.positional);
                let given = |name: &Name| args.keywords.iter().any(|(known, _)| known == name);
                let kept = partial.keywords.iter().filter(|(name, _)| !given(name)).cloned();
                all.keywords = kept.collect();
                all.keywords.extend(args.keywords.iter().cloned());
                self.call(&partial.function, all)
            }
            Value::Class(class) => self.instantiate(class, args),
            Value::Instance(instance) => self.call_instance(instance, args),
            Value::Wrapper(wrapper) => match &**wrapper {
                Wrapper::Static(inner) | Wrapper::Class(inner) => self.call(inner, args),
                Wrapper::Property { .. } => Err(type_error("'property' object is not callable")),
            },
            Value::DType(_) => Err(type_error("'torch.dtype' object is not callable")),
            Value::Unknown => Ok(Value::Unknown),
            Value::Opaque(opaque) if opaque.inert => Ok(super::modules::inert_call(opaque, &args)),
            Value::Opaque(opaque) => Err(super::modules::opaque_use(opaque)),
            other => Err(not_callable(other)),
        }
    }

    /// Calls a native function.
    pub(crate) fn call_native(&mut self, native: &'static Native, args: CallArgs) -> Eval<Value> {
        let signature = signature(&mut self.signatures, native);
        let args = signature.bind(native.name, args)?;
        let result = match (native.run)(self, &args) {
            Err(stop) if matches!(*stop, Stop::Silent) && args.any_unknown() => Ok(Value::Unknown),
            other => other,
        };
        self.absorb_misfit(native.name, result)
    }

    /// Reports operands that do not fit; what they would have given is unknown.
    pub(crate) fn absorb_misfit(&mut self, subject: &str, result: Eval<Value>) -> Eval<Value> {
        match result {
            Err(stop) => match *stop {
                Stop::Shape(error) => {
                    let provenance = self.provenance();
                    self.report_shape_error(error, subject, &provenance);
                    Ok(Value::Unknown)
                }
                other => Err(Box::new(other)),
            },
            ok => ok,
        }
    }

    /// Evaluates decorators and defaults of a `def`.
    pub(crate) fn define_function(
        &mut self,
        def: &Arc<FunctionDef>,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let mut value = self.make_function(def, scope)?;
        for decorator in def.decorators.iter().rev() {
            value = self.decorate(decorator, value, scope)?;
        }
        Ok(value)
    }

    /// Applies a decorator; those that nasc cannot know leave the function as it is.
    pub(crate) fn decorate(
        &mut self,
        decorator: &Expr,
        value: Value,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let function = self.expression(decorator, scope)?;
        if let Value::Opaque(opaque) = &function
            && opaque.inert
        {
            return Ok(value);
        }
        self.visit(decorator.span);
        self.call_values(&function, vec![value]).map_err(|stop| stop.at(decorator.span))
    }

    /// A function value without decorators.
    pub(crate) fn make_function(
        &mut self,
        def: &Arc<FunctionDef>,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        if def.is_async {
            return Err(super::error::refuse(
                Mistake::UnsupportedSyntax,
                "nasc does not run coroutines",
            ));
        }
        self.fuel.allocate(4)?;
        let positional = def.params.positional_only.iter().chain(&def.params.regular);
        let defaults = self.defaults(positional, scope)?;
        let keyword_defaults = self.defaults(def.params.keyword_only.iter(), scope)?;
        self.capture(scope);
        let locals = self.locals_of(def);
        Ok(Value::Function(Rc::new(Function {
            def: Arc::clone(def),
            qualified_name: Name::clone(&def.name),
            closure: Rc::clone(scope),
            locals,
            defaults,
            keyword_defaults,
            owner: Default::default(),
            attributes: Default::default(),
        })))
    }

    fn defaults<'p>(
        &mut self,
        parameters: impl Iterator<Item = &'p Parameter>,
        scope: &Rc<Scope>,
    ) -> Eval<Vec<Option<Value>>> {
        parameters
            .map(|parameter| match &parameter.default {
                Some(default) => self.expression(default, scope).map(Some),
                None => Ok(None),
            })
            .collect()
    }

    fn locals_of(&mut self, def: &Arc<FunctionDef>) -> Rc<Locals> {
        let key = Arc::as_ptr(def) as usize;
        let analysed = || Rc::new(function_locals(def));
        Rc::clone(self.function_locals.entry(key).or_insert_with(analysed))
    }

    fn call_function(&mut self, function: &Rc<Function>, args: CallArgs) -> Eval<Value> {
        let locals = Rc::clone(&function.locals);
        let parent = Some(Rc::clone(&function.closure));
        let scope = Scope::new(ScopeKind::Function, locals, parent);
        if let Some(owner) = function.owner.borrow().as_ref().and_then(std::rc::Weak::upgrade) {
            let object = args.positional.first().cloned().unwrap_or(Value::None);
            *scope.method.borrow_mut() = Some((owner, object));
        }
        bind(function, args, &scope)?;
        let outer = self.site;
        let result = if function.def.is_generator {
            self.run_generator(function, &scope)
        } else {
            self.run_body(function, &scope)
        };
        if result.is_ok() {
            self.site = outer;
        }
        result
    }

    fn run_body(&mut self, function: &Function, scope: &Rc<Scope>) -> Eval<Value> {
        match self.block(&function.def.body, scope)? {
            Flow::Return(value) => Ok(value),
            Flow::Next | Flow::Break | Flow::Continue => Ok(Value::None),
        }
    }

    /// Runs a generator to its end and keeps what it yields.
    fn run_generator(&mut self, function: &Function, scope: &Rc<Scope>) -> Eval<Value> {
        self.yields.push(Vec::new());
        let result = self.run_body(function, scope);
        let values = self.yields.pop().unwrap_or_default();
        result.map(|_| Value::items(values))
    }

    /// Makes an instance and initialises it.
    pub(crate) fn instantiate(&mut self, class: &Rc<Class>, args: CallArgs) -> Eval<Value> {
        if let Some(make) = class.attributes.borrow().get("__make__").cloned() {
            return self.call(&make, args);
        }
        if class.is_native("Enum") {
            return self.enum_member(class, &args);
        }
        let instance = self.new_instance(class)?;
        let value = Value::Instance(Rc::clone(&instance));
        if let Some(builtin) = class.builtin_base() {
            self.initialise_builtin(&instance, builtin, &args)?;
        }
        match class.lookup("__init__") {
            Some(initialiser) => {
                self.call(&initialiser, args.with_first(value.clone()))?;
            }
            None if class.builtin_base().is_some() => {}
            None if args.positional.is_empty() && args.keywords.is_empty() => {}
            None => return Err(wrong_arguments(format!("{}() takes no arguments", class.name))),
        }
        Ok(value)
    }

    fn call_instance(&mut self, instance: &Rc<Instance>, args: CallArgs) -> Eval<Value> {
        let value = Value::Instance(Rc::clone(instance));
        if let Some(function) = instance.class.lookup("__call__") {
            return self.call(&function, args.with_first(value));
        }
        if instance.class.is_module {
            return self.call_module(instance, args);
        }
        Err(raise(
            Mistake::NotCallable,
            "TypeError",
            format!("'{}' object is not callable", instance.class.name),
        ))
    }

    /// Runs the `forward` of a module.
    pub(crate) fn call_module(&mut self, instance: &Rc<Instance>, args: CallArgs) -> Eval<Value> {
        self.called_modules.insert(instance.address());
        if instance.module.borrow().is_none() {
            return Err(missing_super_init(&instance.class.name, "use"));
        }
        let own = instance.attribute("forward");
        let (forward, args) = match own {
            Some(forward) => (forward, args),
            None => match instance.class.lookup("forward") {
                Some(forward) => (forward, args.with_first(Value::Instance(Rc::clone(instance)))),
                None => return Err(missing_forward(instance, self.module_stack.is_empty())),
            },
        };
        self.module_stack.push(Rc::clone(instance));
        let result = self.call(&forward, args);
        self.module_stack.pop();
        result
    }

    /// A layer that could not be made becomes unknown, so that later mistakes are found, too.
    pub(crate) fn recover_layer(&mut self, function: &Value, stop: Box<Stop>) -> Eval<Value> {
        let is_layer = matches!(function, Value::Class(class) if class.layer.is_some());
        if !is_layer || self.protected > 0 {
            return Err(stop);
        }
        match *stop {
            Stop::Raise(exception) => {
                let diagnostic = exception.into_diagnostic(self.site);
                self.report(diagnostic);
                Ok(Value::Unknown)
            }
            other => Err(Box::new(other)),
        }
    }
}

/// `'tuple' object is not callable`, with what was probably meant.
fn not_callable(value: &Value) -> Box<Stop> {
    let message = format!("'{}' object is not callable", value.type_name());
    let error = raise(Mistake::NotCallable, "TypeError", message);
    match value {
        Value::Tuple(items) => match items.as_ref() {
            [only] if only.module().is_some() => {
                error.help("remove the comma behind its definition: it makes a tuple")
            }
            items if items.iter().all(|item| item.module().is_none()) => {
                error.help("take an element with brackets: `x.shape[0]`")
            }
            _ => error.help("call the elements, one after the other"),
        },
        Value::List(_) => {
            error.help("call the elements, one after the other, or use nn.Sequential")
        }
        _ => error,
    }
}

/// `cannot assign module before Module.__init__() call`
pub(crate) fn missing_super_init(class: &str, what: &str) -> Box<Stop> {
    let message = match what {
        "module" => String::from("cannot assign module before Module.__init__() call"),
        "parameters" => String::from("cannot assign parameters before Module.__init__() call"),
        _ => format!("'{class}' was not initialised as a module"),
    };
    raise(Mistake::MissingSuperInit, "AttributeError", message)
        .help("call `super().__init__()` first in `__init__`")
        .fix(Fix::SuperInit)
}

/// `is_called_by_user` is false where the program itself calls the module: then the call is the place.
fn missing_forward(instance: &Rc<Instance>, is_called_by_user: bool) -> Box<Stop> {
    let class = &instance.class;
    let error = raise(
        Mistake::MissingForward,
        "NotImplementedError",
        format!("Module [{}] is missing the required \"forward\" function", class.name),
    );
    if class.is_native("ModuleList") {
        return error
            .help("a ModuleList only holds modules: call them one by one, or use nn.Sequential");
    }
    let attributes = class.attributes.borrow();
    let names = attributes.keys().map(|name| &**name);
    let Some(close) = super::suggest::closest("forward", names) else {
        return error.help("define `def forward(self, x):`");
    };
    let error = match attributes.get(close) {
        Some(Value::Function(function)) if is_called_by_user => error.at(function.def.name_span),
        _ => error,
    };
    let (wrong, right) = (close.to_string(), String::from("forward"));
    error.help(format!("rename `{close}` to `forward`")).fix(Fix::Name { wrong, right })
}

/// Binds arguments to the parameters of a function.
fn bind(function: &Function, args: CallArgs, scope: &Scope) -> Eval<()> {
    let params = &function.def.params;
    let positional: Vec<&Parameter> =
        params.positional_only.iter().chain(&params.regular).collect();
    let mut rest = Vec::new();
    let given = args.positional.len();
    for (position, value) in args.positional.into_iter().enumerate() {
        match positional.get(position) {
            Some(parameter) => scope.set(&parameter.name, value),
            None if params.var_args.is_some() => rest.push(value),
            None => return Err(too_many(function, positional.len(), given)),
        }
    }
    if let Some(parameter) = &params.var_args {
        scope.set(&parameter.name, Value::tuple(rest));
    }
    bind_keywords(function, args.keywords, scope)?;
    let missing = bind_defaults(&positional, &function.defaults, scope);
    if !missing.is_empty() {
        let text = missing_text(&missing);
        return Err(wrong_arguments(format!("{}() {text}", display_name(function))));
    }
    let keyword_only: Vec<&Parameter> = params.keyword_only.iter().collect();
    let missing = bind_defaults(&keyword_only, &function.keyword_defaults, scope);
    if !missing.is_empty() {
        let text = missing_text(&missing).replace("positional", "keyword-only");
        return Err(wrong_arguments(format!("{}() {text}", display_name(function))));
    }
    Ok(())
}

fn bind_keywords(function: &Function, keywords: Vec<(Name, Value)>, scope: &Scope) -> Eval<()> {
    let params = &function.def.params;
    let mut extra = Vec::new();
    for (name, value) in keywords {
        let known = params.regular.iter().chain(&params.keyword_only).any(|p| p.name == name);
        if known && scope.get(&name).is_some() {
            return Err(wrong_arguments(format!(
                "{}() got multiple values for argument '{name}'",
                display_name(function)
            )));
        }
        if known {
            scope.set(&name, value);
        } else if params.var_kwargs.is_some() {
            extra.push((name, value));
        } else {
            return Err(unexpected_keyword(function, &name));
        }
    }
    if let Some(parameter) = &params.var_kwargs {
        let mut map = super::ordered::OrderedMap::default();
        for (name, value) in extra {
            map.insert(super::value::Key::Str(Arc::clone(&name)), (Value::Str(name), value));
        }
        scope.set(&parameter.name, Value::dict(map));
    }
    Ok(())
}

fn unexpected_keyword(function: &Function, name: &str) -> Box<Stop> {
    let error = wrong_arguments(format!(
        "{}() got an unexpected keyword argument '{name}'",
        display_name(function)
    ));
    let params = &function.def.params;
    let names = params.regular.iter().chain(&params.keyword_only).map(|p| &*p.name);
    match super::suggest::closest(name, names) {
        Some(close) => {
            let (wrong, right) = (name.to_string(), close.to_string());
            error.help(format!("did you mean `{close}`?")).fix(Fix::Keyword { wrong, right })
        }
        None => error,
    }
}

/// Fills in defaults; the names that have none.
fn bind_defaults(
    parameters: &[&Parameter],
    defaults: &[Option<Value>],
    scope: &Scope,
) -> Vec<String> {
    let mut missing = Vec::new();
    for (parameter, default) in parameters.iter().zip(defaults) {
        if scope.get(&parameter.name).is_some() {
            continue;
        }
        match default {
            Some(value) => scope.set(&parameter.name, value.clone()),
            None => missing.push(parameter.name.to_string()),
        }
    }
    missing
}

fn too_many(function: &Function, takes: usize, given: usize) -> Box<Stop> {
    let optional = function.defaults.iter().filter(|default| default.is_some()).count();
    let range = if optional > 0 {
        format!("from {} to {takes}", takes - optional)
    } else {
        takes.to_string()
    };
    wrong_arguments(format!(
        "{}() takes {range} positional argument{} but {given} {} given",
        display_name(function),
        if takes == 1 && optional == 0 { "" } else { "s" },
        if given == 1 { "was" } else { "were" },
    ))
}

/// `Block.forward` for a method, `make_layer` for a function.
fn display_name(function: &Function) -> String {
    match function.owner.borrow().as_ref().and_then(std::rc::Weak::upgrade) {
        Some(class) => format!("{}.{}", class.name, function.qualified_name),
        None => function.qualified_name.to_string(),
    }
}

/// Stops silently if a value is unknown.
pub(crate) fn known(value: &Value) -> Eval<()> {
    if value.is_unknown() { Err(silent()) } else { Ok(()) }
}
