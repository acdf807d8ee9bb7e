//! Odd and broken inputs of other programs' tests: what is said of each. `docs/odd-inputs.md` gives the reasons.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "tests"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bloom_compiler::{Options, Prose, SourceFile, compile};
use support::{compile_text, listing, rendered, root};

/// The inputs by their ids; `None` where the folder is missing.
fn inputs() -> Option<BTreeMap<String, String>> {
    let Ok(text) = std::fs::read_to_string(root().join("../shared/corpus/negative.jsonl")) else {
        assert!(std::env::var_os("BLOOM_REQUIRE_CORPUS").is_none(), "there is no corpus");
        println!("skipped: there is no corpus");
        return None;
    };
    let inputs = text.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        (record["id"].as_str().unwrap().to_owned(), record["diagram"].as_str().unwrap().to_owned())
    });
    Some(inputs.collect())
}

#[test]
fn each_odd_input_has_a_considered_answer() {
    for (id, diagram) in inputs().into_iter().flatten() {
        let checked = compile_text("odd.drakon", &diagram);
        // What is drawn, whatever is written in it: as its shape alone is read.
        let options = Options { opaque: true, prose: Prose::Llm, ..Options::default() };
        let read = compile(&SourceFile::new("odd.drakon", diagram.as_bytes()), &options);
        let program = read.document.as_ref().map_or_else(|| "refused\n".to_owned(), listing);
        let own: BTreeSet<&str> = read.diagnostics.iter().map(|found| found.code.0).collect();
        insta::assert_snapshot!(
            format!("odd-{id}"),
            format!("{}== the drawing alone: {own:?}\n{program}", rendered(&checked))
        );
    }
}

#[test]
fn the_page_has_a_row_for_each_odd_input_with_the_codes_that_are_told() {
    let Some(inputs) = inputs() else { return };
    let page = std::fs::read_to_string(root().join("docs/odd-inputs.md")).unwrap();
    let rows: BTreeMap<&str, &str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), inputs.keys().map(String::as_str).collect());
    for (id, diagram) in &inputs {
        let options = Options { opaque: true, prose: Prose::Llm, ..Options::default() };
        let read = compile(&SourceFile::new("odd.drakon", diagram.as_bytes()), &options);
        let codes: BTreeSet<&str> = read.diagnostics.iter().map(|found| found.code.0).collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let answer = match (read.document.is_some(), codes.join(", ").as_str()) {
            (true, "") => "read".to_owned(),
            (true, codes) => format!("read, {codes}"),
            (false, codes) => format!("refused, {codes}"),
        };
        assert_eq!(rows[id.as_str()].split('|').next().unwrap().trim(), answer, "{id}");
    }
}
