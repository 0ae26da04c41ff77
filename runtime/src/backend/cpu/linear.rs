//! Linear layers over oneDNN's prepared products, with the ReLU that may follow.

use super::affine::{failed, sum_rows};
use super::batch_norm::mask;
use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::gemm::Matrix;
use crate::onednn::{OneDnn, OneDnnError, Product, ProductCall, ProductSpec};

/// An affine map of rows; inputs are input, weight `[out, in]` and perhaps bias.
pub struct Linear {
    library: &'static OneDnn,
    spec: LinearSpec,
    forward: Product,
    weight_gradient: Product,
    input_gradient: Product,
}

/// Extents and tensors of a linear layer.
#[derive(Debug, Clone, Copy)]
pub struct LinearSpec {
    /// Rows that are mapped.
    pub rows: usize,
    /// Numbers in a row before and after.
    pub features: [usize; 2],
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Input and weight.
    pub inputs: [Storage; 2],
    /// The bias.
    pub bias: Option<Storage>,
    /// The result.
    pub output: Storage,
}

impl Linear {
    /// Prepares the products.
    ///
    /// # Errors
    /// If the library has no such product.
    pub fn new(library: &'static OneDnn, spec: LinearSpec) -> Result<Linear, RuntimeError> {
        Linear::prepare(library, spec).map_err(failed("linear"))
    }

    fn prepare(library: &'static OneDnn, spec: LinearSpec) -> Result<Linear, OneDnnError> {
        let LinearSpec { rows, features: [inner, outer], relu, bias, .. } = spec;
        let forward = ProductSpec::plain(1, [rows, inner, outer], [false, true]);
        let forward = ProductSpec { bias: bias.is_some(), relu, ..forward };
        let plain =
            |extents, transposed| Product::new(library, ProductSpec::plain(1, extents, transposed));
        Ok(Linear {
            library,
            spec,
            forward: Product::new(library, forward)?,
            weight_gradient: plain([outer, rows, inner], [true, false])?,
            input_gradient: plain([rows, outer, inner], [false, false])?,
        })
    }

    /// A product written or added to a target; only writing has a prepared product.
    fn gradient(
        &mut self,
        memory: &Memory<'_>,
        target: Target,
        [left, right]: [Matrix<'_>; 2],
        product: impl Fn(&mut Linear) -> &mut Product,
    ) -> Result<(), RuntimeError> {
        let library = self.library;
        let mut result = Ok(());
        target.with(memory, |out, add| {
            if add {
                return library.multiply(out, left, right, true);
            }
            let (left, right, scratch) = (left.data, right.data, memory.scratch());
            let call = ProductCall { left, right, bias: &[], out, scratch };
            result = product(self).run(call);
        });
        result.map_err(failed("linear"))
    }
}

impl Kernel for Linear {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let call = ProductCall {
            left: memory.value(self.spec.inputs[0]),
            right: memory.value(self.spec.inputs[1]),
            bias: self.spec.bias.map(|bias| memory.value(bias)).unwrap_or_default(),
            out: memory.value_mut(self.spec.output),
            scratch: memory.scratch(),
        };
        self.forward.run(call).map_err(failed("linear"))
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let LinearSpec { rows, features: [inner, outer], relu, .. } = self.spec;
        let gradient = memory.gradient_mut(self.spec.output);
        if relu {
            mask(memory.value(self.spec.output), gradient);
        }
        let gradient = &*gradient;
        let [input, weight] = self.spec.inputs.map(|input| memory.value(input));
        let rows_of_gradient = Matrix::new(gradient, rows, outer);
        let of_weight = [rows_of_gradient.t(), Matrix::new(input, rows, inner)];
        self.gradient(memory, target(targets, 1), of_weight, |it| &mut it.weight_gradient)?;
        target(targets, 2).with(memory, |out, add| sum_rows(gradient, out, add));
        let of_input = [rows_of_gradient, Matrix::new(weight, outer, inner)];
        self.gradient(memory, target(targets, 0), of_input, |it| &mut it.input_gradient)
    }

    fn scratch(&self, _: &[Target]) -> usize {
        let products = [&self.forward, &self.weight_gradient, &self.input_gradient];
        products.into_iter().map(Product::scratch).max().unwrap_or(0)
    }
}
