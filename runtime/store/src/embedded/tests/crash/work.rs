//! What the store is used for, in a mix that a seed decides on.

use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_runtime::record::{
    CloneStatus, Context, ContextId, InboxEntry, InboxId, InboxStatus, LeaseEnding, ManagedProject, NodeStatus,
    NodeStatusId, ProjectId, Proposal, ProposalId, ProposalStatus, Question, RunStatus, Task, TaskId, Verdict, Worker,
    WorkerId,
};
use bloom_runtime::store::{ApplyStep, Grant, GrantAsk, LeaseEnd, Successor};

use super::disk::{Disk, Entry, Random};
use super::{
    Append, Decision, Digest, Fact, RedbStore, Scribe, Store as _, StoreError, answer, ask, attempted, completed, end,
    error, failed, kept, note, owner, posted, requested,
};

/// A run that goes on.
struct Active {
    scribe: Scribe,
    effects: u32,
    /// Effects without an outcome that have no task.
    waiting: Vec<String>,
    question: Option<Question>,
}

/// Uses a store. What a seed and the store's answers make of it is always the same.
pub(super) struct Work<'a> {
    store: &'a RedbStore,
    disk: &'a Disk,
    random: Random,
    /// Whether it waits for commits that gather. Where the disk may fail, there may be none to wait for.
    gathers: bool,
    name: String,
    number: u64,
    now: i64,
    runs: Vec<Active>,
    grants: Vec<Grant>,
    ends: Vec<LeaseEnd>,
    pending: Vec<ProposalId>,
    decided: Vec<Proposal>,
    tasks: Vec<TaskId>,
}

/// Longer than a proposal of the fixtures waits.
const LONG: i64 = 2_000;

type Done = Result<(), StoreError>;

impl<'a> Work<'a> {
    pub(super) fn new(store: &'a RedbStore, disk: &'a Disk, seed: u64, name: &str) -> Self {
        Self {
            store,
            disk,
            random: Random(seed),
            gathers: true,
            name: name.to_owned(),
            number: 0,
            now: 1_000,
            runs: vec![],
            grants: vec![],
            ends: vec![],
            pending: vec![],
            decided: vec![],
            tasks: vec![],
        }
    }

    /// The same where the disk may fail.
    pub(super) fn in_trouble(self) -> Self {
        Self { gathers: false, ..self }
    }

    /// Does the next thing. The error is the store's trouble; that it refuses is none.
    pub(super) async fn step(&mut self) -> Done {
        self.now += 10;
        let done = match self.random.below(20) {
            0 | 1 => self.submit().await,
            2..=4 => self.ask_for_effects().await,
            5 | 6 => self.grant().await,
            7..=9 => self.end_lease().await,
            10 => self.signal().await,
            11 => self.sleep_or_wake().await,
            12 => self.answer_question().await,
            13 => self.decide().await,
            14 => self.apply().await,
            15 => self.end_run().await,
            16 => self.settle().await,
            17 => self.keep_things().await,
            18 => self.keep_project().await,
            _ => self.many_at_once().await,
        };
        match done {
            Err(StoreError::Backend(_) | StoreError::Damaged(_) | StoreError::Closed) => done,
            _ => Ok(()),
        }
    }

    /// A commit failed: what it was about is left alone, since it may be there or not.
    pub(super) fn forget(&mut self) {
        (self.runs, self.grants, self.ends, self.pending) = (vec![], vec![], vec![], vec![]);
        (self.decided, self.tasks) = (vec![], vec![]);
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{}{kind}{}", self.name, self.number)
    }

    fn told(&self, fact: Fact) {
        self.disk.note(Entry::Acknowledged(Box::new(fact)));
    }

    fn told_events(&self, scribe: &Scribe) {
        let mut chain = scribe.clone();
        let count = chain.append([]).expected;
        self.told(Fact::Events { run: scribe.run().clone(), count, head: scribe.head() });
    }

    fn told_task(&self, task: &Task) {
        self.told(Fact::Task(Box::new(task.clone())));
    }

    /// A text, sometimes a large one.
    fn text(&mut self) -> String {
        let size = if self.random.below(8) == 0 { 40_000 } else { 10 };
        format!("{} {}", self.random.next(), "текст".repeat(size / 10))
    }

    fn any_run(&mut self) -> Option<usize> {
        if self.runs.is_empty() { None } else { Some(self.random.below(self.runs.len())) }
    }

    async fn submit(&mut self) -> Done {
        let name = self.fresh("run");
        let flow = if self.random.coin() { "archivist" } else { "gardener" };
        let mut scribe = Scribe::of(&name, flow, self.now);
        let mut submission = scribe.submission();
        submission.first.audit = vec![note("run_started", self.now)];
        self.store.submit(submission).await?;
        self.told_events(&scribe);
        self.runs.push(Active { scribe, effects: 0, waiting: vec![], question: None });
        Ok(())
    }

    /// Appends to a run; only what the store took counts.
    async fn append(&mut self, run: usize, scribe: Scribe, append: Append) -> Done {
        self.store.append(append).await?;
        self.told_events(&scribe);
        self.runs[run].scribe = scribe;
        Ok(())
    }

    async fn ask_for_effects(&mut self) -> Done {
        let Some(run) = self.any_run() else { return self.submit().await };
        let mut scribe = self.runs[run].scribe.clone();
        let (mut tasks, mut waiting) = (Vec::new(), Vec::new());
        for _ in 0..=self.random.below(2) {
            self.runs[run].effects += 1;
            let effect = format!("n{}#1", self.runs[run].effects);
            if self.random.below(3) > 0 {
                tasks.push((self.fresh("task"), effect));
            } else {
                waiting.push(effect);
            }
        }
        let all = tasks.iter().map(|(_, effect)| effect).chain(&waiting);
        let events: Vec<Payload> = all.map(|effect| requested(effect)).collect();
        let mut append = scribe.append(events);
        for (task, effect) in &tasks {
            append.tasks.push(Task { max_attempts: 2, ..scribe.task(task, effect) });
        }
        if self.random.coin() {
            let (id, content) = (self.fresh("proposal"), ["one", "two", "three"][self.random.below(3)]);
            append.proposals = vec![scribe.proposal(&id, &format!("{id}#1"), content)];
        }
        let question = waiting.first().filter(|_| self.runs[run].question.is_none()).cloned();
        let question = question.map(|effect| scribe.question(&self.fresh("question"), &effect));
        append.questions.extend(question.clone());
        append.audit = vec![note("asked", self.now)];
        let proposals: Vec<_> = append.proposals.iter().map(|proposal| proposal.id.clone()).collect();
        let asked = append.tasks.clone();
        self.append(run, scribe, append).await?;
        for task in &asked {
            self.told_task(task);
        }
        self.tasks.extend(asked.into_iter().map(|task| task.id));
        self.pending.extend(proposals);
        self.runs[run].waiting.extend(waiting);
        if let Some(question) = question {
            self.told(Fact::Question(question.id.clone(), question.status));
            self.runs[run].question = Some(question);
        }
        Ok(())
    }

    async fn grant(&mut self) -> Done {
        if self.random.below(3) == 0 {
            let task = posted(&self.fresh("task"), self.now);
            self.store.create_task(task.clone(), vec![note("task_posted", self.now)]).await?;
            self.told_task(&task);
            self.tasks.push(task.id);
        }
        let token = self.random.coin().then(|| Digest::of(&self.random.next().to_be_bytes()));
        let asked = GrantAsk { token, ..ask(&self.fresh("lease"), self.now) };
        if let Some(grant) = self.store.grant(asked).await? {
            self.told_task(&grant.task);
            self.told(Fact::Lease(grant.lease.clone()));
            self.grants.push(grant);
        }
        Ok(())
    }

    /// Ends a lease as holders do: once, again, too late, or as somebody else's.
    async fn end_lease(&mut self) -> Done {
        if self.ends.len() > 2 && self.random.below(4) == 0 {
            let again = self.random.pick(&self.ends).unwrap().clone();
            let append = None;
            let task = self.store.end_lease(LeaseEnd { append, kept: None, ..again }).await?;
            self.told_task(&task);
            return Ok(());
        }
        if self.grants.is_empty() {
            return self.grant().await;
        }
        let grant = self.grants.swap_remove(self.random.below(self.grants.len()));
        let (lease, task) = (grant.lease.id.clone(), grant.task.clone());
        let effect = task.of.as_ref().map(|of| of.effect.to_string());
        let run = self.runs.iter().position(|run| Some(run.scribe.run()) == task.run());
        let text = self.text();
        let (ending, outcome) = match self.random.below(7) {
            0 => (LeaseEnding::Failed(error(true)), None),
            1 => (LeaseEnding::Failed(error(false)), effect.as_deref().map(failed)),
            2 => (LeaseEnding::Expired, None),
            3 => (LeaseEnding::GivenBack, None),
            _ => {
                let completed = effect.as_deref().map(|effect| completed(effect, &text));
                (LeaseEnding::Completed(answer(&text)), completed)
            }
        };
        let mut ended = LeaseEnd { at: self.now, audit: vec![note("lease_ended", self.now)], ..end(&grant, ending) };
        let mut scribe = run.map(|run| self.runs[run].scribe.clone());
        if let (Some(scribe), Some(outcome)) = (&mut scribe, outcome) {
            ended.append = Some(scribe.append([outcome]));
        } else if let (Some(scribe), Some(effect), LeaseEnding::Failed(_)) = (&mut scribe, &effect, &ended.ending) {
            ended.append = Some(scribe.append([attempted(effect, 5)]));
            ended.retry_at = Some(self.now + 5);
        }
        if matches!(ended.ending, LeaseEnding::Completed(_)) && self.random.coin() {
            ended.kept = Some(kept(&self.fresh("artifact"), &grant, self.now, &text));
        }
        let appended = ended.append.is_some();
        let kept = ended.kept.clone();
        let task = self.store.end_lease(ended.clone()).await?;
        self.told_task(&task);
        if let Some(kept) = kept {
            self.told(Fact::Artifact(kept.artifact, lease));
        }
        if let (Some(run), Some(scribe), true) = (run, scribe, appended) {
            self.told_events(&scribe);
            self.runs[run].scribe = scribe;
        }
        self.ends.push(ended);
        Ok(())
    }

    async fn signal(&mut self) -> Done {
        let Some(run) = self.any_run() else { return self.submit().await };
        let mut scribe = self.runs[run].scribe.clone();
        let entry = InboxEntry {
            id: InboxId::new(self.fresh("inbox")),
            source: owner(),
            action: "signal".to_owned(),
            target: format!("{}/go", scribe.run()),
            payload: Value::Int(self.now),
            status: InboxStatus::Processed,
            created_at: self.now,
            correlation_id: scribe.run().to_string(),
            approved_by: None,
        };
        let signal =
            Payload::SignalReceived { name: "go".to_owned(), value: Value::Int(self.now), sender: "owner".to_owned() };
        let append = Append { inbox: vec![entry.clone()], ..scribe.append([signal]) };
        self.append(run, scribe, append).await?;
        self.told(Fact::Inbox(entry.id));
        Ok(())
    }

    async fn sleep_or_wake(&mut self) -> Done {
        let Some(run) = self.any_run() else { return self.submit().await };
        let mut scribe = self.runs[run].scribe.clone();
        let wake_at = self.random.coin().then_some(self.now + 1000);
        let mut append = Append { waiting: true, wake_at, ..scribe.append([]) };
        if self.random.coin() && !self.runs[run].waiting.is_empty() {
            // A timer went off.
            let effect = self.runs[run].waiting.remove(0);
            append = scribe.append([completed(&effect, "null")]);
        }
        self.append(run, scribe, append).await
    }

    async fn answer_question(&mut self) -> Done {
        let Some(run) = self.runs.iter().position(|run| run.question.is_some()) else {
            return self.ask_for_effects().await;
        };
        let mut scribe = self.runs[run].scribe.clone();
        let Some(mut question) = self.runs[run].question.take() else { return Ok(()) };
        let effect = question.effect.to_string();
        if !self.runs[run].waiting.contains(&effect) {
            // The timer was earlier, and has closed it.
            return Ok(());
        }
        question.answer(Value::Bool(true), owner(), self.now);
        let append = scribe.append([completed(&effect, "true")]);
        let append =
            Append { questions: vec![question.clone()], audit: vec![question.audit_note(owner(), self.now)], ..append };
        self.append(run, scribe, append).await?;
        self.runs[run].waiting.retain(|waiting| *waiting != effect);
        self.told(Fact::Question(question.id, question.status));
        Ok(())
    }

    async fn decide(&mut self) -> Done {
        if self.random.below(6) == 0 {
            let at = self.now + if self.random.coin() { 0 } else { LONG };
            for proposal in self.store.expire_proposals(at, &owner()).await? {
                self.pending.retain(|id| *id != proposal.id);
                self.told(Fact::Proposal(proposal.id, proposal.status));
            }
            return Ok(());
        }
        if self.pending.is_empty() {
            return self.ask_for_effects().await;
        }
        let proposal = self.pending.remove(self.random.below(self.pending.len()));
        let verdict = if self.random.coin() { Verdict::Approve } else { Verdict::Reject };
        let decision = Decision { proposal, verdict, by: owner(), at: self.now, note: None };
        let proposal = self.store.decide(decision).await?;
        self.told(Fact::Proposal(proposal.id.clone(), proposal.status));
        self.decided.push(proposal);
        Ok(())
    }

    async fn apply(&mut self) -> Done {
        let Some(at) = self
            .decided
            .iter()
            .position(|proposal| matches!(proposal.status, ProposalStatus::Approved | ProposalStatus::Applying))
        else {
            return self.decide().await;
        };
        let to = match self.decided[at].status {
            ProposalStatus::Approved => ProposalStatus::Applying,
            _ => ProposalStatus::Applied,
        };
        let step = ApplyStep { proposal: self.decided[at].id.clone(), to, at: self.now, result: None, by: owner() };
        let proposal = self.store.move_proposal(step).await?;
        self.told(Fact::Proposal(proposal.id.clone(), proposal.status));
        self.decided[at] = proposal;
        Ok(())
    }

    async fn end_run(&mut self) -> Done {
        let Some(run) = self.any_run() else { return self.submit().await };
        let mut scribe = self.runs[run].scribe.clone();
        let append = match self.random.below(3) {
            0 => scribe.completion("done"),
            1 => scribe.cancellation(),
            _ => return self.go_on_in_another(run).await,
        };
        self.append(run, scribe, append).await?;
        self.runs.swap_remove(run);
        Ok(())
    }

    async fn go_on_in_another(&mut self, run: usize) -> Done {
        let name = self.fresh("run");
        let mut scribe = self.runs[run].scribe.clone();
        let mut next = Scribe::of(&name, "archivist", self.now);
        let submission = next.submission();
        let mut record = submission.run;
        record.continues = Some(scribe.run().clone());
        let continued = Payload::RunContinued { run: name, state: Digest::of(b"state") };
        let append = Append {
            status: RunStatus::Continued,
            next: Some(Box::new(Successor { inbox: submission.inbox, run: record, first: submission.first })),
            ..scribe.append([continued])
        };
        self.append(run, scribe, append).await?;
        self.told_events(&next);
        self.runs[run] = Active { scribe: next, effects: 0, waiting: vec![], question: None };
        Ok(())
    }

    /// A person requeues a task, or a run learns the outcome of an effect in another way.
    async fn settle(&mut self) -> Done {
        if self.random.coin()
            && let Some(task) = self.random.pick(&self.tasks).cloned()
        {
            let task = self.store.requeue(&task, self.now, vec![note("requeued", self.now)]).await?;
            self.told_task(&task);
            return Ok(());
        }
        let Some(run) = self.any_run() else { return self.submit().await };
        let Some(effect) = self.runs[run].waiting.pop() else { return self.ask_for_effects().await };
        let mut scribe = self.runs[run].scribe.clone();
        let append = scribe.append([failed(&effect)]);
        self.append(run, scribe, append).await
    }

    async fn keep_things(&mut self) -> Done {
        match self.random.below(5) {
            0 => {
                let mut bytes = vec![0; [100, 5_000, 200_000][self.random.below(3)]];
                bytes.fill_with(|| u8::try_from(self.random.below(256)).unwrap());
                let digest = self.store.put_blob(bytes).await?;
                self.told(Fact::Blob(digest));
            }
            1 => {
                let (name, value) = (format!("{}s{}", self.name, self.random.below(3)), self.fresh("value"));
                self.store.put_setting(&name, value, vec![note("set", self.now)]).await?;
                self.told(Fact::Setting(name));
            }
            2 => {
                let id = WorkerId::new(["w1", "w2"][self.random.below(2)]);
                self.store.put_worker(Worker::new(id, self.now), vec![note("worker_registered", self.now)]).await?;
            }
            3 => {
                let removed = WorkerId::new(["w1", "w2"][self.random.below(2)]);
                for task in self.store.remove_worker(&removed, self.now, vec![note("worker_removed", self.now)]).await?
                {
                    self.told_task(&task);
                }
            }
            _ => {
                let id = ContextId::new(format!("c{}", self.random.below(4)));
                let context = Context { agents: vec![self.fresh("agent")], ..Context::empty(id) };
                self.store.put_context(context, vec![note("context_set", self.now)]).await?;
            }
        }
        Ok(())
    }

    async fn keep_project(&mut self) -> Done {
        let id = ProjectId::new(format!("{}p{}", self.name, self.random.below(3)));
        let project = ManagedProject {
            id: id.clone(),
            name: format!("garden {id}"),
            repo_url: "https://example.org/a.git".to_owned(),
            target_path: None,
            status: CloneStatus::Pending,
            primary_node: None,
            created_at: self.now,
            updated_at: self.now,
            error: None,
        };
        match self.random.below(3) {
            0 => self.store.remove_project(&id, vec![note("project_removed", self.now)]).await,
            1 => self.store.create_project(project, vec![note("project_created", self.now)]).await,
            _ => {
                let node = NodeStatus {
                    id: NodeStatusId::new(self.fresh("node")),
                    project: id,
                    node: WorkerId::new(format!("w{}", self.random.below(3))),
                    status: CloneStatus::Cloned,
                    last_sync_at: Some(self.now),
                    error: None,
                    repo_path: None,
                };
                self.store.put_project(project, vec![node], vec![]).await
            }
        }
    }

    /// While one commit waits for the disk, others gather, and are committed together.
    async fn many_at_once(&mut self) -> Done {
        let names: Vec<String> = (0..2 + self.random.below(8)).map(|_| self.fresh("run")).collect();
        let mut scribes: Vec<Scribe> = names.iter().map(|name| Scribe::of(name, "archivist", self.now)).collect();
        let submissions: Vec<_> = scribes.iter_mut().map(Scribe::submission).collect();
        let alone = self.store.note(vec![note("alone", self.now)]);
        if self.gathers {
            self.disk.hold();
        }
        let held = || {
            if self.gathers {
                self.disk.wait_until_held();
            }
        };
        let (first, (), all, ()) = futures::join!(
            alone,
            async { held() },
            futures::future::join_all(submissions.into_iter().map(|submission| self.store.submit(submission))),
            async { self.disk.release() },
        );
        for (scribe, done) in scribes.into_iter().zip(all) {
            done?;
            self.told_events(&scribe);
            self.runs.push(Active { scribe, effects: 0, waiting: vec![], question: None });
        }
        first
    }
}
