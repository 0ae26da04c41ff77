//! The abstract syntax tree: statements and expressions of the accepted Python subset, each with
//! its span. Names follow Python's own `ast` module. Deliberately not here: how text becomes a
//! tree (`syntax`) and what a tree means (`eval`).

mod erase;
mod print;
pub mod visit;

pub use erase::without_places;
pub use print::print;

use std::sync::Arc;

use crate::source::Span;

/// An identifier. Shared, since a name is looked up far more often than written.
pub type Name = Arc<str>;

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Top-level statements in order.
    pub body: Vec<Stmt>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands: first to last character, without the newline.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// `def f(..): ..`, also `async def`.
    FunctionDef(Arc<FunctionDef>),
    /// `class C(..): ..`
    ClassDef(Arc<ClassDef>),
    /// `return value`
    Return(Option<Expr>),
    /// `a = b = value`
    Assign {
        /// Targets from left to right.
        targets: Vec<Expr>,
        /// Right-hand side.
        value: Expr,
    },
    /// `target op= value`
    AugAssign {
        /// What is updated.
        target: Expr,
        /// The operator before `=`.
        op: BinaryOp,
        /// Right-hand side.
        value: Expr,
    },
    /// `target: annotation = value`
    AnnAssign {
        /// What is annotated.
        target: Expr,
        /// The annotation.
        annotation: Expr,
        /// Right-hand side, if any.
        value: Option<Expr>,
    },
    /// `for target in iter: .. else: ..`
    For {
        /// Loop variable or tuple of them.
        target: Expr,
        /// What is iterated.
        iter: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else` branch; empty if there is none.
        orelse: Vec<Stmt>,
    },
    /// `while test: .. else: ..`
    While {
        /// Condition.
        test: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else` branch; empty if there is none.
        orelse: Vec<Stmt>,
    },
    /// `if test: .. else: ..`; `elif` is an `If` alone in `orelse`.
    If {
        /// Condition.
        test: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else` branch; empty if there is none.
        orelse: Vec<Stmt>,
    },
    /// `with a as b, c: ..`
    With {
        /// Context expressions with their `as` targets.
        items: Vec<(Expr, Option<Expr>)>,
        /// Body.
        body: Vec<Stmt>,
    },
    /// `raise exc from cause`
    Raise {
        /// The exception.
        exc: Option<Expr>,
        /// Its cause.
        cause: Option<Expr>,
    },
    /// `try: .. except ..: .. else: .. finally: ..`
    Try {
        /// Protected body.
        body: Vec<Stmt>,
        /// Handlers in order.
        handlers: Vec<ExceptHandler>,
        /// `else` branch.
        orelse: Vec<Stmt>,
        /// `finally` branch.
        finalbody: Vec<Stmt>,
    },
    /// `assert test, message`
    Assert {
        /// Condition.
        test: Expr,
        /// Message.
        message: Option<Expr>,
    },
    /// `import a.b as c, d`
    Import(Vec<Alias>),
    /// `from ..m import a as b, c`; `*` is the single name `*`.
    ImportFrom {
        /// Dotted module name; absent in `from . import x`.
        module: Option<Name>,
        /// What is imported.
        names: Vec<Alias>,
        /// Number of leading dots.
        level: u32,
    },
    /// `global a, b`
    Global(Vec<Name>),
    /// `nonlocal a, b`
    Nonlocal(Vec<Name>),
    /// `del a, b`
    Delete(Vec<Expr>),
    /// An expression as a statement.
    Expr(Expr),
    /// `pass`
    Pass,
    /// `break`
    Break,
    /// `continue`
    Continue,
}

/// `except type as name: body`
#[derive(Debug, Clone, PartialEq)]
pub struct ExceptHandler {
    /// Exception type; absent in a bare `except:`.
    pub exception: Option<Expr>,
    /// Name after `as`.
    pub name: Option<Name>,
    /// Body.
    pub body: Vec<Stmt>,
    /// Where it stands.
    pub span: Span,
}

/// One name of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// Dotted name.
    pub name: Name,
    /// Name after `as`.
    pub asname: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// A function definition.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionDef {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// Its parameters.
    pub params: Parameters,
    /// Its body; a lambda's body is one `Return`.
    pub body: Vec<Stmt>,
    /// Decorators from top to bottom.
    pub decorators: Vec<Expr>,
    /// Annotation after `->`.
    pub returns: Option<Expr>,
    /// Whether the body holds a `yield` of its own.
    pub is_generator: bool,
    /// Whether it was written `async def`.
    pub is_async: bool,
}

/// The parameters of a function.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// Positional-only, before `/`.
    pub positional_only: Vec<Parameter>,
    /// Ordinary ones.
    pub regular: Vec<Parameter>,
    /// `*args`.
    pub var_args: Option<Parameter>,
    /// Keyword-only, after `*`.
    pub keyword_only: Vec<Parameter>,
    /// `**kwargs`.
    pub var_kwargs: Option<Parameter>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its annotation.
    pub annotation: Option<Expr>,
    /// Its default.
    pub default: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A class definition.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDef {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// Positional bases.
    pub bases: Vec<Expr>,
    /// Keyword arguments of the class, e.g. `metaclass=`.
    pub keywords: Vec<Keyword>,
    /// Its body.
    pub body: Vec<Stmt>,
    /// Decorators from top to bottom.
    pub decorators: Vec<Expr>,
}

/// A keyword argument; `name` is absent in `**mapping`.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    /// Parameter name.
    pub name: Option<Name>,
    /// Value.
    pub value: Expr,
    /// Where it stands.
    pub span: Span,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Box<ExprKind>,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A name.
    Name(Name),
    /// An integer literal; literals beyond 128 bits are a syntax diagnostic.
    Int(i128),
    /// A float literal.
    Float(f64),
    /// A complex literal `3j`: its imaginary part.
    Imaginary(f64),
    /// A string, adjacent literals joined.
    Str(Arc<str>),
    /// A bytes literal.
    Bytes(Arc<[u8]>),
    /// An f-string.
    FString(Vec<FStringPart>),
    /// `True`, `False`
    Bool(bool),
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{a, b}`
    Set(Vec<Expr>),
    /// `{k: v, **m}`; the key is absent in `**m`.
    Dict(Vec<(Option<Expr>, Expr)>),
    /// `-x`, `not x` ..
    Unary {
        /// Operator.
        op: UnaryOp,
        /// Operand.
        operand: Expr,
    },
    /// `a + b` ..
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left operand.
        left: Expr,
        /// Right operand.
        right: Expr,
    },
    /// `a and b and c`, `a or b`
    BoolOp {
        /// Whether it is `and` (else `or`).
        is_and: bool,
        /// Two or more operands.
        values: Vec<Expr>,
    },
    /// `a < b <= c`
    Compare {
        /// First operand.
        left: Expr,
        /// Operators with their right operands.
        rest: Vec<(CompareOp, Expr)>,
    },
    /// `f(a, *b, k=c, **d)`; `*b` is a [`ExprKind::Starred`].
    Call {
        /// What is called.
        func: Expr,
        /// Positional arguments.
        args: Vec<Expr>,
        /// Keyword arguments.
        keywords: Vec<Keyword>,
    },
    /// `value.attr`
    Attribute {
        /// Object.
        value: Expr,
        /// Attribute name.
        attr: Name,
        /// Where the name after the dot stands.
        attr_span: Span,
    },
    /// `value[index]`
    Subscript {
        /// Object.
        value: Expr,
        /// Index; several are a tuple.
        index: Expr,
    },
    /// `a:b:c` inside a subscript.
    Slice {
        /// Lower bound.
        lower: Option<Expr>,
        /// Upper bound.
        upper: Option<Expr>,
        /// Step.
        step: Option<Expr>,
    },
    /// `*a`
    Starred(Expr),
    /// `body if test else orelse`
    IfExp {
        /// Condition.
        test: Expr,
        /// Value if true.
        body: Expr,
        /// Value if false.
        orelse: Expr,
    },
    /// `lambda x: ..`
    Lambda(Arc<FunctionDef>),
    /// `[e for ..]`
    ListComp {
        /// Element.
        element: Expr,
        /// `for` and `if` clauses.
        clauses: Vec<Comprehension>,
    },
    /// `{e for ..}`
    SetComp {
        /// Element.
        element: Expr,
        /// `for` and `if` clauses.
        clauses: Vec<Comprehension>,
    },
    /// `{k: v for ..}`
    DictComp {
        /// Key.
        key: Expr,
        /// Value.
        value: Expr,
        /// `for` and `if` clauses.
        clauses: Vec<Comprehension>,
    },
    /// `(e for ..)`
    GeneratorExp {
        /// Element.
        element: Expr,
        /// `for` and `if` clauses.
        clauses: Vec<Comprehension>,
    },
    /// `name := value`
    NamedExpr {
        /// Target.
        target: Name,
        /// Value.
        value: Expr,
    },
    /// `yield value`
    Yield(Option<Expr>),
    /// `yield from value`
    YieldFrom(Expr),
    /// `await value`
    Await(Expr),
}

/// `for target in iter if a if b`
#[derive(Debug, Clone, PartialEq)]
pub struct Comprehension {
    /// Loop variable or tuple of them.
    pub target: Expr,
    /// What is iterated.
    pub iter: Expr,
    /// Conditions.
    pub conditions: Vec<Expr>,
}

/// A piece of an f-string.
#[derive(Debug, Clone, PartialEq)]
pub enum FStringPart {
    /// Literal text, escapes resolved.
    Literal(Arc<str>),
    /// `{value!r:spec}`
    Value {
        /// Expression.
        value: Expr,
        /// `r`, `s` or `a` after `!`.
        conversion: Option<char>,
        /// Format specification, itself an f-string.
        spec: Vec<FStringPart>,
    },
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Pos,
    /// `~`
    Invert,
    /// `not`
    Not,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `**`
    Pow,
    /// `@`
    MatMul,
    /// `<<`
    LShift,
    /// `>>`
    RShift,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtE,
    /// `>`
    Gt,
    /// `>=`
    GtE,
    /// `is`
    Is,
    /// `is not`
    IsNot,
    /// `in`
    In,
    /// `not in`
    NotIn,
}
