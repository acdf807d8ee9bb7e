//! The Result Envelope of a run: what came of it, and what was done of it here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bloom_interpreter::effect::EffectError;
use bloom_ir::Digest;
use bloom_ir::document::EmitKind;
use bloom_runtime::clock::Clock;
use bloom_runtime::engine::{Asked, EffectSpot, Observer, Progress, RunEnd, Step, artifact};
use bloom_runtime::record::RunId;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::client;
use super::flow::Envelope;

/// An envelope has so many lines of a log; there may have been more.
const MOST_LINES: usize = 1000;

/// Takes note of what a run does here.
pub(super) struct Notes {
    task: String,
    worker: String,
    run: RunId,
    begun: Instant,
    clock: Arc<dyn Clock>,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    logs: Vec<Value>,
    artifacts: Vec<Value>,
    proposals: Vec<Value>,
    tokens: u64,
    retries: u64,
}

impl Notes {
    pub(super) fn new(envelope: &Envelope, worker: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            task: envelope.task_id.clone(),
            worker: worker.to_owned(),
            run: RunId::new(envelope.run_id.as_str()),
            begun: Instant::now(),
            clock,
            noted: Mutex::default(),
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        // Lists and numbers: a panic elsewhere cannot leave them half changed.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server is told of a run that ended by its history.
    pub(super) fn ended(&self, epoch: u64, end: &RunEnd) -> Value {
        match end {
            RunEnd::Completed { result } => self.envelope(epoch, "success", result.to_json(), None),
            RunEnd::Failed { error, .. } => self.failed(epoch, error),
            RunEnd::Cancelled { reason } => self.failed(epoch, &EffectError::new("cancelled", reason.as_str())),
            RunEnd::Continued { .. } => self.envelope(epoch, "failed", Value::Null, None),
        }
    }

    /// What it is told of one that failed, or cannot go on here.
    pub(super) fn failed(&self, epoch: u64, error: &EffectError) -> Value {
        let is_late = error.code == "timeout" || error.code == "limit_time";
        self.envelope(epoch, if is_late { "timeout" } else { "failed" }, Value::Null, Some(error))
    }

    fn envelope(&self, epoch: u64, status: &str, outputs: Value, error: Option<&EffectError>) -> Value {
        let noted = self.noted();
        let mut outputs = match outputs {
            Value::Object(members) => Value::Object(members),
            Value::Null => json!({}),
            other => json!({ "result": other }),
        };
        outputs["proposals"] = json!(noted.proposals);
        let mut envelope = json!({
            "epoch": epoch, "task_id": self.task, "status": status, "outputs": outputs, "artifacts": noted.artifacts,
            "logs": noted.logs,
            "metrics": {
                "latency_ms": millis(self.begun.elapsed()), "tokens_used": noted.tokens, "retries": noted.retries,
            },
        });
        if let Some(error) = error {
            envelope["error"] = json!(error);
        }
        envelope
    }

    fn settled(&self, effect: &EffectSpot, ms: u64, tokens: Option<u64>) {
        let (phase, node) = (phase(&effect.asks), effect.node.as_str());
        let Self { task, worker, run, .. } = self;
        tracing::info!(task_id = task, worker_id = worker, %run, phase, node_id = node, ms, tokens, "an effect was performed");
        let mut noted = self.noted();
        noted.tokens = noted.tokens.saturating_add(tokens.unwrap_or_default());
        if noted.logs.len() < MOST_LINES {
            let ts = Timestamp::from_millisecond(self.clock.now()).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
            let mut line = json!({ "ts": ts, "phase": phase, "node_id": node, "ms": ms });
            if let Some(tokens) = tokens {
                line["tokens"] = json!(tokens);
            }
            noted.logs.push(line);
        }
    }

    fn handed_out(&self, name: &str, digest: Digest) {
        let url = format!("/api/v1/runs/{}/artifacts/{}", self.run, client::segment(name));
        let mut noted = self.noted();
        // Of several with one name it is the last one.
        noted.artifacts.retain(|artifact| artifact["name"] != name);
        noted.artifacts.push(json!({ "artifact_id": digest, "type": "EXECUTION_RESULT", "name": name, "url": url }));
    }
}

impl Observer for Notes {
    fn observe(&self, progress: Progress) {
        match progress.step {
            Step::Settled { effect, took, usage, .. } => {
                let ms = took.map(millis).or(usage.as_ref().map(|usage| usage.latency_ms)).unwrap_or_default();
                self.settled(&effect, ms, usage.map(|usage| usage.tokens()));
            }
            Step::AttemptFailed { .. } => {
                let mut noted = self.noted();
                noted.retries = noted.retries.saturating_add(1);
            }
            Step::Emitted { emission, .. } => match emission.kind {
                EmitKind::Artifact => self.handed_out(&emission.name, artifact(&emission).1),
                EmitKind::Proposal => self.noted().proposals.push(json!(emission)),
                EmitKind::Event | EmitKind::Log => {}
            },
            Step::Started | Step::Resumed | Step::Performing { .. } | Step::Ended(_) => {}
        }
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What an effect is called in the Execution Protocol's logs.
fn phase(asks: &Asked) -> &'static str {
    match asks {
        Asked::Llm(_) => "llm_call",
        Asked::Tool(_) => "tool",
        Asked::Flow(_) => "flow",
        Asked::Sleep | Asked::Timer(_) | Asked::Signal(_) | Asked::Fired(_) | Asked::Person(_) => "wait",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bloom_interpreter::effect::{EffectId, Emission, Usage};
    use bloom_ir::document::NodeId;
    use bloom_ir::schema::CompiledSchema;

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> i64 {
            1_700_000_000_000
        }
    }

    fn notes() -> Notes {
        let hash = Digest::of(b"");
        let envelope = json!({ "task_id": "t1", "run_id": "r1", "context_id": "c1", "ir_hash": hash });
        Notes::new(&serde_json::from_value(envelope).unwrap(), "w1", Arc::new(Still))
    }

    fn spot(node: &str, asks: Asked) -> EffectSpot {
        EffectSpot {
            effect: EffectId::new(format!("{node}#1")),
            node: NodeId::new(node.to_owned()),
            visit: 1,
            place: None,
            asks,
            about: None,
        }
    }

    fn emission(kind: EmitKind, name: &str, value: &str) -> Step {
        let (id, node) = (EffectId::new("n4#1".to_owned()), NodeId::new("n4".to_owned()));
        let emission = Emission { id, node, kind, name: name.to_owned(), action: None, value: value.into() };
        Step::Emitted { emission, proposal: None }
    }

    fn tell(notes: &Notes, step: Step) {
        notes.observe(Progress { run: RunId::new("r1"), recorded: None, step });
    }

    #[test]
    fn envelope_says_what_was_done_and_what_came_of_it() {
        let notes = notes();
        let usage = Usage { input_tokens: 10, output_tokens: 5, latency_ms: 70, ..Usage::default() };
        let settled = |effect, took, usage| Step::Settled { effect, attempt: 1, took, error: None, usage };
        let error = EffectError::new("limit_time", "too late");
        let (effect, delay) = (spot("n2", Asked::Llm(None)), Duration::ZERO);
        tell(&notes, settled(spot("n1", Asked::Tool("echo".to_owned())), Some(Duration::from_millis(30)), None));
        tell(&notes, Step::AttemptFailed { effect: effect.clone(), attempt: 1, error: error.clone(), delay });
        tell(&notes, settled(effect, None, Some(usage)));
        tell(&notes, emission(EmitKind::Artifact, "a b", "old"));
        tell(&notes, emission(EmitKind::Artifact, "a b", "new"));
        tell(&notes, emission(EmitKind::Proposal, "summary", "text"));

        let schema = serde_json::from_str(include_str!("../../../../schemas/result-envelope-0.1.schema.json")).unwrap();
        let schema = CompiledSchema::compile(&schema).unwrap();
        let completed = RunEnd::Completed { result: [("n", bloom_ir::Value::Int(1))].into_iter().collect() };
        let ends = [
            (completed, "success"),
            (RunEnd::Completed { result: "text".into() }, "success"),
            (RunEnd::Failed { error, node: None }, "timeout"),
            (RunEnd::Failed { error: EffectError::new("other", "no"), node: None }, "failed"),
            (RunEnd::Cancelled { reason: "enough".to_owned() }, "failed"),
        ];
        let told: Vec<Value> = ends.iter().map(|(end, _)| notes.ended(7, end)).collect();
        for (told, (_, status)) in told.iter().zip(&ends) {
            assert_eq!(schema.validate(&told.clone().into()), Ok(()), "{told}");
            assert_eq!((&told["status"], &told["task_id"], &told["epoch"]), (&json!(status), &json!("t1"), &json!(7)));
        }
        assert_eq!((&told[0]["outputs"]["n"], &told[1]["outputs"]["result"]), (&json!(1), &json!("text")));
        assert_eq!(told[0]["outputs"]["proposals"][0]["name"], "summary");
        assert_eq!((&told[0]["error"], &told[3]["error"]["code"]), (&Value::Null, &json!("other")));
        let lines = told[0]["logs"].as_array().unwrap();
        let of =
            |line: &Value| (line["phase"].clone(), line["node_id"].clone(), line["ms"].clone(), line["tokens"].clone());
        assert_eq!(lines[0]["ts"], "2023-11-14T22:13:20Z", "as its clock says");
        assert_eq!(of(&lines[0]), (json!("tool"), json!("n1"), json!(30), Value::Null));
        assert_eq!(of(&lines[1]), (json!("llm_call"), json!("n2"), json!(70), json!(15)));
        let artifact = json!({
            "artifact_id": Digest::of(b"new"), "type": "EXECUTION_RESULT", "name": "a b",
            "url": "/api/v1/runs/r1/artifacts/a%20b",
        });
        assert_eq!(told[0]["artifacts"], json!([artifact]));
        let metrics = &told[0]["metrics"];
        assert_eq!((&metrics["tokens_used"], &metrics["retries"]), (&json!(15), &json!(1)));

        let mut wrong = told[0].clone();
        wrong["status"] = json!("done");
        assert!(schema.validate(&wrong.into()).is_err());
    }

    #[test]
    fn envelope_is_bounded() {
        let notes = notes();
        for _ in 0..=MOST_LINES {
            let effect = spot("n1", Asked::Sleep);
            tell(&notes, Step::Settled { effect, attempt: 1, took: None, error: None, usage: None });
        }
        let told = notes.failed(1, &EffectError::new("worker_error", "no"));
        assert_eq!(told["logs"].as_array().unwrap().len(), MOST_LINES);
    }
}
