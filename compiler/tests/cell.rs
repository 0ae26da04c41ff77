//! The cell of NAS-Bench-201 that a program computes, however it is written; and what is none.
#![allow(clippy::unwrap_used)]

use nasc_compiler::cell::{Cell, CellError, CellOperation, ENDS};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};

/// `|conv3~0|+|conv3~0|conv3~1|+|skip~0|conv3~1|conv1~2|`, which nothing else computes.
const BEST: &str = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|";

fn cell_of(program: &str) -> Result<Cell, CellError> {
    let source = SourceFile::new("cell.py", program);
    let compiled = compile(&source, &CompileOptions::image(8, 6, 6));
    Cell::of_graph(&compiled.unwrap_or_else(|found| unreachable!("{program}\n{found:?}")).graph)
}

/// A class with the lines of `__init__` and `forward`.
fn class(init: &[&str], forward: &[&str]) -> String {
    let lines = |lines: &[&str]| lines.iter().map(|line| format!("        {line}\n")).collect();
    let (init, forward): (String, String) = (lines(init), lines(forward));
    format!(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
         def conv(kernel):\n    return nn.Sequential(nn.ReLU(), nn.Conv2d(8, 8, kernel, \
         padding=kernel // 2, bias=False), nn.BatchNorm2d(8))\n\n\n\
         class Cell(nn.Module):\n    def __init__(self):\n        super().__init__()\n{init}\
         \n    def forward(self, x):\n{forward}"
    )
}

fn layer(operation: CellOperation) -> &'static str {
    match operation {
        CellOperation::None => "lambda x: torch.zeros_like(x)",
        CellOperation::SkipConnect => "nn.Identity()",
        CellOperation::Convolution1x1 => "conv(1)",
        CellOperation::Convolution3x3 => "conv(3)",
        CellOperation::AveragePool3x3 => "nn.AvgPool2d(3, 1, 1, count_include_pad=False)",
    }
}

/// Every edge written out.
fn written(cell: Cell) -> String {
    let edges = cell.0.iter().zip(ENDS);
    let init: Vec<String> =
        edges.map(|(&op, (from, to))| format!("self.e{from}{to} = {}", layer(op))).collect();
    let init: Vec<&str> = init.iter().map(String::as_str).collect();
    class(
        &init,
        &[
            "x1 = self.e01(x)",
            "x2 = self.e02(x) + self.e12(x1)",
            "return self.e03(x) + self.e13(x1) + self.e23(x2)",
        ],
    )
}

#[test]
fn every_cell_is_recovered_as_the_one_that_stands_for_its_function() {
    for cell in Cell::all().step_by(37) {
        assert_eq!(cell_of(&written(cell)), Ok(cell.representative()), "{cell}");
    }
}

#[test]
fn the_cells_compute_5875_functions_and_most_are_the_only_one_to_compute_theirs() {
    let mut groups = std::collections::BTreeMap::<Cell, u32>::new();
    for cell in Cell::all() {
        *groups.entry(cell.representative()).or_default() += 1;
    }
    assert_eq!(groups.len(), 5875);
    assert_eq!(groups.values().filter(|&&size| size == 1).count(), 4380);
    assert!(groups.keys().all(|cell| cell.representative() == *cell));
}

#[test]
fn strings_and_numbers_name_each_cell_once() {
    for cell in Cell::all().step_by(11) {
        assert_eq!(cell.to_string().parse(), Ok(cell));
        assert_eq!(Cell::from_number(cell.number()), Some(cell));
    }
    assert_eq!(Cell::from_number(Cell::COUNT), None);
    for text in ["", "|none~0|", "|none~0|+|none~1|none~0|+|none~0|none~1|none~2|"] {
        assert!(text.parse::<Cell>().is_err(), "{text}");
    }
    assert!(BEST.replace("1x1", "5x5").parse::<Cell>().is_err());
}

#[test]
fn other_ways_to_write_a_cell_are_the_same_cell() {
    let best: Cell = BEST.parse().unwrap();
    let five = ["self.a = nn.ModuleList([conv(3) for _ in range(4)])", "self.b = conv(1)"];
    let loose = [
        "self.c = nn.ModuleList([nn.Conv2d(8, 8, 3, padding='same') for _ in range(4)])",
        "self.p = nn.Conv2d(8, 8, (1, 1))",
        "self.n = nn.ModuleList([nn.BatchNorm2d(8, eps=1e-3) for _ in range(5)])",
    ];
    let ways = [
        class(
            &five,
            &[
                "late = self.a[0](x)",
                "return self.a[3](late) + (self.b(self.a[1](x) + self.a[2](late)) + x)",
            ],
        ),
        class(
            &five,
            &[
                "nodes = [x, self.a[0](x)]",
                "nodes.append(sum([self.a[1](nodes[0]), self.a[2](nodes[1])]))",
                "return torch.stack([x, self.a[3](nodes[1]), self.b(nodes[2])]).sum(0)",
            ],
        ),
        class(
            &loose,
            &[
                "y = self.n[0](self.c[0](F.relu(x)))",
                "z = self.n[1](self.c[1](x.clamp(min=0)))",
                "z += self.n[2](self.c[2](torch.relu(torch.relu(y))))",
                "unused = self.c[3](x)",
                "out = torch.add(x, self.n[3](self.c[3](F.relu(y.contiguous()))))",
                "return out + 1.0 * self.n[4](self.p(F.relu(z + 0 * x))) + torch.zeros_like(x)",
            ],
        ),
        class(
            &[
                "self.a = nn.ModuleList([nn.Sequential(nn.ReLU(), nn.ZeroPad2d(1), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)) for _ in range(4)])",
                "self.b = conv(1)",
                "self.drop = nn.Dropout(0.0)",
            ],
            &[
                "y = self.drop(self.a[0](x))",
                "return x - (-self.a[3](y)) + self.b(self.a[1](x) + self.a[2](y))",
            ],
        ),
    ];
    for program in ways {
        assert_eq!(cell_of(&program), Ok(best), "{program}");
    }
}

#[test]
fn a_sum_of_one_value_with_itself_differs_from_two_operations() {
    let once = class(&["self.a = conv(3)"], &["y = self.a(x)", "return y + y"]);
    let twice = class(&["self.a = conv(3)", "self.b = conv(3)"], &["return self.a(x) + self.b(x)"]);
    let called = class(&["self.a = conv(3)"], &["return self.a(x) + self.a(x)"]);
    assert_ne!(cell_of(&once), cell_of(&twice));
    assert_eq!(cell_of(&called), cell_of(&once));
    let pool = "self.p = nn.AvgPool2d(3, stride=1, padding=1)";
    let pooled = class(&[pool], &["y = self.p(x)", "return y + y"]);
    let two = class(&[pool, "self.q = nn.AvgPool2d(3, 1, 1)"], &["return self.p(x) + self.q(x)"]);
    assert_eq!(cell_of(&pooled), cell_of(&two));
}

#[test]
fn what_is_no_cell_says_why() {
    let cases = [
        (
            class(&["self.a = nn.Conv2d(8, 8, 3, padding=1)"], &["return self.a(x)"]),
            "behind a ReLU",
        ),
        (
            class(&["self.a = nn.Conv2d(8, 8, 3, padding=1)"], &["return self.a(F.relu(x))"]),
            "followed by a batch norm",
        ),
        (class(&[], &["return F.relu(x)"]), "followed by a 1x1 or 3x3"),
        (class(&[], &["return F.max_pool2d(x, 3, 1, 1)"]), "average of 3x3"),
        (class(&[], &["return torch.sigmoid(x)"]), "in no cell"),
        (class(&[], &["return x * x"]), "are added"),
        (class(&[], &["return x * 0.5"]), "0.5 times"),
        (class(&[], &["return -x"]), "-1 times"),
        (class(&[], &["return x + 1"]), "without constants"),
        (class(&["self.a = conv(5)"], &["return self.a(x)"]), "1x1 or 3x3"),
        (class(&["self.a = conv(3)"], &["return self.a(self.a(x))"]), "share their weights"),
        (
            class(
                &["self.a = nn.Sequential(conv(3), conv(3), conv(3), conv(3))"],
                &["return self.a(x)"],
            ),
            "4 operations",
        ),
        (class(&[], &["return x.flatten(1)"]), "of the same shape"),
    ];
    for (program, why) in cases {
        let error = cell_of(&program).unwrap_err();
        assert!(error.to_string().contains(why), "{error}\n{program}");
        let quoted = error.span().is_some_and(|span| span.start > 0);
        let whole = matches!(error, CellError::Signature { .. } | CellError::NotFourNodes { .. });
        assert!(quoted || whole || why.ends_with("times"), "{error}");
    }
}
