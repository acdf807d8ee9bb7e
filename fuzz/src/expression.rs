//! Expressions: whatever can be read is written and read back the same, and has a value or an error, within its budget.

use std::sync::LazyLock;

use bloom_interpreter::expr::{Budget, Environment, Evaluator, RunVars, Slot, compile};
use bloom_ir::Value;
use bloom_ir::expr::{parse, print};
use serde_json::json;

static VARIABLES: LazyLock<[Value; 5]> = LazyLock::new(|| {
    let map = json!({ "k": 1, "items": [{ "a": "x" }, { "a": "й" }], "none": null });
    [json!(7), json!(0.5), json!("Текст, x"), json!([3, 1, 2]), map].map(Value::from)
});

/// Parses, prints and evaluates; with the same values there is the same result again.
pub fn evaluates_or_explains(text: &str) {
    let expr = match parse(text) {
        Ok(expr) => expr,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let printed = print(&expr);
    let again = parse(&printed).expect("what was printed can be read");
    assert_eq!(print(&again), printed);
    let mut slots = |name: &str| {
        let at = ["i", "f", "s", "l", "m"].iter().position(|known| *known == name)?;
        u32::try_from(at).ok().map(Slot)
    };
    let Ok(program) = compile(&expr, &mut slots) else { return };
    let input = Value::from(json!({ "n": 2, "text": "x\u{0}y" }));
    let run = RunVars { id: "r".into(), flow: "f".into(), version: "1.0.0".into(), started_at: 0, now: 1 };
    let budget = Budget { steps: 20_000, ..Budget::default() };
    let environment = Environment { variables: &*VARIABLES, input: &input, run: &run, budget };
    let mut evaluator = Evaluator::default();
    let value = evaluator.evaluate(&program, &environment);
    assert_eq!(value, evaluator.evaluate(&program, &environment));
    let printed = compile(&again, &mut slots).expect("it is the same");
    assert_eq!(value, Evaluator::default().evaluate(&printed, &environment));
}
