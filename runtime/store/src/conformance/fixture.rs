//! Records to put into a store.

use bloom_interpreter::effect::{
    Answer, EffectCall, EffectError, EffectId, Emission, LlmRequest, NodeRef, Question as Asked,
};
use bloom_interpreter::history::{Chain, Payload, Sealed, Started};
use bloom_ir::document::{EmitKind, NodeId};
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{
    Actor, Artifact, ArtifactId, AuditNote, Charge, ContextId, FlowRecord, InboxEntry, InboxId, InboxStatus,
    LeaseEnding, LeaseId, Proposal, ProposalId, ProposalStatus, Question, QuestionId, QuestionStatus, RunId, RunRecord,
    RunStatus, Task, TaskEffect, TaskId, TaskResult, TaskStatus, Turn, WorkerId,
};
use bloom_runtime::store::{Append, Grant, GrantAsk, Kept, LeaseEnd, Store, Submission};

/// When the fixtures happen, in Unix milliseconds.
pub const START: i64 = 1_700_000_000_000;

/// Writes the history of one run.
#[derive(Clone, Debug)]
pub struct Scribe {
    run: RunId,
    flow: String,
    chain: Chain,
    created_at: i64,
    now: i64,
}

impl Scribe {
    /// For a run that starts at [`START`].
    pub fn new(run: &str) -> Self {
        Self::of(run, "archivist", START)
    }

    /// For a run of a flow that starts at a time.
    pub fn of(run: &str, flow: &str, at: i64) -> Self {
        Self { run: RunId::new(run), flow: flow.to_owned(), chain: Chain::default(), created_at: at, now: at }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The hash of the last event.
    pub fn head(&self) -> Digest {
        self.chain.head()
    }

    /// The time of the last event.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The next events.
    pub fn events(&mut self, payloads: impl IntoIterator<Item = Payload>) -> Vec<Sealed> {
        payloads
            .into_iter()
            .map(|payload| {
                self.now += 1;
                self.chain.seal(self.now, payload)
            })
            .collect()
    }

    /// An append of the next events, which leave the run running.
    pub fn append(&mut self, payloads: impl IntoIterator<Item = Payload>) -> Append {
        let expected = self.chain.seq();
        Append::of(self.run.clone(), expected, self.events(payloads), RunStatus::Running)
    }

    /// An append that completes the run.
    pub fn completion(&mut self, result: &str) -> Append {
        let completed = Payload::RunCompleted { result: result.into(), state: Digest::of(b"state") };
        Append { status: RunStatus::Completed, ..self.append([completed]) }
    }

    /// An append that cancels the run.
    pub fn cancellation(&mut self) -> Append {
        let cancelled = Payload::RunCancelled { reason: "enough".to_owned() };
        Append { status: RunStatus::Cancelled, ..self.append([cancelled]) }
    }

    /// An append that asks for tasks of these effects, by order of the tasks' ids.
    pub fn asking(&mut self, tasks: &[(&str, &str)]) -> Append {
        let append = self.append(tasks.iter().map(|(_, effect)| requested(effect)));
        let tasks = tasks.iter().map(|(task, effect)| self.task(task, effect)).collect();
        let charge = Charge { calls: append.events.len() as u64, ..Charge::default() };
        Append { tasks, charge, ..append }
    }

    /// The run's submission, with `run.started`.
    pub fn submission(&mut self) -> Submission {
        let inbox = InboxEntry {
            id: InboxId::new(format!("inbox-{}", self.run)),
            source: owner(),
            action: "run-flow".to_owned(),
            target: format!("{}@1.0.0", self.flow),
            payload: Value::Null,
            status: InboxStatus::Processed,
            created_at: self.created_at,
            correlation_id: self.run.to_string(),
            approved_by: Some(owner()),
        };
        let inputs: Value = [("folder", Value::from("нотатки")), ("limit", Value::Double(0.1))].into_iter().collect();
        let run = RunRecord {
            id: self.run.clone(),
            flow: self.flow.clone(),
            version: "1.0.0".to_owned(),
            ir: Digest::of(b"ir"),
            status: RunStatus::Queued,
            context: ContextId::new("c1"),
            inbox: inbox.id.clone(),
            inputs: inputs.clone(),
            created_at: self.created_at,
            updated_at: self.created_at,
            events: self.chain.seq(),
            history_head: self.chain.head(),
            result: None,
            error: None,
            tokens: 0,
            cost_micro_usd: 0,
            limits: None,
            budget: None,
            calls_before: 0,
            continues: None,
            continued_by: None,
            parent: None,
            steps: Some(0),
            orphaned: false,
            origin: None,
            dispatched: false,
            waiting: false,
            wake_at: None,
            turn: None,
        };
        let started = Payload::RunStarted(Started {
            run: self.run.to_string(),
            flow: self.flow.clone(),
            version: "1.0.0".to_owned(),
            ir: run.ir,
            inputs,
            started_at: self.created_at,
            engine: "0.1.0".to_owned(),
            limits: None,
            continues: None,
        });
        let flow = FlowRecord {
            hash: run.ir,
            program: Digest::of(b"program"),
            id: run.flow.clone(),
            version: run.version.clone(),
            title: "Архіваріус".to_owned(),
            stored_at: self.created_at,
        };
        Submission { flow, document: b"ir".to_vec(), inbox, run, first: self.append([started]) }
    }

    /// The same of a run that waits for its turn, and what it begins with.
    pub fn queued(&mut self, number: u64) -> (Submission, Append) {
        let mut submission = self.submission();
        submission.run.turn = Some(Turn { number, began_at: None });
        let nothing = Append { status: RunStatus::Queued, events: vec![], ..submission.first.clone() };
        let begins = std::mem::replace(&mut submission.first, nothing);
        (submission, begins)
    }

    /// A queued task of the run.
    pub fn task(&self, task: &str, effect: &str) -> Task {
        Task {
            id: TaskId::new(task),
            flow: None,
            of: Some(TaskEffect {
                run: self.run.clone(),
                effect: EffectId::new(effect),
                asked_by: NodeRef { node: NodeId::new("n1"), visit: 1 },
            }),
            context: ContextId::new("c1"),
            agent_slug: self.flow.clone(),
            request: request(),
            requires: vec!["llm.scripted".to_owned()],
            timeout_seconds: 120,
            time_limit_ms: None,
            time_used_ms: 0,
            priority: 0,
            status: TaskStatus::Queued,
            created_at: self.now,
            updated_at: self.now,
            not_before: None,
            lease: None,
            attempts: 0,
            max_attempts: 3,
            epoch: 0,
            answer: None,
            error: None,
            resolved: false,
        }
    }

    /// An open question of the run.
    pub fn question(&self, id: &str, effect: &str) -> Question {
        Question {
            id: QuestionId::new(id),
            run: self.run.clone(),
            effect: EffectId::new(effect),
            node: NodeId::new("n1"),
            context: ContextId::new("c1"),
            agent: self.flow.clone(),
            asked: Asked {
                title: "Схвалити?".to_owned(),
                text: "Усе гаразд".to_owned(),
                schema: serde_json::json!({ "type": "boolean" }),
                assignee: None,
            },
            until: Some(5),
            status: QuestionStatus::Open,
            created_at: self.now,
            updated_at: self.now,
            answer: None,
            answered_by: None,
        }
    }

    /// A pending proposal of the run.
    pub fn proposal(&self, id: &str, emission: &str, content: &str) -> Proposal {
        Proposal {
            id: ProposalId::new(id),
            run: self.run.clone(),
            emission: emission.to_owned(),
            agent: self.flow.clone(),
            action: "propose-summary".to_owned(),
            target: "notes/a.md".to_owned(),
            content: content.into(),
            fingerprint: Digest::of(content.as_bytes()),
            duplicate_of: None,
            base_revision: None,
            status: ProposalStatus::Pending,
            created_at: self.now,
            updated_at: self.now,
            expires_at: self.now + 1000,
            approval: None,
            apply_result: None,
        }
    }
}

/// A run that the store has.
pub async fn submitted(store: &dyn Store, run: &str) -> Scribe {
    let mut scribe = Scribe::new(run);
    store.submit(scribe.submission()).await.unwrap();
    scribe
}

/// A run that the store has, with tasks `(id, effect)`.
pub async fn with_tasks(store: &dyn Store, run: &str, tasks: &[(&str, &str)]) -> Scribe {
    let mut scribe = submitted(store, run).await;
    store.append(scribe.asking(tasks)).await.unwrap();
    scribe
}

/// Who decides.
pub fn owner() -> Actor {
    Actor("owner".to_owned())
}

/// A note for the audit log.
pub fn note(action: &str, at: i64) -> AuditNote {
    AuditNote {
        at,
        actor: owner(),
        action: action.to_owned(),
        entity_type: "run".to_owned(),
        entity_id: "r1".to_owned(),
        job_id: Some("r1".to_owned()),
        context_id: Some("c1".to_owned()),
        epoch: None,
        detail: [("дрібне", Value::Double(0.1))].into_iter().collect(),
    }
}

/// A run hands something out.
pub fn emitted(kind: EmitKind, name: &str, value: impl Into<Value>) -> Payload {
    let (id, node) = (EffectId::new(format!("n8#{name}")), NodeId::new("n8".to_owned()));
    let emission = Emission { id, node, kind, name: name.to_owned(), action: None, value: value.into() };
    Payload::Emitted { emission }
}

/// The event that an effect was asked for.
pub fn requested(effect: &str) -> Payload {
    let call = EffectCall::Llm(request());
    Payload::EffectRequested { effect: EffectId::new(effect), node: NodeId::new("n1"), visit: 1, call }
}

/// The event that an effect has its answer.
pub fn completed(effect: &str, value: &str) -> Payload {
    Payload::EffectCompleted { effect: EffectId::new(effect), attempt: 1, answer: answer(value) }
}

/// The event that an attempt at an effect failed, and another follows.
pub fn attempted(effect: &str, delay_ms: u64) -> Payload {
    Payload::EffectAttempted { effect: EffectId::new(effect), attempt: 1, error: error(true), delay_ms }
}

/// The event that an effect failed for good.
pub fn failed(effect: &str) -> Payload {
    Payload::EffectFailed { effect: EffectId::new(effect), attempt: 1, error: error(false) }
}

/// An answer.
pub fn answer(value: &str) -> Answer {
    Answer { value: value.into(), usage: None }
}

/// A failure.
pub fn error(retryable: bool) -> EffectError {
    EffectError { retryable, ..EffectError::new("timeout", "too slow") }
}

/// A worker's ask for the fixtures' tasks.
pub fn ask(lease: &str, at: i64) -> GrantAsk {
    GrantAsk {
        lease: LeaseId::new(lease),
        worker: WorkerId::new("w1"),
        provides: vec!["llm.scripted".to_owned(), "llm.command".to_owned()],
        run: None,
        task: None,
        token: None,
        at,
        ttl_ms: 300_000,
    }
}

/// The end of a granted lease, without an append.
pub fn end(grant: &Grant, ending: LeaseEnding) -> LeaseEnd {
    LeaseEnd {
        lease: grant.lease.id.clone(),
        epoch: grant.lease.epoch,
        ending,
        at: grant.lease.started_at + 1,
        append: None,
        retry_at: None,
        kept: None,
        audit: vec![],
    }
}

/// What the holder of a lease brought, and the artifact that is made of it.
pub fn kept(artifact: &str, grant: &Grant, at: i64, content: &str) -> Kept {
    let id = ArtifactId::new(artifact);
    let content = content.as_bytes().to_vec();
    Kept {
        result: TaskResult {
            lease: grant.lease.id.clone(),
            task: grant.task.id.clone(),
            worker: grant.lease.worker.clone(),
            artifact: id.clone(),
            outcome: Ok("так".to_owned()),
            duration_ms: 12,
            tokens_used: Some(7),
            completed_at: at,
        },
        artifact: Artifact {
            id,
            task: Some(grant.task.id.clone()),
            job: grant.task.run().cloned(),
            kind: "LLM_RESULT".to_owned(),
            name: None,
            created_at: at,
            content: Digest::of(&content),
            bytes: content.len() as u64,
            media_type: None,
            entity_refs: vec![],
            tags: vec!["мітка".to_owned()],
        },
        content,
    }
}

/// A task that a client posted.
pub fn posted(task: &str, at: i64) -> Task {
    Task { of: None, created_at: at, updated_at: at, ..Scribe::new("none").task(task, "none") }
}

fn request() -> LlmRequest {
    LlmRequest {
        prompt: "Підсумуй нотатку".to_owned(),
        system: None,
        memory: vec![],
        model: None,
        max_tokens: Some(1000),
        session: None,
        output: serde_json::json!({ "type": "string" }),
        timeout_seconds: None,
        retry: None,
    }
}
