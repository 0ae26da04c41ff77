//! LSTM, GRU and RNN.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, bad_argument, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::library::Layer;
use crate::eval::native::{Args, Native};
use crate::eval::object::Instance;
use crate::eval::value::{Tensor, Value};
use crate::ir::Init;
use crate::ir::op::{Op, Recurrent, RecurrentCell};

use super::{kept, kept_float, parameter_dtype, register, start, this};

const INIT: &str = "self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None";
const RNN_INIT: &str = "self, input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None";

/// Layers of this family.
pub(crate) const RECURRENT_LAYERS: &[Layer] = &[
    Layer { name: "LSTM", base: "Module", methods: LSTM },
    Layer { name: "GRU", base: "Module", methods: GRU },
    Layer { name: "RNN", base: "Module", methods: RNN },
];

const LSTM: &[Native] = &[
    native("LSTM.__init__", INIT, initialise),
    native("LSTM.forward", "self, input, hx=None", forward),
    native("LSTM.flatten_parameters", "self", |_, _| Ok(Value::None)),
];
const GRU: &[Native] = &[
    native("GRU.__init__", INIT, initialise),
    native("GRU.forward", "self, input, hx=None", forward),
    native("GRU.flatten_parameters", "self", |_, _| Ok(Value::None)),
];
const RNN: &[Native] = &[
    native("RNN.__init__", RNN_INIT, initialise),
    native("RNN.forward", "self, input, hx=None", forward),
    native("RNN.flatten_parameters", "self", |_, _| Ok(Value::None)),
];

fn cell_of(module: &Instance, function: &str) -> Eval<RecurrentCell> {
    Ok(match function.split('.').next() {
        Some("LSTM") => RecurrentCell::Lstm,
        Some("GRU") => RecurrentCell::Gru,
        _ => match kept(module, "nonlinearity").as_str().as_deref() {
            Some("relu") => RecurrentCell::RnnRelu,
            Some("tanh") => RecurrentCell::RnnTanh,
            _ => {
                return Err(bad_argument("Unknown nonlinearity. Select from 'tanh' or 'relu'."));
            }
        },
    })
}

fn initialise(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    for (name, value) in args.named().filter(|(name, _)| *name != "self") {
        module.set(name, value.clone());
    }
    if args.value("proj_size").as_int().is_some_and(|size| size != 0) {
        return Err(refuse(Mistake::UnsupportedArgument, "nasc does not support proj_size")
            .help("put a Linear layer behind the LSTM"));
    }
    let p = args.float("dropout")?;
    if !(0.0..=1.0).contains(&p) {
        return Err(bad_argument(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed",
        ));
    }
    let sizes = (args.count("input_size", 1)?, args.count("hidden_size", 1)?);
    let layers = args.count("num_layers", 1)?;
    if layers > 10_000 {
        return Err(refuse(Mistake::OutOfMemory, "a recurrent network has at most 10000 layers"));
    }
    let both_ways = args.bool(interpreter, "bidirectional")?;
    let bias = args.bool(interpreter, "bias")?;
    let gates = cell_of(&module, args.function)?.gates();
    for layer in 0..layers {
        for suffix in if both_ways { &["", "_reverse"][..] } else { &[""] } {
            let directions = if both_ways { 2 } else { 1 };
            let input = if layer == 0 { sizes.0 } else { sizes.1.saturating_mul(directions) };
            let names = Names { layer, suffix, gates, bias };
            add_parameters(&module, args, &names, input, sizes.1)?;
        }
    }
    Ok(Value::None)
}

/// What the parameters of one layer and direction are called and how many gates they hold.
struct Names {
    layer: u64,
    suffix: &'static str,
    gates: u64,
    bias: bool,
}

impl Names {
    fn list(&self) -> Vec<String> {
        let kinds: &[&str] = if self.bias {
            &["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
        } else {
            &["weight_ih", "weight_hh"]
        };
        kinds.iter().map(|kind| format!("{kind}_l{}{}", self.layer, self.suffix)).collect()
    }
}

fn add_parameters(
    module: &Instance,
    args: &Args,
    names: &Names,
    input: u64,
    hidden: u64,
) -> Eval<()> {
    let dtype = parameter_dtype(args)?;
    // torch/nn/modules/rnn.py, RNNBase.reset_parameters: U(-1/sqrt(hidden), 1/sqrt(hidden)).
    let bound = 1.0 / (hidden as f64).sqrt();
    let init = Init::Uniform { low: -bound, high: bound };
    let rows = hidden.saturating_mul(names.gates);
    let shapes: [&[u64]; 4] = [&[rows, input], &[rows, hidden], &[rows], &[rows]];
    for (name, shape) in names.list().iter().zip(shapes) {
        register(module, name, Some((shape, dtype, init.clone())))?;
    }
    Ok(())
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let cell = cell_of(&module, args.function)?;
    let flag =
        |interpreter: &mut Interpreter<'_>, name: &str| interpreter.truth(&kept(&module, name));
    let count =
        |name: &str| super::kept_counts(&module, name, 1).map(|c| c.first().copied().unwrap_or(1));
    let states = states(interpreter, args, cell)?;
    let op = Recurrent {
        cell,
        input_size: count("input_size")?,
        hidden_size: count("hidden_size")?,
        num_layers: count("num_layers")?,
        bias: flag(interpreter, "bias")?,
        batch_first: flag(interpreter, "batch_first")?,
        dropout: kept_float(&module, "dropout")?,
        bidirectional: flag(interpreter, "bidirectional")?,
        initial_state: !states.is_empty(),
    };
    let mut operands = vec![args.tensor("input")?];
    operands.extend(parameters(&module, &op));
    operands.extend(states);
    let results = interpreter.emit_all("recurrent", Op::Recurrent(op), &operands)?;
    Ok(match results.as_slice() {
        [output, hidden, cell] => {
            Value::tuple(vec![output.clone(), Value::tuple(vec![hidden.clone(), cell.clone()])])
        }
        [output, hidden] => Value::tuple(vec![output.clone(), hidden.clone()]),
        _ => Value::tuple(vec![Value::Unknown, Value::Unknown]),
    })
}

fn parameters(module: &Instance, op: &Recurrent) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    for layer in 0..op.num_layers {
        for suffix in if op.bidirectional { &["", "_reverse"][..] } else { &[""] } {
            let names = Names { layer, suffix, gates: op.cell.gates(), bias: op.bias };
            tensors.extend(names.list().iter().filter_map(|name| module.parameter(name)));
        }
    }
    tensors
}

/// Initial states: `h` or, for an LSTM, `(h, c)`.
fn states(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    cell: RecurrentCell,
) -> Eval<Vec<Tensor>> {
    let given = match args.value("hx") {
        Value::None => return Ok(Vec::new()),
        Value::Unknown => return Err(crate::eval::error::silent()),
        Value::Tensor(tensor) if cell != RecurrentCell::Lstm => return Ok(vec![tensor]),
        other => interpreter.collect(&other)?,
    };
    given
        .into_iter()
        .map(|value| match value {
            Value::Tensor(tensor) => Ok(tensor),
            Value::Unknown => Err(crate::eval::error::silent()),
            other => Err(crate::eval::error::type_error(format!(
                "initial states must be tensors, not {}",
                other.type_name()
            ))),
        })
        .collect()
}
