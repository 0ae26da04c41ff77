//! The interpreter's state, and the execution of statements. One interpreter evaluates one
//! program; everything it made is freed with it, cycles included.

use std::collections::{BTreeSet, HashMap};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::ast::{Expr, ExprKind, Name, Stmt, StmtKind};
use crate::diagnostic::Diagnostic;
use crate::ir::{GraphBuilder, ModuleId};
use crate::source::{SourceProvider, Span};

use super::error::{Eval, Exception, Mistake, Stop};
use super::fuel::{Fuel, Limits};
use super::native::SignatureCache;
use super::object::{Class, Instance};
use super::package::Package;
use super::scope::{Locals, Scope, ScopeKind};
use super::value::{Key, Opaque, Value};

/// What a statement does to the flow of control.
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// The state of one evaluation.
pub(crate) struct Interpreter<'a> {
    pub fuel: Fuel,
    pub builder: GraphBuilder,
    /// Mistakes found so far.
    pub diagnostics: Vec<Diagnostic>,
    /// The operation of the program that runs now.
    pub site: Span,
    /// Modules whose `forward` runs, outermost first.
    pub module_stack: Vec<Rc<Instance>>,
    /// Widths of layers that take them from their input.
    pub lazy_widths: super::lazy::LazyWidths,
    /// Whether the arithmetic that runs now was called by its name, not written as an operator.
    pub by_name: bool,
    /// Whether modules are in training mode when they are made.
    pub training: bool,
    pub globals: Rc<Scope>,
    /// Classes that nasc defines, made at first use.
    pub native_classes: HashMap<&'static str, Rc<Class>>,
    pub signatures: SignatureCache,
    /// Analysed functions, by address of their definition.
    pub function_locals: HashMap<usize, Rc<Locals>>,
    /// Registered modules, by address.
    pub module_ids: HashMap<usize, ModuleId>,
    /// Layers with a state of their own that were made while a `forward` ran: class and place.
    pub made_in_forward: Vec<(&'static str, Span)>,
    /// Addresses of the modules called so far.
    pub called_modules: BTreeSet<usize>,
    /// Places where a −1 took the batch in with other dimensions.
    pub merged_batches: BTreeSet<Span>,
    /// Values that `yield` collected, one list per running generator.
    pub yields: Vec<Vec<Value>>,
    /// Exceptions being handled, for a bare `raise`.
    pub handling: Vec<Exception>,
    /// How many `try` bodies run.
    pub protected: usize,
    /// Where other files come from.
    pub sources: &'a dyn SourceProvider,
    /// Modules of other files that were asked for; `None` where there is none.
    pub packages: HashMap<Name, Option<Rc<Package>>>,
    captured: Vec<Weak<Scope>>,
    instances: Vec<Weak<Instance>>,
}

impl Drop for Interpreter<'_> {
    /// Functions and their scopes hold each other; this unties them.
    fn drop(&mut self) {
        for scope in self.captured.iter().filter_map(Weak::upgrade) {
            scope.variables.take();
            scope.method.take();
            scope.stars.take();
        }
        for instance in self.instances.iter().filter_map(Weak::upgrade) {
            instance.attributes.take();
            instance.module.take();
            instance.payload.take();
        }
        self.globals.variables.take();
        self.globals.stars.take();
    }
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(
        limits: Limits,
        training: bool,
        start: Span,
        sources: &'a dyn SourceProvider,
    ) -> Self {
        let globals = Scope::new(ScopeKind::Module, Rc::default(), None);
        Interpreter {
            fuel: Fuel::new(limits),
            builder: GraphBuilder::new(),
            diagnostics: Vec::new(),
            site: start,
            module_stack: Vec::new(),
            lazy_widths: super::lazy::LazyWidths::default(),
            by_name: false,
            training,
            globals,
            native_classes: HashMap::new(),
            signatures: SignatureCache::new(),
            function_locals: HashMap::new(),
            module_ids: HashMap::new(),
            made_in_forward: Vec::new(),
            called_modules: BTreeSet::new(),
            merged_batches: BTreeSet::new(),
            yields: Vec::new(),
            handling: Vec::new(),
            protected: 0,
            captured: Vec::new(),
            instances: Vec::new(),
            sources,
            packages: HashMap::new(),
        }
    }
}

impl Interpreter<'_> {
    /// Remembers a scope that a function captured.
    pub(crate) fn capture(&mut self, scope: &Rc<Scope>) {
        let known = |last: &Weak<Scope>| std::ptr::eq(last.as_ptr(), Rc::as_ptr(scope));
        if !self.captured.last().is_some_and(known) {
            self.captured.push(Rc::downgrade(scope));
        }
    }

    /// A new instance, remembered for the end.
    pub(crate) fn new_instance(&mut self, class: &Rc<Class>) -> Eval<Rc<Instance>> {
        self.fuel.allocate(8)?;
        let instance = Rc::new(Instance::new(Rc::clone(class)));
        instance.declared.set(Some(self.site));
        self.note_made_in_forward(class);
        self.instances.push(Rc::downgrade(&instance));
        Ok(instance)
    }

    /// Records a mistake, once per place and code.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        let same =
            |known: &Diagnostic| known.code == diagnostic.code && known.span() == diagnostic.span();
        if !self.diagnostics.iter().any(same) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Records why evaluation stopped.
    pub(crate) fn report_stop(&mut self, stop: Stop) {
        match stop {
            Stop::Raise(exception) | Stop::Refuse(exception) => {
                let diagnostic = exception.into_diagnostic(self.site);
                self.report(diagnostic);
            }
            Stop::Shape(error) => {
                let provenance = self.provenance();
                self.report_shape_error(error, "the operation", &provenance);
            }
            Stop::Silent => {}
        }
    }

    /// Runs the statements of the file. A statement that nasc does not understand is skipped, and
    /// the names it would have bound say why when they are used.
    pub(crate) fn run_module(&mut self, body: &[Stmt], globals: &Rc<Scope>) -> Eval<()> {
        for statement in body {
            if is_main_guard(statement) {
                continue;
            }
            match self.execute(statement, globals) {
                Ok(_) => {}
                Err(stop) => self.skip_statement(statement, *stop, globals)?,
            }
        }
        Ok(())
    }

    fn skip_statement(&mut self, statement: &Stmt, stop: Stop, globals: &Rc<Scope>) -> Eval<()> {
        let is_other_file = statement.span.file != super::package::MAIN;
        let exception = match stop {
            Stop::Refuse(exception) if !is_budget(exception.mistake) => exception,
            Stop::Raise(exception) if is_other_file => exception,
            Stop::Silent => return Ok(()),
            other => return Err(Box::new(other)),
        };
        for name in super::scope::bound_names(statement) {
            let reason = Some(exception.clone());
            let opaque = Opaque { name: name.to_string(), inert: false, reason };
            globals.set(&name, Value::Opaque(Rc::new(opaque)));
        }
        Ok(())
    }

    /// Runs statements until one leaves the block.
    pub(crate) fn block(&mut self, body: &[Stmt], scope: &Rc<Scope>) -> Eval<Flow> {
        for statement in body {
            match self.execute(statement, scope)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    /// Runs one statement.
    pub(crate) fn execute(&mut self, statement: &Stmt, scope: &Rc<Scope>) -> Eval<Flow> {
        self.fuel.step()?;
        self.fuel.enter()?;
        let result = self.statement(statement, scope);
        self.fuel.leave();
        result.map_err(|stop| stop.at(statement.span))
    }

    fn statement(&mut self, statement: &Stmt, scope: &Rc<Scope>) -> Eval<Flow> {
        match &statement.kind {
            StmtKind::FunctionDef(def) => {
                let function = self.define_function(def, scope)?;
                scope.assign(&def.name, function);
            }
            StmtKind::ClassDef(def) => {
                self.visit(statement.span);
                let class = self.define_class(def, scope)?;
                scope.assign(&def.name, class);
            }
            StmtKind::Return(value) => {
                return Ok(Flow::Return(self.optional(value.as_ref(), scope)?));
            }
            StmtKind::Assign { targets, value } => {
                let value = self.expression(value, scope)?;
                for target in targets {
                    self.assign(target, value.clone(), scope)?;
                }
            }
            StmtKind::AugAssign { target, op, value } => {
                self.augmented_assign(target, *op, value, scope)?;
            }
            StmtKind::AnnAssign { target, annotation, value } => {
                self.annotated_assign(target, annotation, value.as_ref(), scope)?;
            }
            StmtKind::For { target, iter, body, orelse } => {
                return self.for_loop(target, iter, body, orelse, scope);
            }
            StmtKind::While { test, body, orelse } => {
                return self.while_loop(test, body, orelse, scope);
            }
            StmtKind::If { test, body, orelse } => {
                let chosen = if self.condition(test, scope)? { body } else { orelse };
                return self.block(chosen, scope);
            }
            StmtKind::With { items, body } => return self.with(items, body, scope),
            StmtKind::Raise { exc, .. } => return Err(self.raise_statement(exc.as_ref(), scope)?),
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                let flow = self.try_statement(body, handlers, orelse, scope);
                match self.block(finalbody, scope)? {
                    Flow::Next => return flow,
                    other => return Ok(other),
                }
            }
            StmtKind::Assert { test, message } => self.assert(test, message.as_ref(), scope)?,
            StmtKind::Import(names) => self.import(names, scope)?,
            StmtKind::ImportFrom { module, names, level } => {
                self.import_from(module.as_ref(), names, *level, scope)?;
            }
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.delete(target, scope)?;
                }
            }
            StmtKind::Expr(value) => {
                if !matches!(&*value.kind, ExprKind::Str(_)) {
                    self.expression(value, scope)?;
                }
            }
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::Global(_) | StmtKind::Nonlocal(_) | StmtKind::Pass => {}
        }
        Ok(Flow::Next)
    }

    fn optional(&mut self, value: Option<&Expr>, scope: &Rc<Scope>) -> Eval<Value> {
        value.map_or(Ok(Value::None), |value| self.expression(value, scope))
    }

    /// Evaluates a condition to a decided truth.
    pub(crate) fn condition(&mut self, test: &Expr, scope: &Rc<Scope>) -> Eval<bool> {
        let value = self.expression(test, scope)?;
        self.visit(test.span);
        self.truth(&value).map_err(|stop| stop.at(test.span))
    }

    fn annotated_assign(
        &mut self,
        target: &Expr,
        annotation: &Expr,
        value: Option<&Expr>,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if let (ScopeKind::Class, ExprKind::Name(name)) = (scope.kind, &*target.kind) {
            self.note_annotation(name, annotation, scope);
        }
        match value {
            Some(value) => {
                let value = self.expression(value, scope)?;
                self.assign(target, value, scope)
            }
            None => Ok(()),
        }
    }

    /// Keeps the order of annotated names of a class body, for dataclasses.
    fn note_annotation(&mut self, name: &Name, annotation: &Expr, scope: &Rc<Scope>) {
        let is_class_variable = format!("{:?}", annotation.kind).contains("ClassVar");
        if is_class_variable {
            return;
        }
        let key: Name = Name::from("__annotations__");
        let known = scope.get(&key).unwrap_or_else(|| Value::dict(Default::default()));
        if let Value::Dict(entries) = &known {
            let text = Value::Str(Arc::clone(name));
            entries.borrow_mut().insert(Key::Str(Arc::clone(name)), (text, Value::None));
        }
        scope.set(&key, known);
    }
}

fn is_budget(mistake: Mistake) -> bool {
    matches!(mistake, Mistake::OutOfFuel | Mistake::TooDeep | Mistake::OutOfMemory)
}

/// `if __name__ == '__main__':`
fn is_main_guard(statement: &Stmt) -> bool {
    let StmtKind::If { test, .. } = &statement.kind else { return false };
    let ExprKind::Compare { left, rest } = &*test.kind else { return false };
    let is_name =
        |expr: &Expr| matches!(&*expr.kind, ExprKind::Name(name) if &**name == "__name__");
    is_name(left) || rest.iter().any(|(_, right)| is_name(right))
}
