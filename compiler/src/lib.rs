//! nasc-compiler: text of a PyTorch-style network to a checked, costed graph. Pure: no files,
//! no environment, no clock, no threads, no randomness.

extern crate alloc;

pub mod ast;
pub mod canon;
pub mod cell;
pub mod cost;
pub mod diagnostic;
pub mod emit;
mod eval;
pub mod ir;
mod module_tree;
pub mod repair;
pub mod shape;
pub mod source;
pub mod syntax;

pub use eval::{CODES as EVAL_CODES, CompileOptions, Compiled, Limits, compile_with};

/// Compiles a source text on its own: parse, evaluate, check. See [`compile_with`] for one that
/// imports other files.
///
/// ```
/// use nasc_compiler::{CompileOptions, compile, cost, source::SourceFile};
///
/// let source = SourceFile::new(
///     "net.py",
///     "import torch.nn as nn\n\
///      class Net(nn.Module):\n    \
///          def __init__(self):\n        \
///              super().__init__()\n        \
///              self.flatten = nn.Flatten()\n        \
///              self.fc = nn.Linear(64, 10)\n    \
///          def forward(self, x):\n        \
///              return self.fc(self.flatten(x))\n",
/// );
/// let compiled = compile(&source, &CompileOptions::image(1, 8, 8)).expect("it checks");
/// assert_eq!(cost::analyze(&compiled.graph).params, 650);
/// ```
///
/// # Errors
/// All mistakes that were found, sorted by place.
pub fn compile(
    source: &source::SourceFile,
    options: &CompileOptions,
) -> Result<Compiled, diagnostic::Diagnostics> {
    compile_with(source, options, &eval::package::NoSources)
}
