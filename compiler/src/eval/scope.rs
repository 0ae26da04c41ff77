//! Scopes: which names a function binds itself, and the chain that a name is looked up in.
//! Names assigned anywhere in a function are local to all of it, as in Python.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::ast::{Expr, ExprKind, FunctionDef, Name, Stmt, StmtKind};

use super::object::Class;
use super::value::Value;

/// Names that a function binds, and those it declares as someone else's.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    pub bound: HashSet<Name>,
    pub global: HashSet<Name>,
    pub nonlocal: HashSet<Name>,
}

/// What a scope belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Function,
    Class,
}

/// One scope.
#[derive(Debug)]
pub(crate) struct Scope {
    pub kind: ScopeKind,
    pub variables: RefCell<HashMap<Name, Value>>,
    pub locals: Rc<Locals>,
    pub parent: Option<Rc<Scope>>,
    /// Modules that a module imports with `*`.
    pub stars: super::package::Stars,
    /// For `super()`: the class whose method runs, and its first argument.
    pub method: RefCell<Option<(Rc<Class>, Value)>>,
}

/// Result of a lookup.
pub(crate) enum Found {
    Value(Value),
    /// The name is local but has no value yet.
    Unassigned,
    Missing,
}

impl Scope {
    pub(crate) fn new(kind: ScopeKind, locals: Rc<Locals>, parent: Option<Rc<Scope>>) -> Rc<Scope> {
        Rc::new(Scope {
            kind,
            variables: RefCell::default(),
            locals,
            parent,
            stars: RefCell::default(),
            method: RefCell::default(),
        })
    }

    /// Looks a name up from here outwards; class scopes are visible only to their own body.
    pub(crate) fn find(&self, name: &str) -> Found {
        if self.locals.global.contains(name) {
            return self.module().get(name).map_or(Found::Missing, Found::Value);
        }
        if let Some(value) = self.get(name) {
            return Found::Value(value);
        }
        if self.kind == ScopeKind::Function && self.locals.bound.contains(name) {
            return Found::Unassigned;
        }
        let mut next = self.parent.as_ref();
        while let Some(scope) = next {
            if scope.kind != ScopeKind::Class {
                return scope.find(name);
            }
            next = scope.parent.as_ref();
        }
        Found::Missing
    }

    /// The value bound in this very scope.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.variables.borrow().get(name).cloned()
    }

    /// Binds a name where its declaration says.
    pub(crate) fn assign(&self, name: &Name, value: Value) {
        if self.locals.global.contains(name) {
            self.module().set(name, value);
        } else if self.locals.nonlocal.contains(name) {
            self.assign_outside(name, value);
        } else {
            self.set(name, value);
        }
    }

    pub(crate) fn set(&self, name: &Name, value: Value) {
        self.variables.borrow_mut().insert(Name::clone(name), value);
    }

    /// Removes a name; whether it was there.
    pub(crate) fn delete(&self, name: &str) -> bool {
        self.variables.borrow_mut().remove(name).is_some()
    }

    fn assign_outside(&self, name: &Name, value: Value) {
        let mut next = self.parent.as_ref();
        while let Some(scope) = next {
            if scope.kind == ScopeKind::Function && scope.locals.bound.contains(name) {
                scope.set(name, value);
                return;
            }
            next = scope.parent.as_ref();
        }
    }

    /// The scope of the module that this scope lies in.
    pub(crate) fn module_scope(self: &Rc<Self>) -> Rc<Scope> {
        let mut scope = self;
        while let Some(parent) = &scope.parent {
            scope = parent;
        }
        Rc::clone(scope)
    }

    /// Gives a variable that is here or further out its value; others stay unbound.
    pub(crate) fn rebind(&self, name: &str, value: &Value) {
        let mut next = Some(self);
        while let Some(scope) = next {
            if let Some(known) = scope.variables.borrow_mut().get_mut(name) {
                *known = value.clone();
                return;
            }
            next = scope.parent.as_deref();
        }
    }

    fn module(&self) -> &Scope {
        let mut scope = self;
        while let Some(parent) = &scope.parent {
            scope = parent;
        }
        scope
    }

    /// The innermost method on the way out, for `super()` without arguments.
    pub(crate) fn enclosing_method(&self) -> Option<(Rc<Class>, Value)> {
        let mut scope = Some(self);
        while let Some(current) = scope {
            if let Some(method) = &*current.method.borrow() {
                return Some(method.clone());
            }
            scope = current.parent.as_deref();
        }
        None
    }

    /// All visible names, for suggestions.
    pub(crate) fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.variables.borrow().keys().cloned().collect();
        if let Some(parent) = &self.parent {
            names.extend(parent.names());
        }
        names
    }
}

/// The names that a function binds.
pub(crate) fn function_locals(def: &FunctionDef) -> Locals {
    let mut locals = Locals::default();
    let params = &def.params;
    let positional = params.positional_only.iter().chain(&params.regular);
    let others = params.keyword_only.iter().chain(&params.var_args).chain(&params.var_kwargs);
    for parameter in positional.chain(others) {
        locals.bound.insert(Name::clone(&parameter.name));
    }
    collect_block(&def.body, &mut locals);
    let Locals { bound, global, nonlocal } = &mut locals;
    bound.retain(|name| !global.contains(name) && !nonlocal.contains(name));
    locals
}

/// The names that comprehension targets bind.
pub(crate) fn target_locals(targets: &[&Expr]) -> Locals {
    let mut locals = Locals::default();
    for target in targets {
        collect_target(target, &mut locals);
    }
    locals
}

fn collect_block(block: &[Stmt], locals: &mut Locals) {
    for statement in block {
        collect_statement(statement, locals);
    }
}

fn collect_statement(statement: &Stmt, locals: &mut Locals) {
    match &statement.kind {
        StmtKind::FunctionDef(def) => {
            locals.bound.insert(Name::clone(&def.name));
        }
        StmtKind::ClassDef(def) => {
            locals.bound.insert(Name::clone(&def.name));
        }
        StmtKind::Assign { targets, value } => {
            targets.iter().for_each(|target| collect_target(target, locals));
            collect_walrus(value, locals);
        }
        StmtKind::AugAssign { target, value, .. } => {
            collect_target(target, locals);
            collect_walrus(value, locals);
        }
        StmtKind::AnnAssign { target, .. } => collect_target(target, locals),
        StmtKind::For { target, body, orelse, .. } => {
            collect_target(target, locals);
            collect_block(body, locals);
            collect_block(orelse, locals);
        }
        StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
            collect_walrus(test, locals);
            collect_block(body, locals);
            collect_block(orelse, locals);
        }
        StmtKind::With { items, body } => {
            items.iter().filter_map(|(_, t)| t.as_ref()).for_each(|t| collect_target(t, locals));
            collect_block(body, locals);
        }
        StmtKind::Try { body, handlers, orelse, finalbody } => {
            collect_block(body, locals);
            for handler in handlers {
                locals.bound.extend(handler.name.clone());
                collect_block(&handler.body, locals);
            }
            collect_block(orelse, locals);
            collect_block(finalbody, locals);
        }
        StmtKind::Import(names) | StmtKind::ImportFrom { names, .. } => {
            locals.bound.extend(names.iter().map(import_binding));
        }
        StmtKind::Global(names) => locals.global.extend(names.iter().cloned()),
        StmtKind::Nonlocal(names) => locals.nonlocal.extend(names.iter().cloned()),
        StmtKind::Expr(value) | StmtKind::Return(Some(value)) => collect_walrus(value, locals),
        StmtKind::Delete(targets) => targets.iter().for_each(|t| collect_target(t, locals)),
        StmtKind::Return(None)
        | StmtKind::Raise { .. }
        | StmtKind::Assert { .. }
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => {}
    }
}

/// The name that an import binds: `a` for `import a.b`, the name after `as` if there is one.
pub(crate) fn import_binding(alias: &crate::ast::Alias) -> Name {
    match &alias.asname {
        Some(name) => Name::clone(name),
        None => Name::from(alias.name.split('.').next().unwrap_or(&alias.name)),
    }
}

fn collect_target(target: &Expr, locals: &mut Locals) {
    match &*target.kind {
        ExprKind::Name(name) => {
            locals.bound.insert(Name::clone(name));
        }
        ExprKind::Tuple(items) | ExprKind::List(items) => {
            items.iter().for_each(|item| collect_target(item, locals));
        }
        ExprKind::Starred(inner) => collect_target(inner, locals),
        _ => {}
    }
}

/// Finds `name := value` in the places where people write it.
fn collect_walrus(expr: &Expr, locals: &mut Locals) {
    match &*expr.kind {
        ExprKind::NamedExpr { target, value } => {
            locals.bound.insert(Name::clone(target));
            collect_walrus(value, locals);
        }
        ExprKind::Compare { left, rest } => {
            collect_walrus(left, locals);
            rest.iter().for_each(|(_, right)| collect_walrus(right, locals));
        }
        ExprKind::BoolOp { values, .. } | ExprKind::Tuple(values) => {
            values.iter().for_each(|value| collect_walrus(value, locals));
        }
        ExprKind::Unary { operand, .. } => collect_walrus(operand, locals),
        ExprKind::Binary { left, right, .. } => {
            collect_walrus(left, locals);
            collect_walrus(right, locals);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| collect_walrus(arg, locals)),
        _ => {}
    }
}

/// The names that a statement binds.
pub(crate) fn bound_names(statement: &Stmt) -> Vec<Name> {
    let mut locals = Locals::default();
    collect_statement(statement, &mut locals);
    let mut names: Vec<Name> = locals.bound.into_iter().collect();
    names.sort();
    names
}

/// The names that have a value in a scope, sorted.
pub(crate) fn parameter_order(scope: &Scope) -> Vec<Name> {
    let mut names: Vec<Name> = scope.variables.borrow().keys().cloned().collect();
    names.sort();
    names
}
