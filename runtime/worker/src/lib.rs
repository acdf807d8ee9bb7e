//! Workers and what thinks for them.
//!
//! An *executor* answers one question of an `llm_call` node: [`Claude`] asks the Claude CLI, [`Command`] any program that
//! speaks the same envelope, [`Scripted`] looks the answer up in a file. [`InProcessWorker`] takes granted tasks from an
//! engine in the same process and hands them to an executor; [`RemoteWorker`] takes them from a server that is elsewhere.
//!
//! What it is not: it knows no store and no history, and it interprets no flow. It returns answers and errors; what becomes
//! of them is the engine's business.
//!
//! Invariants:
//! - An answer that leaves this crate satisfies the request's schema.
//! - A prompt never stands on a command line, where other users of the machine could read it.
//! - A process that was started is gone, with all its children, when its future ends or is dropped.
//! - A key is shown to no server that does not prove its name, where the URL says `https`.
//! - No executor retries, but for the one repair call after an answer that does not fit: retries belong to the task.
//!
//! ```
//! use bloom_worker::Scripted;
//!
//! let script = r#"{ "answers": [{ "prompt_contains": "Summarise", "answer": { "summary": "short" } }] }"#;
//! let executor = Scripted::parse(script)?;
//! # Ok::<(), bloom_worker::ScriptError>(())
//! ```

mod answer;
mod claude;
mod command;
mod envelope;
mod environment;
mod failure;
#[cfg(test)]
mod fake;
mod in_process;
mod process;
mod prompt;
mod remote;
mod scripted;
mod trust;

pub use answer::{check_answer, read_answer};
pub use claude::{Claude, Detection, Login, Unavailable};
pub use command::Command;
pub use in_process::InProcessWorker;
pub use remote::{Flows, MakeStore, RemoteConfig, RemoteError, RemoteWorker, Transport};
pub use scripted::{ScriptError, Scripted};
pub use trust::{TlsFault, Trust, TrustError, is_exposed};
