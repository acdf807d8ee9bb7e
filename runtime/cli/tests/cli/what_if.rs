//! What recorded runs would have done by another program.

use crate::support::{GREETING, Place, fixture, json, script, signed_greeting};

/// Three runs of the greeting, each with another name.
fn greeted(place: &Place) {
    let signed = signed_greeting(place);
    let reply = script(place, r#""answer": { "text": "Hello!" }"#);
    for name in ["Ann", "Bob", "Eve"] {
        json(place.bloom().arg("run").arg(&signed).args(["--input", &format!("name={name}"), &reply]));
    }
}

fn told(command: &mut assert_cmd::Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

fn signed(place: &Place, name: &str, document: &str) -> std::path::PathBuf {
    let (unsigned, signed) = (place.write(&format!("{name}.json"), document), place.path(&format!("{name}.ir.json")));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed
}

#[test]
fn the_last_runs_of_a_flow_are_compared_and_the_place_is_told() {
    let place = Place::new();
    greeted(&place);
    // Who is called Bob is not greeted any more.
    let other = signed(
        &place,
        "other",
        &GREETING
            .replace(r#""entry": "n1","#, r#""entry": "n0","#)
            .replace(
                r#""nodes": {"#,
                r#""nodes": { "n0": { "type": "decision", "when": "input.name == 'Bob'", "then": "n4", "else": "n1" },
               "n4": { "type": "return", "status": "completed", "value": "{}" },"#,
            )
            .replace(
                r#""map": {"#,
                r#""map": { "n0": { "item": "9", "first": true, "text": "name = Bob?" },
               "n4": { "item": "10", "first": true },"#,
            ),
    );
    let (status, text) = told(place.bloom().args(["replay", "--ir"]).arg(&other));
    assert_eq!(status, Some(1), "{text}");
    for expected in
        ["goes another way", "the same", "1 of 3 runs would differ.", "at icon 9: name = Bob?", "after event 1"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.contains("not asked any more") && text.contains("does not hand out any more"), "{text}");

    let compared = json(place.bloom().args(["replay", "--json", "--last", "2", "--ir"]).arg(&other).arg("greeting"));
    assert_eq!((&compared["compared"], &compared["diverged"]), (&2.into(), &1.into()), "{compared}");
    let bob = &compared["runs"][1];
    assert_eq!(bob["parting"]["after"]["item"], "9", "{bob}");
    assert_eq!(bob["outcome"]["replayed"]["status"], "completed", "{bob}");
    assert_eq!(compared["runs"][0]["outcome"], serde_json::json!({ "outcome": "same" }));

    // By name: one that would not differ.
    let ids = json(place.bloom().args(["runs", "--json"]));
    let (status, text) = told(place.bloom().args(["replay", ids[2]["id"].as_str().unwrap(), "--ir"]).arg(&other));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("0 of 1 run would differ."), "{text}");
    // The program that they pin: nothing differs.
    let own = place.path("greeting.ir.json");
    place.bloom().args(["replay", "--ir"]).arg(&own).assert().success();
    let (_, text) = told(place.bloom().args(["--lang", "uk", "replay", "--ir"]).arg(&other));
    assert!(text.contains("іде іншим шляхом") && text.contains("Інакше було б у 1 з 3 запусків."), "{text}");
}

#[test]
fn a_diagram_is_compared_as_it_is_drawn() {
    if !crate::support::has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    let drawn = std::fs::read_to_string(fixture("archivist/archivist.drakon")).unwrap();
    let same = place.write("same/archivist.drakon", &drawn);
    place.bloom().args(["replay", "--ir"]).arg(&same).assert().success();
    assert!(drawn.contains("200"), "a note is long from 200 words on");
    let changed = place.write("changed/archivist.drakon", drawn.replace("200", "300"));
    let (status, text) = told(place.bloom().args(["replay", "--ir"]).arg(&changed));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("goes another way") && text.contains("300") && text.contains('┌'), "{text}");
    // Offline, of an exported history.
    let exported = place.bloom().args(["history", "last", "--json"]).output().unwrap().stdout;
    let history = place.write("run.jsonl", exported);
    place.bloom().args(["replay", "--ir"]).arg(&same).arg("--file").arg(&history).assert().success();
    place.bloom().args(["replay", "--ir"]).arg(&changed).arg("--file").arg(&history).assert().code(1);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let (status, text) = told(place.bloom().args(["replay", "--ir"]).arg(&signed));
    assert_eq!(status, Some(1));
    assert!(text.contains("there are no runs of greeting"), "{text}");
    let (status, text) = told(place.bloom().args(["replay", "--ir", "nowhere.drakon"]));
    assert_eq!(status, Some(2), "{text}");
    let (status, text) = told(place.bloom().args(["replay", "--last", "3", "greeting"]));
    assert_eq!(status, Some(2), "{text}");
    place.bloom().arg("replay").assert().code(2);
}

#[test]
fn text_of_others_reaches_no_terminal() {
    let place = Place::new();
    greeted(&place);
    let hostile = GREETING
        .replace("Greet ", "\\u001b]0;x\\u0007\\u009b2JGreet ")
        .replace("answer ← LLM(name)", "\\u001b[8manswer");
    let other = signed(&place, "hostile", &hostile);
    let output = place.bloom().args(["replay", "--ir"]).arg(&other).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("3 of 3 runs would differ.") && !text.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{text:?}");
}
