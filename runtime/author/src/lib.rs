//! What authors of tools need: projects from templates, components from what compilers make, and the operator's grants.
//!
//! It runs no tool: that is `bloom-wasm`'s work. It prints nothing, and it asks for no decision.
//!
//! - [`template`] writes a project in one of five languages, with everything in it that is not the language's own.
//! - [`project`] is what `bloom-tool.toml` says, [`toolchain`] what of a language is missing on this machine and how it is
//!   installed, [`compile`] runs the language's own build.
//! - [`component`] makes a component of a core module from any compiler. [`wasi`] takes out imports of WASI, which no tool gets.
//! - [`sample`] reads the calls that a project keeps to be checked with.
//! - [`grant`] edits the operator's `bloom.toml`, and keeps comments.
//!
//! ```
//! # fn main() -> Result<(), bloom_author::component::ComponentError> {
//! use bloom_author::component::{Options, component};
//!
//! let error = component(b"\0asm\x01\0\0\0", Options::default()).unwrap_err();
//! assert!(error.to_string().contains("`describe`"));
//! # Ok(())
//! # }
//! ```

pub mod compile;
pub mod component;
pub mod grant;
pub mod project;
pub mod sample;
pub mod template;
pub mod toolchain;
pub mod wasi;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

    /// What projects are made of, by path below `templates/`.
    pub(crate) const FILES: &[(&str, &str)] = TEMPLATES;
    /// The SDK for Rust, by path below its folder.
    pub(crate) const RUST_SDK: &[(&str, &str)] = SDK;
    /// The versions of what the SDK for Rust needs.
    pub(crate) const RUST_LOCK: &str = LOCK;
    /// The contract with tools, by the names of its files.
    pub(crate) const CONTRACT: &[(&str, &str)] = WIT;
}
