//! Where an answer ends that the model goes on after: the second top-level block.
//! Deliberately not here: taking the network out of the answer (see `extract`).

/// Words that begin a line of the program's own at column 0.
const OPENINGS: [&str; 3] = ["class ", "import ", "from "];

/// Byte at which a second top-level block begins in `text`, or `None` while there is none.
///
/// Imports, comments, decorators and helper classes belong to the first block, as does anything
/// before the first class. What comes after the class `Net`, or a class of a name that is there
/// already, or any other line at column 0, is a second block.
#[must_use]
pub fn second_block(text: &str) -> Option<usize> {
    let mut classes: Vec<&str> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some(name) = class_name(line) {
            if classes.contains(&name) || classes.contains(&"Net") {
                return Some(start);
            }
            classes.push(name);
        } else if !classes.is_empty() && !may_belong(line) {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// The name in a class line at column 0, once it is whole.
fn class_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("class ")?.split_once(['(', ':'])?;
    Some(name.trim())
}

/// Whether a line, perhaps not yet whole, may belong to the first block.
fn may_belong(line: &str) -> bool {
    let whole = line.ends_with('\n');
    let begun = line.trim_end();
    begun.is_empty()
        || line.starts_with([' ', '\t', '#', '@', ')'])
        || OPENINGS
            .iter()
            .any(|opening| line.starts_with(opening) || (!whole && opening.starts_with(line)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
    use super::second_block;

    const NET: &str = "class Net(nn.Module):\n    def forward(self, x):\n        return x\n";

    #[test]
    fn prose_code_and_a_second_network_after_the_class_are_a_second_block() {
        for after in ["print(Net())", "```\n", "def f", "class Other(nn.Module):", "x", "\"\"\""] {
            let text = format!("Sure:\n{NET}\n{after}");
            assert_eq!(second_block(&text), Some(text.len() - after.len()), "{after}");
        }
    }

    #[test]
    fn what_may_still_belong_to_the_program_is_waited_for() {
        for after in ["", "\n", "cl", "class Oth", "import torch\n", "# a note\n", "    # more"] {
            assert_eq!(second_block(&format!("{NET}{after}")), None, "{after}");
        }
        let helper = "class Block(nn.Module):\n    pass\n\n";
        assert_eq!(second_block(&format!("{helper}{NET}")), None);
        assert_eq!(second_block(&format!("{helper}{helper}")), Some(helper.len()));
    }
}
