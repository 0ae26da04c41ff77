//! Files of a layout by bare name, whether they lie in a folder or inside an archive.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::error::DataError;

/// Where the files of a layout are.
#[derive(Debug)]
pub(super) enum Files {
    /// In a folder, read when asked for.
    Folder { path: PathBuf, memory_limit: u64 },
    /// Unpacked from an archive into memory.
    Archive { path: PathBuf, members: BTreeMap<String, Vec<u8>> },
}

impl Files {
    /// Whether there is a regular file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Files::Folder { path, .. } => path.join(name).is_file(),
            Files::Archive { members, .. } => members.contains_key(name),
        }
    }

    /// The file's content.
    pub(super) fn read(
        &self,
        name: &str,
        layout: &'static str,
    ) -> Result<Cow<'_, [u8]>, DataError> {
        let file = self.describe(name);
        if !self.has(name) {
            return Err(DataError::MissingFile { file, layout });
        }
        match self {
            Files::Folder { path, memory_limit } => {
                let path = path.join(name);
                let bytes = fs::metadata(&path).map_err(DataError::io("read", &file))?.len();
                if bytes > *memory_limit {
                    return Err(DataError::TooLarge { file, bytes, limit: *memory_limit });
                }
                Ok(Cow::Owned(fs::read(&path).map_err(DataError::io("read", &file))?))
            }
            Files::Archive { members, .. } => {
                Ok(Cow::Borrowed(members.get(name).map(Vec::as_slice).unwrap_or_default()))
            }
        }
    }

    /// The file's name for a message.
    pub(super) fn describe(&self, name: &str) -> String {
        match self {
            Files::Folder { path, .. } => path.join(name).display().to_string(),
            Files::Archive { path, .. } => format!("{}: {name}", path.display()),
        }
    }
}
