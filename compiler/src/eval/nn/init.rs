//! `torch.nn.init`: starting values are left to nasc's own rule; the functions give back their
//! tensor, so that programs that use the result go on.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, attribute_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::Value;

const SIGNATURE: &str = "tensor, *args, **kwargs";

/// Functions of `torch.nn.init`.
pub(crate) const INITIALISERS: &[Native] = &[
    native("torch.nn.init.calculate_gain", "nonlinearity, param=None", gain),
    native("torch.nn.init.constant_", SIGNATURE, itself),
    native("torch.nn.init.dirac_", SIGNATURE, itself),
    native("torch.nn.init.eye_", SIGNATURE, itself),
    native("torch.nn.init.kaiming_normal", SIGNATURE, itself),
    native("torch.nn.init.kaiming_normal_", SIGNATURE, itself),
    native("torch.nn.init.kaiming_uniform", SIGNATURE, itself),
    native("torch.nn.init.kaiming_uniform_", SIGNATURE, itself),
    native("torch.nn.init.normal_", SIGNATURE, itself),
    native("torch.nn.init.ones_", SIGNATURE, itself),
    native("torch.nn.init.orthogonal_", SIGNATURE, itself),
    native("torch.nn.init.trunc_normal_", SIGNATURE, itself),
    native("torch.nn.init.uniform_", SIGNATURE, itself),
    native("torch.nn.init.xavier_normal", SIGNATURE, itself),
    native("torch.nn.init.xavier_normal_", SIGNATURE, itself),
    native("torch.nn.init.xavier_uniform", SIGNATURE, itself),
    native("torch.nn.init.xavier_uniform_", SIGNATURE, itself),
    native("torch.nn.init.zeros_", SIGNATURE, itself),
    native("torch.nn.init._calculate_fan_in_and_fan_out", "tensor", fans),
];

fn itself(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.value("tensor");
    // what each function first asks its tensor for
    let asked = match args.function.rsplit('.').next() {
        Some("zeros_") => "zero_",
        Some("ones_" | "constant_") => "fill_",
        Some("normal_") => "normal_",
        Some("uniform_") => "uniform_",
        Some("trunc_normal_") => "is_meta",
        Some("xavier_normal_" | "xavier_uniform_") => "dim",
        Some("dirac_" | "eye_" | "orthogonal_") => "ndimension",
        _ => "shape",
    };
    if tensor.is_none() {
        let message = format!("'NoneType' object has no attribute '{asked}'");
        return Err(attribute_error(message).help("test for None, as of a layer without bias"));
    }
    Ok(tensor)
}

/// torch/nn/init.py, calculate_gain.
fn gain(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Float(match &*args.string("nonlinearity")? {
        "tanh" => 5.0 / 3.0,
        "relu" => std::f64::consts::SQRT_2,
        "leaky_relu" => {
            let slope = args.optional_float("param")?.unwrap_or(0.01);
            (2.0 / (1.0 + slope * slope)).sqrt()
        }
        "selu" => 0.75,
        _ => 1.0,
    }))
}

fn fans(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let extents: Vec<u64> =
        args.tensor("tensor")?.dims().iter().filter_map(|d| d.known()).collect();
    let field: u64 = extents.iter().skip(2).product();
    let fan = |position: usize| {
        let extent = extents.get(position).copied().unwrap_or(1);
        Value::Int(i128::from(extent.saturating_mul(field)))
    };
    Ok(Value::tuple(vec![fan(1), fan(0)]))
}
