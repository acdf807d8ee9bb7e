//! What a server needs of a compiler: diagrams and pseudocode in, documents and pictures out.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Document};

/// Compiles. It knows the tools that there are; it takes its time, so call it where blocking is allowed.
pub trait Compiler: Send + Sync {
    /// Compiles a diagram or pseudocode, which its `name` helps to tell apart.
    fn compile(&self, name: &str, bytes: &[u8], called: Called) -> Compiled;

    /// The diagram as pseudocode with keywords of a language; else what stands in the way.
    fn pseudocode(&self, name: &str, bytes: &[u8], locale: Locale) -> Result<String, Vec<Diagnostic>>;

    /// The diagram as SVG; else what stands in the way.
    fn draw(&self, name: &str, bytes: &[u8], picture: &Picture) -> Result<String, Vec<Diagnostic>>;

    /// What the code of a diagnostic means, in capitals or not; none where there is no such code.
    fn explain(&self, code: &str, locale: Locale) -> Option<Explanation>;
}

/// What the code of a diagnostic means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// As it is written.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub title: &'static str,
    /// Why, and what to do, as Markdown: paragraphs with code and strong words.
    pub body: &'static str,
    /// What is wrong in this way.
    pub example: Option<&'static str>,
}

/// How a diagram is drawn.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The language of the words that are added; absent: that of the diagram.
    pub locale: Option<Locale>,
    /// Whether it is to be a part of a page, whose style gives the colours: without a style of its own.
    pub is_part: bool,
    /// What a run did.
    pub marks: Option<Marks>,
}

/// What a run did, by the ids of the icons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// How often each icon was passed.
    pub visits: BTreeMap<String, u64>,
    /// How long was waited at each icon, in milliseconds.
    pub time_ms: BTreeMap<String, u64>,
    /// How often the way from one icon to the next was taken.
    pub ways: BTreeMap<(String, String), u64>,
    /// Where the run is.
    pub current: BTreeSet<String>,
    /// Where it failed, or what has an error.
    pub failed: BTreeSet<String>,
}

/// What a program is to be called.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// The flow's id; absent: what the name of the file says.
    pub id: Option<String>,
    /// Its version; absent: what the source says, else `0.0.0`.
    pub version: Option<String>,
}

/// What became of a diagram or pseudocode.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program, not signed; absent when there is an error.
    pub document: Option<Document>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}
