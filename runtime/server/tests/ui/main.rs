//! The operator's pages: what they show, of which nothing is taken for markup, and who sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access;
mod audit;
mod drawing;
mod fleet;
mod flow;
mod leases;
mod nodes;
mod overview;
mod pages;
mod proposals;
mod questions;
mod run;
mod runs;
mod settings;
mod tasks;
mod tools;
mod travel;
mod workers;
#[path = "../api/world.rs"]
#[allow(dead_code, reason = "it is also the world of the tests of the API")]
mod world;
