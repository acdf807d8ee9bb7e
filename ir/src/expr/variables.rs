//! What an expression names.

use std::collections::BTreeSet;

use super::ast::{Expr, Root};

/// What an expression names, the names that its own macros bind left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The variables of the flow, as `n` for `v['n']`.
    pub variables: BTreeSet<String>,
    /// The members of `input` that it names.
    pub inputs: BTreeSet<String>,
    /// Whether it uses `input` otherwise than by naming a member.
    pub whole_input: bool,
    /// The members of `run` that it names.
    pub run: BTreeSet<String>,
}

/// What the expression names.
pub fn names(expr: &Expr) -> Names {
    let mut names = Names::default();
    // An explicit stack: trees that were built by hand may be of any depth.
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::Variable(name) => {
                names.variables.insert(name.clone());
            }
            Expr::Root(Root::Input) => names.whole_input = true,
            // `run` alone is no expression that can be parsed.
            Expr::Literal(_) | Expr::Local(_) | Expr::Root(Root::Run) => {}
            Expr::Member { target, name } | Expr::Has { target, name } => match &**target {
                Expr::Root(Root::Input) => {
                    names.inputs.insert(name.clone());
                }
                Expr::Root(Root::Run) => {
                    names.run.insert(name.clone());
                }
                other => rest.push(other),
            },
            Expr::Index { target, index } => rest.extend([&**target, &**index]),
            Expr::Unary { operand, .. } => rest.push(operand),
            Expr::Binary { left, right, .. } => rest.extend([&**left, &**right]),
            Expr::Conditional { condition, then, otherwise } => {
                rest.extend([&**condition, &**then, &**otherwise]);
            }
            Expr::List(items) => rest.extend(items),
            Expr::Map(entries) => rest.extend(entries.iter().flat_map(|(key, value)| [key, value])),
            Expr::Call { args, .. } => rest.extend(args),
            Expr::Macro { range, filter, body, .. } => {
                rest.extend([&**range, &**body]);
                rest.extend(filter.as_deref());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::parse;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_that_is_named_is_found() {
        let expr = parse(
            "v['b'].map(x, x.c > 0, [x, v['a'], {v['d']: input.i}]) == (has(input['j'].k) ? run.now : -size(v['e'][v['f']]))",
        )
        .unwrap();
        assert_eq!(
            names(&expr),
            Names {
                variables: set(&["a", "b", "d", "e", "f"]),
                inputs: set(&["i", "j"]),
                whole_input: false,
                run: set(&["now"])
            }
        );
    }

    #[test]
    fn input_as_a_whole_is_noticed() {
        assert!(names(&parse("'x' in input").unwrap()).whole_input);
        assert!(!names(&parse("has(input.x)").unwrap()).whole_input);
    }
}
