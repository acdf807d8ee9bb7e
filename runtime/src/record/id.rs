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
