//! Partial evaluation: runs the program's module, constructors and `forward` on constants and
//! abstract tensors, and builds the typed graph. The only meeting place of Python and the graph.
//! Deliberately not here: grammar (`syntax`), rules of operations (`shape`).

pub(crate) mod assign;
pub(crate) mod attribute;
pub(crate) mod autograd;
pub(crate) mod builtins;
pub(crate) mod call;
pub(crate) mod class;
pub(crate) mod compare;
pub(crate) mod control;
pub(crate) mod copying;
pub(crate) mod einops;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod exceptions;
pub(crate) mod expression;
pub(crate) mod format;
pub(crate) mod fuel;
pub(crate) mod interpreter;
pub(crate) mod item;
pub(crate) mod iterate;
pub(crate) mod lazy;
pub(crate) mod library;
pub(crate) mod modules;
pub(crate) mod native;
pub(crate) mod nn;
pub(crate) mod numpy;
pub(crate) mod object;
pub(crate) mod operator;
pub(crate) mod ordered;
pub(crate) mod package;
pub(crate) mod prelude;
pub(crate) mod prune;
pub(crate) mod scope;
pub(crate) mod suggest;
pub(crate) mod tensor;
pub(crate) mod trail;
pub(crate) mod value;
pub(crate) mod warn;
pub(crate) mod warn_training;

pub use error::CODES;
pub use fuel::Limits;
pub(crate) use library::parameters_of as signature_of;

use crate::diagnostic::{Diagnostics, Severity};
use crate::ir::{CheckedGraph, Shape, TensorType};
use crate::shape;
use crate::source::{SourceFile, SourceProvider, Span};
use crate::syntax::{self, SourceLimits};

use interpreter::Interpreter;

/// What to compile and how far to go.
#[derive(Debug, Clone, PartialEq)]
pub struct CompileOptions {
    /// Types of the inputs of `forward`, usually with `N` as the first dimension.
    pub inputs: Vec<TensorType>,
    /// The network as an expression, such as `Net()` or `resnet18(num_classes=10)`; without it the
    /// last class or factory of the file that needs no arguments is taken.
    pub entry: Option<String>,
    /// Dotted name of the package that the file lies in, for its relative imports; empty if none.
    pub package: String,
    /// Which branch `if self.training` takes.
    pub training: bool,
    /// Budgets.
    pub limits: Limits,
}

impl CompileOptions {
    /// One batch of images `[N, channels, height, width]`, evaluation mode, standard limits.
    #[must_use]
    pub fn image(channels: u64, height: u64, width: u64) -> CompileOptions {
        use crate::ir::Dim;
        let dims = [channels, height, width].map(Dim::Known);
        let shape = Shape([&[Dim::N][..], &dims].concat());
        CompileOptions::new(vec![TensorType::f32(shape)])
    }

    /// These inputs, evaluation mode, standard limits.
    #[must_use]
    pub fn new(inputs: Vec<TensorType>) -> CompileOptions {
        let (package, limits) = (String::new(), Limits::standard());
        CompileOptions { inputs, entry: None, package, training: false, limits }
    }
}

/// A compiled network.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// The graph; every value has a type.
    pub graph: CheckedGraph,
    /// What was compiled, such as `Net()`.
    pub entry: String,
    /// Why that.
    pub entry_reason: String,
    /// Suspicious places that are no mistakes.
    pub warnings: Diagnostics,
}

/// Compiles a source text: parse, evaluate, check. Its imports are looked up in `sources`.
///
/// Nothing is executed: the program runs in nasc's own interpreter, within
/// [`CompileOptions::limits`]. The interpreter recurses; with the standard limits it needs less than
/// 2 MiB of stack in optimised builds.
///
/// # Errors
/// All mistakes that were found, sorted by place.
pub fn compile_with(
    source: &SourceFile,
    options: &CompileOptions,
    sources: &dyn SourceProvider,
) -> Result<Compiled, Diagnostics> {
    let module = syntax::parse(source, package::MAIN, &SourceLimits::standard())
        .map_err(|error| Diagnostics::new(vec![error.into()]))?;
    let start = Span { file: package::MAIN, start: 0, end: 0 };
    let evaluate = |widths| {
        let mut interpreter = Interpreter::new(options.limits, options.training, start, sources);
        interpreter.lazy_widths = widths;
        let traced = interpreter.trace(&module, options);
        (interpreter, traced)
    };
    let (mut interpreter, mut traced) = evaluate(lazy::LazyWidths::default());
    let widths = std::mem::take(&mut interpreter.lazy_widths).for_another_evaluation();
    if let (Some(widths), true) = (widths, traced.is_some()) {
        (interpreter, traced) = evaluate(widths);
    }
    let mut found = std::mem::take(&mut interpreter.diagnostics);
    if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Diagnostics::new(found));
    }
    let Some(traced) = traced else { return Err(Diagnostics::new(found)) };
    let graph = shape::check(traced.graph).map_err(|errors| {
        found.extend(errors.as_slice().iter().cloned());
        Diagnostics::new(std::mem::take(&mut found))
    })?;
    Ok(Compiled {
        graph,
        entry: traced.entry.text,
        entry_reason: traced.entry.reason,
        warnings: Diagnostics::new(found),
    })
}
