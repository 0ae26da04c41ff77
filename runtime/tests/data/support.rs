//! Small files in the published layouts, and what their images must read back as.

use std::num::NonZeroUsize;
use std::path::Path;

use nasc_runtime::data::{self, DataError, DataOptions, Dataset, ValidationSource};

/// Standard options with half of train for validation, since these sets are tiny.
pub fn options(cache_dir: &Path) -> DataOptions {
    let threads = NonZeroUsize::new(2).unwrap();
    DataOptions {
        validation: ValidationSource::Carve { fraction: 0.5 },
        ..DataOptions::standard(cache_dir.to_path_buf(), threads)
    }
}

/// Options that keep train whole, in file order.
pub fn whole(cache_dir: &Path) -> DataOptions {
    DataOptions { validation: ValidationSource::TestSplit, ..options(cache_dir) }
}

/// Opens a path with `whole` options and no interest in progress.
pub fn open(path: &Path) -> Result<Dataset, DataError> {
    let cache = tempfile::tempdir().unwrap();
    data::open(path.to_str().unwrap(), &whole(cache.path()), &mut |_| {})
}

/// The pixels of a made-up image: `elements` bytes that depend on `seed`.
pub fn pixels(seed: usize, elements: usize) -> Vec<u8> {
    (0..elements).map(|position| ((7 * seed + position) % 251) as u8).collect()
}

/// The message of the error, which must not be an empty promise: it has to contain every one of `parts`.
pub fn assert_message<T: std::fmt::Debug>(result: Result<T, DataError>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}
