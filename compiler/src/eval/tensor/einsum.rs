//! `torch.einsum`: its notation becomes one label for each dimension. `...` stands for the leading
//! dimensions that have no letter; without `->` the result has the letters that occur once.

use crate::eval::error::{Eval, Mistake, bad_argument, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::Args;
use crate::eval::value::{Tensor, Value};
use crate::ir::Dim;
use crate::ir::op::{Einsum, Op};

/// `torch.einsum(equation, *operands)`
pub(super) fn einsum(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let equation = args.string("equation")?.replace(' ', "");
    let given = match args.rest.as_slice() {
        [only @ (Value::List(_) | Value::Tuple(_))] => interpreter.collect(only)?,
        several => several.to_vec(),
    };
    let mut tensors = Vec::new();
    for value in given {
        match value {
            Value::Tensor(tensor) => tensors.push(tensor),
            Value::Unknown => return Ok(Value::Unknown),
            other => {
                let found = other.type_name();
                return Err(type_error(format!("einsum() takes tensors, not {found}")));
            }
        }
    }
    let op = Op::Einsum(labelled(&equation, &tensors)?);
    interpreter.emit("torch.einsum", op, &tensors)
}

fn labelled(equation: &str, tensors: &[Tensor]) -> Eval<Einsum> {
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation, None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != tensors.len() {
        return Err(bad_argument(
            "einsum(): the number of subscripts and the number of operands differ",
        ));
    }
    let hidden = terms.iter().zip(tensors).map(|(term, tensor)| match term.contains("...") {
        true => tensor.rank().saturating_sub(letters(term).len()),
        false => 0,
    });
    let most = hidden.max().unwrap_or(0);
    let free: Vec<char> = ('A'..='Z').chain('a'..='z').filter(|c| !equation.contains(*c)).collect();
    let Some(leading) = free.get(..most) else {
        return Err(refuse(Mistake::UnsupportedArgument, "einsum() with this many dimensions"));
    };
    let operands: Vec<Vec<char>> = terms
        .iter()
        .zip(tensors)
        .map(|(term, tensor)| {
            let own = tensor.rank().saturating_sub(letters(term).len());
            expanded(term, leading.get(most.saturating_sub(own)..).unwrap_or_default())
        })
        .collect();
    check_leading(&operands, tensors, leading)?;
    let output = match right {
        Some(right) => expanded(right, leading),
        None => leading.iter().copied().chain(single_letters(&terms)).collect(),
    };
    Ok(Einsum { operands, output })
}

fn letters(term: &str) -> Vec<char> {
    term.chars().filter(|character| *character != '.').collect()
}

/// A term with the labels of the leading dimensions in place of `...`.
fn expanded(term: &str, leading: &[char]) -> Vec<char> {
    match term.split_once("...") {
        Some((before, behind)) => {
            before.chars().chain(leading.iter().copied()).chain(behind.chars()).collect()
        }
        None => term.chars().collect(),
    }
}

/// The letters that occur once, in alphabetical order.
fn single_letters(terms: &[&str]) -> Vec<char> {
    let mut all: Vec<char> = terms.iter().flat_map(|term| letters(term)).collect();
    all.sort_unstable();
    let occurs_once = |letter: &char| all.iter().filter(|other| *other == letter).count() == 1;
    all.iter().copied().filter(occurs_once).collect()
}

/// Leading dimensions broadcast in PyTorch; here they must be the same.
fn check_leading(operands: &[Vec<char>], tensors: &[Tensor], leading: &[char]) -> Eval<()> {
    for label in leading {
        let extents = operands.iter().zip(tensors).filter_map(|(labels, tensor)| {
            let position = labels.iter().position(|other| other == label)?;
            tensor.dims().get(position).copied()
        });
        let extents: Vec<Dim> = extents.collect();
        if extents.windows(2).any(|pair| pair.first() != pair.last()) {
            let message = "nasc does not support einsum() whose `...` broadcasts";
            return Err(refuse(Mistake::UnsupportedArgument, message));
        }
    }
    Ok(())
}
