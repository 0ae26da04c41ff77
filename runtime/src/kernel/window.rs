//! Geometry of a sliding window in up to three spatial dimensions; missing ones have extent 1.

#![expect(clippy::indexing_slicing, reason = "three spatial dimensions, fixed arrays")]

/// Where a window stands over an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Extents of the input: depth, height, width.
    pub input: [usize; 3],
    /// Extents of the output.
    pub output: [usize; 3],
    /// Extents of the window.
    pub kernel: [usize; 3],
    /// Steps.
    pub stride: [usize; 3],
    /// Padding before each dimension; what lies after follows from the output.
    pub padding: [usize; 3],
    /// Spacing of the window's elements.
    pub dilation: [usize; 3],
}

/// A row of outputs and the row of inputs that one element of the window reads for it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// First output of the row.
    pub output: usize,
    /// First input of the row; `None` in the padding.
    pub input: Option<usize>,
}

/// Outputs of a row that read inside the input, and where the first of them reads.
#[derive(Debug, Clone, Copy)]
pub struct Valid {
    /// First output.
    pub low: usize,
    /// One past the last output.
    pub high: usize,
    /// Position in the row of inputs that output `low` reads.
    pub first: usize,
}

impl Window {
    /// Elements of the input per channel.
    pub fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    /// Elements of the output per channel.
    pub fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// Elements of the window.
    pub fn kernel_len(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether every output reads exactly the input of its own position.
    pub fn is_identity(&self) -> bool {
        self.kernel == [1; 3]
            && self.stride == [1; 3]
            && self.padding == [0; 3]
            && self.input == self.output
    }

    /// The window's elements in row-major order.
    pub fn elements(&self) -> impl Iterator<Item = [usize; 3]> {
        let [depth, height, width] = self.kernel;
        (0..depth)
            .flat_map(move |d| (0..height).flat_map(move |h| (0..width).map(move |w| [d, h, w])))
    }

    /// Rows of the output for one element of the window.
    pub fn rows(&self, element: [usize; 3]) -> impl Iterator<Item = Row> {
        let window = *self;
        let rows = window.output[0] * window.output[1];
        (0..rows).map(move |row| {
            let at = [row / window.output[1], row % window.output[1]];
            let depth = window.read(0, at[0], element[0]);
            let height = window.read(1, at[1], element[1]);
            let input = depth
                .zip(height)
                .map(|(depth, height)| (depth * window.input[1] + height) * window.input[2]);
            Row { output: row * window.output[2], input }
        })
    }

    /// Outputs along the width for which the element `kernel` of the window reads inside.
    pub fn valid(&self, kernel: usize) -> Valid {
        let (stride, offset, padding) =
            (self.stride[2], kernel * self.dilation[2], self.padding[2]);
        let low = padding.saturating_sub(offset).div_ceil(stride);
        let high = (self.input[2] + padding).saturating_sub(offset).div_ceil(stride);
        let high = high.min(self.output[2]);
        let low = low.min(high);
        Valid { low, high, first: (low * stride + offset).saturating_sub(padding) }
    }

    /// Where output `output` reads along dimension `dim`, if not in the padding.
    fn read(&self, dim: usize, output: usize, kernel: usize) -> Option<usize> {
        let position = output * self.stride[dim] + kernel * self.dilation[dim];
        position.checked_sub(self.padding[dim]).filter(|&position| position < self.input[dim])
    }

    /// Calls `body(output, input, count)` for each run of outputs for which one element of the window
    /// reads inside the input. Outputs are consecutive; inputs are a stride apart.
    pub fn for_each_span(&self, element: [usize; 3], mut body: impl FnMut(usize, usize, usize)) {
        let valid = self.valid(element[2]);
        let count = valid.high - valid.low;
        if count == 0 {
            return;
        }
        for row in self.rows(element) {
            if let Some(input) = row.input {
                body(row.output + valid.low, input + valid.first, count);
            }
        }
    }

    /// All outputs in row-major order.
    pub fn outputs(&self) -> impl Iterator<Item = [usize; 3]> {
        let [depth, height, width] = self.output;
        (0..depth)
            .flat_map(move |d| (0..height).flat_map(move |h| (0..width).map(move |w| [d, h, w])))
    }
}
