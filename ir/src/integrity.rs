//! What is hashed of a document.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Digest, canonical};

/// The canonical bytes that are signed, and the two digests of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The RFC 8785 bytes of the document without `integrity`.
    pub payload: Vec<u8>,
    /// Of `payload`: what is signed, and what a run pins.
    pub hash: Digest,
    /// Of the RFC 8785 bytes of the document without `integrity` and `source`: equal programs have equal ones.
    pub program: Digest,
}

impl Hashed {
    /// Of a document's members.
    pub fn of(document: &Map<String, Value>) -> Self {
        let payload = without(document, &["integrity"]);
        Self { hash: Digest::of(&payload), program: Digest::of(&without(document, &["integrity", "source"])), payload }
    }
}

#[expect(
    clippy::expect_used,
    reason = "a JSON value has string keys and finite numbers only, so it has canonical JSON"
)]
fn without(document: &Map<String, Value>, names: &[&str]) -> Vec<u8> {
    canonical::to_bytes(&Without { document, names }).expect("a JSON value has canonical JSON")
}

/// An object without some of its members.
struct Without<'a> {
    document: &'a Map<String, Value>,
    names: &'a [&'a str],
}

impl Serialize for Without<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.document.iter().filter(|(name, _)| !self.names.contains(&name.as_str())) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
