//! Artifacts, what runs handed out under a name, to read: capability `artifacts:own` for those of the calling agent,
//! `artifacts:all` for those of all agents of the run's context.

pub use crate::bindings::bloom::tool::artifacts::Artifact;
use crate::{Failure, host};

/// The artifact of a name that was handed out last.
pub fn latest(name: &str) -> Result<Artifact, Failure> {
    host::artifacts::find(name, None)
}

/// The artifact of a name that a run handed out last.
pub fn of_run(name: &str, run: &str) -> Result<Artifact, Failure> {
    host::artifacts::find(name, Some(run))
}

/// A whole artifact by its digest: text as UTF-8, anything else as JSON.
pub fn read(digest: &str) -> Result<Vec<u8>, Failure> {
    host::artifacts::read(digest)
}
