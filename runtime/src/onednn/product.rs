//! A product of two batches of small matrices as one primitive, which packs and tiles them together.
//! Not here: single products of large matrices, for which `OneDnn::multiply` needs no preparation.

#![expect(unsafe_code, reason = "a foreign interface")]

use super::api::{self, made};
use super::convolution::Attributes;
use super::primitive::{Bound, Desc, PrimitiveDesc};
use super::{OneDnn, OneDnnError};

/// Extents of a product of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProductSpec {
    /// Matrices in each batch.
    pub count: usize,
    /// Rows of the result.
    pub rows: usize,
    /// Columns of the result.
    pub columns: usize,
    /// Columns of the left factor, rows of the right.
    pub inner: usize,
    /// Whether each factor is stored transposed.
    pub transposed: [bool; 2],
    /// Whether a bias is added to every row.
    pub bias: bool,
    /// Whether the result is clipped at zero.
    pub relu: bool,
}

impl ProductSpec {
    /// A product and nothing else.
    pub fn plain(
        count: usize,
        [rows, inner, columns]: [usize; 3],
        transposed: [bool; 2],
    ) -> ProductSpec {
        ProductSpec { count, rows, columns, inner, transposed, bias: false, relu: false }
    }
}

/// What a run reads and writes; scratch is at least [`Product::scratch`] floats.
#[derive(Debug)]
pub(crate) struct ProductCall<'a> {
    /// The left factors.
    pub left: &'a [f32],
    /// The right factors.
    pub right: &'a [f32],
    /// One number for each column; empty without a bias.
    pub bias: &'a [f32],
    /// The results.
    pub out: &'a mut [f32],
    /// Anything.
    pub scratch: &'a mut [f32],
}

/// `left[i] · right[i]` for every `i` of a batch, overwriting the result.
#[derive(Debug)]
pub(crate) struct Product {
    spec: ProductSpec,
    bound: Bound,
    scratch: usize,
}

/// `count` matrices one after another, each `[rows, columns]` or stored as its transpose.
fn matrices(
    library: &OneDnn,
    [count, rows, columns]: [usize; 3],
    transposed: bool,
) -> Result<Desc, OneDnnError> {
    let [count, rows, columns] = [count as i64, rows as i64, columns as i64];
    let inner = if transposed { [1, rows] } else { [columns, 1] };
    if count == 1 {
        return Desc::strided(library, &[rows, columns], &inner);
    }
    Desc::strided(library, &[count, rows, columns], &[rows * columns, inner[0], inner[1]])
}

impl Product {
    /// Prepares the primitive.
    pub fn new(library: &OneDnn, spec: ProductSpec) -> Result<Product, OneDnnError> {
        library.single_threaded();
        let ProductSpec { count, rows, columns, inner, transposed, .. } = spec;
        let left = matrices(library, [count, rows, inner], transposed[0])?;
        let right = matrices(library, [count, inner, columns], transposed[1])?;
        let out = matrices(library, [count, rows, columns], false)?;
        let extents = if count == 1 { vec![1, columns] } else { vec![1, 1, columns] };
        let extents: Vec<i64> = extents.into_iter().map(|extent| extent as i64).collect();
        let bias = spec.bias.then(|| Desc::plain(library, &extents)).transpose()?;
        let attributes = Attributes::new(library, spec.relu)?;
        let api = library.api;
        // SAFETY: all descriptors are valid; a null bias is no bias.
        let handle = made("matmul", |handle| unsafe {
            (api.matmul)(
                handle,
                library.engine,
                left.handle,
                right.handle,
                bias.as_ref().map_or(std::ptr::null_mut(), |bias| bias.handle),
                out.handle,
                attributes.handle,
            )
        })?;
        let desc = PrimitiveDesc::new(api, handle);
        let scratch = desc.scratch();
        let pad = Desc::plain(library, &[scratch.max(1) as i64])?;
        let mut roles = vec![
            (api::SRC, &left),
            (api::WEIGHTS, &right),
            (api::DST, &out),
            (api::SCRATCHPAD, &pad),
        ];
        roles.extend(bias.as_ref().map(|bias| (api::BIAS, bias)));
        Ok(Product { spec, bound: Bound::new(library, &desc, &roles)?, scratch })
    }

    /// Floats of scratch memory that a run needs.
    pub fn scratch(&self) -> usize {
        self.scratch
    }

    /// Overwrites `out` with the products.
    pub fn run(&mut self, call: ProductCall<'_>) -> Result<(), OneDnnError> {
        let ProductSpec { count, rows, columns, inner, bias: with_bias, .. } = self.spec;
        let ProductCall { left, right, bias, out, scratch } = call;
        assert!(left.len() >= count * rows * inner, "the left factor is too short");
        assert!(right.len() >= count * inner * columns, "the right factor is too short");
        assert!(out.len() >= count * rows * columns, "the product does not fit");
        assert!(!with_bias || bias.len() >= columns, "the bias is too short");
        assert!(scratch.len() >= self.scratch, "scratch memory is too small");
        let (left, right) = (left.as_ptr().cast_mut(), right.as_ptr().cast_mut());
        let (out, scratch) = (out.as_mut_ptr(), scratch.as_mut_ptr());
        // SAFETY: lengths were asserted; factors are only read; `out` and scratch are exclusive.
        unsafe {
            if with_bias {
                self.bound.execute(&[left, right, out, scratch, bias.as_ptr().cast_mut()])
            } else {
                self.bound.execute(&[left, right, out, scratch])
            }
        }
    }
}
