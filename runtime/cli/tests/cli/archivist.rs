//! The archivist over its notes, as `fixtures/archivist/README.md` says it by hand.

use serde_json::{Value, json};

use crate::support::{Place, has_tools, json};

/// Action and target of every proposal, in their order.
fn proposed(run: &Value) -> Vec<(String, String)> {
    let text = |proposal: &Value, member: &str| proposal[member].as_str().unwrap().to_owned();
    let proposals = run["proposals"].as_array().unwrap();
    proposals.iter().map(|proposal| (text(proposal, "action"), text(proposal, "target"))).collect()
}

fn expected() -> Vec<(String, String)> {
    let notes = ["bow-changes", "povilnyi-temp", "practice-journal", "struny-dlia-maloi-skrypky"];
    let of_note = |note: &str| {
        let target = format!("notes/{note}");
        [("propose-summary".to_owned(), target.clone()), ("propose-tag".to_owned(), target)]
    };
    let memory = ("memory-update".to_owned(), "memory".to_owned());
    notes.into_iter().flat_map(of_note).chain([memory]).collect()
}

#[test]
fn proposes_what_is_expected_by_hand_and_no_more() {
    if !has_tools() {
        return;
    }
    let run = json(&mut Place::new().archivist());
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(proposed(&run), expected());
    assert_eq!(run["proposals"][7]["content"]["tags"][1], "мала скрипка");
    assert_eq!(
        run["proposals"][8]["content"]["set"]["processed_slugs"],
        json!([
            "hamy-bez-nudhy",
            "left-hand-frame",
            "povilnyi-temp",
            "practice-journal",
            "sonata-z-chuzhymy-shtrykhamy",
            "tuning-before-class",
            "bow-changes",
            "struny-dlia-maloi-skrypky"
        ])
    );
}

#[test]
fn repeats_itself_until_the_memory_is_approved_and_then_handles_nothing() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let first = json(&mut place.archivist());
    let second = json(&mut place.archivist());
    assert_eq!(proposed(&second), expected());
    let (first, second) = (first["proposals"].as_array().unwrap(), second["proposals"].as_array().unwrap());
    for (first, second) in first.iter().zip(second) {
        assert_eq!(second["duplicate_of"], first["id"]);
    }
    let list = |arguments: &[&str]| {
        let output = place.bloom().args(["proposals", "list"]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (waiting, all) = (list(&[]), list(&["--all"]));
    assert!(
        waiting.lines().count() == 11 && waiting.ends_with("9 more repeat these (--all shows them).\n"),
        "{waiting}"
    );
    assert_eq!(all.lines().count(), 19, "{all}");
    let short = all.lines().nth(1).unwrap().split(' ').next().unwrap();
    assert!(short.len() < 16, "{all}");
    place.bloom().args(["proposals", "show", short]).assert().success();
    // The memory is that of the run that proposes.
    let approve = |arguments: &[&str]| place.bloom().args(["proposals", "approve"]).args(arguments).assert();
    approve(&["--action", "memory-update"]).success();
    let third = json(&mut place.archivist());
    assert_eq!((third["status"].as_str(), proposed(&third)), (Some("completed"), Vec::new()), "{third}");
    assert_eq!(third["tokens"], 0, "nobody was asked");

    // What repeated the approved one was decided with it; what is not applied by this program stays approved.
    let shown = |id: &Value| json(place.bloom().args(["proposals", "show", id.as_str().unwrap(), "--json"]));
    assert_eq!(shown(&first[8]["id"])["status"], "applied");
    assert_eq!(shown(&second[8]["id"])["status"], "rejected");
    approve(&[first[0]["id"].as_str().unwrap()]).success();
    assert_eq!(shown(&first[0]["id"])["status"], "approved");
    approve(&[first[0]["id"].as_str().unwrap()]).failure().code(1);
    place.bloom().args(["proposals", "reject", first[1]["id"].as_str().unwrap()]).assert().success();
    assert_eq!(shown(&first[1]["id"])["status"], "rejected");
    place.bloom().args(["audit", "verify"]).assert().success();
}

#[test]
fn a_memory_that_was_changed_meanwhile_is_not_overwritten() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    let changed = r#"{ "version": 5, "processed_slugs": ["own"] }"#;
    let state = place.write("memory/archivist/state.json", changed);
    let output = place
        .bloom()
        .args(["proposals", "approve", "--action", "memory-update", "--memory"])
        .arg(place.path("memory"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("could not be applied") && stderr.contains("run the flow again"), "{stderr}");
    assert_eq!(std::fs::read_to_string(state).unwrap(), changed);
}

#[test]
fn starts_with_an_empty_memory_where_there_is_none() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    std::fs::remove_dir_all(place.path("memory")).unwrap();
    let note = place.write("notes/short.md", "Коротка нотатка.\n");
    let run = json(&mut place.archivist_over(note.parent().unwrap()));
    assert_eq!((run["status"].as_str(), proposed(&run)), (Some("completed"), Vec::new()), "{run}");
}

/// The history without ids and times, and without the hashes over them.
fn comparable(place: &Place) -> String {
    let output = place.bloom().args(["history", "last", "--json"]).output().unwrap();
    let mut lines = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        strip(&mut event);
        lines.push_str(&event.to_string());
        lines.push('\n');
    }
    lines
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["at", "prev", "payload_sha256", "run", "started_at", "latency_ms", "last_run", "state"] {
                members.remove(name);
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(elements) => elements.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn two_runs_with_the_same_answers_have_the_same_history_apart_from_ids_and_times() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    let first = comparable(&place);
    json(&mut place.archivist());
    assert!(first.lines().count() > 40, "{first}");
    assert_eq!(comparable(&place), first);
}
