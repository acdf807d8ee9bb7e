//! A suspended run as data.

use std::collections::BTreeMap;

use bloom_ir::document::NodeId;
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::{End, Machine, RunInfo};
use crate::effect::EffectRequest;
use crate::expr::Evaluator;
use crate::limit::weight;
use crate::program::{Inner, Op, Program};

/// The version of the format of [`Snapshot`].
pub const SNAPSHOT_VERSION: u32 = 1;

/// A suspended run. It is a cache: a run can always be rebuilt from its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`] when it was taken.
    pub snapshot: u32,
    /// The IR that it belongs to.
    pub program: Digest,
    /// Which run.
    pub run: RunInfo,
    /// Its inputs.
    pub inputs: Value,
    /// Tokens of all answers so far.
    pub tokens: u64,
    /// Proposals so far.
    pub proposals: u64,
    /// The main branch.
    pub frame: FrameState,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// A branch of a suspended run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameState {
    /// What the ids of its effects begin with.
    pub path: String,
    /// Where it is.
    pub node: NodeId,
    /// All variables.
    pub variables: BTreeMap<String, Value>,
    /// Cursors that have not run out.
    pub cursors: BTreeMap<String, CursorState>,
    /// How often each node was entered, if it was.
    pub visits: BTreeMap<NodeId, u64>,
    /// Nodes since the last recorded result.
    pub steps: u64,
    /// `run.now`, in Unix milliseconds.
    pub now: i64,
    /// Whether the document's `catch` has taken an error.
    pub catching: bool,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<EffectRequest>,
}

/// A collection that a loop goes over, and how far it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorState {
    /// A list or a map.
    pub over: Value,
    /// How many of its elements were taken.
    pub position: u64,
}

/// Why a snapshot is refused. The run can be rebuilt from its history instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It was taken by another version of the interpreter.
    #[error("the snapshot has format {found}, but this version reads format {SNAPSHOT_VERSION}")]
    Version {
        /// The version in it.
        found: u32,
    },
    /// It belongs to another program.
    #[error("the snapshot belongs to the program {snapshot}, not to {program}")]
    OtherProgram {
        /// What it belongs to.
        snapshot: Digest,
        /// What was given.
        program: Digest,
    },
    /// It contradicts its program.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

impl Machine {
    /// The run as data.
    pub fn snapshot(&self) -> Snapshot {
        let program = self.program.inner();
        let frame = &self.frame;
        let visits = program.ids.iter().cloned().zip(frame.visits.iter().copied());
        Snapshot {
            snapshot: SNAPSHOT_VERSION,
            program: program.hash,
            run: self.run.clone(),
            inputs: self.inputs.clone(),
            tokens: self.tokens,
            proposals: self.proposals,
            frame: FrameState {
                path: frame.path.to_string(),
                node: program.id(frame.node).clone(),
                variables: self.state(),
                cursors: self.cursors(),
                visits: visits.filter(|(_, visits)| *visits > 0).collect(),
                steps: frame.steps,
                now: frame.run.now,
                catching: frame.catching,
                pending: frame.pending.as_deref().cloned(),
            },
            end: self.end.clone(),
        }
    }

    /// The machine that the snapshot was taken of.
    pub fn restore(program: &Program, snapshot: Snapshot) -> Result<Self, RestoreError> {
        if snapshot.snapshot != SNAPSHOT_VERSION {
            return Err(RestoreError::Version { found: snapshot.snapshot });
        }
        if snapshot.program != program.hash() {
            return Err(RestoreError::OtherProgram { snapshot: snapshot.program, program: program.hash() });
        }
        let inputs_weight = weight(&snapshot.inputs).map_err(|error| RestoreError::Damaged(error.message))?;
        let frame = snapshot.frame.restore(program.inner(), &snapshot.run)?;
        Ok(Self {
            program: program.clone(),
            run: snapshot.run,
            inputs: snapshot.inputs,
            inputs_weight,
            evaluator: Evaluator::default(),
            tokens: snapshot.tokens,
            proposals: snapshot.proposals,
            frame,
            end: snapshot.end,
        })
    }
}

impl FrameState {
    fn restore(self, program: &Inner, run: &RunInfo) -> Result<Frame, RestoreError> {
        let damaged = |what: String| RestoreError::Damaged(what);
        let node = |id: &NodeId| program.index(id).ok_or_else(|| damaged(format!("there is no node {id}")));
        let mut frame = Frame::start(program, run);
        frame.path = self.path.into();
        frame.node = node(&self.node)?;
        for (name, value) in self.variables {
            let slot = program.variable(&name).ok_or_else(|| damaged(format!("there is no variable `{name}`")))?;
            frame.bind(slot, value, 0).map_err(|fault| damaged(fault.error.message))?;
        }
        for (name, state) in &self.cursors {
            let slot = program.cursor(name).ok_or_else(|| damaged(format!("there is no cursor `{name}`")))?;
            if !frame.restore_cursor(slot, state).map_err(|fault| damaged(fault.error.message))? {
                return Err(damaged(format!("the cursor `{name}` has no such position")));
            }
        }
        for (id, visits) in &self.visits {
            frame.visits[node(id)?.0 as usize] = *visits;
        }
        frame.steps = self.steps;
        frame.run.now = self.now;
        frame.catching = self.catching;
        if let Some(pending) = self.pending {
            let asks = matches!(program.node(frame.node).op, Op::Ask { .. });
            if !asks || pending.id != frame.id(program) {
                return Err(damaged(format!("node {} does not ask for {}", self.node, pending.id)));
            }
            frame.pending = Some(Box::new(pending));
        }
        Ok(frame)
    }
}
