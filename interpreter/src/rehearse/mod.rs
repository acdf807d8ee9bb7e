//! Walks a program with answers from an oracle: nothing is computed, no tool runs, no LLM thinks.
//!
//! A rehearsal follows the ways of the graph alone. What a run would decide by values (questions, cases, further rounds of
//! loops, prose) is answered by an [`Oracle`], so every way can be tried before there is any data. [`rehearse`] gives the
//! [`Event`]s in terms of the diagram, and [`Coverage`] says what no rehearsal came to.
//!
//! It is not a run: expressions, contracts, limits and errors play no part in it, and handlers of errors are not entered.

mod coverage;
mod event;
mod oracle;
mod walk;

pub use coverage::{Coverage, IconWay, Missed, icon_ways};
pub(crate) use coverage::{arms, taken_case};
pub use event::Event;
pub use oracle::{HashOracle, Oracle};
pub use walk::{Bounds, End, Rehearsal, rehearse};
