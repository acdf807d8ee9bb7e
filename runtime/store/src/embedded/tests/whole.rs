//! A store as a whole: which runs an archive takes, and files that are copied and compacted.

use bloom_interpreter::effect::{EffectId, Emission};
use bloom_interpreter::history::Payload;
use bloom_ir::document::{EmitKind, NodeId};
use bloom_runtime::record::{LeaseEnding, Origin, Parent, ProposalStatus, RunRecord, Verdict};
use bloom_runtime::store::{ApplyStep, LeaseEnd, Submission};
use serde_json::{Value as Json, json};

use super::*;
use crate::conformance::fixture::{START, answer, ask, end, kept, owner, requested, with_tasks};
use crate::{Kept, TransferError};

/// Later than all that the tests do.
const LATER: i64 = START + 1_000_000;

async fn submitted_as(store: &RedbStore, run: &str, change: impl FnOnce(&mut RunRecord)) -> Scribe {
    let mut scribe = Scribe::new(run);
    let mut submission: Submission = scribe.submission();
    change(&mut submission.run);
    store.submit(submission).await.unwrap();
    scribe
}

/// The ids of the runs that are there.
async fn runs(store: &RedbStore) -> Vec<String> {
    let runs = store.runs(&RunFilter { limit: usize::MAX, ..RunFilter::default() }).await.unwrap();
    let mut ids: Vec<String> = runs.into_iter().map(|run| run.id.to_string()).collect();
    ids.sort();
    ids
}

async fn is_sound(store: &RedbStore) {
    let found = store.verify().await.unwrap();
    assert_eq!(found.faults, Vec::<String>::new());
}

#[tokio::test]
async fn only_runs_that_ended_before_the_time_are_archived() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::in_memory().unwrap();
    for (name, at) in [("давній", START), ("недавній", START + 5000)] {
        let mut scribe = Scribe::of(name, "archivist", at);
        store.submit(scribe.submission()).await.unwrap();
        store.append(scribe.completion("готово")).await.unwrap();
    }
    submitted(&store, "живий").await;
    let plan = store.archivable(START + 5000).await.unwrap();
    assert_eq!((plan.runs(), plan.events(), plan.kept), (1, 2, Kept::default()));
    let file = folder.path().join("архів.jsonl.gz");
    store.archive(plan, &file, LATER, &owner()).await.unwrap();
    assert_eq!(runs(&store).await, ["живий", "недавній"]);
    is_sound(&store).await;
    let last = store.audit_head().await.unwrap().unwrap().note;
    assert_eq!(last.action, "runs_archived");
    assert_eq!(serde_json::to_value(&last.detail).unwrap(), serde_json::json!({ "runs": ["давній"] }));

    // An export holds what is left, an archive is no export, and an export is no archive.
    let mut export = Vec::new();
    store.export(&mut export, LATER).unwrap();
    assert!(!String::from_utf8(export.clone()).unwrap().contains(r#""id":"давній""#));
    let read = RedbStore::import(&folder.path().join("new"), fs::File::open(&file).unwrap(), 1, &owner());
    assert!(matches!(read, Err(TransferError::Other(crate::Format::Archive))), "{read:?}");
    let other = folder.path().join("export");
    fs::write(&other, export).unwrap();
    let read = store.restore(&other, 1, &owner()).await;
    assert!(matches!(read, Err(TransferError::Other(crate::Format::Export))), "{read:?}");
}

#[tokio::test]
async fn what_is_still_needed_stays() {
    let store = RedbStore::in_memory().unwrap();
    let finished = async |mut scribe: Scribe, append: Append| {
        let proposals = append.proposals.clone();
        store.append(append).await.unwrap();
        store.append(scribe.completion("done")).await.unwrap();
        proposals
    };
    let kept = async || {
        let plan = store.archivable(LATER).await.unwrap();
        (plan.runs(), plan.kept)
    };

    // A child of a parent that lives, and a fork of that child.
    let mut parent = submitted(&store, "parent").await;
    let of_parent = Parent { run: parent.run().clone(), effect: EffectId::new("n1#1"), waits: true, depth: 1 };
    let mut child = submitted_as(&store, "child", |run| run.parent = Some(of_parent)).await;
    store.append(child.completion("done")).await.unwrap();
    let origin = Origin { run: child.run().clone(), at: 1 };
    let mut fork = submitted_as(&store, "fork", |run| run.origin = Some(origin)).await;
    store.append(fork.completion("done")).await.unwrap();
    assert_eq!(kept().await, (0, Kept { linked: 2, ..Kept::default() }));
    store.append(parent.completion("done")).await.unwrap();
    assert_eq!(kept().await, (3, Kept::default()));

    // A proposal, and another run's that repeats it.
    for (run, id) in [("first", "p1"), ("second", "p2")] {
        let mut scribe = submitted(&store, run).await;
        let proposals = vec![scribe.proposal(id, "n2#1", "те саме")];
        let append = scribe.append([requested("n2#1")]);
        finished(scribe, Append { proposals, ..append }).await;
    }
    assert_eq!(kept().await, (3, Kept { proposals: 2, ..Kept::default() }));
    let decision =
        Decision { proposal: ProposalId::new("p1"), verdict: Verdict::Approve, by: owner(), at: START + 9, note: None };
    store.decide(decision).await.unwrap();
    assert_eq!(kept().await, (3, Kept { proposals: 1, linked: 1, ..Kept::default() }), "it is not applied");
    for to in [ProposalStatus::Applying, ProposalStatus::Applied] {
        let step = ApplyStep { proposal: ProposalId::new("p1"), to, by: owner(), at: START + 10, result: None };
        store.move_proposal(step).await.unwrap();
    }
    assert_eq!(kept().await, (5, Kept::default()));

    // An artifact.
    let mut scribe = submitted(&store, "maker").await;
    let emission = Emission {
        id: EffectId::new("n3#1"),
        node: NodeId::new("n3"),
        kind: EmitKind::Artifact,
        name: "звіт".to_owned(),
        action: None,
        value: "текст".into(),
    };
    let append = scribe.append([Payload::Emitted { emission }]);
    finished(scribe, append).await;
    assert_eq!(kept().await, (5, Kept { artifacts: 1, ..Kept::default() }));
}

#[tokio::test]
async fn large_payload_leaves_with_the_last_run_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::in_memory().unwrap();
    let large = completed("n1#1", &"ї".repeat(100_000));
    let digest = large.digest();
    for (name, at) in [("old", START), ("new", START + 5000)] {
        let mut scribe = Scribe::of(name, "archivist", at);
        store.submit(scribe.submission()).await.unwrap();
        store.append(scribe.append([large.clone()])).await.unwrap();
        store.append(scribe.completion("done")).await.unwrap();
    }
    let told = store.history(&RunId::new("old"), 1, 9).await.unwrap();
    for (before, is_kept) in [(START + 5000, true), (LATER, false)] {
        let plan = store.archivable(before).await.unwrap();
        assert_eq!(plan.runs(), 1);
        store.archive(plan, &folder.path().join(before.to_string()), LATER, &owner()).await.unwrap();
        assert_eq!(store.blob(digest).await.unwrap().is_some(), is_kept);
        is_sound(&store).await;
    }
    store.restore(&folder.path().join((START + 5000).to_string()), LATER, &owner()).await.unwrap();
    assert_eq!(store.history(&RunId::new("old"), 1, 9).await.unwrap(), told);
    is_sound(&store).await;
}

#[tokio::test]
async fn archive_that_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive.gz");
    let store = RedbStore::in_memory().unwrap();
    for run in ["r1", "r2"] {
        let mut scribe = submitted(&store, run).await;
        store.append(scribe.completion("done")).await.unwrap();
    }
    let plan = store.archivable(LATER).await.unwrap();
    store.archive(plan, &file, LATER, &owner()).await.unwrap();

    let before = exported(&store);
    let bytes = fs::read(&file).unwrap();
    for (name, bytes) in [("short", &bytes[..bytes.len() - 9]), ("empty", &[][..]), ("note", "нотатка".as_bytes())]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = store.restore(&path, LATER, &owner()).await.unwrap_err();
        assert!(matches!(error, TransferError::Truncated { .. } | TransferError::Foreign), "{name}: {error}");
    }
    assert_eq!(exported(&store), before);

    // Another run has the id of one that left.
    let mut other = submitted(&store, "r2").await;
    store.append(other.cancellation()).await.unwrap();
    let before = exported(&store);
    let error = store.restore(&file, LATER, &owner()).await.unwrap_err();
    assert!(matches!(&error, TransferError::OtherRun(run) if run.as_str() == "r2"), "{error}");
    assert_eq!(exported(&store), before);
}

#[tokio::test]
async fn archive_that_contradicts_itself_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("архів.gz");
    let store = RedbStore::in_memory().unwrap();
    for run in ["r1", "r2"] {
        let (task, effect) = (format!("{run}-task"), "n1#1");
        let mut scribe = with_tasks(&store, run, &[(&task, effect)]).await;
        let grant = store.grant(ask(&format!("{run}-lease"), START + 9)).await.unwrap().unwrap();
        let append = Some(scribe.append([completed(effect, "так")]));
        let kept = Some(kept(&format!("{run}-artifact"), &grant, START + 10, "так"));
        let ending = LeaseEnding::Completed(answer("так"));
        store.end_lease(LeaseEnd { append, kept, ..end(&grant, ending) }).await.unwrap();
        store.append(scribe.completion("done")).await.unwrap();
    }
    store.archive(store.archivable(LATER).await.unwrap(), &file, LATER, &owner()).await.unwrap();
    let before = exported(&store);
    let archive = archived(&fs::read(&file).unwrap());
    let place = |kind: &str, id: &str| {
        archive.iter().position(|line| line["kind"] == kind && line["record"]["id"] == id).unwrap()
    };
    let changes = [
        ("run", "r1", "status", json!("failed")),
        ("run", "r1", "events", json!(3)),
        ("run", "r1", "inbox", json!("another")),
        ("run", "r1", "ir", json!(Digest::of(b"another flow"))),
        ("run", "r1", "continued_by", json!("another")),
        ("task", "r1-task", "lease", json!("another")),
        ("task", "r1-task", "lease", json!("r2-lease")),
        ("task", "r1-task", "epoch", json!(0)),
        ("task", "r1-task", "answer", Json::Null),
        ("task", "r1-task", "resolved", json!(false)),
        ("lease", "r1-lease", "status", json!("active")),
        ("lease", "r1-lease", "ended_at", Json::Null),
    ];
    let mut changed = Vec::new();
    for (kind, id, member, value) in changes {
        let mut lines = archive.clone();
        lines[place(kind, id)]["record"].as_object_mut().unwrap().insert(member.to_owned(), value.clone());
        changed.push((format!("{kind} {member} {value}"), lines));
    }
    let result = archive.iter().position(|line| line["kind"] == "result").unwrap();
    for gone in [place("lease", "r1-lease"), result] {
        let mut lines = archive.clone();
        let kind = lines.remove(gone)["kind"].to_string();
        changed.push((format!("no {kind}"), lines));
    }
    let mut lines = archive.clone();
    let artifact = &mut lines[result]["record"]["artifact"];
    *artifact = if artifact == "r1-artifact" { json!("r2-artifact") } else { json!("r1-artifact") };
    changed.push(("another's artifact".to_owned(), lines));
    let shared = serde_json::to_string(&archive).unwrap().replace("r2-task", "r1-task");
    changed.push(("a task of both".to_owned(), serde_json::from_str(&shared).unwrap()));
    for (name, lines) in changed {
        let path = folder.path().join(&name);
        fs::write(&path, sealed(&lines)).unwrap();
        let restored = store.restore(&path, LATER, &owner()).await;
        assert!(restored.is_err(), "{name}: {restored:?}");
        assert_eq!(exported(&store), before, "{name}");
    }

    fs::write(&file, sealed(&archive)).unwrap();
    assert_eq!(store.restore(&file, LATER, &owner()).await.unwrap().restored, 2);
    is_sound(&store).await;
}

/// The lines of an archive before its end.
fn archived(file: &[u8]) -> Vec<Json> {
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    let mut lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.pop();
    lines
}

/// Such lines with the end that they must have.
fn sealed(lines: &[Json]) -> String {
    let text = |lines: &[Json]| lines.iter().map(Json::to_string).collect::<Vec<_>>().join("\n") + "\n";
    let before = text(lines);
    let end = json!({ "records": lines.len() - 1, "sha256": Digest::of(before.as_bytes()) });
    before + &text(&[json!({ "kind": "end", "v": 1, "record": end })])
}

fn exported(store: &RedbStore) -> Vec<u8> {
    let mut lines = Vec::new();
    store.export(&mut lines, 1).unwrap();
    lines
}

#[tokio::test]
async fn copy_is_the_store_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let missing = RedbStore::backup(&data, &copy.join(RedbStore::FILE)).unwrap_err();
    assert!(matches!(missing, TransferError::NoStore(_)), "{missing}");
    assert!(!data.exists(), "nothing is made");

    let store = RedbStore::open(&data).unwrap();
    let mut scribe = submitted(&store, "запуск").await;
    store.append(Append { audit: vec![note("noted", 1)], ..scribe.completion("done") }).await.unwrap();
    fs::create_dir(&copy).unwrap();
    let file = copy.join(RedbStore::FILE);
    let held = RedbStore::backup(&data, &file).unwrap_err();
    assert!(matches!(held, TransferError::Store(StoreError::Locked { .. })), "{held}");
    let due = exported(&store);
    drop(store);

    let bytes = RedbStore::backup(&data, &file).unwrap();
    assert_eq!(bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o777, 0o600);
    let again = RedbStore::backup(&data, &file).unwrap_err();
    assert!(matches!(again, TransferError::Exists(_)), "{again}");
    let copied = RedbStore::open(&copy).unwrap();
    assert_eq!(exported(&copied), due);
    is_sound(&copied).await;
    drop(copied);
    assert_eq!(fs::read_dir(&copy).unwrap().count(), 1, "only the file itself is left");

    // What is no store is not copied as one.
    fs::write(data.join(RedbStore::FILE), "нотатка".repeat(1000)).unwrap();
    RedbStore::backup(&data, &folder.path().join("other")).unwrap_err();
    assert!(!folder.path().join("other").exists());
}

#[tokio::test]
async fn compacted_file_is_smaller_and_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let missing = RedbStore::compact(folder.path()).unwrap_err();
    assert!(matches!(missing, TransferError::NoStore(_)), "{missing}");
    let store = RedbStore::open(folder.path()).unwrap();
    for run in 0..20 {
        let mut scribe = submitted(&store, &format!("r{run}")).await;
        store.append(scribe.append([completed("n1#1", &format!("{run}").repeat(200_000))])).await.unwrap();
        store.append(scribe.completion("done")).await.unwrap();
    }
    let plan = store.archivable(LATER).await.unwrap();
    store.archive(plan, &folder.path().join("archive.gz"), LATER, &owner()).await.unwrap();
    let due = exported(&store);
    let held = RedbStore::compact(folder.path()).unwrap_err();
    assert!(matches!(held, TransferError::Store(StoreError::Locked { .. })), "{held}");
    drop(store);
    let compacted = RedbStore::compact(folder.path()).unwrap();
    assert!(compacted.after < compacted.before / 2, "{compacted:?}");
    let store = RedbStore::open(folder.path()).unwrap();
    assert_eq!(exported(&store), due);
    store.restore(&folder.path().join("archive.gz"), LATER, &owner()).await.unwrap();
    assert_eq!(runs(&store).await.len(), 20);
    is_sound(&store).await;
}
