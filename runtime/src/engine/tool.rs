//! A tool is called, as often as it takes.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError, EffectRequest, ToolRequest};
use bloom_ir::Value;
use bloom_ir::document::{OnUnknown, ToolEffect};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::live::With;
use super::open::Open;
use super::progress::{EffectSpot, Step};
use super::retry::Schedule;
use super::run::{Addition, Desk, Run, measured, with_last};
use super::{Engine, EngineError};
use crate::record::{ContextId, RunId};
use crate::tool::ToolCall;

/// What a tool asks for that reads the memory of its agent.
const MEMORY: &str = "files:memory";

/// A call of a tool that a run needs.
pub(super) struct Job {
    pub(super) request: EffectRequest,
    pub(super) call: ToolRequest,
    pub(super) spot: EffectSpot,
    /// The attempt that is due.
    pub(super) attempt: u32,
    /// Whether it was begun before a crash or a stop: it may have been performed.
    pub(super) is_unknown: bool,
    /// Whether it was begun before, and a person has said that it was not performed.
    pub(super) is_cleared: bool,
    /// The flow's id.
    pub(super) agent: String,
    pub(super) context: ContextId,
    pub(super) capabilities: Vec<String>,
    /// For all attempts and delays together.
    pub(super) node_limit: Duration,
}

impl Job {
    pub(super) fn new(run: &Run, open: &Open, call: &ToolRequest) -> Self {
        let Open { effect, begun, is_cleared, .. } = open;
        let allowed = run.policy().allowed_tools.get(&call.tool);
        Self {
            request: effect.ask().clone(),
            call: call.clone(),
            spot: run.spot(effect.ask()),
            attempt: effect.attempt(),
            is_unknown: *begun,
            is_cleared: *is_cleared,
            agent: run.agent().to_owned(),
            context: run.context.clone(),
            capabilities: allowed.map(|tool| tool.capabilities.clone()).unwrap_or_default(),
            node_limit: Duration::from_secs(run.limits().node_timeout_seconds.into()),
        }
    }
}

/// What a run that nobody has accepted yet is held up by its first call, at most.
const AT_ONCE: Duration = Duration::from_millis(10);

impl Engine {
    /// Calls the tool until it answers or fails for good, and records that.
    pub(super) async fn perform(&self, run: &RunId, job: Job) -> Result<(), EngineError> {
        let span = tracing::debug_span!("effect", %run, node = %job.spot.node, tool = %job.call.tool);
        self.perform_within(run, job).instrument(span).await
    }

    /// Makes the call that a new run begins with, if its answer may be kept together with the beginning: one call, which only reads,
    /// can do nothing but compute, and takes next to no time. Whatever else is the case is left to the run's driver, also a call
    /// that fails.
    pub(super) async fn answer_first(&self, run: &mut Run, addition: &mut Addition) {
        let Some(job) = run.only_call() else { return };
        if job.call.effect != ToolEffect::Read || !job.capabilities.is_empty() || !self.tools.is_brief(&job.call) {
            return;
        }
        let begun = Instant::now();
        let key = format!("{}/{}", run.id, job.request.id);
        let Ok(value) = self.call_once(&run.id, &job, key, AT_ONCE.min(self.own_limit(&job))).await else { return };
        let answer = Ok(Answer { value, usage: None });
        let Some(mut next) = run.settle(&job.request.id, job.attempt, answer, &self.desk()) else { return };
        for step in &mut next.steps {
            if let Step::Settled { took, .. } = step {
                *took = Some(begun.elapsed());
            }
        }
        addition.follow(next);
    }

    /// What one attempt may take, unless its node has less time left.
    fn own_limit(&self, job: &Job) -> Duration {
        job.call.timeout_seconds.map_or(self.config.tool_timeout, |own| Duration::from_secs(own.into()))
    }

    async fn perform_within(&self, run: &RunId, job: Job) -> Result<(), EngineError> {
        let is_operational = job.call.effect == ToolEffect::Operational;
        let may_repeat = !is_operational || job.call.on_unknown == Some(OnUnknown::Retry);
        if job.is_unknown && !may_repeat {
            let error = unknown(&job.call, "the run was stopped while the tool was being called");
            return self.settle_unknown(run, &job, job.attempt, error).await;
        }
        if job.is_cleared {
            self.note_called_again(run, &job).await?;
        }
        let schedule = Schedule::new(&self.config, job.call.retry.as_ref());
        let own_limit = self.own_limit(&job);
        let begun = Instant::now();
        let deadline = begun + job.node_limit;
        let key = format!("{run}/{}", job.request.id);
        let mut attempt = job.attempt;
        loop {
            self.tell_transient(run, Step::Performing { effect: job.spot.clone(), attempt });
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match self.call_once(run, &job, key.clone(), own_limit.min(left)).await {
                Ok(value) => {
                    // Other drivers come to this point first, so that their commits share a batch. Only where a stop in between
                    // leaves nothing to ask a person about.
                    if may_repeat && self.in_memory() > 1 {
                        tokio::task::yield_now().await;
                    }
                    return self.settle(run, &job, attempt, Ok(Answer { value, usage: None })).await;
                }
                Err(error) if error.code == "timeout" && !may_repeat => {
                    return self.settle_unknown(run, &job, attempt, unknown(&job.call, &error.message)).await;
                }
                Err(error) if error.code == "timeout" && left < own_limit => {
                    let error = out_of_time(begun.elapsed(), job.node_limit, attempt, &error);
                    return self.settle(run, &job, attempt, Err(error)).await;
                }
                Err(error) => error,
            };
            let delay = schedule.delay(attempt, &key);
            if attempt >= schedule.attempts || !schedule.may_retry(&error) {
                return self.settle(run, &job, attempt, Err(error)).await;
            }
            if Instant::now() + delay >= deadline {
                let error = out_of_time(begun.elapsed() + delay, job.node_limit, attempt, &error);
                return self.settle(run, &job, attempt, Err(error)).await;
            }
            self.note_attempt(run, &job, error, delay).await?;
            tokio::time::sleep(delay).await;
            attempt = attempt.saturating_add(1);
        }
    }

    async fn call_once(
        &self,
        run: &RunId,
        job: &Job,
        idempotency_key: String,
        limit: Duration,
    ) -> Result<Value, EffectError> {
        if job.capabilities.iter().any(|capability| capability == MEMORY) {
            self.fences.check_memory(run, &job.context, &job.agent).await?;
        }
        let timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let artifacts = self.fences.handed_out(run, &job.agent, &job.context);
        let call = self.tools.call(ToolCall {
            idempotency_key,
            agent: job.agent.clone(),
            request: job.call.clone(),
            capabilities: job.capabilities.clone(),
            timeout_ms,
            artifacts: Some(Arc::new(artifacts)),
            folders: None,
        });
        tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            let message = format!("tool `{}` did not answer within {timeout_ms} ms", job.call.tool);
            Err(EffectError { retryable: true, ..EffectError::new("timeout", message) })
        })
    }

    /// Nobody knows whether an operational tool did its work: a person is asked, or it is an error.
    async fn settle_unknown(
        &self,
        run: &RunId,
        job: &Job,
        attempt: u32,
        error: EffectError,
    ) -> Result<(), EngineError> {
        match job.call.on_unknown {
            Some(OnUnknown::Ask) => self.ask_outcome(run, job).await,
            _ => self.settle(run, job, attempt, Err(error)).await,
        }
    }

    async fn settle(
        &self,
        run: &RunId,
        job: &Job,
        attempt: u32,
        result: Result<Answer, EffectError>,
    ) -> Result<(), EngineError> {
        self.happen_to(run, &job.request, |run, desk| run.settle(&job.request.id, attempt, result, desk)).await
    }

    async fn note_attempt(
        &self,
        run: &RunId,
        job: &Job,
        error: EffectError,
        delay: Duration,
    ) -> Result<(), EngineError> {
        self.happen_to(run, &job.request, |run, desk| run.attempted(&job.request.id, error, delay, desk)).await
    }

    /// Something happens to an effect of a run. If the run ended meanwhile, nothing happens.
    async fn happen_to(
        &self,
        run: &RunId,
        request: &EffectRequest,
        make: impl FnOnce(&mut Run, &Desk<'_>) -> Option<Addition>,
    ) -> Result<(), EngineError> {
        let gone = || EngineError::NoSuchEffect { run: run.clone(), effect: request.id.to_string() };
        let done =
            self.happen_at_rest(run, With::Nothing, |run, desk| make(run, desk).map(Some).ok_or_else(gone)).await;
        match done {
            Err(EngineError::Over { .. }) => Ok(()),
            other => other,
        }
    }
}

/// Whether an operational tool did its work is not known.
fn unknown(call: &ToolRequest, cause: &str) -> EffectError {
    EffectError::new("outcome_unknown", format!("nobody knows whether `{}` did its work: {cause}", call.tool))
}

/// The time of the node is over, with all attempts and delays.
pub(super) fn out_of_time(active: Duration, limit: Duration, attempt: u32, last: &EffectError) -> EffectError {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let message = format!(
        "the node takes {:.1} s with all attempts and delays; its limit is {} s; attempt {attempt}: {}",
        active.as_secs_f64(),
        limit.as_secs(),
        last.message
    );
    let details = with_last(measured(milliseconds(limit), milliseconds(active)), last);
    EffectError { usage: last.usage.clone(), ..EffectError::new("limit_node_time", message).with_details(details) }
}
