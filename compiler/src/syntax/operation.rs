//! Precedence of operators: the grammar reads them flat, this module builds the tree.

use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::grammar::Rule;
use super::{Builder, Result};
use crate::ast::{BinaryOp, CompareOp, Expr, ExprKind, UnaryOp};
use crate::source::Span;

/// Lowest precedence first, as in section 6.17 of Python's language reference.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::op_or))
        .op(left(Rule::op_and))
        .op(Op::prefix(Rule::op_not))
        .op(left(Rule::op_in)
            | left(Rule::op_not_in)
            | left(Rule::op_is)
            | left(Rule::op_is_not)
            | left(Rule::op_less)
            | left(Rule::op_less_equal)
            | left(Rule::op_greater)
            | left(Rule::op_greater_equal)
            | left(Rule::op_equal)
            | left(Rule::op_not_equal))
        .op(left(Rule::op_bit_or))
        .op(left(Rule::op_bit_xor))
        .op(left(Rule::op_bit_and))
        .op(left(Rule::op_left_shift) | left(Rule::op_right_shift))
        .op(left(Rule::op_add) | left(Rule::op_subtract))
        .op(left(Rule::op_multiply)
            | left(Rule::op_divide)
            | left(Rule::op_floor_div)
            | left(Rule::op_modulo)
            | left(Rule::op_matmul))
        .op(Op::prefix(Rule::op_plus) | Op::prefix(Rule::op_minus) | Op::prefix(Rule::op_invert))
        .op(Op::infix(Rule::op_power, Assoc::Right))
});

/// An operand; `joins` if a further comparison or boolean operator extends it.
struct Operand {
    expr: Expr,
    joins: bool,
}

impl Operand {
    fn closed(expr: Expr) -> Operand {
        Operand { expr, joins: false }
    }
}

impl Builder<'_> {
    /// Operands and operators of one flat rule.
    pub(super) fn operation(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        self.check_chain(&pair)?;
        let mut inner = pair.clone().into_inner();
        if let (Some(only), None) = (inner.next(), inner.next()) {
            return self.postfix(only);
        }
        // The Pratt parser's callbacks cannot share `self`, so operands are built before it runs.
        let mut operands = Vec::new();
        for item in pair.clone().into_inner() {
            if item.as_rule() == Rule::postfix {
                operands.push(Some(self.postfix(item)?));
            }
        }
        let mut next = operands.iter_mut();
        let fallback = Expr { kind: Box::new(ExprKind::None), span: self.span(&pair) };
        let operand = PRECEDENCE
            .map_primary(|_| {
                let built = next.next().and_then(Option::take);
                Operand::closed(built.unwrap_or_else(|| fallback.clone()))
            })
            .map_prefix(|operator, operand: Operand| {
                Operand::closed(unary(&operator, self.span(&operator), operand.expr))
            })
            .map_infix(|left, operator, right| infix(operator.as_rule(), left, right))
            .parse(pair.into_inner());
        Ok(operand.expr)
    }

    /// Refuses chains whose tree would be too deep to walk.
    fn check_chain(&self, pair: &Pair<'_, Rule>) -> Result<()> {
        let (mut length, mut nested) = (0, 0);
        for item in pair.clone().into_inner() {
            match item.as_rule() {
                Rule::op_not
                | Rule::op_minus
                | Rule::op_plus
                | Rule::op_invert
                | Rule::op_power => nested += 1,
                _ => length += 1,
            }
        }
        if nested > self.limits.max_nesting {
            return Err(self.too_deep(self.limits.max_nesting, pair));
        }
        if length > 2 * self.limits.max_chain {
            return Err(self.too_deep(self.limits.max_chain, pair));
        }
        Ok(())
    }
}

fn unary(operator: &Pair<'_, Rule>, span: Span, operand: Expr) -> Expr {
    let op = match operator.as_rule() {
        Rule::op_not => UnaryOp::Not,
        Rule::op_plus => UnaryOp::Pos,
        Rule::op_invert => UnaryOp::Invert,
        _ => UnaryOp::Neg,
    };
    let span = span.to(operand.span);
    Expr { kind: Box::new(ExprKind::Unary { op, operand }), span }
}

fn infix(rule: Rule, left: Operand, right: Operand) -> Operand {
    match rule {
        Rule::op_and => boolean(true, left, right.expr),
        Rule::op_or => boolean(false, left, right.expr),
        _ => match compare_op(rule) {
            Some(op) => comparison(op, left, right.expr),
            None => binary(binary_op(rule), left.expr, right.expr),
        },
    }
}

fn boolean(is_and: bool, left: Operand, right: Expr) -> Operand {
    let span = left.expr.span.to(right.span);
    let mut values = Vec::new();
    match *left.expr.kind {
        ExprKind::BoolOp { is_and: same, values: earlier } if left.joins && same == is_and => {
            values = earlier;
        }
        kind => values.push(Expr { kind: Box::new(kind), span: left.expr.span }),
    }
    values.push(right);
    Operand {
        expr: Expr { kind: Box::new(ExprKind::BoolOp { is_and, values }), span },
        joins: true,
    }
}

fn comparison(op: CompareOp, left: Operand, right: Expr) -> Operand {
    let span = left.expr.span.to(right.span);
    let kind = match *left.expr.kind {
        ExprKind::Compare { left: first, mut rest } if left.joins => {
            rest.push((op, right));
            ExprKind::Compare { left: first, rest }
        }
        kind => {
            let first = Expr { kind: Box::new(kind), span: left.expr.span };
            ExprKind::Compare { left: first, rest: vec![(op, right)] }
        }
    };
    Operand { expr: Expr { kind: Box::new(kind), span }, joins: true }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Operand {
    let span = left.span.to(right.span);
    Operand::closed(Expr { kind: Box::new(ExprKind::Binary { op, left, right }), span })
}

fn compare_op(rule: Rule) -> Option<CompareOp> {
    Some(match rule {
        Rule::op_equal => CompareOp::Eq,
        Rule::op_not_equal => CompareOp::NotEq,
        Rule::op_less => CompareOp::Lt,
        Rule::op_less_equal => CompareOp::LtE,
        Rule::op_greater => CompareOp::Gt,
        Rule::op_greater_equal => CompareOp::GtE,
        Rule::op_is => CompareOp::Is,
        Rule::op_is_not => CompareOp::IsNot,
        Rule::op_in => CompareOp::In,
        Rule::op_not_in => CompareOp::NotIn,
        _ => return None,
    })
}

fn binary_op(rule: Rule) -> BinaryOp {
    match rule {
        Rule::op_subtract => BinaryOp::Sub,
        Rule::op_multiply => BinaryOp::Mul,
        Rule::op_divide => BinaryOp::Div,
        Rule::op_floor_div => BinaryOp::FloorDiv,
        Rule::op_modulo => BinaryOp::Mod,
        Rule::op_power => BinaryOp::Pow,
        Rule::op_matmul => BinaryOp::MatMul,
        Rule::op_left_shift => BinaryOp::LShift,
        Rule::op_right_shift => BinaryOp::RShift,
        Rule::op_bit_and => BinaryOp::BitAnd,
        Rule::op_bit_or => BinaryOp::BitOr,
        Rule::op_bit_xor => BinaryOp::BitXor,
        _ => BinaryOp::Add,
    }
}

/// The operator of an augmented assignment, by its text.
pub(super) fn augmented(text: &str) -> BinaryOp {
    match text {
        "-=" => BinaryOp::Sub,
        "*=" => BinaryOp::Mul,
        "/=" => BinaryOp::Div,
        "//=" => BinaryOp::FloorDiv,
        "%=" => BinaryOp::Mod,
        "**=" => BinaryOp::Pow,
        "@=" => BinaryOp::MatMul,
        "<<=" => BinaryOp::LShift,
        ">>=" => BinaryOp::RShift,
        "&=" => BinaryOp::BitAnd,
        "|=" => BinaryOp::BitOr,
        "^=" => BinaryOp::BitXor,
        _ => BinaryOp::Add,
    }
}
