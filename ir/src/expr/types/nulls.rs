//! What conditions say of null.

use crate::expr::ast::{BinaryOp, Expr, Literal, Root, UnaryOp};

/// What is known of whether a value is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullness {
    /// It is null.
    Null,
    /// It is not null.
    NotNull,
    /// It was asked whether it is there: whoever asks that has thought of null, too.
    Asked,
}

/// Whether an expression names something that has the same value wherever it stands, until somebody sets it: a variable, the
/// inputs, or a member or an element by a constant of one.
pub fn is_place(expr: &Expr) -> bool {
    root(expr).is_some()
}

/// What a place begins with.
pub fn root(place: &Expr) -> Option<&Expr> {
    let mut at = place;
    loop {
        at = match at {
            Expr::Variable(_) | Expr::Local(_) | Expr::Root(Root::Input) => return Some(at),
            Expr::Member { target, .. } => target,
            Expr::Index { target, index } if matches!(**index, Expr::Literal(_)) => target,
            _ => return None,
        }
    }
}

/// What is known of places where a condition is true, or where it is false.
pub fn known(condition: &Expr, holds: bool) -> Vec<(Expr, Nullness)> {
    let mut facts = Vec::new();
    let mut rest = vec![(condition, holds)];
    while let Some((condition, holds)) = rest.pop() {
        match condition {
            Expr::Unary { op: UnaryOp::Not, operand } => rest.push((operand, !holds)),
            Expr::Binary { op: BinaryOp::And, left, right } if holds => {
                rest.extend([(&**left, true), (&**right, true)]);
            }
            Expr::Binary { op: BinaryOp::Or, left, right } if !holds => {
                rest.extend([(&**left, false), (&**right, false)]);
            }
            Expr::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right } => {
                let is_null = (*op == BinaryOp::Equal) == holds;
                let nullness = if is_null { Nullness::Null } else { Nullness::NotNull };
                facts.extend(compared_with_null(left, right).map(|place| (place.clone(), nullness)));
            }
            Expr::Has { target, name } if holds => {
                let place = Expr::Member { target: target.clone(), name: name.clone() };
                if is_place(&place) {
                    facts.push((place, Nullness::Asked));
                }
            }
            _ => {}
        }
    }
    facts
}

fn compared_with_null<'e>(left: &'e Expr, right: &'e Expr) -> Option<&'e Expr> {
    let is_null = |side: &Expr| *side == Expr::Literal(Literal::Null);
    let place = match (is_null(left), is_null(right)) {
        (true, false) => right,
        (false, true) => left,
        _ => return None,
    };
    is_place(place).then_some(place)
}
