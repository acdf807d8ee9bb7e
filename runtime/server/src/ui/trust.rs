//! Whose signatures a document bears, and whether it may run for them.

use bloom_ir::{VerifiedIr, validate};

use super::show;
use crate::app::App;
use crate::view::Signer;

/// What is known of a document's signatures.
pub(super) struct Trust {
    /// Whose signatures count; where none does, whose there are.
    pub(super) signers: Vec<Signed>,
    /// Why it may not run.
    pub(super) refused: Option<String>,
    /// What may run.
    pub(super) ir: Option<VerifiedIr>,
}

/// A key that signed.
pub(super) struct Signed {
    /// What it is called here, else the beginning of its id.
    pub(super) name: String,
    /// The id of the key.
    pub(super) key: String,
    pub(super) roles: String,
}

impl Trust {
    /// Of a document as it is stored.
    pub(super) fn of(app: &App, document: &[u8]) -> Self {
        match app.engine.verified(document) {
            Ok(ir) => {
                let signers =
                    ir.signers().iter().map(|key| Signed::of(Signer::of(key, &app.trust.trusted()))).collect();
                Self { signers, refused: None, ir: Some(ir) }
            }
            Err(error) => {
                let integrity = validate::read(document).ok().and_then(|document| document.integrity);
                let keys =
                    integrity.into_iter().flat_map(|integrity| integrity.signatures).map(|signature| signature.key_id);
                let signers = keys.map(|key| Signed { name: show::short(&key), key, roles: String::new() }).collect();
                Self { signers, refused: Some(error.to_string()), ir: None }
            }
        }
    }

    /// The name of its state.
    pub(super) fn state(&self) -> &'static str {
        if self.refused.is_none() { "trusted" } else { "untrusted" }
    }
}

impl Signed {
    fn of(signer: Signer) -> Self {
        let name = signer.name.unwrap_or_else(|| show::short(&signer.key));
        Self { name, key: signer.key, roles: signer.roles.join(", ") }
    }
}
