//! Arbitrary expressions for property tests, here and in other packages (feature `generators`).

use proptest::prelude::*;

use super::ast::{BinaryOp, Expr, Literal, Macro, Root, UnaryOp};
use super::functions;
use super::identifier::RUN_MEMBERS;

/// The variables that generated expressions name.
pub const VARIABLES: [&str; 5] = ["a", "b", "i", "пам'ять", "if"];

/// The members that generated expressions name, of `input` and of maps.
pub const MEMBERS: [&str; 5] = ["a", "slug", "_x1", "оброблені", "while"];

/// The names that generated macros bind.
const BOUND: [&str; 3] = ["x", "y", "size"];

/// Any expression that a text can stand for, well formed but mostly wrong in its types: it uses all of the language.
pub fn any_expr() -> impl Strategy<Value = Expr> {
    tree().prop_map(|mut expr| {
        bind(&mut expr, &mut Vec::new());
        expr
    })
}

/// Any literal.
pub fn any_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        prop_oneof![any::<i64>(), -3..10_i64, Just(i64::MIN), Just(i64::MAX)].prop_map(Literal::Int),
        prop_oneof![prop::num::f64::NORMAL, Just(0.0), Just(-0.0), Just(1e300), -4.0..4.0].prop_map(Literal::Double),
        prop_oneof![
            "[a-c'\\\\\n ]{0,6}",
            ".{0,8}",
            Just("a.*b+".to_owned()),
            Just("2026-11-21T10:00:00Z".to_owned()),
            Just("+02:00".to_owned()),
            Just("months".to_owned()),
            Just("[1, {\"a\": 2.5}]".to_owned()),
        ]
        .prop_map(Literal::String),
    ]
}

fn tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        3 => any_literal().prop_map(Expr::Literal),
        2 => prop::sample::select(&VARIABLES[..]).prop_map(|name| Expr::Variable(name.to_owned())),
        1 => Just(Expr::Root(Root::Input)),
        1 => prop::sample::select(&RUN_MEMBERS[..])
            .prop_map(|name| Expr::Member { target: Expr::Root(Root::Run).into(), name: name.to_owned() }),
        2 => prop::sample::select(&BOUND[..]).prop_map(|name| Expr::Local(name.to_owned())),
    ];
    leaf.prop_recursive(6, 60, 4, |inner| {
        prop_oneof![
            2 => (inner.clone(), prop::sample::select(&MEMBERS[..]))
                .prop_map(|(target, name)| Expr::Member { target: target.into(), name: name.to_owned() }),
            1 => (inner.clone(), inner.clone()).prop_map(|(target, index)| match index {
                Expr::Literal(Literal::String(name)) => Expr::Member { target: target.into(), name },
                index => Expr::Index { target: target.into(), index: index.into() },
            }),
            1 => (inner.clone(), prop::sample::select(&MEMBERS[..3]))
                .prop_map(|(target, name)| Expr::Has { target: target.into(), name: name.to_owned() }),
            1 => (inner.clone(), prop_oneof![Just(UnaryOp::Not), Just(UnaryOp::Negate)])
                .prop_map(|(operand, op)| Expr::Unary { op, operand: operand.into() }),
            4 => (inner.clone(), any_binary_op(), inner.clone())
                .prop_map(|(left, op, right)| Expr::Binary { op, left: left.into(), right: right.into() }),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(condition, then, otherwise)| {
                Expr::Conditional { condition: condition.into(), then: then.into(), otherwise: otherwise.into() }
            }),
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Expr::List),
            1 => prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Expr::Map),
            3 => any_call(inner.clone()),
            3 => any_macro(inner),
        ]
    })
}

fn any_binary_op() -> impl Strategy<Value = BinaryOp> {
    prop::sample::select(vec![
        BinaryOp::Or,
        BinaryOp::And,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::Less,
        BinaryOp::LessEqual,
        BinaryOp::Greater,
        BinaryOp::GreaterEqual,
        BinaryOp::In,
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Remainder,
    ])
}

fn any_call(inner: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    prop::sample::select(functions::all()).prop_flat_map(move |function| {
        let arities: Vec<usize> = function.signatures.iter().map(|signature| signature.arguments.len()).collect();
        let inner = inner.clone();
        prop::sample::select(arities)
            .prop_flat_map(move |arity| prop::collection::vec(inner.clone(), arity))
            .prop_map(|args| Expr::Call { function: function.name.to_owned(), args })
    })
}

fn any_macro(inner: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let kinds = vec![Macro::All, Macro::Exists, Macro::ExistsOne, Macro::Filter, Macro::Map];
    let binds = prop::sample::select(&BOUND[..]);
    (prop::sample::select(kinds), inner.clone(), binds, prop::option::of(inner.clone()), inner).prop_map(
        |(kind, range, binds, filter, body)| Expr::Macro {
            kind,
            range: range.into(),
            binds: binds.to_owned(),
            filter: filter.filter(|_| kind == Macro::Map).map(Box::new),
            body: body.into(),
        },
    )
}

/// Turns locals that no macro binds into variables.
fn bind(expr: &mut Expr, bound: &mut Vec<String>) {
    match expr {
        Expr::Local(name) => {
            if !bound.contains(name) {
                *expr = Expr::Variable(name.clone());
            }
        }
        Expr::Literal(_) | Expr::Variable(_) | Expr::Root(_) => {}
        Expr::Member { target, .. } | Expr::Has { target, .. } => {
            bind(target, bound);
        }
        Expr::Unary { operand, .. } => bind(operand, bound),
        Expr::Index { target: left, index: right } | Expr::Binary { left, right, .. } => {
            bind(left, bound);
            bind(right, bound);
        }
        Expr::Conditional { condition, then, otherwise } => {
            for part in [condition, then, otherwise] {
                bind(part, bound);
            }
        }
        Expr::List(items) | Expr::Call { args: items, .. } => items.iter_mut().for_each(|item| bind(item, bound)),
        Expr::Map(entries) => {
            for (key, value) in entries {
                bind(key, bound);
                bind(value, bound);
            }
        }
        Expr::Macro { range, binds, filter, body, .. } => {
            bind(range, bound);
            bound.push(binds.clone());
            if let Some(filter) = filter {
                bind(filter, bound);
            }
            bind(body, bound);
            bound.pop();
        }
    }
}
