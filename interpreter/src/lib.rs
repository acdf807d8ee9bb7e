//! The interpreter.

mod contract;
pub mod effect;
pub mod expr;
pub mod history;
mod limit;
pub mod machine;
pub mod program;
pub mod record;
pub mod replay;

pub use limit::{Limit, MAX_STATE_BYTES};
pub use machine::{End, Machine, Next, ResolveError, RestoreError, RunInfo, Snapshot, Turn};
pub use program::{LoadError, Program};
