//! Whole programs in, graphs or diagnostics out: what the evaluator promises, through text.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use nasc_compiler::diagnostic::{Diagnostics, Severity};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Compiled, compile, cost};

fn options() -> CompileOptions {
    CompileOptions::image(3, 32, 32)
}

fn program(body: &str) -> SourceFile {
    let head = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n";
    SourceFile::new("net.py", format!("{head}{body}"))
}

fn accepted(body: &str) -> Compiled {
    let source = program(body);
    compile(&source, &options()).unwrap_or_else(|errors| panic!("{:?}", errors.as_slice()))
}

/// Codes without prefix, with lines counted from the first line of `body`.
fn refused(body: &str) -> Vec<(&'static str, u32)> {
    let source = program(body);
    let errors: Diagnostics = compile(&source, &options()).expect_err("a mistake");
    let errors = errors.as_slice().iter().filter(|e| e.severity == Severity::Error);
    errors
        .map(|error| {
            let line = source.line_column(error.span().unwrap().start).line;
            (error.code.strip_prefix("nasc::").unwrap(), line.saturating_sub(3))
        })
        .collect()
}

fn names(compiled: &Compiled) -> Vec<String> {
    compiled.graph.params.iter().map(|param| param.path.to_string()).collect()
}

#[test]
fn parameters_come_in_the_order_of_the_state_dict() {
    let compiled = accepted(
        "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.bn = nn.BatchNorm2d(3)
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1, bias=False))

    def forward(self, x):
        return self.body(self.bn(x) * self.scale)
",
    );
    let expected = [
        "scale",
        "bn.weight",
        "bn.bias",
        "bn.running_mean",
        "bn.running_var",
        "bn.num_batches_tracked",
        "body.0.weight",
        "body.0.bias",
        "body.2.weight",
    ];
    assert_eq!(names(&compiled), expected);
}

#[test]
fn a_shared_weight_is_one_parameter_under_its_first_name() {
    let compiled = accepted(
        "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(32, 32, bias=False)
        self.b = nn.Linear(32, 32, bias=False)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))
",
    );
    assert_eq!(names(&compiled), ["a.weight"]);
    assert_eq!(cost::analyze(&compiled.graph).params, 32 * 32);
}

#[test]
fn the_training_flag_chooses_the_branch() {
    let body = "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        if self.training:
            return self.fc(x), x
        return self.fc(x)
";
    let mut options = options();
    assert_eq!(compile(&program(body), &options).unwrap().graph.outputs.len(), 1);
    options.training = true;
    assert_eq!(compile(&program(body), &options).unwrap().graph.outputs.len(), 2);
}

#[test]
fn an_entry_may_be_an_expression() {
    let body = "class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(32, width)

    def forward(self, x):
        return self.fc(x)
";
    assert_eq!(refused(body), [("eval::no_network", 1)]);
    let mut options = options();
    options.entry = Some(String::from("Net(width=7)"));
    let compiled = compile(&program(body), &options).unwrap();
    assert_eq!(cost::analyze(&compiled.graph).params, 33 * 7);
}

#[test]
fn independent_mistakes_are_all_found_and_each_once() {
    let found = refused(
        "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 8, 3)
        self.b = nn.Conv2d(8, 8, 3)
        self.c = nn.Linear(100, 10)

    def forward(self, x):
        y = self.b(self.a(x))
        return self.c(x.flatten(1)), y
",
    );
    assert_eq!(found, [("shape::channel_mismatch", 9), ("shape::feature_mismatch", 10)]);
}

#[test]
fn endless_programs_end() {
    let net = |statement: &str| {
        format!(
            "class Net(nn.Module):\n    def __init__(self):\n{statement}\n    def forward(self, x):\n        return x\n"
        )
    };
    assert_eq!(refused(&net("        while True:\n            pass")), [("eval::out_of_fuel", 3)]);
    assert_eq!(refused(&net("        self.__init__()")), [("eval::too_deep", 3)]);
    assert_eq!(refused(&net("        x = [0] * 10**12")), [("eval::out_of_memory", 3)]);
}

#[test]
fn statements_that_train_or_log_are_skipped() {
    let compiled = accepted(
        "import logging
from torch.utils.data import DataLoader
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        logging.info('shape %s', x.shape)
        return self.fc(x)

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for images, labels in DataLoader(None):
    optimizer.zero_grad()
if __name__ == '__main__':
    train(net)
",
    );
    assert_eq!(compiled.entry, "Net()");
}

#[test]
fn a_network_of_a_trillion_parameters_is_no_evaluation_error() {
    let compiled = accepted(
        "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1000000, 1000000, bias=False)

    def forward(self, x):
        return x
",
    );
    assert_eq!(cost::analyze(&compiled.graph).params, 1_000_000_000_000);
}

#[test]
fn arithmetic_in_place_cannot_enlarge_its_tensor() {
    let net = |line: &str| {
        format!(
            "class Net(nn.Module):
    def forward(self, x):
        y = x.mean(1, keepdim=True)
        {line}
        return y
"
        )
    };
    for line in ["y += x", "y -= x", "y *= x", "y /= x", "y.add_(x)", "y.mul_(x)"] {
        assert_eq!(refused(&net(line)), [("shape::broadcast_mismatch", 4)], "{line}");
    }
    for line in ["y += 1", "y += y", "x += y", "y = y + x", "x *= y[:1]", "y.unsqueeze_(1)"] {
        accepted(&net(line));
    }
    let errors = compile(&program(&net("y += x")), &options()).unwrap_err();
    assert_eq!(
        errors.as_slice()[0].message,
        "`+=` writes in place: output with shape [N, 1, 32, 32] doesn't match the broadcast shape [N, 3, 32, 32]"
    );
}

#[test]
fn arguments_of_the_command_line_have_their_defaults() {
    let compiled = accepted(
        "import argparse
from types import SimpleNamespace
parser = argparse.ArgumentParser(description='train', formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument('data', metavar='DIR')
parser.add_argument('-w', '--hidden-width', type=int, default=24, help='features')
parser.add_argument('--classes', type=int, default='10')
parser.add_argument('--no-bias', action='store_true')
parser.add_argument('--resume')
group = parser.add_argument_group('more')
group.add_argument('--depth', default=2, type=int, choices=[1, 2])
args = parser.parse_args()
config = SimpleNamespace(width=24, act=nn.ReLU)
assert config.width == args.hidden_width and args.resume is None and 'depth' in args
assert vars(args)['depth'] == 2
loader = torch.utils.data.DataLoader(args.data)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Linear(32, args.hidden_width, bias=not args.no_bias), config.act()]
        for _ in range(args.depth):
            layers.append(nn.Linear(config.width, config.width))
        self.body = nn.Sequential(*layers, nn.Linear(24, args.classes))

    def forward(self, x):
        return self.body(x)
",
    );
    assert_eq!(cost::analyze(&compiled.graph).params, 33 * 24 + 2 * 25 * 24 + 250);
    let unknown = "import argparse
parser = argparse.ArgumentParser()
parser.add_argument('width', type=int)
args = parser.parse_args()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, args.LINE)

    def forward(self, x):
        return self.fc(x)
";
    assert_eq!(refused(&unknown.replace("LINE", "width")).len(), 1);
    let missing = refused(&unknown.replace("LINE", "depth"));
    assert_eq!(missing, [("eval::unsupported_argument", 8)]);
}

/// The first message about a network of one line.
fn message(line: &str) -> String {
    let body = format!("class Net(nn.Module):\n    def forward(self, x):\n        return {line}\n");
    let errors = compile(&program(&body), &options()).expect_err("a mistake");
    errors.as_slice()[0].message.clone()
}

#[test]
fn only_one_size_of_a_view_can_be_inferred() {
    let expected =
        "`view` cannot turn [N, 3, 32, 32] into [-1, 3, -1]: only one dimension can be inferred";
    assert_eq!(message("x.view(-1, 3, -1)"), expected);
}

#[test]
fn mistakes_in_an_entry_speak_of_the_entry() {
    let body = "class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(32, width + more)

    def forward(self, x):
        return self.fc(x)
";
    let of = |entry: &str| {
        let mut options = options();
        options.entry = Some(String::from(entry));
        let errors = compile(&program(body), &options).expect_err("a mistake");
        let first = errors.as_slice()[0].clone();
        (first.code, first.message, first.help.unwrap_or_default())
    };
    let (code, message, help) = of("Foo(3)");
    assert_eq!(code, "nasc::eval::bad_entry");
    assert_eq!(message, "the entry `Foo(3)` names `Foo`, which the file does not define");
    assert_eq!(help, "name a class or function of the file");
    assert_eq!(of("Nett(3)").2, "did you mean `Net`?");
    // a name that the network lacks is the network's mistake
    assert_eq!(of("Net(3)").0, "nasc::eval::unknown_name");
}

#[test]
fn a_missing_bias_cannot_be_initialised() {
    let net = |line: &str| {
        format!(
            "class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, 10, bias=False)
        {line}

    def forward(self, x):
        return self.fc(x)
"
        )
    };
    for function in ["constant_(self.fc.bias, 0.1)", "zeros_(self.fc.bias)", "ones_(self.fc.bias)"]
    {
        let line = format!("nn.init.{function}");
        assert_eq!(refused(&net(&line)), [("eval::unknown_attribute", 5)], "{line}");
        accepted(&net(&line.replace("bias", "weight")));
    }
}

#[test]
fn functions_of_matrices_take_nothing_else() {
    for line in [
        "torch.bmm(x, x)",
        "torch.bmm(x.flatten(2), x[0, 0])",
        "x.flatten(2).bmm(x.flatten(2)[:1].transpose(1, 2))",
        "torch.mm(x.flatten(2), torch.ones(1024, 3))",
        "x.t()",
        "torch.t(x.flatten(2))",
    ] {
        let text = message(line);
        let rank = text.contains("dimensions, but receives") || text.contains("to have the shape");
        assert!(rank, "{line}: {text}");
    }
    accepted(
        "class Net(nn.Module):
    def forward(self, x):
        y = x.flatten(2)
        z = torch.bmm(y, y.transpose(1, 2))
        return z, torch.mm(x.flatten(1), torch.ones(4, 3072).t())
",
    );
}
