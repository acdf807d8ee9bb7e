//! Tools in several versions: what became of one, and what flows that pin an older one go on with.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Place, fixture, has_tools, json as json_of};
use crate::tool::{asker, built, manifest, module};

fn diff(place: &Place, old: impl AsRef<Path>, new: impl AsRef<Path>) -> (Option<i32>, Value) {
    let output = place.bloom().args(["tool", "diff", "--json"]).arg(old.as_ref()).arg(new.as_ref()).output().unwrap();
    let stdout = serde_json::from_slice(&output.stdout);
    (output.status.code(), stdout.unwrap_or_else(|_| panic!("{output:?}")))
}

/// Of each change where it is, what it is, and whether it breaks flows.
fn changes(diff: &Value) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |change: &Value| {
        let place = format!("{} {} {}", text(&change["part"]), text(&change["place"]), text(&change["keyword"]));
        (place.trim_end().to_owned(), text(&change["kind"]), change["breaking"] == true)
    };
    diff["changes"].as_array().unwrap().iter().map(of).collect()
}

/// With an import more, a field more in the result, and another field that it must be given.
fn demanding(place: &Place) -> std::path::PathBuf {
    let mut demanding = manifest("2.0.0");
    demanding["capabilities"] = json!(["files:notes"]);
    demanding["input"]["required"] = json!(["text"]);
    demanding["output"]["properties"] = json!({ "more": {} });
    demanding["params"] = json!([]);
    let files = r#"(import "bloom:tool/files@0.1.0" "read" (func (param i32 i32 i32 i32 i32)))"#;
    let core = place.write("demanding.core.wasm", module(&demanding, files));
    let component = place.path("demanding.wasm");
    place.bloom().args(["tool", "build", "-o"]).arg(&component).arg(core).assert().success();
    component
}

#[test]
fn what_breaks_flows_is_told_from_what_does_not() {
    let place = Place::new();
    let mut closed = manifest("1.0.0");
    closed["input"]["additionalProperties"] = json!(false);
    let old = built(&place, "old", &closed);
    let (code, same) = diff(&place, &old, &old);
    assert_eq!((code, &same["compatible"], changes(&same)), (Some(0), &json!(true), Vec::new()));

    let mut kind = closed;
    kind["version"] = json!("1.1.0");
    kind["description"] = json!("Says it again, and again.");
    kind["input"]["properties"]["times"] = json!({ "type": "integer" });
    kind["params"] = json!(["text", "times"]);
    let (code, kind) = diff(&place, &old, built(&place, "kind", &kind));
    assert_eq!((code, &kind["compatible"]), (Some(0), &json!(true)), "{kind}");
    let told = changes(&kind);
    assert!(told.len() > 3 && told.iter().all(|(.., breaking)| !breaking), "{told:?}");

    let (code, other) = diff(&place, &old, demanding(&place));
    assert_eq!((code, &other["compatible"]), (Some(1), &json!(false)), "{other}");
    let told = changes(&other);
    let has = |part: &str, kind: &str, breaking: bool| {
        told.iter().any(|(place, found, breaks)| place.starts_with(part) && found == kind && *breaks == breaking)
    };
    assert!(has("imports bloom:tool/files@0.1.0", "added", false), "{told:?}");
    assert!(has("capabilities files:notes", "added", true), "{told:?}");
    assert!(has("version", "changed", false) && has("params", "changed", true), "{told:?}");
    assert!(told.iter().any(|(place, _, breaks)| place.starts_with("input") && *breaks), "{told:?}");
    assert!(told.iter().all(|(place, _, breaks)| !place.starts_with("output") || !breaks), "{told:?}");
    // The other way round, the import goes.
    let (_, back) = diff(&place, demanding(&place), &old);
    let imports = changes(&back).into_iter().find(|(place, ..)| place.starts_with("imports"));
    assert_eq!(imports, Some(("imports bloom:tool/files@0.1.0".to_owned(), "removed".to_owned(), false)));
}

#[test]
fn people_are_told_in_both_languages() {
    let place = Place::new();
    let (old, new) = (built(&place, "old", &manifest("1.0.0")), demanding(&place));
    let told = |language: &str| {
        let output = place.bloom().args(["--lang", language, "tool", "diff"]).arg(&old).arg(&new).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let english = told("en");
    for words in ["! capabilities files:notes added", "  imports bloom:tool/files@0.1.0 added", "Not compatible:"] {
        assert!(english.contains(words), "{words}: {english}");
    }
    assert!(english.contains(r#"  version changed: "1.0.0" → "2.0.0""#), "{english}");
    let ukrainian = told("uk");
    for words in ["! capabilities files:notes додано", "Несумісні: ", "можуть зламати потоки"]
    {
        assert!(ukrainian.contains(words), "{words}: {ukrainian}");
    }
}

#[test]
fn an_installed_tool_is_named_by_its_version_or_its_digest() {
    let place = Place::new();
    let (old, new) = (built(&place, "old", &manifest("1.0.0")), built(&place, "new", &manifest("1.1.0")));
    let add = |component: &Path| {
        json_of(place.bloom().args(["tool", "add", "--json"]).arg(component))["digest"].as_str().unwrap().to_owned()
    };
    let (first, second) = (add(&old), add(&new));
    for (old, new) in [("echo@1.0.0", "echo"), (&first, &second[..]), (&first[7..19], "echo@1.1.0")] {
        let (_, found) = diff(&place, old, new);
        assert_eq!((&found["old"]["digest"], &found["new"]["digest"]), (&json!(first), &json!(second)), "{old} {new}");
    }
    for unknown in ["echo@3.0.0", "ecko", "no/such/file.wasm"] {
        let output = place.bloom().args(["tool", "diff", unknown, "echo"]).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn flows_that_pin_an_older_version_are_listed_and_go_on_with_it() {
    let place = Place::new();
    let old = built(&place, "old", &manifest("1.0.0"));
    let digest = json_of(place.bloom().args(["tool", "add", "--json"]).arg(&old))["digest"].clone();
    let signed = asker(&place, &digest);
    assert_eq!(json_of(place.bloom().arg("run").arg(&signed))["status"], "completed");
    let new = demanding(&place);
    let (_, told) = diff(&place, &old, &new);
    assert_eq!(told["pinned_by"], json!(["asker@0.0.0"]));
    let text = |arguments: &[&str], file: &Path| {
        let output = place.bloom().args(arguments).arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["tool", "diff", "echo@1.0.0"], &new).contains("\n  asker@0.0.0\n"));
    let added = text(&["tool", "add"], &new);
    assert!(added.contains("1.0.0") && added.contains("\n  asker@0.0.0\n"), "{added}");
    assert_eq!(json_of(place.bloom().arg("run").arg(&signed))["status"], "completed");
}

/// A later version of this program ships other components. What an earlier one kept is as good as that: by its digest it is
/// found, by its name only where nothing newer is.
#[test]
fn what_shipped_earlier_is_kept_for_the_flows_that_pin_it() {
    let place = Place::new();
    let component = fs::read(built(&place, "echo", &manifest("1.0.0"))).unwrap();
    let digest = json!(bloom_ir::Digest::of(&component));
    let hex = &digest.as_str().unwrap()[7..];
    let signed = asker(&place, &digest);
    let refused = place.bloom().arg("run").arg(&signed).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    place.write(&format!("data/components/shipped/{hex}.wasm"), &component);
    let run = json_of(place.bloom().arg("run").arg(&signed));
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "text": "a" })), "{run}");
    let listed = json_of(place.bloom().args(["tool", "list", "--json"]));
    let echo = listed.as_array().unwrap().iter().find(|tool| tool["manifest"]["name"] == "echo").unwrap();
    assert_eq!((&echo["origin"], &echo["ships"]), (&json!("kept"), &json!(false)), "{echo}");
    // Of the same version, whichever was added stands before it.
    let mut other = manifest("1.0.0");
    other["description"] = json!("Another one.");
    let added = json_of(place.bloom().args(["tool", "add", "--json"]).arg(built(&place, "other", &other)));
    let (_, meant) = diff(&place, "echo", "echo");
    assert_eq!(meant["old"]["digest"], added["digest"]);
    place.write(&format!("data/components/shipped/{hex}.wasm"), "damaged");
    let refused = place.bloom().arg("run").arg(&signed).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

#[test]
fn components_that_ship_are_kept_once_a_stored_flow_pins_them() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let kept = place.path("data/components/shipped");
    place.bloom().args(["tool", "list"]).assert().success();
    assert!(!kept.exists(), "nothing pins them yet");
    assert_eq!(json_of(&mut place.archivist())["status"], "completed");
    let (diagram, compiled) = (fixture("archivist/archivist.drakon"), place.path("archivist.ir.json"));
    place.bloom().arg("compile").arg(diagram).arg("-o").arg(&compiled).assert().success();
    let document: Value = serde_json::from_slice(&fs::read(compiled).unwrap()).unwrap();
    let pinned = document.pointer("/policy/allowed_tools").and_then(Value::as_object).unwrap();
    let mut pinned: Vec<String> =
        pinned.values().map(|tool| tool["digest"].as_str().unwrap()[7..].to_owned() + ".wasm").collect();
    let names = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    pinned.sort();
    names.sort();
    assert!(names.len() > 2 && names == pinned, "{names:?} {pinned:?}");
}
