//! Where oneDNN is looked for: beside the binary, in the cache folder, and where the system has it.
//! Without it training runs on nasc's own kernels, which is said once.

use std::path::PathBuf;

use crate::output::{Environment, Output};

/// Name of the library.
const LIBRARY: &str = "libdnnl.so.3";

/// Loads oneDNN if it is anywhere, and says so if it is not.
///
/// # Errors
/// If the remark cannot be written.
pub(crate) fn install(environment: &Environment, output: &mut Output<'_>) -> std::io::Result<()> {
    if find(environment) {
        return Ok(());
    }
    output.remark(
        "oneDNN was not found: training runs on nasc's own kernels, several times slower; \
         scripts/fetch-onednn.sh fetches it",
    )
}

/// Loads oneDNN if it is anywhere; whether it is.
pub(crate) fn find(environment: &Environment) -> bool {
    let failures = candidates(environment).into_iter().map(|path| {
        let found = nasc_runtime::onednn::install(&path);
        found.map(|version| tracing::debug!(version, path = %path.display(), "oneDNN"))
    });
    let mut last = None;
    for result in failures {
        match result {
            Ok(()) => return true,
            Err(error) => last = Some(error),
        }
    }
    if let Some(error) = last {
        tracing::debug!(%error, "oneDNN");
    }
    false
}

fn candidates(environment: &Environment) -> Vec<PathBuf> {
    let beside =
        std::env::current_exe().ok().and_then(|binary| Some(binary.parent()?.join(LIBRARY)));
    let cached = environment.cache.join("onednn").join(LIBRARY);
    let files = beside.into_iter().chain([cached]).filter(|path| path.is_file());
    files.chain([PathBuf::from(LIBRARY)]).collect()
}
