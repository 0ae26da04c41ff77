//! Modules of other files: found by a [`SourceProvider`], evaluated when one of their names is
//! first used. Names imported from them, and their functions and classes, wait until then, so that
//! a package whose `__init__` imports everything costs only what a network needs of it.
//! Deliberately not here: modules that nasc itself defines (`modules`), and files.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use crate::ast::{Alias, Name};
use crate::source::{FileId, ModuleSource, SourceFile, SourceProvider};

use crate::syntax::{self, SourceLimits};

use super::error::{Eval, Mistake, raise, refuse, silent};
use super::interpreter::Interpreter;
use super::scope::{Scope, ScopeKind, import_binding};
use super::value::Value;

/// How far the evaluation of a module has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Found,
    Running,
    Done,
}

/// A module of another file.
#[derive(Debug)]
pub(crate) struct Package {
    /// Dotted name.
    pub name: Name,
    pub scope: Rc<Scope>,
    source: ModuleSource,
    progress: Cell<Progress>,
}

/// What a variable of a module stands for until it is first used.
#[derive(Debug)]
pub(crate) struct Lazy {
    module: Rc<Package>,
    name: Name,
    kind: LazyKind,
    /// While it is looked up; a second look then must not go the same way.
    is_resolving: Cell<bool>,
}

#[derive(Debug)]
enum LazyKind {
    /// `from module import name`
    Import,
    /// A function or class of the module itself, in these bytes of its file, not yet parsed.
    Definition(Range<usize>),
}

/// No other files: imports of them stay unknown until they matter.
pub(crate) struct NoSources;

impl SourceProvider for NoSources {
    fn module(&self, _: &str) -> Option<ModuleSource> {
        None
    }
}

impl Interpreter<'_> {
    /// The module of this dotted name, if there is a file for it.
    pub(crate) fn package(&mut self, name: &str) -> Option<Rc<Package>> {
        if let Some(known) = self.packages.get(name) {
            return known.clone();
        }
        let own = (name == super::prelude::NAME).then(super::prelude::source);
        let found = own.or_else(|| self.sources.module(name)).map(|source| {
            let scope = Scope::new(ScopeKind::Module, Rc::default(), None);
            name_module(&scope, name, source.is_package);
            self.capture(&scope);
            let progress = Cell::new(Progress::Found);
            Rc::new(Package { name: Name::from(name), scope, source, progress })
        });
        self.packages.insert(Name::from(name), found.clone());
        found
    }

    /// The absolute name of an import, seen from a scope; `None` if it leads above the root.
    pub(crate) fn absolute_name(
        &self,
        module: Option<&Name>,
        level: u32,
        scope: &Rc<Scope>,
    ) -> Option<String> {
        let tail = module.map_or("", |name| &**name);
        if level == 0 {
            return Some(String::from(tail));
        }
        let package = scope.module_scope().get("__package__").and_then(|name| name.as_str())?;
        let mut parts: Vec<&str> = package.split('.').filter(|part| !part.is_empty()).collect();
        for _ in 1..level {
            parts.pop()?;
        }
        if !tail.is_empty() {
            parts.push(tail);
        }
        Some(parts.join("."))
    }

    /// `from package import names`
    pub(crate) fn import_from_package(
        &mut self,
        package: &Rc<Package>,
        names: &[Alias],
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let is_lazy = scope.kind == ScopeKind::Module && self.protected == 0;
        for alias in names {
            if &*alias.name == "*" {
                scope.stars.borrow_mut().push(Rc::clone(package));
                continue;
            }
            let module = Rc::clone(package);
            let lazy = Lazy::new(module, Name::clone(&alias.name), LazyKind::Import);
            let value = match is_lazy {
                true => Value::Lazy(Rc::new(lazy)),
                false => self.resolve(&lazy).map_err(|stop| stop.at(alias.span))?,
            };
            scope.assign(&import_binding(alias), value);
        }
        Ok(())
    }

    /// A variable that is an unresolved import becomes what it stands for.
    pub(crate) fn resolved(&mut self, name: &str, value: Value, scope: &Scope) -> Eval<Value> {
        let Value::Lazy(lazy) = value else { return Ok(value) };
        if lazy.is_resolving.get() {
            let message = format!("name '{name}' is not defined");
            return Err(raise(Mistake::UnknownName, "NameError", message));
        }
        lazy.is_resolving.set(true);
        let value = self.resolve(&lazy);
        lazy.is_resolving.set(false);
        let value = value?;
        scope.rebind(name, &value);
        Ok(value)
    }

    fn resolve(&mut self, lazy: &Lazy) -> Eval<Value> {
        if let LazyKind::Definition(range) = &lazy.kind {
            return self.define(&lazy.module, &lazy.name, range.clone());
        }
        match self.package_attribute(&lazy.module, &lazy.name)? {
            Some(value) => Ok(value),
            None => Err(raise(
                Mistake::UnknownAttribute,
                "ImportError",
                format!("cannot import name '{}' from '{}'", lazy.name, lazy.module.name),
            )),
        }
    }

    /// `package.name`: a variable of the module, a name it imports with `*`, or a module in it.
    pub(crate) fn package_attribute(
        &mut self,
        package: &Rc<Package>,
        name: &str,
    ) -> Eval<Option<Value>> {
        self.run_package(package)?;
        let is_open = |value: &Value| matches!(value, Value::Lazy(lazy) if lazy.is_resolving.get() && lazy.is_import());
        if let Some(value) = package.scope.get(name).filter(|value| !is_open(value)) {
            return self.resolved(name, value, &package.scope).map(Some);
        }
        if let Some(value) = self.starred(name, &package.scope)? {
            return Ok(Some(value));
        }
        if !package.source.is_package {
            return Ok(None);
        }
        Ok(self.package(&format!("{}.{name}", package.name)).map(Value::Package))
    }

    /// A name that a module has from `from .. import *`, the last such import first.
    pub(crate) fn starred(&mut self, name: &str, scope: &Rc<Scope>) -> Eval<Option<Value>> {
        let module = scope.module_scope();
        let stars = module.stars.borrow().clone();
        for star in stars.iter().rev() {
            if !self.exports(star, name)? {
                continue;
            }
            if let Some(value) = self.package_attribute(star, name)? {
                module.set(&Name::from(name), value.clone());
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Whether `from package import *` brings a name: one in `__all__`, else one that is public.
    fn exports(&mut self, package: &Rc<Package>, name: &str) -> Eval<bool> {
        if package.progress.get() == Progress::Running && package.scope.get(name).is_none() {
            return Ok(false);
        }
        self.run_package(package)?;
        let Some(all) = package.scope.get("__all__") else { return Ok(!name.starts_with('_')) };
        if !matches!(all, Value::List(_) | Value::Tuple(_)) {
            return Ok(!name.starts_with('_'));
        }
        let names = self.collect(&all)?;
        Ok(names.iter().any(|known| known.as_str().is_some_and(|known| &*known == name)))
    }

    /// `sys.modules[name]`
    pub(crate) fn loaded_module(&mut self, name: &Value) -> Eval<Value> {
        let Some(name) = name.as_str() else { return Err(silent()) };
        if &*name == "__main__" {
            return Ok(Value::Package(self.main_module()));
        }
        match self.package(&name) {
            Some(package) => Ok(Value::Package(package)),
            None => Err(raise(Mistake::UnknownKey, "KeyError", format!("'{name}'"))),
        }
    }

    /// The file asked about as a module.
    fn main_module(&mut self) -> Rc<Package> {
        let source =
            ModuleSource { file: MAIN, source: SourceFile::new("__main__", ""), is_package: false };
        let scope = Rc::clone(&self.globals);
        let progress = Cell::new(Progress::Done);
        Rc::new(Package { name: Name::from("__main__"), scope, source, progress })
    }

    /// Evaluates a module, once.
    fn run_package(&mut self, package: &Rc<Package>) -> Eval<()> {
        if package.progress.get() != Progress::Found {
            return Ok(());
        }
        package.progress.set(Progress::Running);
        let result = self.run_blocks(package);
        package.progress.set(Progress::Done);
        result
    }

    /// Definitions wait until they are used; all other statements run.
    fn run_blocks(&mut self, package: &Rc<Package>) -> Eval<()> {
        let ModuleSource { file, source, .. } = &package.source;
        let blocks = syntax::outline(source, *file, &SourceLimits::standard());
        for block in self.parsed(blocks)? {
            match block.defines {
                Some(name) => {
                    let name = Name::from(name);
                    let kind = LazyKind::Definition(block.range);
                    let lazy = Lazy::new(Rc::clone(package), Name::clone(&name), kind);
                    package.scope.set(&name, Value::Lazy(Rc::new(lazy)));
                }
                None => self.run_range(package, block.range)?,
            }
        }
        Ok(())
    }

    /// Runs a definition of a module; what it defines.
    fn define(&mut self, package: &Rc<Package>, name: &Name, range: Range<usize>) -> Eval<Value> {
        self.run_range(package, range)?;
        match package.scope.get(name) {
            Some(Value::Lazy(_)) | None => Err(silent()),
            Some(value) => Ok(value),
        }
    }

    /// What the parser gave; its mistake is reported.
    fn parsed<T>(&mut self, result: Result<T, syntax::SyntaxError>) -> Eval<T> {
        result.map_err(|error| {
            self.report(error.into());
            silent()
        })
    }

    /// Parses and runs some statements of a module, as if nothing else ran.
    fn run_range(&mut self, package: &Rc<Package>, range: Range<usize>) -> Eval<()> {
        let ModuleSource { file, source, .. } = &package.source;
        let parsed = syntax::parse_block(source, *file, &SourceLimits::standard(), range);
        let module = self.parsed(parsed)?;
        self.fuel.enter()?;
        let site = self.site;
        let stack = std::mem::take(&mut self.module_stack);
        let protected = std::mem::take(&mut self.protected);
        let result = self.run_module(&module.body, &package.scope);
        self.module_stack = stack;
        self.protected = protected;
        self.site = site;
        self.fuel.leave();
        result
    }
}

impl Lazy {
    fn new(module: Rc<Package>, name: Name, kind: LazyKind) -> Lazy {
        Lazy { module, name, kind, is_resolving: Cell::new(false) }
    }

    fn is_import(&self) -> bool {
        matches!(self.kind, LazyKind::Import)
    }
}

/// What a module knows of itself: `__name__`, `__file__`, and the package it lies in.
pub(crate) fn name_module(scope: &Scope, name: &str, is_package: bool) {
    let parent = || name.rsplit_once('.').map_or("", |(parent, _)| parent);
    let package = if is_package { name } else { parent() };
    let file = format!("{}.py", name.replace('.', "/"));
    for (variable, text) in [("__name__", name), ("__package__", package), ("__file__", &file)] {
        scope.set(&Name::from(variable), Value::str(text));
    }
}

/// The refusal of an import that leads above the root.
pub(crate) fn beyond_root() -> Box<super::error::Stop> {
    refuse(Mistake::UnsupportedModule, "attempted relative import beyond top-level package")
        .help("name the folder that holds the package with --root")
}

/// The file asked about.
pub(crate) const MAIN: FileId = FileId(0);

/// Packages imported with `*` by a module.
pub(crate) type Stars = RefCell<Vec<Rc<Package>>>;
