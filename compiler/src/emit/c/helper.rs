//! The element functions that emitted C calls, and which of them a text uses.

/// Names and definitions; a definition calls only functions before it.
const HELPERS: &[(&str, &str)] = &[
    ("op_relu", "float x) { return x < 0.0f ? 0.0f : x; }"),
    ("op_maximum", "float a, float b) { return a > b || a != a ? a : b; }"),
    ("op_minimum", "float a, float b) { return a < b || a != a ? a : b; }"),
    (
        "op_clamp",
        "float x, float low, float high) { return x < low ? low : (x > high ? high : x); }",
    ),
    ("op_leaky_relu", "float x, float slope) { return x < 0.0f ? slope * x : x; }"),
    ("op_elu", "float x, float alpha) { return x < 0.0f ? alpha * expm1f(x) : x; }"),
    ("op_celu", "float x, float alpha) { return x < 0.0f ? alpha * expm1f(x / alpha) : x; }"),
    (
        "op_selu",
        "float x) {\n    return 1.05070098f * (x < 0.0f ? 1.67326324f * expm1f(x) : x);\n}",
    ),
    (
        "op_gelu_tanh",
        "float x) {\n    return 0.5f * x * (1.0f + op_tanh(0.797884561f * (x + 0.044715f * x * x * x)));\n}",
    ),
    ("op_sigmoid", "float x) { return 1.0f / (1.0f + op_exp(-x)); }"),
    ("op_silu", "float x) { return x / (1.0f + op_exp(-x)); }"),
    (
        "op_softplus",
        "float x, float beta, float threshold) {\n    return x * beta > threshold ? x : log1pf(expf(x * beta)) / beta;\n}",
    ),
    ("op_mish", "float x) { return x * tanhf(x > 20.0f ? x : log1pf(expf(x))); }"),
    (
        "op_hardsigmoid",
        "float x) {\n    const float y = (x + 3.0f) / 6.0f;\n    return y < 0.0f ? 0.0f : (y > 1.0f ? 1.0f : y);\n}",
    ),
    (
        "op_hardswish",
        "float x) {\n    const float y = x + 3.0f;\n    return x * (y < 0.0f ? 0.0f : (y > 6.0f ? 6.0f : y)) / 6.0f;\n}",
    ),
    ("op_softsign", "float x) { return x / (1.0f + fabsf(x)); }"),
    (
        "op_log_sigmoid",
        "float x) {\n    return (x < 0.0f ? x : 0.0f) - log1pf(expf(-fabsf(x)));\n}",
    ),
    ("op_hardshrink", "float x, float bound) { return x > bound || x < -bound ? x : 0.0f; }"),
    (
        "op_softshrink",
        "float x, float bound) {\n    return x > bound ? x - bound : (x < -bound ? x + bound : 0.0f);\n}",
    ),
    ("op_tanhshrink", "float x) { return x - tanhf(x); }"),
    (
        "op_threshold",
        "float x, float threshold, float value) { return x > threshold ? x : value; }",
    ),
    ("op_square", "float x) { return x * x; }"),
    ("op_sign", "float x) { return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : x); }"),
    (
        "op_remainder",
        "float a, float b) {\n    const float rest = fmodf(a, b);\n    return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;\n}",
    ),
    ("op_truth", "float x) { return x != 0.0f ? 1.0f : 0.0f; }"),
    ("op_not", "float x) { return x == 0.0f ? 1.0f : 0.0f; }"),
    ("op_equal", "float a, float b) { return a == b ? 1.0f : 0.0f; }"),
    ("op_not_equal", "float a, float b) { return a != b ? 1.0f : 0.0f; }"),
    ("op_less", "float a, float b) { return a < b ? 1.0f : 0.0f; }"),
    ("op_less_equal", "float a, float b) { return a <= b ? 1.0f : 0.0f; }"),
    ("op_and", "float a, float b) { return a != 0.0f && b != 0.0f ? 1.0f : 0.0f; }"),
    ("op_or", "float a, float b) { return a != 0.0f || b != 0.0f ? 1.0f : 0.0f; }"),
    ("op_xor", "float a, float b) { return (a != 0.0f) != (b != 0.0f) ? 1.0f : 0.0f; }"),
    ("op_select", "float condition, float a, float b) { return condition != 0.0f ? a : b; }"),
    (
        "op_row",
        "float index, ptrdiff_t rows) {\n    const ptrdiff_t row = (ptrdiff_t)index;\n    const ptrdiff_t wrapped = row < 0 ? row + rows : row;\n    return wrapped < 0 ? 0 : (wrapped >= rows ? rows - 1 : wrapped);\n}",
    ),
];

/// The exponential functions, in the order of their calls.
const EXPONENTIALS: &str = include_str!("exponential.c");

/// The definitions of the functions that a text calls.
pub(super) fn definitions(text: &str) -> String {
    let calls = |text: &str, name: &str| text.contains(&format!("{name}("));
    let used = HELPERS.iter().filter(|(name, _)| calls(text, name));
    let small: String = used
        .map(|(name, rest)| format!("static inline {} {name}({rest}\n", result(name)))
        .collect();
    let parts: Vec<&str> = EXPONENTIALS.split("static inline").skip(1).collect();
    let needs = |name: &str| calls(text, name) || calls(&small, name);
    let any = ["op_exp", "op_gelu", "op_tanh"].iter().any(|name| needs(name));
    let wanted = ["op_exp", "op_gelu", "op_tanh"]
        .iter()
        .zip(parts)
        .filter(|(name, _)| needs(name) || (any && **name == "op_exp"));
    let large: String = wanted.map(|(_, part)| format!("static inline{part}")).collect();
    large + &small
}

fn result(name: &str) -> &'static str {
    if name == "op_row" { "ptrdiff_t" } else { "float" }
}
