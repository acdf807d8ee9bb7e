//! Runs and histories.

use std::slice;
use std::sync::Arc;

use bloom_interpreter::history::{Chain, Event, Forked, Payload, Sealed};
use bloom_ir::document::EmitKind;
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{ArtifactId, Charge, Origin, RunError, RunId, RunStatus, Spent, TaskId, day_of};
use bloom_runtime::store::{Append, ArtifactFilter, RunFilter, Store, StoreError, Submission};

use super::fixture::{Scribe, START, completed, emitted, failed, note, requested, submitted};

const ALL: usize = usize::MAX;

pub(super) async fn submitted_run_is_there_with_its_inbox_entry_and_events(store: &Arc<dyn Store>) {
    let mut scribe = Scribe::new("r1");
    let submission = scribe.submission();
    store.submit(submission.clone()).await.unwrap();

    let run = store.run(scribe.run()).await.unwrap().unwrap();
    let mut expected = submission.run;
    expected.status = RunStatus::Running;
    expected.events = 1;
    expected.history_head = scribe.head();
    expected.updated_at = scribe.now();
    assert_eq!(run, expected);
    assert_eq!(store.inbox_entry(&run.inbox).await.unwrap(), Some(submission.inbox));
    assert_eq!(submission.first.events, store.history(&run.id, 1, ALL).await.unwrap());
}

pub(super) async fn what_runs_hand_out_is_listed(store: &Arc<dyn Store>) {
    let mut one = submitted(store.as_ref(), "r1").await;
    let mut other = Scribe::of("r2", "archivist", START + 2);
    store.submit(other.submission()).await.unwrap();
    let large = "x".repeat(100_000);
    let append = one.append([
        emitted(EmitKind::Log, "log", "no artifact"),
        emitted(EmitKind::Artifact, "report", "звіт"),
        emitted(EmitKind::Artifact, "report", large.as_str()),
    ]);
    store.append(append.clone()).await.unwrap();
    store.append(other.append([emitted(EmitKind::Artifact, "numbers", Value::Int(7))])).await.unwrap();
    assert!(store.append(append).await.is_err(), "what is told again changes nothing");

    let listed = |task: Option<&str>, limit| {
        let filter = ArtifactFilter { task: task.map(TaskId::new), limit };
        async move { store.artifacts(&filter).await.unwrap() }
    };
    let all = listed(None, 9).await;
    let told = |artifact: &bloom_runtime::record::Artifact| {
        let of = (artifact.job.as_ref().unwrap().to_string(), artifact.name.clone().unwrap());
        (artifact.id.to_string(), of, artifact.bytes)
    };
    let due = |id: &str, run: &str, name: &str, bytes| (id.to_owned(), (run.to_owned(), name.to_owned()), bytes);
    let expected = [
        due("r2.2", "r2", "numbers", 1),
        due("r1.4", "r1", "report", 100_000),
        due("r1.3", "r1", "report", 8),
    ];
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expected, "newest first");
    assert_eq!(all[2].content, Digest::of("звіт".as_bytes()));
    assert_eq!(all[0].media_type.as_deref(), Some("application/json"));
    assert_eq!(listed(None, 2).await, all[..2]);
    assert_eq!(listed(Some("t1"), 9).await, [], "no task has brought them");
    for artifact in &all {
        assert_eq!(store.artifact(&artifact.id).await.unwrap().as_ref(), Some(artifact));
    }
    for id in ["r1.2", "r1.9", "r9.1", "r1", "r1.x", ""] {
        assert_eq!(store.artifact(&ArtifactId::new(id)).await.unwrap(), None, "{id}");
    }
}

pub(super) async fn run_is_submitted_once(store: &Arc<dyn Store>) {
    let scribe = submitted(store.as_ref(), "r1").await;
    let again = store.submit(Scribe::of("r1", "other", START).submission()).await;
    assert!(matches!(again, Err(StoreError::RunExists(run)) if run == *scribe.run()));
    let mut other = Scribe::new("r2").submission();
    other.inbox.id = Scribe::new("r1").submission().inbox.id;
    other.run.inbox = other.inbox.id.clone();
    assert!(matches!(store.submit(other).await, Err(StoreError::Exists { kind: "inbox entry", .. })));
    assert_eq!(store.run(&RunId::new("r2")).await.unwrap(), None);
}

pub(super) async fn contradicting_submission_is_refused(store: &Arc<dyn Store>) {
    let good = Scribe::new("r1").submission();
    let mut other_run = good.clone();
    other_run.first.run = RunId::new("r2");
    let mut other_entry = good.clone();
    other_entry.run.inbox = Scribe::new("r2").submission().inbox.id;
    let mut with_past = good.clone();
    with_past.run.events = 1;
    for submission in [other_run, other_entry, with_past] {
        assert!(matches!(store.submit(submission).await, Err(StoreError::Contradiction(_))));
    }
    assert_eq!(store.run(&good.run.id).await.unwrap(), None);
    assert_eq!(store.inbox_entry(&good.inbox.id).await.unwrap(), None);
}

pub(super) async fn fork_has_the_events_that_it_shares(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let large = "ї".repeat(100_000);
    store.append(scribe.append([requested("n1#1"), completed("n1#1", &large), failed("n2#1")])).await.unwrap();
    let shared = store.history(scribe.run(), 1, 3).await.unwrap();

    let mut submission = Scribe::of("r2", "archivist", START + 50).submission();
    submission.run.origin = Some(Origin { run: scribe.run().clone(), at: 3 });
    let mut chain = Chain::verify(&shared).unwrap();
    let forked = Forked { run: "r2".to_owned(), origin: "r1".to_owned(), at: 3, ir: submission.run.ir };
    let own = [chain.seal(START + 60, Payload::RunForked(forked)), chain.seal(START + 61, requested("n2#1"))];
    submission.first.events = Sealed::after(Chain::default(), shared).unwrap().into_iter().chain(own).collect();
    store.submit(submission.clone()).await.unwrap();

    let run = store.run(&submission.run.id).await.unwrap().unwrap();
    assert_eq!((run.events, run.history_head, run.origin), (5, chain.head(), submission.run.origin));
    assert_eq!(submission.first.events, store.history(&run.id, 1, ALL).await.unwrap());
    assert_eq!(store.run(scribe.run()).await.unwrap().unwrap().events, 4);
}

pub(super) async fn events_move_the_run(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let append = Append { spent: Spent { tokens: 7, cost_micro_usd: 70 }, ..scribe.append([requested("n1#1"), completed("n1#1", "так")]) };
    store.append(append).await.unwrap();
    store.append(Append { spent: Spent { tokens: 5, cost_micro_usd: 3 }, ..scribe.completion("done") }).await.unwrap();

    let run = store.run(scribe.run()).await.unwrap().unwrap();
    assert_eq!((run.status, run.result, run.error), (RunStatus::Completed, Some(Value::from("done")), None));
    assert_eq!((run.events, run.tokens, run.cost_micro_usd, run.history_head), (4, 12, 73, scribe.head()));
    assert_eq!(run.updated_at, scribe.now());
    let history = store.history(scribe.run(), 1, ALL).await.unwrap();
    assert_eq!(Chain::verify(&history).unwrap().head(), scribe.head());
}

pub(super) async fn append_out_of_sequence_is_refused(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let append = scribe.append([failed("n1#1")]);
    store.append(append.clone()).await.unwrap();
    let again = store.append(append).await;
    assert!(matches!(again, Err(StoreError::Run(RunError::OutOfSequence { expected: 1, actual: 2, .. }))), "{again:?}");
    scribe.append([failed("n2#1")]);
    let early = store.append(scribe.append([failed("n3#1")])).await;
    assert!(matches!(early, Err(StoreError::Run(RunError::OutOfSequence { expected: 3, actual: 2, .. }))), "{early:?}");
    let unknown = store.append(Scribe::new("r2").append([failed("n1#1")])).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { kind: "run", .. })), "{unknown:?}");
}

pub(super) async fn events_of_another_history_are_refused(store: &Arc<dyn Store>) {
    submitted(store.as_ref(), "r1").await;
    let mut other = Scribe::of("r1", "archivist", START + 1);
    other.submission();
    let refused = store.append(other.append([failed("n1#1")])).await;
    assert!(matches!(refused, Err(StoreError::Run(RunError::OtherHistory { events: 1, .. }))), "{refused:?}");
}

/// An event that was changed, as one that follows the same event.
fn resealed(event: Event) -> Sealed {
    Chain::at(event.seq - 1, event.prev).admit(event).unwrap()
}

pub(super) async fn broken_chain_is_refused(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let good = scribe.append([requested("n1#1"), failed("n1#1")]);
    let mut changed = good.clone();
    let first = Event { at: good.events[0].at + 1, ..good.events[0].clone().into() };
    changed.events[0] = resealed(first);
    let mut swapped = good.clone();
    swapped.events.swap(0, 1);
    for append in [changed, swapped] {
        let refused = store.append(append).await;
        assert!(matches!(refused, Err(StoreError::Run(RunError::Chain { .. }))), "{refused:?}");
    }
    store.append(good).await.unwrap();
}

pub(super) async fn erased_event_is_not_appended(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let mut append = scribe.append([failed("n1#1")]);
    append.events[0] = resealed(Event::from(append.events[0].clone()).erased());
    let refused = store.append(append).await;
    assert!(matches!(refused, Err(StoreError::Run(RunError::Erased { seq: 2, .. }))), "{refused:?}");
}

pub(super) async fn status_must_be_what_the_events_say(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    for status in [RunStatus::Queued, RunStatus::Completed, RunStatus::Cancelled] {
        let append = Append { status, ..scribe.clone().append([failed("n1#1")]) };
        let refused = store.append(append).await;
        assert!(matches!(refused, Err(StoreError::Run(RunError::Status { .. }))), "{refused:?}");
    }
    let append = Append { status: RunStatus::Failed, ..scribe.clone().completion("done") };
    assert!(matches!(store.append(append).await, Err(StoreError::Run(RunError::Status { .. }))));
    store.append(scribe.completion("done")).await.unwrap();
}

pub(super) async fn ended_run_takes_no_more(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let mut after_end = scribe.clone();
    let mut append = after_end.completion("done");
    append.events.extend(after_end.events([failed("n1#1")]));
    assert!(matches!(store.append(append).await, Err(StoreError::Run(RunError::Ended { .. }))));

    store.append(scribe.cancellation()).await.unwrap();
    let ended = store.run(scribe.run()).await.unwrap().unwrap();
    let refused = store.append(scribe.append([failed("n1#1")])).await;
    let cancelled = |error| matches!(error, StoreError::Run(RunError::Ended { status: RunStatus::Cancelled, .. }));
    assert!(cancelled(refused.unwrap_err()));
    assert_eq!(store.run(scribe.run()).await.unwrap(), Some(ended));
}

pub(super) async fn refused_append_leaves_nothing(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    store.append(scribe.asking(&[("t1", "n1#1")])).await.unwrap();
    let before = store.run(scribe.run()).await.unwrap();

    // The second task's id is taken: by then the events, the first task and more could have been written.
    let mut append = scribe.asking(&[("t2", "n2#1"), ("t1", "n3#1")]);
    append.proposals = vec![scribe.proposal("p1", "n4#1", "summary")];
    append.audit = vec![note("asked", scribe.now())];
    let refused = store.append(append).await;
    assert!(matches!(refused, Err(StoreError::Exists { kind: "task", .. })), "{refused:?}");

    assert_eq!(store.run(scribe.run()).await.unwrap(), before);
    assert_eq!(store.history(scribe.run(), 1, ALL).await.unwrap().len(), 2);
    assert_eq!(store.tasks(scribe.run()).await.unwrap().len(), 1);
    assert_eq!(store.proposal(&scribe.proposal("p1", "", "").id).await.unwrap(), None);
    assert_eq!(store.audit_head().await.unwrap(), None);

    let foreign = Scribe::new("r2").task("t3", "n5#1");
    let append = Append { tasks: vec![foreign], ..scribe.append([]) };
    assert!(matches!(store.append(append).await, Err(StoreError::Contradiction(_))));
}

pub(super) async fn history_is_read_in_pages(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    store.append(scribe.append((1..10).map(|n| failed(&format!("n{n}#1"))))).await.unwrap();
    let whole = store.history(scribe.run(), 1, ALL).await.unwrap();
    assert_eq!(whole.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert_eq!(store.history(scribe.run(), 0, ALL).await.unwrap(), whole);
    assert_eq!(store.history(scribe.run(), 4, 3).await.unwrap(), whole[3..6]);
    assert_eq!(store.history(scribe.run(), 9, 3).await.unwrap(), whole[8..]);
    assert_eq!(store.history(scribe.run(), 11, 3).await.unwrap(), []);
    assert_eq!(store.history(scribe.run(), 1, 0).await.unwrap(), []);
}

pub(super) async fn large_payload_comes_back(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    // Around the size from which a payload is kept elsewhere, and well beyond.
    let sizes = [65_000, 65_400, 65_536, 66_000, 3_000_000];
    let values = sizes.map(|size| "я\"".repeat(size / 4));
    let append = scribe.append(values.iter().map(|value| completed("n1#1", value)));
    store.append(append.clone()).await.unwrap();
    assert_eq!(append.events, store.history(scribe.run(), 2, ALL).await.unwrap());
}

pub(super) async fn runs_are_listed_newest_first(store: &Arc<dyn Store>) {
    for (run, at) in [("r3", 10), ("r1", 20), ("r2", 20), ("r4", -5)] {
        store.submit(Scribe::of(run, "archivist", at).submission()).await.unwrap();
    }
    let list = async |before: Option<&str>, limit| {
        let filter = RunFilter { before: before.map(RunId::new), limit, ..RunFilter::default() };
        let runs = store.runs(&filter).await.unwrap();
        runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, ALL).await, ["r2", "r1", "r3", "r4"]);
    assert_eq!(list(None, 2).await, ["r2", "r1"]);
    assert_eq!(list(Some("r1"), ALL).await, ["r3", "r4"]);
    assert_eq!(list(Some("r4"), ALL).await, [""; 0]);
    let unknown = RunFilter { before: Some(RunId::new("r9")), limit: 1, ..RunFilter::default() };
    assert!(matches!(store.runs(&unknown).await, Err(StoreError::NotFound { kind: "run", .. })));
}

pub(super) async fn runs_are_filtered_by_flow_and_status(store: &Arc<dyn Store>) {
    for (run, flow, at, ends) in
        [("r1", "a", 1, true), ("r2", "a", 2, false), ("r3", "b", 3, true), ("r4", "ab", 4, false)]
    {
        let mut scribe = Scribe::of(run, flow, at);
        store.submit(scribe.submission()).await.unwrap();
        if ends {
            store.append(scribe.completion("done")).await.unwrap();
        }
    }
    let list = async |flow: Option<&str>, status, before: Option<&str>| {
        let flow = flow.map(str::to_owned);
        let filter = RunFilter { flow, status, before: before.map(RunId::new), limit: ALL, ..RunFilter::default() };
        let runs = store.runs(&filter).await.unwrap();
        let counted = store.count_runs(&RunFilter { limit: 0, ..filter }, u64::MAX).await.unwrap();
        assert_eq!(counted, runs.len() as u64);
        runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("a"), None, None).await, ["r2", "r1"]);
    assert_eq!(list(Some("a"), None, Some("r2")).await, ["r1"]);
    assert_eq!(list(Some("a"), Some(RunStatus::Completed), None).await, ["r1"]);
    assert_eq!(list(None, Some(RunStatus::Completed), None).await, ["r3", "r1"]);
    assert_eq!(list(None, Some(RunStatus::Completed), Some("r2")).await, ["r1"]);
    assert_eq!(list(None, Some(RunStatus::Running), None).await, ["r4", "r2"]);
    assert_eq!(list(None, Some(RunStatus::Queued), None).await, [""; 0]);
    let between = async |flow: Option<&str>, from, to| {
        let filter = RunFilter { flow: flow.map(str::to_owned), from, to, limit: ALL, ..RunFilter::default() };
        let runs = store.runs(&filter).await.unwrap();
        assert_eq!(store.count_runs(&filter, u64::MAX).await.unwrap(), runs.len() as u64);
        let (few, counted) = (1, store.count_runs(&filter, 1).await.unwrap());
        assert_eq!(counted, few.min(runs.len() as u64), "no more are counted than are asked for");
        runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(between(None, Some(2), Some(4)).await, ["r3", "r2"]);
    assert_eq!(between(None, Some(3), None).await, ["r4", "r3"]);
    assert_eq!(between(Some("a"), None, Some(2)).await, ["r1"]);
    assert_eq!(between(None, Some(4), Some(2)).await, [""; 0]);
}

pub(super) async fn run_that_waits_for_its_turn_begins_later(store: &Arc<dyn Store>) {
    let mut first = Scribe::of("r1", "a", START);
    let mut second = Scribe::of("r2", "b", START + 1);
    // The later one came first.
    let (one, begins) = first.queued(8);
    let (other, _) = second.queued(7);
    store.submit(one.clone()).await.unwrap();
    store.submit(other).await.unwrap();
    let run = store.run(first.run()).await.unwrap().unwrap();
    assert_eq!(run, one.run);
    assert_eq!((run.started_at(), run.events), (None, 0));
    assert_eq!(store.history(first.run(), 1, ALL).await.unwrap(), []);
    assert_eq!(store.moving_runs().await.unwrap(), [], "nobody has to drive it");
    let standing = async |status| {
        let found = store.standing_runs(status).await.unwrap();
        found.into_iter().map(|run| (run.id.to_string(), run.flow, run.waiting, run.turn)).collect::<Vec<_>>()
    };
    let of = |id: &str, flow: &str, waiting, turn| (id.to_owned(), flow.to_owned(), waiting, turn);
    let both = [of("r1", "a", false, Some(8)), of("r2", "b", false, Some(7))];
    assert_eq!(standing(RunStatus::Queued).await, both);
    assert_eq!(standing(RunStatus::Running).await, []);
    let counted = async || {
        let counts = store.standing_counts().await.unwrap();
        counts.into_iter().map(|count| (count.flow, count.status, count.runs, count.waiting)).collect::<Vec<_>>()
    };
    let stand = |flow: &str, status, runs, waiting| (flow.to_owned(), status, runs, waiting);
    let queued = stand("b", RunStatus::Queued, 1, 0);
    assert_eq!(counted().await, [stand("a", RunStatus::Queued, 1, 0), queued.clone()]);

    store.append(begins).await.unwrap();
    let run = store.run(first.run()).await.unwrap().unwrap();
    assert_eq!((run.status, run.events, run.started_at()), (RunStatus::Running, 1, Some(START + 1)));
    assert_eq!(store.moving_runs().await.unwrap(), slice::from_ref(first.run()));
    assert_eq!(standing(RunStatus::Queued).await, both[1..]);
    assert_eq!(counted().await, [stand("a", RunStatus::Running, 1, 0), queued.clone()]);
    store.append(Append { waiting: true, ..first.append([]) }).await.unwrap();
    assert_eq!(standing(RunStatus::Running).await, [of("r1", "a", true, None)]);
    assert_eq!(counted().await, [stand("a", RunStatus::Running, 1, 1), queued.clone()]);
    store.append(first.completion("done")).await.unwrap();
    assert_eq!(store.run(first.run()).await.unwrap().unwrap().started_at(), Some(START + 1));
    assert_eq!(standing(RunStatus::Running).await, []);
    assert_eq!(counted().await, [queued], "it has ended");
}

pub(super) async fn run_that_never_began_is_cancelled(store: &Arc<dyn Store>) {
    let (submission, _) = Scribe::new("r1").queued(1);
    store.submit(submission.clone()).await.unwrap();
    let (mut chain, run) = (Chain::default(), submission.run.id);
    let events = vec![chain.seal(START + 5, Payload::RunCancelled { reason: "enough".to_owned() })];
    store.append(Append { status: RunStatus::Cancelled, events, ..submission.first }).await.unwrap();
    let run = store.run(&run).await.unwrap().unwrap();
    assert_eq!((run.status, run.events, run.started_at()), (RunStatus::Cancelled, 1, None));
    assert_eq!((run.updated_at, run.history_head), (START + 5, chain.head()));
    assert_eq!(store.standing_runs(RunStatus::Queued).await.unwrap(), []);
    assert_eq!(store.moving_runs().await.unwrap(), []);
}

pub(super) async fn what_agents_use_is_summed_by_day(store: &Arc<dyn Store>) {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let today = day_of(START);
    let charge = |calls, tokens| Charge { calls, tokens, cost_micro_usd: 10 * tokens };
    for (run, agent, at, used) in [
        ("r1", "a", START, charge(1, 5)),
        ("r2", "a", START, charge(2, 7)),
        ("r3", "b", START, charge(0, 1)),
        ("r4", "a", START + DAY, charge(1, 1)),
        ("r5", "b", START + DAY, Charge::default()),
    ] {
        let mut scribe = Scribe::of(run, agent, at);
        store.submit(scribe.submission()).await.unwrap();
        store.append(Append { charge: used, ..scribe.append([requested("n1#1")]) }).await.unwrap();
        let refused = Append { charge: charge(9, 9), expected: 0, ..scribe.append([]) };
        store.append(refused).await.unwrap_err();
    }
    let spent = async |day| {
        let found = store.spending(day).await.unwrap();
        found.into_iter().map(|of| (of.agent, of.day - today, of.charge)).collect::<Vec<_>>()
    };
    let of = |agent: &str, day, charge| (agent.to_owned(), day, charge);
    assert_eq!(spent(today).await, [of("a", 0, charge(3, 12)), of("b", 0, charge(0, 1))]);
    assert_eq!(spent(today + 1).await, [of("a", 1, charge(1, 1))]);
    assert_eq!(spent(today - 1).await, []);
}

pub(super) async fn histories_of_many_runs_stay_apart(store: &Arc<dyn Store>) {
    let mut writers = Vec::new();
    for n in 0..200 {
        let store = Arc::clone(store);
        writers.push(tokio::spawn(async move {
            let mut scribe = submitted(store.as_ref(), &format!("r{n}")).await;
            for visit in 1..=3 {
                let effect = format!("n1#{visit}");
                store.append(scribe.append([requested(&effect), completed(&effect, &n.to_string())])).await.unwrap();
            }
            scribe
        }));
    }
    for writer in writers {
        let scribe = writer.await.unwrap();
        let history = store.history(scribe.run(), 1, ALL).await.unwrap();
        let chain = Chain::verify(&history).unwrap();
        assert_eq!((chain.seq(), chain.head()), (7, scribe.head()));
        let run = store.run(scribe.run()).await.unwrap().unwrap();
        assert_eq!((run.events, run.history_head), (7, scribe.head()));
    }
}

pub(super) async fn one_of_many_racing_writers_wins(store: &Arc<dyn Store>) {
    let scribe = submitted(store.as_ref(), "r1").await;
    let racers: Vec<_> = (0..50)
        .map(|n| {
            let (store, mut scribe) = (Arc::clone(store), scribe.clone());
            tokio::spawn(async move { store.append(scribe.append([failed(&format!("n{n}#1"))])).await })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(()) => won += 1,
            Err(StoreError::Run(RunError::OutOfSequence { expected: 1, actual: 2, .. })) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.history(scribe.run(), 1, ALL).await.unwrap().len(), 2);
}

pub(super) async fn racing_submissions_make_one_run(store: &Arc<dyn Store>) {
    let racers: Vec<_> = (0..20)
        .map(|n| {
            let store = Arc::clone(store);
            let submission: Submission = Scribe::of("r1", &format!("f{n}"), START + n).submission();
            tokio::spawn(async move { store.submit(submission).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap());
    }
    assert_eq!(won, 1);
    assert_eq!(store.runs(&RunFilter { limit: ALL, ..RunFilter::default() }).await.unwrap().len(), 1);
}

pub(super) async fn submission_keeps_its_flow(store: &Arc<dyn Store>) {
    let submission = Scribe::new("r1").submission();
    store.submit(submission.clone()).await.unwrap();
    assert_eq!(store.flow_document(submission.run.ir).await.unwrap(), Some(submission.document));
    assert_eq!(store.flows().await.unwrap(), std::slice::from_ref(&submission.flow));

    let mut other = Scribe::new("r2").submission();
    other.flow.program = Digest::of(b"another program");
    let refused = store.submit(other).await;
    assert!(matches!(&refused, Err(StoreError::FlowConflict(conflict)) if conflict.known == submission.flow.program));
    assert_eq!(store.run(&RunId::new("r2")).await.unwrap(), None);

    let mut foreign = Scribe::new("r2").submission();
    foreign.flow.hash = Digest::of(b"another document");
    assert!(matches!(store.submit(foreign).await, Err(StoreError::Contradiction(_))));
}
