//! Pictures of diagrams, alone, with a run, and with rehearsals.

use std::fs;

use crate::support::Place;

const QUESTION: &str = r#"{"name": "Tea <now>", "params": "cups: int", "items": {
    "0": {"type": "branch", "branchId": 0, "one": "1"},
    "1": {"type": "question", "content": "cups > 0?", "flag1": 1, "one": "2", "two": "3"},
    "2": {"type": "action", "content": "RETURN {tea: cups}", "one": "3"},
    "3": {"type": "end"}
}}"#;

#[test]
fn a_diagram_is_drawn_as_svg_and_as_png() {
    let place = Place::new();
    let diagram = place.write("tea.drakon", QUESTION);
    let svg = place.path("tea.svg");
    place.bloom().arg("render").arg(&diagram).arg("-o").arg(&svg).assert().success();
    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.contains(r#"data-item="1""#) && svg.contains("Tea &lt;now&gt;") && svg.contains("cups &gt; 0?"));
    let printed = place.bloom().arg("render").arg(&diagram).output().unwrap().stdout;
    assert_eq!(String::from_utf8(printed).unwrap(), svg);
    let png = place.path("tea.png");
    place.bloom().arg("render").arg(&diagram).args(["--theme", "dark", "-o"]).arg(&png).assert().success();
    assert!(fs::read(png).unwrap().starts_with(b"\x89PNG\r\n"));
}

#[test]
fn a_run_lights_the_way_that_it_took() {
    let place = Place::new();
    let diagram = place.write("tea.drakon", QUESTION);
    place.bloom().arg("run").arg(&diagram).args(["--input", "cups=2"]).assert().success();
    let drawn = place.bloom().arg("render").arg(&diagram).args(["--run", "last"]).output().unwrap();
    let svg = String::from_utf8(drawn.stdout).unwrap();
    // The title's line and the line from the question down; not the line at its right.
    assert_eq!(svg.matches("class=\"way taken\"").count(), 2, "{svg}");
    let changed = place.write("tea.drakon", QUESTION.replace("> 0", "> 1"));
    let refused = place.bloom().arg("render").arg(&changed).args(["--run", "last"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another diagram"));
}

#[test]
fn rehearsals_mark_what_they_did_not_come_to() {
    let place = Place::new();
    let diagram = place.write("tea.drakon", QUESTION);
    let drawn = place.bloom().arg("render").arg(&diagram).args(["--rehearse", "1"]).output().unwrap();
    let svg = String::from_utf8(drawn.stdout).unwrap();
    assert!(svg.contains("class=\"way never\"") && svg.contains("class=\"way taken\""), "{svg}");
}

#[test]
fn pseudocode_has_no_picture() {
    let place = Place::new();
    let program = place.write("tea.md", "BEGIN \"Tea\"\n  RETURN {}\nEND\n");
    let refused = place.bloom().arg("render").arg(&program).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("D150"));
}
