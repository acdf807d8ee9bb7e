//! IR v0.1.
pub mod diagnostic;
mod digest;
pub mod document;
pub mod expr {
    //! Expressions.
    pub mod ast;
}
pub mod manifest;
mod messages;
pub mod value;

pub use diagnostic::Diagnostic;
pub use digest::{Digest, DigestError};
pub use value::Value;
