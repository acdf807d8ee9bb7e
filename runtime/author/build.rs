//! Embeds what `bloom tool new` writes: the templates, the SDK for Rust, and the WIT package.
#![allow(clippy::expect_used, reason = "a build script reports by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.join("../..").canonicalize().expect("the crate is two folders below the root");
    let mut code = String::new();
    for (name, folder) in [
        ("TEMPLATES", here.join("templates")),
        ("SDK", root.join("tools/sdk")),
        ("WIT", root.join("schemas/wit/bloom-tool")),
    ] {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        list(&folder, &mut files);
        files.sort();
        writeln!(code, "const {name}: &[(&str, &str)] = &[").expect("a string takes all");
        for file in files {
            let path = file.strip_prefix(&folder).expect("it was listed there");
            let [path, file] = [path, &file].map(|path| path.to_str().expect("a path of the project is text"));
            writeln!(code, "    ({path:?}, include_str!({file:?})),").expect("a string takes all");
        }
        code.push_str("];\n");
    }
    // Versions with which the SDK was tested; cargo takes what it needs of them.
    let lock = root.join("tools/Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    writeln!(code, "const LOCK: &str = include_str!({:?});", lock.to_str().expect("a path of the project is text"))
        .expect("a string takes all");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), code).expect("OUT_DIR can be written");
}

/// The files below a folder. What tools leave behind where somebody tries a template in place stays out.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is part of the project") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a file's name is text");
        if path.is_dir() {
            if !matches!(name, "target" | "node_modules" | "build" | "__pycache__" | ".venv") {
                list(&path, files);
            }
        } else if name != "Cargo.lock" {
            files.push(path);
        }
    }
}
