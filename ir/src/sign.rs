//! Signing: Ed25519 over the DSSE pre-authentication encoding (DSSE 1.0.2) of the canonical bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::document::{Document, Integrity, Signature, SignatureAlgorithm};
use crate::integrity::Hashed;
use crate::keys::SigningKey;

/// The DSSE payload type of a document.
pub const PAYLOAD_TYPE: &str = "application/vnd.bloom.ir+json";

/// The bytes that a signature is over: DSSE's `PAE(PAYLOAD_TYPE, payload)`.
pub fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    encoding_of(PAYLOAD_TYPE, payload)
}

/// The same for a payload of another type.
pub(crate) fn encoding_of(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Fills `integrity` with the document's hashes and a signature of each key; what stood there before is dropped.
#[must_use]
pub fn seal(document: Document, keys: &[&SigningKey]) -> Document {
    let hashed = document.hashed();
    let message = pre_authentication_encoding(&hashed.payload);
    let signatures = keys.iter().map(|key| signature(key, &message)).collect();
    with(document, &hashed, signatures)
}

/// Puts a signature of `key` beside those that stand there already. Signatures of another content are dropped: they
/// could never verify again.
#[must_use]
pub fn countersign(document: Document, key: &SigningKey) -> Document {
    let hashed = document.hashed();
    let own = signature(key, &pre_authentication_encoding(&hashed.payload));
    let mut signatures = match &document.integrity {
        Some(integrity) if integrity.hash == hashed.hash => integrity.signatures.clone(),
        _ => Vec::new(),
    };
    if !signatures.contains(&own) {
        signatures.push(own);
    }
    with(document, &hashed, signatures)
}

fn with(document: Document, hashed: &Hashed, signatures: Vec<Signature>) -> Document {
    let integrity = Integrity { hash: hashed.hash, program: hashed.program, signatures };
    Document { integrity: Some(integrity), ..document }
}

fn signature(key: &SigningKey, message: &[u8]) -> Signature {
    Signature { alg: SignatureAlgorithm::Ed25519, key_id: key.public().id(), value: BASE64.encode(key.sign(message)) }
}

impl Document {
    /// Its canonical bytes and digests.
    pub fn hashed(&self) -> Hashed {
        match self.to_json() {
            serde_json::Value::Object(members) => Hashed::of(&members),
            _ => unreachable!("a struct serialises as an object"),
        }
    }

    /// Its RFC 8785 bytes, `integrity` and all: what is stored and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::canonical::to_bytes(&self.to_json())
            .unwrap_or_else(|_| unreachable!("a JSON value has string keys and finite numbers only"))
    }

    #[expect(clippy::expect_used, reason = "the document's types have string keys and no floats of their own")]
    fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a document is JSON")
    }
}
