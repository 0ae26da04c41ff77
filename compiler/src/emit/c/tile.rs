//! The kernel of a product: a tile of places by a block of output channels is summed in vector
//! registers; each weight is read once for the tile and each input once for the block. Tiles are
//! written out for vectors of 16, 8 and 4 floats and in plain C; the preprocessor chooses.

use std::fmt::Write as _;

use super::loops::{self, Loop};
use super::product::{Product, Site, step_of};

/// Sums that are worth keeping in registers, for each width of vectors: AVX-512 has 32 registers,
/// AVX2 and SSE 16; some hold weights and inputs.
const SUMS: [(i64, i64); 3] = [(16, 24), (8, 12), (4, 12)];

/// Sums that hide the latency of a multiply-add (4 cycles, two a cycle).
const CHAINS: i64 = 8;

/// Output channels of one block.
pub(super) fn block(product: &Product, nest: &[Loop]) -> i64 {
    let (channels, places) =
        (product.group_channels(), nest.iter().map(|level| level.extent).product::<i64>());
    match channels {
        ..=8 => 8,
        9..24 => 16,
        48.. if places <= 2 => 64,
        24..96 if (1..=16).contains(&(channels % 32)) => 16,
        _ => 32,
    }
}

/// Rows and columns of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tile {
    rows: i64,
    columns: i64,
}

/// The body of the kernel.
pub(super) fn text(site: &Site<'_>, block: i64) -> String {
    let mut text = String::new();
    let product = site.product;
    if product.groups > 1 {
        let _ = writeln!(text, "{}", loops::head("g", product.groups));
    }
    let channels = product.group_channels();
    let padded = (channels + block - 1) / block * block;
    let _ = writeln!(text, "for (ptrdiff_t c = 0; c < {channels}; c += {block}) {{");
    let group = if product.groups > 1 { format!("g * {padded} + ") } else { String::new() };
    let (weights, bias) = (&site.weights, &site.bias);
    let depth = product.depth();
    let _ = writeln!(text, "const float *restrict w = {weights} + ({group}c) * {depth};");
    let _ = writeln!(text, "const float *restrict b = {bias} + {group}c;");
    if channels % block != 0 {
        let _ = writeln!(
            text,
            "const ptrdiff_t valid = {channels} - c < {block} ? {channels} - c : {block};"
        );
    }
    text.push_str(&loops::heads(site.outer(), "o"));
    let mut directive = "#if";
    for (lanes, sums) in SUMS.into_iter().filter(|(lanes, _)| *lanes <= block) {
        let _ = writeln!(text, "{directive} LANES >= {lanes}");
        text.push_str(&plane(site, block, lanes, (sums / (block / lanes)).max(1)));
        directive = "#elif";
    }
    let _ = writeln!(text, "#else\n{}#endif", plane(site, block, 0, 1));
    text.push_str(&loops::tails(site.outer()));
    text.push_str(if product.groups > 1 { "}\n}\n" } else { "}\n" });
    text
}

/// The loops over tiles of at most `most` places.
fn plane(site: &Site<'_>, block: i64, lanes: i64, most: i64) -> String {
    let (row, column) = site.plane();
    let columns = even(column.extent, most);
    let rows = if columns == column.extent { even(row.extent, (most / columns).max(1)) } else { 1 };
    let mut text = String::new();
    let whole_rows = row.extent / rows * rows;
    for (start, end, rows) in
        [(0, whole_rows, rows), (whole_rows, row.extent, row.extent - whole_rows)]
    {
        if start == end {
            continue;
        }
        let _ = writeln!(text, "for (ptrdiff_t i = {start}; i < {end}; i += {rows}) {{");
        let whole = column.extent / columns * columns;
        let _ = writeln!(text, "for (ptrdiff_t j = 0; j < {whole}; j += {columns}) {{");
        text.push_str(&tile(site, block, lanes, Tile { rows, columns }));
        text.push_str("}\n");
        if whole < column.extent {
            let _ = writeln!(text, "{{\nconst ptrdiff_t j = {whole};");
            let columns = column.extent - whole;
            text.push_str(&tile(site, block, lanes, Tile { rows, columns }));
            text.push_str("}\n");
        }
        text.push_str("}\n");
    }
    text
}

/// The size of equal parts of at most `most` that cover `extent`.
fn even(extent: i64, most: i64) -> i64 {
    let parts = (extent + most - 1) / most;
    (extent + parts - 1) / parts.max(1)
}

/// One tile: sums, then the end.
fn tile(site: &Site<'_>, block: i64, lanes: i64, tile: Tile) -> String {
    let (row, column) = site.plane();
    let base = index(site, 1, &row, &column, &[]);
    let group = match site.product.groups {
        1 => String::new(),
        _ => format!(" + g * {}", site.product.group_step),
    };
    let places = tile.rows * tile.columns;
    let mut text = String::new();
    let _ = writeln!(text, "const float *restrict x = {} + {base}{group};", site.pointer(1));
    let _ = writeln!(text, "float t[{}];", places * block);
    let offsets: Vec<i64> = (0..tile.rows)
        .flat_map(|r| (0..tile.columns).map(move |q| (r, q)))
        .map(|(r, q)| r * step_of(&row, 1) + q * step_of(&column, 1))
        .collect();
    text.push_str(&if lanes == 0 {
        plain_sums(site.product, block, &offsets)
    } else {
        vector_sums(site.product, block, lanes, &offsets)
    });
    text.push_str(&end(site, block, tile));
    text
}

/// Index of a tensor at the loops' variables, plus further terms.
fn index(
    site: &Site<'_>,
    tensor: usize,
    row: &Loop,
    column: &Loop,
    further: &[(String, i64)],
) -> String {
    let outer = site.outer().iter().enumerate();
    let outer = outer.map(|(level, each)| (format!("o{level}"), step_of(each, tensor)));
    let inner = [("i".to_owned(), step_of(row, tensor)), ("j".to_owned(), step_of(column, tensor))];
    loops::sum(outer.chain(inner).chain(further.iter().cloned()))
}

/// The end over the sums of a tile.
fn end(site: &Site<'_>, block: i64, tile: Tile) -> String {
    let (row, column) = site.plane();
    let mut text = String::new();
    let _ = writeln!(text, "{}", loops::head("r", tile.rows));
    let _ = writeln!(text, "{}", loops::head("q", tile.columns));
    let channels = site.product.group_channels();
    let valid = if channels % block == 0 { block.to_string() } else { "valid".to_owned() };
    let group = match site.product.groups {
        1 => String::new(),
        _ => format!(" + g * {channels}"),
    };
    let place = |tensor: usize| {
        let further = [
            ("r".to_owned(), step_of(&row, tensor)),
            ("q".to_owned(), step_of(&column, tensor)),
            (format!("(c{group} + l)"), site.channel_step(tensor)),
        ];
        index(site, tensor, &row, &column, &further)
    };
    let _ = writeln!(text, "for (ptrdiff_t l = 0; l < {valid}; l++) {{");
    let _ = writeln!(text, "const float s = t[(r * {} + q) * {block} + l];", tile.columns);
    let value = site.finished("s", place);
    let _ = writeln!(text, "{}[{}] = {value};\n}}\n}}\n}}", site.pointer(0), place(0));
    text
}

/// Heads of the loops over a window, with the pointers `u` to inputs and `v` to weights.
fn window(product: &Product, block: i64) -> String {
    let mut text = loops::heads(&product.taps, "h");
    let mut width = product.run * block;
    let mut terms = Vec::new();
    for (level, tap) in product.taps.iter().enumerate().rev() {
        terms.push((format!("h{level}"), width));
        width *= tap.extent;
    }
    let _ =
        writeln!(text, "const float *restrict u = x + {};", loops::index(&product.taps, "h", 0));
    let _ = writeln!(text, "const float *restrict v = w + {};", loops::sum(terms));
    text
}

fn plain_sums(product: &Product, block: i64, offsets: &[i64]) -> String {
    let mut text = String::new();
    for (place, offset) in offsets.iter().enumerate() {
        let _ = writeln!(text, "{{\nfloat *restrict p = t + {place} * {block};");
        let _ = writeln!(text, "for (ptrdiff_t l = 0; l < {block}; l++) p[l] = b[l];");
        if product.taps.is_empty() {
            text.push_str("{\n");
        }
        text.push_str(&window(product, block));
        let _ = writeln!(text, "{}", loops::head("k", product.run));
        let _ = writeln!(
            text,
            "for (ptrdiff_t l = 0; l < {block}; l++) p[l] += u[k + {offset}] * v[k * {block} + l];"
        );
        text.push_str("}\n");
        text.push_str(&loops::tails(&product.taps));
        text.push_str(if product.taps.is_empty() { "}\n}\n" } else { "}\n" });
    }
    text
}

fn vector_sums(product: &Product, block: i64, lanes: i64, offsets: &[i64]) -> String {
    let vectors = block / lanes;
    let places = i64::try_from(offsets.len()).unwrap_or(1);
    let sets = (CHAINS / (places * vectors)).clamp(1, 4).min(product.run.max(1));
    let sums = |set: i64| {
        let all = (0..places).flat_map(move |p| (0..vectors).map(move |v| (p, v)));
        all.map(move |(p, v)| (p, v, format!("s{set}_{p}_{v}")))
    };
    let mut text = String::new();
    for set in 0..sets {
        let names: Vec<String> = sums(set).map(|(_, _, name)| name).collect();
        let _ = writeln!(text, "vec{lanes} {};", names.join(", "));
        for (_, v, name) in sums(set) {
            let _ = match set {
                0 => writeln!(text, "LOAD({name}, b + {});", v * lanes),
                _ => writeln!(text, "CLEAR({name});"),
            };
        }
    }
    text.push_str("{\n");
    text.push_str(&window(product, block));
    let whole = product.run / sets * sets;
    let _ = writeln!(text, "for (ptrdiff_t k = 0; k < {whole}; k += {sets}) {{");
    for set in 0..sets {
        text.push_str(&multiply(block, lanes, offsets, set, &format!("k + {set}")));
    }
    text.push_str("}\n");
    for rest in whole..product.run {
        text.push_str(&multiply(block, lanes, offsets, 0, &rest.to_string()));
    }
    text.push_str(&loops::tails(&product.taps));
    text.push_str("}\n");
    for (p, v, name) in sums(0) {
        for set in 1..sets {
            let _ = writeln!(text, "{name} += s{set}_{p}_{v};");
        }
        let _ = writeln!(text, "STORE(t + {}, {name});", p * block + v * lanes);
    }
    text
}

/// One step of the innermost loop: the products of one input element of each place.
fn multiply(block: i64, lanes: i64, offsets: &[i64], set: i64, k: &str) -> String {
    let mut text = "{\n".to_owned();
    let vectors = block / lanes;
    for v in 0..vectors {
        let place = v * lanes;
        let _ = writeln!(text, "vec{lanes} w{v};\nLOAD(w{v}, v + ({k}) * {block} + {place});");
    }
    for (p, offset) in offsets.iter().enumerate() {
        let _ = writeln!(text, "const float x{p} = u[{k} + {offset}];");
        for v in 0..vectors {
            let _ = writeln!(text, "s{set}_{p}_{v} += x{p} * w{v};");
        }
    }
    text.push_str("}\n");
    text
}
