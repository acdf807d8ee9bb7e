//! Ed25519 keys (RFC 8032) and how they are written.
//!
//! A private key is a PKCS#8 PEM text (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it. A public key is a
//! PEM text of its own or one line, `ed25519:` and the standard base64 of its 32 bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::Digest;

const PREFIX: &str = "ed25519:";

/// A private key. Its `Debug` form shows the public half only.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key that is a point of full order, so that no message verifies under it by accident.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PublicKey(VerifyingKey);

/// Text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PKCS#8 PEM text of an Ed25519 private key.
    #[error("not a private key: expected the PKCS#8 PEM text of an Ed25519 key")]
    NotPrivate,
    /// Neither a PEM text of an Ed25519 public key nor one line.
    #[error("not a public key: expected `ed25519:` and base64, or the PEM text of an Ed25519 key")]
    NotPublic,
    /// The 32 bytes are no point of the curve, or a point of small order.
    #[error("the public key is weak or no point of the curve")]
    Weak,
}

impl SigningKey {
    /// From 32 random bytes, which are the secret.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM text.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError::NotPrivate)
    }

    /// The PKCS#8 PEM text. It is the secret: whoever stores it lets only its owner read the file.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a key of fixed size always has its encoding")]
    pub fn to_pem(&self) -> String {
        let key = ed25519_dalek::pkcs8::KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        key.to_pkcs8_pem(LineEnding::LF).expect("a key has a PEM text").as_str().to_owned()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public().id())
    }
}

impl PublicKey {
    /// From the 32 bytes themselves.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::Weak),
        }
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A short name: the first 16 hex digits of the SHA-256 of the 32 bytes. Two keys may share one, so it decides
    /// nothing.
    pub fn id(&self) -> String {
        Digest::of(self.as_bytes()).hex().chars().take(16).collect()
    }

    /// The PEM text.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a key of fixed size always has its encoding")]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a key has a PEM text")
    }

    /// Strict verification (RFC 8032, §5.1.7, without the cofactor; `R` of small order is refused).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

/// Reads one line or a PEM text; white space around it does not count.
impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes: [u8; 32] = match text.strip_prefix(PREFIX) {
            Some(line) => {
                BASE64.decode(line).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(KeyError::NotPublic)?
            }
            None => VerifyingKey::from_public_key_pem(text).map_err(|_| KeyError::NotPublic)?.to_bytes(),
        };
        Self::from_bytes(&bytes)
    }
}

/// One line.
impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", BASE64.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests;
