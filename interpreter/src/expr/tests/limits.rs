use bloom_ir::expr::ast::{Expr, Literal, UnaryOp};
use bloom_ir::expr::generators::any_expr;
use bloom_ir::expr::{parse, print};
use proptest::prelude::*;

use super::*;
use crate::effect::EffectError;
use crate::expr::{CompileError, MAX_VALUE_DEPTH};

fn steps(steps: u64) -> Budget {
    Budget { steps, ..Budget::default() }
}

#[test]
fn steps_are_counted_by_nodes_and_elements() {
    for (text, cost) in [
        ("1", 1),
        ("v['i']", 1),
        ("v['i'] + 1", 3),
        ("input.folder", 2),
        ("v['deep'].a", 2),
        ("has(input.x)", 2),
        ("true || 1 / 0 == 1", 7),
        ("true ? 1 : 2", 4),
        // The macro, its range of three nodes, and for each element two nodes of the body.
        ("[1, 2].map(x, -x) == []", 1 + 1 + 4 + 2 * 2 + 1),
        ("size('ї')", 2 + 1),
        ("'a'.matches('b')", 3 + 1),
    ] {
        assert!(evaluate_within(text, steps(cost)).is_ok(), "{text} costs more");
        let error = evaluate_within(text, steps(cost - 1)).expect_err(text);
        assert_eq!(error, EvalError::TooManySteps { limit: cost - 1 }, "{text} costs less");
    }
}

#[test]
fn too_much_work_is_an_error_that_nothing_absorbs() {
    let digits = "['0123456789'.split('')]";
    let nested = format!(
        "{digits}.all(x, x.all(a, x.all(b, x.all(c, x.all(d, x.all(e, x.all(f, x.all(g, x.all(h, true)))))))))"
    );
    for text in [nested.clone(), format!("{nested} || true"), format!("[1].exists(x, {nested} || x == 1)")] {
        fails(&text, "expression_steps", "the expression takes more than 10000000 steps");
    }
    let many =
        format!("{digits}.map(x, x.map(a, x.map(b, x.map(c, x.map(d, x.map(e, x.map(f, '0123456789'.split(''))))))))");
    fails(&many, "expression_size", "the expression makes more than 67108864 bytes");
}

#[test]
fn what_grows_too_large_is_an_error_before_it_is_made() {
    let budget = Budget { bytes: 10_000, ..Budget::default() };
    let long = |bytes: usize| format!("'{}'", "a".repeat(bytes));
    let thousand = long(1000);
    for text in [
        format!("{} + {}", long(6000), long(6000)),
        format!("{}.replace('a', '{}')", long(200), "b".repeat(200)),
        format!("{thousand}.split('')"),
        format!("['', '', '', '', '', '', '', '', '', '', '', ''].join({thousand})"),
        format!("[{}].map(x, {thousand})", vec!["1"; 20].join(", ")),
        format!("json.format([{}])", [thousand.as_str(); 10].join(", ")),
        format!("json.parse('[{}]')", vec!["1"; 500].join(",")),
        format!("{}.upper()", long(10_001)),
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(x, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(y, [x, y, x, y]))".to_owned(),
    ] {
        let error = evaluate_within(&text, budget).expect_err(&text);
        assert_eq!(error, EvalError::TooLarge { limit: 10_000 }, "{text}");
    }
}

#[test]
fn values_that_share_their_parts_are_measured_as_trees() {
    let mut value = Value::Int(1);
    for _ in 0..60 {
        value = [value.clone(), value].into_iter().collect();
    }
    let slots = [value];
    let environment =
        Environment { variables: &slots, input: &Value::Null, run: &run_vars(), budget: Budget::default() };
    for text in ["[v['x']]", "v['x'] == v['x']", "json.format(v['x'])", "v['x'].distinct()", "v['x'] in [v['x']]"] {
        let program = compile(&parse(text).unwrap(), &mut |_| Some(Slot(0))).unwrap();
        let error = Evaluator::default().evaluate(&program, &environment).expect_err(text);
        assert!(error.is_limit(), "{text}: {error}");
    }
}

#[test]
fn values_do_not_grow_deeper_without_end() {
    let mut value = Value::Null;
    let program = compile(&parse("[v['x']]").unwrap(), &mut |_| Some(Slot(0))).unwrap();
    let mut evaluator = Evaluator::default();
    for depth in 1.. {
        let slots = [value];
        let environment =
            Environment { variables: &slots, input: &Value::Null, run: &run_vars(), budget: Budget::default() };
        match evaluator.evaluate(&program, &environment) {
            Ok(deeper) => value = deeper,
            Err(error) => {
                assert_eq!(error, EvalError::TooDeep { limit: MAX_VALUE_DEPTH });
                assert_eq!(depth, MAX_VALUE_DEPTH + 1);
                break;
            }
        }
    }
    fails(
        &format!("json.parse('{}{}')", "[".repeat(101), "]".repeat(101)),
        "expression_depth",
        "a value is nested deeper than 100 levels",
    );
}

#[test]
fn trees_built_by_hand_are_checked_before_they_run() {
    let compiled = |expr: &Expr| compile(expr, &mut |_| None).map(|_| ());
    assert_eq!(compiled(&Expr::Variable("x".into())), Err(CompileError::UnknownVariable { name: "x".into() }));
    let one = || Expr::Literal(Literal::Int(1));
    let mut deep = one();
    for _ in 0..1000 {
        deep = Expr::Unary { op: UnaryOp::Negate, operand: deep.into() };
    }
    assert_eq!(compiled(&deep), Err(CompileError::TooDeep));
    assert_eq!(compiled(&Expr::List((0..70_000).map(|_| one()).collect())), Err(CompileError::TooLarge));
    assert_eq!(compiled(&Expr::Local("x".into())), Err(CompileError::Unbound { name: "x".into() }));
    assert_eq!(compiled(&Expr::Literal(Literal::Double(f64::NAN))), Err(CompileError::NotFinite));
    let call = |function: &str, args| Expr::Call { function: function.into(), args };
    assert_eq!(compiled(&call("no", vec![])), Err(CompileError::UnknownFunction { name: "no".into() }));
    assert_eq!(compiled(&call("size", vec![])), Err(CompileError::Arity { name: "size".into(), given: 0 }));
    let run = Expr::Root(bloom_ir::expr::ast::Root::Run);
    assert_eq!(compiled(&run), Err(CompileError::Run));
    assert_eq!(compiled(&Expr::Member { target: run.into(), name: "x".into() }), Err(CompileError::Run));
}

#[test]
fn an_error_routes_as_that_of_an_effect() {
    let error = EffectError::from(evaluate("1 / 0").unwrap_err());
    assert_eq!((error.code.as_str(), error.message.as_str()), ("division_by_zero", "1 / 0 divides by zero"));
    assert!(!error.retryable);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![any::<i64>(), -3..10_i64].prop_map(Value::Int),
        prop::num::f64::NORMAL.prop_map(|number| Value::number(number).unwrap()),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| items.into_iter().collect()),
            prop::collection::vec((prop::sample::select(vec!["a", "slug", "b", "ключ"]), inner), 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_expression_over_any_values_gives_a_normal_value_or_an_error(
        expr in any_expr(),
        values in prop::collection::vec(any_value(), 5),
        input in any_value(),
        tight in any::<bool>(),
    ) {
        let mut names = Vec::new();
        let program = compile(&expr, &mut |name| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            names.iter().position(|known| known == name).map(|at| Slot(u32::try_from(at).unwrap()))
        })
        .unwrap();
        let budget = if tight { Budget { steps: 60, bytes: 200 } } else { Budget { steps: 100_000, bytes: 1 << 20 } };
        let environment = Environment { variables: &values, input: &input, run: &run_vars(), budget };
        let first = Evaluator::default().evaluate(&program, &environment);
        if let Ok(value) = &first {
            prop_assert_eq!(&value.clone().normalized(), value);
            let read: Value = serde_json::from_slice(&value.to_bytes()).unwrap();
            prop_assert_eq!(&read, value, "a value's bytes read back");
        }
        // What is printed means the same.
        let program = compile(&parse(&print(&expr)).unwrap(), &mut |name| {
            names.iter().position(|known| known == name).map(|at| Slot(u32::try_from(at).unwrap()))
        })
        .unwrap();
        prop_assert_eq!(Evaluator::default().evaluate(&program, &environment), first);
    }
}
