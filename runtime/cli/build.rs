//! Puts the pages of the error codes into the binary, for `bloom explain` and for SARIF.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = of_cargo("CARGO_MANIFEST_DIR")?.join("../../schemas/error-codes");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut pages: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| path.file_stem().is_some_and(|name| name != "README"))
        .collect();
    pages.sort();
    let mut source = String::from("pub(crate) const PAGES: &[(&str, &str)] = &[\n");
    for page in pages {
        let code = page.file_stem().unwrap_or_default().to_string_lossy();
        let path = fs::canonicalize(&page)?.to_string_lossy().into_owned();
        let _ = writeln!(source, "    ({code:?}, include_str!({path:?})),");
    }
    source.push_str("];\n");
    fs::write(of_cargo("OUT_DIR")?.join("pages.rs"), source)
}

/// A folder that cargo names when this runs: checkouts that share a target folder each have their own.
fn of_cargo(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("cargo sets {variable}")))
}
