//! From a DRAKON diagram, or its pseudocode, to an IR document.
//!
//! Bytes in, a [`Document`] and [`Diagnostic`]s out: `read` (dialects) → `graph` (checks of the shape) → `text` (what is
//! written in the icons) → `lower` (a draft program, its variables, then the IR). What people get wrong is never an
//! `Err`: every problem is reported, each with its icon and the offending word.
//!
//! This crate does not run anything, sign anything, or touch files, the clock or the network.
//!
//! Invariants:
//! - a document is produced only when there is no error, and then it passes [`bloom_ir::validate`];
//! - every icon is lowered once: where ways meet, they share the nodes that follow, so a program is as large as its
//!   diagram, and the time is linear in it;
//! - no function here recurses by the size of the input.
//!
//! ```
//! use bloom_compiler::{Options, SourceFile, compile};
//!
//! let program = "BEGIN \"Greeting\"\n  RETURN {text: \"Hello\"}\nEND\n";
//! let compilation = compile(&SourceFile::new("greeting.md", program.as_bytes()), &Options::default());
//! assert!(compilation.diagnostics.is_empty());
//! assert_eq!(compilation.document.unwrap().flow.id, "greeting");
//! ```

pub mod agent;
mod ask;
mod codes;
mod draw;
pub mod drn;
mod graph;
mod lower;
mod outline;
mod pseudocode;
mod read;
mod render;
mod report;
mod slug;
mod text;

use bloom_ir::diagnostic::Severity;
use bloom_ir::document::{Document, Limits, Locale, Sandbox};
use bloom_ir::expr::types::Type;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Diagnostic, Digest};

pub use crate::ask::expression;
pub use crate::codes::ALL as CODES;
pub use crate::draw::{DrawOptions, Drawing, Overlay, Theme, draw};
pub use crate::outline::{IconNote, Outline};
pub use crate::render::{excerpt, render};

/// A file as it was read.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// Its name, without the folder.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl<'a> SourceFile<'a> {
    /// A file of this name with these bytes.
    pub fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes }
    }
}

/// What the file does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The flow's id; absent: the file's name in Latin letters.
    pub id: Option<String>,
    /// The flow's version; absent: `0.0.0`, which is never registered by name.
    pub version: Option<String>,
    /// The language of the flow's texts; absent: Ukrainian where the texts hold Cyrillic letters.
    pub locale: Option<Locale>,
    /// The tools that are known, each with the digest of its component where there is one.
    pub tools: Vec<(ToolManifest, Option<Digest>)>,
    /// The proposal actions that may be emitted; absent: those that the flow emits.
    pub safe_outputs: Option<Vec<String>>,
    /// The tools that may be called; absent: all that are known.
    pub allowed_tools: Option<Vec<String>>,
    /// The LLM of calls that name no other.
    pub model: Option<String>,
    /// How much a run may use; absent: the format's own limits.
    pub limits: Option<Limits>,
    /// Which capabilities the tools may have; absent: `restricted`.
    pub sandbox: Option<Sandbox>,
    /// What becomes of text that is no statement.
    pub prose: Prose,
    /// Whether every icon's text is taken as prose, also where it would parse. Pseudocode says itself what is prose.
    pub opaque: bool,
    /// The flows that may be called.
    pub flows: Vec<KnownFlow>,
}

/// What becomes of text that people read and no program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prose {
    /// It is an error.
    #[default]
    Error,
    /// An LLM does what it says, or answers it.
    Llm,
    /// A person does.
    Human,
}

/// A flow that insertions and processes may call.
#[derive(Clone, Debug)]
pub struct KnownFlow {
    /// What callers call it.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The hash of the document that a call runs, for ever.
    pub hash: Digest,
    /// The schema of its inputs.
    pub inputs: serde_json::Value,
    /// What is certain of its result.
    pub returns: Type,
}

impl KnownFlow {
    /// A flow as callers know it that give it this name. The options are those that it was compiled with.
    pub fn new(name: &str, document: &Document, options: &Options) -> Self {
        Self {
            name: name.to_owned(),
            id: document.flow.id.clone(),
            hash: document.hashed().hash,
            inputs: document.inputs.clone(),
            returns: lower::returned(document, options),
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The program, without integrity; absent when there is an error.
    pub document: Option<Document>,
    /// What was found, errors first, each in the order of the file: at most 1000, and one that counts the others.
    pub diagnostics: Vec<Diagnostic>,
    /// What the diagnostics are shown among; empty where there are none.
    pub outline: Outline,
}

impl Compilation {
    /// Whether anything stood in the way of a document.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Compiles a diagram or pseudocode.
pub fn compile(source: &SourceFile<'_>, options: &Options) -> Compilation {
    let mut report = report::Report::default();
    let (document, outline): (_, Box<dyn FnOnce() -> Outline>) = match read::read(source, &mut report) {
        Some(read::Input::Diagram(diagram)) => {
            let document = graph::Graph::build(&diagram, &mut report)
                .and_then(|graph| lower::diagram(&graph, source, options, &mut report));
            (document, Box::new(|| Outline::of_diagram(diagram)))
        }
        Some(read::Input::Pseudocode(program)) => {
            let document = lower::pseudocode(program, source, options, &mut report);
            (document, Box::new(|| Outline::of_program(program)))
        }
        None => (None, Box::new(Outline::default)),
    };
    let diagnostics = report.finish();
    let outline = if diagnostics.is_empty() { Outline::default() } else { outline() };
    let compilation = Compilation { document, diagnostics, outline };
    if compilation.has_errors() { Compilation { document: None, ..compilation } } else { compilation }
}

/// What a diagram is as pseudocode.
#[derive(Clone, Debug)]
pub struct Pseudocode {
    /// The program; absent when the diagram has errors of its shape, or texts that cannot be read.
    pub text: Option<String>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
    /// What the diagnostics are shown among.
    pub outline: Outline,
}

/// Writes a diagram as pseudocode, with the keywords of a language. It is complete, every icon stands in it once, and it
/// compiles to the same program, as its hash tells. Text that is no statement is written in quotation marks, as prose.
pub fn pseudocode(source: &SourceFile<'_>, options: &Options, locale: Locale) -> Pseudocode {
    let mut report = report::Report::default();
    let (text, outline) = match read::read(source, &mut report) {
        Some(read::Input::Diagram(diagram)) => {
            let text = graph::Graph::build(&diagram, &mut report).and_then(|graph| {
                let prose = if options.prose == Prose::Error { Prose::Llm } else { options.prose };
                let options = Options { prose, ..options.clone() };
                let forms = lower::forms(&graph, &options, &mut report);
                let sound = graph.sound && report.errors() == 0;
                sound.then(|| pseudocode::print(&graph, &forms, &lower::title(&graph, source), &options, locale))
            });
            (text, Outline::of_diagram(diagram))
        }
        Some(read::Input::Pseudocode(program)) => (Some(program.to_owned()), Outline::default()),
        None => (None, Outline::default()),
    };
    Pseudocode { text, diagnostics: report.finish(), outline }
}
