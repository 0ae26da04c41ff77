//! Embeds the pages of `docs/codes`, so that `nasc explain` needs no file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let pages = Path::new("../docs/codes");
    println!("cargo::rerun-if-changed={}", pages.display());
    let mut entries = Vec::new();
    for stage in sorted(pages)?.into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", stage.display());
        for page in sorted(&stage)? {
            entries.push((code(&stage, &page), fs::canonicalize(&page)?));
        }
    }
    let mut text = String::from("&[\n");
    for (code, page) in entries {
        let _ = writeln!(text, "    ({code:?}, include_str!({:?})),", page.display().to_string());
    }
    text.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("pages.rs"), text)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

fn code(stage: &Path, page: &Path) -> String {
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!("nasc::{}::{}", name(stage), name(page))
}
