//! The API, route by route: each success, and each error of the table.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod artifacts;
mod audit;
mod budgets;
mod contexts;
mod description;
mod events;
mod flows;
mod guard;
mod network;
mod owners;
mod proposals;
mod questions;
mod runs;
mod tools;
mod turns;
mod web;
mod world;
