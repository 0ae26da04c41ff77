//! Matrix products of row-major matrices on one thread; callers run several at once.

/// A row-major matrix, possibly read transposed.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    /// Its elements, at least rows x columns.
    pub data: &'a [f32],
    /// Rows as stored.
    pub rows: usize,
    /// Columns as stored.
    pub columns: usize,
    /// Whether it enters the product transposed.
    pub transposed: bool,
}

impl<'a> Matrix<'a> {
    /// A matrix as stored.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Matrix { data, rows, columns, transposed: false }
    }

    /// Its transpose.
    #[must_use]
    pub fn t(self) -> Self {
        Matrix { transposed: !self.transposed, ..self }
    }

    /// Rows and columns as they enter the product.
    pub fn extents(&self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn strides(&self) -> (isize, isize) {
        let columns = self.columns as isize;
        if self.transposed { (1, columns) } else { (columns, 1) }
    }
}

/// `out = left · right`, or `out += left · right` if `accumulate`. `out` is row-major.
///
/// # Panics
/// If the extents disagree or a slice is too short, which is a mistake of the caller.
pub fn multiply(out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    let ((m, k), (inner, n)) = (left.extents(), right.extents());
    assert!(k == inner, "inner extents differ");
    assert!(out.len() >= m * n, "the product does not fit");
    assert!(left.data.len() >= m * k && right.data.len() >= k * n, "a factor is too short");
    if m == 0 || n == 0 {
        return;
    }
    let ((left_row, left_column), (right_row, right_column)) = (left.strides(), right.strides());
    // SAFETY: the assertions above keep every access that extents and strides allow inside the
    // three slices, and `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            left.data.as_ptr(),
            left_column,
            left_row,
            right.data.as_ptr(),
            right_column,
            right_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
