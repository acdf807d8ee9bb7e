//! What the end-to-end tests, the benches and the table of figures share: programs of a given size, and a stopwatch.

pub mod corpus;
pub mod diagram;
pub mod measure;
pub mod program;
pub mod world;
