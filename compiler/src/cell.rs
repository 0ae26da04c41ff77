//! NAS-Bench-201's cells (Dong and Yang, ICLR 2020): four nodes, six edges, five operations; the
//! string and the number of one, and the cell that a checked graph computes. Deliberately not here:
//! what a cell scores, which a table says, and text of a program.

mod circuit;
mod error;
mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

pub use error::CellError;

use crate::ir::CheckedGraph;
use circuit::{Circuit, Key};

/// What an edge computes, in the order of the benchmark's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CellOperation {
    /// Zeros.
    None,
    /// The input itself.
    SkipConnect,
    /// ReLU, 1×1 convolution, batch norm.
    Convolution1x1,
    /// ReLU, 3×3 convolution, batch norm.
    Convolution3x3,
    /// 3×3 average pooling of stride 1.
    AveragePool3x3,
}

impl CellOperation {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::SkipConnect,
        Self::Convolution1x1,
        Self::Convolution3x3,
        Self::AveragePool3x3,
    ];

    /// The benchmark's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SkipConnect => "skip_connect",
            Self::Convolution1x1 => "nor_conv_1x1",
            Self::Convolution3x3 => "nor_conv_3x3",
            Self::AveragePool3x3 => "avg_pool_3x3",
        }
    }

    /// The operation of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Whether it is a convolution, which has weights.
    #[must_use]
    pub const fn is_convolution(self) -> bool {
        matches!(self, Self::Convolution1x1 | Self::Convolution3x3)
    }
}

/// Edges of a cell.
pub const EDGES: usize = 6;

/// The nodes that each edge leads from and to, in the order of a cell's string.
pub const ENDS: [(usize, usize); EDGES] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

/// A cell: the operation of each edge. Node 0 is the input, node 3 the output, and a node is the sum
/// of its edges.
///
/// ```
/// use nasc_compiler::cell::Cell;
///
/// let text = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|";
/// let cell: Cell = text.parse().unwrap();
/// assert_eq!(cell.to_string(), text);
/// assert_eq!(Cell::from_number(cell.number()), Some(cell));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(pub [CellOperation; EDGES]);

/// A text that is no cell's string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no cell; it has the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with the operations none, skip_connect, nor_conv_1x1, nor_conv_3x3 and avg_pool_3x3"
)]
pub struct NoCell(String);

impl Cell {
    /// Cells in all: 5⁶.
    pub const COUNT: usize = 15_625;

    /// Its number: the operations as digits of base 5, the first edge's first.
    #[must_use]
    pub fn number(self) -> usize {
        self.0.into_iter().fold(0, |number, operation| number * 5 + operation as usize)
    }

    /// The cell of a number below [`Cell::COUNT`].
    #[must_use]
    pub fn from_number(number: usize) -> Option<Self> {
        let mut operations = [CellOperation::None; EDGES];
        let mut rest = number;
        for operation in operations.iter_mut().rev() {
            *operation = *CellOperation::ALL.get(rest % 5)?;
            rest /= 5;
        }
        (rest == 0).then_some(Self(operations))
    }

    /// All cells by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::from_number)
    }

    /// The cell that a graph computes, however it is written. Of several cells that compute the same
    /// it is the one with the fewest operations, and of those the one with the lowest number.
    ///
    /// A convolution's bias makes no difference before a batch norm, and the divisor of an average
    /// pooling may count its padding; sharing of weights makes one, and is in no cell.
    ///
    /// # Errors
    /// Why the graph is no cell, and where.
    pub fn of_graph(graph: &CheckedGraph) -> Result<Self, CellError> {
        let circuit = read::circuit(graph)?;
        let known = representatives().get(&circuit.key());
        known.copied().ok_or(CellError::NotFourNodes { operations: circuit.operations() })
    }

    /// The cell that stands for all that compute the same as this one.
    #[must_use]
    pub fn representative(self) -> Self {
        static BY_NUMBER: OnceLock<Vec<Cell>> = OnceLock::new();
        let known = |cell: Self| representatives().get(&Circuit::of_cell(cell).key()).copied();
        let all =
            BY_NUMBER.get_or_init(|| Self::all().map(|cell| known(cell).unwrap_or(cell)).collect());
        all.get(self.number()).copied().unwrap_or(self)
    }

    /// Edges that compute something.
    fn operations(self) -> usize {
        self.0.into_iter().filter(|&operation| operation != CellOperation::None).count()
    }
}

/// For each function that cells compute, the cell that stands for it.
fn representatives() -> &'static BTreeMap<Key, Cell> {
    static REPRESENTATIVES: OnceLock<BTreeMap<Key, Cell>> = OnceLock::new();
    REPRESENTATIVES.get_or_init(|| {
        let mut known: BTreeMap<Key, Cell> = BTreeMap::new();
        for cell in Cell::all() {
            let first = known.entry(Circuit::of_cell(cell).key()).or_insert(cell);
            if cell.operations() < first.operations() {
                *first = cell;
            }
        }
        known
    })
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = 1;
        f.write_str("|")?;
        for (operation, (from, to)) in self.0.iter().zip(ENDS) {
            f.write_str(if to == last { "" } else { "+|" })?;
            last = to;
            write!(f, "{}~{from}|", operation.name())?;
        }
        Ok(())
    }
}

impl FromStr for Cell {
    type Err = NoCell;

    fn from_str(text: &str) -> Result<Self, NoCell> {
        let words = text.split(['|', '+']).filter(|word| !word.is_empty());
        let named = words.map(|word| CellOperation::from_name(word.split_once('~')?.0));
        let operations: Option<Vec<CellOperation>> = named.collect();
        let operations = operations.and_then(|list| <[CellOperation; EDGES]>::try_from(list).ok());
        let cell = operations.map(Self).filter(|cell| cell.to_string() == text);
        cell.ok_or_else(|| NoCell(text.to_owned()))
    }
}
