//! The table in the module's documentation is held against the code, for every state and every command.

use std::collections::BTreeSet;

use bloom_interpreter::effect::LlmRequest;

use super::*;
use crate::record::ContextId;

const TASKS: [TaskStatus; 6] = [
    TaskStatus::Queued,
    TaskStatus::Leased,
    TaskStatus::Running,
    TaskStatus::Completed,
    TaskStatus::Failed,
    TaskStatus::Dead,
];
const LEASES: [Option<LeaseStatus>; 5] = [
    None,
    Some(LeaseStatus::Active),
    Some(LeaseStatus::Released),
    Some(LeaseStatus::Expired),
    Some(LeaseStatus::Failed),
];
const COMMANDS: [&str; 10] =
    ["grant", "heartbeat", "complete", "fail", "expire", "release", "revoke", "delay", "requeue", "cancel"];
const NOW: i64 = 1000;

/// A line of the table.
#[derive(Debug)]
struct Line {
    tasks: Vec<&'static str>,
    lease: &'static str,
    command: &'static str,
    when: Vec<&'static str>,
    task: &'static str,
    after_lease: &'static str,
}

fn table() -> Vec<Line> {
    let lines = include_str!("../mod.rs").lines().skip_while(|line| !line.contains("| task | lease | command"));
    let lines = lines.take_while(|line| line.starts_with("//! |")).skip(2);
    lines
        .map(|line| {
            let cells: Vec<_> =
                line.trim_start_matches("//! |").trim_end_matches('|').split('|').map(str::trim).collect();
            let [task, lease, command, when, after, after_lease] = cells.as_slice() else { panic!("{line}") };
            Line {
                tasks: task.split(", ").collect(),
                lease,
                command,
                when: when.split(", ").filter(|fact| *fact != "–").collect(),
                task: after,
                after_lease,
            }
        })
        .collect()
}

/// Where a task and its newest lease stand, and what is said of it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, which are combined in every way")]
struct Case {
    task: TaskStatus,
    lease: Option<LeaseStatus>,
    command: &'static str,
    is_newest: bool,
    is_due: bool,
    by_name: bool,
    is_retryable: bool,
    has_attempts: bool,
    is_same: bool,
    is_resolved: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for task in TASKS {
            for lease in LEASES {
                for command in COMMANDS {
                    for bits in 0..128_u32 {
                        let bit = |at: u32| bits & (1 << at) != 0;
                        cases.push(Self {
                            task,
                            lease,
                            command,
                            is_newest: bit(0),
                            is_due: bit(1),
                            by_name: bit(2),
                            is_retryable: bit(3),
                            has_attempts: bit(4),
                            is_same: bit(5),
                            is_resolved: bit(6),
                        });
                    }
                }
            }
        }
        cases
    }

    fn holds(&self, fact: &str) -> bool {
        match fact {
            "newest" => self.is_newest && self.lease.is_some(),
            "due" => self.is_due,
            "due, or asked for by name" => self.is_due || self.by_name,
            "same answer" | "same error" => self.is_same,
            "retryable" => self.is_retryable,
            "not retryable" => !self.is_retryable,
            "attempts left" => self.has_attempts,
            "no attempt left" => !self.has_attempts,
            "not resolved" => !self.is_resolved,
            other => panic!("{other}"),
        }
    }

    fn matches(&self, line: &Line) -> bool {
        let when = if line.command == "grant" { vec!["due, or asked for by name"] } else { line.when.clone() };
        line.command == self.command
            && line.tasks.contains(&self.task.name())
            && (line.lease == "any" || self.lease.is_some_and(|lease| line.lease == lease_name(lease)))
            && when.into_iter().all(|fact| self.holds(fact))
    }

    fn task(&self) -> Task {
        let attempts = if self.has_attempts { 2 } else { 3 };
        Task {
            id: TaskId::new("t"),
            of: None,
            flow: None,
            context: ContextId::new("c"),
            agent_slug: "agent".to_owned(),
            request: LlmRequest {
                prompt: "?".to_owned(),
                system: None,
                memory: Vec::new(),
                model: None,
                max_tokens: None,
                session: None,
                output: serde_json::json!({}),
                timeout_seconds: None,
                retry: None,
            },
            requires: Vec::new(),
            timeout_seconds: 1,
            time_limit_ms: None,
            time_used_ms: 0,
            priority: 0,
            status: self.task,
            created_at: 1,
            updated_at: 2,
            not_before: (!self.is_due).then_some(NOW + 1),
            lease: self.lease.map(|_| LeaseId::new("l")),
            attempts,
            max_attempts: 3,
            epoch: 7,
            answer: Some(answer(1)),
            error: Some(error("slow", false)),
            resolved: self.is_resolved,
        }
    }

    fn lease(&self) -> Option<Lease> {
        self.lease.map(|status| Lease {
            id: LeaseId::new("l"),
            task: TaskId::new("t"),
            worker: WorkerId::new("w"),
            epoch: 7,
            context: Some(ContextId::new("c")),
            started_at: 3,
            expires_at: 103,
            ttl_ms: 100,
            last_heartbeat: None,
            ended_at: None,
            token: None,
            status,
        })
    }

    fn command(&self, proof: Proof) -> Command {
        let end = |ending| Command::End(proof.clone(), ending);
        match self.command {
            "grant" => Command::Grant(Granting {
                lease: LeaseId::new("new"),
                worker: WorkerId::new("v"),
                ttl_ms: 50,
                token: None,
                by_name: self.by_name,
            }),
            "heartbeat" => Command::Heartbeat(proof),
            "complete" => end(LeaseEnding::Completed(answer(if self.is_same { 1 } else { 2 }))),
            "fail" => {
                let code = if self.is_same { "slow" } else { "lost" };
                end(LeaseEnding::Failed(error(code, self.is_retryable)))
            }
            "expire" => end(LeaseEnding::Expired),
            "release" => end(LeaseEnding::GivenBack),
            "revoke" => Command::Revoke,
            "delay" => Command::Delay(NOW + 9),
            "requeue" => Command::Requeue,
            _ => Command::Cancel("enough"),
        }
    }
}

fn answer(value: i64) -> Answer {
    Answer { value: value.into(), usage: None }
}

fn error(code: &str, retryable: bool) -> EffectError {
    EffectError { retryable, ..EffectError::new(code, "…") }
}

fn lease_name(status: LeaseStatus) -> &'static str {
    match status {
        LeaseStatus::Active => "active",
        LeaseStatus::Released => "released",
        LeaseStatus::Expired => "expired",
        LeaseStatus::Failed => "failed",
    }
}

/// What an entry of the table says that becomes of a task.
fn expected(line: &Line, before: &Task) -> Task {
    let word = line.task.split([',', ':']).next().unwrap();
    let mut after = before.clone();
    if let Some(status) = TASKS.into_iter().find(|status| status.name() == word) {
        after.status = status;
    } else {
        assert_eq!(word, "unchanged", "{line:?}");
    }
    for (said, attempts) in
        [("`attempts + 1`", before.attempts + 1), ("`attempts - 1`", before.attempts - 1), ("`attempts = 0`", 0)]
    {
        if line.task.contains(said) {
            after.attempts = attempts;
        }
    }
    after.epoch += u64::from(line.task.contains("`epoch + 1`"));
    after.resolved |= line.task.contains("resolved");
    after
}

#[test]
fn the_table_says_what_the_code_does() {
    let table = table();
    let mut used = BTreeSet::new();
    for case in Case::all() {
        let (task, lease) = (case.task(), case.lease());
        let matching: Vec<_> = table.iter().enumerate().filter(|(_, line)| case.matches(line)).collect();
        assert!(matching.len() <= 1, "{case:?} is in {matching:?}");
        let newest = Proof { lease: LeaseId::new("l"), epoch: 7 };
        let stale = [
            Proof { lease: LeaseId::new("older"), ..newest.clone() },
            Proof { epoch: 6, ..newest.clone() },
            Proof { epoch: 8, ..newest.clone() },
        ];
        for proof in if case.is_newest { vec![newest] } else { stale.to_vec() } {
            let decision = decide(&task, lease.as_ref(), &case.command(proof), NOW);
            let Some((at, line)) = matching.first() else {
                assert!(decision.is_err(), "{case:?}: {decision:?}");
                continue;
            };
            used.insert(*at);
            let decision = decision.unwrap_or_else(|error| panic!("{case:?} is {line:?}, but {error}"));
            let expected = expected(line, &task);
            let shown = |task: &Task| (task.status, task.attempts, task.epoch, task.resolved);
            assert_eq!(shown(&decision.task), shown(&expected), "{case:?} is {line:?}");
            let is_repeated = line.task == "unchanged";
            assert_eq!(decision.is_repeated, is_repeated, "{case:?}");
            if is_repeated {
                assert_eq!((&decision.task, &decision.lease), (&task, &lease), "{case:?}");
            }
            let after = decision.lease.as_ref();
            match line.after_lease.split(',').next().unwrap() {
                "unchanged" => assert_eq!(decision.lease, lease, "{case:?}"),
                // A task that is held has a lease, whatever else is tried here.
                _ if after.is_none() => assert_eq!((case.command, case.lease), ("cancel", None)),
                word => assert_eq!(after.map(|lease| lease_name(lease.status)), Some(word), "{case:?} is {line:?}"),
            }
            assert!(decision.task.epoch >= task.epoch, "the epoch is never lowered");
        }
    }
    assert_eq!(used.len(), table.len(), "every line is reached");
}

#[test]
fn a_grant_takes_the_next_epoch_and_a_heartbeat_prolongs_the_lease() {
    let case =
        Case::all().into_iter().find(|case| case.command == "grant" && case.is_due && case.lease.is_none()).unwrap();
    let proof = Proof { lease: LeaseId::new("new"), epoch: 8 };
    let granted = decide(&case.task(), None, &case.command(proof.clone()), NOW).unwrap();
    let lease = granted.lease.unwrap();
    assert_eq!((lease.epoch, granted.task.epoch, lease.expires_at), (8, 8, NOW + 50));
    assert_eq!(granted.task.lease.as_ref(), Some(&lease.id));
    let beaten = decide(&granted.task, Some(&lease), &Command::Heartbeat(proof), NOW + 40).unwrap();
    let lease = beaten.lease.unwrap();
    assert_eq!(
        (lease.expires_at, lease.last_heartbeat, beaten.task.status),
        (NOW + 90, Some(NOW + 40), TaskStatus::Running)
    );
}
