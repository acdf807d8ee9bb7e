//! The tests of the host of tools, whose properties are used here.
#[path = "../../runtime/wasm/tests/arbitrary/mod.rs"]
mod arbitrary;

pub use arbitrary::{calls_or_explains, examines_or_explains, reads_manifest_or_explains};
