//! `nasc explain`: the page of a code, embedded from docs/codes.

use clap::Args;

use crate::error::{CliError, Exit};
use crate::output::Output;

/// Explain a code such as nasc::shape::channel_mismatch; without one, list all codes.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The code; what stands before the last `::` may be left out.
    code: Option<String>,
}

const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Every documented code with its page in Markdown, in the order of the codes.
#[must_use]
pub const fn pages() -> &'static [(&'static str, &'static str)] {
    PAGES
}

pub(crate) fn run(args: &ExplainArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    match &args.code {
        None => list(output)?,
        Some(code) => {
            let named: Vec<_> = PAGES.iter().filter(|(name, _)| is_meant(code, name)).collect();
            if named.is_empty() {
                let near = near(code);
                return Err(CliError::UnknownCode { code: code.clone(), near });
            }
            for (_, page) in named {
                output.line(page.trim_end())?;
            }
        }
    }
    Ok(Exit::Success)
}

/// Whether a code ends in the segments that were asked for.
fn is_meant(asked: &str, code: &str) -> bool {
    let asked = asked.trim();
    !asked.is_empty() && (code == asked || code.ends_with(&format!("::{asked}")))
}

/// How alike the last segments of two codes have to be, from 0 to 1, to be taken for a slip.
const ALIKE: f64 = 0.6;

/// The code that was probably meant.
fn near(asked: &str) -> Option<&'static str> {
    let last = |code: &str| code.rsplit("::").next().unwrap_or_default().to_lowercase();
    let alike = |code: &str| strsim::normalized_damerau_levenshtein(&last(asked), &last(code));
    let scored = PAGES.iter().map(|(code, _)| (alike(code), *code));
    scored
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, code)| code)
}

fn list(output: &mut Output<'_>) -> Result<(), CliError> {
    for (code, page) in PAGES {
        let summary = page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default();
        output.line(format!("{code}\n    {summary}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_last_segments_and_a_slip_is_named() {
        assert!(is_meant("channel_mismatch", "nasc::shape::channel_mismatch"));
        assert!(is_meant("shape::channel_mismatch", "nasc::shape::channel_mismatch"));
        assert!(!is_meant("mismatch", "nasc::shape::channel_mismatch"));
        assert!(!is_meant("", "nasc::shape::channel_mismatch"));
        assert_eq!(near("nasc::shape::chanel_mismatch"), near("channel_mismatch"));
        assert!(near("channel_mismach").is_some_and(|code| code.ends_with("channel_mismatch")));
        assert_eq!(near("what is this"), None);
    }
}
