//! Types allow every value that there is: what is computed is of a kind that its type has.

use std::collections::BTreeMap;

use bloom_ir::Value;
use bloom_ir::expr::Expr;
use bloom_ir::expr::generators::any_expr;
use bloom_ir::expr::types::{Finding, Kinds, Scope, Type, infer};
use proptest::prelude::*;

use super::{Budget, INPUT, VARIABLES, evaluate_tree};

/// The exact types of the tests' variables.
struct Exact(BTreeMap<String, Type>, Type);

impl Exact {
    fn new() -> Self {
        let variables: Value = serde_json::from_str(VARIABLES).unwrap();
        let Value::Map(variables) = variables else { panic!() };
        let variables = variables.iter().map(|(name, value)| (name.to_string(), of(value))).collect();
        Self(variables, of(&serde_json::from_str(INPUT).unwrap()))
    }
}

impl Scope for Exact {
    fn variable(&self, name: &str) -> Type {
        self.0.get(name).cloned().unwrap_or_else(|| Type::of(Kinds::NULL))
    }

    fn input(&self) -> Type {
        self.1.clone()
    }
}

fn of(value: &Value) -> Type {
    match value {
        Value::List(items) => Type::list(items.iter().map(of).fold(Type::never(), |all, item| all.join(&item))),
        Value::Map(map) => Type::map(map.iter().map(|(name, value)| (name.to_string(), of(value))).collect(), true),
        value => Type::of(kind(value)),
    }
}

fn kind(value: &Value) -> Kinds {
    match value {
        Value::Null => Kinds::NULL,
        Value::Bool(_) => Kinds::BOOL,
        Value::Int(_) => Kinds::INT,
        Value::Double(_) => Kinds::DOUBLE,
        Value::String(_) => Kinds::STRING,
        Value::List(_) => Kinds::LIST,
        Value::Map(_) => Kinds::MAP,
    }
}

/// Whether it computes all of its parts, so that nothing hides what goes wrong in one of them.
fn computes_all(expr: &Expr) -> bool {
    use bloom_ir::expr::ast::BinaryOp::{And, Or};
    let hides = matches!(expr, Expr::Conditional { .. } | Expr::Macro { .. } | Expr::Binary { op: And | Or, .. });
    !hides && expr.parts().into_iter().all(computes_all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_computed_is_of_its_type(expr in any_expr()) {
        let mut found = Vec::new();
        let inferred = infer(&expr, &Exact::new(), &mut found);
        if let Ok(value) = evaluate_tree(&expr, Budget::default()) {
            let value = value.normalized();
            prop_assert!(inferred.may(kind(&value)), "{value:?} of {}", inferred.kinds());
            found.retain(|finding| !matches!(finding, Finding::NeverEqual { .. }));
            prop_assert!(found.is_empty() || !computes_all(&expr), "{found:?}, and yet {value:?}");
        }
    }
}
