//! A run in progress: plain data that a driver moves on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bloom_ir::document::{FlowKind, Limits, NodeId};
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::effect::{AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest, Emission, Outcome};
use crate::expr::Evaluator;
use crate::limit::CELL;
use crate::program::{Inner, NodeIndex, Op, Program};

mod ask;
mod frame;
mod inspect;
mod settle;
mod snapshot;
mod step;
mod trail;
mod tree;

use frame::{Frame, Standing};
pub use inspect::EvaluateError;
pub use snapshot::{ArmState, CursorState, FrameState, RestoreError, SNAPSHOT_VERSION, Snapshot};
use step::{Core, Fault, Move};
pub(crate) use trail::Done;
use trail::Trail;
use tree::{Arm, Failure, FrameKey, Frames};

/// What a node counts for in a slice, beside its expressions.
const NODE_STEPS: u64 = 100;

/// What an expression sees as `run`, beside the flow's id and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The run's id.
    pub id: String,
    /// When it started, in Unix milliseconds.
    pub started_at: i64,
}

/// How far a machine came.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What was handed out on the way, in order.
    pub emitted: Vec<Emission>,
    /// What it needs now.
    pub next: Next,
}

/// What a machine needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The answers to these effects, and to those that it asked for before and has no answer to ([`Machine::pending`]); the
    /// driver may perform all of them at the same time and resolve them in any order.
    Waiting(Vec<EffectRequest>),
    /// Nothing: the run is over.
    Finished(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum End {
    /// As drawn.
    Completed {
        /// Its result.
        result: Value,
    },
    /// By an error that nothing took, a limit, or its own decision.
    Failed {
        /// Why.
        error: EffectError,
        /// Where. Always there when the machine ended by itself.
        node: Option<NodeId>,
    },
}

/// An outcome that has no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The run has not asked for this effect.
    #[error("the run has not asked for effect {0}")]
    Unknown(EffectId),
    /// The effect has its outcome already.
    #[error("effect {0} is resolved already")]
    Resolved(EffectId),
    /// The run is over.
    #[error("the run is over; effect {0} cannot be resolved")]
    Finished(EffectId),
}

/// A run in progress.
///
/// It holds all of its state and shares the program. Between two calls it is suspended: it may be dropped and restored
/// from its [`Snapshot`], or rebuilt from its history.
#[derive(Clone, Debug)]
pub struct Machine {
    program: Program,
    core: Core,
    frames: Frames,
    /// The frames that can move, in the order in which they are to.
    ready: VecDeque<FrameKey>,
    /// What waits for an effect.
    pending: BTreeMap<EffectId, FrameKey>,
    /// Effects that were asked for in this turn.
    asked: Vec<EffectId>,
    /// Whether the turn is whole.
    is_told: bool,
    end: Option<End>,
    /// Which nodes were done after which, where somebody asked for it. No part of the state.
    trail: Option<Trail>,
    /// What errors call nodes, where that is not their ids. No part of the state.
    names: BTreeMap<NodeId, NodeId>,
}

impl Machine {
    /// Starts a run. The inputs are taken as [`Program::accept_inputs`] says; its error is this one's.
    pub fn start(program: &Program, run: RunInfo, inputs: Value) -> Result<Self, EffectError> {
        Self::start_within(program, run, inputs, *program.limits())
    }

    /// The same within narrower limits than the program's own; those that are wider change nothing.
    pub fn start_within(program: &Program, run: RunInfo, inputs: Value, limits: Limits) -> Result<Self, EffectError> {
        let inputs_weight = crate::limit::weight(&inputs)?;
        let inputs = program.accept_inputs(inputs)?;
        let frames = Frames::new(Frame::start(program.inner(), &run));
        let core = Core {
            run,
            inputs,
            inputs_weight,
            evaluator: Evaluator::default(),
            limits: program.limits().narrowed(limits),
            tokens: 0,
            cost: 0,
            proposals: 0,
        };
        Ok(Self {
            program: program.clone(),
            core,
            frames,
            ready: VecDeque::from([FrameKey::MAIN]),
            pending: BTreeMap::new(),
            asked: Vec::new(),
            is_told: false,
            end: None,
            trail: None,
            names: BTreeMap::new(),
        })
    }

    /// Runs pure nodes until it needs the world or the run is over. Without a [`Machine::resolve`] in between it says
    /// the same again, with nothing emitted twice.
    pub fn advance(&mut self) -> Turn {
        let mut emitted = Vec::new();
        loop {
            if let Some(next) = self.advance_within(u64::MAX, &mut emitted) {
                return Turn { emitted, next };
            }
        }
    }

    /// A slice of [`Machine::advance`], for who must be able to stop a long turn: goes on until it needs something, or until
    /// about `steps` steps are done, adds what is emitted, and gives `None` if it could go on. Slices of any sizes make the
    /// same turn.
    ///
    /// A step is one of an expression or a value that is counted for the state's size; a node is a hundred beside its
    /// expressions. Nodes are not divided: a slice may be longer by what one may take. Of no steps, nothing is done.
    pub fn advance_within(&mut self, steps: u64, emitted: &mut Vec<Emission>) -> Option<Next> {
        let program = self.program.clone();
        let program = program.inner();
        let (mut nodes, mut weighed): (u64, u64) = (0, 0);
        self.core.evaluator.reset_steps();
        while self.end.is_none()
            && let Some(key) = self.ready.front().copied()
        {
            let done = nodes.saturating_mul(NODE_STEPS).saturating_add(self.core.evaluator.steps());
            if done.saturating_add(weighed / CELL) >= steps {
                return None;
            }
            nodes = nodes.saturating_add(1);
            let frame = self.frames.get_mut(key);
            if frame.exit == Some(frame.node) {
                self.ready.pop_front();
                let moved = self.end_branch(program, key, None);
                if let Some(key) = moved {
                    self.ready.push_front(key);
                }
                continue;
            }
            if let Some(trail) = &mut self.trail {
                trail.note(key, &frame.path, frame.node);
            }
            let moved = self.core.step(program, frame, emitted);
            weighed = weighed.saturating_add(std::mem::take(&mut frame.weighed));
            match moved {
                Ok(Move::To(next)) => frame.node = next,
                Ok(Move::Ask(request)) => {
                    self.ready.pop_front();
                    self.asked.push(request.id.clone());
                    self.pending.insert(request.id.clone(), key);
                    frame.standing = Standing::Waiting(request);
                }
                Ok(Move::Fork) => {
                    self.ready.pop_front();
                    self.fork(program, key);
                }
                Ok(Move::End(end)) => self.end = Some(end),
                Err(fault) => {
                    self.ready.pop_front();
                    let moved = self.fail(program, key, fault);
                    if let Some(key) = moved {
                        self.ready.push_front(key);
                    }
                }
            }
        }
        self.is_told = true;
        Some(match &self.end {
            Some(end) => Next::Finished(end.clone()),
            None => Next::Waiting(self.asked.iter().filter_map(|effect| self.request(effect)).cloned().collect()),
        })
    }

    /// Starts the branches of a fork: the first of them is the first to move.
    fn fork(&mut self, program: &Inner, key: FrameKey) {
        let branches = self.frames.fork(program, key);
        if let Some(trail) = &mut self.trail {
            let fork = self.frames.get_mut(key).node;
            for branch in &branches {
                trail.begin(*branch, fork);
            }
        }
        let moved = if branches.is_empty() { self.join(program, key).into_iter().collect() } else { branches };
        moved.into_iter().rev().for_each(|key| self.ready.push_front(key));
    }

    /// A branch has come to its join, or failed. Gives the frame that can move now, if there is one.
    fn end_branch(&mut self, program: &Inner, key: FrameKey, failure: Option<Failure>) -> Option<FrameKey> {
        let outer = self.frames.end_branch(program, key, failure)?;
        self.join(program, outer)
    }

    fn join(&mut self, program: &Inner, key: FrameKey) -> Option<FrameKey> {
        match self.frames.join(program, key, self.core.inputs_weight) {
            Ok(()) => Some(key),
            Err(fault) => self.fail(program, key, fault),
        }
    }

    /// Hands in the recorded outcome of an effect, between two turns. On an error nothing has changed.
    pub fn resolve(&mut self, effect: &EffectId, outcome: Outcome) -> Result<(), ResolveError> {
        if self.end.is_some() {
            return Err(ResolveError::Finished(effect.clone()));
        }
        let Some(key) = self.pending.remove(effect) else { return Err(self.refusal(effect)) };
        if std::mem::take(&mut self.is_told) {
            self.asked.clear();
        }
        let program = self.program.clone();
        let program = program.inner();
        let frame = self.frames.get_mut(key);
        let Standing::Waiting(request) = std::mem::replace(&mut frame.standing, Standing::Ready) else {
            unreachable!("a frame that is pending waits")
        };
        frame.consume(outcome.at);
        let spent = match &outcome.result {
            Ok(answer) => answer.usage.as_ref(),
            Err(error) => error.usage.as_deref(),
        };
        self.core.spend(&request.call, spent);
        let moved = match self.core.settle(program, frame, &request, outcome.result) {
            Ok(()) => Some(key),
            Err(fault) => self.fail(program, key, fault),
        };
        // Behind what was resolved before: as if the machine had moved on in between.
        self.ready.extend(moved);
        self.frames.main_mut().begin_turn();
        Ok(())
    }

    /// Counts what an attempt cost after which an effect is tried again, as it is recorded.
    pub fn spend(&mut self, effect: &EffectId, error: &EffectError) {
        let call = self.request(effect).map(|request| request.call.clone());
        if let Some(call) = call {
            self.core.spend(&call, error.usage.as_deref());
        }
    }

    fn refusal(&self, effect: &EffectId) -> ResolveError {
        if self.has_asked(effect) {
            ResolveError::Resolved(effect.clone())
        } else {
            ResolveError::Unknown(effect.clone())
        }
    }

    /// Whether an effect of this id was asked for. Of a branch that has ended it is known only that it was run.
    fn has_asked(&self, effect: &EffectId) -> bool {
        let program = self.program.inner();
        let mut parts = effect.as_str().split('/').peekable();
        let mut frame = self.frames.main();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            let (id, branch) = match part.split_once('.') {
                Some((id, branch)) if !is_last => (id, branch.parse::<usize>().ok()),
                None if is_last => (part, None),
                _ => return false,
            };
            let Some((node, visit)) = id.rsplit_once('#') else { return false };
            let Some(index) = program.index(&NodeId::new(node)) else { return false };
            let Some(visit) = visit.parse::<u64>().ok().filter(|visit| *visit >= 1) else { return false };
            let op = &program.node(index).op;
            let local = program.region(frame.region).nodes.binary_search(&index);
            let visits = local.ok().and_then(|local| frame.visits.get(local)).copied().unwrap_or_default();
            if visit > visits {
                return false;
            }
            if is_last {
                return matches!(op, Op::Ask { .. });
            }
            let Op::Fork { branches, .. } = op else { return false };
            let Some(branch) = branch.filter(|branch| *branch < branches.len()) else { return false };
            match &frame.standing {
                Standing::Forked(forked) if frame.node == index && visit == visits => match &forked.arms[branch] {
                    Arm::Open(key) => frame = self.frames.get(*key),
                    Arm::Ended(_) => return true,
                },
                _ => return true,
            }
        }
        false
    }

    /// Sends an error where it belongs, from the node that a frame is at. Gives the frame that can move then, if there is
    /// one.
    fn fail(&mut self, program: &Inner, key: FrameKey, fault: Fault) -> Option<FrameKey> {
        let frame = self.frames.get_mut(key);
        let at = fault.at.unwrap_or(frame.node);
        if fault.ends_run {
            self.end_failed(program, *fault.error, at);
            return None;
        }
        let error = fault.error;
        let target = match (program.node(frame.node).on_error, program.catch) {
            (Some(target), _) => target,
            (None, _) if frame.outer.is_some() => return self.end_branch(program, key, Some((error, at))),
            (None, Some(catch)) if !frame.catching => {
                frame.catching = true;
                catch
            }
            _ => {
                self.end_failed(program, *error, at);
                return None;
            }
        };
        let named = self.names.get(program.id(at)).unwrap_or_else(|| program.id(at));
        if let Some(into) = target.into
            && let Err(fault) = frame.bind(into, error.to_value(named), self.core.inputs_weight)
        {
            self.end_failed(program, *fault.error, at);
            return None;
        }
        frame.node = target.to;
        Some(key)
    }

    fn end_failed(&mut self, program: &Inner, error: EffectError, at: NodeIndex) {
        self.end = Some(End::Failed { error, node: Some(program.id(at).clone()) });
    }

    fn request(&self, effect: &EffectId) -> Option<&EffectRequest> {
        match &self.frames.get(*self.pending.get(effect)?).standing {
            Standing::Waiting(request) => Some(request),
            Standing::Ready | Standing::Forked(_) => None,
        }
    }

    /// All effects that it waits for, in the order of their ids.
    pub fn pending(&self) -> impl Iterator<Item = &EffectRequest> {
        self.pending.keys().filter_map(|effect| self.request(effect))
    }

    /// Keeps from now on which nodes are done after which.
    pub(crate) fn keep_trail(&mut self) {
        self.trail = Some(Trail::default());
    }

    /// Keeps from now on a log of the nodes that it does.
    pub(crate) fn keep_log(&mut self) {
        self.trail = Some(Trail::with_log());
    }

    /// From now on, errors that the program handles call nodes by other names than their ids.
    pub(crate) fn call_nodes(&mut self, names: BTreeMap<NodeId, NodeId>) {
        self.names = names;
    }

    /// The nodes that it did since this was last asked.
    pub(crate) fn take_log(&mut self) -> Vec<Done> {
        self.trail.as_mut().map(Trail::take_log).unwrap_or_default()
    }

    /// Of each pair of nodes how often the second was done after the first, in one branch; the first node of a run comes
    /// after none.
    pub(crate) fn trail(&self) -> impl Iterator<Item = (Option<&NodeId>, &NodeId, u64)> {
        let program = self.program.inner();
        let pairs = self.trail.iter().flat_map(Trail::pairs);
        pairs.map(|(from, to, count)| (from.map(|from| program.id(from)), program.id(to), count))
    }

    /// The program that it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Which run it is.
    pub fn run(&self) -> &RunInfo {
        &self.core.run
    }

    /// The run's inputs as they were accepted: what is recorded.
    pub fn inputs(&self) -> &Value {
        &self.core.inputs
    }

    /// How the run ended, if it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Tokens of all answers so far.
    pub fn tokens(&self) -> u64 {
        self.core.tokens
    }

    /// What all LLM calls so far have cost, in millionths of a US dollar, as far as the providers say.
    pub fn cost_micro_usd(&self) -> u64 {
        self.core.cost
    }

    /// What it may use: the program's limits, or less.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// Whether another run could go on in its place: it is a run of a machine that waits for nothing but times and signals,
    /// which another run can wait for just so. Whatever else it waits for was begun in its name.
    pub fn may_be_continued(&self) -> bool {
        let can_be_asked_anew = |request: &EffectRequest| match &request.call {
            EffectCall::Sleep(_) => true,
            EffectCall::Await(wait) => !matches!(wait.what, AwaitedThing::Ask(_)),
            EffectCall::Tool(_) | EffectCall::Llm(_) | EffectCall::Flow(_) | EffectCall::Timer(_) => false,
        };
        self.program.flow().kind == FlowKind::Machine
            && self.end.is_none()
            && self.ready.is_empty()
            && self.pending().all(can_be_asked_anew)
    }

    /// `run.now`: when the latest result was recorded, in Unix milliseconds; before any, when the run started.
    pub fn now(&self) -> i64 {
        self.frames.main().run.now
    }

    /// `run.now` in the branch that waits for an effect.
    pub(crate) fn now_at(&self, effect: &EffectId) -> Option<i64> {
        Some(self.frames.get(*self.pending.get(effect)?).run.now)
    }

    /// The nodes that it stands at, one for each branch: of those that wait, or where the run ended.
    pub fn position(&self) -> Vec<NodeId> {
        let leaves = self.frames.in_order().filter(|(_, frame)| !matches!(frame.standing, Standing::Forked(_)));
        leaves.map(|(_, frame)| self.program.inner().id(frame.node).clone()).collect()
    }

    /// The branches of forks that have not ended, each before those within it.
    pub fn branches(&self) -> Vec<BranchState> {
        let program = self.program.inner();
        let branches = self.frames.in_order().skip(1);
        let named = |(name, value): (&Arc<str>, Value)| (name.to_string(), value);
        branches
            .map(|(_, frame)| BranchState {
                path: frame.path.to_string(),
                node: program.id(frame.node).clone(),
                now: frame.run.now,
                variables: frame.state(program).map(named).collect(),
            })
            .collect()
    }

    /// How often a node was entered on the main branch.
    pub fn visits(&self, node: &NodeId) -> u64 {
        let program = self.program.inner();
        let local = program.index(node).and_then(|index| program.main().nodes.binary_search(&index).ok());
        local.map_or(0, |local| self.frames.main().visits[local])
    }

    /// The variables by name; one that was not set is null.
    pub fn state(&self) -> BTreeMap<String, Value> {
        self.frames.main().state(self.program.inner()).map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// The cursors that have not run out, by name.
    pub fn cursors(&self) -> BTreeMap<String, CursorState> {
        self.frames.main().cursor_states(self.program.inner())
    }

    /// The SHA-256 of the bytes of the main branch's variables; cursors, frames and what a fork's branches have set and not
    /// handed on are not covered.
    pub fn state_hash(&self) -> Digest {
        self.hash_of(self.frames.main().variables.clone())
    }

    /// The same as it was when the turn under way began: at the start, after the latest outcome, or where the machine was
    /// restored.
    pub fn turn_state_hash(&self) -> Digest {
        self.hash_of(self.frames.main().turn_variables())
    }

    fn hash_of(&self, variables: Vec<Value>) -> Digest {
        let names = self.program.inner().main().variables.iter().cloned();
        let state: Value = names.zip(variables).collect();
        Digest::of(&state.to_bytes())
    }
}

/// Where a branch of a fork stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BranchState {
    /// What the ids of its effects begin with, as `n2#1.0/`.
    pub path: String,
    /// The node that it is at.
    pub node: NodeId,
    /// `run.now` in it, in Unix milliseconds.
    pub now: i64,
    /// Its variables: of those that the branch names; one that was not set is null.
    pub variables: BTreeMap<String, Value>,
}
