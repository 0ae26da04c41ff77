//! Files that appear whole or not at all: written beside their place, synchronised, renamed. Their
//! permissions are those that the user gives to any new file.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Puts a file in the place of the one that is there, if any.
///
/// # Errors
/// What the system says; an old file then stays as it was.
pub fn file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, READ_AND_WRITE)
}

/// As [`file()`], for a program.
///
/// # Errors
/// As [`file()`].
pub fn executable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, EXECUTE)
}

/// What the user's mask leaves of these is given, as by any other program.
const READ_AND_WRITE: u32 = 0o666;
const EXECUTE: u32 = 0o777;

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = with_mode(folder.unwrap_or(Path::new(".")), mode)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A file to be renamed within its folder; it vanishes if it is not.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    with_mode(folder, READ_AND_WRITE)
}

fn with_mode(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    if let Some(permissions) = permissions(mode) {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder)
}

#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_mode: u32) -> Option<Permissions> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{executable, file};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_have_the_permissions_of_any_other_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let [usual, ours, program] =
            ["usual", "ours", "program"].map(|name| folder.path().join(name));
        std::fs::write(&usual, "").unwrap();
        file(&ours, b"text").unwrap();
        executable(&program, b"text").unwrap();
        assert_eq!(mode(&ours), mode(&usual));
        // what may be read may also be executed
        assert_eq!(mode(&program), mode(&usual) | (mode(&usual) & 0o444) >> 2);
        assert_eq!(std::fs::read(&ours).unwrap(), b"text");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
