//! The routes under `/api/runtime`, as clients see them: each with its success and each of its errors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod agent;
mod contract;
mod enroll;
mod flow;
mod install;
mod key;
mod lease;
mod plane;
mod project;
mod push;
mod reads;
mod refusals;
mod remote;
mod skew;
mod stand_in;
mod state;
mod task;
mod token;
mod worker;
mod world;
