//! `Program`: buffers and the steps that fill them, in order. A step is the body of a C function;
//! steps with equal bodies share one function. Where buffers lie in the arena is `arena`'s.

use super::view::View;

/// Where the elements of a buffer are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Buffer {
    /// In the arena; the number of floats.
    Arena(i64),
    /// In the constants of the file.
    Constant(Vec<f32>),
    /// The caller's, to read.
    Input(usize),
    /// The caller's, to write.
    Output(usize),
}

/// A pointer that a step gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub buffer: usize,
    pub offset: i64,
    pub writes: bool,
}

/// A call of a function whose parameters are `a0`, `a1`, ...
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Step {
    /// What it does, for a comment.
    pub title: String,
    pub body: String,
    pub arguments: Vec<Argument>,
}

impl Step {
    pub fn new(title: impl Into<String>) -> Step {
        Step { title: title.into(), ..Step::default() }
    }

    /// The name of a pointer to the first element of a view, to read.
    pub fn read(&mut self, view: &View) -> String {
        self.argument(view, false)
    }

    /// The name of a pointer to the first element of a view, to write.
    pub fn write(&mut self, view: &View) -> String {
        self.argument(view, true)
    }

    fn argument(&mut self, view: &View, writes: bool) -> String {
        let argument = Argument { buffer: view.buffer, offset: view.offset, writes };
        let known = self.arguments.iter().position(|known| *known == argument);
        let index = known.unwrap_or_else(|| {
            self.arguments.push(argument);
            self.arguments.len() - 1
        });
        format!("a{index}")
    }
}

/// A network as steps over buffers.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub buffers: Vec<Buffer>,
    pub steps: Vec<Step>,
}

impl Program {
    pub fn buffer(&mut self, buffer: Buffer) -> usize {
        self.buffers.push(buffer);
        self.buffers.len() - 1
    }

    /// A constant tensor.
    pub fn constant(&mut self, elements: Vec<f32>, extents: &[i64]) -> View {
        let same = |buffer: &Buffer| match buffer {
            Buffer::Constant(known) => {
                known.len() == elements.len()
                    && known.iter().zip(&elements).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            Buffer::Arena(_) | Buffer::Input(_) | Buffer::Output(_) => false,
        };
        let known = self.buffers.iter().position(same);
        let buffer = known.unwrap_or_else(|| self.buffer(Buffer::Constant(elements)));
        View::plain(buffer, extents)
    }

    /// New elements in the arena, in the given order of dimensions.
    pub fn allocate(&mut self, extents: &[i64], order: &[usize], margins: &[(i64, i64)]) -> View {
        let view = View::dense(self.buffers.len(), extents, order, margins);
        let margin = |dim: usize| margins.get(dim).map_or(0, |(before, after)| before + after);
        let extents = extents.iter().enumerate().map(|(dim, extent)| extent + margin(dim));
        let length = extents.product();
        self.buffer(Buffer::Arena(length));
        view
    }

    /// New elements in the arena in row-major order.
    pub fn allocate_plain(&mut self, extents: &[i64]) -> View {
        let order: Vec<usize> = (0..extents.len()).collect();
        self.allocate(extents, &order, &[])
    }

    /// Bytes of the constants.
    pub fn constant_bytes(&self) -> u64 {
        let length = |buffer: &Buffer| match buffer {
            Buffer::Constant(elements) => elements.len() as u64,
            Buffer::Arena(_) | Buffer::Input(_) | Buffer::Output(_) => 0,
        };
        self.buffers.iter().map(length).sum::<u64>() * 4
    }
}
