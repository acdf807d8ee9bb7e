//! A suspended run as data.
//!
//! Branches stand in one flat list, each named by its path, since forks may nest deeper than JSON should. A branch holds only
//! what differs from the state around it: a thousand branches over ten megabytes are not ten gigabytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bloom_ir::document::{Limits, NodeId};
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Standing};
use super::step::Core;
use super::tree::{Arm, Ended, Forked, FrameKey, Frames, Written};
use super::{End, Machine, RunInfo};
use crate::effect::{EffectError, EffectRequest};
use crate::expr::{Evaluator, Slot};
use crate::limit::weight;
use crate::program::{Branch, Inner, Op, Program};

/// The version of the format of [`Snapshot`]. Older ones are read too: version 1 knew no branches, version 2 no cost and no
/// limits but the program's.
pub const SNAPSHOT_VERSION: u32 = 3;

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
    /// What these answers have cost, in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost_micro_usd: u64,
    /// Proposals so far.
    pub proposals: u64,
    /// What the run may use, where that is less than the program's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The main branch.
    pub frame: FrameState,
    /// The branches of forks, each before those within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmState>,
    /// The paths of branches that can move, in the order in which they are to; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Vec<String>>,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A branch of a suspended run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameState {
    /// What the ids of its effects begin with.
    pub path: String,
    /// Where it is.
    pub node: NodeId,
    /// Its variables; of a fork's branch, those that are not as around the fork.
    pub variables: BTreeMap<String, Value>,
    /// Cursors that have not run out; of a fork's branch, those that are not as around the fork, null if they have.
    pub cursors: BTreeMap<String, Option<CursorState>>,
    /// How often each node was entered, if it was.
    pub visits: BTreeMap<NodeId, u64>,
    /// Nodes since the last recorded result.
    pub steps: u64,
    /// `run.now`, in Unix milliseconds.
    pub now: i64,
    /// When each timer fires that was started, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timers: BTreeMap<Arc<str>, i64>,
    /// Whether the document's `catch` has taken an error.
    pub catching: bool,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<EffectRequest>,
}

/// A branch of a fork that is being run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmState {
    /// It has not ended.
    Open(Box<FrameState>),
    /// It has come to the join, or failed.
    Ended {
        /// What the ids of its effects began with.
        path: String,
        /// What it hands on, in the order of its `writes`; empty when it failed.
        written: Vec<Value>,
        /// The error that it failed with, and where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<(EffectError, NodeId)>,
        /// `run.now` at its end, in Unix milliseconds.
        now: i64,
        /// Nodes since its last recorded result.
        steps: u64,
        /// When each timer fires that was started, in Unix milliseconds.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        timers: BTreeMap<Arc<str>, i64>,
    },
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
    #[error("the snapshot has format {found}, but this version reads formats 1 to {SNAPSHOT_VERSION}")]
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
    /// It cannot be read, or contradicts its program.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

fn damaged(what: impl Into<String>) -> RestoreError {
    RestoreError::Damaged(what.into())
}

impl Snapshot {
    /// Its bytes: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise"))
    }

    /// Reads what [`Snapshot::to_bytes`] wrote, in this version or in an older one. Of a newer one the version is told, whatever
    /// else it may hold.
    pub fn read(bytes: &[u8]) -> Result<Self, RestoreError> {
        /// What every version begins with.
        #[derive(Deserialize)]
        struct Version {
            snapshot: u32,
        }
        let unreadable = |error: serde_json::Error| damaged(error.to_string());
        let Version { snapshot: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if !(1..=SNAPSHOT_VERSION).contains(&found) {
            return Err(RestoreError::Version { found });
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }
}

impl Machine {
    /// The run as data.
    pub fn snapshot(&self) -> Snapshot {
        let program = self.program.inner();
        let mut arms = Vec::new();
        for (_, frame) in self.frames.in_order() {
            if let Some((outer, _)) = frame.outer {
                arms.push(ArmState::Open(Box::new(frame.to_state(program, Some(self.frames.get(outer))))));
            }
            let Standing::Forked(forked) = &frame.standing else { continue };
            arms.extend(forked.arms.iter().enumerate().filter_map(|(number, arm)| match arm {
                Arm::Open(_) => None,
                Arm::Ended(ended) => Some(ended.to_state(program, frame.branch_path(program, number))),
            }));
        }
        Snapshot {
            snapshot: SNAPSHOT_VERSION,
            program: program.hash,
            run: self.core.run.clone(),
            inputs: self.core.inputs.clone(),
            tokens: self.core.tokens,
            cost_micro_usd: self.core.cost,
            proposals: self.core.proposals,
            limits: Some(self.core.limits).filter(|own| own != self.program.limits()),
            frame: self.frames.main().to_state(program, None),
            arms,
            ready: Some(self.ready.iter().map(|key| self.frames.get(*key).path.to_string()).collect()),
            end: self.end.clone(),
        }
    }

    /// A run that goes on in place of the one that the snapshot was taken of: with its state, its counts and what it waits
    /// for, and as another run.
    pub fn continued(program: &Program, run: RunInfo, snapshot: Snapshot) -> Result<Self, RestoreError> {
        Self::restore(program, Snapshot { run, ..snapshot })
    }

    /// The machine that the snapshot was taken of. Its next turn asks again for all that it waits for.
    pub fn restore(program: &Program, snapshot: Snapshot) -> Result<Self, RestoreError> {
        if !(1..=SNAPSHOT_VERSION).contains(&snapshot.snapshot) {
            return Err(RestoreError::Version { found: snapshot.snapshot });
        }
        if snapshot.program != program.hash() {
            return Err(RestoreError::OtherProgram { snapshot: snapshot.program, program: program.hash() });
        }
        let inputs_weight = weight(&snapshot.inputs).map_err(|error| damaged(error.message))?;
        let inner = program.inner();
        let mut frames = Frames::new(snapshot.frame.restore(inner, Frame::start(inner, &snapshot.run))?);
        let mut paths = BTreeMap::from([(String::new(), FrameKey::MAIN)]);
        for arm in snapshot.arms {
            restore_arm(inner, &mut frames, &mut paths, arm)?;
        }
        if paths.values().any(|key| frames.get(*key).is_forked_to(*key)) {
            return Err(damaged("a branch of a fork is missing"));
        }
        let main_is_ready = matches!(frames.main().standing, Standing::Ready) && snapshot.end.is_none();
        let ready = snapshot.ready.unwrap_or_else(|| if main_is_ready { vec![String::new()] } else { Vec::new() });
        let ready: Option<VecDeque<FrameKey>> = ready.iter().map(|path| paths.get(path).copied()).collect();
        let ready = ready.ok_or_else(|| damaged("a branch is to move that is not there"))?;
        let pending = check_frames(&frames, &ready, snapshot.end.is_some())?;
        frames.main_mut().begin_turn();
        Ok(Self {
            program: program.clone(),
            core: Core {
                run: snapshot.run,
                inputs: snapshot.inputs,
                inputs_weight,
                evaluator: Evaluator::default(),
                limits: snapshot.limits.map_or(*program.limits(), |own| program.limits().narrowed(own)),
                tokens: snapshot.tokens,
                cost: snapshot.cost_micro_usd,
                proposals: snapshot.proposals,
            },
            frames,
            ready,
            asked: pending.keys().cloned().collect(),
            pending,
            trail: None,
            names: BTreeMap::new(),
            is_told: false,
            end: snapshot.end,
        })
    }
}

/// Checks that every branch moves, waits for an effect, or waits for branches; gives what waits for effects.
fn check_frames(
    frames: &Frames,
    ready: &VecDeque<FrameKey>,
    is_over: bool,
) -> Result<BTreeMap<crate::effect::EffectId, FrameKey>, RestoreError> {
    let mut pending = BTreeMap::new();
    let mut moving = 0;
    for (key, frame) in frames.in_order() {
        match &frame.standing {
            Standing::Ready => moving += 1,
            Standing::Waiting(request) => {
                pending.insert(request.id.clone(), key);
            }
            Standing::Forked(forked) if forked.open == 0 => return Err(damaged("a fork has no branch that is open")),
            Standing::Forked(_) => {}
        }
    }
    let can_move = |key: &FrameKey| matches!(frames.get(*key).standing, Standing::Ready);
    let different: BTreeSet<FrameKey> = ready.iter().copied().collect();
    if !ready.iter().all(can_move) || different.len() != ready.len() || (!is_over && ready.len() != moving) {
        return Err(damaged("what is to move does not fit what the branches wait for"));
    }
    Ok(pending)
}

impl Frame {
    /// `around` is the frame that its fork stands in.
    fn to_state(&self, program: &Inner, around: Option<&Frame>) -> FrameState {
        let region = program.region(self.region);
        let outer = |slots: &[Slot], slot: usize| slots[slot].0 as usize;
        let is_as_around = |slot: usize| {
            around.is_some_and(|around| {
                is_copy(&self.variables[slot], &around.variables[outer(&region.outer_variables, slot)])
            })
        };
        let variables = region.variables.iter().zip(&self.variables).enumerate();
        let variables = variables.filter(|(slot, _)| !is_as_around(*slot));
        let cursors = region.cursors.iter().zip(&self.cursors).enumerate().filter(|(slot, (_, cursor))| {
            let other = around.and_then(|around| around.cursors[outer(&region.outer_cursors, *slot)].as_ref());
            match (cursor, other) {
                (Some(cursor), Some(other)) => !cursor.is_copy_of(other),
                (cursor, other) => cursor.is_some() != other.is_some(),
            }
        });
        let visits = region.nodes.iter().map(|node| program.id(*node).clone()).zip(self.visits.iter().copied());
        FrameState {
            path: self.path.to_string(),
            node: program.id(self.node).clone(),
            variables: variables.map(|(_, (name, value))| (name.to_string(), value.clone())).collect(),
            cursors: cursors
                .map(|(_, (name, cursor))| (name.to_string(), cursor.as_ref().map(super::frame::Cursor::state)))
                .collect(),
            visits: visits.filter(|(_, visits)| *visits > 0).collect(),
            steps: self.steps,
            now: self.run.now,
            timers: self.timers.as_ref().clone(),
            catching: self.catching,
            pending: match &self.standing {
                Standing::Waiting(request) => Some((**request).clone()),
                Standing::Ready | Standing::Forked(_) => None,
            },
        }
    }
}

impl Frame {
    /// Whether a branch of its fork still has this key's frame in its place.
    fn is_forked_to(&self, key: FrameKey) -> bool {
        let is_placeholder = |arm: &Arm| matches!(arm, Arm::Open(open) if *open == key);
        matches!(&self.standing, Standing::Forked(forked) if forked.arms.iter().any(is_placeholder))
    }
}

/// Whether a value is the very same as another, found without looking through it: what was copied and not set is.
fn is_copy(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Arc::ptr_eq(one, other),
        (Value::List(one), Value::List(other)) => Arc::ptr_eq(one, other),
        (Value::Map(one), Value::Map(other)) => Arc::ptr_eq(one, other),
        (Value::Double(one), Value::Double(other)) => one.to_bits() == other.to_bits(),
        (Value::Null | Value::Bool(_) | Value::Int(_), _) => one == other,
        _ => false,
    }
}

impl Ended {
    fn to_state(&self, program: &Inner, path: String) -> ArmState {
        let (written, failed) = match &self.result {
            Ok(written) => (written.iter().map(|(_, value, _)| value.clone()).collect(), None),
            Err((error, at)) => (Vec::new(), Some(((**error).clone(), program.id(*at).clone()))),
        };
        ArmState::Ended {
            path,
            written,
            failed,
            now: self.now,
            steps: self.steps,
            timers: self.timers.as_ref().clone(),
        }
    }
}

/// Puts a branch beneath the fork that its path names.
fn restore_arm(
    program: &Inner,
    frames: &mut Frames,
    paths: &mut BTreeMap<String, FrameKey>,
    arm: ArmState,
) -> Result<(), RestoreError> {
    let path = match &arm {
        ArmState::Open(frame) => &frame.path,
        ArmState::Ended { path, .. } => path,
    };
    let lost = || damaged(format!("nothing forks into the branch {path}"));
    let trimmed = path.strip_suffix('/').ok_or_else(lost)?;
    let start = trimmed.rfind('/').map_or(0, |slash| slash.saturating_add(1));
    let (around, own) = trimmed.split_at(start);
    let number: usize = own.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).ok_or_else(lost)?;
    let outer = *paths.get(around).ok_or_else(lost)?;
    let frame = frames.get_mut(outer);
    let Op::Fork { branches, .. } = &program.node(frame.node).op else { return Err(lost()) };
    let branch = branches.get(number).filter(|_| frame.branch_path(program, number) == *path).ok_or_else(lost)?;
    if let Standing::Ready = frame.standing {
        // Until they are filled in.
        let arms = branches.iter().map(|_| Arm::Open(outer)).collect();
        frame.standing = Standing::Forked(Box::new(Forked { arms, open: 0 }));
    }
    let place = |forked: &Forked| matches!(forked.arms.get(number), Some(Arm::Open(key)) if *key == outer);
    match &frame.standing {
        Standing::Forked(forked) if place(forked) => {}
        _ => return Err(lost()),
    }
    let (arm, is_open) = match arm {
        ArmState::Open(state) => {
            let path = state.path.clone();
            let inner = state.restore(program, frame.branch(program, outer, number, branch))?;
            let key = frames.insert(inner);
            paths.insert(path, key);
            (Arm::Open(key), 1)
        }
        ArmState::Ended { written, failed, now, steps, timers, .. } => {
            let result = match failed {
                Some((error, node)) => {
                    let at = program.index(&node).ok_or_else(|| damaged(format!("there is no node {node}")))?;
                    Err((Box::new(error), at))
                }
                None => Ok(written_slots(branch, written)?),
            };
            (Arm::Ended(Box::new(Ended { result, now, steps, timers: Arc::new(timers) })), 0)
        }
    };
    if let Standing::Forked(forked) = &mut frames.get_mut(outer).standing {
        forked.arms[number] = arm;
        forked.open = forked.open.saturating_add(is_open);
    }
    Ok(())
}

fn written_slots(branch: &Branch, written: Vec<Value>) -> Result<Vec<Written>, RestoreError> {
    if written.len() != branch.writes.len() {
        return Err(damaged("a branch hands on another number of variables than it writes"));
    }
    let slots = branch.writes.iter().map(|(_, outer)| *outer);
    slots
        .zip(written)
        .map(|(slot, value)| {
            let weight = weight(&value).map_err(|error| damaged(error.message))?;
            Ok((slot, value, weight))
        })
        .collect()
}

impl FrameState {
    /// Puts it into a frame that stands at its start.
    fn restore(self, program: &Inner, mut frame: Frame) -> Result<Frame, RestoreError> {
        let region = program.region(frame.region);
        let index = |id: &NodeId| program.index(id).ok_or_else(|| damaged(format!("there is no node {id}")));
        if *frame.path != *self.path {
            return Err(damaged(format!("the main branch has the path `{}`", self.path)));
        }
        frame.node = index(&self.node)?;
        let local = |id: &NodeId| {
            let found = region.nodes.binary_search(&index(id)?);
            found.map_err(|_| damaged(format!("node {id} is not in this branch")))
        };
        if frame.exit != Some(frame.node) {
            local(&self.node)?;
        }
        for (name, value) in self.variables {
            let slot = region.variable(&name).ok_or_else(|| damaged(format!("there is no variable `{name}`")))?;
            frame.bind(slot, value, 0).map_err(|fault| damaged(fault.error.message))?;
        }
        for (name, state) in &self.cursors {
            let slot = region.cursor(name).ok_or_else(|| damaged(format!("there is no cursor `{name}`")))?;
            let Some(state) = state else {
                frame.close_cursor(slot);
                continue;
            };
            if !frame.restore_cursor(slot, state).map_err(|fault| damaged(fault.error.message))? {
                return Err(damaged(format!("the cursor `{name}` has no such position")));
            }
        }
        for (id, visits) in &self.visits {
            frame.visits[local(id)?] = *visits;
        }
        frame.steps = self.steps;
        frame.run.now = self.now;
        frame.timers = Arc::new(self.timers);
        frame.catching = self.catching;
        if let Some(pending) = self.pending {
            let asks = matches!(program.node(frame.node).op, Op::Ask { .. });
            if !asks || frame.exit == Some(frame.node) || pending.id != frame.id(program) {
                return Err(damaged(format!("node {} does not ask for {}", self.node, pending.id)));
            }
            frame.standing = Standing::Waiting(Box::new(pending));
        }
        Ok(frame)
    }
}
