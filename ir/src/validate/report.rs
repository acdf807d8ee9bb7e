//! Collects what the checks find, with its place in the document and in the diagram.

use super::parts::Spot;
use crate::canonical::pointer;
use crate::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::document::{Document, NodeId};

/// What the checks found so far.
pub(super) struct Report<'a> {
    document: &'a Document,
    found: Vec<Diagnostic>,
    errors: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, found: Vec::new(), errors: 0 }
    }

    /// How many errors there are.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// An error in a node.
    pub(super) fn error<'s>(
        &mut self,
        code: Code,
        id: &NodeId,
        spot: impl Into<Option<Spot<'s>>>,
        with: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let place = self.place(id, spot.into());
        self.add(with(Diagnostic::error(code, place)));
    }

    /// A warning about a node.
    pub(super) fn warning<'s>(
        &mut self,
        code: Code,
        id: &NodeId,
        spot: impl Into<Option<Spot<'s>>>,
        with: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let place = self.place(id, spot.into());
        self.add(with(Diagnostic::warning(code, place)));
    }

    /// An error outside the nodes.
    pub(super) fn document_error(&mut self, code: Code, pointer: &str, with: impl FnOnce(Diagnostic) -> Diagnostic) {
        let place = Place::Node { node: None, pointer: pointer.to_owned(), item: None };
        self.add(with(Diagnostic::error(code, place)));
    }

    /// Warnings, if there is nothing else; otherwise everything.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        if self.errors == 0 { Ok(self.found) } else { Err(self.found) }
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors = self.errors.saturating_add(1);
        }
        self.found.push(diagnostic);
    }

    fn place(&self, id: &NodeId, spot: Option<Spot<'_>>) -> Place {
        let node = pointer("/nodes", id);
        let pointer = spot.map_or_else(|| node.clone(), |spot| format!("{node}{spot}"));
        let item = self.document.source.as_ref().and_then(|source| source.map.get(id)).map(|spot| spot.item.clone());
        Place::Node { node: Some(id.clone()), pointer, item }
    }
}
