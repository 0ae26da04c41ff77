//! Where oneDNN is looked for: beside the binary, in the cache folder, and where the system has it.
//! Without it training runs on nasc's own kernels, which is said once.

use std::path::PathBuf;

use crate::output::{Environment, Output};

/// Name of the library.
const LIBRARY: &str = "libdnnl.so.3";

/// Loads oneDNN if it is anywhere.
///
/// # Errors
/// If the remark cannot be written.
pub(crate) fn install(environment: &Environment, output: &mut Output<'_>) -> std::io::Result<()> {
    let failures = candidates(environment).into_iter().map(|path| {
        let found = nasc_runtime::onednn::install(&path);
        found.map(|version| tracing::debug!(version, path = %path.display(), "oneDNN"))
    });
    let mut last = None;
    for result in failures {
        match result {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    if let Some(error) = last {
        tracing::debug!(%error, "oneDNN");
    }
    output.remark(
        "oneDNN was not found: training runs on nasc's own kernels, several times slower; \
         scripts/fetch-onednn.sh fetches it",
    )
}

fn candidates(environment: &Environment) -> Vec<PathBuf> {
    let beside =
        std::env::current_exe().ok().and_then(|binary| Some(binary.parent()?.join(LIBRARY)));
    let cached = environment.cache.join("onednn").join(LIBRARY);
    let files = beside.into_iter().chain([cached]).filter(|path| path.is_file());
    files.chain([PathBuf::from(LIBRARY)]).collect()
}
