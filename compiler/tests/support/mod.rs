//! What the tests of this crate share: fixtures, the manifests of the shipped tools, and a listing of programs.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "each test file uses a part of it; tests read files"
)]

pub mod corpus;
pub mod random;
pub mod walk;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bloom_compiler::{Compilation, Options, SourceFile, compile, render};
use bloom_ir::document::{Document, Locale, NodeId};
use bloom_ir::manifest::ToolManifest;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files of a folder of fixtures, by name.
pub fn fixtures(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = root().join("fixtures").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

pub fn compile_file(path: &Path) -> Compilation {
    let bytes = std::fs::read(path).unwrap();
    compile(&SourceFile::new(&name(path), &bytes), &options())
}

pub fn compile_text(name: &str, text: &str) -> Compilation {
    compile(&SourceFile::new(name, text.as_bytes()), &options())
}

/// With the tools that are shipped.
pub fn options() -> Options {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root().join("tools")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let manifests = folders.iter().filter_map(|folder| std::fs::read(folder.join("manifest.json")).ok());
    let tools = manifests.map(|bytes| (serde_json::from_slice::<ToolManifest>(&bytes).unwrap(), None)).collect();
    Options { tools, ..Options::default() }
}

/// A program, a node a line, each with where it stands.
pub fn listing(document: &Document) -> String {
    let mut text = String::new();
    writeln!(text, "flow {}", json(&document.flow)).unwrap();
    writeln!(text, "inputs {}", json(&document.inputs)).unwrap();
    writeln!(text, "policy {}", json(&document.policy)).unwrap();
    writeln!(text, "entry {} catch {}", document.entry, json(&document.catch)).unwrap();
    let source = document.source.as_ref().unwrap();
    writeln!(text, "via {}", json(&source.via)).unwrap();
    let mut ids: Vec<&NodeId> = document.nodes.keys().collect();
    ids.sort_by_key(|id| id.as_str()[1..].parse::<u32>().unwrap());
    for id in ids {
        writeln!(text, "{id} {}", json(&document.nodes[id])).unwrap();
        writeln!(text, "    @ {}", json(&source.map[id])).unwrap();
    }
    text
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// Everything that was found, in both languages.
pub fn rendered(compilation: &Compilation) -> String {
    let mut text = String::new();
    for locale in [Locale::En, Locale::Uk] {
        for diagnostic in &compilation.diagnostics {
            writeln!(text, "{}\n", render(diagnostic, &compilation.outline, locale, false)).unwrap();
        }
    }
    text
}
