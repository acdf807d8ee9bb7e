//! What is known of a call when it is over.

use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;

use crate::http::Fetched;

/// A call that is over, with what it used: for whoever writes a tool, or looks for what is wrong with one. A run records the
/// result and nothing else.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// What it returned, or why it failed.
    pub result: Result<Value, EffectError>,
    /// Work, in wasmtime's fuel; 0 where the tool was not called.
    pub fuel: u64,
    /// The most linear memory that it had, in bytes.
    pub memory_bytes: usize,
    /// How long the tool ran, without waiting for its turn.
    pub took: Duration,
    /// What it logged, without secrets.
    pub log: Vec<LogLine>,
    /// The requests that it sent.
    pub fetched: Vec<Fetched>,
}

/// A line that a tool logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// Its text.
    pub text: String,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever writes the tool.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// What a call used.
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) took: Duration,
    pub(crate) log: Vec<LogLine>,
    pub(crate) fetched: Vec<Fetched>,
}

impl Used {
    pub(crate) fn report(self, result: Result<Value, EffectError>) -> CallReport {
        let Self { fuel, memory_bytes, took, log, fetched } = self;
        CallReport { result, fuel, memory_bytes, took, log, fetched }
    }
}
