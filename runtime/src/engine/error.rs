//! Why the engine cannot do what was asked.

use std::io;

use bloom_interpreter::LoadError;
use bloom_interpreter::effect::EffectError;
use bloom_interpreter::replay::{RebuildError, Verdict};
use bloom_ir::{Digest, VerifyError};

use super::gate::QueueFull;
use super::policy::Refusal;
use super::profile::NoSuchBudget;
use super::run::RunEnd;
use crate::record::{ContextDenied, QuestionId, QuestionStatus, RunId, TaskId};
use crate::store::StoreError;

/// Why the engine cannot do what was asked. What a run itself runs into is no error of the engine: it is recorded in the
/// run's history.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The flow may not run here; nothing was started.
    #[error("the flow is refused: {}", listed(.0))]
    Refused(Vec<Refusal>),
    /// The agent does not work in the context; nothing was started. It stands in the audit log.
    #[error(transparent)]
    Context(ContextDenied),
    /// The document is not to be trusted.
    #[error(transparent)]
    Untrusted(#[from] VerifyError),
    /// The components that the flow pins cannot be kept beside it; nothing was started.
    #[error("the tools that the flow pins cannot be kept: {0}")]
    Tools(#[source] io::Error),
    /// The program cannot be executed.
    #[error("the flow cannot be executed")]
    Load(#[from] LoadError),
    /// The inputs are not what the flow takes; nothing was started.
    #[error("the inputs do not fit: {0}")]
    Inputs(#[source] EffectError),
    /// The store has the run, but not the IR that it pins.
    #[error("run {run} pins the IR {ir}, which the store does not have")]
    MissingIr {
        /// Which run.
        run: RunId,
        /// The IR.
        ir: Digest,
    },
    /// The history cannot be gone on with.
    #[error("run {run} cannot go on")]
    Rebuild {
        /// Which run.
        run: RunId,
        /// Why.
        #[source]
        source: Box<RebuildError>,
    },
    /// A run has no such event that a fork could leave it after.
    #[error("a fork of run {run} can share its first 1 to {most} events, not {at}")]
    ForkPoint {
        /// Which run.
        run: RunId,
        /// The event that was asked for.
        at: u64,
        /// The last one that can be shared; the end of a run cannot.
        most: u64,
    },
    /// By the IR that was given the run would not have come to where the fork is to leave it.
    #[error("run {run} would not have come to event {at} by the other IR: {verdict}")]
    ForkDiffers {
        /// Which run.
        run: RunId,
        /// The event that was asked for.
        at: u64,
        /// What the replay found.
        verdict: Box<Verdict>,
    },
    /// The budget profile that was named is not there; nothing was started.
    #[error(transparent)]
    NoSuchBudget(NoSuchBudget),
    /// The agent has all the runs that it may have; nothing was started.
    #[error(transparent)]
    QueueFull(QueueFull),
    /// The run waits until it may begin.
    #[error("run {0} has not begun: it waits for its turn")]
    NotBegun(RunId),
    /// The run has ended.
    #[error("run {run} has ended: {}", end.status_name())]
    Over {
        /// Which run.
        run: RunId,
        /// How.
        end: Box<RunEnd>,
    },
    /// No worker can go on for now, or none is there. The run is as it was, and can be resumed.
    #[error("run {run} waits: {error}")]
    Halted {
        /// Which run.
        run: RunId,
        /// What every worker ran into; `no_worker` where there is none.
        error: EffectError,
    },
    /// A worker's result could not be recorded. The run is as recorded, and can be resumed.
    #[error("run {run} stopped: {cause}")]
    Interrupted {
        /// Which run.
        run: RunId,
        /// Why.
        cause: String,
    },
    /// The flow awaits no signal of that name.
    #[error("run {run} awaits no signal `{name}`{}", known(.awaited))]
    NoSuchSignal {
        /// Which run.
        run: RunId,
        /// The name.
        name: String,
        /// The names that the flow awaits.
        awaited: Vec<String>,
    },
    /// What was sent is not what is asked for.
    #[error("what was sent is not what is asked for: {}", .problems.join("; "))]
    Payload {
        /// What is wrong with it.
        problems: Vec<String>,
    },
    /// What was sent is too large.
    #[error("what was sent has {bytes} bytes; the limit is {most}")]
    PayloadTooLarge {
        /// Its bytes.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// Too many signals wait for the run.
    #[error("{count} signals of {bytes} bytes wait for run {run}; it may be {most} of 1 MiB together")]
    TooManySignals {
        /// Which run.
        run: RunId,
        /// How many wait.
        count: usize,
        /// Their bytes together.
        bytes: usize,
        /// How many may.
        most: usize,
    },
    /// Nobody waits for an answer to the question any more.
    #[error("question {question} is {status:?}: nobody waits for an answer")]
    QuestionClosed {
        /// Which.
        question: QuestionId,
        /// Where it stands.
        status: QuestionStatus,
    },
    /// No worker is there that could take the task now.
    #[error("no worker with free capacity is there that can do task {0}")]
    NoWorker(TaskId),
    /// The task has had several leases: who acts on it must show which one is meant.
    #[error("task {0} was granted more than once: the lease and its epoch must be shown")]
    ProofNeeded(TaskId),
    /// A worker executes the run: nobody else drives it.
    #[error("run {0} is executed by a worker of a server, and is not driven here")]
    Dispatched(RunId),
    /// What a worker says of a run that it executes is not what comes next in the program.
    #[error("event {seq} of run {run} is not what comes next: {message}")]
    Unfollowed {
        /// Which run.
        run: RunId,
        /// The event that was refused.
        seq: u64,
        /// Why.
        message: String,
    },
    /// The run does not wait for that effect.
    #[error("run {run} does not wait for effect {effect}")]
    NoSuchEffect {
        /// Which run.
        run: RunId,
        /// Which effect.
        effect: String,
    },
}

impl EngineError {
    /// Whether the flow was refused by signature or policy: a matter of trust, not a failure.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Untrusted(_))
    }

    /// Whether the store must be opened anew before anything can go on.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_fatal())
    }

    /// Whether a run cannot go on because of its program or its history, and not because of anything that passes.
    pub(super) fn is_of_program(&self) -> bool {
        matches!(self, Self::Untrusted(_) | Self::Load(_) | Self::MissingIr { .. } | Self::Rebuild { .. })
    }

    /// Whether the run can be resumed later.
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Halted { .. } | Self::Interrupted { .. })
    }
}

fn known(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; it awaits {}", names.join(", ")) }
}

fn listed(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
