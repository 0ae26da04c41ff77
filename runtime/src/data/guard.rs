//! Keeps a panic of a third-party decoder, met on damaged files, from ending the program.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of `decode`, or `None` if it panicked. What `decode` was changing must then be
/// thrown away, which is why no reference to unfinished data outlives a failure here.
pub(super) fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decode)).ok()
}
