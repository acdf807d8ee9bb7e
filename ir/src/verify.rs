//! From bytes to a [`VerifiedIr`]: the only way in which a document becomes something that may be executed.

mod union;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::diagnostic::Diagnostic;
use crate::document::{Document, Integrity, Locale, Signature};
use crate::integrity::Hashed;
use crate::keys::{PublicKey, SigningKey};
use crate::sign::pre_authentication_encoding;
use crate::trust::{TrustList, TrustPolicy, TrustedKey};
use crate::{Digest, validate};

/// How many signatures a document may carry.
pub const MAX_SIGNATURES: usize = 16;

/// A document that is well-formed, has the hash that it states, and carries the signatures that a trust list asks for.
///
/// It can be had from [`verify`] and [`verify_pinned`] only, so whoever holds one need not check again. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct VerifiedIr(Arc<Verified>);

#[derive(Debug)]
struct Verified {
    bytes: Vec<u8>,
    document: Document,
    hash: Digest,
    program: Digest,
    signers: Vec<PublicKey>,
    warnings: Vec<Diagnostic>,
}

/// Why a document is refused: the check that failed, with what it found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is no JSON, has not the shape of a document, or fails a load-time check.
    #[error("the document is malformed: {}", Listed(.0))]
    Malformed(Vec<Diagnostic>),
    /// There is no `integrity`, or no signature in it.
    #[error("the document carries no signature")]
    NoSignature,
    /// More than [`MAX_SIGNATURES`].
    #[error("the document carries {found} signatures; the limit is {MAX_SIGNATURES}")]
    TooManySignatures {
        /// How many.
        found: usize,
    },
    /// It was changed after it was hashed.
    #[error("the document's hash is {computed}, but it states {stated}")]
    HashMismatch {
        /// What `integrity.hash` says.
        stated: Digest,
        /// What its bytes give.
        computed: Digest,
    },
    /// Its `program` digest is another one than stated.
    #[error("the program's hash is {computed}, but the document states {stated}")]
    ProgramMismatch {
        /// What `integrity.program` says.
        stated: Digest,
        /// What its bytes give.
        computed: Digest,
    },
    /// It is sound, but not the one that the run started with.
    #[error("the run is pinned to {pinned}, but this document is {computed}")]
    NotPinned {
        /// What the run started with.
        pinned: Digest,
        /// What this document is.
        computed: Digest,
    },
    /// A signature's value is not base64 of 64 bytes.
    #[error("signature {index} by key {key_id} is not the base64 of 64 bytes")]
    MalformedSignature {
        /// Its position, from 0.
        index: usize,
        /// The key that it names.
        key_id: String,
    },
    /// A signature does not verify under the key that it names, or only under another one.
    #[error("signature {index} does not verify under key {key_id}")]
    BadSignature {
        /// Its position, from 0.
        index: usize,
        /// The key that it names.
        key_id: String,
    },
    /// Nobody who signed is trusted.
    #[error("no signature is of a trusted key; signed by {}", .key_ids.join(", "))]
    NotTrusted {
        /// The keys that the signatures name.
        key_ids: Vec<String>,
    },
    /// Who signed was trusted once, and is not any more.
    #[error("key {key_id} (`{name}`) is distrusted")]
    Distrusted {
        /// The key.
        key_id: String,
        /// Its name in the trust list.
        name: String,
    },
    /// The trust in who signed ended.
    #[error("key {key_id} (`{name}`) expired at {expired_at} (Unix ms)")]
    Expired {
        /// The key.
        key_id: String,
        /// Its name in the trust list.
        name: String,
        /// Unix milliseconds.
        expired_at: i64,
    },
    /// A policy asks for more.
    #[error("{}", Unmet { flow, policy, found: *found })]
    PolicyUnmet {
        /// The flow's id.
        flow: String,
        /// What is asked.
        policy: TrustPolicy,
        /// How many different keys that count have signed.
        found: usize,
    },
}

/// Why a pinned document is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// A run goes on: a distrusted key stops it.
    Resume,
    /// A finished or stopped run is replayed: a distrusted key does not prevent that.
    Replay,
}

/// Checks a document before a run starts with it, or before it is published: its form, its hash, its signatures, their
/// keys' expiry, and the policies for its flow.
///
/// `now_ms` is Unix milliseconds: this crate reads no clock.
pub fn verify(bytes: &[u8], trust: &TrustList, now_ms: i64) -> Result<VerifiedIr, VerifyError> {
    let (document, hashed) = open(bytes)?;
    let signers = signers(&document, &hashed, trust, Pinned::Resume)?;
    current(&document, &signers, trust, now_ms)?;
    finish(bytes, document, &hashed, signers)
}

/// Checks a document that a run is pinned to, when it goes on or is replayed: its form, its hash and its signatures, but
/// no expiry and no policy, which held when the run started.
pub fn verify_pinned(
    bytes: &[u8],
    pinned: &Digest,
    trust: &TrustList,
    purpose: Pinned,
) -> Result<VerifiedIr, VerifyError> {
    let (document, hashed) = open(bytes)?;
    if hashed.hash != *pinned {
        return Err(VerifyError::NotPinned { pinned: *pinned, computed: hashed.hash });
    }
    let signers = signers(&document, &hashed, trust, purpose)?;
    finish(bytes, document, &hashed, signers)
}

impl VerifiedIr {
    /// Signs a document and verifies it under that key alone: for tests, and for flows made on the spot.
    pub fn signed(document: Document, key: &SigningKey) -> Result<Self, VerifyError> {
        let document = crate::sign::seal(document, &[key]);
        verify(&document.to_bytes(), &TrustList::of("own", key.public()), i64::MIN)
    }

    /// Checks again what time alone changes of what [`verify`] checked: that the keys have not expired, and so the policies.
    /// `trust` is the list that the document was verified under.
    pub fn still_trusted(&self, trust: &TrustList, now_ms: i64) -> Result<(), VerifyError> {
        current(&self.0.document, &self.0.signers, trust, now_ms)
    }

    /// The bytes that were verified: what is stored and sent. The document written anew could have another hash, because
    /// defaults that its author left out would stand in it.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// What was signed, and what a run pins.
    pub fn hash(&self) -> Digest {
        self.0.hash
    }

    /// Equal for equal programs, wherever they came from.
    pub fn program(&self) -> Digest {
        self.0.program
    }

    /// The keys whose signatures were checked.
    pub fn signers(&self) -> &[PublicKey] {
        &self.0.signers
    }

    /// What the load-time checks warn of.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.0.warnings
    }
}

/// Reads the document and compares the hashes that it states with those of its bytes.
fn open(bytes: &[u8]) -> Result<(Document, Hashed), VerifyError> {
    let (document, hashed) = validate::read_hashed(bytes).map_err(VerifyError::Malformed)?;
    let stated = integrity(&document)?;
    if stated.hash != hashed.hash {
        return Err(VerifyError::HashMismatch { stated: stated.hash, computed: hashed.hash });
    }
    if stated.program != hashed.program {
        return Err(VerifyError::ProgramMismatch { stated: stated.program, computed: hashed.program });
    }
    Ok((document, hashed))
}

fn finish(
    bytes: &[u8],
    document: Document,
    hashed: &Hashed,
    signers: Vec<PublicKey>,
) -> Result<VerifiedIr, VerifyError> {
    let warnings = validate::check(&document).map_err(VerifyError::Malformed)?.warnings;
    let (bytes, hash, program) = (bytes.to_vec(), hashed.hash, hashed.program);
    Ok(VerifiedIr(Arc::new(Verified { bytes, document, hash, program, signers, warnings })))
}

fn integrity(document: &Document) -> Result<&Integrity, VerifyError> {
    match &document.integrity {
        None => Err(VerifyError::NoSignature),
        Some(integrity) if integrity.signatures.is_empty() => Err(VerifyError::NoSignature),
        Some(Integrity { signatures, .. }) if signatures.len() > MAX_SIGNATURES => {
            Err(VerifyError::TooManySignatures { found: signatures.len() })
        }
        Some(integrity) => Ok(integrity),
    }
}

/// The keys of the trust list that signed, without repetition. A signature of a key that the list does not know is
/// passed over, as DSSE says; one that names a known key and does not verify under it refuses the document.
fn signers(
    document: &Document,
    hashed: &Hashed,
    trust: &TrustList,
    purpose: Pinned,
) -> Result<Vec<PublicKey>, VerifyError> {
    let signatures = &integrity(document)?.signatures;
    let message = pre_authentication_encoding(&hashed.payload);
    let mut good = Vec::new();
    let mut distrusted = None;
    for (index, signature) in signatures.iter().enumerate() {
        let Some(key) = signer(index, signature, &message, trust)? else { continue };
        match trust.distrusted.iter().find(|entry| entry.key == key) {
            Some(entry) if purpose == Pinned::Resume => distrusted = Some(entry),
            _ if good.contains(&key) => {}
            _ => good.push(key),
        }
    }
    match distrusted {
        _ if !good.is_empty() => Ok(good),
        Some(entry) => Err(VerifyError::Distrusted { key_id: entry.key.id(), name: entry.name.clone() }),
        None => {
            let key_ids: BTreeSet<String> = signatures.iter().map(|signature| signature.key_id.clone()).collect();
            Err(VerifyError::NotTrusted { key_ids: key_ids.into_iter().collect() })
        }
    }
}

/// The known key that made a signature; `None` when no known key has its id.
fn signer(
    index: usize,
    signature: &Signature,
    message: &[u8],
    trust: &TrustList,
) -> Result<Option<PublicKey>, VerifyError> {
    let key_id = || signature.key_id.clone();
    let value: [u8; 64] = BASE64
        .decode(&signature.value)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| VerifyError::MalformedSignature { index, key_id: key_id() })?;
    let known = trust.keys.iter().map(|entry| entry.key).chain(trust.distrusted.iter().map(|entry| entry.key));
    let (named, others): (Vec<PublicKey>, Vec<PublicKey>) = known.partition(|key| key.id() == signature.key_id);
    if let Some(key) = named.iter().find(|key| key.verifies(message, &value)) {
        return Ok(Some(*key));
    }
    // A known key's signature under another name was tampered with, too.
    if !named.is_empty() || others.iter().any(|key| key.verifies(message, &value)) {
        return Err(VerifyError::BadSignature { index, key_id: key_id() });
    }
    Ok(None)
}

/// The entries of the trust list that speak for those who signed, and still do.
fn unexpired<'a>(signers: &[PublicKey], trust: &'a TrustList, now_ms: i64) -> Result<Vec<&'a TrustedKey>, VerifyError> {
    let expiry = |entry: &TrustedKey| entry.expires_at.filter(|expires_at| *expires_at <= now_ms);
    let (expired, valid): (Vec<_>, Vec<_>) =
        trust.keys.iter().filter(|entry| signers.contains(&entry.key)).partition(|entry| expiry(entry).is_some());
    match expired.first().and_then(|entry| Some((entry, expiry(entry)?))) {
        Some((entry, expired_at)) if valid.is_empty() => {
            Err(VerifyError::Expired { key_id: entry.key.id(), name: entry.name.clone(), expired_at })
        }
        _ => Ok(valid),
    }
}

/// Whether those who signed are trusted now, and enough for the policies.
fn current(document: &Document, signers: &[PublicKey], trust: &TrustList, now_ms: i64) -> Result<(), VerifyError> {
    let valid = unexpired(signers, trust, now_ms)?;
    let flow = &document.flow.id;
    for policy in trust.policies.iter().filter(|policy| policy.concerns(flow)) {
        let found = votes(policy, &valid);
        if found < policy.signatures as usize {
            return Err(VerifyError::PolicyUnmet { flow: flow.clone(), policy: policy.clone(), found });
        }
    }
    Ok(())
}

/// How many different keys count for a policy.
fn votes(policy: &TrustPolicy, entries: &[&TrustedKey]) -> usize {
    let counts =
        |entry: &TrustedKey| policy.roles.is_empty() || entry.roles.iter().any(|role| policy.roles.contains(role));
    entries.iter().filter(|entry| counts(entry)).map(|entry| entry.key.as_bytes()).collect::<BTreeSet<_>>().len()
}

/// The first problems, in one line.
struct Listed<'a>(&'a [Diagnostic]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        for (position, diagnostic) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(formatter, "{separator}{}: {}", diagnostic.code, diagnostic.message(Locale::En))?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(formatter, "; and {more} more"),
        }
    }
}

struct Unmet<'a> {
    flow: &'a str,
    policy: &'a TrustPolicy,
    found: usize,
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flow, policy, found } = self;
        write!(formatter, "flow `{flow}` needs {} signatures", policy.signatures)?;
        if !policy.roles.is_empty() {
            write!(formatter, " of keys with the role {}", policy.roles.join(" or "))?;
        }
        write!(formatter, " (policy `{}`), but has {found}", policy.flow)
    }
}

#[cfg(test)]
mod tests;
