//! Tasks and leases beside a simple model of them, through any order of events.

use std::collections::BTreeSet;

use bloom_runtime::dispatch::TaskError;
use bloom_runtime::record::{LeaseEnding, LeaseId, LeaseStatus, RunStatus, TaskId, TaskStatus};
use bloom_runtime::store::{GrantAsk, LeaseEnd, Store, StoreError, verify_audit};

use super::fixture::{Scribe, answer, ask, completed, error, failed, with_tasks};

/// Something that happens. Numbers choose among what is there; they are taken modulo its count.
#[derive(Clone, Debug)]
pub enum Step {
    /// A worker asks for work, of one run or of any.
    Grant {
        /// Of which run.
        run: Option<u8>,
    },
    /// Somebody ends a lease, perhaps one that was ended long ago, perhaps with another epoch.
    End {
        /// Which, in the order of grants.
        lease: u8,
        /// What is added to its epoch.
        epoch_off: u8,
        /// How.
        ending: Ending,
    },
    /// A person requeues a task.
    Requeue {
        /// Which.
        task: u8,
    },
    /// The run records a failure of a task's effect.
    Resolve {
        /// Which.
        task: u8,
    },
    /// A run is cancelled.
    Cancel {
        /// Which.
        run: u8,
    },
}

/// How a lease ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// With one of two answers; the outcome is appended to the history, or is not yet.
    Complete {
        /// Which answer.
        answer: bool,
        /// Whether the outcome is appended.
        appended: bool,
    },
    /// With a failure.
    Fail {
        /// Whether another attempt could succeed.
        retryable: bool,
    },
    /// By time.
    Expire,
    /// Given back.
    GiveBack,
}

#[derive(Debug)]
struct ModelTask {
    id: String,
    effect: String,
    run: usize,
    status: TaskStatus,
    attempts: u32,
    epoch: u64,
    lease: Option<usize>,
    answer: Option<bool>,
    resolved: bool,
}

#[derive(Debug)]
struct ModelLease {
    task: usize,
    epoch: u64,
    status: LeaseStatus,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Changed,
    Repeated,
    Refused,
}

struct Model {
    runs: Vec<Scribe>,
    ended: BTreeSet<usize>,
    tasks: Vec<ModelTask>,
    leases: Vec<ModelLease>,
}

/// Takes an empty store through the steps, and compares it with the model after each.
pub async fn follow(store: &dyn Store, steps: &[Step]) {
    let mut model = Model { runs: vec![], ended: BTreeSet::new(), tasks: vec![], leases: vec![] };
    for run in 0..2 {
        let names: Vec<_> = (0..3).map(|n| (format!("t{run}{n}"), format!("n{n}#1"))).collect();
        let tasks: Vec<_> = names.iter().map(|(task, effect)| (task.as_str(), effect.as_str())).collect();
        model.runs.push(with_tasks(store, &format!("r{run}"), &tasks).await);
        model.tasks.extend(names.into_iter().map(|(id, effect)| ModelTask {
            id,
            effect,
            run,
            status: TaskStatus::Queued,
            attempts: 0,
            epoch: 0,
            lease: None,
            answer: None,
            resolved: false,
        }));
    }
    for step in steps {
        model.take(store, step).await;
        model.compare(store, step).await;
    }
    assert_eq!(verify_audit(store, None).await.unwrap().fault, None);
}

impl Model {
    async fn take(&mut self, store: &dyn Store, step: &Step) {
        match step {
            Step::Grant { run } => self.grant(store, run.map(|run| usize::from(run) % 2)).await,
            Step::End { lease, epoch_off, ending } => {
                if !self.leases.is_empty() {
                    let lease = usize::from(*lease) % self.leases.len();
                    self.end(store, lease, u64::from(*epoch_off), *ending).await;
                }
            }
            Step::Requeue { task } => {
                let task = usize::from(*task) % 6;
                let outcome = store.requeue(&TaskId::new(&self.tasks[task].id), 5, vec![]).await;
                let task = &mut self.tasks[task];
                let may = matches!(task.status, TaskStatus::Failed | TaskStatus::Dead) && !task.resolved;
                assert_eq!(outcome.is_ok(), may, "{outcome:?}");
                if may {
                    (task.status, task.attempts) = (TaskStatus::Queued, 0);
                }
            }
            Step::Resolve { task } => {
                let task = usize::from(*task) % 6;
                let run = self.tasks[task].run;
                if !self.ended.contains(&run) {
                    let append = self.runs[run].append([failed(&self.tasks[task].effect)]);
                    store.append(append).await.unwrap();
                    self.resolve(task);
                }
            }
            Step::Cancel { run } => {
                let run = usize::from(*run) % 2;
                if self.ended.insert(run) {
                    store.append(self.runs[run].cancellation()).await.unwrap();
                    for task in 0..6 {
                        if self.tasks[task].run == run {
                            self.resolve(task);
                        }
                    }
                }
            }
        }
    }

    async fn grant(&mut self, store: &dyn Store, run: Option<usize>) {
        let lease = format!("l{}", self.leases.len());
        let of = run.map(|run| self.runs[run].run().clone());
        let granted = store.grant(GrantAsk { run: of, ..ask(&lease, 1) }).await.unwrap();
        // All tasks are of one age in a run, and the first run is older: the order of ids is that of the queue.
        let best = self
            .tasks
            .iter()
            .position(|task| task.status == TaskStatus::Queued && run.is_none_or(|run| run == task.run));
        assert_eq!(granted.map(|grant| grant.task.id), best.map(|task| TaskId::new(&self.tasks[task].id)));
        let Some(best) = best else { return };
        let task = &mut self.tasks[best];
        task.status = TaskStatus::Leased;
        task.attempts += 1;
        task.epoch += 1;
        task.lease = Some(self.leases.len());
        self.leases.push(ModelLease { task: best, epoch: task.epoch, status: LeaseStatus::Active });
    }

    async fn end(&mut self, store: &dyn Store, lease: usize, epoch_off: u64, ending: Ending) {
        let task = self.leases[lease].task;
        let run = self.tasks[task].run;
        let epoch = self.leases[lease].epoch + epoch_off;
        let mut scribe = self.runs[run].clone();
        let (how, append) = match ending {
            Ending::Complete { answer: yes, appended } => {
                let text = if yes { "так" } else { "ні" };
                let append = appended.then(|| scribe.append([completed(&self.tasks[task].effect, text)]));
                (LeaseEnding::Completed(answer(text)), append)
            }
            Ending::Fail { retryable } => (LeaseEnding::Failed(error(retryable)), None),
            Ending::Expire => (LeaseEnding::Expired, None),
            Ending::GiveBack => (LeaseEnding::GivenBack, None),
        };
        let appended = append.is_some();
        let id = LeaseId::new(format!("l{lease}"));
        let outcome = store
            .end_lease(LeaseEnd {
                lease: id,
                epoch,
                ending: how,
                at: 4,
                append,
                retry_at: None,
                kept: None,
                audit: vec![],
            })
            .await;

        let expected = self.expect_end(lease, epoch, ending);
        match (&outcome, &expected) {
            (Ok(_), Verdict::Changed) if appended => {
                self.runs[run] = scribe;
                self.resolve(task);
            }
            (Ok(_), Verdict::Changed | Verdict::Repeated)
            | (Err(StoreError::Task(TaskError::Stale { .. })), Verdict::Refused) => {}
            _ => panic!("{outcome:?} where {expected:?} is due"),
        }
    }

    fn expect_end(&mut self, index: usize, epoch: u64, ending: Ending) -> Verdict {
        let lease = &mut self.leases[index];
        let task = &mut self.tasks[lease.task];
        if task.lease != Some(index) || lease.epoch != epoch || task.epoch != epoch {
            return Verdict::Refused;
        }
        let late = lease.status == LeaseStatus::Expired && task.status == TaskStatus::Queued;
        if let Ending::Complete { answer, .. } = ending
            && (late || lease.status == LeaseStatus::Active)
        {
            (task.status, task.answer, lease.status) = (TaskStatus::Completed, Some(answer), LeaseStatus::Released);
            return Verdict::Changed;
        }
        if let Ending::Complete { answer, .. } = ending
            && task.status == TaskStatus::Completed
            && task.answer == Some(answer)
        {
            return Verdict::Repeated;
        }
        if let Ending::Fail { .. } = ending
            && lease.status == LeaseStatus::Failed
        {
            return Verdict::Repeated;
        }
        if lease.status != LeaseStatus::Active {
            return Verdict::Refused;
        }
        let again = if task.attempts < 3 { TaskStatus::Queued } else { TaskStatus::Dead };
        (task.status, lease.status) = match ending {
            Ending::Complete { .. } => return Verdict::Refused,
            Ending::Fail { retryable: true } => (again, LeaseStatus::Failed),
            Ending::Fail { retryable: false } => (TaskStatus::Failed, LeaseStatus::Failed),
            Ending::Expire => (again, LeaseStatus::Expired),
            Ending::GiveBack => {
                task.attempts -= 1;
                (TaskStatus::Queued, LeaseStatus::Released)
            }
        };
        Verdict::Changed
    }

    /// The effect has its outcome, and an open task ends.
    fn resolve(&mut self, task: usize) {
        let task = &mut self.tasks[task];
        task.resolved = true;
        if matches!(task.status, TaskStatus::Queued | TaskStatus::Leased) {
            task.status = TaskStatus::Failed;
            task.epoch += 1;
            if let Some(lease) = task.lease.map(|lease| &mut self.leases[lease])
                && lease.status == LeaseStatus::Active
            {
                lease.status = LeaseStatus::Released;
            }
        }
    }

    async fn compare(&self, store: &dyn Store, step: &Step) {
        for model in &self.tasks {
            let task = store.task(&TaskId::new(&model.id)).await.unwrap().unwrap();
            let lease = model.lease.map(|lease| LeaseId::new(format!("l{lease}")));
            let answer = model.answer.map(|yes| answer(if yes { "так" } else { "ні" }));
            assert_eq!(
                (task.status, task.attempts, task.epoch, task.lease, task.answer, task.resolved),
                (model.status, model.attempts, model.epoch, lease, answer, model.resolved),
                "task {} after {step:?}",
                model.id
            );
        }
        let mut active = BTreeSet::new();
        for (index, model) in self.leases.iter().enumerate() {
            let lease = store.lease(&LeaseId::new(format!("l{index}"))).await.unwrap().unwrap();
            assert_eq!((lease.status, lease.epoch), (model.status, model.epoch), "lease {index} after {step:?}");
            if model.status == LeaseStatus::Active {
                active.insert(lease.id);
            }
        }
        let listed = store.active_leases().await.unwrap().into_iter().map(|lease| lease.id).collect();
        assert_eq!(active, listed, "after {step:?}");
        for (index, scribe) in self.runs.iter().enumerate() {
            let run = store.run(scribe.run()).await.unwrap().unwrap();
            let status = if self.ended.contains(&index) { RunStatus::Cancelled } else { RunStatus::Running };
            assert_eq!((run.history_head, run.status), (scribe.head(), status), "run {index} after {step:?}");
        }
    }
}
