//! `nasc presets`: the named configurations, one of them in full, and where they differ from the paper.

use clap::Args;
use nasc_search::config::{Preset, SearchConfig, deviations};
use nasc_search::error::SearchError;

use crate::error::{CliError, Exit};
use crate::output::Output;

/// List the presets of searches, print one as TOML, or say where they differ from the paper.
#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// Print this preset with every key.
    #[arg(value_name = "PRESET")]
    name: Option<String>,
    /// Print, as a Markdown table, where the presets differ from the LLMatic paper, and why.
    #[arg(long, conflicts_with = "name")]
    deviations: bool,
}

pub(crate) fn run(args: &PresetsArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    match &args.name {
        Some(name) => {
            let config = named(name, "presets")?.config();
            let text = config.to_toml().map_err(SearchError::from)?;
            output.line(text.trim_end())?;
        }
        None if args.deviations => table(output)?,
        None => list(output)?,
    }
    Ok(Exit::Success)
}

/// A preset by its name.
pub(crate) fn named(name: &str, argument: &'static str) -> Result<Preset, CliError> {
    Preset::from_name(name).ok_or_else(|| CliError::Argument {
        argument,
        reason: format!("`{name}` is no preset; there are {}", SearchConfig::preset_names()),
    })
}

fn list(output: &mut Output<'_>) -> Result<(), CliError> {
    for preset in Preset::ALL {
        output.line(format!("{:<16}  {}", preset.name(), about(preset)))?;
    }
    Ok(())
}

const fn about(preset: Preset) -> &'static str {
    match preset {
        Preset::Quick => "minutes on two cores",
        Preset::Nasc => "good practice at the paper's scale",
        Preset::Paper => "the protocol of the LLMatic paper",
        Preset::PaperLiteral => "the same with batches of one, as its code has it",
        Preset::NetworkArchive => "paper without the prompt archive",
        Preset::PromptArchive => "paper without the network archive",
        Preset::MutationOnly => "paper without crossover",
        Preset::CrossoverOnly => "paper without mutation",
        Preset::Random => "paper without evolution: every network from the first",
        Preset::EvenOperators => "paper with crossover and mutation 0.5 to 0.5",
        Preset::MostlyCrossover => "paper with mutation and crossover 0.3 to 0.7",
    }
}

fn table(output: &mut Output<'_>) -> Result<(), CliError> {
    output.line("| preset | paper | nasc | why |\n| --- | --- | --- | --- |")?;
    for one in deviations() {
        let preset = one.preset.map_or("all", Preset::name);
        output.line(format!("| {preset} | {} | {} | {} |", one.paper, one.nasc, one.why))?;
    }
    Ok(())
}
