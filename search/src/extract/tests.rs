//! Completions as models write them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::extract;

const CLASS: &str = "class Net(nn.Module):\n    def forward(self, x):\n        return x\n";
const HELPER: &str = "class Block(nn.Module):\n    def forward(self, x):\n        return -x\n";
const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n";

/// The program of a completion, without the standard head.
#[track_caller]
fn body(completion: &str) -> String {
    let program = extract(completion).expect(completion);
    program.strip_prefix(HEAD).unwrap_or_else(|| panic!("another head: {program}")).to_owned()
}

#[test]
fn a_class_in_a_fence_after_prose_is_found_and_gets_its_imports() {
    for (opening, closing) in
        [("```python", "```"), ("```", "```"), ("~~~ py", "~~~"), ("````python", "````")]
    {
        let text = format!("Here it is:\n{opening}\n{CLASS}{closing}\nIt is good.");
        assert_eq!(body(&text), CLASS);
    }
}

#[test]
fn imports_that_are_there_are_not_added_again() {
    let program = format!("{HEAD}{CLASS}");
    assert_eq!(extract(&program).unwrap(), program);
    let twice = format!("import torch\nimport torch\n{HEAD}{CLASS}");
    assert_eq!(extract(&twice).unwrap(), program);
    let other = "import torch, torch.nn.functional as F  # both\nfrom torch import (\n    nn,\n    Tensor as T,\n)\n";
    assert_eq!(extract(&format!("{other}{CLASS}")).unwrap(), format!("{other}\n\n{CLASS}"));
}

#[test]
fn prose_that_begins_like_an_import_or_a_class_is_no_code() {
    for prose in [
        "import the layers that you need",
        "from the above we import that",
        "class of networks: small ones",
        "from here, import everything.",
    ] {
        assert_eq!(body(&format!("{prose}\n{CLASS}")), CLASS, "{prose}");
    }
}

#[test]
fn a_second_block_is_cut() {
    for after in
        ["net = Net()\nprint(net)\n", "def f():\n    pass\n", "That is all.\n", CLASS, HELPER]
    {
        assert_eq!(body(&format!("{CLASS}\n{after}")), CLASS);
    }
    let fenced = format!("```python\n{CLASS}\nnet = Net()\n```\n");
    assert_eq!(body(&fenced), CLASS);
}

#[test]
fn the_first_network_of_several_fences_is_taken_with_its_helpers() {
    let fences = format!("```python\n{CLASS}```\nOr else:\n```python\n{HELPER}```\n");
    assert_eq!(body(&fences), CLASS);
    let helped = format!(
        "First\n```bash\npip install torch\n```\na block:\n```python\n{HELPER}```\nand then\n```python\n{CLASS}```\n"
    );
    assert_eq!(body(&helped), format!("{HELPER}{CLASS}"));
}

#[test]
fn a_fence_that_is_missing_or_indented_does_not_matter() {
    assert_eq!(body(&format!("Sure:\n```python\n{CLASS}")), CLASS);
    assert_eq!(body(&format!("{CLASS}```\nThis network is better. ```python\nx = 1\n```")), CLASS);
    let indented: String = CLASS.lines().map(|line| format!("   {line}\n")).collect();
    assert_eq!(body(&format!("1. A network:\n   ```python\n{indented}   ```\n")), CLASS);
    assert_eq!(body(&indented), CLASS);
    // a fence without a class says nothing about the rest
    assert_eq!(body(&format!("```\npip install torch\n```\n{CLASS}")), CLASS);
}

#[test]
fn a_header_that_is_repeated_is_dropped() {
    let header = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n";
    assert_eq!(body(&format!("{HEAD}{header}{HEAD}{CLASS}")), CLASS);
    assert_eq!(body(&format!("class Net(nn.Module):\n{CLASS}")), CLASS);
    let quoted = format!("\"\"\"Add a layer\nto the above network\"\"\"\n{CLASS}");
    assert_eq!(body(&quoted), CLASS);
    let endless = format!("\"\"\"Add a layer\n{CLASS}");
    assert_eq!(body(&endless), CLASS);
}

#[test]
fn class_lines_of_every_form_are_seen() {
    for line in ["class Net(nn.Module):  # better", "class Net( nn.Module ) :", "class Net:"] {
        let text = CLASS.replace("class Net(nn.Module):", line);
        assert_eq!(body(&text), text);
    }
    assert_eq!(body(&CLASS.replace('\n', "\r\n")), CLASS);
}

#[test]
fn lines_at_the_margin_within_a_docstring_belong_to_the_class() {
    let text =
        CLASS.replace(":\n    def", ":\n    \"\"\"A network\nthat is small.\n\n\"\"\"\n    def");
    assert_eq!(body(&text), text);
}

#[test]
fn functions_and_constants_before_the_class_are_kept_between_fences() {
    let code = format!("WIDTH = 8\n\n\ndef act(x):\n    return F.relu(x)\n\n\n{CLASS}");
    assert_eq!(body(&format!("```python\n{code}```")), code);
    assert_eq!(body(&format!("x = the input\n{CLASS}")), CLASS);
}

#[test]
fn text_without_a_class_holds_no_program() {
    for text in ["a class of its own", "", "```\n```", "def Net():\n    return nn.Linear(1, 2)\n"] {
        assert_eq!(extract(text), None, "{text}");
    }
}
