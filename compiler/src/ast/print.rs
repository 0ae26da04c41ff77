//! A tree as source text in one canonical layout: four blanks a block, one statement a line,
//! parentheses only where precedence wants them. Parsing the text gives the tree again, but for
//! places. Deliberately not here: comments and layout of a source, which a tree does not hold.

mod expression;
mod parameter;
mod string;

use super::{Alias, ClassDef, ExceptHandler, Expr, ExprKind, FunctionDef, Module, Stmt, StmtKind};

/// The text of a file.
///
/// ```
/// use nasc_compiler::ast::print;
/// use nasc_compiler::source::{FileId, SourceFile};
/// use nasc_compiler::syntax::{SourceLimits, parse};
///
/// let source = SourceFile::new("net.py", "if x :\n  y = ( a+b )*2 # sum\n");
/// let module = parse(&source, FileId(0), &SourceLimits::standard()).expect("it parses");
/// assert_eq!(print(&module), "if x:\n    y = (a + b) * 2\n");
/// ```
#[must_use]
pub fn print(module: &Module) -> String {
    let mut printer = Printer::default();
    printer.statements(&module.body);
    printer.text
}

/// The text so far and where it stands.
#[derive(Default)]
struct Printer {
    text: String,
    /// Blocks around the statement.
    depth: usize,
    /// Quotes of the strings within the f-string that is being written, the next one first.
    quotes: &'static [&'static str],
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Items with commas between them.
    fn separated<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        for (index, each) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            item(self, each);
        }
    }

    fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.indent();
            self.statement(&statement.kind);
        }
    }

    fn indent(&mut self) {
        let blanks = "    ".repeat(self.depth);
        self.push(&blanks);
    }

    /// `: ` and the statements below.
    fn suite(&mut self, body: &[Stmt]) {
        self.push(":\n");
        self.depth += 1;
        self.statements(body);
        self.depth -= 1;
    }

    /// A word and its block, if the block holds anything.
    fn clause(&mut self, word: &str, body: &[Stmt]) {
        if !body.is_empty() {
            self.indent();
            self.push(word);
            self.suite(body);
        }
    }

    fn statement(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::FunctionDef(def) => self.function(def),
            StmtKind::ClassDef(def) => self.class(def),
            StmtKind::For { target, iter, body, orelse } => {
                self.push("for ");
                self.target(target);
                self.push(" in ");
                self.item(iter);
                self.suite(body);
                self.clause("else", orelse);
            }
            StmtKind::While { test, body, orelse } => {
                self.push("while ");
                self.test(test);
                self.suite(body);
                self.clause("else", orelse);
            }
            StmtKind::If { test, body, orelse } => self.conditional(test, body, orelse),
            StmtKind::With { items, body } => self.with(items, body),
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                self.push("try");
                self.suite(body);
                handlers.iter().for_each(|handler| self.handler(handler));
                self.clause("else", orelse);
                self.clause("finally", finalbody);
            }
            simple => {
                self.simple(simple);
                self.push("\n");
            }
        }
    }

    /// `if` and its `elif` clauses: each stands alone in the `orelse` of the one before.
    fn conditional(&mut self, test: &Expr, body: &[Stmt], orelse: &[Stmt]) {
        self.push("if ");
        self.test(test);
        self.suite(body);
        let mut rest = orelse;
        while let [Stmt { kind: StmtKind::If { test, body, orelse }, .. }] = rest {
            self.indent();
            self.push("elif ");
            self.test(test);
            self.suite(body);
            rest = orelse;
        }
        self.clause("else", rest);
    }

    /// In parentheses only where the text would else begin with one, which closes elsewhere.
    fn with(&mut self, items: &[(Expr, Option<Expr>)], body: &[Stmt]) {
        self.push("with ");
        let start = self.text.len();
        self.separated(items, |printer, (context, target)| {
            printer.test(context);
            if let Some(target) = target {
                printer.push(" as ");
                printer.target(target);
            }
        });
        if self.text.get(start..).is_some_and(|header| header.starts_with('(')) {
            self.text.insert(start, '(');
            self.push(")");
        }
        self.suite(body);
    }

    fn handler(&mut self, handler: &ExceptHandler) {
        self.indent();
        self.push("except");
        if let Some(exception) = &handler.exception {
            self.push(" ");
            self.item(exception);
        }
        if let Some(name) = &handler.name {
            self.push(" as ");
            self.push(name);
        }
        self.suite(&handler.body);
    }

    fn decorators(&mut self, decorators: &[Expr]) {
        for decorator in decorators {
            self.push("@");
            self.test(decorator);
            self.push("\n");
            self.indent();
        }
    }

    fn function(&mut self, def: &FunctionDef) {
        self.decorators(&def.decorators);
        self.push(if def.is_async { "async def " } else { "def " });
        self.push(&def.name);
        self.push("(");
        self.parameters(&def.params);
        self.push(")");
        if let Some(returns) = &def.returns {
            self.push(" -> ");
            self.item(returns);
        }
        self.suite(&def.body);
    }

    fn class(&mut self, def: &ClassDef) {
        self.decorators(&def.decorators);
        self.push("class ");
        self.push(&def.name);
        if !(def.bases.is_empty() && def.keywords.is_empty()) {
            self.push("(");
            self.arguments(&def.bases, &def.keywords);
            self.push(")");
        }
        self.suite(&def.body);
    }

    /// A statement of one line; compound ones are `statement`'s.
    fn simple(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::Return(value) => self.with_values("return", value.as_slice()),
            StmtKind::Assign { targets, value } => {
                for target in targets {
                    self.item(target);
                    self.push(" = ");
                }
                self.item(value);
            }
            StmtKind::AugAssign { target, op, value } => {
                self.item(target);
                self.push(&format!(" {}= ", expression::binary_sign(*op)));
                self.item(value);
            }
            StmtKind::AnnAssign { target, annotation, value } => {
                self.item(target);
                self.push(": ");
                self.item(annotation);
                if let Some(value) = value {
                    self.push(" = ");
                    self.item(value);
                }
            }
            StmtKind::Raise { exc, cause } => {
                self.with_values("raise", exc.as_slice());
                if let Some(cause) = cause {
                    self.push(" from ");
                    self.test(cause);
                }
            }
            StmtKind::Assert { test, message } => {
                self.push("assert ");
                self.test(test);
                if let Some(message) = message {
                    self.push(", ");
                    self.test(message);
                }
            }
            StmtKind::Import(aliases) => {
                self.push("import ");
                self.separated(aliases, Self::alias);
            }
            StmtKind::ImportFrom { module, names, level } => {
                self.push("from ");
                let dots = ".".repeat(usize::try_from(*level).unwrap_or_default());
                self.push(&dots);
                self.push(module.as_deref().unwrap_or(""));
                self.push(" import ");
                self.separated(names, Self::alias);
            }
            StmtKind::Global(names) => self.names("global ", names),
            StmtKind::Nonlocal(names) => self.names("nonlocal ", names),
            StmtKind::Delete(targets) => self.delete(targets),
            StmtKind::Expr(value) => self.item(value),
            StmtKind::Break => self.push("break"),
            StmtKind::Continue => self.push("continue"),
            StmtKind::Pass
            | StmtKind::FunctionDef(_)
            | StmtKind::ClassDef(_)
            | StmtKind::For { .. }
            | StmtKind::While { .. }
            | StmtKind::If { .. }
            | StmtKind::With { .. }
            | StmtKind::Try { .. } => self.push("pass"),
        }
    }

    fn with_values(&mut self, word: &str, values: &[Expr]) {
        self.push(word);
        for value in values {
            self.push(" ");
            self.item(value);
        }
    }

    fn alias(&mut self, alias: &Alias) {
        self.push(&alias.name);
        if let Some(name) = &alias.asname {
            self.push(" as ");
            self.push(name);
        }
    }

    fn names(&mut self, word: &str, names: &[super::Name]) {
        self.push(word);
        self.separated(names, |printer, name| printer.push(name));
    }

    /// `del (a, b)` deletes two things, `del (a, b),` a pattern of two.
    fn delete(&mut self, targets: &[Expr]) {
        self.push("del ");
        match targets {
            [] => self.push("()"),
            [only] if matches!(&*only.kind, ExprKind::Tuple(_)) => {
                self.target(only);
                self.push(",");
            }
            several => self.separated(several, Self::target),
        }
    }
}
