//! Which network a file holds, and its trace: the last class or factory that needs no arguments,
//! or the expression that was asked for.

use std::rc::Rc;

use crate::ast::visit::{all_expressions, expressions_of};
use crate::ast::{Expr, ExprKind, Module, Name, Stmt, StmtKind};
use crate::ir::{Graph, ValueId};
use crate::source::{SourceFile, Span};
use crate::syntax::{self, SourceLimits};

use super::CompileOptions;
use super::error::{Eval, Exception, Fix, Mistake, Stop, raise};
use super::interpreter::Interpreter;
use super::native::CallArgs;
use super::object::{Class, Instance};
use super::package::MAIN;
use super::prune::prune;
use super::value::{Source, Tensor, Value};

/// The chosen network.
pub(crate) struct Entry {
    pub text: String,
    pub reason: String,
    pub module: Rc<Instance>,
    /// Where it is defined.
    pub span: Option<Span>,
}

/// A network with its graph, not yet checked.
pub(crate) struct Traced {
    pub graph: Graph,
    pub entry: Entry,
}

impl Interpreter<'_> {
    /// Runs a file, makes its network and calls it. `None` after a mistake, which is recorded.
    pub(crate) fn trace(&mut self, module: &Module, options: &CompileOptions) -> Option<Traced> {
        let result = self.trace_inner(module, options);
        match result {
            Ok(traced) => Some(traced),
            Err(stop) => {
                self.report_stop(*stop);
                None
            }
        }
    }

    fn trace_inner(&mut self, module: &Module, options: &CompileOptions) -> Eval<Traced> {
        let globals = Rc::clone(&self.globals);
        let package = Value::str(options.package.as_str());
        globals.set(&Name::from("__package__"), package);
        self.run_module(&module.body, &globals)?;
        if let Some(first) = module.body.first() {
            self.site = first.span;
        }
        let entry = match &options.entry {
            Some(text) => self.asked_entry(text)?,
            None => self.find_entry(&module.body)?,
        };
        if let Some(span) = entry.span {
            self.site = span;
        }
        self.register_network(&entry.module)?;
        let first_node = self.builder.graph().nodes.len();
        let inputs: Vec<Value> = options
            .inputs
            .iter()
            .map(|tensor_type| {
                let value = self.builder.input(tensor_type.clone());
                Value::Tensor(Tensor::new(tensor_type.clone(), Source::Graph(value)))
            })
            .collect();
        let network = Value::Instance(Rc::clone(&entry.module));
        self.called_modules.clear();
        self.made_in_forward.clear();
        let result = self.call(&network, CallArgs::positional(inputs))?;
        let outputs = self.outputs(&result)?;
        self.check_batch(&outputs);
        self.warn(&entry.module);
        self.warn_logits(&outputs);
        let graph = std::mem::take(&mut self.builder).finish(outputs);
        Ok(Traced { graph: prune(graph, first_node), entry })
    }

    /// The tensors of a result, in order.
    fn outputs(&mut self, result: &Value) -> Eval<Vec<ValueId>> {
        match result {
            Value::Tensor(tensor) => Ok(vec![self.materialise(tensor)?]),
            Value::Unknown => Err(super::error::silent()),
            Value::Tuple(_) | Value::List(_) => {
                let items = self.collect(result)?;
                self.all_outputs(&items)
            }
            Value::Dict(_) => {
                let pairs = self.mapping_items(result)?;
                let items: Vec<Value> = pairs.into_iter().map(|(_, value)| value).collect();
                self.all_outputs(&items)
            }
            Value::Instance(instance) => {
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.outputs(&payload),
                    None => Err(bad_output(result)),
                }
            }
            other => Err(bad_output(other)),
        }
    }

    fn all_outputs(&mut self, items: &[Value]) -> Eval<Vec<ValueId>> {
        let mut outputs = Vec::new();
        for item in items.iter().filter(|item| !item.is_none()) {
            outputs.extend(self.outputs(item)?);
        }
        if outputs.is_empty() {
            return Err(bad_output(&Value::None));
        }
        Ok(outputs)
    }

    fn asked_entry(&mut self, text: &str) -> Eval<Entry> {
        let source = SourceFile::new("--entry", text);
        // The expression has no place in the file; mistakes in it point at its beginning.
        let limits = SourceLimits::standard();
        let parsed = syntax::parse(&source, MAIN, &limits)
            .map_err(|error| bad_entry(format!("the entry `{text}` is no expression: {error}")))?;
        let [Stmt { kind: StmtKind::Expr(expr), .. }] = parsed.body.as_slice() else {
            return Err(bad_entry(format!("the entry `{text}` is not one expression")));
        };
        let globals = Rc::clone(&self.globals);
        let start = self.site;
        let mut value =
            self.expression(expr, &globals).map_err(|stop| of_entry(stop, text, expr, start))?;
        let mut shown = String::from(text);
        if let Value::Class(_) | Value::Function(_) = value {
            value = self.call_values(&value, Vec::new())?;
            shown.push_str("()");
        }
        match value.module() {
            Some(module) => Ok(Entry {
                text: shown,
                reason: String::from("asked for"),
                module: Rc::clone(module),
                span: module.class.span,
            }),
            None => Err(bad_entry(format!(
                "the entry `{text}` is {}, not a network",
                value.type_name()
            ))),
        }
    }

    /// The last class or factory of the file that can be made without arguments.
    fn find_entry(&mut self, body: &[Stmt]) -> Eval<Entry> {
        let mut failed_factory = None;
        for (name, span) in definitions(body).into_iter().rev() {
            let globals = Rc::clone(&self.globals);
            match globals.get(&name) {
                Some(Value::Class(class)) if class.is_module && !needs_arguments(&class) => {
                    self.site = span;
                    let value = self.instantiate(&class, CallArgs::default())?;
                    return self.made_entry(&name, &value, span, "class");
                }
                Some(function @ Value::Function(_)) if is_factory(&function) => {
                    match self.try_factory(&function, span) {
                        Ok(Some(value)) => {
                            return self.made_entry(&name, &value, span, "factory function");
                        }
                        Ok(None) => {}
                        Err(stop) => failed_factory = failed_factory.or(Some(stop)),
                    }
                }
                _ => {}
            }
        }
        Err(failed_factory.unwrap_or_else(|| self.no_network(body)))
    }

    fn made_entry(&self, name: &Name, value: &Value, span: Span, kind: &str) -> Eval<Entry> {
        match value.module() {
            Some(module) => Ok(Entry {
                text: format!("{name}()"),
                reason: format!("the last {kind} of the file that needs no arguments"),
                module: Rc::clone(module),
                span: Some(span),
            }),
            None => Err(bad_entry(format!("`{name}()` does not make a network"))),
        }
    }

    /// Calls a function that may make a network; what it reports counts only if it does.
    fn try_factory(&mut self, function: &Value, span: Span) -> Eval<Option<Value>> {
        let known = self.diagnostics.len();
        self.site = span;
        match self.call_values(function, Vec::new()) {
            Ok(value) if value.module().is_some() => Ok(Some(value)),
            Ok(_) => {
                self.diagnostics.truncate(known);
                Ok(None)
            }
            Err(stop) => {
                self.module_stack.clear();
                Err(stop)
            }
        }
    }

    fn no_network(&self, body: &[Stmt]) -> Box<Stop> {
        let error = raise(
            Mistake::NoNetwork,
            "",
            "the file holds no network that can be made without arguments",
        );
        let named = |name: &str| match self.globals.get(name) {
            Some(Value::Class(class)) if class.is_module => class.span,
            _ => None,
        };
        let made =
            calls(body).into_iter().rev().find_map(|(name, call)| Some((named(name)?, call)));
        let classes = definitions(body).into_iter().rev();
        let mut networks = classes.filter(|(name, _)| named(name).is_some());
        match (made, networks.next()) {
            (Some((span, call)), _) => error.at(span).help(format!(
                "name the entry as the file makes it: --entry '{}'",
                shown(call)
            )),
            (None, Some((name, span))) => error
                .at(span)
                .help(format!("give every parameter of `{name}.__init__` a default, or name an entry such as `{name}(...)`")),
            (None, None) => error.help("define a class that derives from nn.Module"),
        }
    }
}

/// A call of a plain name, with the name.
fn named_call(expr: &Expr) -> Option<(&Name, &Expr)> {
    let ExprKind::Call { func, .. } = &*expr.kind else { return None };
    match &*func.kind {
        ExprKind::Name(name) => Some((name, expr)),
        _ => None,
    }
}

/// The text of an expression in one line.
fn shown(expr: &Expr) -> String {
    let statement = Stmt { kind: StmtKind::Expr(expr.clone()), span: expr.span };
    let body = vec![statement];
    crate::ast::print(&Module { body }).trim_end().to_string()
}

/// Calls of plain names outside of classes and functions, in order, `__main__` included.
fn calls(body: &[Stmt]) -> Vec<(&Name, &Expr)> {
    let own = body.iter().filter(|statement| {
        !matches!(statement.kind, StmtKind::ClassDef(_) | StmtKind::FunctionDef(_))
    });
    let all = own.flat_map(|statement| all_expressions(std::slice::from_ref(statement)));
    let mut found: Vec<(&Name, &Expr)> = all.filter_map(named_call).collect();
    found.sort_by_key(|(_, call)| call.span.start);
    found
}

/// Classes and functions of the file in order, with the places of their names.
fn definitions(body: &[Stmt]) -> Vec<(Name, Span)> {
    body.iter()
        .filter_map(|statement| match &statement.kind {
            StmtKind::ClassDef(def) => Some((Name::clone(&def.name), def.name_span)),
            StmtKind::FunctionDef(def) => Some((Name::clone(&def.name), def.name_span)),
            _ => None,
        })
        .collect()
}

/// Whether `__init__` has parameters without defaults besides `self`.
fn needs_arguments(class: &Rc<Class>) -> bool {
    match class.lookup("__init__") {
        Some(Value::Function(function)) => {
            let positional = function.defaults.iter().skip(1);
            positional.chain(&function.keyword_defaults).any(Option::is_none)
        }
        Some(Value::Native(native)) => {
            let parameters = native.signature.split(", ").skip(1);
            let mut required =
                parameters.filter(|part| !part.contains('=') && !part.starts_with('*'));
            required.next().is_some()
        }
        _ => false,
    }
}

/// Whether a function needs no arguments and returns something.
fn is_factory(function: &Value) -> bool {
    let Value::Function(function) = function else { return false };
    let mut defaults = function.defaults.iter().chain(&function.keyword_defaults);
    defaults.all(Option::is_some) && returns_value(&function.def.body)
}

fn returns_value(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match &statement.kind {
        StmtKind::Return(value) => value.is_some(),
        StmtKind::If { body, orelse, .. }
        | StmtKind::For { body, orelse, .. }
        | StmtKind::While { body, orelse, .. } => returns_value(body) || returns_value(orelse),
        StmtKind::With { body, .. } | StmtKind::Try { body, .. } => returns_value(body),
        _ => false,
    })
}

fn bad_entry(message: String) -> Box<Stop> {
    raise(Mistake::BadEntry, "", message).help("name a class or a call such as `Net()`")
}

fn bad_output(value: &Value) -> Box<Stop> {
    let error = raise(
        Mistake::BadOutput,
        "TypeError",
        format!("the network returns {}, not a tensor", value.type_name()),
    );
    match value {
        Value::None => error.help("end `forward` with `return`"),
        Value::Opaque(opaque) => match super::modules::opaque_use(opaque) {
            stop if matches!(*stop, Stop::Refuse(_)) => stop,
            _ => error,
        },
        _ => error.help("return the tensor that holds the result"),
    }
}

/// A mistake of the entry expression itself speaks of the entry, at a place of the file.
fn of_entry(mut stop: Box<Stop>, text: &str, entry: &Expr, span: Span) -> Box<Stop> {
    let (Stop::Raise(exception) | Stop::Refuse(exception)) = &mut *stop else { return stop };
    match exception.mistake {
        Mistake::WrongArguments => exception.span = Some(span),
        Mistake::UnknownName => {
            let mut waiting = vec![entry];
            while let Some(expr) = waiting.pop() {
                if let ExprKind::Name(name) = &*expr.kind
                    && exception.message == format!("name '{name}' is not defined")
                {
                    let (close, wrong) = (exception.fix.take(), name);
                    let error = Exception::new(
                        Mistake::BadEntry,
                        exception.class,
                        format!(
                            "the entry `{text}` names `{wrong}`, which the file does not define"
                        ),
                    );
                    *exception = Exception { span: Some(span), ..error };
                    exception.help = Some(match close {
                        Some(Fix::Name { right, .. }) => format!("did you mean `{right}`?"),
                        _ => String::from("name a class or function of the file"),
                    });
                    break;
                }
                waiting.extend(expressions_of(expr));
            }
        }
        _ => {}
    }
    stop
}
