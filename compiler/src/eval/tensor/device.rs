//! Devices, which nasc has one of, and the limits of element types.

use crate::eval::error::Eval;
use crate::eval::interpreter::Interpreter;
use crate::eval::native::Args;
use crate::eval::value::Value;
use crate::ir::DType;

/// `torch.device("cpu")`
pub(super) fn cpu(interpreter: &mut Interpreter<'_>) -> Eval<Value> {
    object(interpreter, "device", &[("type", Value::str("cpu")), ("index", Value::None)])
}

/// `torch.device(type, index)`: every device is the one there is.
pub(super) fn device(interpreter: &mut Interpreter<'_>, _: &Args) -> Eval<Value> {
    cpu(interpreter)
}

fn object(
    interpreter: &mut Interpreter<'_>,
    class: &'static str,
    attributes: &[(&str, Value)],
) -> Eval<Value> {
    let class = interpreter.native_class(class, Vec::new(), &[], None, None);
    let instance = interpreter.new_instance(&class)?;
    for (name, value) in attributes {
        instance.set(name, value.clone());
    }
    Ok(Value::Instance(instance))
}

/// `torch.finfo(dtype)`
pub(super) fn float_limits(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    // torch.finfo: IEEE 754 half, bfloat16, single and double.
    let (max, eps, tiny) = match args.optional_dtype("dtype")? {
        Some(DType::F16) => (65504.0, 9.765625e-4, 6.103515625e-5),
        Some(DType::Bf16) => (3.3895313892515355e38, 0.0078125, 1.1754943508222875e-38),
        Some(DType::F64) => (f64::MAX, f64::EPSILON, f64::MIN_POSITIVE),
        _ => (f64::from(f32::MAX), f64::from(f32::EPSILON), f64::from(f32::MIN_POSITIVE)),
    };
    let numbers = [("max", max), ("min", -max), ("eps", eps), ("tiny", tiny)];
    object(interpreter, "finfo", &numbers.map(|(name, number)| (name, Value::Float(number))))
}

/// `torch.iinfo(dtype)`
pub(super) fn integer_limits(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (min, max) = match args.optional_dtype("dtype")? {
        Some(DType::U8) => (0, i128::from(u8::MAX)),
        Some(DType::I32) => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    object(interpreter, "iinfo", &[("min", Value::Int(min)), ("max", Value::Int(max))])
}
