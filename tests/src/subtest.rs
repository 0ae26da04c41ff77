//! Runs what a filetest asks for and gives what came out: diagnostics and the files to compare.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nasc_cli::render::{self, Style};
use nasc_cli::source::Program;
use nasc_cli::{Environment, Output, check};
use nasc_compiler::diagnostic::{Diagnostics, Severity};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{self, SourceLimits};
use nasc_compiler::{CompileOptions, Limits};

use crate::directive::{Directives, Kind, Mark};

/// What a sub-test produced.
#[derive(Debug, Default)]
pub struct Produced {
    /// Diagnostics by line; `None` where they are not looked at.
    pub found: Option<BTreeSet<Mark>>,
    /// Contents of the files beside the program, by extension.
    pub files: BTreeMap<&'static str, String>,
}

/// Runs a sub-test.
///
/// # Errors
/// What is wrong beyond a difference to the files.
pub fn run(path: &Path, text: &str, directives: &Directives) -> Result<Produced, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = SourceFile::new(name, text);
    match directives.kind {
        Kind::Syntax => Ok(parsed(&source)),
        Kind::Eval | Kind::Shape | Kind::Cost => compiled(&source, directives),
        Kind::Cli => command(path, directives),
    }
}

fn parsed(source: &SourceFile) -> Produced {
    let result = syntax::parse(source, FileId(0), &SourceLimits::standard());
    let diagnostics = match result {
        Ok(_) => Diagnostics::default(),
        Err(error) => Diagnostics::new(vec![error.into()]),
    };
    let mut produced = Produced::default();
    report(source, &diagnostics, &mut produced);
    produced
}

fn compiled(source: &SourceFile, directives: &Directives) -> Result<Produced, String> {
    let options = CompileOptions {
        inputs: directives.inputs.clone(),
        entry: directives.entry.clone(),
        package: String::new(),
        training: directives.training,
        limits: Limits::standard(),
    };
    let program = || Program::alone(source.clone());
    let result = check::compile(&program(), &options, directives.classes);
    if result != check::compile(&program(), &options, directives.classes) {
        return Err("compiling it twice gives two results".to_owned());
    }
    let mut produced = Produced::default();
    match &result {
        Err(diagnostics) => report(source, diagnostics, &mut produced),
        Ok(compiled) => {
            report(source, &compiled.warnings, &mut produced);
            let (extension, text) = match directives.kind {
                Kind::Cost => {
                    let mut out = Vec::new();
                    capture(&mut out, |output| {
                        check::print_summary(
                            compiled,
                            &check::Figures::standard(),
                            &options.inputs,
                            output,
                        )
                    })?;
                    ("cost", String::from_utf8_lossy(&out).into_owned())
                }
                Kind::Syntax | Kind::Eval | Kind::Shape | Kind::Cli => {
                    ("ir", compiled.graph.to_string())
                }
            };
            produced.files.insert(extension, text);
        }
    }
    Ok(produced)
}

fn report(source: &SourceFile, diagnostics: &Diagnostics, produced: &mut Produced) {
    let marks = diagnostics.as_slice().iter().map(|diagnostic| {
        let start = diagnostic.span().map_or(0, |span| span.start);
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let code = diagnostic.code.trim_start_matches("nasc::").to_owned();
        (source.line_column(start).line, severity, code)
    });
    produced.found = Some(marks.collect());
    if !diagnostics.as_slice().is_empty() {
        let text = render::reports(
            std::slice::from_ref(source),
            diagnostics,
            Style { color: false, width: 80 },
        );
        produced.files.insert("stderr", text);
    }
}

fn capture(
    out: &mut Vec<u8>,
    work: impl FnOnce(&mut Output<'_>) -> std::io::Result<()>,
) -> Result<(), String> {
    let mut nothing = Vec::new();
    let mut output =
        Output { stdout: out, stderr: &mut nothing, color: false, width: 80, terminal: false };
    work(&mut output).map_err(|error| error.to_string())
}

/// What a command wrote and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code.
    pub exit: u8,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command line in this process, without color, 80 columns wide, with an empty cache folder.
#[must_use]
pub fn nasc(args: &[&str], environment: &Environment) -> Ran {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let exit = nasc_cli::run(["nasc"].iter().chain(args), environment, &mut output);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { exit, stdout: text(stdout), stderr: text(stderr) }
}

/// The folder of the file is left out of the output, so that it does not depend on the machine.
fn command(path: &Path, directives: &Directives) -> Result<Produced, String> {
    let file = path.display().to_string();
    let args: Vec<String> = directives.run.iter().map(|arg| arg.replace("{file}", &file)).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let environment = Environment { cache: path.with_extension("no-cache"), hub: None };
    let ran = nasc(&args, &environment);
    let folder = path.parent().map_or_else(String::new, |parent| format!("{}/", parent.display()));
    if ran.exit != directives.exit {
        return Err(format!(
            "exit code {} instead of {}\n{}{}",
            ran.exit, directives.exit, ran.stdout, ran.stderr
        ));
    }
    let mut produced = Produced::default();
    for (extension, text) in [("stdout", ran.stdout), ("stderr", ran.stderr)] {
        if !text.is_empty() {
            produced.files.insert(extension, text.replace(&folder, ""));
        }
    }
    Ok(produced)
}
