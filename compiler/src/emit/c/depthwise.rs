//! The kernel of a depthwise convolution: channels are the innermost loop, which compilers turn into
//! vectors; the window is written out, and neighbouring places share what they read.

use std::fmt::Write as _;

use super::loops::{self, Loop};
use super::product::{Site, step_of};

/// Products that are written out in one loop.
const MOST_PRODUCTS: i64 = 160;

/// Places of one loop.
const MOST_PLACES: i64 = 4;

/// The body of the kernel.
pub(super) fn text(site: &Site<'_>) -> String {
    let (row, column) = site.plane();
    let taps = offsets(&site.product.taps);
    let count = i64::try_from(taps.len()).unwrap_or(1).max(1);
    let most = (MOST_PRODUCTS / count).clamp(1, MOST_PLACES);
    let mut text = loops::heads(site.outer(), "o");
    let _ = writeln!(text, "{}", loops::head("i", row.extent));
    let whole = column.extent / most * most;
    if whole > 0 {
        let _ = writeln!(text, "for (ptrdiff_t j = 0; j < {whole}; j += {most}) {{");
        text.push_str(&places(site, &taps, most));
        text.push_str("}\n");
    }
    if whole < column.extent {
        let _ = writeln!(text, "{{\nconst ptrdiff_t j = {whole};");
        text.push_str(&places(site, &taps, column.extent - whole));
        text.push_str("}\n");
    }
    text.push_str("}\n");
    text.push_str(&loops::tails(site.outer()));
    text
}

/// Offsets of a window's elements in the input, in the order of the weights.
fn offsets(taps: &[Loop]) -> Vec<i64> {
    taps.iter().fold(vec![0], |outer, tap| {
        let inner = |offset: i64| (0..tap.extent).map(move |h| offset + h * step_of(tap, 0));
        outer.into_iter().flat_map(inner).collect()
    })
}

/// `count` neighbouring places, all channels.
fn places(site: &Site<'_>, taps: &[i64], count: i64) -> String {
    let (row, column) = site.plane();
    let channels = site.product.channels();
    let base = |tensor: usize, place: i64| {
        let outer = site.outer().iter().enumerate();
        let outer = outer.map(|(level, each)| (format!("o{level}"), step_of(each, tensor)));
        let plane = [
            ("i".to_owned(), step_of(&row, tensor)),
            ("j".to_owned(), step_of(&column, tensor)),
            (place.to_string(), step_of(&column, tensor)),
        ];
        loops::sum(outer.chain(plane))
    };
    let mut text = String::new();
    let _ = writeln!(text, "const float *restrict x = {} + {};", site.pointer(1), base(1, 0));
    let _ = writeln!(text, "{}", loops::head("c", channels));
    for place in 0..count {
        let _ = writeln!(text, "float s{place} = {}[c];", site.bias);
    }
    for (tap, offset) in taps.iter().enumerate() {
        let weights = format!("{}[{} + c]", site.weights, tap as i64 * channels);
        let _ = writeln!(text, "const float w{tap} = {weights};");
        for place in 0..count {
            let from = offset + place * step_of(&column, 1);
            let _ = writeln!(text, "s{place} += x[c + {from}] * w{tap};");
        }
    }
    for place in 0..count {
        let at = |tensor: usize| {
            let channel = loops::sum([("c".to_owned(), site.channel_step(tensor))]);
            format!("{} + {channel}", base(tensor, place))
        };
        let value = site.finished(&format!("s{place}"), at);
        let _ = writeln!(text, "{}[{}] = {value};", site.pointer(0), at(0));
    }
    text.push_str("}\n");
    text
}
