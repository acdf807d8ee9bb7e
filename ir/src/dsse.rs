//! A signed document, or another signed statement, as a DSSE envelope (Dead Simple Signing Envelope 1.0.2), which standard
//! tools sign and verify.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE as BASE64_URL};
use serde::{Deserialize, Serialize};

use crate::canonical::{self, ReadError};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Integrity, Signature, SignatureAlgorithm};
use crate::keys::{PublicKey, SigningKey};
use crate::sign::{PAYLOAD_TYPE, encoding_of};
use crate::validate;

/// The largest envelope, in bytes: the base64 of the largest document, and room for its signatures and for white space.
pub const MAX_BYTES: usize = canonical::MAX_BYTES / 3 * 4 + (1 << 20);

/// An envelope. Members that DSSE does not name are ignored, as it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// [`PAYLOAD_TYPE`] of a document.
    pub payload_type: String,
    /// Base64 of what is signed: of a document, its canonical bytes without `integrity`.
    pub payload: String,
    /// Who signed.
    pub signatures: Vec<EnvelopeSignature>,
}

/// A signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// The key's id; a hint.
    #[serde(default)]
    pub keyid: String,
    /// Base64 of the signature.
    pub sig: String,
}

/// Why bytes are no envelope of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// No JSON, or JSON that is read differently by different readers.
    #[error("the envelope is not strict JSON: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    NotJson(Vec<ReadError>),
    /// Not the shape of an envelope.
    #[error("not a DSSE envelope: {0}")]
    NotEnvelope(String),
    /// An envelope of something else.
    #[error("the envelope holds {0}, which is not what it should hold")]
    OtherPayload(String),
    /// None of its signatures is a good one of a key that counts.
    #[error("none of these keys signed the envelope")]
    NotSigned,
    /// A member that should be base64 is not.
    #[error("the envelope's `{0}` is not base64")]
    NotBase64(&'static str),
    /// The payload is a document, but not its canonical bytes: a signature over it says nothing of the document.
    #[error("the payload is not the canonical form of its document")]
    NotCanonical,
    /// The payload is no document.
    #[error("the payload is not a document ({} problems)", .0.len())]
    NotDocument(Vec<Diagnostic>),
}

impl Envelope {
    /// The envelope of a document, with the signatures that it carries.
    pub fn of(document: &Document) -> Self {
        let signatures =
            document.integrity.as_ref().map(|integrity| integrity.signatures.as_slice()).unwrap_or_default();
        Self {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: BASE64.encode(document.hashed().payload),
            signatures: signatures
                .iter()
                .map(|signature| EnvelopeSignature { keyid: signature.key_id.clone(), sig: signature.value.clone() })
                .collect(),
        }
    }

    /// Signs bytes of another type. The type is signed with them, so that no statement passes for one of another kind.
    pub fn signed(payload_type: &str, payload: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&encoding_of(payload_type, payload));
        Self {
            payload_type: payload_type.to_owned(),
            payload: BASE64.encode(payload),
            signatures: vec![EnvelopeSignature { keyid: key.public().id(), sig: BASE64.encode(signature) }],
        }
    }

    /// What is in it, not verified: for who only wants to look.
    pub fn unverified(&self, payload_type: &str) -> Result<Vec<u8>, EnvelopeError> {
        if self.payload_type != payload_type {
            return Err(EnvelopeError::OtherPayload(self.payload_type.chars().take(100).collect()));
        }
        base64(&self.payload).ok_or(EnvelopeError::NotBase64("payload"))
    }

    /// What is in it, if it is of this type and one of these keys signed it; with that key.
    pub fn verified(&self, payload_type: &str, keys: &[PublicKey]) -> Result<(Vec<u8>, PublicKey), EnvelopeError> {
        let payload = self.unverified(payload_type)?;
        let message = encoding_of(payload_type, &payload);
        for signature in &self.signatures {
            let Some(bytes) = base64(&signature.sig).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok()) else {
                continue;
            };
            if let Some(key) = keys.iter().find(|key| key.verifies(&message, &bytes)) {
                return Ok((payload, *key));
            }
        }
        Err(EnvelopeError::NotSigned)
    }

    /// Reads an envelope's JSON.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let json = canonical::read_up_to(MAX_BYTES, bytes).map_err(EnvelopeError::NotJson)?;
        serde_json::from_value(json).map_err(|error| EnvelopeError::NotEnvelope(error.to_string()))
    }

    /// The bytes of the document with `integrity`, for [`crate::verify()`]: nothing is verified here.
    pub fn document_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let payload = self.unverified(PAYLOAD_TYPE)?;
        let (_, hashed) = validate::read_hashed(&payload).map_err(EnvelopeError::NotDocument)?;
        if hashed.payload != payload {
            return Err(EnvelopeError::NotCanonical);
        }
        let signature = |signature: &EnvelopeSignature| {
            let value = BASE64.encode(base64(&signature.sig).ok_or(EnvelopeError::NotBase64("sig"))?);
            Ok(Signature { alg: SignatureAlgorithm::Ed25519, key_id: signature.keyid.clone(), value })
        };
        let signatures = self.signatures.iter().map(signature).collect::<Result<_, _>>()?;
        let integrity = Integrity { hash: hashed.hash, program: hashed.program, signatures };
        let mut json = canonical::read(&payload).map_err(EnvelopeError::NotJson)?;
        if let Some(members) = json.as_object_mut() {
            let integrity = serde_json::to_value(integrity);
            members.insert(
                "integrity".to_owned(),
                integrity.map_err(|error| EnvelopeError::NotEnvelope(error.to_string()))?,
            );
        }
        canonical::to_bytes(&json).map_err(|_| EnvelopeError::NotCanonical)
    }
}

/// DSSE lets a writer choose either alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{pre_authentication_encoding, seal};
    use crate::validate::tests::EVERYTHING;
    use crate::{SigningKey, TrustList, verify};

    fn sealed() -> Document {
        seal(serde_json::from_str(EVERYTHING).unwrap(), &[&SigningKey::from_seed(&[1; 32])])
    }

    fn envelope() -> Envelope {
        Envelope::of(&sealed())
    }

    #[test]
    fn an_envelope_and_back_verifies() {
        let json = serde_json::to_vec(&envelope()).unwrap();
        let bytes = Envelope::read(&json).unwrap().document_bytes().unwrap();
        assert_eq!(bytes, sealed().to_bytes());
        let trust = TrustList::of("anna", SigningKey::from_seed(&[1; 32]).public());
        assert!(verify(&bytes, &trust, 0).is_ok());
    }

    /// What a tool that knows DSSE alone would do.
    #[test]
    fn an_envelope_is_verified_without_knowing_documents() {
        let envelope = envelope();
        let payload = BASE64.decode(&envelope.payload).unwrap();
        let signature: [u8; 64] = BASE64.decode(&envelope.signatures[0].sig).unwrap().try_into().unwrap();
        let public = SigningKey::from_seed(&[1; 32]).public();
        assert!(public.verifies(&pre_authentication_encoding(&payload), &signature));
    }

    #[test]
    fn another_statement_is_verified_by_its_type_and_its_key() {
        let key = SigningKey::from_seed(&[1; 32]);
        let signed = Envelope::signed("a/b", b"said", &key);
        assert_eq!(signed.verified("a/b", &[key.public()]), Ok((b"said".to_vec(), key.public())));
        let stranger = SigningKey::from_seed(&[2; 32]).public();
        assert_eq!(signed.verified("a/b", &[stranger]), Err(EnvelopeError::NotSigned));
        assert_eq!(signed.verified("a/c", &[key.public()]), Err(EnvelopeError::OtherPayload("a/b".to_owned())));
        let renamed = Envelope { payload_type: "a/c".to_owned(), ..signed.clone() };
        assert_eq!(renamed.verified("a/c", &[key.public()]), Err(EnvelopeError::NotSigned));
        let changed = Envelope { payload: BASE64.encode(b"other"), ..signed };
        assert_eq!(changed.verified("a/b", &[key.public()]), Err(EnvelopeError::NotSigned));
    }

    #[test]
    fn the_other_alphabet_of_base64_is_read() {
        let standard = envelope();
        let url = Envelope {
            payload: standard.payload.replace('+', "-").replace('/', "_"),
            signatures: standard
                .signatures
                .iter()
                .map(|it| EnvelopeSignature { sig: it.sig.replace('+', "-").replace('/', "_"), ..it.clone() })
                .collect(),
            ..standard.clone()
        };
        assert_eq!(url.document_bytes(), standard.document_bytes());
    }

    #[test]
    fn the_largest_document_has_an_envelope_that_is_read() {
        let envelope = Envelope { payload: BASE64.encode(vec![b' '; canonical::MAX_BYTES]), ..envelope() };
        let json = serde_json::to_vec_pretty(&envelope).unwrap();
        assert!(json.len() > canonical::MAX_BYTES);
        assert_eq!(Envelope::read(&json), Ok(envelope));
        let too_large = vec![b' '; MAX_BYTES + 1];
        assert!(matches!(Envelope::read(&too_large), Err(EnvelopeError::NotJson(_))));
    }

    #[test]
    fn what_is_no_envelope_of_a_document_is_refused() {
        let with = |payload: &[u8]| Envelope { payload: BASE64.encode(payload), ..envelope() }.document_bytes();
        assert!(matches!(Envelope::read(b"{\"payload\":1,\"payload\":1}"), Err(EnvelopeError::NotJson(_))));
        assert!(matches!(Envelope::read(b"{}"), Err(EnvelopeError::NotEnvelope(_))));
        let other = Envelope { payload_type: "text/plain".to_owned(), ..envelope() };
        assert_eq!(other.document_bytes(), Err(EnvelopeError::OtherPayload("text/plain".to_owned())));
        let broken = Envelope { payload: "%".to_owned(), ..envelope() };
        assert_eq!(broken.document_bytes(), Err(EnvelopeError::NotBase64("payload")));
        assert!(matches!(with(b"{}"), Err(EnvelopeError::NotDocument(_))));
        assert_eq!(with(EVERYTHING.as_bytes()), Err(EnvelopeError::NotCanonical));
        assert_eq!(with(&sealed().to_bytes()), Err(EnvelopeError::NotCanonical), "it has an integrity of its own");
    }
}
