//! A search begins again with the environment its language model needs: OpenMP reads its waiting
//! policy while the process is loaded, so that setting it later changes nothing.

use std::ffi::OsString;

/// As `nasc_search::llm::llama::OPENMP_WAIT_POLICY`: threads that wait for work sleep. By default
/// they spin, and a decode beside a training takes ten times as long.
const WAIT_POLICY: (&str, &str) = ("OMP_WAIT_POLICY", "passive");

/// Commands that run a language model.
const COMMANDS: [&str; 2] = ["search", "ablate"];

/// Replaces this process by itself with the policy set, if the command line runs a language model
/// and the user has set none. Returns when there is nothing to do or it cannot be done.
pub fn with_wait_policy(args: &[OsString]) {
    let (name, value) = WAIT_POLICY;
    if runs_model(args) && std::env::var_os(name).is_none() {
        replace(args, name, value);
    }
}

fn runs_model(args: &[OsString]) -> bool {
    args.iter().skip(1).any(|arg| COMMANDS.iter().any(|command| arg == command))
}

#[cfg(unix)]
fn replace(args: &[OsString], name: &str, value: &str) {
    use std::os::unix::process::CommandExt as _;
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = std::process::Command::new(program);
    if let Some(first) = args.first() {
        command.arg0(first);
    }
    let error = command.args(args.iter().skip(1)).env(name, value).exec();
    tracing::warn!(%error, "nasc could not restart itself; generation will be slow");
}

#[cfg(not(unix))]
fn replace(_: &[OsString], _: &str, _: &str) {}

#[cfg(test)]
mod tests {
    use super::runs_model;

    #[test]
    fn only_commands_with_a_language_model_restart() {
        let line = |text: &str| text.split(' ').map(Into::into).collect::<Vec<_>>();
        assert!(runs_model(&line("nasc search --seed 3")));
        assert!(runs_model(&line("nasc --color never search")));
        assert!(!runs_model(&line("nasc check search.py")));
        assert!(!runs_model(&line("search check net.py")));
    }
}
