//! An invented table of NAS-Bench-201 in which convolutions help, as CSV text; it holds none of the
//! real figures. Also included by the tests of the command line.
#![allow(clippy::unwrap_used)]

use nasc_compiler::cell::{Cell, CellOperation};
use std::fmt::Write as _;
use std::sync::OnceLock;

const HEAD: &str = "arch,cifar10_valid_200,cifar100_valid_200,imagenet16_120_valid_200,\
    cifar10_test_200,cifar100_test_200,imagenet16_120_test_200,cifar10_test_200_nb201v10,\
    cifar100_test_200_nb201v10,imagenet16_120_test_200_nb201v10,cifar10_valid_12,\
    cifar100_valid_12,imagenet16_120_valid_12,cifar10_test_12,cifar100_test_12,\
    imagenet16_120_test_12,cifar10_halftrain_train_s_200,cifar100_train_s_200,\
    imagenet16_120_train_s_200,cifar10_params_m,cifar10_flops_m";

/// The table as text, columns in the order of the file.
pub(crate) fn invented_csv() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = format!("{HEAD}\n");
        Cell::all().for_each(|cell| line(&mut text, cell));
        text
    })
}

fn line(text: &mut String, cell: Cell) {
    let count = |wanted| cell.0.iter().filter(|&&operation| operation == wanted).count() as f64;
    let large = count(CellOperation::Convolution3x3);
    let small = count(CellOperation::Convolution1x1);
    let quality = 50.0 + 5.0 * large + 3.0 * small + count(CellOperation::SkipConnect);
    write!(text, "{cell}").unwrap();
    for column in 0..15 {
        let noise = (hash(&format!("{cell} {column}")) % 10_000) as f64 / 10_000.0;
        write!(text, ",{:.4}", quality - f64::from(column % 3) * 15.0 + noise).unwrap();
    }
    for factor in [1.0, 2.0, 6.0] {
        write!(text, ",{:.3}", factor * (500.0 + 100.0 * large)).unwrap();
    }
    let (params, macs) = (0.07 + 0.2 * large + 0.02 * small, 7.78305 + 35.3 * large + 3.9 * small);
    writeln!(text, ",{params:.6},{macs:.5}").unwrap();
}

/// FNV-1a (Fowler, Noll, Vo), which is enough for noise.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
