//! Attacks on the host, by components.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access;
mod artifact;
mod contract;
mod install;
mod limits;
mod network;
mod support;
