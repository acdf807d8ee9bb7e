//! The language of BLOOM: IR v0.1, the one format that is executed.
//!
//! A person draws an algorithm; a compiler turns the drawing into a *document* of this language; people and machines sign
//! it; an interpreter executes it. This page defines the language. The types of [`document`] are its wire format,
//! [`expr`] is its expression language, [`validate`] says which documents have a meaning, [`verify()`] which of them may
//! run.
//!
//! This crate is *not* the place where anything runs: it reads no file, no clock and no randomness, it starts no thread,
//! and nothing that it returns depends on when or where it is called.
//!
//! # A document
//!
//! A [`Document`] is one JSON object: what the flow is called, the schemas of its inputs and its result, the *policy*
//! that bounds what it may do, the *nodes* with one `entry`, and where errors go that no node takes (`catch`). `source`
//! says which icon of the diagram each node came from. `integrity` holds hashes and signatures. Unknown members are
//! refused everywhere, and a member without a value is absent, never `null`.
//!
//! A run begins at `entry` and goes from node to node along the targets that nodes name, until a `return`. Between two
//! effects it is a pure function of its state, so only effects are recorded, and a recorded run can be replayed exactly.
//!
//! # Nodes
//!
//! There are five types, and no more.
//!
//! - `action` is one operation, by its `op`. Pure: `set` binds a variable; `each` takes a snapshot of a list or a map
//!   under a *cursor*, and `iter` binds the cursor's next element, or goes to `done`. A jump out of a loop needs no
//!   clean-up, because `each` restarts its cursor. Effects: `tool`, `flow` (a child run, pinned by hash), `sleep`, `timer`,
//!   `await` (a signal, a timer or a person's answer), `fork` and `join`.
//! - `llm_call` is the only place where a model thinks. Its answer is JSON that satisfies the node's `output`.
//! - `decision` goes one of several ways: on a Boolean, or to the first case that holds a value.
//! - `emit` hands something out and never changes the state. A `proposal` names its action, literally, so that the
//!   policy's `safe_outputs` can be checked before anything runs.
//! - `return` ends the run.
//!
//! Any node may carry the schemas `input` and `output`, which are checked when it runs, and `on_error`, which names where
//! its error goes. An error that no node takes goes to the document's `catch`; an error in there, or without a `catch`,
//! ends the run as failed. A node's variables are bound on its `next` only: not when it fails, not on `on_timeout`, not
//! on `done`.
//!
//! The branches of a fork run over copies of the state. After the join there is the state at the fork, and for each
//! branch the variables that its `writes` names. Branches have no write in common and await no common name, and no edge
//! crosses their border, so the outcome never depends on which result came first.
//!
//! # Values, and when expressions are evaluated
//!
//! A [`Value`] is JSON: `null`, Booleans, 64-bit ints, finite doubles, texts, lists, and maps in UTF-8 order of their
//! keys. A number without a fraction that fits an int is one, however it is spelt.
//!
//! Every text that a node computes with is an expression of [`expr`] (CEL, a subset stated there) over the variables
//! `v['name']`, `input` and `run`. The expressions of a node are evaluated when the run comes to the node, before its
//! effect is asked for, each exactly once: those of a retried effect are not evaluated again, and `over` of an `each` is
//! not looked at again while the loop goes on. Evaluation is pure and bounded. It fails or gives a value, and no
//! expression sees an unset variable: that each is set before it is read is checked on load, along every path. The one
//! exception is what comes after a `catch`, where a variable that may be unset reads as null, which is a warning.
//! `run.now` is the time of the latest result that the run has consumed, not a clock.
//!
//! # Integrity
//!
//! `hash` is the SHA-256 of the canonical bytes (RFC 8785) of the document without `integrity`, as it is written: it is
//! what is signed and what a run pins. `program` leaves out `source` as well, so equal programs have equal ones, whatever
//! they were drawn in. A signature is Ed25519 (RFC 8032) over DSSE's encoding of the canonical bytes, so that other
//! tools can check it ([`dsse`]). JSON that readers may take differently (repeated keys, numbers that a double does not
//! hold) is refused before anything is hashed ([`canonical`]).
//!
//! Invariant: a [`VerifiedIr`] exists only where the form, the hash, the signatures, the [`TrustList`] and all load-time
//! checks held. Nothing else is executed.
//!
//! # An example
//!
//! ```
//! use bloom_ir::{SigningKey, TrustList, VerifyError, sign, validate, verify};
//!
//! let text = r#"{
//!   "ir": "0.1",
//!   "flow": { "id": "greet", "version": "1.0.0", "title": "Greet", "kind": "procedure", "locale": "en" },
//!   "inputs": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
//!   "outputs": { "type": "string" },
//!   "policy": {},
//!   "entry": "n1",
//!   "nodes": {
//!     "n1": { "type": "action", "op": "set", "into": "text", "value": "'Hello, ' + input.name", "next": "n2" },
//!     "n2": { "type": "return", "status": "completed", "value": "v['text']" }
//!   }
//! }"#;
//! let document = validate::read(text.as_bytes()).expect("the shape of a document");
//! validate::check(&document).expect("a document with a meaning");
//!
//! // Keys come from 32 random bytes; this crate has none of its own.
//! let key = SigningKey::from_seed(&[7; 32]);
//! let signed = sign::seal(document, &[&key]).to_bytes();
//!
//! let trust = TrustList::of("Anna", key.public());
//! let now = 1_800_000_000_000;
//! let ir = verify(&signed, &trust, now)?;
//! assert_eq!(ir.document().entry.as_str(), "n1");
//!
//! let forged = String::from_utf8(signed).unwrap().replace("Hello", "Adieu");
//! assert!(matches!(verify(forged.as_bytes(), &trust, now), Err(VerifyError::HashMismatch { .. })));
//! # Ok::<(), VerifyError>(())
//! ```

pub mod canonical;
pub mod capability;
pub mod catalogue;
pub mod diagnostic;
mod digest;
pub mod document;
pub mod dsse;
pub mod expr;
pub mod format;
pub mod integrity;
pub mod keys;
pub mod manifest;
mod messages;
pub mod schema;
pub mod sign;
pub mod trust;
pub mod validate;
pub mod value;
pub mod verify;

pub use diagnostic::Diagnostic;
pub use digest::{Digest, DigestError};
pub use document::Document;
pub use keys::{PublicKey, SigningKey};
pub use schema::CompiledSchema;
pub use trust::TrustList;
pub use value::Value;
pub use verify::{Pinned, VerifiedIr, VerifyError, verify, verify_pinned};
