//! Expressions, with parentheses by precedence (section 6.17 of Python's language reference).

use super::Printer;
use crate::ast::{
    BinaryOp, CompareOp, Comprehension, Expr, ExprKind, FunctionDef, StmtKind, UnaryOp,
};

/// How tightly an expression holds together, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// In parentheses wherever it stands.
    Group,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Sign,
    Power,
    Postfix,
}

const fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Starred(_)
        | ExprKind::NamedExpr { .. }
        | ExprKind::Yield(_)
        | ExprKind::YieldFrom(_) => Level::Group,
        ExprKind::IfExp { .. } | ExprKind::Lambda(_) => Level::Test,
        ExprKind::BoolOp { is_and: false, .. } => Level::Or,
        ExprKind::BoolOp { is_and: true, .. } => Level::And,
        ExprKind::Unary { op: UnaryOp::Not, .. } => Level::Not,
        ExprKind::Compare { .. } => Level::Compare,
        ExprKind::Binary { op, .. } => binary_level(*op),
        ExprKind::Unary { .. } => Level::Sign,
        _ => Level::Postfix,
    }
}

const fn binary_level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::BitOr => Level::BitOr,
        BinaryOp::BitXor => Level::BitXor,
        BinaryOp::BitAnd => Level::BitAnd,
        BinaryOp::LShift | BinaryOp::RShift => Level::Shift,
        BinaryOp::Add | BinaryOp::Sub => Level::Sum,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::MatMul => {
            Level::Product
        }
        BinaryOp::Pow => Level::Power,
    }
}

/// Levels of the operands left and right.
const fn operand_levels(op: BinaryOp) -> (Level, Level) {
    match op {
        BinaryOp::BitOr => (Level::BitOr, Level::BitXor),
        BinaryOp::BitXor => (Level::BitXor, Level::BitAnd),
        BinaryOp::BitAnd => (Level::BitAnd, Level::Shift),
        BinaryOp::LShift | BinaryOp::RShift => (Level::Shift, Level::Sum),
        BinaryOp::Add | BinaryOp::Sub => (Level::Sum, Level::Product),
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::MatMul => {
            (Level::Product, Level::Sign)
        }
        BinaryOp::Pow => (Level::Postfix, Level::Sign),
    }
}

/// The sign of a binary operator.
pub(super) const fn binary_sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "**",
        BinaryOp::MatMul => "@",
        BinaryOp::LShift => "<<",
        BinaryOp::RShift => ">>",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
    }
}

const fn compare_sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::NotEq => "!=",
        CompareOp::Lt => "<",
        CompareOp::LtE => "<=",
        CompareOp::Gt => ">",
        CompareOp::GtE => ">=",
        CompareOp::Is => "is",
        CompareOp::IsNot => "is not",
        CompareOp::In => "in",
        CompareOp::NotIn => "not in",
    }
}

/// A float that reads back as the same; infinity is a literal that overflows.
fn float(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { String::from("1e999") }
}

impl Printer {
    /// An expression where a list of them may stand: a star is allowed.
    pub(super) fn item(&mut self, expr: &Expr) {
        match &*expr.kind {
            ExprKind::Starred(value) => {
                self.push("*");
                self.at(value, Level::Or);
            }
            _ => self.test(expr),
        }
    }

    /// An expression that may be conditional.
    pub(super) fn test(&mut self, expr: &Expr) {
        self.at(expr, Level::Test);
    }

    /// What a loop, a `with` or a `del` assigns to or takes.
    pub(super) fn target(&mut self, expr: &Expr) {
        match &*expr.kind {
            ExprKind::Starred(value) => {
                self.push("*");
                self.at(value, Level::Postfix);
            }
            _ => self.at(expr, Level::Postfix),
        }
    }

    pub(super) fn in_parentheses(&mut self, expr: &Expr) {
        self.push("(");
        match &*expr.kind {
            ExprKind::Starred(_) => self.item(expr),
            kind => self.kind(kind),
        }
        self.push(")");
    }

    fn at(&mut self, expr: &Expr, least: Level) {
        if level(&expr.kind) < least {
            self.in_parentheses(expr);
        } else {
            self.kind(&expr.kind);
        }
    }

    fn kind(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Name(name) => self.push(name),
            ExprKind::Int(value) => self.push(&value.to_string()),
            ExprKind::Float(value) => self.push(&float(*value)),
            ExprKind::Imaginary(value) => self.push(&format!("{}j", float(*value))),
            ExprKind::Str(text) => self.text_literal(text),
            ExprKind::Bytes(bytes) => self.bytes_literal(bytes),
            ExprKind::FString(parts) => self.f_string(parts),
            ExprKind::Bool(true) => self.push("True"),
            ExprKind::Bool(false) => self.push("False"),
            ExprKind::None => self.push("None"),
            ExprKind::Ellipsis => self.push("..."),
            ExprKind::Tuple(items) => self.tuple(items),
            ExprKind::List(items) => self.bracketed("[", items, "]"),
            ExprKind::Set(items) => self.bracketed("{", items, "}"),
            ExprKind::Dict(entries) => self.dict(entries),
            ExprKind::ListComp { element, clauses } => self.within("[", "]", element, clauses),
            ExprKind::SetComp { element, clauses } => self.within("{", "}", element, clauses),
            ExprKind::GeneratorExp { element, clauses } => {
                self.within("(", ")", element, clauses);
            }
            ExprKind::DictComp { key, value, clauses } => {
                self.push("{");
                self.entry(key, value);
                self.clauses(clauses);
                self.push("}");
            }
            operation => self.operation(operation),
        }
    }

    fn operation(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Unary { op, operand } => self.unary(*op, operand),
            ExprKind::Binary { op, left, right } => {
                let (before, behind) = operand_levels(*op);
                self.at(left, before);
                self.push(&format!(" {} ", binary_sign(*op)));
                self.at(right, behind);
            }
            ExprKind::BoolOp { is_and, values } => self.bool_op(*is_and, values),
            ExprKind::Compare { left, rest } => {
                self.at(left, Level::BitOr);
                for (op, right) in rest {
                    self.push(&format!(" {} ", compare_sign(*op)));
                    self.at(right, Level::BitOr);
                }
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.at(body, Level::Or);
                self.push(" if ");
                self.at(test, Level::Or);
                self.push(" else ");
                self.test(orelse);
            }
            ExprKind::Lambda(def) => self.lambda(def),
            ExprKind::NamedExpr { target, value } => {
                self.push(target);
                self.push(" := ");
                self.test(value);
            }
            ExprKind::Yield(value) => {
                self.push("yield");
                if let Some(value) = value {
                    self.push(" ");
                    self.item(value);
                }
            }
            ExprKind::YieldFrom(value) => {
                self.push("yield from ");
                self.test(value);
            }
            trailer => self.trailer(trailer),
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) {
        let (sign, least) = match op {
            UnaryOp::Neg => ("-", Level::Sign),
            UnaryOp::Pos => ("+", Level::Sign),
            UnaryOp::Invert => ("~", Level::Sign),
            UnaryOp::Not => ("not ", Level::Not),
        };
        self.push(sign);
        self.at(operand, least);
    }

    fn bool_op(&mut self, is_and: bool, values: &[Expr]) {
        let (sign, least) = if is_and { (" and ", Level::Not) } else { (" or ", Level::And) };
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.push(sign);
            }
            self.at(value, least);
        }
    }

    fn lambda(&mut self, def: &FunctionDef) {
        self.push("lambda");
        let start = self.text.len();
        self.parameters(&def.params);
        if self.text.len() > start {
            self.text.insert(start, ' ');
        }
        self.push(": ");
        let results = def.body.iter().filter_map(|statement| match &statement.kind {
            StmtKind::Return(value) => value.as_ref(),
            _ => None,
        });
        results.for_each(|value| self.test(value));
    }

    /// Calls, subscripts, attributes and what holds as tightly.
    fn trailer(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Call { func, args, keywords } => {
                self.before_trailer(func);
                self.push("(");
                self.arguments(args, keywords);
                self.push(")");
            }
            ExprKind::Attribute { value, attr, .. } => {
                self.before_trailer(value);
                self.push(".");
                self.push(attr);
            }
            ExprKind::Subscript { value, index } => {
                self.before_trailer(value);
                self.push("[");
                self.subscript(index);
                self.push("]");
            }
            ExprKind::Slice { lower, upper, step } => self.slice(lower, upper, step),
            ExprKind::Await(value) => {
                self.push("await ");
                match &*value.kind {
                    ExprKind::Await(_) => self.in_parentheses(value),
                    _ => self.at(value, Level::Postfix),
                }
            }
            _ => {}
        }
    }

    /// Numbers would swallow the dot behind them, `await` would take the trailer along.
    fn before_trailer(&mut self, value: &Expr) {
        match &*value.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Imaginary(_)
            | ExprKind::Ellipsis
            | ExprKind::Await(_) => self.in_parentheses(value),
            _ => self.at(value, Level::Postfix),
        }
    }

    /// Slices can stand in no parentheses, so neither does a tuple of them.
    fn subscript(&mut self, index: &Expr) {
        match &*index.kind {
            ExprKind::Tuple(items) if !items.is_empty() => {
                self.separated(items, Self::item);
                if items.len() == 1 {
                    self.push(",");
                }
            }
            _ => self.item(index),
        }
    }

    fn slice(&mut self, lower: &Option<Expr>, upper: &Option<Expr>, step: &Option<Expr>) {
        self.bound(lower);
        self.push(":");
        self.bound(upper);
        if step.is_some() {
            self.push(":");
            self.bound(step);
        }
    }

    /// A lambda's colon would be taken for the slice's.
    fn bound(&mut self, bound: &Option<Expr>) {
        if let Some(bound) = bound {
            self.at(bound, Level::Or);
        }
    }

    fn tuple(&mut self, items: &[Expr]) {
        match items {
            [only] => {
                self.push("(");
                self.item(only);
                self.push(",)");
            }
            items => self.bracketed("(", items, ")"),
        }
    }

    fn bracketed(&mut self, open: &str, items: &[Expr], close: &str) {
        self.push(open);
        self.separated(items, Self::item);
        self.push(close);
    }

    fn dict(&mut self, entries: &[(Option<Expr>, Expr)]) {
        self.push("{");
        self.separated(entries, |printer, (key, value)| match key {
            Some(key) => printer.entry(key, value),
            None => {
                printer.push("**");
                printer.at(value, Level::Or);
            }
        });
        self.push("}");
    }

    fn entry(&mut self, key: &Expr, value: &Expr) {
        self.test(key);
        self.push(": ");
        self.test(value);
    }

    fn within(&mut self, open: &str, close: &str, element: &Expr, clauses: &[Comprehension]) {
        self.push(open);
        self.comprehension(element, clauses);
        self.push(close);
    }

    /// An element and its clauses without brackets.
    pub(super) fn comprehension(&mut self, element: &Expr, clauses: &[Comprehension]) {
        self.item(element);
        self.clauses(clauses);
    }

    fn clauses(&mut self, clauses: &[Comprehension]) {
        for clause in clauses {
            self.push(" for ");
            self.target(&clause.target);
            self.push(" in ");
            self.at(&clause.iter, Level::Or);
            for condition in &clause.conditions {
                self.push(" if ");
                self.at(condition, Level::Or);
            }
        }
    }
}
