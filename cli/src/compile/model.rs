//! What a form is written from: a compiled network, its weights, and what is known of it.

use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::emit::{EmitError, Weights};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Compiled};
use nasc_runtime::checkpoint;
use nasc_runtime::state::StateDict;

use super::facts::{self, Facts};
use super::{CompileArgs, refuse};
use crate::check;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::source::Program;
use crate::verify::samples::Subject;

/// A network, its weights, and what is known of it.
pub(super) struct Model {
    pub compiled: Compiled,
    pub state: StateDict,
    pub facts: Facts,
    /// The files it was read from, the network's own first.
    pub files: Vec<SourceFile>,
}

impl Model {
    /// The network of a Python file; `None` after reports about the program.
    pub fn of_file(
        args: &CompileArgs,
        environment: &Environment,
        output: &mut Output<'_>,
    ) -> Result<Option<Model>, CliError> {
        let program = Program::read(&args.file, args.root.as_deref())?;
        let mut options = CompileOptions::new(args.input.clone());
        options.entry.clone_from(&args.entry);
        let compiled = match check::compile(&program, &options, None) {
            Ok(compiled) => compiled,
            Err(diagnostics) => {
                check::print_reports(&program.folder.files(), &diagnostics, output)?;
                return Ok(None);
            }
        };
        let (state, task) = match &args.weights {
            Some(weights) => checkpoint::load_with_task(weights)?,
            // tensors that a state dict leaves out come with the graph
            None if StateDict::default().check(&compiled.graph).is_ok() => {
                (StateDict::default(), None)
            }
            None => {
                let reason =
                    "the network has parameters, so it needs weights; `nasc train` writes some";
                return Err(CliError::Argument {
                    argument: "--weights",
                    reason: reason.to_owned(),
                });
            }
        };
        state.check(&compiled.graph)?;
        let data = match &args.data {
            Some(spec) => Some(facts::open(spec, environment, output)?),
            None => None,
        };
        let files = program.folder.files();
        let text = files.first().map_or("", SourceFile::text);
        let facts = Facts::new(args, data, task.as_ref(), text);
        Ok(Some(Model { compiled, state, facts, files }))
    }

    /// What is proved about it.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            graph: &self.compiled.graph,
            state: &self.state,
            data: self.facts.data.as_deref(),
            digits: true,
            scaling: &self.facts.scaling,
        }
    }

    /// The weights as back ends take them.
    pub fn weights(&self) -> Weights<'_> {
        let mut weights = Weights::new();
        for name in self.state.tensors.keys() {
            if let Some(elements) = self.state.floats(name) {
                weights.insert(name, elements);
            }
        }
        weights
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.compiled.entry.trim_end_matches("()")
    }

    /// An error of a back end with the line that it is about.
    pub fn explain(&self, error: &EmitError) -> String {
        let EmitError::Unsupported { call, .. } = error else { return error.to_string() };
        let file = crate::render::file_of(&self.files, Some(*call));
        let place =
            file.map(|file| format!("{}:{}: ", file.name(), file.line_column(call.start).line));
        format!("{}{error}", place.unwrap_or_default())
    }

    /// An error of a back end as it is reported: at its place in the program, if it has one.
    pub fn report(&self, error: &EmitError, output: &mut Output<'_>) -> Result<(), CliError> {
        match refuse::diagnostic(error) {
            Some(diagnostic) => {
                check::print_reports(&self.files, &Diagnostics::new(vec![diagnostic]), output)
            }
            None => Ok(output.remark(error.to_string())?),
        }
    }
}
