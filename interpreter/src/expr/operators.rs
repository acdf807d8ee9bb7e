//! The operators.

use std::cmp::Ordering;

use bloom_ir::Value;

use super::budget::{Meter, count};
use super::error::EvalError;
use super::order::{int_with_double, order};

/// One of the four comparisons.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    pub(super) fn holds(self, left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
        if let Value::String(text) = left {
            meter.scan(text)?;
        }
        let symbol = match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        };
        let found = order(left, right).ok_or_else(|| EvalError::no_operator(left, symbol, right))?;
        Ok(Value::Bool(self.is(found)))
    }

    /// Whether it holds for two values that are in that order.
    #[inline]
    pub(super) fn is(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterEqual => order.is_ge(),
        }
    }
}

pub(super) fn add(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            meter.text(left.len() + right.len())?;
            let mut text = String::with_capacity(left.len() + right.len());
            text.push_str(left);
            text.push_str(right);
            Ok(text.into())
        }
        (Value::List(left), Value::List(right)) => {
            meter.elements(left.len() + right.len())?;
            Ok(left.iter().chain(right.iter()).cloned().collect())
        }
        _ => arithmetic(left, "+", right, meter, i64::checked_add, |left, right| left + right),
    }
}

pub(super) fn subtract(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    arithmetic(left, "-", right, meter, i64::checked_sub, |left, right| left - right)
}

pub(super) fn multiply(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    arithmetic(left, "*", right, meter, i64::checked_mul, |left, right| left * right)
}

pub(super) fn divide(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    refuse_zero(left, "/", right)?;
    arithmetic(left, "/", right, meter, i64::checked_div, |left, right| left / right)
}

pub(super) fn remainder(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    let (Value::Int(_), Value::Int(_)) = (left, right) else { return Err(EvalError::no_operator(left, "%", right)) };
    refuse_zero(left, "%", right)?;
    arithmetic(left, "%", right, meter, i64::checked_rem, |left, right| left % right)
}

/// Division of numbers as doubles.
pub(super) fn divide_doubles(left: f64, right: f64, meter: &mut Meter) -> Result<Value, EvalError> {
    if right == 0.0 {
        return Err(EvalError::DivisionByZero { operation: format!("div({left}, {right})") });
    }
    finite(left / right, meter).ok_or_else(|| EvalError::Overflow { operation: format!("div({left}, {right})") })
}

fn arithmetic(
    left: &Value,
    symbol: &'static str,
    right: &Value,
    meter: &mut Meter,
    ints: fn(i64, i64) -> Option<i64>,
    doubles: fn(f64, f64) -> f64,
) -> Result<Value, EvalError> {
    let result = match (left, right) {
        (Value::Int(left), Value::Int(right)) => ints(*left, *right).map(Value::Int),
        _ => match (as_double(left), as_double(right)) {
            (Some(left), Some(right)) => finite(doubles(left, right), meter),
            _ => return Err(EvalError::no_operator(left, symbol, right)),
        },
    };
    result.ok_or_else(|| EvalError::Overflow { operation: operation(left, symbol, right) })
}

/// The double, if it is finite; it may be integral.
pub(super) fn finite(number: f64, meter: &mut Meter) -> Option<Value> {
    meter.doubles = true;
    number.is_finite().then_some(Value::Double(number))
}

/// A number as a double.
#[expect(clippy::cast_precision_loss, reason = "an int that meets a double becomes a double, by definition")]
pub(super) fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Double(number) => Some(*number),
        _ => None,
    }
}

fn refuse_zero(left: &Value, symbol: &'static str, right: &Value) -> Result<(), EvalError> {
    let zero = match right {
        Value::Int(right) => *right == 0,
        Value::Double(right) => *right == 0.0,
        _ => false,
    };
    if zero && as_double(left).is_some() {
        return Err(EvalError::DivisionByZero { operation: operation(left, symbol, right) });
    }
    Ok(())
}

#[cold]
fn operation(left: &Value, symbol: &'static str, right: &Value) -> String {
    let number = |value: &Value| match value {
        Value::Int(int) => int.to_string(),
        Value::Double(number) => format!("{number:?}"),
        other => other.type_name().to_owned(),
    };
    format!("{} {symbol} {}", number(left), number(right))
}

pub(super) fn negate(operand: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    match operand {
        Value::Int(int) => int.checked_neg().map(Value::Int),
        Value::Double(number) => finite(-number, meter),
        other => {
            return Err(EvalError::WrongType { given: format!("-{}", other.type_name()), defined: String::new() });
        }
    }
    .ok_or_else(|| EvalError::Overflow { operation: format!("-({})", i64::MIN) })
}

/// `target[index]`
pub(super) fn index(target: &Value, index: &Value) -> Result<Value, EvalError> {
    match (target, index) {
        (Value::Map(map), Value::String(key)) => {
            map.get(key).cloned().ok_or_else(|| EvalError::missing_member(key, map))
        }
        (Value::List(items), Value::Int(_) | Value::Double(_)) => {
            let position = match index {
                Value::Int(position) => Some(*position),
                other => integral(other),
            };
            let item = position.and_then(|position| usize::try_from(position).ok()).and_then(|at| items.get(at));
            let shown = || position.map_or_else(|| format!("{index:?}"), |position| position.to_string());
            item.cloned().ok_or_else(|| EvalError::NoElement { index: shown(), size: items.len() })
        }
        _ => Err(EvalError::WrongType {
            given: format!("{}[{}]", target.type_name(), index.type_name()),
            defined: "list[int] and map[string]".to_owned(),
        }),
    }
}

/// The integer that a number stands for.
fn integral(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        Value::Double(number) => Value::number(*number)?.as_int(),
        _ => None,
    }
}

/// `left in right`
pub(super) fn within(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
    match right {
        Value::List(items) => {
            for item in items.iter() {
                if equal(left, item, meter)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Value::Map(map) => Ok(Value::Bool(left.as_str().is_some_and(|key| map.contains_key(key)))),
        _ => Err(EvalError::no_operator(left, "in", right)),
    }
}

/// Whether two values are equal: numbers by value, everything else only within its type.
pub(super) fn equal(left: &Value, right: &Value, meter: &mut Meter) -> Result<bool, EvalError> {
    // An explicit stack, as values may be nested to any depth. Shared parts are compared all the same, so that the
    // steps do not depend on what happens to be shared.
    let mut rest: Vec<(&Value, &Value)> = Vec::new();
    let mut pair = Some((left, right));
    while let Some((left, right)) = pair {
        meter.steps(1)?;
        let same = match (left, right) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Int(left), Value::Int(right)) => left == right,
            // The same number, whatever the sign of zero.
            (Value::Double(left), Value::Double(right)) => left.partial_cmp(right).is_some_and(Ordering::is_eq),
            (Value::Int(int), Value::Double(double)) | (Value::Double(double), Value::Int(int)) => {
                int_with_double(*int, *double).is_eq()
            }
            (Value::String(left), Value::String(right)) => {
                meter.steps(count(left.len().min(right.len())) / 64)?;
                left == right
            }
            (Value::List(left), Value::List(right)) if left.len() == right.len() => {
                // In reverse, so that the first ones are compared first.
                rest.extend(left.iter().zip(right.iter()).rev());
                true
            }
            (Value::Map(left), Value::Map(right)) if left.len() == right.len() => {
                for (key, other) in left.keys().zip(right.keys()) {
                    meter.steps(1 + count(key.len()) / 64)?;
                    if key != other {
                        return Ok(false);
                    }
                }
                rest.extend(left.values().zip(right.values()).rev());
                true
            }
            _ => false,
        };
        if !same {
            return Ok(false);
        }
        pair = rest.pop();
    }
    Ok(true)
}
