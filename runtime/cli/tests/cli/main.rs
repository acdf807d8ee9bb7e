//! The `bloom` binary, driven from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod agents;
mod archivist;
mod arguments;
mod artifacts;
mod callees;
mod codes;
#[cfg(unix)]
mod contexts;
mod conversation;
mod crash;
mod debug;
mod debugging;
mod disk;
mod edges;
mod forks;
mod hostile;
mod import;
mod interrupt;
mod limits;
#[cfg(feature = "otlp")]
mod otlp;
mod owner;
mod process;
mod refusal;
mod rehearse;
mod remote;
mod render;
mod replay;
mod research;
mod secrets;
mod serve;
mod served;
mod service;
mod sleep;
#[cfg(unix)]
mod soak;
mod support;
mod tls;
mod tool;
mod tool_versions;
mod unknown;
mod waits;
mod what_if;
mod whole;
#[cfg(unix)]
mod workers;
