//! One named test for each program below `filetests`. `NASC_BLESS=1` writes the files beside them.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("NASC_BLESS").is_some_and(|value| value != "0");
    let folder = nasc_tests::folder();
    let programs = match nasc_tests::find::programs(&folder) {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    let trials = programs.into_iter().map(|path| {
        let name = name(&folder, &path);
        Trial::test(name, move || nasc_tests::run::run(&path, bless).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// `shape::channel_mismatch` for `shape/channel_mismatch.py`.
fn name(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts = relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<String>>().join("::")
}
