//! Names of layers: which attribute names can be written after `self.`.

/// Longest name.
const MAX_LENGTH: usize = 16;

/// Words that are no identifiers in Python 3.13 (`keyword.kwlist` and `keyword.softkwlist`) and
/// begin with a small letter.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "try", "type", "while",
    "with", "yield",
];

/// Attributes that every `torch.nn.Module` has (`dir(torch.nn.Module())` in PyTorch 2.15), those
/// that are short enough and begin with a small letter.
const MODULE_ATTRIBUTES: &[&str] = &[
    "add_module",
    "apply",
    "bfloat16",
    "buffers",
    "call_super_init",
    "children",
    "compile",
    "cpu",
    "cuda",
    "double",
    "dump_patches",
    "eval",
    "extra_repr",
    "float",
    "forward",
    "get_buffer",
    "get_extra_state",
    "get_parameter",
    "get_submodule",
    "half",
    "ipu",
    "load_state_dict",
    "modules",
    "mtia",
    "named_buffers",
    "named_children",
    "named_modules",
    "named_parameters",
    "parameters",
    "register_buffer",
    "register_module",
    "requires_grad_",
    "set_extra_state",
    "set_submodule",
    "share_memory",
    "state_dict",
    "to",
    "to_empty",
    "train",
    "training",
    "type",
    "xpu",
    "zero_grad",
];

/// Whether `name` may stand as it is, besides the names `taken`.
pub(super) fn usable<'n>(name: &str, mut taken: impl Iterator<Item = &'n str>) -> bool {
    !name.is_empty()
        && !KEYWORDS.contains(&name)
        && !MODULE_ATTRIBUTES.contains(&name)
        && taken.all(|other| other != name)
}

/// Whether `name` with `next` behind it is a usable name or can be extended to one. A name that is
/// shorter than the longest always can: there are more last characters than names it could meet.
pub(super) fn may_grow<'n>(name: &str, next: char, taken: impl Iterator<Item = &'n str>) -> bool {
    let first = name.is_empty();
    let character =
        next.is_ascii_lowercase() || (!first && (next == '_' || next.is_ascii_alphanumeric()));
    if !character || name.len() >= MAX_LENGTH {
        return false;
    }
    name.len() + 1 < MAX_LENGTH || usable(&format!("{name}{next}"), taken)
}

/// What to write after `begun` (perhaps nothing) for a usable name; `wish` where nothing is begun.
pub(super) fn finish<'n>(
    begun: &str,
    wish: &str,
    taken: impl Iterator<Item = &'n str> + Clone,
) -> Option<String> {
    let stem = if begun.is_empty() { wish } else { begun };
    let numbered = (1..=99u32).map(|number| format!("{stem}{number}"));
    let last_letters = ('a'..='z').map(|letter| format!("{stem}{letter}"));
    std::iter::once(stem.to_owned())
        .chain(numbered)
        .chain(last_letters)
        .find(|name| name.len() <= MAX_LENGTH && usable(name, taken.clone()))?
        .strip_prefix(begun)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{finish, may_grow, usable};

    #[test]
    fn names_that_python_or_module_keep_for_themselves_are_not_usable() {
        for name in ["train", "to", "class", "conv1", ""] {
            assert!(!usable(name, ["conv1"].into_iter()), "{name}");
        }
        assert!(usable("conv2", ["conv1"].into_iter()));
    }

    #[test]
    fn a_begun_name_is_finished_past_a_taken_one() {
        assert_eq!(finish("trai", "x", std::iter::empty()).unwrap(), "");
        assert_eq!(finish("train", "x", std::iter::empty()).unwrap(), "1");
        assert_eq!(finish("", "fc", ["fc", "fc1"].into_iter()).unwrap(), "fc2");
        let full = "abcdefghijklmno";
        assert!(!may_grow(full, 'p', ["abcdefghijklmnop"].into_iter()));
        assert!(may_grow(full, 'q', ["abcdefghijklmnop"].into_iter()));
    }
}
