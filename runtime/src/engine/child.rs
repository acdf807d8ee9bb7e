//! Runs that runs start.
//!
//! A child is a run of its own, with a history of its own, whose id follows from its parent's id and effect: so that a crash
//! between the parent's request and the child's start leads to one child and not to two. It pins the IR that its parent
//! names by hash. Its end is its parent's answer; the end of a parent that waits for it cancels it.

use bloom_interpreter::effect::{Answer, EffectError, EffectId, EffectRequest, FlowRequest, Usage};
use bloom_ir::document::{Action, Limits, NodeKind};
use bloom_ir::{Digest, Value, VerifiedIr};
use tokio::sync::mpsc::UnboundedSender;

use super::live::With;
use super::policy::{self, Refusal};
use super::run::{RunEnd, measured};
use super::submit::{Identity, Submit};
use super::{Engine, EngineError};
use crate::record::{Actor, ContextId, Parent, RunId, RunRecord};
use crate::store::StoreError;

/// The id of the run that an effect of a run starts.
pub fn child_id(parent: &RunId, effect: &EffectId) -> RunId {
    let hex = Digest::of(format!("{parent}/{effect}").as_bytes()).hex();
    // As a UUID of version 8 (RFC 9562, section 5.8), whose content is its maker's.
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    RunId::new(format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30)))
}

/// A child that is to be started.
pub(super) struct Start {
    pub(super) request: EffectRequest,
    pub(super) call: FlowRequest,
    pub(super) context: ContextId,
    /// How many runs stand above it.
    pub(super) depth: u32,
    /// What the run that starts it has left.
    pub(super) limits: Limits,
    /// That run's budget profile.
    pub(super) budget: Option<String>,
}

impl Engine {
    /// Starts a child that is not there yet, and has it driven. What keeps it from starting is the effect's error.
    pub(super) async fn start_child(
        &self,
        parent: &RunId,
        start: Start,
        want: &UnboundedSender<RunId>,
    ) -> Result<(), EngineError> {
        let mut id = child_id(parent, &start.request.id);
        let known = match self.store.run(&id).await? {
            Some(_) => Some(self.newest(&id).await?),
            None => None,
        };
        match known {
            Some(child) if child.status.is_terminal() && start.call.wait => {
                let end = self.recorded_end(&child).await?;
                return self.hand_up(parent, &start.request.id, &child, &end).await;
            }
            Some(child) => id = child.id,
            None => {
                if let Err(error) = self.submit_child(parent, &id, &start).await? {
                    return self.settle_flow(parent, &start.request.id, Err(error)).await;
                }
            }
        }
        // First, so that it is driven whatever becomes of its parent; one that has to wait is when its turn has come.
        if self.queue_position(&id).is_none() {
            // Nobody listens when the driver is gone.
            let _ = want.send(id.clone());
        }
        if start.call.wait {
            return Ok(());
        }
        let value = Value::from(id.as_str());
        self.settle_flow(parent, &start.request.id, Ok(Answer { value, usage: None })).await
    }

    async fn submit_child(
        &self,
        parent: &RunId,
        id: &RunId,
        start: &Start,
    ) -> Result<Result<(), EffectError>, EngineError> {
        let Start { request, call, context, depth, limits, budget } = start;
        let limit = self.config.max_depth;
        if *depth > limit {
            let message = format!("this flow would be the {depth}th below the first one; the limit is {limit}");
            let details = measured(limit.into(), (*depth).into());
            return Ok(Err(EffectError::new("limit_flow_depth", message).with_details(details)));
        }
        // It was started before a crash.
        if self.store.run_status(id).await?.is_some() {
            return Ok(Ok(()));
        }
        let Some(document) = self.store.flow_document(call.hash).await? else {
            let message = format!("the store does not have the flow `{}` with hash {}", call.flow, call.hash);
            return Ok(Err(EffectError::new("missing_flow", message)));
        };
        let ir = match self.verified(&document) {
            Ok(ir) => ir,
            Err(error) => {
                let message = format!("the flow `{}` is not trusted: {error}", call.flow);
                return Ok(Err(EffectError::new("untrusted_flow", message)));
            }
        };
        let by = Actor(format!("run:{parent}"));
        let (inputs, context) = (call.inputs.clone(), context.clone());
        let (setting, budget) = (Value::Null, budget.clone());
        let submit = Submit { ir, inputs, by, context, setting, limits: Some(*limits), budget, is_awaited: false };
        let parent = Parent { run: parent.clone(), effect: request.id.clone(), waits: call.wait, depth: *depth };
        let identity = Identity { id: id.clone(), parent: Some(parent), dispatched: false };
        let message = |error: &EngineError| format!("the flow `{}` was not started: {error}", call.flow);
        match self.submit_from(submit, identity).await {
            Ok(_) | Err(EngineError::Store(StoreError::RunExists(_))) => Ok(Ok(())),
            Err(EngineError::Context(denied)) => Ok(Err(denied.to_effect_error())),
            Err(EngineError::Inputs(error)) => Ok(Err(error)),
            Err(error @ EngineError::Refused(_)) => Ok(Err(EffectError::new("refused_flow", message(&error)))),
            Err(error @ EngineError::QueueFull(_)) => Ok(Err(EffectError::new("queue_full", message(&error)))),
            Err(error @ EngineError::Load(_)) => Ok(Err(EffectError::new("flow_not_executable", message(&error)))),
            Err(error) => Err(error),
        }
    }

    /// A child has ended: its parent, which is given back, has its answer.
    pub(super) async fn tell_parent(&self, child: &RunId, end: &RunEnd) -> Result<Option<RunId>, EngineError> {
        let record = self.record_of(child).await?;
        let Some(parent) = record.parent.clone().filter(|parent| parent.waits) else { return Ok(None) };
        self.hand_up(&parent.run, &parent.effect, &record, end).await?;
        Ok(Some(parent.run))
    }

    async fn hand_up(
        &self,
        parent: &RunId,
        effect: &EffectId,
        child: &RunRecord,
        end: &RunEnd,
    ) -> Result<(), EngineError> {
        let flow = &child.flow;
        // What it used counts against the limits of the run that waits for it, too. Which of its tokens went in and which
        // came out is in its own history.
        let usage = (child.tokens > 0 || child.cost_micro_usd > 0).then(|| Usage {
            input_tokens: child.tokens,
            cost_micro_usd: Some(child.cost_micro_usd),
            ..Usage::default()
        });
        let failed = |code: &str, message: String, details: Value| {
            let details = [("run", Value::from(child.id.as_str())), ("details", details)].into_iter().collect();
            let error = EffectError::new(code, format!("flow `{flow}`: {message}")).with_details(details);
            Err(EffectError { usage: usage.clone().map(Box::new), ..error })
        };
        let result = match end.clone() {
            RunEnd::Completed { result } => Ok(Answer { value: result, usage }),
            // The run that goes on in its place will tell.
            RunEnd::Continued { .. } => return Ok(()),
            RunEnd::Failed { error, .. } => failed(&error.code, error.message, error.details.unwrap_or_default()),
            RunEnd::Cancelled { reason } => failed("cancelled", format!("it was cancelled: {reason}"), Value::Null),
        };
        self.settle_flow(parent, effect, result).await
    }

    async fn settle_flow(
        &self,
        parent: &RunId,
        effect: &EffectId,
        result: Result<Answer, EffectError>,
    ) -> Result<(), EngineError> {
        let settled =
            self.happen_at_rest(parent, With::Nothing, |run, desk| Ok(run.settle(effect, 1, result, desk))).await;
        match settled {
            // It does not wait any more.
            Err(EngineError::Over { .. }) => Ok(()),
            other => other,
        }
    }

    /// Whether the run that waited for a run does not any more, or has ended: then the child ends, too.
    pub(super) async fn is_orphan(&self, child: &RunRecord) -> Result<bool, EngineError> {
        if child.orphaned {
            return Ok(true);
        }
        let Some(parent) = child.parent.as_ref().filter(|parent| parent.waits) else { return Ok(false) };
        let missing = || StoreError::NotFound { kind: "run", id: parent.run.to_string() };
        Ok(self.store.run_status(&parent.run).await?.ok_or_else(missing)?.is_terminal())
    }

    /// Cancels runs that nobody waits for any more. The store knows which they are: one that cannot be cancelled now is
    /// when it is driven.
    pub(super) async fn cancel_orphans(&self, parent: &RunId, orphans: Vec<RunId>) {
        for orphan in orphans {
            match Box::pin(self.cancel_orphan(&orphan, parent)).await {
                Ok(()) | Err(EngineError::Store(StoreError::NotFound { .. })) => {}
                Err(error) => tracing::warn!(run = %orphan, %error, "a run that nobody waits for cannot be cancelled"),
            }
        }
    }

    pub(super) async fn cancel_orphan(&self, orphan: &RunId, parent: &RunId) -> Result<(), EngineError> {
        let by = Actor(format!("run:{parent}"));
        match self.cancel(orphan, &by, "the run that started it does not wait for it any more").await {
            Err(EngineError::Over { .. }) => Ok(()),
            other => other,
        }
    }

    /// What stands against the flows that a flow calls, and those that they call: each must be in the store, be trusted, and
    /// be allowed to run here.
    pub(super) async fn check_called(&self, ir: &VerifiedIr) -> Result<Vec<Refusal>, EngineError> {
        let mut refusals = Vec::new();
        let mut known = vec![ir.hash()];
        let mut rest = called(ir);
        while let Some((flow, hash)) = rest.pop() {
            if known.contains(&hash) {
                continue;
            }
            known.push(hash);
            let Some(document) = self.store.flow_document(hash).await? else {
                refusals.push(Refusal::MissingFlow { flow, hash });
                continue;
            };
            match self.verified(&document) {
                Ok(ir) => {
                    rest.extend(called(&ir));
                    refusals.extend(policy::check(&ir, self.tools.as_ref()).err().into_iter().flatten());
                }
                Err(error) => refusals.push(Refusal::UntrustedFlow { flow, hash, message: error.to_string() }),
            }
        }
        Ok(refusals)
    }
}

/// The flows that a document calls.
fn called(ir: &VerifiedIr) -> Vec<(String, Digest)> {
    let nodes = ir.document().nodes.values();
    nodes
        .filter_map(|node| match &node.kind {
            NodeKind::Action(Action::Flow { flow, hash, .. }) => Some((flow.clone(), *hash)),
            _ => None,
        })
        .collect()
}
