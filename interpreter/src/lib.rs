//! The interpreter.
pub mod effect;
pub mod history;
