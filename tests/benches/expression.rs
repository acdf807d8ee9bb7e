//! Expressions: what it takes to compile one, once for each program, and to evaluate it, each time that its node is entered.

#![expect(clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use bloom_interpreter::expr::{Budget, Environment, Evaluator, RunVars, Slot, compile};
use bloom_ir::Value;
use bloom_ir::expr::parse;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

const EXPRESSIONS: [(&str, &str); 8] = [
    ("sum of two ints", "v['i'] + 1"),
    ("comparison", "v['i'] < 1000 && v['name'] != ''"),
    ("member of a member", "input.note.meta.title"),
    ("text from parts", "'note ' + v['name'] + ' of ' + string(v['i'])"),
    ("map of three members", "{'id': v['i'], 'title': input.note.meta.title, 'done': false}"),
    ("filter of 1 000 ints", "v['list'].filter(x, x % 2 == 0).size()"),
    ("search in 10 000 letters", "v['text'].contains('needle')"),
    ("regular expression over 10 000 letters", "v['text'].matches('nee+dle')"),
];

fn expressions(criterion: &mut Criterion) {
    let list: Vec<i64> = (0..1_000).collect();
    let text = format!("{}needle", "hay and ".repeat(1_250));
    let variables = [json!(41), json!("Оля"), json!(list), json!(text)].map(Value::from);
    let input = Value::from(json!({ "note": { "meta": { "title": "A sonata" } } }));
    let run = RunVars { id: "r".into(), flow: "f".into(), version: "1.0.0".into(), started_at: 0, now: 0 };
    let environment = Environment { variables: &variables, input: &input, run: &run, budget: Budget::default() };
    let mut slots =
        |name: &str| Some(Slot(["i", "name", "list", "text"].iter().zip(0..).find(|one| *one.0 == name)?.1));

    let mut group = criterion.benchmark_group("expression");
    for (name, written) in EXPRESSIONS {
        let expr = parse(written).expect("it is one");
        let program = compile(&expr, &mut slots).expect("its names are known");
        let mut evaluator = Evaluator::default();
        group.bench_function(format!("parse and compile: {name}"), |bencher| {
            bencher.iter(|| {
                let expr = parse(black_box(written)).expect("it is one");
                black_box(compile(&expr, &mut slots).expect("its names are known"))
            });
        });
        group.bench_function(format!("evaluate: {name}"), |bencher| {
            bencher.iter(|| black_box(evaluator.evaluate(&program, &environment).expect("it has a value")));
        });
    }
    group.finish();
}

criterion_group!(benches, expressions);
criterion_main!(benches);
