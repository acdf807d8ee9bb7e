//! Why a document is refused, in the person's language.

use bloom_ir::verify::VerifyError;

use crate::catalogue::{Catalogue, text};
use crate::clock;
use crate::failure::Explained;
use crate::keyring::Keyring;
use crate::session::Session;

/// The refusal of a document, with what to do about it.
pub(crate) fn of_document(name: &str, error: &VerifyError, session: &Session) -> Explained {
    let catalogue = &session.catalogue;
    let reason = reason(error, catalogue);
    let refused = Explained::refused(text!(catalogue, "refused", name = name, reason = reason));
    match error {
        VerifyError::NoSignature => refused.hint(text!(catalogue, "refused-unsigned-hint")),
        VerifyError::NotTrusted { key_ids } => refused.hint(own(key_ids, session).map_or_else(
            || text!(catalogue, "refused-trust-hint"),
            |own| text!(catalogue, "refused-own-hint", key = own),
        )),
        VerifyError::HashMismatch { .. } | VerifyError::ProgramMismatch { .. } | VerifyError::BadSignature { .. } => {
            refused.hint(text!(catalogue, "refused-changed-hint"))
        }
        _ => refused,
    }
}

/// The name of a key of this machine among those that signed.
fn own(key_ids: &[String], session: &Session) -> Option<String> {
    let own = Keyring::of(session).ok()?.own().ok()?;
    own.into_iter().find(|own| key_ids.contains(&own.public.id())).map(|own| own.name)
}

fn reason(error: &VerifyError, catalogue: &Catalogue) -> String {
    match error {
        VerifyError::Malformed(diagnostics) => {
            let listed: Vec<String> = diagnostics
                .iter()
                .take(3)
                .map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message(catalogue.locale())))
                .collect();
            text!(catalogue, "refused-malformed", problems = listed.join("; "), count = diagnostics.len())
        }
        VerifyError::NoSignature => text!(catalogue, "refused-no-signature"),
        VerifyError::HashMismatch { stated, computed } => {
            text!(catalogue, "refused-hash", stated = stated.to_string(), computed = computed.to_string())
        }
        VerifyError::ProgramMismatch { stated, computed } => {
            text!(catalogue, "refused-program", stated = stated.to_string(), computed = computed.to_string())
        }
        VerifyError::NotPinned { pinned, computed } => {
            text!(catalogue, "refused-not-pinned", pinned = pinned.to_string(), computed = computed.to_string())
        }
        VerifyError::MalformedSignature { key_id, .. } | VerifyError::BadSignature { key_id, .. } => {
            text!(catalogue, "refused-signature", key = key_id)
        }
        VerifyError::NotTrusted { key_ids } => text!(catalogue, "refused-not-trusted", keys = key_ids.join(", ")),
        VerifyError::Distrusted { key_id, name } => {
            text!(catalogue, "refused-distrusted", key = key_id, name = name)
        }
        VerifyError::Expired { key_id, name, expired_at } => {
            text!(catalogue, "refused-expired", key = key_id, name = name, at = clock::local(*expired_at))
        }
        VerifyError::PolicyUnmet { flow, policy, found } => {
            let (asked, roles) = (policy.signatures, policy.roles.join(", "));
            text!(catalogue, "refused-policy", flow = flow, asked = asked, roles = roles, found = *found)
        }
        // Rare, and plain enough as it is.
        VerifyError::TooManySignatures { .. } => error.to_string(),
    }
}
