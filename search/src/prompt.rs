//! Prompt texts: instructions and the templates that join them to a parent's source.
//! The texts lie in `prompts/` and are embedded; a directory can replace them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which list of mutation instructions a run draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstructionSet {
    /// The thirteen of the paper's Appendix A.
    Mutation,
    /// The nine for NAS-Bench-201.
    Nasbench201,
    /// The one of the random-generation ablation.
    Random,
}

/// A text with `{variables}`; it never ends in a newline once filled in, because some tokenizers
/// merge a newline with the indentation that the model writes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptTemplate(String);

/// The prompt texts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The prompt directory or one of its files cannot be read.
    #[error("the prompts in {path} cannot be read")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A list of instructions is empty.
    #[error("{file} holds no instruction; write one a line")]
    NoInstruction {
        /// Name of the file.
        file: String,
    },
    /// A template lacks a variable that its operator needs.
    #[error("{file} does not use the variable {{{variable}}}; prompts/README.md lists them")]
    MissingVariable {
        /// Name of the file.
        file: String,
        /// The variable.
        variable: &'static str,
    },
}

impl PromptTemplate {
    fn new(file: &str, text: &str, needed: &[&'static str]) -> Result<Self, PromptError> {
        for &variable in needed {
            if !text.contains(&format!("{{{variable}}}")) {
                return Err(PromptError::MissingVariable { file: file.to_owned(), variable });
            }
        }
        Ok(Self(text.trim_end().to_owned()))
    }

    /// Fills the variables in; braces around anything else stay as they are, also those in values.
    #[must_use]
    pub fn render(&self, values: &BTreeMap<&str, &str>) -> String {
        let mut rest = self.0.as_str();
        let mut filled = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let known =
                after.split_once('}').and_then(|(name, tail)| Some((values.get(name)?, tail)));
            if let Some((value, tail)) = known {
                filled.push_str(value);
                rest = tail;
            } else {
                filled.push('{');
                rest = after;
            }
        }
        filled.push_str(rest);
        filled.truncate(filled.trim_end().len());
        filled
    }
}

/// All prompt texts of a run. The run database keeps a copy, so that a resumed run says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptLibrary {
    instructions: Vec<String>,
    crossover_instruction: String,
    mutation: PromptTemplate,
    crossover: PromptTemplate,
    first_network: PromptTemplate,
}

/// One embedded file.
struct Embedded {
    name: &'static str,
    text: &'static str,
}

macro_rules! embedded {
    ($name:literal) => {
        Embedded { name: $name, text: include_str!(concat!("../../prompts/", $name)) }
    };
}

impl InstructionSet {
    const fn file(self) -> Embedded {
        match self {
            Self::Mutation => embedded!("mutation-instructions.txt"),
            Self::Nasbench201 => embedded!("nasbench201-instructions.txt"),
            Self::Random => embedded!("random-instructions.txt"),
        }
    }
}

impl PromptLibrary {
    /// The embedded texts, each replaced by the file of the same name in `directory` if there is
    /// one.
    ///
    /// # Errors
    /// [`PromptError`] if a file cannot be read, is empty, or leaves a needed variable out.
    pub fn load(set: InstructionSet, directory: Option<&Path>) -> Result<Self, PromptError> {
        if let Some(path) = directory {
            let read = |source| PromptError::Read { path: path.to_owned(), source };
            std::fs::read_dir(path).map_err(read)?;
        }
        let read = |file: Embedded| Self::read(&file, directory).map(|text| (file.name, text));
        let template = |file: Embedded, needed: &[&'static str]| {
            read(file).and_then(|(name, text)| PromptTemplate::new(name, &text, needed))
        };
        let lines = |file: Embedded| read(file).and_then(|(name, text)| instructions(name, &text));
        Ok(Self {
            instructions: lines(set.file())?,
            crossover_instruction: lines(embedded!("crossover-instructions.txt"))?
                .into_iter()
                .next()
                .unwrap_or_default(),
            mutation: template(embedded!("mutation.txt"), &["parent", "instruction"])?,
            crossover: template(
                embedded!("crossover.txt"),
                &["first_parent", "second_parent", "instruction"],
            )?,
            first_network: template(embedded!("first-network.txt"), &[])?,
        })
    }

    fn read(file: &Embedded, directory: Option<&Path>) -> Result<String, PromptError> {
        let Some(path) = directory.map(|d| d.join(file.name)).filter(|path| path.exists()) else {
            return Ok(file.text.to_owned());
        };
        std::fs::read_to_string(&path).map_err(|source| PromptError::Read { path, source })
    }

    /// The mutation instructions; a prompt individual names one by its index.
    #[must_use]
    pub fn instructions(&self) -> &[String] {
        &self.instructions
    }

    /// The prompt that asks for a changed `parent`; `None` if there is no such instruction.
    #[must_use]
    pub fn mutation_prompt(&self, parent: &str, instruction: usize) -> Option<String> {
        let instruction = self.instructions.get(instruction)?;
        let values = BTreeMap::from([("parent", parent.trim_end()), ("instruction", instruction)]);
        Some(self.mutation.render(&values))
    }

    /// The prompt that asks for a combination of two parents.
    #[must_use]
    pub fn crossover_prompt(&self, first: &str, second: &str) -> String {
        self.crossover.render(&BTreeMap::from([
            ("first_parent", first.trim_end()),
            ("second_parent", second.trim_end()),
            ("instruction", self.crossover_instruction.as_str()),
        ]))
    }

    /// The source of the network that a run begins with, for images of `[channels, height, width]`.
    #[must_use]
    pub fn first_network(&self, input: [u64; 3], classes: u64) -> String {
        let [channels, height, width] = input;
        // The first convolution has one output channel.
        let (channels, features) = (channels.to_string(), (height * width).to_string());
        let mut source = self.first_network.render(&BTreeMap::from([
            ("in_channels", channels.as_str()),
            ("features", features.as_str()),
            ("classes", classes.to_string().as_str()),
        ]));
        source.push('\n');
        source
    }
}

fn instructions(file: &str, text: &str) -> Result<Vec<String>, PromptError> {
    let lines: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(PromptError::NoInstruction { file: file.to_owned() });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_paper_has_thirteen_mutations_and_nine_for_the_benchmark() {
        let count = |set| PromptLibrary::load(set, None).unwrap().instructions().len();
        assert_eq!(count(InstructionSet::Mutation), 13);
        assert_eq!(count(InstructionSet::Nasbench201), 9);
        assert_eq!(count(InstructionSet::Random), 1);
    }

    #[test]
    fn a_mutation_prompt_is_the_parent_then_the_instruction_between_quotes() {
        let library = PromptLibrary::load(InstructionSet::Mutation, None).unwrap();
        let prompt = library.mutation_prompt("class Net: {parent}\n\n", 2).unwrap();
        assert_eq!(prompt, "class Net: {parent}\n\"\"\"Improve the above network\"\"\"");
        assert!(library.mutation_prompt("", 13).is_none());
    }

    #[test]
    fn a_directory_replaces_single_files_and_a_bad_template_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("mutation-instructions.txt"), "Do\n\nTry\n").unwrap();
        let load = || PromptLibrary::load(InstructionSet::Mutation, Some(directory.path()));
        assert_eq!(load().unwrap().instructions(), ["Do", "Try"]);
        std::fs::write(directory.path().join("mutation.txt"), "{parent}").unwrap();
        assert!(load().unwrap_err().to_string().contains("{instruction}"));
        let missing = directory.path().join("missing");
        assert!(PromptLibrary::load(InstructionSet::Mutation, Some(&missing)).is_err());
    }

    #[test]
    fn the_first_network_fits_the_task() {
        let library = PromptLibrary::load(InstructionSet::Mutation, None).unwrap();
        let source = library.first_network([3, 32, 32], 10);
        assert!(source.contains("nn.Conv2d(3, 1, 1)") && source.contains("nn.Linear(1024, 10)"));
    }
}
