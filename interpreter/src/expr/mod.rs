//! What expressions mean: the evaluator of the language whose syntax is [`bloom_ir::expr`].
//!
//! An expression is compiled once into a flat program over numbered slots, then evaluated as often as needed. The same
//! expression over the same values gives the same value, or the same error, on every machine and for ever.
//!
//! - It never panics, never hangs and never runs out of native stack: evaluation uses an explicit stack, and a
//!   [`Budget`] of steps and bytes ends what would take too long or grow too large.
//! - What a step is depends on the expression and its values alone, never on how this evaluator works: one for each
//!   node of the expression, whether or not it comes to be evaluated; for each element that a macro goes over, one for
//!   each node of its body; and for what functions and operators look through, one for each element or 64 bytes.
//! - A value that leaves is normal ([`Value`]), at most [`MAX_VALUE_DEPTH`] levels deep, and within the budget.
//!
//! # Meaning
//!
//! As in CEL, with the departures that IR 0.1 states: an int that meets a double becomes a double, `/` of two ints cuts
//! off towards zero, and an overflow or a result that is not finite is an error. Numbers compare and equal by value,
//! across int and double; values of different types are not equal; numbers, texts (by code points) and Booleans have an
//! order, others have none. `&&` and `||` evaluate from left to right and no further than needed, and absorb an error
//! on either side when the other side decides; so do `all` and `exists`. A macro over a map goes over its keys, in UTF-8
//! order. A missing member is an error.
//!
//! Further, keys of maps are texts, there is neither NaN nor infinity, a name that nothing defines is an error before
//! evaluation, and an int compares with a double exactly, also beyond 2^53.
//!
//! The tables that results depend on, beyond the code here: upper and lower case come from Rust's standard library,
//! with Unicode 17; classes as `\w` in regular expressions from `regex-syntax` 0.8, with Unicode 16. Tests compare
//! digests, so that a change cannot pass unnoticed.
//!
//! ```
//! use bloom_interpreter::expr::{Budget, Environment, Evaluator, RunVars, Slot, compile};
//! use bloom_ir::Value;
//!
//! let expr = bloom_ir::expr::parse("v['i'] + input.step")?;
//! let program = compile(&expr, &mut |name| (name == "i").then_some(Slot(0)))?;
//!
//! let input = [("step", Value::Int(2))].into_iter().collect();
//! let run = RunVars { id: "r1".into(), flow: "f".into(), version: "1.0.0".into(), started_at: 0, now: 0 };
//! let environment = Environment { variables: &[Value::Int(40)], input: &input, run: &run, budget: Budget::default() };
//! assert_eq!(Evaluator::default().evaluate(&program, &environment)?, Value::Int(42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Value`]: bloom_ir::Value

mod budget;
mod compile;
mod error;
mod evaluate;
mod functions;
mod operators;
mod order;
mod program;
mod regular;
mod settle;
mod stack;

pub use budget::Budget;
pub use compile::{CompileError, compile};
pub use error::EvalError;
pub use evaluate::{Environment, Evaluator, RunVars};
pub use program::{Program, Slot};
pub use settle::MAX_VALUE_DEPTH;

/// The Unix milliseconds of an RFC 3339 text, as `date.parse` reads it.
pub(crate) fn time_from_text(text: &str) -> Option<i64> {
    functions::date::from_text(text)
}

#[cfg(test)]
mod tests;
