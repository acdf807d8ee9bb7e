//! The runtime: drives the interpreter, has its effects performed, and keeps tasks, leases and proposals.
//!
//! [`engine`] brings runs to their end, over four traits that others implement: [`store::Store`] keeps everything,
//! [`tool::ToolHost`] runs tools in a sandbox, [`llm::LlmExecutor`] answers what an `llm_call` node asks, and [`clock`] makes
//! time and ids. A server needs a [`compiler::Compiler`] beside it. [`record`] holds what is stored, with the rules for how it may change; [`signers`] says whose signatures count; [`explain`] says what the errors of runs mean; [`apply`] makes the changes that a
//! person approved.
//!
//! What it is not: it has no storage engine, no sandbox, no network and no command line, and it never reads a diagram.
//!
//! Invariants:
//! - A result is durable before the next node runs; what leaves the process is durable before it is visible.
//! - Nothing but [`apply`] changes what a proposal is about, and only after a decision.
//! - Only this crate's callers make time, chance and ids; they come in through [`clock`].
//!
//! ```
//! use bloom_runtime::engine::{Engine, EngineError, RunEnd, Submit};
//!
//! async fn run(engine: &Engine, submit: Submit) -> Result<RunEnd, EngineError> {
//!     let id = engine.submit(submit).await?;
//!     // Also after a crash: whatever is recorded is not done again.
//!     engine.drive(&id).await
//! }
//! ```
pub mod apply;
pub mod clock;
pub mod compiler;
pub mod dispatch;
pub mod engine;
pub mod explain;
pub mod llm;
pub mod panics;
pub mod record;
pub mod signers;
pub mod store;
pub mod tool;
