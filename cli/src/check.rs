//! `nasc check`: what a network computes, layer by layer, and what it costs; or what is wrong.

mod expect;
mod report;
mod text;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nasc_compiler::cost;
use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::ir::TensorType;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Compiled};

pub use expect::{CODES, classes};
pub use report::CheckReport;
pub use text::summary as print_summary;

use crate::error::{CliError, Exit};
use crate::input::parse_input;
use crate::output::Output;
use crate::render::{self, Style};
use crate::source::Program;

/// Check a network: shapes, parameters and MACs of its layers, or what is wrong with it.
///
/// Exit code 0: the network is right; 1: it is wrong or not supported; 2: wrong usage, or a file
/// that cannot be read.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The Python file.
    pub file: PathBuf,
    /// One sample of an input, such as 3x32x32 or 128:i64; once for each input of `forward`.
    #[arg(long, value_name = "DIMS[:TYPE]", default_value = "3x32x32", value_parser = parse_input)]
    pub input: Vec<TensorType>,
    /// Demand one output of shape [N, CLASSES].
    #[arg(long)]
    pub classes: Option<u64>,
    /// The network as an expression, such as 'Net()' or 'resnet18(num_classes=10)'; else the last
    /// class or function of the file that needs no arguments.
    #[arg(long, value_name = "EXPRESSION")]
    pub entry: Option<String>,
    /// The folder that absolute imports start at; else the folder above the file's package.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How a check is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, or reports that quote the lines.
    Text,
    /// One JSON object, see docs/cli.md.
    Json,
}

/// Compiles, and refuses a network whose output is not one logit for each class.
///
/// # Errors
/// All mistakes that were found.
pub fn compile(
    program: &Program,
    options: &CompileOptions,
    wanted: Option<u64>,
) -> Result<Compiled, Diagnostics> {
    let mut options = options.clone();
    options.package.clone_from(&program.package);
    let compiled = nasc_compiler::compile_with(&program.folder.main(), &options, &program.folder)?;
    match wanted.and_then(|wanted| classes(&compiled.graph, wanted)) {
        None => Ok(compiled),
        Some(diagnostic) => {
            let mut all = compiled.warnings.as_slice().to_vec();
            all.push(diagnostic);
            Err(Diagnostics::new(all))
        }
    }
}

pub(crate) fn run(args: &CheckArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    let program = Program::read(&args.file, args.root.as_deref())?;
    let mut options = CompileOptions::new(args.input.clone());
    options.entry = args.entry.clone();
    let result = compile(&program, &options, args.classes);
    let files = program.folder.files();
    match args.format {
        Format::Json => json(&files, &options, &result, output)?,
        Format::Text => print(&files, &options, &result, output)?,
    }
    Ok(if result.is_ok() { Exit::Success } else { Exit::Program })
}

fn json(
    files: &[SourceFile],
    options: &CompileOptions,
    result: &Result<Compiled, Diagnostics>,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let report = CheckReport::new(files, &options.inputs, result);
    output.line(serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    Ok(())
}

fn print(
    files: &[SourceFile],
    options: &CompileOptions,
    result: &Result<Compiled, Diagnostics>,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    match result {
        Ok(compiled) => {
            print_reports(files, &compiled.warnings, output)?;
            print_summary(compiled, &cost::analyze(&compiled.graph), &options.inputs, output)?;
        }
        Err(diagnostics) => print_reports(files, diagnostics, output)?,
    }
    Ok(())
}

/// The reports and, below them, their number.
pub(crate) fn print_reports(
    files: &[SourceFile],
    diagnostics: &Diagnostics,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    if diagnostics.as_slice().is_empty() {
        return Ok(());
    }
    let style = Style { color: output.color, width: output.width };
    write!(output.stderr, "{}", render::reports(files, diagnostics, style))?;
    let name = files.first().map_or("", SourceFile::name);
    output.remark(format!("{name}: {}", render::counts(diagnostics)))?;
    Ok(())
}
