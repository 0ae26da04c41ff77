//! Figures of the tools that people count with against nasc's conventions for them.

use std::collections::BTreeMap;
use std::path::Path;

use nasc_compiler::cost::{Convention, analyze_as};

use crate::network::Network;
use crate::verdict::compile;

/// The tools with the field of their figure.
const TOOLS: &[(&str, &str, Convention)] = &[
    ("fvcore", "flops", Convention::Fvcore),
    ("thop", "macs", Convention::Thop),
    ("ptflops", "macs", Convention::Ptflops),
    ("torchinfo", "mult_adds", Convention::Torchinfo),
];

/// One line for each tool: how many figures are equal; with `verbose`, each that is not.
#[must_use]
pub fn report(networks: &[Network], sources: &Path, verbose: bool) -> String {
    let mut equal: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut text = String::new();
    for network in networks {
        let Ok(compiled) = compile(network, sources) else { continue };
        let torch = analyze_as(&compiled.graph, Convention::Torch).macs;
        let expected = TOOLS.iter().filter_map(|(tool, field, convention)| {
            let figure = network.counters.get(*tool)?.get(*field)?.as_f64()?;
            Some((*tool, figure, analyze_as(&compiled.graph, *convention).macs))
        });
        let torch = [("torch", network.macs_aten_total as f64, torch)];
        for (tool, figure, found) in expected.chain(torch) {
            let (same, all) = equal.entry(tool).or_default();
            *all += 1;
            if (figure - found as f64).abs() < 0.5 {
                *same += 1;
            } else if verbose {
                text += &format!("{tool}: {found}, the tool {figure}: {}\n", network.id);
            }
        }
    }
    for (tool, (same, all)) in equal {
        text += &format!("{tool:<10} {same:>4} of {all:>4} equal\n");
    }
    text
}
