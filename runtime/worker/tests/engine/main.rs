//! The engine with a real store, a real worker and tools that are played.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod artifact;
mod budget;
mod context;
mod continued;
mod crash;
mod disk;
mod endless;
mod first;
mod fork;
mod lease;
mod limits;
mod order;
mod outage;
mod person;
mod policy;
mod proposal;
mod roster;
mod run;
mod stop;
mod tend;

mod time;
mod turn;
mod unknown;
mod wait;
mod world;
