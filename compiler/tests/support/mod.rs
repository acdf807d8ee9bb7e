//! What the tests of this crate share: fixtures, the manifests of the shipped tools, and a listing of programs.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "each test file uses a part of it; tests read files"
)]

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

/// With the tools of the founding documents.
pub fn options() -> Options {
    let text = || serde_json::json!({ "type": "string" });
    let tools = [
        serde_json::json!({
            "name": "read-notes", "version": "0.1.0", "description": "Lists notes.", "effect": "read",
            "input": { "type": "object", "properties": { "folder": text() }, "additionalProperties": false },
            "output": { "type": "array" }, "params": ["folder"], "aliases": { "папка": "folder" },
            "capabilities": ["files:notes"],
        }),
        serde_json::json!({
            "name": "read-context", "version": "0.1.0", "description": "Reads a note.", "effect": "read",
            "input": {
                "type": "object", "properties": { "slug": text() }, "required": ["slug"], "additionalProperties": false,
            },
            "output": text(), "params": ["slug"], "capabilities": ["files:notes"],
        }),
        serde_json::json!({
            "name": "read-memory", "version": "0.1.0", "description": "Reads the memory.", "effect": "read",
            "input": { "type": "object", "properties": {}, "additionalProperties": false },
            "output": { "type": "object" }, "capabilities": ["files:memory"],
        }),
        serde_json::json!({
            "name": "notebooklm-query", "version": "0.1.0", "description": "Asks.", "effect": "operational",
            "input": {
                "type": "object", "properties": { "question": text(), "context": text() }, "required": ["question"],
                "additionalProperties": false,
            },
            "output": text(), "params": ["question", "context"], "aliases": { "джерело": "context" },
        }),
        serde_json::json!({
            "name": "create-proposal", "version": "0.1.0", "description": "Proposes.", "effect": "propose",
            "input": {
                "type": "object",
                "properties": { "action": text(), "target": text(), "content": {}, "tags": { "type": "array" } },
                "required": ["action"], "additionalProperties": false,
            },
            "output": { "type": "object" }, "params": ["action"],
            "aliases": { "тип": "action", "нотатка": "target", "note": "target", "зміст": "content", "теги": "tags" },
        }),
        serde_json::json!({
            "name": "write-memory", "version": "0.1.0", "description": "Proposes a memory.", "effect": "propose",
            "input": {
                "type": "object",
                "properties": { "text": text(), "processed_slugs": { "type": "array" }, "last_run": { "type": "integer" } },
                "additionalProperties": false,
            },
            "output": { "type": "object", "properties": { "action": { "const": "memory-update" } } },
            "params": ["text"], "aliases": { "оброблені": "processed_slugs", "останній_run": "last_run" },
        }),
    ];
    let tools = tools.into_iter().map(|tool| (serde_json::from_value::<ToolManifest>(tool).unwrap(), None)).collect();
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
            writeln!(text, "{}\n", render(diagnostic, locale, false)).unwrap();
        }
    }
    text
}
