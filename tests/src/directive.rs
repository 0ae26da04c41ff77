//! What a filetest says of itself: `# test: shape`, `# input: f32[N, 3, 32, 32]`, ... in its first
//! lines, and `# error: [shape::channel_mismatch]` on the lines with mistakes.

use std::collections::BTreeSet;

use nasc_cli::parse_input;
use nasc_compiler::ir::TensorType;

/// What is run and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text is parsed.
    Syntax,
    /// The text is compiled; compared with `.ir`.
    Eval,
    /// The text is compiled; compared with `.ir`.
    Shape,
    /// The text is checked on the command line; compared with `.cost`.
    Cost,
    /// A command is run; compared with `.stdout`, `.stderr` and the exit code.
    Cli,
}

/// The directives of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Directives {
    /// What is run.
    pub kind: Kind,
    /// Types of the inputs.
    pub inputs: Vec<TensorType>,
    /// Demanded classes.
    pub classes: Option<u64>,
    /// The network.
    pub entry: Option<String>,
    /// Which branch `if self.training` takes.
    pub training: bool,
    /// Arguments behind `nasc`; `{file}` is the file.
    pub run: Vec<String>,
    /// Expected exit code of a command.
    pub exit: u8,
}

/// A diagnostic that is expected, or was found: line, `error` or `warning`, code without `nasc::`.
pub type Mark = (u32, &'static str, String);

impl Directives {
    /// Reads the comment lines that the text begins with.
    ///
    /// # Errors
    /// Which directive is wrong, and why.
    pub fn parse(text: &str) -> Result<Directives, String> {
        let mut directives = Directives {
            kind: Kind::Eval,
            inputs: Vec::new(),
            classes: None,
            entry: None,
            training: false,
            run: Vec::new(),
            exit: 0,
        };
        let mut named = false;
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            let Some((name, value)) = line.split_once(':') else { continue };
            named |= name == "test";
            directives.set(name, value.trim()).map_err(|reason| format!("`# {line}`: {reason}"))?;
        }
        if directives.inputs.is_empty() {
            directives.inputs.push(parse_input("3x32x32")?);
        }
        if named { Ok(directives) } else { Err("there is no `# test: KIND`".to_owned()) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "test" => self.kind = kind(value)?,
            "input" => self.inputs.push(parse_input(value)?),
            "classes" => self.classes = Some(number(value)?),
            "entry" => self.entry = Some(value.to_owned()),
            "training" => self.training = value == "true",
            "run" => self.run = value.split_whitespace().map(str::to_owned).collect(),
            "exit" => self.exit = number(value)?,
            _ => return Err("unknown directive".to_owned()),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{value}` is no number"))
}

fn kind(value: &str) -> Result<Kind, String> {
    Ok(match value {
        "syntax" => Kind::Syntax,
        "eval" => Kind::Eval,
        "shape" => Kind::Shape,
        "cost" => Kind::Cost,
        "cli" => Kind::Cli,
        _ => return Err("unknown kind".to_owned()),
    })
}

/// The marks of a text; several codes of a line are separated by commas.
#[must_use]
pub fn marks(text: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        for severity in ["error", "warning"] {
            let opening = format!("# {severity}: [");
            let marked = line.split(&opening).skip(1);
            for codes in marked.filter_map(|rest| rest.split_once(']')) {
                let codes = codes.0.split(',').map(|code| code.trim().to_owned());
                marks.extend(codes.map(|code| (number, severity, code)));
            }
        }
    }
    marks
}
