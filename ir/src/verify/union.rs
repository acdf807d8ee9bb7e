//! The signatures of two documents with one hash, in one document.

use super::{MAX_SIGNATURES, VerifiedIr, signer};
use crate::canonical;
use crate::document::{Integrity, Signature};
use crate::sign::pre_authentication_encoding;
use crate::trust::TrustList;
use crate::validate;

impl VerifiedIr {
    /// These bytes with the signatures that another document of the same hash carries besides: what is kept where that
    /// document was kept before, so that no signature is lost. A signature of a known key that does not verify is left
    /// out, because it would have the whole document refused; so is what another hash was signed with, and what goes
    /// beyond [`MAX_SIGNATURES`]. Only `integrity` differs from [`bytes`](Self::bytes), and only where something is added.
    pub fn bytes_with_signatures_of(&self, other: &[u8], trust: &TrustList) -> Vec<u8> {
        self.united(other, trust).unwrap_or_else(|| self.bytes().to_vec())
    }

    /// Nothing when there is nothing to add.
    fn united(&self, other: &[u8], trust: &TrustList) -> Option<Vec<u8>> {
        if other == self.bytes() {
            return None;
        }
        let (other, hashed) = validate::read_hashed(other).ok().filter(|(_, hashed)| hashed.hash == self.hash())?;
        let message = pre_authentication_encoding(&hashed.payload);
        let mut integrity: Integrity = self.document().integrity.clone()?;
        let own = integrity.signatures.len();
        for signature in other.integrity?.signatures {
            let is_sound = |it: &Signature| signer(0, it, &message, trust).is_ok();
            if integrity.signatures.len() < MAX_SIGNATURES
                && !integrity.signatures.contains(&signature)
                && is_sound(&signature)
            {
                integrity.signatures.push(signature);
            }
        }
        if integrity.signatures.len() == own {
            return None;
        }
        // Not the document written anew: that could have another hash.
        let mut json = canonical::read(self.bytes()).ok()?;
        json.as_object_mut()?.insert("integrity".to_owned(), serde_json::to_value(integrity).ok()?);
        canonical::to_bytes(&json).ok()
    }
}
