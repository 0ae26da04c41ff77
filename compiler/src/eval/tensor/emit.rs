//! Appends operations to the graph: operands become values, the shape rule runs, a mistake is
//! reported once and its results are unknown.

use crate::eval::error::{Eval, Mistake, refuse, silent};
use crate::eval::interpreter::Interpreter;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Arange, Distribution, Full, Op, Random};
use crate::ir::{
    Init, ModuleId, ModulePath, Param, ParamKind, Provenance, Shape, TensorType, ValueId,
};
use crate::shape;

impl Interpreter<'_> {
    /// Appends an operation with one result.
    pub(crate) fn emit(&mut self, subject: &str, op: Op, operands: &[Tensor]) -> Eval<Value> {
        let mut results = self.emit_all(subject, op, operands)?.into_iter();
        Ok(results.next().unwrap_or(Value::Unknown))
    }

    /// Appends an operation; no results if its operands do not fit.
    pub(crate) fn emit_all(
        &mut self,
        subject: &str,
        op: Op,
        operands: &[Tensor],
    ) -> Eval<Vec<Value>> {
        self.fuel.allocate(crate::eval::fuel::NODE)?;
        let types: Vec<TensorType> = operands.iter().map(Tensor::tensor_type).collect();
        let references: Vec<&TensorType> = types.iter().collect();
        let provenance = self.provenance();
        match shape::infer(&op, &references) {
            Ok(results) => {
                if let Some(folded) = self.fold(&op, operands, &results) {
                    return Ok(folded);
                }
                let mut inputs = Vec::with_capacity(operands.len());
                for operand in operands {
                    inputs.push(self.materialise(operand)?);
                }
                let types = results.iter().cloned().map(Some).collect();
                let values = self.builder.node(op, inputs, types, provenance);
                let tensors = results.into_iter().zip(values);
                Ok(tensors.map(|(t, v)| Value::Tensor(Tensor::new(t, Source::Graph(v)))).collect())
            }
            Err(error) => {
                self.report_misfit(error, subject, &provenance, Some(operands));
                Ok(Vec::new())
            }
        }
    }

    /// Reports that operands do not fit.
    pub(crate) fn report_shape_error(
        &mut self,
        error: shape::ShapeError,
        subject: &str,
        provenance: &Provenance,
    ) {
        self.report_misfit(error, subject, provenance, None);
    }

    /// Reports a result that does not fit into the tensor written to; whether there was one.
    pub(crate) fn misfits_in_place(&mut self, subject: &str, old: &Tensor, new: &Tensor) -> bool {
        let (output, broadcast) = (old.tensor_type().shape, new.tensor_type().shape);
        let misfits = output != broadcast;
        if misfits {
            let error = shape::ShapeError::InPlaceMismatch { output, broadcast };
            let provenance = self.provenance();
            self.report_misfit(error, subject, &provenance, Some(&[old.clone(), new.clone()]));
        }
        misfits
    }

    fn report_misfit(
        &mut self,
        error: shape::ShapeError,
        subject: &str,
        provenance: &Provenance,
        operands: Option<&[Tensor]>,
    ) {
        let subject = self.subject(subject);
        let mut diagnostic = error.clone().into_diagnostic(&subject, provenance);
        self.trace_back(&mut diagnostic, &error, operands);
        self.blame_view(&mut diagnostic, &error, provenance);
        self.report(diagnostic);
    }

    /// A layer's path if a layer runs, else the name of the function.
    fn subject(&self, function: &str) -> String {
        let layer = self.module_stack.last().filter(|top| top.class.layer_name().is_some());
        let id = layer.and_then(|layer| self.module_ids.get(&layer.address()));
        let module = id.and_then(|&id| self.builder.graph().module(id));
        match module {
            Some(module) if !module.path.as_str().is_empty() => module.path.to_string(),
            _ => String::from(function.trim_start_matches("torch.nn.functional.")),
        }
    }

    /// Where the operation that runs now comes from.
    pub(crate) fn provenance(&self) -> Provenance {
        let top = self.module_stack.last();
        let declared = top
            .filter(|module| module.class.layer_name().is_some())
            .and_then(|module| module.declared.get());
        let ids = self.module_stack.iter().rev();
        let module = ids.filter_map(|module| self.module_ids.get(&module.address())).next();
        Provenance {
            call: self.site,
            declared,
            module: module.copied().unwrap_or(ModuleId(0)),
            by_name: self.by_name,
        }
    }

    /// The value of the graph that a tensor is.
    pub(crate) fn materialise(&mut self, tensor: &Tensor) -> Eval<ValueId> {
        let source = tensor.0.source.borrow().clone();
        let value = match source {
            Source::Graph(value) => return Ok(value),
            Source::Param(id) => return self.builder.param_value(id).ok_or_else(silent),
            Source::Fill(Init::Constant(number)) if !tensor.0.parameter => {
                self.full(tensor, number)
            }
            Source::Fill(init) => self.unregistered(tensor, init)?,
            Source::Data(data) => match data.split_first() {
                Some((first, rest)) if rest.iter().all(|number| number == first) => {
                    self.full(tensor, *first)
                }
                _ => match (spacing(&data), tensor.rank()) {
                    (Some((start, step)), 1) => self.arange(tensor, start, step, data.len()),
                    _ => self.unregistered(tensor, Init::Elements(data.to_vec().into()))?,
                },
            },
        };
        *tensor.0.source.borrow_mut() = Source::Graph(value);
        Ok(value)
    }

    fn full(&mut self, tensor: &Tensor, value: f64) -> ValueId {
        let tensor_type = tensor.tensor_type();
        let TensorType { dtype, shape } = tensor_type.clone();
        let op = Op::Full(Full { shape, value, dtype });
        let provenance = self.provenance();
        let values = self.builder.node(op, Vec::new(), vec![Some(tensor_type)], provenance);
        values.first().copied().unwrap_or(ValueId(0))
    }

    fn arange(&mut self, tensor: &Tensor, start: f64, step: f64, count: usize) -> ValueId {
        let tensor_type = tensor.tensor_type();
        // The bound lies half a step behind the last element.
        let end = start + step * (count as f64 - 0.5);
        let op = Op::Arange(Arange { start, end, step, dtype: tensor_type.dtype });
        let provenance = self.provenance();
        let values = self.builder.node(op, Vec::new(), vec![Some(tensor_type)], provenance);
        values.first().copied().unwrap_or(ValueId(0))
    }

    /// Numbers drawn anew for each batch.
    fn random(&mut self, tensor: &Tensor, distribution: Distribution) -> ValueId {
        let tensor_type = tensor.tensor_type();
        let TensorType { dtype, shape } = tensor_type.clone();
        let op = Op::Random(Random { shape, dtype, distribution });
        let provenance = self.provenance();
        let values = self.builder.node(op, Vec::new(), vec![Some(tensor_type)], provenance);
        values.first().copied().unwrap_or(ValueId(0))
    }

    /// A tensor that no module registered: it has values, but no name in the state dict.
    fn unregistered(&mut self, tensor: &Tensor, init: Init) -> Eval<ValueId> {
        let TensorType { dtype, shape } = tensor.tensor_type();
        if let (Some(distribution), true) =
            (drawn(&init), shape.0.iter().any(|dim| dim.known().is_none()))
        {
            return Ok(self.random(tensor, distribution));
        }
        let shape = known_extents(&shape)?;
        let name = format!("unregistered.{}", self.builder.graph().params.len());
        let id = self.builder.param(Param {
            path: ModulePath::root().join(&name),
            module: self.provenance().module,
            dtype,
            shape,
            kind: ParamKind::Unregistered,
            init,
        });
        self.builder.param_value(id).ok_or_else(silent)
    }
}

/// How the elements of a random tensor are drawn.
fn drawn(init: &Init) -> Option<Distribution> {
    match init {
        Init::Normal { mean, std } if (*mean, *std) == (0.0, 1.0) => Some(Distribution::Normal),
        Init::Uniform { low, high } if (*low, *high) == (0.0, 1.0) => Some(Distribution::Uniform),
        _ => None,
    }
}

/// The extents of a tensor that is made before the batch size is known.
pub(crate) fn known_extents(shape: &Shape) -> Eval<Vec<u64>> {
    let extents: Option<Vec<u64>> = shape.0.iter().map(|dim| dim.known()).collect();
    extents.ok_or_else(|| {
        refuse(
            Mistake::SymbolicArithmetic,
            "a random tensor whose extent depends on the batch size is not supported",
        )
        .help("make it with torch.zeros or torch.ones, or from the input")
    })
}

/// First element and difference of equally spaced numbers.
fn spacing(data: &[f64]) -> Option<(f64, f64)> {
    let (start, step) = (*data.first()?, data.get(1)? - data.first()?);
    let fits = |(index, number): (usize, &f64)| {
        (start + step * index as f64 - number).abs() <= 1e-9 * number.abs().max(1.0)
    };
    (step != 0.0 && data.iter().enumerate().all(fits)).then_some((start, step))
}
