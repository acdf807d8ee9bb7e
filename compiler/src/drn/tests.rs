#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Item, Sheet, import};
use bloom_ir::diagnostic::Place;
use serde_json::Value;

/// A sheet of these rows: type, text, x, y, w, h, a, b.
fn sheet(rows: &[(&str, &str, [i64; 6])]) -> Sheet {
    let item = |(index, (kind, text, [x, y, w, h, a, b])): (usize, &(&str, &str, [i64; 6]))| Item {
        id: i64::try_from(index).unwrap() + 1,
        kind: (*kind).to_owned(),
        text: (*text).to_owned(),
        upper: String::new(),
        x: *x,
        y: *y,
        w: *w,
        h: *h,
        a: *a,
        b: *b,
    };
    Sheet { name: "Test".to_owned(), description: String::new(), items: rows.iter().enumerate().map(item).collect() }
}

fn imported(rows: &[(&str, &str, [i64; 6])]) -> Value {
    let imported = import(&sheet(rows));
    imported.diagram.unwrap_or_else(|| panic!("{:?}", imported.diagnostics))
}

/// The codes of what was found, each with its icon.
fn refused(rows: &[(&str, &str, [i64; 6])]) -> Vec<(String, String)> {
    let imported = import(&sheet(rows));
    assert!(imported.diagram.is_none());
    let id = |place: &Place| match place {
        Place::Item { id, .. } => id.clone(),
        _ => String::new(),
    };
    imported.diagnostics.iter().map(|found| (found.code.0.to_owned(), id(&found.place))).collect()
}

/// The edges of the diagram as `from one two`.
fn edges(diagram: &Value) -> Vec<String> {
    let mut edges: Vec<String> = diagram["items"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, item)| {
            let to = |field: &str| item[field].as_str().unwrap_or("-").to_owned();
            format!("{id} {} {} {}", item["type"].as_str().unwrap(), to("one"), to("two"))
        })
        .collect();
    edges.sort();
    edges
}

/// A begin, an end at `bottom`, and the line between them.
fn skewer(bottom: i64) -> Vec<(&'static str, &'static str, [i64; 6])> {
    vec![
        ("beginend", "Test", [100, 0, 50, 20, 0, 0]),
        ("beginend", "End", [100, bottom, 50, 20, 0, 0]),
        ("vertical", "", [100, 20, 0, bottom - 40, 0, 0]),
    ]
}

#[test]
fn icons_cut_the_line_that_they_stand_on() {
    let mut rows = skewer(300);
    rows.push(("action", "a < b & <p>c</p>", [100, 100, 50, 20, 0, 0]));
    rows.push(("commentin", "beside", [400, 100, 50, 20, 0, 0]));
    rows.push(("commentout", "a callout", [100, 100, 10, 10, 10, 0]));
    let diagram = imported(&rows);
    assert_eq!(edges(&diagram), ["1 branch 4 -", "2 end - -", "4 action 2 -"]);
    assert_eq!(diagram["items"]["4"]["content"], "<p>a &lt; b &amp; &lt;p&gt;c&lt;/p&gt;</p>");
}

#[test]
fn the_right_exit_of_a_question_joins_from_the_right() {
    for (b, flag) in [(0, 0), (1, 1)] {
        let mut rows = skewer(300);
        rows.push(("if", "x?", [100, 100, 50, 20, 100, b]));
        rows.push(("vertical", "", [250, 100, 0, 140, 0, 0]));
        rows.push(("horizontal", "", [100, 240, 150, 0, 0, 0]));
        rows.push(("action", "right", [250, 160, 40, 20, 0, 0]));
        rows.push(("action", "parameters", [220, 0, 30, 20, 0, 0]));
        rows.push(("horizontal", "", [150, 0, 40, 0, 0, 0]));
        let diagram = imported(&rows);
        assert_eq!(edges(&diagram), ["1 branch 4 -", "2 end - -", "4 question 2 7", "7 action 2 -"]);
        assert_eq!(diagram["items"]["4"]["flag1"], flag);
        assert_eq!(diagram["params"], "parameters");
    }
}

#[test]
fn an_arrow_makes_a_loop() {
    let mut rows = skewer(400);
    rows.push(("action", "body", [100, 150, 50, 20, 0, 0]));
    rows.push(("if", "again?", [100, 250, 50, 20, 50, 0]));
    rows.push(("arrow", "", [200, 80, 100, 170, 0, 0]));
    let diagram = imported(&rows);
    assert_eq!(edges(&diagram), ["1 branch 6 -", "2 end - -", "4 action 5 -", "5 question 2 6", "6 arrow-loop 4 -"]);
}

#[test]
fn a_select_has_its_cases_from_left_to_right() {
    let mut rows = skewer(500);
    rows.push(("select", "x", [100, 100, 50, 20, 0, 0]));
    rows.push(("horizontal", "", [100, 150, 300, 0, 0, 0]));
    rows.push(("case", "1", [100, 200, 50, 20, 0, 0]));
    rows.push(("case", "", [400, 200, 50, 20, 0, 0]));
    rows.push(("case", "2", [250, 200, 50, 20, 0, 0]));
    rows.push(("vertical", "", [250, 150, 0, 250, 0, 0]));
    rows.push(("vertical", "", [400, 150, 0, 250, 0, 0]));
    rows.push(("horizontal", "", [100, 400, 300, 0, 0, 0]));
    let found = edges(&imported(&rows));
    assert_eq!(found, ["1 branch 4 -", "2 end - -", "4 select 6 -", "6 case 2 8", "7 case 2 -", "8 case 2 7"]);
}

#[test]
fn a_silhouette_goes_on_where_its_addresses_say() {
    let diagram = imported(&silhouette("Second"));
    let found = edges(&diagram);
    assert_eq!(found, ["2 end - -", "3 branch 5 -", "4 branch 2 -", "5 action 4 -"]);
    assert_eq!(diagram["items"]["3"]["branchId"], 1);
    assert_eq!(diagram["items"]["4"]["branchId"], 2);
    assert_eq!(refused(&silhouette("Sekond")), [("D084".to_owned(), "6".to_owned())]);
}

fn silhouette(address: &'static str) -> Vec<(&'static str, &'static str, [i64; 6])> {
    vec![
        ("beginend", "Test", [100, 0, 50, 20, 0, 0]),
        ("beginend", "End", [300, 400, 50, 20, 0, 0]),
        ("branch", "First", [100, 100, 50, 20, 0, 0]),
        ("branch", "Second", [300, 100, 50, 20, 0, 0]),
        ("action", "a", [100, 200, 50, 20, 0, 0]),
        ("address", address, [100, 400, 50, 20, 0, 0]),
        ("vertical", "", [100, 20, 0, 460, 0, 0]),
        ("vertical", "", [300, 50, 0, 330, 0, 0]),
        ("horizontal", "", [100, 50, 200, 0, 0, 0]),
        ("arrow", "", [0, 50, 100, 430, 100, 1]),
    ]
}

#[test]
fn paths_lie_between_double_lines() {
    let mut rows = skewer(500);
    rows.push(("parallel", "", [100, 100, 200, 0, 0, 0]));
    rows.push(("action", "left", [100, 200, 50, 20, 0, 0]));
    rows.push(("action", "right", [300, 200, 50, 20, 0, 0]));
    rows.push(("vertical", "", [300, 100, 0, 200, 0, 0]));
    rows.push(("parallel", "", [100, 300, 200, 0, 0, 0]));
    assert_eq!(
        edges(&imported(&rows)),
        [
            "1 branch path-100-100 -",
            "2 end - -",
            "5 action join-100-300 -",
            "6 action join-100-300 -",
            "join-100-300 parend 2 -",
            "path-100-100 parbegin 5 path-300-100",
            "path-300-100 parbegin 6 ",
        ]
    );
}

#[test]
fn loops_and_other_icons_keep_their_meaning() {
    let mut rows = skewer(900);
    let kinds =
        ["loopstart", "shelf", "process", "input", "output", "insertion", "pause", "timer", "commentin", "loopend"];
    for (y, kind) in (100..).step_by(70).zip(kinds) {
        rows.push((kind, "text", [100, y, 50, 20, 0, 0]));
    }
    let diagram = imported(&rows);
    let kinds: Vec<&str> = (4..14).map(|id| diagram["items"][id.to_string()]["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["loopbegin", "shelf", "process", "input", "output", "insertion", "pause", "timer", "comment", "loopend"]
    );
    assert!(diagram["items"]["5"]["secondary"].is_string());
}

#[test]
fn every_problem_of_the_drawing_is_told_with_its_place() {
    let mut rows = skewer(300);
    rows.push(("action", "short of the line", [300, 100, 50, 20, 0, 0]));
    rows.push(("vertical", "", [300, 130, 0, 50, 0, 0]));
    rows.push(("class", "", [500, 100, 50, 20, 0, 0]));
    rows.push(("action", "over", [520, 100, 50, 20, 0, 0]));
    rows.push(("action", "under", [560, 110, 50, 20, 0, 0]));
    rows.push(("action", "", [700, 0, -5, 20, 0, 0]));
    rows.push(("horizontal", "", [50, 200, 100, 0, 0, 0]));
    let found = refused(&rows);
    for (code, id) in [("D143", "5"), ("D141", "6"), ("D142", "8"), ("D140", "9"), ("D144", "10"), ("D143", "10")] {
        assert!(found.contains(&(code.to_owned(), id.to_owned())), "{code} {id}: {found:?}");
    }
}

#[test]
fn ways_that_nothing_explains_are_told() {
    let mut alone = skewer(300);
    alone.push(("action", "alone", [300, 100, 50, 20, 0, 0]));
    assert_eq!(refused(&alone), [("D148".to_owned(), "4".to_owned())]);

    let mut sideways = skewer(300);
    sideways.push(("if", "x?", [100, 100, 50, 20, 50, 0]));
    sideways.push(("action", "beside", [250, 100, 50, 20, 0, 0]));
    let found = refused(&sideways);
    assert!(found.contains(&("D147".to_owned(), "5".to_owned())), "{found:?}");

    let mut without_arrow = skewer(400);
    without_arrow.push(("if", "again?", [100, 250, 50, 20, 50, 0]));
    without_arrow.push(("vertical", "", [200, 80, 0, 170, 0, 0]));
    without_arrow.push(("horizontal", "", [100, 80, 100, 0, 0, 0]));
    assert_eq!(refused(&without_arrow)[0].0, "D146");

    let mut two = skewer(300);
    two.push(("beginend", "Again", [400, 0, 50, 20, 0, 0]));
    two.push(("beginend", "End", [400, 300, 50, 20, 0, 0]));
    two.push(("vertical", "", [400, 20, 0, 260, 0, 0]));
    assert_eq!(refused(&two), [("D149".to_owned(), "4".to_owned())]);
    assert_eq!(refused(&[]), [("D149".to_owned(), String::new())]);
}

mod random {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [&str; 16] = [
        "action",
        "if",
        "vertical",
        "horizontal",
        "arrow",
        "beginend",
        "branch",
        "address",
        "select",
        "case",
        "parallel",
        "loopstart",
        "loopend",
        "commentin",
        "vertical",
        "horizontal",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_drawing_is_answered(rows in proptest::collection::vec(
            (0..KINDS.len(), 0..8_i64, 0..8_i64, 0..6_i64, 0..6_i64, 0..4_i64, 0..2_i64), 0..40,
        )) {
            let mut all = skewer(80);
            all.extend(rows.into_iter().map(|(kind, x, y, w, h, a, b)| {
                (KINDS[kind], "text", [x * 10, y * 10, w * 5, h * 5, a * 10, b])
            }));
            let imported = import(&sheet(&all));
            prop_assert_eq!(imported.diagram.is_some(), imported.diagnostics.is_empty());
        }

        #[test]
        fn numbers_do_not_overflow(numbers in proptest::array::uniform6(any::<i64>()), kind in 0..KINDS.len()) {
            let mut all = skewer(80);
            all.push((KINDS[kind], "", numbers));
            import(&sheet(&all));
        }
    }
}
