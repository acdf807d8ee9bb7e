//! What is to be recorded when something happens to a run, and how it is numbered and chained.

use bloom_interpreter::history::Payload;
use bloom_ir::{Digest, Value};

use super::{Desk, Run, RunEnd};
use crate::engine::progress::Step;
use crate::engine::wait::Rest;
use crate::record::{Actor, AuditNote, Charge, InboxEntry, Proposal, Question, RunId, RunStatus, Spent, Task};
use crate::store::Append;

/// What is to be committed, and told once it is.
#[derive(Debug)]
pub(in crate::engine) struct Addition {
    pub(in crate::engine) append: Append,
    /// Blobs that must be there before.
    pub(in crate::engine) artifacts: Vec<Vec<u8>>,
    pub(in crate::engine) steps: Vec<Step>,
}

impl Addition {
    /// What nobody is told of as a step.
    pub(in crate::engine) fn silent(append: Append) -> Self {
        Self { append, artifacts: Vec::new(), steps: Vec::new() }
    }

    /// Adds what follows at once, to be committed with it.
    pub(in crate::engine) fn follow(&mut self, next: Self) {
        let Self { append, artifacts, steps } = next;
        self.append.follow(append);
        self.artifacts.extend(artifacts);
        self.steps.extend(steps);
    }
}

/// What one happening adds, before it is numbered and chained.
#[derive(Default)]
pub(in crate::engine) struct Draft {
    pub(in crate::engine) payloads: Vec<Payload>,
    pub(super) tasks: Vec<Task>,
    pub(in crate::engine) questions: Vec<Question>,
    pub(in crate::engine) inbox: Vec<InboxEntry>,
    pub(super) orphans: Vec<RunId>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) artifacts: Vec<Vec<u8>>,
    pub(in crate::engine) steps: Vec<Step>,
    pub(in crate::engine) audit: Vec<AuditNote>,
    pub(super) spent: Spent,
    pub(super) charge: Charge,
    pub(in crate::engine) end: Option<RunEnd>,
    /// The state at the end, where that is not the machine's.
    pub(super) state: Option<Digest>,
}

impl Run {
    /// Numbers and chains what is to be added.
    pub(in crate::engine) fn seal(&mut self, draft: Draft, desk: &Desk<'_>) -> Addition {
        let Draft {
            payloads,
            tasks,
            questions,
            inbox,
            mut orphans,
            proposals,
            artifacts,
            mut steps,
            mut audit,
            spent,
            charge,
            end,
            state: _,
        } = draft;
        let expected = self.chain.seq();
        let at = self.at(desk);
        let events = payloads.into_iter().map(|payload| self.chain.seal(at, payload)).collect();
        self.last_at = at;
        self.proposals.extend(proposals.iter().map(|proposal| proposal.id.clone()));
        self.artifacts.extend(artifacts.iter().map(|bytes| Digest::of(bytes)));
        if let Some(end) = &end {
            audit.push(self.end_note(end));
            steps.push(Step::Ended(end.clone()));
            orphans.extend(self.open.iter().filter_map(|open| self.child_of(open.effect.ask())));
            self.open.clear();
            self.end = Some(end.clone());
        }
        for note in &mut audit {
            note.at = at;
        }
        let next = match &end {
            Some(RunEnd::Continued { run }) => self.successor(run, desk),
            _ => None,
        };
        let status = end.map_or(RunStatus::Running, |end| end.status());
        let Rest { waiting, wake_at } = self.rest();
        self.told = Rest { waiting, wake_at };
        let append = Append {
            run: self.id.clone(),
            expected,
            events,
            status,
            spent,
            charge,
            tasks,
            waiting,
            wake_at,
            questions,
            inbox,
            proposals,
            audit,
            next: next.map(Box::new),
            orphans,
            held: None,
        };
        Addition { append, artifacts, steps }
    }

    /// The time of what is recorded now: never before what was recorded last, whatever the clock does.
    pub(in crate::engine) fn at(&self, desk: &Desk<'_>) -> i64 {
        desk.now.max(self.last_at)
    }

    fn end_note(&self, end: &RunEnd) -> AuditNote {
        let digests: Value = self.artifacts.iter().map(|digest| Value::from(digest.to_string())).collect();
        let proposals: Value = self.proposals.iter().map(|id| Value::from(id.as_str())).collect();
        self.note(
            &format!("run_{}", end.status_name()),
            &Actor(format!("run:{}", self.id)),
            [
                ("ir_hash", Value::from(self.program.hash().to_string())),
                ("history_head", Value::from(self.chain.head().to_string())),
                ("artifacts", digests),
                ("proposals", proposals),
            ],
        )
    }

    pub(in crate::engine) fn note<const N: usize>(
        &self,
        action: &str,
        by: &Actor,
        detail: [(&str, Value); N],
    ) -> AuditNote {
        AuditNote::of_run(self.last_at, by, action, (&self.id, &self.context), detail)
    }
}
