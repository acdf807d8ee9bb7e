//! The operator's pages: what they show, what of it is escaped, and who sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access;
mod audit;
mod drawing;
mod flow;
mod pages;
mod proposals;
mod questions;
mod run;
mod settings;
mod travel;
#[allow(dead_code, reason = "the tests of the API use the rest")]
#[path = "../api/world.rs"]
mod world;
