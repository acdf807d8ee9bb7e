//! `bloom rehearse`, `--prose` and `--opaque`.

use serde_json::{Value, json};

use crate::support::{Place, fixture, json as answer};

/// Reads the standard output as lines of JSON.
fn lines(command: &mut assert_cmd::Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_trace_tells_what_the_oracle_decided_and_repeats_exactly() {
    let place = Place::new();
    let diagram = fixture("diagrams/if-else.drakon");
    let trace =
        |seed: &str| lines(place.bloom().arg("rehearse").arg(&diagram).args(["--opaque", "--trace", "--oracle", seed]));
    let first = trace("1");
    assert_eq!(first[0], json!(["branch", "2"]));
    assert!(first.iter().any(|event| event[0] == "q"), "{first:?}");
    assert_eq!(trace("1"), first);
    let differs = (2..20).any(|seed| trace(&seed.to_string()) != first);
    assert!(differs, "every seed walks the same way");
}

#[test]
fn what_no_rehearsal_reached_is_named() {
    let place = Place::new();
    let diagram = fixture("diagrams/if-else.drakon");
    let once = answer(place.bloom().arg("rehearse").arg(&diagram).args(["--json", "--runs", "1"]));
    assert_eq!(once["rehearsals"], 1);
    assert_eq!(once["never_taken"].as_array().unwrap().len(), 1, "{once}");
    assert_eq!(once["never_reached"].as_array().unwrap().len(), 1, "{once}");
    let often = answer(place.bloom().arg("rehearse").arg(&diagram).arg("--json"));
    assert_eq!((&often["never_reached"], &often["never_taken"]), (&json!([]), &json!([])), "{often}");
    let picture = place.path("coverage.svg");
    place.bloom().arg("rehearse").arg(&diagram).args(["--runs", "1", "-o"]).arg(&picture).assert().success();
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("data-item"), "{svg}");
    let text = place.bloom().arg("rehearse").arg(&diagram).args(["--runs", "1", "--lang", "uk"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("Цим шляхом не пішла жодна:"), "{text}");
}

#[test]
fn a_loop_that_goes_on_is_cut_off_and_told() {
    let place = Place::new();
    // The only way out is the answer No, many times in a row; one walk in a thousand finds it.
    let questions: Vec<String> = (10..20)
        .map(|id| {
            format!(
                r#""{id}": {{"type": "question", "content": "Далі?", "one": "3", "two": "{}", "flag1": 1}}"#,
                id + 1
            )
        })
        .collect();
    let diagram = format!(
        r#"{{"items": {{"1": {{"type": "end"}}, "2": {{"type": "branch", "branchId": 0, "one": "3"}},
            "3": {{"type": "arrow-loop", "one": "10"}}, {}, "20": {{"type": "action", "content": "Кінець", "one": "1"}}}}}}"#,
        questions.join(", ")
    );
    let path = place.write("loop.drakon", diagram);
    let report = answer(place.bloom().arg("rehearse").arg(&path).args(["--opaque", "--json", "--runs", "20"]));
    assert!(report["cut"].as_u64().unwrap() > 0, "{report}");
    assert!(!report["endless"].as_object().unwrap().is_empty(), "{report}");
}

#[test]
fn a_checklist_compiles_for_an_llm_and_for_a_person_and_else_says_what_to_do() {
    let place = Place::new();
    let diagram = r#"{"items": {"1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "action", "content": "Перевір настройку скрипки", "one": "1"}}}"#;
    let path = place.write("checklist.drakon", diagram);
    let refused = place.bloom().arg("check").arg(&path).args(["--lang", "uk"]).output().unwrap();
    let told = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("D040") && told.contains("--prose llm"), "{told}");
    for (arguments, expected) in [
        (vec!["--prose", "llm"], json!({"type": "llm_call", "op": null})),
        (vec!["--prose", "human"], json!({"type": "action", "op": "await"})),
        (vec!["--opaque"], json!({"type": "llm_call", "op": null})),
    ] {
        let document = answer(place.bloom().arg("compile").arg(&path).args(&arguments));
        let node = &document["nodes"]["n1"];
        assert_eq!(json!({"type": node["type"], "op": node["op"]}), expected, "{arguments:?}: {document}");
    }
}
