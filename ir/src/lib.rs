//! IR v0.1.

pub mod canonical;
pub mod diagnostic;
mod digest;
pub mod document;
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
