use bloom_interpreter::effect::LlmRequest;

use super::*;
use crate::record::{LeaseStatus, TaskId, TaskStatus};

const MINUTE: i64 = 60_000;

fn worker(id: &str, provides: &[&str], slots: u32) -> Worker {
    let provides = provides.iter().map(ToString::to_string).collect();
    let capabilities = Capabilities { max_concurrency: slots, provides, ..Capabilities::default() };
    Worker { capabilities, ..Worker::new(WorkerId::new(id), 0) }
}

/// As existing node agents are.
fn agent(id: &str) -> Worker {
    let capabilities = Capabilities { claude_cli: true, labels: vec!["rpi".to_owned()], ..Capabilities::default() };
    Worker { url: Some("http://127.0.0.1:8001".to_owned()), capabilities, ..worker(id, &[], 1) }
}

fn task(requires: &[&str], context: &str) -> Task {
    Task {
        id: TaskId::new("t"),
        of: None,
        flow: None,
        context: ContextId::new(context),
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
        requires: requires.iter().map(ToString::to_string).collect(),
        timeout_seconds: 1,
        time_limit_ms: None,
        time_used_ms: 0,
        priority: 0,
        status: TaskStatus::Queued,
        created_at: 0,
        updated_at: 0,
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

fn lease(id: &str, worker: &str, context: &str) -> Lease {
    Lease {
        id: LeaseId::new(id),
        task: TaskId::new("t"),
        worker: WorkerId::new(worker),
        epoch: 1,
        context: Some(ContextId::new(context)),
        started_at: 0,
        expires_at: 300,
        ttl_ms: 300,
        last_heartbeat: None,
        ended_at: None,
        token: None,
        status: LeaseStatus::Active,
    }
}

fn fleet(workers: &[Worker]) -> Fleet {
    let mut fleet = Fleet::default();
    for worker in workers {
        fleet.register(worker.clone(), 0);
    }
    fleet
}

fn chosen(fleet: &Fleet, task: &Task, at: i64) -> Option<String> {
    fleet.choose(task, false, at).map(|worker| worker.to_string())
}

#[test]
fn worker_that_is_not_heard_of_is_offline() {
    let mut fleet = fleet(&[worker("a", &["llm.command"], 1)]);
    let id = WorkerId::new("a");
    let status = |fleet: &Fleet, at| fleet.seat(&id, at).unwrap().status;
    assert_eq!(status(&fleet, MINUTE - 1), WorkerStatus::Online);
    assert_eq!(status(&fleet, MINUTE), WorkerStatus::Offline);
    assert!(fleet.may_take(&id, MINUTE).is_none());
    assert!(fleet.hear_of(&id, MINUTE));
    assert_eq!(status(&fleet, 2 * MINUTE - 1), WorkerStatus::Online);
    assert!(!fleet.hear_of(&WorkerId::new("b"), 0));
    fleet.lose(&id);
    assert_eq!(status(&fleet, MINUTE), WorkerStatus::Offline);
    assert!(fleet.may_take(&id, MINUTE).is_none());
    fleet.register(Worker { status: WorkerStatus::Syncing, ..worker("a", &["llm.command"], 1) }, 2 * MINUTE);
    assert_eq!(status(&fleet, 2 * MINUTE), WorkerStatus::Syncing, "as it says of itself");
    assert!(fleet.may_take(&id, 2 * MINUTE).is_none());
}

#[test]
fn restored_workers_are_as_they_were_heard_of_and_leases_get_a_fresh_time_to_live() {
    let mut fleet = Fleet::default();
    let quiet = Worker { last_heartbeat: Some(0), ..worker("quiet", &["llm.command"], 1) };
    fleet.restore(vec![quiet, worker("never", &[], 1)], vec![(lease("l", "quiet", "c"), task(&[], "c"))], MINUTE);
    assert_eq!(
        fleet.seats(MINUTE).iter().map(|seat| seat.status).collect::<Vec<_>>(),
        [WorkerStatus::Unknown, WorkerStatus::Offline]
    );
    assert_eq!(fleet.overdue(MINUTE + 300), []);
    assert_eq!(fleet.overdue(MINUTE + 301).len(), 1);
}

#[test]
fn a_worker_must_provide_what_a_task_requires_labels_too() {
    let fleet = fleet(&[agent("push"), worker("pull", &["llm.command", "flow.ir"], 1)]);
    assert_eq!(chosen(&fleet, &task(&["llm", "flow.ir"], "c"), 0).as_deref(), Some("pull"));
    assert_eq!(chosen(&fleet, &task(&["llm.claude_cli"], "c"), 0).as_deref(), Some("push"));
    assert_eq!(chosen(&fleet, &task(&["llm", "label:rpi"], "c"), 0).as_deref(), Some("push"));
    assert_eq!(chosen(&fleet, &task(&["label:gpu"], "c"), 0), None);
    assert_eq!(fleet.choose(&task(&["flow.ir"], "c"), true, 0), None, "nothing is sent to who pulls");
    assert_eq!(fleet.choose(&task(&["llm"], "c"), true, 0), Some(WorkerId::new("push")));
}

#[test]
fn who_is_called_is_sent_no_question_of_a_conversation() {
    let push = fleet(&[agent("push")]);
    let mut asked = task(&["llm"], "c");
    assert_eq!(push.choose(&asked, true, 0), Some(WorkerId::new("push")));
    asked.request.session = Some(bloom_ir::document::Session::Context);
    assert_eq!((push.choose(&asked, true, 0), chosen(&push, &asked, 0)), (None, None));
    let both = fleet(&[agent("push"), worker("pull", &["llm.claude_cli"], 1)]);
    assert_eq!(chosen(&both, &asked, 0).as_deref(), Some("pull"));
}

#[test]
fn slots_are_taken_by_leases_and_by_grants_that_are_being_recorded() {
    let mut fleet = fleet(&[worker("a", &["llm.command"], 2), worker("b", &["llm.command"], 2)]);
    let (a, llm) = (WorkerId::new("a"), task(&["llm"], "other"));
    fleet.granted(lease("l1", "a", "c"), &task(&[], "c"));
    assert_eq!(chosen(&fleet, &llm, 0).as_deref(), Some("b"), "more free slots");
    assert_eq!(chosen(&fleet, &task(&["llm"], "c"), 0).as_deref(), Some("a"), "it has the context");
    assert!(fleet.reserve(&a));
    assert_eq!((fleet.reserve(&a), fleet.free(&a)), (false, 0));
    assert_eq!(chosen(&fleet, &task(&["llm"], "c"), 0).as_deref(), Some("b"), "it is full");
    fleet.register(worker("a", &["llm.command"], 2), 1);
    assert_eq!(fleet.free(&a), 0, "who registers again holds what it held");
    fleet.unreserve(&a);
    fleet.ended(&LeaseId::new("l1"));
    assert_eq!(fleet.free(&a), 2);
    fleet.drain(&a);
    assert!(fleet.may_take(&a, 1).is_none());
}

#[test]
fn a_lease_ends_by_time_unless_its_holder_is_heard_of_or_a_call_to_it_is_open() {
    let mut fleet = fleet(&[agent("a")]);
    fleet.granted(lease("l", "a", "c"), &task(&[], "c"));
    let id = LeaseId::new("l");
    assert_eq!((fleet.overdue(300).len(), fleet.overdue(301).len()), (0, 1));
    assert!(!fleet.has_beaten(&id));
    fleet.beat(Lease { expires_at: 500, last_heartbeat: Some(200), ..lease("l", "a", "c") }, 200);
    assert!(fleet.has_beaten(&id));
    assert_eq!(fleet.seat(&WorkerId::new("a"), 200).unwrap().last_heartbeat, Some(200), "its holder is alive, too");
    assert_eq!((fleet.overdue(500).len(), fleet.overdue(501).len()), (0, 1));
    let current = fleet.current(lease("l", "a", "c"));
    assert_eq!((current.expires_at, current.last_heartbeat), (500, Some(200)));
    fleet.keep_open(&id, true);
    assert_eq!(fleet.overdue(i64::MAX), []);
    fleet.keep_open(&id, false);
    assert_eq!(fleet.overdue(501).len(), 1);
}

#[test]
fn a_clock_that_is_set_ends_no_lease_and_keeps_none() {
    for set_by in [-1_000_000, 1_000_000] {
        let mut fleet = fleet(&[agent("a")]);
        fleet.look_at_clock(0, 0);
        fleet.granted(lease("l", "a", "c"), &task(&[], "c"));
        fleet.beat(Lease { expires_at: 500, last_heartbeat: Some(200), ..lease("l", "a", "c") }, 200);
        fleet.look_at_clock(set_by + 300, 300);
        let seat = fleet.seat(&WorkerId::new("a"), set_by + 300).unwrap();
        assert_eq!(
            (seat.status, seat.last_heartbeat),
            (WorkerStatus::Online, Some(set_by + 200)),
            "it is no less alive"
        );
        assert_eq!((fleet.overdue(set_by + 500).len(), fleet.overdue(set_by + 501).len()), (0, 1), "{set_by}");
        fleet.look_at_clock(500, 500);
        assert_eq!((fleet.overdue(500).len(), fleet.overdue(501).len()), (0, 1), "and set right again");
    }
}

#[test]
fn a_clock_that_is_a_little_fast_is_followed_without_a_step() {
    let mut fleet = fleet(&[agent("a")]);
    fleet.granted(lease("l", "a", "c"), &task(&[], "c"));
    let mut now = 0;
    for elapsed in 0..5_000 {
        now = elapsed + elapsed / 2;
        fleet.look_at_clock(now, elapsed);
    }
    let expires_at = fleet.current(lease("l", "a", "c")).expires_at;
    assert_eq!(expires_at, 300 + 2_000, "what it was ahead by, in whole steps: {now}");
}

#[test]
fn a_heartbeat_brings_no_lease_back_that_has_ended() {
    let mut fleet = fleet(&[agent("a")]);
    fleet.granted(lease("l", "a", "c"), &task(&[], "c"));
    fleet.ended(&LeaseId::new("l"));
    fleet.beat(lease("l", "a", "c"), 200);
    assert_eq!(fleet.overdue(i64::MAX), []);
    assert_eq!(fleet.seat(&WorkerId::new("a"), 200).unwrap().last_heartbeat, Some(200), "its holder is alive");
}

#[test]
fn a_quota_is_shared_and_a_login_is_not() {
    let mut fleet = fleet(&[agent("a"), agent("b"), worker("c", &["llm.command"], 1)]);
    let (a, b) = (WorkerId::new("a"), WorkerId::new("b"));
    let may = |fleet: &Fleet, at| ["a", "b", "c"].map(|id| fleet.may_take(&WorkerId::new(id), at).is_some());
    assert!(!fleet.blame(&a, &EffectError::new("timeout", "slow"), 0));
    assert!(fleet.blame(&a, &EffectError::new("not_logged_in", "who?"), 0));
    assert_eq!(may(&fleet, 0), [false, true, true]);
    let blocked = |fleet: &Fleet| fleet.seat(&a, 0).unwrap().blocked.map(|blocked| (blocked.error.code, blocked.until));
    assert_eq!(blocked(&fleet), Some(("not_logged_in".to_owned(), None)));
    fleet.let_in(&a);
    assert_eq!((may(&fleet, 0), blocked(&fleet)), ([true, true, true], None));
    assert!(fleet.blame(&a, &EffectError::new("not_logged_in", "who?"), 0));
    fleet.register(agent("a"), 1);
    assert_eq!(may(&fleet, 1), [true, true, true]);
    let details = Some([("resets_at", Value::Int(50))].into_iter().collect());
    assert!(fleet.blame(&b, &EffectError { details, ..EffectError::new("quota", "enough") }, 1));
    assert_eq!(may(&fleet, 49), [false, false, true]);
    assert_eq!(fleet.what_stops_all(&["llm".to_owned()], 49), None, "one can go on");
    let stopped = fleet.what_stops_all(&["llm.claude_cli".to_owned()], 49).flatten();
    assert_eq!(stopped.map(|error| error.code), Some("quota".to_owned()));
    assert_eq!(fleet.what_stops_all(&["gpu".to_owned()], 49), Some(None), "there is none");
    assert_eq!(may(&fleet, 50), [true, true, true]);
}

#[test]
fn holder_that_works_longer_than_it_may_is_found() {
    let of = TaskEffect {
        run: RunId::new("r"),
        effect: EffectId::new("n1#1"),
        asked_by: bloom_interpreter::effect::NodeRef { node: bloom_ir::document::NodeId::new("n1"), visit: 1 },
    };
    let asked = Task { of: Some(of), time_limit_ms: Some(5_000), time_used_ms: 4_500, ..task(&[], "c") };
    let mut fleet = fleet(&[worker("a", &[], 4)]);
    fleet.join(WorkerId::new("own"), vec![], 4, 0);
    let ids = |leases: Vec<Lease>| leases.into_iter().map(|lease| lease.id.to_string()).collect::<Vec<_>>();
    // Half a second is left of all its attempts, and a minute is added.
    fleet.granted(lease("run", "a", "c"), &asked);
    fleet.granted(lease("client", "a", "c"), &task(&[], "c"));
    fleet.granted(lease("own", "own", "c"), &asked);
    fleet.beat(Lease { expires_at: i64::MAX, ..lease("run", "a", "c") }, 400);
    assert_eq!(ids(fleet.out_of_time(500 + MINUTE)), [""; 0]);
    assert_eq!(ids(fleet.out_of_time(501 + MINUTE)), ["run"]);
    assert_eq!(ids(fleet.out_of_time(i64::MAX)), ["run"]);
    fleet.ended(&LeaseId::new("run"));
    assert_eq!(fleet.out_of_time(i64::MAX), []);
}

#[test]
fn nobody_is_stopped_for_ever_by_what_a_worker_says_of_a_quota() {
    let (id, at) = (WorkerId::new("a"), 7 * MINUTE);
    let stopped_until = |resets_at: Option<i64>| {
        let mut fleet = fleet(&[worker("a", &["llm.command"], 1)]);
        fleet.hear_of(&id, at);
        let details = resets_at.map(|resets_at| [("resets_at", Value::Int(resets_at))].into_iter().collect());
        assert!(fleet.blame(&id, &EffectError { details, ..EffectError::new("quota", "enough") }, at));
        assert!(fleet.may_take(&id, at).is_none());
        fleet.stopped_until(&id, at)
    };
    assert_eq!(stopped_until(Some(at + 1)), Some(at + 1));
    assert_eq!(stopped_until(None), Some(at + 5 * MINUTE), "it did not say when");
    assert_eq!(stopped_until(Some(at)), Some(at + 5 * MINUTE), "its clock is wrong");
    assert_eq!(stopped_until(Some(i64::MAX)), Some(at + 7 * 24 * 60 * MINUTE));
}
