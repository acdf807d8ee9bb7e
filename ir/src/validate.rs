//! From bytes to a document that holds what the language promises: everything that can be known before a run.
//!
//! [`read`] looks at JSON and its shape, [`check`] at what the document means. Both report every problem that they find,
//! with a code of [`codes`], a JSON pointer, the node, and the icon where the source map names it.

mod assignment;
pub mod codes;
mod expressions;
mod forks;
mod graph;
mod parts;
mod policy;
mod report;
mod schemas;
mod shape;

use crate::canonical::{self, MAX_DEPTH, MAX_NUMBER, ReadError};
use crate::diagnostic::{Diagnostic, Place};
use crate::document::{Document, Node, NodeId};
use crate::integrity::Hashed;

use report::Report;

pub use shape::MAX_NODES;

/// What is known of a document that passed [`check`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What probably is not as meant, but does not keep the document from being loaded.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a document: JSON, strictly, of the shape that the schema says.
pub fn read(bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
    read_hashed(bytes).map(|(document, _)| document)
}

/// Reads a document and hashes it as it is written: a member left out is left out of what is hashed.
pub(crate) fn read_hashed(bytes: &[u8]) -> Result<(Document, Hashed), Vec<Diagnostic>> {
    let json = canonical::read(bytes).map_err(|errors| errors.into_iter().map(unreadable).collect::<Vec<_>>())?;
    let problems = shape::problems(&json);
    if !problems.is_empty() {
        return Err(problems);
    }
    let hashed = json.as_object().map(Hashed::of);
    let document: Result<Document, _> = serde_json::from_value(json);
    match (document, hashed) {
        (Ok(document), Some(hashed)) => Ok((document, hashed)),
        (document, _) => {
            let reason = document.err().map_or_else(|| "not an object".to_owned(), |error| error.to_string());
            Err(vec![Diagnostic::error(codes::WRONG_SHAPE, Place::File).with("reason", reason)])
        }
    }
}

fn unreadable(error: ReadError) -> Diagnostic {
    let file = |code| Diagnostic::error(code, Place::File);
    let at = |code, pointer| Diagnostic::error(code, Place::Node { node: None, pointer, item: None });
    match error {
        ReadError::TooLarge { bytes, limit } => file(codes::TOO_LARGE).with("bytes", bytes).with("limit", limit),
        ReadError::ByteOrderMark => file(codes::BYTE_ORDER_MARK),
        ReadError::NotUtf8 { offset } => file(codes::NOT_UTF8).with("offset", offset),
        ReadError::NotJson { reason, line, column } => {
            file(codes::NOT_JSON).with("reason", reason).with("line", line).with("column", column)
        }
        ReadError::TooDeep { line, column } => {
            file(codes::TOO_DEEP).with("limit", MAX_DEPTH).with("line", line).with("column", column)
        }
        ReadError::DuplicateKey { pointer } => {
            let member = pointer.clone();
            at(codes::DUPLICATE_KEY, pointer).with("pointer", member)
        }
        ReadError::UnsafeNumber { pointer } => at(codes::UNSAFE_NUMBER, pointer).with("limit", MAX_NUMBER),
    }
}

/// Makes the load-time checks.
///
/// Work is about linear in the size of the document, and nothing recurses deeper than a schema or an expression may nest.
pub fn check(document: &Document) -> Result<Checked, Vec<Diagnostic>> {
    let mut report = Report::new(document);
    let reads = expressions::check(document, &mut report);
    if let Some(graph) = graph::Graph::build(document, &mut report) {
        graph.check(document.flow.kind, &mut report);
        if let Some(branches) = forks::Branches::check(&graph, &mut report) {
            assignment::check(document, &graph, &branches, &reads, &mut report);
        }
    }
    policy::check(document, &mut report);
    schemas::check(document, &mut report);
    report.finish().map(|warnings| Checked { warnings })
}

/// The nodes that a node may lead to, in their listed order, its error's last. A fork leads to its branches, then to its join.
pub fn targets(node: &Node) -> impl Iterator<Item = &NodeId> {
    parts::exits(node).into_iter().map(|exit| exit.to)
}

/// The variables that a node may set.
pub fn variables_set(node: &Node) -> impl Iterator<Item = &str> {
    parts::exits(node).into_iter().flat_map(|exit| exit.sets)
}

/// The texts of a node's expressions.
pub fn expressions_of(node: &Node) -> impl Iterator<Item = &str> {
    parts::expressions(node).into_iter().map(|(_, text)| text)
}

/// A text, cut to what fits a message.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
