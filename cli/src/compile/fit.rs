//! The most accurate network of a run that a device has the memory for: RAM for the arena of its C,
//! flash for its constants. Not here: the code's own size and the stack, which the compiler decides.

use nasc_compiler::emit::c;
use nasc_search::store::EliteRow;

use super::CompileArgs;
use super::archive::{NO_WEIGHTS, Run};
use super::model::Model;
use crate::error::CliError;
use crate::kept::Kept;
use crate::number::bytes;
use crate::output::Output;

/// Memory of a device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    ram: u64,
    flash: u64,
}

impl Limits {
    /// What was asked for; `None` if nothing was.
    pub(super) fn of(args: &CompileArgs) -> Result<Option<Limits>, CliError> {
        if args.fit_ram.is_none() && args.fit_flash.is_none() {
            return Ok(None);
        }
        if args.all {
            let reason = "it takes one network of the run; leave out --all".to_owned();
            return Err(CliError::Argument { argument: "--fit-ram", reason });
        }
        let unlimited = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        Ok(Some(Limits { ram: unlimited(args.fit_ram), flash: unlimited(args.fit_flash) }))
    }

    /// How many times a network is too large; at most 1 if it fits.
    fn excess(self, [ram, flash]: [u64; 2]) -> f64 {
        let share = |needed: u64, limit: u64| needed as f64 / limit.max(1) as f64;
        share(ram, self.ram).max(share(flash, self.flash))
    }
}

/// Bytes, or with K, M or G behind it so many times 1024 of them.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(['K', 'k', 'M', 'm', 'G', 'g']);
    let factor = match text.get(number.len()..).unwrap_or("").to_ascii_uppercase().as_str() {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => 0,
    };
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    size.filter(|&size| size > 0).ok_or_else(|| {
        "expected a number of bytes, with K, M or G for powers of 1,024, such as 256K".to_owned()
    })
}

/// The most accurate network that fits; those that were better and did not are named.
pub(super) fn best(
    run: &Run<'_>,
    mut elites: Vec<EliteRow>,
    limits: Limits,
    output: &mut Output<'_>,
) -> Result<Model, CliError> {
    let accuracy = |elite: &EliteRow| elite.candidate.fitness.unwrap_or(f64::NEG_INFINITY);
    elites.sort_by(|one, other| accuracy(other).total_cmp(&accuracy(one)));
    let mut nearest: Option<(f64, String)> = None;
    for elite in &elites {
        let name = format!("cell {} ({:.4})", elite.cell, accuracy(elite));
        let lacking = match run.weights(elite) {
            Kept::Usable(_) => None,
            Kept::Untrained => Some(NO_WEIGHTS.to_owned()),
            Kept::Lost(reason) => Some(reason),
        };
        if let Some(reason) = lacking {
            output.remark(format!("{name} is left out: {reason}"))?;
            continue;
        }
        let model = run.model(elite)?;
        let needed = match c::sizes(&model.compiled.graph, &model.weights()) {
            Ok(needed) => needed,
            Err(error) => {
                output.remark(format!("{name} has no form in C: {}", model.explain(&error)))?;
                continue;
            }
        };
        let needs = format!("{name} needs {}", memory(needed));
        let excess = limits.excess(needed);
        if excess <= 1.0 {
            output.line(needs)?;
            return Ok(model);
        }
        output.remark(format!("{needs}: too much"))?;
        if nearest.as_ref().is_none_or(|(least, _)| excess < *least) {
            nearest = Some((excess, needs));
        }
    }
    let nearest = nearest.map_or_else(
        || "the run has no trained network with a form in C".to_owned(),
        |(_, needs)| format!("no network of the run fits; the nearest, {needs}"),
    );
    Err(CliError::Argument { argument: "--fit-ram, --fit-flash", reason: nearest })
}

fn memory([ram, flash]: [u64; 2]) -> String {
    format!("{} of RAM and {} of flash", bytes(ram), bytes(flash))
}

#[cfg(test)]
mod tests {
    use super::{Limits, parse_size};

    #[test]
    fn sizes_have_binary_units() {
        let sizes = ["512", "256K", "1m", "2G"].map(parse_size);
        assert_eq!(sizes, [Ok(512), Ok(256 << 10), Ok(1 << 20), Ok(2 << 30)]);
        for wrong in ["", "K", "0", "1.5M", "12KK", "-3", "99999999999G"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_scarcer_memory_counts() {
        let limits = Limits { ram: 100, flash: 1000 };
        assert!(limits.excess([100, 1000]) <= 1.0);
        assert!(limits.excess([101, 1]) > 1.0 && limits.excess([1, 1001]) > 1.0);
        assert!((limits.excess([50, 3000]) - 3.0).abs() < 1e-9);
    }
}
