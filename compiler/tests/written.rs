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
    for declared in ["self.e = nn.Embedding.something_new(3)", "self.c = nn.FractionalMaxPool2d(3)"]
    {
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

/// Code, message and help of the first mistake of a network of these lines.
fn refused(declared: &str, forward: &str, options: &CompileOptions) -> String {
    let indented = |text: &str| text.replace('\n', "\n        ");
    let text = format!(
        "{IMPORTS}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {}\n    \
         def forward(self, x):\n        {}\n",
        indented(declared),
        indented(forward)
    );
    let found = compile(&SourceFile::new("net.py", text.as_str()), options).unwrap_err();
    let first = found.as_slice().first().unwrap();
    assert!(first.span().is_some_and(|span| (span.end as usize) <= text.len()), "{first:?}");
    format!("{}: {} ({})", first.code, first.message, first.help.as_deref().unwrap_or(""))
}

#[test]
fn normalised_weights_keep_their_names_and_counts() {
    let old = "self.a = nn.utils.weight_norm(nn.Conv2d(3, 8, 3))\n\
               self.b = nn.utils.spectral_norm(nn.ConvTranspose2d(8, 5, 4, 2, 1, bias=False))\n\
               assert [n for n, _ in self.named_parameters()] == ['a.bias', 'a.weight_g', 'a.weight_v', 'b.weight_orig']\n\
               assert [(n, b.numel()) for n, b in self.named_buffers()] == [('b.weight_u', 5), ('b.weight_v', 128)]";
    let new = "from torch.nn.utils import parametrizations as P\n\
               self.a = P.weight_norm(nn.Conv2d(3, 8, 3))\n\
               self.b = P.spectral_norm(nn.ConvTranspose2d(8, 5, 4, 2, 1, bias=False))\n\
               assert [n for n, _ in self.named_parameters()] == ['a.bias', \
               'a.parametrizations.weight.original0', 'a.parametrizations.weight.original1', \
               'b.parametrizations.weight.original']";
    let expected = (vec![vec![2, 5, 12, 12]], 872, 30_816);
    for net in [old, new] {
        assert_eq!(
            measured(net, "return self.b(self.a(x))", &options(&[3, 8, 8], DType::F32)),
            expected
        );
    }
}

#[test]
fn columns_fold_back_into_images() {
    let net = "self.f = nn.Fold((16, 16), 3, padding=1, stride=2)";
    let forward = "u = F.unfold(x, 3, padding=1, stride=2)\nv = F.unfold(x, 4, stride=4)\n\
                   return self.f(u), F.fold(v, 16, 4, stride=4)";
    let shapes = vec![vec![2, 3, 16, 16], vec![2, 3, 16, 16]];
    assert_eq!(measured(net, forward, &options(&[3, 16, 16], DType::F32)), (shapes, 0, 0));
}

#[test]
fn margins_of_every_kind_and_rank() {
    let net = "self.a = nn.ReplicationPad1d((1, 2))\nself.b = nn.CircularPad2d((1, 2, 0, 1))\n\
               self.c = nn.ConstantPad3d(1, 3.5)\nself.d = nn.LPPool2d(2, 3, 2)";
    let forward = "return self.a(x.flatten(2)), self.b(x), self.c(x), self.d(x)";
    let shapes = [vec![2, 3, 67], vec![2, 3, 9, 11], vec![2, 5, 10, 10], vec![2, 3, 3, 3]];
    assert_eq!(measured(net, forward, &options(&[3, 8, 8], DType::F32)).0, shapes);
}

#[test]
fn pairs_are_mapped_and_measured() {
    let net = "self.b = nn.Bilinear(6, 6, 4)";
    let forward =
        "z = self.b(x, x)\nreturn z, torch.cdist(z.unsqueeze(1), z.unsqueeze(1).expand(-1, 3, -1))";
    let shapes = vec![vec![2, 4], vec![2, 1, 3]];
    assert_eq!(measured(net, forward, &options(&[6], DType::F32)), (shapes, 148, 0));
}

#[test]
fn dataclasses_are_equal_by_their_fields() {
    let net = "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\n    b: int = 2\n\
               assert C(1) == C(1, 2) and C(1) != C(2)\nself.f = nn.Linear(6, 4)";
    assert_eq!(measured(net, "return self.f(x)", &options(&[6], DType::F32)).1, 28);
}

#[test]
fn names_are_registered_once() {
    let image = options(&[3, 8, 8], DType::F32);
    let over = refused("self.c = nn.Conv2d(3, 8, 3)\nself.c = 3", "return self.c(x)", &image);
    assert!(over.contains("cannot assign 'int' as child module 'c'"), "{over}");
    let buffer = "self.c = nn.Conv2d(3, 8, 3)\nself.register_buffer('c', torch.zeros(1))";
    let buffer = refused(buffer, "return self.c(x)", &image);
    assert!(buffer.contains("attribute 'c' already exists"), "{buffer}");
    let key = refused("self.d = nn.ModuleDict({'keys': nn.ReLU()})", "return x", &image);
    assert!(key.contains("attribute 'keys' already exists"), "{key}");
}

#[test]
fn help_names_what_was_meant() {
    let net = "self.c = nn.Conv2d(3, 8, 3, padding=1)\nself.fc = nn.Linear(512, 10)";
    let image = options(&[3, 8, 8], DType::F32);
    for (forward, help) in [
        ("return self.fc(torch.flatten(self.c(x)))", "torch.flatten(x, 1)"),
        ("return self.fc(self.c(x).view(-1))", "x.view(x.size(0), -1)"),
        ("return self.fc(x.view(x.shape(0), -1))", "x.shape[0]"),
        ("return self.fc(x.view(x.size[0], -1))", "x.size(0)"),
        ("return torch.cat([x, self.c(x)], 2)", "dim = 1"),
        ("return F.linear(x.flatten(1), torch.zeros(5, 64))", "last dimension of the weight 192"),
        ("return F.interpolate(x, scale_factor=2, mode='linear')", "bilinear"),
        ("return F.interpolate(x, scale_factor=2, mode='cubic')", "bicubic"),
        ("return torch.stack([x] * x.size(0))", "symbolic"),
        ("return F.normalize(x.flatten(1), dim=2)", "from -2 to 1"),
    ] {
        let found = refused(net, forward, &image);
        assert!(found.contains(help), "{forward}: {found}");
    }
    let comma = refused("self.c = nn.Conv2d(3, 8, 3),", "return self.c(x)", &image);
    assert!(comma.contains("comma"), "{comma}");
    let groups = refused("self.g = nn.GroupNorm(4, 10)", "return self.g(x)", &image);
    assert!(groups.contains("num_groups = 5"), "{groups}");
}

#[test]
fn the_entry_is_named_as_the_file_makes_it() {
    let text = "import torch.nn as nn\nclass Block(nn.Module):\n    def __init__(self, a):\n        super().__init__()\n\
                class Net(nn.Module):\n    def __init__(self, classes):\n        super().__init__()\n\
                if __name__ == '__main__':\n    model = Net(classes=10)\n";
    let found = compile(&SourceFile::new("net.py", text), &options(&[6], DType::F32)).unwrap_err();
    let first = found.as_slice().first().unwrap();
    assert!(first.help.as_deref().unwrap_or("").contains("--entry 'Net(classes=10)'"), "{first:?}");
    let place = first.span().map(|span| &text[span.start as usize..]);
    assert!(
        place.is_some_and(|text| text.trim_start_matches("class ").starts_with("Net")),
        "{place:?}"
    );
}
