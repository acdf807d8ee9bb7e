//! The interpreter: runs a verified IR document as a pure state machine.
//!
//! A [`Program`] is a document compiled once. A [`Machine`] is one run of it: [`Machine::advance`] goes through pure nodes
//! until the run needs the world or is over, and [`Machine::resolve`] hands in what the world answered. [`record`] says
//! which events that makes and in which order, [`history`] chains them, and [`mod@replay`] holds a recorded history against
//! its program, or rebuilds a run from it. [`mod@rehearse`] walks a document without running it. [`expr`] is the meaning of expressions.
//!
//! It is *not* a driver: it calls no tool and no LLM, waits for nothing, stores nothing, and retries nothing.
//!
//! # How it stays deterministic
//!
//! - The same program, inputs and outcomes give the same turns, byte for byte, on every platform. There is no clock, no
//!   randomness, no I/O, no thread and no hash map in this crate; `clippy.toml` refuses them.
//! - Time enters with outcomes only: `run.now` is when the latest one was recorded.
//! - Ids are derived from node and visit ([`effect::EffectId`]), never drawn; visits are part of a snapshot.
//! - Maps are ordered by key; integers are checked; doubles are written in their shortest form and read back exactly.
//! - What an expression may use is counted in steps and bytes, never in time, so a limit is hit at the same place again.
//!
//! # Invariants
//!
//! - A machine of a loaded program never panics, whatever is handed in: what does not fit is an error and changes
//!   nothing.
//! - A suspended machine is plain data: [`Machine::snapshot`], dropped and restored at any point, goes on as if nothing
//!   had happened. So does one that was rebuilt from its history.
//! - A pure step allocates nothing but what its values need.
//! - An error goes to the node's `on_error`, else to the document's `catch`, else it ends the run. A [`Limit`] ends the run
//!   at once.
//!
//! ```
//! use bloom_interpreter::effect::{Answer, Outcome};
//! use bloom_interpreter::{End, Machine, Next, Program, RunInfo};
//! use bloom_ir::{SigningKey, Value, VerifiedIr};
//!
//! let document = serde_json::from_value(serde_json::json!({
//!     "ir": "0.1",
//!     "flow": { "id": "count", "version": "1.0.0", "title": "Count", "kind": "procedure", "locale": "en" },
//!     "inputs": {}, "outputs": {},
//!     "policy": { "allowed_tools": { "read-notes": { "effect": "read" } } },
//!     "entry": "n1",
//!     "nodes": {
//!         "n1": { "type": "action", "op": "tool", "tool": "read-notes", "into": "notes", "next": "n2" },
//!         "n2": { "type": "return", "status": "completed", "value": "size(v['notes'])" }
//!     }
//! }))?;
//! let program = Program::load(&VerifiedIr::signed(document, &SigningKey::from_seed(&[1; 32]))?)?;
//!
//! let run = RunInfo { id: "r1".to_owned(), started_at: 0 };
//! let mut machine = Machine::start(&program, run, Value::empty_map())?;
//! let Next::Waiting(requests) = machine.advance().next else { unreachable!() };
//! assert_eq!(requests[0].id.as_str(), "n1#1");
//!
//! let notes = ["a", "b"].map(Value::from).into_iter().collect();
//! machine.resolve(&requests[0].id, Outcome { result: Ok(Answer { value: notes, usage: None }), at: 5 })?;
//! assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: Value::Int(2) }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contract;
pub mod effect;
pub mod expr;
pub mod history;
mod limit;
pub mod machine;
pub mod program;
pub mod record;
pub mod rehearse;
pub mod replay;

pub use limit::{Limit, MAX_STATE_BYTES, usd};
pub use machine::{End, Machine, Next, ResolveError, RestoreError, RunInfo, Snapshot, Turn};
pub use program::{LoadError, Program};
