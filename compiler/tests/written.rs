//! Constructs of networks as people write them: shapes of results, parameters and MACs, as PyTorch
//! 2 has them.
#![allow(clippy::unwrap_used, clippy::panic)]

use nasc_compiler::ir::{DType, Dim, Shape, TensorType};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, cost};

const IMPORTS: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\
                       from typing import NamedTuple\n";

fn options(dims: &[u64], dtype: DType) -> CompileOptions {
    let known = dims.iter().map(|&extent| Dim::Known(extent));
    let shape = Shape(std::iter::once(Dim::N).chain(known).collect());
    CompileOptions::new(vec![TensorType { dtype, shape }])
}

/// Shapes of the results at two samples, parameters and MACs of a network of these lines.
fn measured(declared: &str, forward: &str, options: &CompileOptions) -> (Vec<Vec<u64>>, u64, u64) {
    let indented = |text: &str| text.replace('\n', "\n        ");
    let text = format!(
        "{IMPORTS}class Pair(NamedTuple):\n    left: torch.Tensor\n    right: torch.Tensor = None\n\
         class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {}\n    \
         def forward(self, x):\n        {}\n",
        indented(declared),
        indented(forward)
    );
    let compiled = compile(&SourceFile::new("net.py", text.as_str()), options)
        .unwrap_or_else(|found| panic!("{found:?} in:\n{text}"));
    let figures = cost::analyze(&compiled.graph);
    let types = compiled.graph.outputs.iter().map(|&id| compiled.graph.tensor_type(id).unwrap());
    let shapes = types.map(|t| t.shape.0.iter().map(|dim| dim.at_batch(2)).collect()).collect();
    (shapes, figures.params, figures.macs)
}

#[test]
fn noise_follows_the_batch() {
    let net = "self.f = nn.Linear(6, 4)";
    let forward = "z = self.f(x)\nreturn z + torch.randn_like(z) * torch.rand(z.size(0), 1)";
    assert_eq!(measured(net, forward, &options(&[6], DType::F32)), (vec![vec![2, 4]], 28, 24));
}

#[test]
fn named_tuples_are_written_as_classes() {
    let net = "self.f = nn.Linear(6, 4)";
    let forward = "p = Pair(self.f(x))\nassert p.right is None\nreturn p.left, *p[:1]";
    let shapes = vec![vec![2, 4], vec![2, 4]];
    assert_eq!(measured(net, forward, &options(&[6], DType::F32)), (shapes, 28, 24));
}

#[test]
fn parameters_lie_in_lists_and_dictionaries() {
    let net = "self.w = nn.ParameterList([nn.Parameter(torch.randn(6, 6)) for _ in range(3)])\n\
               self.d = nn.ParameterDict({'a': nn.Parameter(torch.zeros(6))})";
    let forward = "for w in self.w:\n    x = x @ w\nreturn x * self.d['a'] + self.w[-1].sum()";
    assert_eq!(measured(net, forward, &options(&[6], DType::F32)), (vec![vec![2, 6]], 114, 108));
}

#[test]
fn cells_take_one_step() {
    let net = "self.l = nn.LSTMCell(5, 8)\nself.g = nn.GRUCell(8, 3)\nself.r = nn.RNNCell(3, 3)";
    let forward = "h, c = self.l(x)\nreturn self.r(self.g(h)), c";
    let (lstm, gru, rnn) = (32 * 15, 9 * 11 + 18, 3 * 8);
    let macs = 32 * 13 + 9 * 11 + 3 * 6;
    let shapes = vec![vec![2, 3], vec![2, 8]];
    assert_eq!(
        measured(net, forward, &options(&[5], DType::F32)),
        (shapes, lstm + gru + rnn, macs)
    );
}

#[test]
fn extreme_elements_are_selected() {
    let forward = "v, i = torch.topk(x, 3, dim=1)\ns = x.sort(-1, descending=True)[0]\n\
                   return v, x.gather(1, i), s, x.argsort()";
    let shapes = vec![vec![2, 3], vec![2, 3], vec![2, 7], vec![2, 7]];
    assert_eq!(measured("pass", forward, &options(&[7], DType::F32)), (shapes, 0, 0));
}

#[test]
fn labels_become_vectors() {
    let net = "self.e = nn.Embedding.from_pretrained(torch.randn(9, 4))";
    let forward = "return F.one_hot(x, 5).float(), self.e(x)";
    let shapes = vec![vec![2, 3, 5], vec![2, 3, 4]];
    assert_eq!(measured(net, forward, &options(&[3], DType::I64)), (shapes, 36, 0));
}

#[test]
fn einsum_has_dots_and_an_implied_result() {
    let net = "self.w = nn.Parameter(torch.randn(8, 5))";
    let forward = "return torch.einsum('...d,de->...e', x, self.w), torch.einsum('bic,bjc', x, x), \
                   torch.einsum('bij->', x)";
    let shapes = vec![vec![2, 4, 5], vec![4, 4], vec![]];
    let (found, params, _) = measured(net, forward, &options(&[4, 8], DType::F32));
    assert_eq!((found, params), (shapes, 40));
}

#[test]
fn tensors_are_made_of_nested_lists() {
    let net = "self.register_buffer('k', torch.tensor([[1., 2.], [3., 4.]]).view(1, 1, 2, 2))";
    let forward =
        "return F.conv2d(x, self.k), x * torch.Tensor([[1, 0], [0, 1]]).unsqueeze(0).sum()";
    let shapes = vec![vec![2, 1, 3, 3], vec![2, 1, 4, 4]];
    assert_eq!(measured(net, forward, &options(&[1, 4, 4], DType::F32)), (shapes, 0, 36));
}

#[test]
fn methods_in_place_change_shapes_and_elements() {
    let net = "self.f = nn.Linear(6, 4)\nself.c = torch.ones(3, 2).unsqueeze_(0).t_() if False \
               else torch.ones(3).unsqueeze_(0)";
    let forward = "y = self.f(x).unsqueeze_(dim=1)\nout = torch.zeros(x.size(0), 1, 4)\n\
                   out.add_(y)\nother = torch.empty(x.size(0), 4)\nother.copy_(self.f(x))\n\
                   return y, out, other, self.c";
    let (shapes, params, macs) = measured(net, forward, &options(&[6], DType::F32));
    assert_eq!(shapes, [vec![2, 1, 4], vec![2, 1, 4], vec![2, 4], vec![1, 3]]);
    assert_eq!((params, macs), (28, 48));
}

/// What PyTorch has and nasc does not know is no mistake of the program.
#[test]
fn unknown_members_of_layers_are_called_unsupported() {
    for declared in ["self.e = nn.Embedding.something_new(3)", "self.c = nn.LazyConv2d(3, 3)"] {
        let text = format!(
            "{IMPORTS}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
             {declared}\n    def forward(self, x):\n        return x\n"
        );
        let found = compile(&SourceFile::new("net.py", text), &options(&[3], DType::F32));
        let found = found.unwrap_err();
        let faults: Vec<_> = found.as_slice().iter().map(|diagnostic| diagnostic.fault).collect();
        assert_eq!(faults, [nasc_compiler::diagnostic::Fault::Unsupported]);
    }
}

#[test]
fn a_range_of_the_batch_is_called_symbolic() {
    let text = format!(
        "{IMPORTS}class Net(nn.Module):\n    def forward(self, x):\n        \
         return x[torch.arange(x.size(0)), 0]\n"
    );
    let found = compile(&SourceFile::new("net.py", text), &options(&[3], DType::F32)).unwrap_err();
    let codes: Vec<_> = found.as_slice().iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["nasc::eval::symbolic_arithmetic"]);
}
