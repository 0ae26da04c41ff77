//! What the tests of runs share: the command line without a process, and small searches.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::Path;

use nasc_cli::{Environment, Output};

/// Runs a command line with a cache below the folder: exit code, standard output, error output.
pub fn nasc(folder: &Path, arguments: &[&str]) -> (u8, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: false,
        width: 80,
        terminal: false,
    };
    let environment = Environment { cache: folder.join("cache"), hub: None };
    let arguments = std::iter::once("nasc").chain(arguments.iter().copied());
    let code = nasc_cli::run(arguments, &environment, &mut output);
    (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A search of seconds: few networks, trained on few images.
pub const SMALL: &str = "preset = \"quick\"\ngenerations = 3\noffspring = 6\n\n[training]\nepochs = 2\n\
    max_train_examples = 200\nmax_fitness_examples = 100\n\n[network_archive]\nsamples = 400\nrounds = 5\n\n[prompt_archive]\nsamples = 400\nrounds = 5\n";

/// Searches the digits without a language model; the path of the run.
pub fn searched(folder: &Path, name: &str, more: &[&str]) -> String {
    let config = folder.join("small.toml");
    std::fs::write(&config, SMALL).unwrap();
    let (config, out) = (config.display().to_string(), folder.join(name).display().to_string());
    let search = ["search", "--proposer", "mutate", "--config", &config, "--out", &out];
    let (code, _, errors) = nasc(folder, &[&search[..], more].concat());
    assert_eq!(code, 0, "{errors}");
    out
}
