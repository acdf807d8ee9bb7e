//! From bytes to a document that holds what the language promises: everything that can be known before a run.

use serde_json::Value;

use crate::canonical::{self, ReadError};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::document::Document;
use crate::integrity::Hashed;

/// What is known of a document that passed [`check`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What probably is not as meant, but does not keep the document from being loaded.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a document: JSON, strictly, of the shape that the schema says. Every problem is reported.
pub fn read(bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
    read_hashed(bytes).map(|(document, _)| document)
}

/// Reads a document and hashes it as it is written: members left out are left out of what is hashed.
pub(crate) fn read_hashed(bytes: &[u8]) -> Result<(Document, Hashed), Vec<Diagnostic>> {
    let json = canonical::read(bytes).map_err(|errors| errors.iter().map(unreadable).collect::<Vec<_>>())?;
    let hashed = match &json {
        Value::Object(members) => Hashed::of(members),
        _ => Hashed::of(&serde_json::Map::new()),
    };
    let document = serde_json::from_value(json)
        .map_err(|error| vec![Diagnostic::error(Code("I010"), Place::File).with("reason", error)])?;
    Ok((document, hashed))
}

fn unreadable(error: &ReadError) -> Diagnostic {
    Diagnostic::error(Code("I001"), Place::File).with("reason", error)
}

/// Makes the load-time checks. Every problem is reported.
pub fn check(document: &Document) -> Result<Checked, Vec<Diagnostic>> {
    let _ = document;
    Ok(Checked::default())
}
