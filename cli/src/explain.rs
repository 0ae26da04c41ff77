//! `nasc explain`: the page of a code, embedded from docs/codes.

use clap::Args;

use crate::error::{CliError, Exit};
use crate::output::Output;

/// Explain a code such as nasc::shape::channel_mismatch; without one, list all codes.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The code; the leading `nasc::` may be left out.
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
            let full = format!("nasc::{}", code.trim_start_matches("nasc::"));
            let found = PAGES.iter().find(|(name, _)| *name == full);
            let (_, page) = found.ok_or_else(|| CliError::UnknownCode { code: code.clone() })?;
            output.line(page.trim_end())?;
        }
    }
    Ok(Exit::Success)
}

fn list(output: &mut Output<'_>) -> Result<(), CliError> {
    for (code, page) in PAGES {
        let summary = page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default();
        output.line(format!("{code}\n    {summary}"))?;
    }
    Ok(())
}
