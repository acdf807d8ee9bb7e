//! Typed ids. They are minted at the edge and passed in.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as an id.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A run.
    RunId
    /// A unit of work for a worker.
    TaskId
    /// A grant of a task to a worker.
    LeaseId
    /// A worker.
    WorkerId
    /// Something that was made.
    ArtifactId
    /// A question to a person.
    QuestionId
    /// A proposal.
    ProposalId
    /// An inbox entry.
    InboxId
    /// An execution context.
    ContextId
    /// A managed project.
    ProjectId
    /// How a managed project is on a node.
    NodeStatusId
}

/// What no worker can be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a worker's name has 1 to 128 characters, no slash and no control character among them, and does not begin with local:"
)]
pub struct BadName;

/// What the ids of workers within an engine's process begin with: when the process is gone, so are they.
pub(crate) const LOCAL: &str = "local:";

impl WorkerId {
    /// What a worker from outside may be called: its name becomes a part of paths.
    pub fn named(name: &str) -> Result<Self, BadName> {
        let is_plain = (1..=128).contains(&name.chars().count())
            && !name.starts_with(LOCAL)
            && !name.contains(['/', '\\'])
            && !name.chars().any(char::is_control)
            && !matches!(name, "." | "..");
        if is_plain { Ok(Self::new(name)) } else { Err(BadName) }
    }

    /// Whether it is a part of a process, and gone with that.
    pub fn is_local(&self) -> bool {
        self.as_str().starts_with(LOCAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_have_names_that_are_one_part_of_a_path() {
        let longest = "ї".repeat(128);
        for name in ["rpi4b", "far away", "...", longest.as_str()] {
            assert_eq!(WorkerId::named(name).unwrap().as_str(), name);
        }
        let longer = "x".repeat(129);
        for name in ["", ".", "..", "a/b", "a\\b", "a\nb", "local:1", longer.as_str()] {
            assert_eq!(WorkerId::named(name), Err(BadName), "{name:?}");
        }
    }
}
