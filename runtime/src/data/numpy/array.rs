//! One array of a `.npy` file: its header and its numbers, bounded and checked.
//! Layout: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".

/// What an array holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers,
}

/// The numbers, in C order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// Unsigned bytes, which most image arrays are.
    Bytes(Vec<u8>),
    /// Everything else; 64-bit floats hold every label and pixel.
    Floats(Vec<f64>),
}

impl Numbers {
    pub(super) fn to_floats(&self) -> Vec<f64> {
        match self {
            Numbers::Bytes(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Numbers::Floats(values) => values.clone(),
        }
    }
}

/// Reads the bytes of a `.npy` file. The error says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Array, String> {
    let behind = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not begin as .npy files do")?;
    let (version, behind) = behind.split_first_chunk::<2>().ok_or("it ends in its header")?;
    let (length, behind) = match version[0] {
        1 => split::<2>(behind).map(|(length, behind)| (u16::from_le_bytes(length).into(), behind)),
        2 | 3 => split::<4>(behind).map(|(length, behind)| (u32::from_le_bytes(length), behind)),
        other => return Err(format!("it has version {other} of the format, which is unknown")),
    }
    .ok_or("it ends in its header")?;
    let header = behind.get(..length as usize).ok_or("it ends in its header")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    let data = behind.get(length as usize..).unwrap_or_default();
    let shape = shape(header)?;
    if entry(header, "fortran_order")?.starts_with("True") && shape.len() > 1 {
        return Err("it is in Fortran order; save numpy.ascontiguousarray of it".to_owned());
    }
    let count = shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent));
    let numbers = numbers(descriptor(header)?, data, count)?;
    Ok(Array { shape, numbers })
}

fn split<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().map(|(first, rest)| (*first, rest))
}

/// What follows `'key':` in the header.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let quoted = format!("'{key}':");
    let found = header.split_once(quoted.as_str());
    found.map(|(_, value)| value.trim_start()).ok_or(format!("its header lacks {key}"))
}

/// The element type, such as `<f4`.
fn descriptor(header: &str) -> Result<&str, String> {
    let text = entry(header, "descr")?.strip_prefix('\'').and_then(|text| text.split_once('\''));
    text.map(|(name, _)| name).ok_or("it holds records; save one plain array".to_owned())
}

fn shape(header: &str) -> Result<Vec<usize>, String> {
    let text = entry(header, "shape")?.strip_prefix('(').and_then(|text| text.split_once(')'));
    let (inside, _) = text.ok_or("its header has no shape")?;
    let extents = inside.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let extents = extents.map(|extent| extent.trim_end_matches('L').parse().ok());
    extents.collect::<Option<Vec<usize>>>().ok_or("its header has no shape".to_owned())
}

fn numbers(name: &str, data: &[u8], count: Option<usize>) -> Result<Numbers, String> {
    let width = match name.get(1..) {
        Some("u1" | "i1" | "b1") => 1,
        Some("u2" | "i2") => 2,
        Some("u4" | "i4" | "f4") => 4,
        Some("u8" | "i8" | "f8") => 8,
        _ => return Err(unknown(name)),
    };
    if name.starts_with('>') {
        return Err(format!("its numbers are big-endian ({name}); save them as uint8"));
    }
    if count.and_then(|count| count.checked_mul(width)) != Some(data.len()) {
        return Err(format!(
            "it has {} bytes of numbers, which its shape does not need",
            data.len()
        ));
    }
    Ok(match name.get(1..).unwrap_or_default() {
        "u1" | "b1" => Numbers::Bytes(data.to_vec()),
        "i1" => floats(data, |[byte]: [u8; 1]| byte.cast_signed().into()),
        "u2" => floats(data, |bytes| u16::from_le_bytes(bytes).into()),
        "i2" => floats(data, |bytes| i16::from_le_bytes(bytes).into()),
        "u4" => floats(data, |bytes| u32::from_le_bytes(bytes).into()),
        "i4" => floats(data, |bytes| i32::from_le_bytes(bytes).into()),
        "f4" => floats(data, |bytes| f32::from_le_bytes(bytes).into()),
        "u8" => floats(data, |bytes| u64::from_le_bytes(bytes) as f64),
        "i8" => floats(data, |bytes| i64::from_le_bytes(bytes) as f64),
        "f8" => floats(data, f64::from_le_bytes),
        _ => return Err(unknown(name)),
    })
}

fn unknown(name: &str) -> String {
    format!("its numbers are of type {name}; save them as uint8, or labels as int64")
}

fn floats<const N: usize>(data: &[u8], decode: impl Fn([u8; N]) -> f64) -> Numbers {
    Numbers::Floats(data.as_chunks().0.iter().map(|&bytes| decode(bytes)).collect())
}
