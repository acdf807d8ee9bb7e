//! The walk that compiled programs are compared with is right itself: it gives the traces of the corpus.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

mod support;

use serde_json::Value;
use support::corpus;
use support::walk::{Trace, trace};

#[test]
fn the_walk_gives_the_traces_of_the_corpus() {
    let Some(records) = corpus::diagrams() else { return };
    let mut compared = 0;
    for record in records {
        let diagram: Value = serde_json::from_str(record["diagram"].as_str().unwrap()).unwrap();
        let diagram = if diagram["diagram"].is_object() { &diagram["diagram"] } else { &diagram };
        let Some(items) = diagram["items"].as_object() else { continue };
        for expected in record["traces"].as_array().unwrap() {
            let expected_trace =
                Trace { cut: expected["cut"] == true, events: expected["events"].as_array().unwrap().clone() };
            let found = trace(items, expected["seed"].as_u64().unwrap());
            assert_eq!(found, expected_trace, "{} seed {}", record["id"], expected["seed"]);
            compared += 1;
        }
    }
    println!("{compared} traces are equal");
}
