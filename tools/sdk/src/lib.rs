//! Write a tool for BLOOM: a function over serde types becomes a sandboxed WebAssembly component.
//!
//! ```
//! # fn main() {}
//! use bloom_tool::{Failure, config, log};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Input {
//!     /// Whom to greet.
//!     name: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Output {
//!     greeting: String,
//! }
//!
//! /// Greets somebody.
//! #[bloom_tool::tool(effect = "read", capabilities = ["config:greeting"])]
//! fn greet(input: Input) -> Result<Output, Failure> {
//!     if input.name.trim().is_empty() {
//!         return Err(Failure::new("no_name", "there is nobody to greet"));
//!     }
//!     let word = config::get("greeting")?;
//!     log::info(format!("greeting {}", input.name));
//!     Ok(Output { greeting: format!("{word}, {}!", input.name) })
//! }
//! ```
//!
//! That is the whole tool. [`tool`] derives its manifest: the name from the function, the description from its doc comment, the
//! version from `Cargo.toml`, the schemas and the positional parameters from the types.
//!
//! # Building
//!
//! The package is a `cdylib`, and `bloom tool build` makes a component of it. By hand, that is
//! `cargo build --release --target wasm32-unknown-unknown` and `bloom tool build FILE.wasm`. There is no WASI: `std::fs`,
//! `std::env`, clocks, threads and sockets fail or panic in a tool. What a tool may reach is in the modules below, and needs a
//! capability:
//!
//! | module | capability | what it is |
//! |---|---|---|
//! | [`log`] | – | lines for the operator |
//! | [`config`] | `config:KEY` | settings and secrets that the operator gave the tool |
//! | [`files`] | `files:ROOT` | files below folders that the operator named, to read |
//! | [`artifacts`] | `artifacts:own`, `artifacts:all` | what runs handed out, to read |
//! | [`http`] | `http:HOST[:PORT] [METHOD…]` | requests to hosts that the operator granted |
//!
//! # Testing
//!
//! The function is an ordinary function: `cargo test` calls it natively, with a [`testing::Host`] that stands in for the
//! sandbox.
//!
//! ```
//! # #[derive(Debug, PartialEq)] struct Output(String);
//! # fn greet(name: &str) -> Result<Output, bloom_tool::Failure> {
//! #     Ok(Output(format!("{}, {name}!", bloom_tool::config::get("greeting")?)))
//! # }
//! # #[cfg(not(target_arch = "wasm32"))] {
//! use bloom_tool::testing::Host;
//!
//! let host = Host::new().config("greeting", "Вітаю");
//! assert_eq!(host.run(|| greet("Ada")), Ok(Output("Вітаю, Ada!".into())));
//! # }
//! ```
//!
//! # What holds for every call
//!
//! Each call gets a fresh instance: a `static` that one call sets is not there in the next. A panic stops the call, and its
//! message goes to the log. The same [`call_id`] comes with every attempt at the same call.

// The attribute names this crate as its users do, in this crate's own tests too.
extern crate self as bloom_tool;

pub mod artifacts;
pub mod config;
pub mod files;
pub mod http;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[doc(hidden)]
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, reason = "generated from the WIT package")]
#[rustfmt::skip]
pub mod bindings;
mod call;
mod failure;
mod host;
mod manifest;

pub use call::call_id;
#[doc(hidden)]
pub use call::export;
pub use failure::{Failure, OrFail};

/// Makes a tool of a function.
///
/// The function takes one argument, which is read from the call's JSON, and returns `Result<Output, Failure>`. The argument's
/// type implements `serde::Deserialize` and `schemars::JsonSchema`, the output's `serde::Serialize` and `schemars::JsonSchema`.
///
/// | | meaning | without it |
/// |---|---|---|
/// | `effect = "read"` | `read`, `operational` (it changes something outside) or `propose` (it returns a proposal) | must be there |
/// | `name = "…"` | in kebab-case | the function's name |
/// | `version = "…"` | a semantic version | that of the package |
/// | `description = "…"` | one sentence, for people and for models | the function's doc comment |
/// | `params = ["a", "b"]` | the names of positional arguments, in order | the required fields, in their order |
/// | `aliases = { "імʼя" = "name" }` | other names of arguments | none |
/// | `capabilities = ["files:notes"]` | what it asks for | nothing |
/// | `also_called = ["other-name"]` | other names of the tool | none |
/// | `failures = { "empty_note" = "the note has no words" }` | the codes that it fails with, and what each means | none |
/// | `manifest = "manifest.json"` | a file beside `Cargo.toml` that is the manifest instead of all above | |
///
/// With `manifest`, the types need no `JsonSchema`.
///
/// Beside the function stands a module of its name with `manifest() -> String` and `invoke(call_id, input)`, which take and
/// return JSON as the component does, for tests.
pub use bloom_tool_macros::tool;
