//! The benchmark's whole network around a cell, as a text: a stem, three stages of cells with residual
//! blocks of stride 2 between them, a head. Zero-cost proxies look at it.

use crate::proposer::cells::class;
use nasc_compiler::cell::Cell;

/// Cells of a stage in the benchmark (Dong and Yang, ICLR 2020, section 2.1).
pub const CELLS_OF_STAGE: u32 = 5;

/// Classes of the edges, the cell, the block between stages.
const PARTS: &str = r#"import torch
import torch.nn as nn


class Zero(nn.Module):
    def __init__(self, channels):
        super().__init__()

    def forward(self, x):
        return torch.zeros_like(x)


class Skip(nn.Module):
    def __init__(self, channels):
        super().__init__()

    def forward(self, x):
        return x


class ReLUConvBN(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, padding):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(self.relu(x)))


def Conv1x1(channels):
    return ReLUConvBN(channels, channels, 1, 1, 0)


def Conv3x3(channels):
    return ReLUConvBN(channels, channels, 3, 1, 1)


def AvgPool3x3(channels):
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleList([edge(channels) for edge in [{edges}]])

    def forward(self, x0):
        x1 = self.edges[0](x0)
        x2 = self.edges[1](x0) + self.edges[2](x1)
        return self.edges[3](x0) + self.edges[4](x1) + self.edges[5](x2)


class Reduction(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = ReLUConvBN(inputs, outputs, 3, 2, 1)
        self.second = ReLUConvBN(outputs, outputs, 3, 1, 1)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return self.second(self.first(x)) + self.shortcut(self.pool(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        body = [Cell(16) for _ in range({cells})]
        body += [Reduction(16, 32)] + [Cell(32) for _ in range({cells})]
        body += [Reduction(32, 64)] + [Cell(64) for _ in range({cells})]
        self.body = nn.Sequential(*body)
        self.norm = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.head = nn.Linear(64, {classes})

    def forward(self, x):
        x = self.relu(self.norm(self.body(self.stem(x))))
        return self.head(x.mean((2, 3)))
"#;

/// The text of a cell's network with so many cells in each stage.
#[must_use]
pub fn network(cell: Cell, cells_of_stage: u32, classes: u64) -> String {
    let edges = cell.0.map(class).join(", ");
    PARTS
        .replace("{edges}", &edges)
        .replace("{cells}", &cells_of_stage.to_string())
        .replace("{classes}", &classes.to_string())
}
