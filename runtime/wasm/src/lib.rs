//! Runs tools: WebAssembly components in a sandbox.
//!
//! It is the only place where code from outside runs in this process. It is not where flows are run, and it decides
//! nothing about them: the engine says which tool, with what, and for how long.
//!
//! The contract with authors is the WIT package in `schemas/wit/bloom-tool`. What holds for every call:
//!
//! - A fresh instance, so no state passes from call to call.
//! - A component reaches what it imports, it imports what its manifest asks for and the operator granted, and nothing else
//!   exists. Folders are read below a root and never outside of it.
//! - Work (fuel), time, memory, input, output and log lines are limited, and a limit that is hit is an error with a code
//!   of its own. The same call with the same files gives the same answer, or the same error, on every machine;
//!   `timeout` alone depends on the machine.
//! - Input and output satisfy the schemas of the tool's manifest.
//! - Requests go to hosts that the operator granted, at public addresses unless the address was granted, and nowhere else.
//! - A tool's secrets are in none of what it hands out: taken out of log lines and errors, refused in its output.
//!
//! What a call fails with, beside the codes that tools choose themselves:
//!
//! | code | meaning |
//! |---|---|
//! | `unknown_tool`, `digest_mismatch` | there is no such tool, or another component than the pinned one |
//! | `not_granted`, `invalid_agent` | it asks for what the policy or the operator does not give |
//! | `invalid_input`, `input_too_large` | the arguments; the tool was not called |
//! | `invalid_output`, `output_too_large`, `log_too_large` | what it handed out |
//! | `secret_returned` | what it returned holds one of its settings |
//! | `out_of_fuel`, `timeout`, `out_of_memory`, `stack_overflow` | what it used up; only `timeout` is worth another attempt |
//! | `trap`, `not_started`, `host_failed` | it broke, cannot be instantiated, or the host is at fault |
//! | `tool_failed` | it reported a failure whose code is none |
//!
//! Failures of the interface `files` that a tool passes on: `not_found`, `path_refused`, `link_refused`, `not_a_file`,
//! `file_too_large`, `too_many_files`, `invalid_name`, `root_unreadable`, `unreadable`. Those of `http` and `artifacts` are in the
//! WIT package.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bloom_runtime::tool::ToolHost as _;
//! use bloom_wasm::{Config, WasmHost};
//!
//! let roots = [("notes".into(), "/home/me/notes".into())].into();
//! let host = WasmHost::new(Config { roots, ..Config::default() }, bloom_wasm::embedded())?;
//! for tool in host.installed() {
//!     println!("{} {}", tool.manifest.name, tool.digest);
//! }
//! # Ok(())
//! # }
//! ```

mod authorize;
mod bindings;
mod cache;
mod call;
mod code;
mod config;
mod deadline;
mod engine;
mod fault;
mod files;
mod folder;
mod folders;
pub mod grant;
mod host;
mod http;
mod inspect;
mod install;
mod manifest;
mod meter;
mod reactor;
mod registry;
mod shipped;

pub use call::{CallReport, LogLevel, LogLine};
pub use config::{Config, Limits};
pub use folder::ToolFolder;
pub use host::{HostError, NotInstalled, Origin, Rejected, RejectedError, WasmHost};
pub use http::Fetched;
pub use inspect::{Import, Inspection, Need};
pub use install::InstallError;
pub use shipped::embedded;
