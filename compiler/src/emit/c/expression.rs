//! `Expression`: one element of a result as C text over elements of other tensors. Expressions
//! compose, so that a chain of element-wise operations becomes one loop or the end of a kernel.

use super::view::View;

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Load(usize),
    /// The sum that a kernel has just computed.
    Result,
}

/// One element of a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    pieces: Vec<Piece>,
    /// The tensors it reads, each at the place of the result.
    pub loads: Vec<View>,
}

impl Expression {
    /// The element of a tensor.
    pub fn load(view: View) -> Expression {
        Expression { pieces: vec![Piece::Load(0)], loads: vec![view] }
    }

    /// The sum of a kernel.
    pub fn result() -> Expression {
        Expression { pieces: vec![Piece::Result], loads: Vec::new() }
    }

    /// A constant.
    pub fn number(value: f64) -> Expression {
        Expression { pieces: vec![Piece::Text(number(value))], loads: Vec::new() }
    }

    /// `name(arguments)`.
    pub fn call(name: &str, arguments: Vec<Expression>) -> Expression {
        Expression::join(&format!("{name}("), ", ", ")", arguments)
    }

    /// `(left operator right)`.
    pub fn infix(left: Expression, operator: &str, right: Expression) -> Expression {
        Expression::join("(", &format!(" {operator} "), ")", vec![left, right])
    }

    fn join(open: &str, between: &str, close: &str, parts: Vec<Expression>) -> Expression {
        let mut whole = Expression { pieces: vec![text(open)], loads: Vec::new() };
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                whole.pieces.push(text(between));
            }
            whole.append(part);
        }
        whole.pieces.push(text(close));
        whole
    }

    fn append(&mut self, part: Expression) {
        let places: Vec<usize> = part.loads.into_iter().map(|view| self.place(view)).collect();
        self.pieces.extend(part.pieces.into_iter().map(|piece| match piece {
            Piece::Load(index) => Piece::Load(places.get(index).copied().unwrap_or_default()),
            other => other,
        }));
    }

    fn place(&mut self, view: View) -> usize {
        self.loads.iter().position(|known| *known == view).unwrap_or_else(|| {
            self.loads.push(view);
            self.loads.len() - 1
        })
    }

    /// Whether it is the sum of a kernel and nothing else.
    pub fn is_result(&self) -> bool {
        self.pieces == [Piece::Result]
    }

    /// Pieces of text, a measure of its size.
    pub fn size(&self) -> usize {
        self.pieces.len()
    }

    /// As C, with the texts of the loads and of the kernel's sum.
    pub fn render(&self, loads: &[String], result: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Load(index) => loads.get(*index).cloned().unwrap_or_default(),
            Piece::Result => result.to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }
}

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

/// A number as a C constant of type float that reads back as the same float.
#[expect(clippy::cast_possible_truncation, reason = "networks are emitted in 32-bit floats")]
pub(super) fn number(value: f64) -> String {
    let value = value as f32;
    match value {
        _ if value.is_nan() => "NAN".to_owned(),
        _ if value.is_infinite() && value > 0.0 => "INFINITY".to_owned(),
        _ if value.is_infinite() => "(-INFINITY)".to_owned(),
        _ if value.is_sign_negative() => format!("({value:?}f)"),
        _ => format!("{value:?}f"),
    }
}
