//! What the end-to-end tests, the benches and the tables of figures share: programs of a given size, measures of time and
//! memory, and `bloom` as processes that are driven from outside, killed, and loaded.

pub mod allocation;
pub mod corpus;
pub mod diagram;
pub mod latency;
pub mod measure;
pub mod program;
pub mod scale;
pub mod served;
pub mod soak;
pub mod world;
