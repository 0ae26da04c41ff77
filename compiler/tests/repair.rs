//! Which edit mends which mistake. Each program has one line that is wrong and the line that the
//! edit makes of it; everything else stays byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use nasc_compiler::repair::{RepairBudget, Repaired, apply, repair};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};

/// A network of some lines of `__init__` and `forward`.
fn program(init: &[&str], forward: &[&str]) -> String {
    let mut text = String::from(
        "import torch\nimport torch.nn as nn\n\n\nclass Net(nn.Module):\n    \"\"\"Ünïcödé — kept.\"\"\"\n\n    def __init__(self):\n        super().__init__()\n",
    );
    for line in init {
        text += &format!("        {line}\n");
    }
    text += "\n    def forward(self, x):\n";
    for line in forward {
        text += &format!("        {line}   # kept\n");
    }
    text
}

fn mend(text: &str) -> Option<Repaired> {
    let source = SourceFile::new("net.py", text);
    repair(&source, &CompileOptions::image(3, 32, 32), RepairBudget::standard())
}

/// The lines that differ, as they are afterwards.
fn changed(before: &str, after: &str) -> Vec<String> {
    let lines = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    lines.map(|(_, after)| after.trim().replace("   # kept", "")).collect()
}

#[track_caller]
fn expect(init: &[&str], forward: &[&str], lines: &[&str]) {
    let text = program(init, forward);
    let repaired = mend(&text).unwrap_or_else(|| panic!("not mended:\n{text}"));
    assert_eq!(changed(&text, repaired.source.text()), lines);
    assert_eq!(text.lines().count(), repaired.source.text().lines().count());
    let options = CompileOptions::image(3, 32, 32);
    assert!(compile(&repaired.source, &options).is_ok_and(|again| again == repaired.compiled));
    let edits = repaired.edits.iter();
    let replayed = edits.fold(SourceFile::new("net.py", text.as_str()), |source, edit| {
        apply(&source, std::slice::from_ref(edit)).unwrap_or(source)
    });
    if repaired.edits.len() == 1 {
        assert_eq!(replayed.text(), repaired.source.text());
    }
}

const POOL: &str = "self.pool = nn.AdaptiveAvgPool2d(1)";
const HEAD: &str = "return self.fc(self.pool(x).flatten(1))";

#[test]
fn channels_of_a_convolution() {
    expect(
        &["self.a = nn.Conv2d(3, 16, 3)", "self.b = nn.Conv2d(32, 64, 3)"],
        &["return self.b(self.a(x))"],
        &["self.b = nn.Conv2d(16, 64, 3)"],
    );
    expect(
        &[
            "self.a = nn.Conv2d(3, 16, 3)",
            "self.b = nn.Conv2d(in_channels=32, out_channels=64, kernel_size=3)",
        ],
        &["return self.b(self.a(x))"],
        &["self.b = nn.Conv2d(in_channels=16, out_channels=64, kernel_size=3)"],
    );
}

#[test]
fn a_depth_wise_convolution_keeps_one_group_per_channel() {
    expect(
        &["self.a = nn.Conv2d(3, 16, 3)", "self.b = nn.Conv2d(32, 32, 3, groups=32)"],
        &["return self.b(self.a(x))"],
        &["self.b = nn.Conv2d(16, 32, 3, groups=16)"],
    );
    expect(
        &["self.b = nn.Conv2d(3, 8, 3, groups=3)"],
        &["return self.b(x)"],
        &["self.b = nn.Conv2d(3, 8, 3, groups=1)"],
    );
}

#[test]
fn features_of_a_linear_layer() {
    expect(
        &["self.fc = nn.Linear(16 * 5 * 5, 10)"],
        &["return self.fc(torch.flatten(x, 1))"],
        &["self.fc = nn.Linear(3072, 10)"],
    );
}

#[test]
fn a_missing_flatten() {
    expect(
        &[POOL, "self.fc = nn.Linear(3, 10)"],
        &["return self.fc(self.pool(x))"],
        &["return self.fc(self.pool(x).flatten(1))"],
    );
    expect(
        &["self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(3600, 10))"],
        &["return self.net(x)"],
        &["self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 10))"],
    );
}

#[test]
fn features_of_normalisations() {
    expect(
        &["self.a = nn.Conv2d(3, 16, 3)", "self.n = nn.BatchNorm2d(32)"],
        &["return self.n(self.a(x))"],
        &["self.n = nn.BatchNorm2d(16)"],
    );
    expect(&["self.n = nn.LayerNorm(64)"], &["return self.n(x)"], &["self.n = nn.LayerNorm(32)"]);
    expect(&["self.n = nn.BatchNorm1d(3)"], &["return self.n(x)"], &["self.n = nn.BatchNorm2d(3)"]);
}

#[test]
fn sizes_of_a_view_and_windows() {
    expect(
        &["self.fc = nn.Linear(3072, 10)"],
        &["return self.fc(x.view(x.size(0), 1024))"],
        &["return self.fc(x.view(x.size(0), 3072))"],
    );
    expect(
        &["self.pool = nn.AvgPool2d(64)"],
        &["return self.pool(x)"],
        &["self.pool = nn.AvgPool2d(32)"],
    );
    expect(
        &["pass"],
        &["return nn.functional.avg_pool2d(x, 64)"],
        &["return nn.functional.avg_pool2d(x, 32)"],
    );
    expect(
        &["pass"],
        &["return x.transpose(1, 2).view(x.size(0), -1)"],
        &["return x.transpose(1, 2).reshape(x.size(0), -1)"],
    );
}

#[test]
fn names_keywords_and_python_itself() {
    expect(
        &["self.a = nn.Conv2d(3, 16, 3, strides=2)"],
        &["return self.a(x)"],
        &["self.a = nn.Conv2d(3, 16, 3, stride=2)"],
    );
    expect(
        &["self.conv1 = nn.Conv2d(3, 16, 3)"],
        &["return self.conv(x)"],
        &["return self.conv1(x)"],
    );
    expect(
        &["self.a = nn.Conv2d(3, 16 / 2, 3)"],
        &["return self.a(x)"],
        &["self.a = nn.Conv2d(3, 16 // 2, 3)"],
    );
    expect(&["pass"], &["q = x.flatten(2)", "return q @ q"], &["return q @ q.transpose(-2, -1)"]);
}

#[test]
fn several_mistakes_one_after_the_other() {
    expect(
        &[
            "self.a = nn.Conv2d(1, 16, 3)",
            "self.n = nn.BatchNorm2d(8)",
            POOL,
            "self.fc = nn.Linear(32, 10)",
        ],
        &["x = self.n(self.a(x))", HEAD],
        &[
            "self.a = nn.Conv2d(3, 16, 3)",
            "self.n = nn.BatchNorm2d(16)",
            "self.fc = nn.Linear(16, 10)",
        ],
    );
}

#[test]
fn a_number_is_written_where_the_block_gets_it() {
    let text = "import torch.nn as nn\n\n\nclass Block(nn.Module):\n    def __init__(self, cin, cout):\n        super().__init__()\n        self.conv = nn.Conv2d(cin, cout, 3)\n\n    def forward(self, x):\n        return self.conv(x)\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = Block(3, 16)\n        self.b = Block(32, 64)\n\n    def forward(self, x):\n        return self.b(self.a(x))\n";
    let repaired = mend(text).unwrap();
    assert_eq!(changed(text, repaired.source.text()), ["self.b = Block(16, 64)"]);
}

#[test]
fn a_missing_super_call_and_a_missing_import() {
    let text = program(&["self.a = nn.Conv2d(3, 16, 3)"], &["return F.relu(self.a(x))"]);
    let text = text.replace("        super().__init__()\n", "");
    let repaired = mend(&text).unwrap();
    let expected = text
        .replace("        self.a", "        super().__init__()\n        self.a")
        .replacen("import torch\n", "import torch.nn.functional as F\nimport torch\n", 1);
    assert_eq!(repaired.source.text(), expected);
}

#[test]
fn a_view_that_splits_samples_is_mended_and_not_the_layer_behind_it() {
    expect(
        &["self.fc = nn.Linear(3072, 10)"],
        &["return self.fc(x.view(-1, 1536))"],
        &["return self.fc(x.view(-1, 3072))"],
    );
    expect(
        &["self.fc = nn.Linear(100, 10)"],
        &["return self.fc(x.view(-1, 1536))"],
        &["self.fc = nn.Linear(3072, 10)", "return self.fc(x.view(-1, 3072))"],
    );
    // no edit of the layer makes one row of a sample
    let text =
        program(&["self.fc = nn.Linear(7, 10)"], &["return self.fc(torch.relu(x.view(-1, 32)))"]);
    assert!(mend(&text).is_none());
}

#[test]
fn groups_become_the_nearest_divisor_of_both_channels() {
    for (layer, mended) in [
        ("nn.Conv2d(3, 6, 3, groups=2)", "nn.Conv2d(3, 6, 3, groups=3)"),
        ("nn.Conv2d(3, 9, 3, groups=4)", "nn.Conv2d(3, 9, 3, groups=3)"),
    ] {
        expect(
            &[&format!("self.a = {layer}")],
            &["return self.a(x)"],
            &[&format!("self.a = {mended}")],
        );
    }
    expect(
        &["self.a = nn.Conv2d(3, 24, 3)", "self.b = nn.Conv2d(24, 48, 3, groups=7)"],
        &["return self.b(self.a(x))"],
        &["self.b = nn.Conv2d(24, 48, 3, groups=8)"],
    );
}

#[test]
fn what_is_right_or_beyond_help_is_left_alone() {
    assert!(mend(&program(&["pass"], &["return x"])).is_none());
    assert!(mend("class Net(").is_none());
    let mixed = program(&["self.a = nn.Conv2d(3, 8, 3, stride=2)"], &["return self.a(x) + x"]);
    assert!(mend(&mixed).is_none());
}

#[test]
fn the_budget_holds() {
    let text = program(&["self.a = nn.Conv2d(4, 16, 3)"], &["return self.a(x)"]);
    let source = SourceFile::new("net.py", text);
    let options = CompileOptions::image(3, 32, 32);
    let none = RepairBudget { compilations: 0, mistakes: 8 };
    assert!(repair(&source, &options, none).is_none());
    let one = RepairBudget { compilations: 1, mistakes: 1 };
    assert!(repair(&source, &options, one).is_some());
}
