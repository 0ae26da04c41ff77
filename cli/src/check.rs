//! `nasc check`: what a network computes, layer by layer, and what it costs; or what is wrong.

mod cell;
mod diff;
mod expect;
mod figures;
mod fix;
mod github;
mod report;
mod sarif;
mod text;
mod watch;

use std::path::{Path, PathBuf};

use clap::builder::ArgPredicate;
use clap::{Args, ValueEnum};
use nasc_compiler::cell::Cell;
use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::ir::TensorType;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Compiled};

pub use expect::classes;
pub use report::CheckReport;
pub use text::summary as print_summary;

pub use figures::Figures;

/// The codes of diagnostics that only checks give.
pub const CODES: &[&str] = &["nasc::check::no_cell", "nasc::check::output_shape"];

use self::fix::Fix;
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
    /// The Python files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One sample of an input, such as 3x32x32 or 128:i64; once for each input of `forward`.
    #[arg(
        long,
        value_name = "DIMS[:TYPE]",
        default_value = "3x32x32",
        default_value_if("cell", ArgPredicate::IsPresent, "16x32x32"),
        value_parser = parse_input
    )]
    pub input: Vec<TensorType>,
    /// Demand one output of shape [N, CLASSES].
    #[arg(long)]
    pub classes: Option<u64>,
    /// Print the cell of NAS-Bench-201 that the network is; its input is 16x32x32 unless --input
    /// says otherwise.
    #[arg(long, conflicts_with_all = ["classes", "fix"])]
    pub cell: bool,
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
    /// Which figures are given.
    #[command(flatten)]
    pub figures: Figures,
    /// Write the smallest edit that makes a file check into it; everything else stays as it is. An
    /// edit after which the file does not check is never written.
    #[arg(long)]
    pub fix: bool,
    /// With --fix, show the edit and write nothing.
    #[arg(long, requires = "fix")]
    pub diff: bool,
    /// Check again whenever a file that was read changes, until Ctrl-C.
    #[arg(long, conflicts_with = "fix")]
    pub watch: bool,
}

/// How a check is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, or reports that quote the lines.
    Text,
    /// One JSON object for each file, each in a line of its own; see docs/cli.md.
    Json,
    /// One SARIF log, which code hosts read.
    Sarif,
    /// Annotations that GitHub shows beside the lines.
    Github,
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
    compile_text(&program.folder.main(), program, options, wanted)
}

/// Compiles another text in place of the program's file.
fn compile_text(
    source: &SourceFile,
    program: &Program,
    options: &CompileOptions,
    wanted: Option<u64>,
) -> Result<Compiled, Diagnostics> {
    let mut options = options.clone();
    options.package.clone_from(&program.package);
    let compiled = nasc_compiler::compile_with(source, &options, &program.folder)?;
    match wanted.and_then(|wanted| classes(&compiled.graph, wanted)) {
        None => Ok(compiled),
        Some(diagnostic) => {
            let mut all = compiled.warnings.as_slice().to_vec();
            all.push(diagnostic);
            Err(Diagnostics::new(all))
        }
    }
}

/// A file that was checked.
#[derive(Debug)]
struct Checked {
    program: Program,
    result: Result<Compiled, Diagnostics>,
    cell: Option<Cell>,
    fix: Option<Fix>,
}

impl Checked {
    fn new(path: &Path, args: &CheckArgs, options: &CompileOptions) -> Result<Checked, CliError> {
        let program = Program::read(path, args.root.as_deref())?;
        let result = compile(&program, options, args.classes);
        let fix = result
            .as_ref()
            .err()
            .and_then(|found| Fix::find(&program, options, args.classes, found));
        let result = match &fix {
            Some(fix) => result.map_err(|found| fix.explained(&found)),
            None => result,
        };
        let checked = Checked { program, result, cell: None, fix };
        Ok(if args.cell { checked.into_cell() } else { checked })
    }

    /// With its cell, or with the reason why it is none.
    fn into_cell(self) -> Checked {
        match self.result.as_ref().map(cell::require) {
            Ok(Ok(cell)) => Checked { cell: Some(cell), ..self },
            Ok(Err(found)) => Checked { result: Err(found), ..self },
            Err(_) => self,
        }
    }

    /// The files that places refer to.
    fn files(&self) -> Vec<SourceFile> {
        self.program.folder.files()
    }

    /// Mistakes and warnings.
    fn diagnostics(&self) -> &Diagnostics {
        match &self.result {
            Ok(compiled) => &compiled.warnings,
            Err(found) => found,
        }
    }
}

/// What came out when every file was checked once.
struct Round {
    exit: Exit,
    /// The files that were read, imports included.
    read: Vec<PathBuf>,
}

pub(crate) fn run(args: &CheckArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    if args.watch {
        return watch::run(args, output);
    }
    Ok(round(args, output)?.exit)
}

/// Checks every file once.
fn round(args: &CheckArgs, output: &mut Output<'_>) -> Result<Round, CliError> {
    let mut options = CompileOptions::new(args.input.clone());
    options.entry = args.entry.clone();
    let mut all = Vec::new();
    let mut exit = Exit::Success;
    for path in &args.files {
        let mut checked = Checked::new(path, args, &options)?;
        if args.diff {
            if let Some(fix) = &checked.fix {
                write!(output.stdout, "{}", fix.diff())?;
                exit = Exit::Program;
                continue;
            }
        } else if let Some(fix) = checked.fix.as_ref().filter(|_| args.fix) {
            fix.write(path)?;
            output.remark(format!("{}: {}", path.display(), counted(fix.edits())))?;
            checked = Checked::new(path, args, &options)?;
        }
        if checked.result.is_err() {
            exit = Exit::Program;
        }
        match args.format {
            Format::Json => json(&checked, &options, &args.figures, output)?,
            Format::Text => print(&checked, &options, args, output)?,
            Format::Github => annotate(&checked, output)?,
            Format::Sarif => {}
        }
        all.push(checked);
    }
    if args.format == Format::Sarif {
        let log = serde_json::to_string_pretty(&sarif::log(&all)).map_err(std::io::Error::from)?;
        output.line(log)?;
    }
    let read = all.iter().flat_map(Checked::files).map(|file| PathBuf::from(file.name())).collect();
    Ok(Round { exit, read })
}

/// `mended by 2 edits`
fn counted(edits: usize) -> String {
    match edits {
        1 => "mended by one edit".to_owned(),
        many => format!("mended by {many} edits"),
    }
}

fn json(
    checked: &Checked,
    options: &CompileOptions,
    figures: &Figures,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let (files, inputs) = (checked.files(), &options.inputs);
    let mut report = CheckReport::new(&files, inputs, &checked.result, figures);
    report.fix = checked.fix.as_ref().map(Fix::diff);
    report.cell = checked.cell.map(|cell| cell.to_string());
    output.line(serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    Ok(())
}

fn annotate(checked: &Checked, output: &mut Output<'_>) -> Result<(), CliError> {
    let files = checked.files();
    for diagnostic in checked.diagnostics().as_slice() {
        output.line(github::annotation(&files, diagnostic))?;
    }
    Ok(())
}

fn print(
    checked: &Checked,
    options: &CompileOptions,
    args: &CheckArgs,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let files = checked.files();
    let is_one_of_several = args.files.len() > 1;
    print_reports(&files, checked.diagnostics(), output)?;
    if let Some(cell) = checked.cell {
        let name = if is_one_of_several {
            format!("{}: ", files.first().map_or("", SourceFile::name))
        } else {
            String::new()
        };
        output.line(format!("{name}{cell}"))?;
    } else if let Ok(compiled) = &checked.result {
        if is_one_of_several {
            output.line(format!("{}:", checked.program.folder.main().name()))?;
        }
        let inputs = &options.inputs;
        print_summary(compiled, &args.figures, inputs, output)?;
        if is_one_of_several {
            output.line("")?;
        }
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
