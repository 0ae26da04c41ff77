//! The text: what may be written at each place of the program, and what that means for the
//! network. Which arguments keep to the limits is asked of `network`.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::ShapeTarget;
use super::network::{Draft, LayerKind, Limits, Role, Totals};
use super::number::Numbers;

/// What a finished choice means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    BeginName,
    BeginLayer,
    Kind(LayerKind),
    Input,
    Output,
    /// Of a window; whether it was written without its keyword.
    Kernel {
        positional: bool,
    },
    Stride {
        positional: bool,
    },
    Padding,
    Size,
    Fraction,
    Close,
    BeginForward,
    FlattenInput,
    Apply,
    Return,
}

/// One text that may be written at a place: a literal, then perhaps a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) literal: Cow<'static, str>,
    pub(super) numbers: Option<Numbers>,
    pub(super) action: Action,
}

impl Choice {
    fn literal(literal: impl Into<Cow<'static, str>>, action: Action) -> Choice {
        Choice { literal: literal.into(), numbers: None, action }
    }

    fn number(literal: &'static str, numbers: Numbers, action: Action) -> Choice {
        Choice { literal: Cow::Borrowed(literal), numbers: Some(numbers), action }
    }

    /// Whether `typed` with `next` behind it still begins this choice.
    pub(super) fn grows(&self, typed: &str, next: char) -> bool {
        if typed.len() < self.literal.len() {
            let rest = self.literal.strip_prefix(typed);
            return rest.is_some_and(|rest| rest.starts_with(next));
        }
        let Some(digits) = typed.strip_prefix(self.literal.as_ref()) else { return false };
        let Some(numbers) = &self.numbers else { return false };
        next.is_ascii_digit() && numbers.begins(&format!("{digits}{next}"))
    }

    /// The number that was written, 0 where there is none, if `typed` is all of this choice.
    pub(super) fn completed(&self, typed: &str) -> Option<u64> {
        let digits = typed.strip_prefix(self.literal.as_ref())?;
        match &self.numbers {
            None => digits.is_empty().then_some(0),
            Some(numbers) => numbers.value(digits),
        }
    }
}

/// What is written next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// The name of a layer.
    Name,
    /// One of these; the first is what the shortest good ending takes. No literal of one without a
    /// number begins the text of another.
    Choices(Arc<Vec<Choice>>),
    /// Nothing: the program is complete.
    Done,
}

/// A declared layer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    name: String,
    kind: LayerKind,
    /// `forward` flattens before it.
    flattens: bool,
}

/// The program up to the current place.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) limits: Arc<Limits>,
    pub(super) totals: Totals,
    layers: Arc<Vec<Layer>>,
    name: String,
    pub(super) draft: Draft,
    /// Layers that `forward` has used; `None` while they are declared.
    applied: Option<usize>,
}

impl Program {
    /// The program whose head alone is written, and what comes then.
    pub(super) fn new(target: &ShapeTarget) -> (Program, Slot) {
        let program = Program {
            limits: Arc::new(Limits::new(target)),
            totals: Totals::new(target),
            layers: Arc::default(),
            name: String::new(),
            draft: Draft::new(LayerKind::Linear),
            applied: None,
        };
        let slot = program.statement();
        (program, slot)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.layers.iter().map(|layer| layer.name.as_str())
    }

    /// Layers that `forward` has still to use, with those that the cheapest closing adds.
    pub(super) fn lines_left(&self) -> u64 {
        let declared = self.layers.len() as u64;
        match self.applied {
            Some(applied) => declared.saturating_sub(applied as u64),
            None => {
                declared + self.limits.closing_layers(&self.totals) + self.missing_convolutions()
            }
        }
    }

    pub(super) fn in_forward(&self) -> bool {
        self.applied.is_some()
    }

    /// Takes a finished name; what comes then.
    pub(super) fn take_name(&mut self, name: String) -> Slot {
        self.name = name;
        choices(vec![Choice::literal(" = nn.", Action::BeginLayer)])
    }

    /// Takes a finished choice; what comes then.
    pub(super) fn take(&mut self, action: Action, value: u64) -> Slot {
        match action {
            Action::BeginName => return Slot::Name,
            Action::BeginLayer => return self.layer(),
            Action::Kind(kind) => {
                self.draft = Draft::new(kind);
                return self.arguments();
            }
            Action::Input => return self.after_input(),
            Action::Output => {
                self.draft.output = value;
                return self.after_output();
            }
            Action::Kernel { positional } => {
                self.draft.kernel = value;
                return self.after_kernel(positional);
            }
            Action::Stride { positional } => {
                self.draft.stride = Some(value);
                return self.after_stride(positional);
            }
            Action::Padding => self.draft.padding = value,
            Action::Size => self.draft.kernel = value,
            Action::Fraction => {}
            Action::Close => return self.finish_layer(),
            Action::BeginForward => self.applied = Some(0),
            Action::FlattenInput => return choices(self.applications()),
            Action::Apply => self.applied = self.applied.map(|applied| applied + 1),
            Action::Return => return Slot::Done,
        }
        if self.in_forward() { self.forward_line() } else { close() }
    }

    /// A line of `__init__`.
    fn statement(&self) -> Slot {
        let mut list = Vec::new();
        if self.limits.ended(&self.totals) {
            let header = "\n    def forward(self, x):\n";
            list.push(Choice::literal(header, Action::BeginForward));
        }
        // A linear layer of as many features as there are classes is the last.
        let ended = self.limits.ended(&self.totals);
        if !ended && LayerKind::ALL.into_iter().any(|kind| self.possible(kind)) {
            list.push(Choice::literal("        self.", Action::BeginName));
        }
        choices(list)
    }

    /// The class of a layer.
    fn layer(&self) -> Slot {
        let wish = self.closing_kind();
        let mut kinds: Vec<LayerKind> =
            LayerKind::ALL.into_iter().filter(|kind| self.possible(*kind)).collect();
        kinds.sort_by_key(|kind| *kind != wish);
        let choice = |kind: LayerKind| Choice::literal(opening(kind), Action::Kind(kind));
        choices(kinds.into_iter().map(choice).collect())
    }

    /// What follows the opening of a layer.
    fn arguments(&mut self) -> Slot {
        let only = |numbers, action| choices(vec![Choice::number("", numbers, action)]);
        match self.draft.kind {
            LayerKind::Conv2d | LayerKind::BatchNorm1d | LayerKind::BatchNorm2d => {
                only(Numbers::Set(vec![self.totals.features.channels()]), Action::Input)
            }
            LayerKind::Linear => {
                only(Numbers::Set(vec![self.totals.features.count()]), Action::Input)
            }
            LayerKind::Dropout | LayerKind::Dropout2d | LayerKind::LeakyRelu => {
                choices(vec![Choice::number("0.", Numbers::Fraction, Action::Fraction)])
            }
            LayerKind::MaxPool2d | LayerKind::AvgPool2d => choices(kernels(self.pool_kernels())),
            LayerKind::AdaptiveAvgPool2d => only(Numbers::Set(self.pool_sizes()), Action::Size),
            LayerKind::Relu
            | LayerKind::Gelu
            | LayerKind::Silu
            | LayerKind::Sigmoid
            | LayerKind::Tanh
            | LayerKind::Flatten => self.finish_layer(),
        }
    }

    fn after_input(&self) -> Slot {
        if self.draft.kind.role() == Role::Norm {
            return close();
        }
        let range = self.outputs(&self.draft);
        choices(range.into_iter().map(|n| Choice::number(", ", n, Action::Output)).collect())
    }

    fn after_output(&self) -> Slot {
        if self.draft.kind == LayerKind::Linear {
            return close();
        }
        let mut list = kernels(self.conv_kernels(&self.draft));
        for choice in &mut list {
            choice.literal = format!(", {}", choice.literal).into();
        }
        choices(list)
    }

    fn after_kernel(&self, positional: bool) -> Slot {
        let strides = match self.draft.kind {
            LayerKind::Conv2d => self.conv_strides(&self.draft),
            LayerKind::MaxPool2d => self.pool_strides(),
            _ => Vec::new(),
        };
        let mut list = Vec::new();
        let named = Action::Stride { positional: false };
        list.extend(numbered(", stride=", strides.clone(), named));
        if positional {
            list.extend(numbered(", ", strides, Action::Stride { positional: true }));
        }
        if self.draft.kind == LayerKind::Conv2d {
            list.extend(numbered(", padding=", self.paddings(&self.draft), Action::Padding));
        }
        self.or_close(list)
    }

    fn after_stride(&self, positional: bool) -> Slot {
        let mut list = Vec::new();
        if self.draft.kind == LayerKind::Conv2d {
            list.extend(numbered(", padding=", self.paddings(&self.draft), Action::Padding));
            if positional {
                list.extend(numbered(", ", self.paddings(&self.draft), Action::Padding));
            }
        }
        self.or_close(list)
    }

    /// These choices, or the end of the layer if it keeps to the limits as it is.
    fn or_close(&self, mut list: Vec<Choice>) -> Slot {
        if self.allowed(&self.draft) {
            list.insert(0, Choice::literal(")\n", Action::Close));
        }
        choices(list)
    }

    /// Declares the drafted layer.
    fn finish_layer(&mut self) -> Slot {
        let layer = self.draft;
        let flattens = layer.kind == LayerKind::Linear && self.totals.features.size().is_some();
        if let Some(totals) = self.totals.with(&layer) {
            self.totals = totals;
        }
        let name = std::mem::take(&mut self.name);
        Arc::make_mut(&mut self.layers).push(Layer { name, kind: layer.kind, flattens });
        self.statement()
    }

    /// A line of `forward`.
    fn forward_line(&self) -> Slot {
        let layer = self.applied.and_then(|applied| self.layers.get(applied));
        choices(match layer {
            None => vec![Choice::literal("        return x\n", Action::Return)],
            Some(layer) if layer.flattens => {
                let line = "        x = torch.flatten(x, 1)\n";
                vec![Choice::literal(line, Action::FlattenInput)]
            }
            Some(_) => self.applications(),
        })
    }

    /// The next layer applied, plainly or under a `relu`; the better of them first.
    fn applications(&self) -> Vec<Choice> {
        let applied = self.applied.unwrap_or_default();
        let Some(layer) = self.layers.get(applied) else { return Vec::new() };
        let next = self.layers.get(applied + 1).map(|next| next.kind.role());
        let name = &layer.name;
        let role = layer.kind.role();
        let relu = matches!(role, Role::Weighted | Role::Norm | Role::Pool)
            && !matches!(next, None | Some(Role::Activation));
        // Two maps without a non-linear function between them are one.
        let needs_relu = relu && role != Role::Pool && next != Some(Role::Norm);
        let plain = format!("        x = self.{name}(x)\n");
        let under = format!("        x = F.relu(self.{name}(x))\n");
        let plain = (!needs_relu).then(|| Choice::literal(plain, Action::Apply));
        let under = relu.then(|| Choice::literal(under, Action::Apply));
        plain.into_iter().chain(under).collect()
    }
}

/// The text up to the arguments; for a layer without any, the rest of the line.
const fn opening(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Conv2d => "Conv2d(",
        LayerKind::Linear => "Linear(",
        LayerKind::BatchNorm1d => "BatchNorm1d(",
        LayerKind::BatchNorm2d => "BatchNorm2d(",
        LayerKind::Dropout => "Dropout(",
        LayerKind::Dropout2d => "Dropout2d(",
        LayerKind::MaxPool2d => "MaxPool2d(",
        LayerKind::AvgPool2d => "AvgPool2d(",
        LayerKind::AdaptiveAvgPool2d => "AdaptiveAvgPool2d(",
        LayerKind::Relu => "ReLU()\n",
        LayerKind::LeakyRelu => "LeakyReLU(",
        LayerKind::Gelu => "GELU()\n",
        LayerKind::Silu => "SiLU()\n",
        LayerKind::Sigmoid => "Sigmoid()\n",
        LayerKind::Tanh => "Tanh()\n",
        LayerKind::Flatten => "Flatten()\n",
    }
}

fn choices(list: Vec<Choice>) -> Slot {
    Slot::Choices(Arc::new(list))
}

fn close() -> Slot {
    choices(vec![Choice::literal(")\n", Action::Close)])
}

/// A choice of these numbers, or none where there are none.
fn numbered(literal: &'static str, values: Vec<u64>, action: Action) -> Option<Choice> {
    (!values.is_empty()).then(|| Choice::number(literal, Numbers::Set(values), action))
}

/// The size of a window, with and without its keyword.
fn kernels(values: Vec<u64>) -> Vec<Choice> {
    let named = numbered("kernel_size=", values.clone(), Action::Kernel { positional: false });
    let positional = numbered("", values, Action::Kernel { positional: true });
    named.into_iter().chain(positional).collect()
}

#[cfg(test)]
mod tests {
    use super::{LayerKind, opening};

    #[test]
    fn the_written_grammar_knows_every_layer() {
        let grammar = include_str!("../../../../grammar/network.gbnf");
        for kind in LayerKind::ALL {
            let terminal = format!("\"{}\"", opening(kind).escape_default());
            assert!(grammar.contains(&terminal), "{terminal}");
        }
    }
}
