use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_interpreter::replay::{self, IconWalk, Verdict, WhatIf};
use bloom_ir::Document;
use bloom_runtime::engine::Budgets;
use bloom_runtime::record::{self, Proposal, QuestionStatus, RunRecord, RunStatus};
use bloom_runtime::store::{RunFilter, Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::time;

/// A run: the gateway's members first, then those of this server.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
pub(crate) struct Run {
    pub(crate) run_id: String,
    /// The flow's id.
    pub(crate) agent_slug: String,
    /// Stored states; a run that waits is `running`, with `waiting`.
    #[schema(example = "running")]
    pub(crate) status: RunState,
    /// `manual`, or `event` for a run that a run started; `cron` is for runs that a time starts.
    pub(crate) trigger: &'static str,
    /// Null while it waits for its turn, and of one that was stopped before.
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) duration_ms: Option<i64>,
    /// The node of the effect that was asked for last and has no outcome yet.
    pub(crate) current_step: Option<String>,
    /// A flow does not say beforehand how many there will be.
    pub(crate) steps_total: Option<u64>,
    /// Effects that have their outcome.
    pub(crate) steps_completed: u64,
    /// The ids of its proposals.
    pub(crate) proposals_created: Vec<String>,
    /// `code: message`, where it failed.
    pub(crate) error: Option<String>,
    /// Its turn among the runs of the flow that wait, from 1; only while it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue_position: Option<u64>,

    pub(crate) created_at: String,
    pub(crate) flow_version: String,
    /// The hash of the program that it pins.
    pub(crate) ir: String,
    pub(crate) context_id: String,
    /// Whether it does nothing but wait for a time, a signal or a person.
    pub(crate) waiting: bool,
    /// When it goes on by itself, while it waits.
    pub(crate) wake_at: Option<String>,
    pub(crate) inputs: Value,
    /// What it returned, when completed.
    pub(crate) result: Option<Value>,
    /// Why it failed, in parts.
    pub(crate) error_details: Option<Value>,
    /// Tokens of all LLM calls together.
    pub(crate) tokens: u64,
    /// What they have cost, in millionths of a US dollar, as far as the providers say.
    pub(crate) cost_micro_usd: u64,
    /// The run in whose place it goes on.
    pub(crate) continues_run_id: Option<String>,
    /// The run that goes on in its place.
    pub(crate) continued_by_run_id: Option<String>,
    /// The number of recorded events.
    pub(crate) events: u64,
    /// The hash of the last of these.
    pub(crate) history_head: String,
    /// The run that started it.
    pub(crate) parent_run_id: Option<String>,
    /// The run whose first events it shares, where it is a fork.
    pub(crate) origin: Option<RunOrigin>,
    pub(crate) updated_at: String,
}

/// What a run is a fork of.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunOrigin {
    pub(crate) run_id: String,
    /// The number of the last event that both have.
    pub(crate) at: u64,
}

/// What is not in a run's record.
pub(crate) struct Counted {
    /// Effects that have their outcome.
    pub(crate) steps: u64,
    /// The node of the effect that was asked for last and has no outcome.
    pub(crate) current: Option<String>,
    /// From 1, of a run that waits for its turn.
    pub(crate) queue_position: Option<u64>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunState {
    Requested,
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    Continued,
}

impl From<RunStatus> for RunState {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Requested => Self::Requested,
            RunStatus::Queued => Self::Queued,
            RunStatus::Running => Self::Running,
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Continued => Self::Continued,
        }
    }
}

impl Run {
    /// With what is counted elsewhere.
    pub(crate) fn of(run: &RunRecord, counted: Counted, proposals: &[Proposal]) -> Self {
        let (started_at, ended) = (run.started_at(), run.status.is_terminal());
        let error = run.error.as_ref();
        Self {
            run_id: run.id.to_string(),
            agent_slug: run.flow.clone(),
            status: run.status.into(),
            trigger: if run.parent.is_some() { "event" } else { "manual" },
            started_at: started_at.map(time),
            finished_at: ended.then(|| time(run.updated_at)),
            duration_ms: started_at.filter(|_| ended).map(|at| run.updated_at.saturating_sub(at)),
            current_step: counted.current.filter(|_| !ended),
            steps_total: None,
            steps_completed: counted.steps,
            proposals_created: proposals.iter().rev().map(|proposal| proposal.id.to_string()).collect(),
            error: error.map(|error| format!("{}: {}", error.code, error.message)),
            queue_position: counted.queue_position,
            created_at: time(run.created_at),
            flow_version: run.version.clone(),
            ir: run.ir.to_string(),
            context_id: run.context.to_string(),
            waiting: run.waiting,
            wake_at: run.wake_at.map(time),
            inputs: run.inputs.to_json(),
            result: run.result.as_ref().map(bloom_ir::Value::to_json),
            error_details: error.and_then(|error| serde_json::to_value(error).ok()),
            tokens: run.tokens,
            cost_micro_usd: run.cost_micro_usd,
            continues_run_id: run.continues.as_ref().map(ToString::to_string),
            continued_by_run_id: run.continued_by.as_ref().map(ToString::to_string),
            events: run.events,
            history_head: run.history_head.to_string(),
            parent_run_id: run.parent.as_ref().map(|parent| parent.run.to_string()),
            origin: run.origin.as_ref().map(|origin| RunOrigin { run_id: origin.run.to_string(), at: origin.at }),
            updated_at: time(run.updated_at),
        }
    }
}

/// How many runs a filter lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) runs: u64,
    /// Whether there are no more.
    pub(crate) is_exact: bool,
}

impl Total {
    /// So many are counted within a time, where they are counted one by one.
    const MOST: u64 = 10_000;

    pub(crate) async fn of(store: &Arc<dyn Store>, filter: &RunFilter) -> Result<Self, StoreError> {
        let is_within = (filter.from, filter.to) != (None, None);
        let up_to = if is_within { Self::MOST + 1 } else { u64::MAX };
        Ok(Self::counted(store.count_runs(filter, up_to).await?, up_to))
    }

    /// Of what was counted until it was so much.
    fn counted(runs: u64, up_to: u64) -> Self {
        Self { runs: runs.min(up_to - 1), is_exact: runs < up_to }
    }
}

/// Runs, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    pub(crate) runs: Vec<Run>,
    /// All that the filter lets through; within a time no more than 10 000 are counted.
    pub(crate) total: u64,
    /// Whether there are no more than `total`.
    pub(crate) total_is_exact: bool,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// For the next page; null on the last one.
    pub(crate) next_cursor: Option<String>,
}

/// Recorded events.
#[derive(Serialize, ToSchema)]
pub(crate) struct History {
    pub(crate) run_id: String,
    /// As they were recorded: `seq`, `at` (Unix milliseconds), `type`, `payload`, `payload_sha256`, `prev`.
    pub(crate) events: Vec<Value>,
    /// The number to go on from; null where there are no more for now.
    pub(crate) next: Option<u64>,
}

/// The steps of a run: the effects that it asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Steps {
    pub(crate) run_id: String,
    pub(crate) steps: Vec<Value>,
}

/// What a run handed out.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunArtifacts {
    pub(crate) run_id: String,
    pub(crate) artifacts: Vec<RunArtifact>,
}

/// Something that a run handed out, and that does not change any more.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunArtifact {
    pub(crate) name: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub(crate) media_type: String,
    pub(crate) size_bytes: usize,
    /// When it was handed out.
    pub(crate) created_at: String,
    /// Its path on this server.
    pub(crate) download_url: String,
    /// From 1: how often the run has handed something out under this name.
    pub(crate) version: u64,
    /// The digest of the version before.
    pub(crate) supersedes: Option<String>,
    /// The run.
    pub(crate) job_id: String,
    /// Of its bytes.
    pub(crate) digest: String,
}

/// Which icons a run passed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trace {
    pub(crate) run_id: String,
    /// Whether the history agrees with the program.
    pub(crate) agrees: bool,
    pub(crate) verdict: String,
    /// How often each icon was passed.
    pub(crate) icons: BTreeMap<String, u64>,
    /// How often the run came from one icon to the next.
    pub(crate) ways: Vec<Way>,
    /// The icons at which the run stands, or ended.
    pub(crate) position: Vec<String>,
    /// How long was waited for effects, by icon, in milliseconds.
    pub(crate) waited_ms: BTreeMap<String, u64>,
}

/// A way between two icons.
#[derive(Serialize, ToSchema)]
pub(crate) struct Way {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) count: u64,
}

impl Way {
    fn all(ways: BTreeMap<(String, String), u64>) -> Vec<Self> {
        ways.into_iter().map(|((from, to), count)| Self { from, to, count }).collect()
    }
}

impl Trace {
    pub(crate) fn of(run: &RunRecord, walk: IconWalk, verdict: &Verdict) -> Self {
        Self {
            run_id: run.id.to_string(),
            agrees: verdict.agrees(),
            verdict: verdict.to_string(),
            icons: walk.icons,
            ways: Way::all(walk.ways),
            position: walk.position,
            waited_ms: walk.waited_ms,
        }
    }
}

/// What a replay found.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayReport {
    pub(crate) run_id: String,
    /// Whether every event that was looked at follows from the program.
    pub(crate) agrees: bool,
    /// How many events agree, from the first.
    pub(crate) agreed: u64,
    pub(crate) verdict: String,
    /// The first event that differs: `seq`, `what`, `path`, `recorded`, `replayed`, `node`, `place`.
    pub(crate) divergence: Option<Value>,
    /// Where the run stands after event `until`, with its variables; only where that was asked for.
    pub(crate) position: Option<Value>,
}

impl ReplayReport {
    pub(crate) fn of(run: &RunRecord, report: &replay::ReplayReport, with_position: bool) -> Self {
        let divergence = match &report.verdict {
            Verdict::Diverged(divergence) => serde_json::to_value(divergence).ok(),
            _ => None,
        };
        let position = report.position.as_ref().filter(|_| with_position);
        Self {
            run_id: run.id.to_string(),
            agrees: report.verdict.agrees(),
            agreed: report.agreed,
            verdict: report.verdict.to_string(),
            divergence,
            position: position.and_then(|position| serde_json::to_value(position).ok()),
        }
    }
}

/// What a run would have done, had one of its effects had another outcome.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhatIfReport {
    pub(crate) run_id: String,
    /// The effect.
    pub(crate) effect: String,
    /// Whether it would have gone another way, asked or handed out something else, or come to another end.
    pub(crate) diverges: bool,
    /// `same` (how many requests have their recorded answers), `findings`, `parting`, `emissions`, `outcome`, `first`.
    pub(crate) what_if: Value,
    /// How often each icon would have been passed.
    pub(crate) icons: BTreeMap<String, u64>,
    /// How often it would have come from one icon to the next.
    pub(crate) ways: Vec<Way>,
    /// The icons at which it would stand, or have ended.
    pub(crate) position: Vec<String>,
}

impl WhatIfReport {
    pub(crate) fn of(run: &RunRecord, effect: &str, what_if: &WhatIf, walk: IconWalk) -> Self {
        Self {
            run_id: run.id.to_string(),
            effect: effect.to_owned(),
            diverges: what_if.diverges(),
            what_if: serde_json::to_value(what_if).unwrap_or_default(),
            icons: walk.icons,
            ways: Way::all(walk.ways),
            position: walk.position,
        }
    }
}

/// A run in the terms of the Execution Protocol: what was asked for, and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Envelope {
    /// `task_id`, `context_id`, `flow_id`, `flow_version`, `ir_ref`, `ir_hash`, `inputs`, `limits`, `policy`, `lease`.
    pub(crate) task: Value,
    /// `task_id`, `status` (`success`, `failed`, `timeout`), `outputs`, `artifacts` (`artifact_id`, `type`, `url`), `logs` (`ts`,
    /// `phase`, `node_id`, `ms`), `metrics` (`latency_ms`, `tokens_used`, `retries`), and `error` where there is one; null while
    /// the run goes on.
    pub(crate) result: Option<Value>,
}

impl Envelope {
    /// What is asked for.
    pub(crate) fn task(run: &RunRecord, document: &Document) -> Value {
        let policy = &document.policy;
        let limits = run.limits.as_ref().unwrap_or(&policy.limits);
        let tools: Vec<&String> = policy.allowed_tools.keys().collect();
        json!({
            "task_id": run.id, "context_id": run.context, "flow_id": run.flow, "flow_version": run.version,
            "ir_ref": format!("artifacts/ir/{}-v{}.signed.json", run.flow, run.version), "ir_hash": run.ir,
            "inputs": run.inputs,
            "limits": {
                "timeout_seconds": limits.timeout_seconds, "max_tokens": limits.max_tokens,
                "cost_policy": run.budget.as_deref().unwrap_or(Budgets::STANDARD),
            },
            "policy": { "allowed_tools": tools, "sandbox": policy.sandbox },
            "lease": null,
        })
    }

    pub(crate) fn of(
        run: &RunRecord,
        document: &Document,
        proposals: &[Proposal],
        artifacts: &[Value],
        logs: &[Value],
        retries: u64,
    ) -> Self {
        let task = Self::task(run, document);
        let result = run.status.is_terminal().then(|| {
            let mut outputs = match run.result.as_ref().map(bloom_ir::Value::to_json) {
                Some(Value::Object(members)) => Value::Object(members),
                Some(other) => json!({ "result": other }),
                None => json!({}),
            };
            outputs["proposals"] = json!(proposals);
            let is_late = run.error.as_ref().is_some_and(|error| error.code == "timeout" || error.code == "limit_time");
            let status = match run.status {
                RunStatus::Completed => "success",
                RunStatus::Failed if is_late => "timeout",
                _ => "failed",
            };
            let mut result = json!({
                "task_id": run.id, "status": status, "outputs": outputs, "artifacts": artifacts, "logs": logs,
                "metrics": {
                    "latency_ms": run.started_at().map_or(0, |at| run.updated_at.saturating_sub(at)), "tokens_used": run.tokens,
                    "retries": retries,
                },
            });
            if let Some(error) = &run.error {
                result["error"] = json!(error);
            }
            result
        });
        Self { task, result }
    }
}

/// Questions, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Questions {
    pub(crate) questions: Vec<Question>,
}

/// What a run asks a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) run_id: String,
    /// The flow's id.
    pub(crate) agent_slug: String,
    pub(crate) node: String,
    /// `open`, `answered` or `closed`.
    pub(crate) status: &'static str,
    pub(crate) title: String,
    /// The question itself.
    pub(crate) text: String,
    /// What is asked, with all that it says: `title`, `text`, `schema`, …
    pub(crate) asked: Value,
    /// When the run goes on without an answer.
    pub(crate) until: Option<String>,
    pub(crate) answer: Option<Value>,
    pub(crate) answered_by: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Question {
    pub(crate) fn of(question: &record::Question) -> Self {
        Self {
            id: question.id.to_string(),
            run_id: question.run.to_string(),
            agent_slug: question.agent.clone(),
            node: question.node.to_string(),
            status: match question.status {
                QuestionStatus::Open => "open",
                QuestionStatus::Answered => "answered",
                QuestionStatus::Closed => "closed",
            },
            title: question.asked.title.clone(),
            text: question.asked.text.clone(),
            asked: serde_json::to_value(&question.asked).unwrap_or_default(),
            until: question.until.map(time),
            answer: question.answer.as_ref().map(bloom_ir::Value::to_json),
            answered_by: question.answered_by.as_ref().map(ToString::to_string),
            created_at: time(question.created_at),
            updated_at: time(question.updated_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_are_counted_are_no_exact_total() {
        assert_eq!(Total::counted(10_000, 10_001), Total { runs: 10_000, is_exact: true });
        assert_eq!(Total::counted(10_001, 10_001), Total { runs: 10_000, is_exact: false });
    }
}
