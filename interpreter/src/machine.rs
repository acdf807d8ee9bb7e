//! A run in progress: plain data that a driver moves on.

use std::collections::BTreeMap;

use bloom_ir::document::{EmitKind, NodeId};
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::effect::{Answer, EffectCall, EffectError, EffectId, EffectRequest, Emission, Outcome};
use crate::expr::Evaluator;
use crate::limit::{CELL, Limit};
use crate::program::{Inner, Op, Program};

mod frame;
mod snapshot;
mod step;

use frame::Frame;
pub use snapshot::{CursorState, FrameState, RestoreError, SNAPSHOT_VERSION, Snapshot};
use step::{Fault, Move};

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
    /// The answers to these effects; the driver may perform them at the same time and resolve them in any order.
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
    run: RunInfo,
    inputs: Value,
    /// What the inputs count for in the state.
    inputs_weight: u64,
    evaluator: Evaluator,
    tokens: u64,
    proposals: u64,
    /// The main branch. Branches of a fork will be frames beneath it, each with a path of its own.
    frame: Frame,
    end: Option<End>,
}

impl Machine {
    /// Starts a run. The inputs are taken as [`Program::accept_inputs`] says; its error is this one's.
    pub fn start(program: &Program, run: RunInfo, inputs: Value) -> Result<Self, EffectError> {
        let inputs_weight = crate::limit::weight(&inputs)?;
        let inputs = program.accept_inputs(inputs)?;
        let frame = Frame::start(program.inner(), &run);
        Ok(Self {
            program: program.clone(),
            run,
            inputs,
            inputs_weight,
            evaluator: Evaluator::default(),
            tokens: 0,
            proposals: 0,
            frame,
            end: None,
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
        let mut nodes: u64 = 0;
        self.frame.weighed = 0;
        self.evaluator.reset_steps();
        while self.end.is_none() && self.frame.pending.is_none() {
            let done = nodes.saturating_mul(NODE_STEPS).saturating_add(self.evaluator.steps());
            if done.saturating_add(self.frame.weighed / CELL) >= steps {
                return None;
            }
            nodes = nodes.saturating_add(1);
            match self.step(program, emitted) {
                Ok(Move::To(next)) => self.frame.node = next,
                Ok(Move::Ask(request)) => self.frame.pending = Some(request),
                Ok(Move::End(end)) => self.end = Some(end),
                Err(fault) => self.fail(program, fault),
            }
        }
        self.waiting()
    }

    /// What it needs now, without moving; `None` when it can move.
    fn waiting(&self) -> Option<Next> {
        match (&self.end, &self.frame.pending) {
            (Some(end), _) => Some(Next::Finished(end.clone())),
            (None, Some(request)) => Some(Next::Waiting(vec![(**request).clone()])),
            (None, None) => None,
        }
    }

    /// Hands in the recorded outcome of an effect. On an error nothing has changed.
    pub fn resolve(&mut self, effect: &EffectId, outcome: Outcome) -> Result<(), ResolveError> {
        if self.end.is_some() {
            return Err(ResolveError::Finished(effect.clone()));
        }
        let Some(request) = self.frame.pending.take_if(|request| request.id == *effect) else {
            return Err(self.refusal(effect));
        };
        let program = self.program.clone();
        let program = program.inner();
        self.frame.consume(outcome.at);
        let bound = outcome.result.map_err(Fault::error).and_then(|answer| self.bind_answer(program, &request, answer));
        if let Err(fault) = bound {
            self.fail(program, fault);
        }
        Ok(())
    }

    fn bind_answer(&mut self, program: &Inner, request: &EffectRequest, answer: Answer) -> Result<(), Fault> {
        let node = program.node(self.frame.node);
        let Op::Ask { into, next, .. } = &node.op else {
            unreachable!("only a node that asks leaves a pending request, and the node stays until it is resolved")
        };
        if let (EffectCall::Llm(_), Some(usage)) = (&request.call, &answer.usage) {
            self.tokens = self.tokens.saturating_add(usage.input_tokens).saturating_add(usage.output_tokens);
        }
        let value = answer.value.normalized();
        let weight = crate::limit::weight(&value).map_err(Fault::limit)?;
        if let Some(output) = node.checks.as_ref().and_then(|checks| checks.output.as_ref()) {
            output.check(&value).map_err(Fault::error)?;
        }
        if let Some(into) = *into {
            self.frame.bind_weighed(into, value, weight, self.inputs_weight)?;
        }
        self.frame.node = *next;
        Ok(())
    }

    fn refusal(&self, effect: &EffectId) -> ResolveError {
        if self.frame.has_been_at(self.program.inner(), effect) {
            ResolveError::Resolved(effect.clone())
        } else {
            ResolveError::Unknown(effect.clone())
        }
    }

    /// Sends an error where it belongs, from the current node.
    fn fail(&mut self, program: &Inner, fault: Fault) {
        let at = self.frame.node;
        let id = program.id(at);
        if fault.ends_run {
            return self.end_failed(*fault.error, id);
        }
        let error = fault.error;
        let target = match (program.node(at).on_error, program.catch) {
            (Some(target), _) => target,
            (None, Some(catch)) if !self.frame.catching => {
                self.frame.catching = true;
                catch
            }
            _ => return self.end_failed(*error, id),
        };
        if let Some(into) = target.into
            && let Err(fault) = self.frame.bind(into, error.to_value(id), self.inputs_weight)
        {
            return self.end_failed(*fault.error, id);
        }
        self.frame.node = target.to;
    }

    fn end_failed(&mut self, error: EffectError, node: &NodeId) {
        self.end = Some(End::Failed { error, node: Some(node.clone()) });
    }

    /// Counts what is handed out against the run's limits.
    fn count_emission(&mut self, program: &Inner, kind: EmitKind) -> Result<(), Fault> {
        if kind == EmitKind::Proposal {
            let limit = u64::from(program.limits.max_proposals);
            let count = self.proposals.saturating_add(1);
            if count > limit {
                return Err(Fault::limit(Limit::Proposals.exceeded(limit, count)));
            }
            self.proposals = count;
        }
        Ok(())
    }

    /// The program that it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Which run it is.
    pub fn run(&self) -> &RunInfo {
        &self.run
    }

    /// The run's inputs as they were accepted: what is recorded.
    pub fn inputs(&self) -> &Value {
        &self.inputs
    }

    /// How the run ended, if it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Tokens of all answers so far.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// `run.now`: when the latest result was recorded, in Unix milliseconds; before any, when the run started.
    pub fn now(&self) -> i64 {
        self.frame.run.now
    }

    /// The nodes that it stands at, one for each branch: of those that wait, or where the run ended.
    pub fn position(&self) -> Vec<NodeId> {
        vec![self.program.inner().id(self.frame.node).clone()]
    }

    /// How often a node was entered on the main branch.
    pub fn visits(&self, node: &NodeId) -> u64 {
        self.program.inner().index(node).map_or(0, |index| self.frame.visits[index.0 as usize])
    }

    /// The variables by name; one that was not set is null.
    pub fn state(&self) -> BTreeMap<String, Value> {
        self.frame.state(self.program.inner()).map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// The cursors that have not run out, by name.
    pub fn cursors(&self) -> BTreeMap<String, CursorState> {
        self.frame.cursor_states(self.program.inner())
    }

    /// The SHA-256 of the variables' bytes; cursors and frames are not covered.
    pub fn state_hash(&self) -> Digest {
        let state: Value = self.frame.state(self.program.inner()).map(|(name, value)| (name.clone(), value)).collect();
        Digest::of(&state.to_bytes())
    }
}
