//! Finding the network in what a language model wrote: fences, prose and a cut second block go.
//! Deliberately not here: judging the program; that is the compiler's.

/// Imports that a network may lean on, each with the names that show it is there already.
const IMPORTS: [(&str, &[&str]); 3] = [
    ("import torch", &["import torch"]),
    ("import torch.nn as nn", &["import torch.nn as nn", "from torch import nn"]),
    (
        "import torch.nn.functional as F",
        &["import torch.nn.functional as F", "from torch.nn import functional as F"],
    ),
];

/// The program in `completion`: its imports and its classes, with the standard imports added
/// where they are missing. `None` when it holds no class.
#[must_use]
pub fn extract(completion: &str) -> Option<String> {
    let lines: Vec<&str> = completion.lines().map(str::trim_end).collect();
    let first_class = lines.iter().position(|line| is_class(line))?;
    let (before, after) = lines.split_at(first_class);
    let own: Vec<&str> = before.iter().copied().filter(|line| is_import(line)).collect();
    let missing = IMPORTS.iter().filter(|(_, forms)| !own.iter().any(|line| forms.contains(line)));
    let mut program: Vec<&str> = missing.map(|(import, _)| *import).collect();
    program.extend(&own);
    program.extend(["", ""]);
    program.extend(after.iter().take_while(|line| belongs(line)));
    while program.last().is_some_and(|line| line.is_empty()) {
        program.pop();
    }
    Some(program.join("\n") + "\n")
}

/// Whether a line starts a class at column 0.
fn is_class(line: &str) -> bool {
    line.strip_prefix("class ").is_some_and(|rest| rest.ends_with(':'))
}

/// Whether a line is an import at column 0.
fn is_import(line: &str) -> bool {
    line.starts_with("import ") || (line.starts_with("from ") && line.contains(" import "))
}

/// Whether a line after the first class still belongs to the program.
fn belongs(line: &str) -> bool {
    line.is_empty()
        || line.starts_with([' ', '\t', '#', '@', ')'])
        || is_class(line)
        || is_import(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
    use super::extract;

    const CLASS: &str = "class Net(nn.Module):\n    def forward(self, x):\n        return x\n";
    const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n";

    #[test]
    fn a_class_in_a_fence_after_prose_is_found_and_gets_its_imports() {
        let text = format!("Here it is:\n```python\n{CLASS}```\nIt is good.");
        assert_eq!(extract(&text).unwrap(), format!("{HEAD}{CLASS}"));
    }

    #[test]
    fn imports_that_are_there_are_not_added_again() {
        let program = format!("{HEAD}{CLASS}");
        assert_eq!(extract(&program).unwrap(), program);
    }

    #[test]
    fn a_second_block_is_cut() {
        let text = format!("{CLASS}\nnet = Net()\nprint(net)\n");
        assert_eq!(extract(&text).unwrap(), format!("{HEAD}{CLASS}"));
    }

    #[test]
    fn text_without_a_class_holds_no_program() {
        assert_eq!(extract("a class of its own"), None);
        assert_eq!(extract(""), None);
    }
}
