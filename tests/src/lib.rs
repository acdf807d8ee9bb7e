//! What the end-to-end tests, the benches and the table of figures share: programs of a given size, and measures of
//! time and memory.

pub mod allocation;
pub mod corpus;
pub mod diagram;
pub mod measure;
pub mod program;
pub mod scale;
pub mod world;
