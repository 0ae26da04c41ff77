//! Finding the network in what a language model wrote: fences, prose, a repeated header and a second
//! block go. Deliberately not here: judging the program; that is the compiler's.

mod block;
mod fence;
#[cfg(test)]
mod tests;

use block::{Block, Kind, blocks};
use fence::code;

/// Imports that a network may lean on, each with the name that it binds.
const IMPORTS: [(&str, &str); 3] = [
    ("torch", "import torch"),
    ("nn", "import torch.nn as nn"),
    ("F", "import torch.nn.functional as F"),
];

/// The program in `completion`: its imports and its classes, with the standard imports added
/// where they are missing. `None` when it holds no class.
///
/// Classes are taken until `Net` is whole, a class of a name that is there already begins, or anything
/// else follows. A class that has no `forward` yet is begun again by one of its name, as when a model
/// repeats the lines that it was given. Functions and constants are kept where they stand before the
/// first class, between fences.
#[must_use]
pub fn extract(completion: &str) -> Option<String> {
    let (lines, is_fenced) = code(completion);
    // a quotation that never ends would hide the rest
    let (quoted, plain) = (blocks(&lines, true), blocks(&lines, false));
    let blocks = if quoted.iter().any(Block::is_class) { quoted } else { plain };
    let kept = keep(&blocks, is_fenced);
    kept.iter().any(|block| block.is_class()).then(|| assemble(&kept))
}

/// The blocks of the program.
fn keep<'b, 't>(blocks: &'b [Block<'t>], is_fenced: bool) -> Vec<&'b Block<'t>> {
    let mut kept: Vec<&Block<'_>> = Vec::new();
    for block in blocks {
        let has_class = kept.iter().any(|block| block.is_class());
        match &block.kind {
            Kind::Import(_) => kept.push(block),
            Kind::Class(name) => {
                let known = kept.iter().position(|block| block.kind == Kind::Class(name));
                let whole = |at: usize| kept.get(at).is_some_and(|block| block.has_forward());
                match known {
                    Some(at) if whole(at) => break,
                    Some(at) => drop(kept.remove(at)),
                    None => {}
                }
                kept.push(block);
                if *name == "Net" && block.has_forward() {
                    break;
                }
            }
            Kind::Function | Kind::Assignment if is_fenced && !has_class => kept.push(block),
            Kind::Function | Kind::Assignment | Kind::Other if has_class => break,
            Kind::Function | Kind::Assignment | Kind::Other => {}
        }
    }
    kept
}

/// The text of a program: imports, two empty lines, the rest as it stood.
fn assemble(kept: &[&Block<'_>]) -> String {
    let bound: Vec<&str> = kept.iter().flat_map(|block| block.bound()).copied().collect();
    let missing = IMPORTS.iter().filter(|(name, _)| !bound.contains(name));
    let mut program: Vec<&str> = missing.map(|(_, import)| *import).collect();
    for import in kept.iter().filter(|block| matches!(block.kind, Kind::Import(_))) {
        let lines = import.without_end();
        let is_new = lines.len() > 1 || lines.iter().any(|line| !program.contains(line));
        program.extend(lines.iter().filter(|_| is_new));
    }
    program.extend(["", ""]);
    for block in kept.iter().filter(|block| !matches!(block.kind, Kind::Import(_))) {
        program.extend(&block.lines);
    }
    while program.last().is_some_and(|line| line.is_empty()) {
        program.pop();
    }
    program.join("\n") + "\n"
}
