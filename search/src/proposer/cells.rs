//! The cells of NAS-Bench-201 as texts: one template with a place for each of the six edges, in which
//! the language model's decoder, the baselines and the first network of a run write.

use super::NetworkSource;
use nasc_compiler::cell::{Cell, CellOperation, EDGES};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Limits, compile};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// The text of a cell; `{edge01}` and so on are the classes of its edges.
const TEMPLATE: &str = include_str!("../../../prompts/cell.txt");
const IMPORTS: &str = "import torch\nimport torch.nn as nn\n\n\n";
/// What every cell's text begins with, behind the imports.
const OPENING: &str = "class Cell(nn.Module):\n";
/// Where what a language model need not see begins: it is the same in every cell.
const COMMON: &str = "\n        self.edges = ";
/// The cell that a run begins with, as plain as the paper's first network: one 1×1 convolution.
pub const FIRST: Cell = Cell([
    CellOperation::None,
    CellOperation::None,
    CellOperation::None,
    CellOperation::Convolution1x1,
    CellOperation::None,
    CellOperation::None,
]);
/// Channels, height and width of the images that a cell's text is checked with.
pub const INPUT: [u64; 3] = [16, 32, 32];

/// The class of an operation in the template.
#[must_use]
pub const fn class(operation: CellOperation) -> &'static str {
    match operation {
        CellOperation::None => "Zero",
        CellOperation::SkipConnect => "Skip",
        CellOperation::Convolution1x1 => "Conv1x1",
        CellOperation::Convolution3x3 => "Conv3x3",
        CellOperation::AveragePool3x3 => "AvgPool3x3",
    }
}

/// The fixed parts of the template: before, between and behind the edges.
#[must_use]
pub fn segments() -> Vec<&'static str> {
    let mut segments = Vec::with_capacity(EDGES + 1);
    let mut rest = TEMPLATE;
    while let Some((before, after)) = rest.split_once('{') {
        segments.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    segments.push(rest);
    segments
}

/// The text of a cell.
#[must_use]
pub fn source(cell: Cell) -> String {
    let mut text = IMPORTS.to_owned();
    let mut operations = cell.0.into_iter();
    for segment in segments() {
        text.push_str(segment);
        text.push_str(operations.next().map_or("", class));
    }
    text
}

/// The cell of a text that was written after the template, with what its edges say, also where
/// another cell computes the same; for any other text the cell that it computes.
#[must_use]
pub fn read(source: &str) -> Option<Cell> {
    literal(source).or_else(|| {
        let mut options = CompileOptions::image(INPUT[0], INPUT[1], INPUT[2]);
        options.limits = Limits::candidate();
        let compiled = compile(&SourceFile::new("candidate.py", source), &options).ok()?;
        Cell::of_graph(&compiled.graph).ok()
    })
}

fn literal(source: &str) -> Option<Cell> {
    let (cell, rest) = edges(source.get(source.find(OPENING)?..)?)?;
    let segments = segments();
    (rest.trim_end() == segments.last()?.trim_end()).then_some(cell)
}

/// The six edges that a text begins with, and what comes behind them.
fn edges(mut text: &str) -> Option<(Cell, &str)> {
    let mut operations = Vec::with_capacity(EDGES);
    for segment in segments().into_iter().take(EDGES) {
        text = text.strip_prefix(segment)?;
        let end = text.find(|next: char| !next.is_ascii_alphanumeric())?;
        let (name, rest) = text.split_at_checked(end)?;
        operations.push(CellOperation::ALL.into_iter().find(|&own| class(own) == name)?);
        text = rest;
    }
    Some((Cell(<[CellOperation; EDGES]>::try_from(operations).ok()?), text))
}

/// The cells that a prompt shows, in their order.
#[must_use]
pub fn shown_in(prompt: &str) -> Vec<Cell> {
    let starts = prompt.match_indices(OPENING).filter_map(|(start, _)| prompt.get(start..));
    starts.filter_map(|text| edges(text).map(|(cell, _)| cell)).collect()
}

/// The part of a cell's text in which it differs from others, for prompts; all of any other text.
#[must_use]
pub fn in_short(source: &str) -> &str {
    let Some(own) = source.find(OPENING).and_then(|start| source.get(start..)) else {
        return source;
    };
    own.find(COMMON).and_then(|end| own.get(..end)).unwrap_or(own)
}

/// The cells as a space; every draw names all six edges.
#[derive(Debug, Clone, Copy)]
pub struct CellSpace;

fn operation(rng: &mut ChaCha8Rng) -> CellOperation {
    CellOperation::ALL.choose(rng).copied().unwrap_or(CellOperation::None)
}

fn random(rng: &mut ChaCha8Rng) -> Cell {
    Cell([(); EDGES].map(|()| operation(rng)))
}

impl NetworkSource for CellSpace {
    fn random(&self, rng: &mut ChaCha8Rng) -> String {
        source(random(rng))
    }

    /// Gives one edge another operation.
    fn mutate(&self, parent: &str, rng: &mut ChaCha8Rng) -> String {
        let mut cell = read(parent).unwrap_or_else(|| random(rng));
        let place = rng.random_range(0..EDGES);
        if let Some(edge) = cell.0.get_mut(place) {
            let others: Vec<CellOperation> =
                CellOperation::ALL.into_iter().filter(|other| other != edge).collect();
            *edge = others.choose(rng).copied().unwrap_or(*edge);
        }
        source(cell)
    }

    fn fingerprint(&self, source: &str) -> Option<String> {
        read(source).map(|cell| cell.representative().to_string())
    }

    /// Takes each edge from one parent or the other.
    fn crossover(&self, first: &str, second: &str, rng: &mut ChaCha8Rng) -> String {
        let mut cell = read(first).unwrap_or_else(|| random(rng));
        let other = read(second).unwrap_or_else(|| random(rng));
        for (edge, other) in cell.0.iter_mut().zip(other.0) {
            if rng.random::<bool>() {
                *edge = other;
            }
        }
        source(cell)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{CellSpace, in_short, read, segments, source};
    use crate::extract::extract;
    use crate::proposer::NetworkSource as _;
    use nasc_compiler::cell::{Cell, EDGES};
    use nasc_compiler::source::SourceFile;
    use nasc_compiler::{CompileOptions, compile};
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_text_of_a_cell_computes_it_and_names_each_edge() {
        assert_eq!(segments().len(), EDGES + 1);
        for cell in Cell::all().step_by(97) {
            let text = source(cell);
            let file = SourceFile::new("cell.py", text.as_str());
            let compiled = compile(&file, &CompileOptions::image(16, 32, 32)).unwrap();
            assert_eq!(Cell::of_graph(&compiled.graph).unwrap(), cell.representative());
            assert_eq!(read(&text), Some(cell));
            assert_eq!(read(&extract(&text).unwrap()), Some(cell));
        }
    }

    #[test]
    fn a_text_of_another_form_is_read_from_its_graph() {
        let identity = "from torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n";
        let skip = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|";
        assert_eq!(read(identity).unwrap().to_string(), skip);
        assert_eq!(read("nothing"), None);
    }

    #[test]
    fn children_differ_by_one_edge_and_combinations_by_none_that_neither_parent_has() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let [first, second] = [(); 2].map(|()| CellSpace.random(&mut rng));
            let [a, b] = [&first, &second].map(|text| read(text).unwrap());
            let child = read(&CellSpace.mutate(&first, &mut rng)).unwrap();
            assert_eq!(child.0.iter().zip(a.0).filter(|(x, y)| **x != *y).count(), 1);
            let both = read(&CellSpace.crossover(&first, &second, &mut rng)).unwrap();
            assert!((0..EDGES).all(|edge| [a.0[edge], b.0[edge]].contains(&both.0[edge])));
        }
    }

    #[test]
    fn a_prompt_shows_the_edges_alone() {
        let text = source(Cell::from_number(7_000).unwrap());
        let short = in_short(&text);
        assert!(short.starts_with("class Cell") && short.ends_with(']'), "{short}");
        assert_eq!(in_short("class Net:"), "class Net:");
    }
}
