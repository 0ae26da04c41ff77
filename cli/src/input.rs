//! The type of a network's input as people write it: `3x32x32`, `128:i64`, `f32[N, 3, 32, 32]`.

use nasc_compiler::ir::{DType, Dim, Shape, TensorType};

/// Reads one input type.
///
/// `3x32x32` is one sample; the batch dimension `N` is put before it. A dimension `N` that is
/// written out (`Nx3x32x32`, `f32[N, 3]`) stays where it is, and none is added then; between
/// brackets none is ever added. `:i64` behind the dimensions names the element type, else it is f32.
///
/// # Errors
/// What is wrong with the text and what is expected.
pub fn parse_input(text: &str) -> Result<TensorType, String> {
    let text = text.trim();
    let wrong = |reason: String| {
        format!("`{text}` is no input type: {reason}; write for example 3x32x32 or 128:i64")
    };
    let bracketed =
        text.split_once('[').and_then(|(dtype, rest)| Some((dtype, rest.strip_suffix(']')?)));
    if let Some((dtype, dims)) = bracketed {
        let dims = dims_of(dims, ',').map_err(wrong)?;
        let dtype = dtype_of(if dtype.is_empty() { "f32" } else { dtype }).map_err(wrong)?;
        return Ok(TensorType { dtype, shape: Shape(dims) });
    }
    let (dims, dtype) = text.split_once(':').unwrap_or((text, "f32"));
    let mut dims = dims_of(dims, 'x').map_err(wrong)?;
    if dims.iter().all(|dim| dim.known().is_some()) {
        dims.insert(0, Dim::N);
    }
    Ok(TensorType { dtype: dtype_of(dtype).map_err(wrong)?, shape: Shape(dims) })
}

fn dims_of(text: &str, separator: char) -> Result<Vec<Dim>, String> {
    text.split(separator).map(str::trim).map(dim_of).collect()
}

fn dim_of(text: &str) -> Result<Dim, String> {
    if text == "N" {
        return Ok(Dim::N);
    }
    match text.parse::<u64>() {
        Ok(extent) if extent > 0 => Ok(Dim::Known(extent)),
        Ok(_) => Err("a dimension of 0 holds nothing".to_owned()),
        Err(_) => Err(format!("`{text}` is neither a number nor N")),
    }
}

fn dtype_of(text: &str) -> Result<DType, String> {
    Ok(match text.trim() {
        "f32" | "float32" | "float" => DType::F32,
        "f64" | "float64" | "double" => DType::F64,
        "f16" | "float16" | "half" => DType::F16,
        "bf16" | "bfloat16" => DType::Bf16,
        "i64" | "int64" | "long" => DType::I64,
        "i32" | "int32" | "int" => DType::I32,
        "u8" | "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => {
            return Err(format!(
                "`{other}` is no element type (f32, f64, f16, bf16, i64, i32, u8, bool)"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::parse_input;

    #[test]
    fn forms_of_one_type_are_read_alike() {
        for text in ["3x32x32", "Nx3x32x32", "f32[N, 3, 32, 32]", "3x32x32:f32", "[N,3,32,32]"] {
            assert_eq!(parse_input(text).unwrap().to_string(), "f32[N, 3, 32, 32]", "{text}");
        }
        assert_eq!(parse_input("128:i64").unwrap().to_string(), "i64[N, 128]");
        assert_eq!(parse_input("N:long").unwrap().to_string(), "i64[N]");
        assert_eq!(parse_input("f32[5, 2]").unwrap().to_string(), "f32[5, 2]");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("3x0x32", "holds nothing"),
            ("3x-1", "`-1` is neither"),
            ("", "`` is neither"),
            ("3:i7", "`i7` is no element type"),
            ("f32[3", "`f32[3` is neither"),
            ("99999999999999999999", "neither a number"),
        ] {
            let reason = parse_input(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
