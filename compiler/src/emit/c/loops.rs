//! Loop nests over tensors of one shape: dimensions are sorted by the strides of the result and
//! merged where every tensor allows it, so that the innermost loop is long and has unit stride.

use std::cmp::Reverse;
use std::fmt::Write as _;

/// One loop: how often, and how far each tensor moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop {
    pub extent: i64,
    pub strides: Vec<i64>,
}

/// The loops over `extents`, outermost first; `strides` holds those of each tensor, the result's
/// first.
pub(super) fn nest(extents: &[i64], strides: &[Vec<i64>]) -> Vec<Loop> {
    let of = |dim: usize| {
        strides.iter().map(|tensor| tensor.get(dim).copied().unwrap_or_default()).collect()
    };
    let loops = extents.iter().enumerate();
    let mut loops: Vec<Loop> =
        loops.map(|(dim, &extent)| Loop { extent, strides: of(dim) }).collect();
    loops.retain(|level| level.extent != 1);
    loops.sort_by_key(|level| Reverse(level.strides.first().map_or(0, |stride| stride.abs())));
    merge(loops)
}

/// Merges neighbouring loops that no tensor tells apart.
pub(super) fn merge(loops: Vec<Loop>) -> Vec<Loop> {
    let mut merged: Vec<Loop> = Vec::new();
    for inner in loops {
        match merged.last_mut() {
            Some(outer) if follows(outer, &inner) => {
                outer.extent *= inner.extent;
                outer.strides = inner.strides;
            }
            _ => merged.push(inner),
        }
    }
    merged
}

fn follows(outer: &Loop, inner: &Loop) -> bool {
    let mut pairs = outer.strides.iter().zip(&inner.strides);
    pairs.all(|(outer, stride)| *outer == stride * inner.extent)
}

/// `for` heads with the variables `prefix0`, `prefix1`, ..., one a line.
pub(super) fn heads(loops: &[Loop], prefix: &str) -> String {
    let mut text = String::new();
    for (level, each) in loops.iter().enumerate() {
        let variable = format!("{prefix}{level}");
        let _ = writeln!(text, "{}", head(&variable, each.extent));
    }
    text
}

/// The head of one loop from zero.
pub(super) fn head(variable: &str, extent: i64) -> String {
    format!("for (ptrdiff_t {variable} = 0; {variable} < {extent}; {variable}++) {{")
}

/// As many closing braces as there are loops.
pub(super) fn tails(loops: &[Loop]) -> String {
    "}\n".repeat(loops.len())
}

/// The index of tensor `tensor` in the loops' variables.
pub(super) fn index(loops: &[Loop], prefix: &str, tensor: usize) -> String {
    let terms = loops.iter().enumerate().map(|(level, each)| {
        let stride = each.strides.get(tensor).copied().unwrap_or_default();
        (format!("{prefix}{level}"), stride)
    });
    sum(terms)
}

/// A sum of products of variables and strides; `0` if nothing is left.
pub(super) fn sum(terms: impl IntoIterator<Item = (String, i64)>) -> String {
    let term = |(variable, stride): (String, i64)| match stride {
        0 => None,
        1 => Some(variable),
        _ => Some(format!("{variable} * {}", literal(stride))),
    };
    let terms: Vec<String> = terms.into_iter().filter_map(term).collect();
    if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
}

/// An integer constant; negative ones in parentheses.
pub(super) fn literal(number: i64) -> String {
    if number < 0 { format!("({number})") } else { number.to_string() }
}
