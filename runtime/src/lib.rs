//! The engine: drives the interpreter, performs effects, keeps leases.
pub mod apply;
pub mod clock;
pub mod engine;
pub mod llm;
pub mod record;
pub mod store;
pub mod tool;
