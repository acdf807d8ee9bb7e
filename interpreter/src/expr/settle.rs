//! The value that leaves an expression.

use bloom_ir::Value;

use super::budget::{ELEMENT, Meter, count};
use super::error::EvalError;

/// How deep a value that an expression makes may be nested. A history holds values inside its events, and JSON readers
/// stop at 128 levels.
pub const MAX_VALUE_DEPTH: usize = 100;

/// Makes the value normal, and refuses one that is too large or too deep to be kept.
///
/// A value is a tree to everybody who writes or hashes it, though its parts may be shared in memory: a list of two of
/// the same list doubles it each time. So it is measured as a tree.
#[inline]
pub(super) fn settle(value: Value, meter: &mut Meter) -> Result<Value, EvalError> {
    match value {
        Value::List(_) | Value::Map(_) if meter.built => {
            measure(&value, meter)?;
            Ok(if meter.doubles { value.normalized() } else { value })
        }
        Value::Double(_) if meter.doubles => Ok(value.normalized()),
        value => Ok(value),
    }
}

/// Charges the value as a tree: a step for each part, its bytes, and no more levels than allowed.
pub(super) fn measure(value: &Value, meter: &mut Meter) -> Result<(), EvalError> {
    let mut rest = vec![(value, 1)];
    while let Some((value, depth)) = rest.pop() {
        if depth > MAX_VALUE_DEPTH {
            return Err(EvalError::TooDeep { limit: MAX_VALUE_DEPTH });
        }
        match value {
            Value::List(items) => {
                meter.steps(count(items.len()))?;
                let mut bytes = ELEMENT * count(items.len());
                for item in items.iter() {
                    bytes += leaf_bytes(item);
                    if matches!(item, Value::List(_) | Value::Map(_)) {
                        rest.push((item, depth + 1));
                    }
                }
                meter.bytes(bytes)?;
            }
            Value::Map(map) => {
                meter.steps(count(map.len()))?;
                let mut bytes = ELEMENT * count(map.len());
                for (key, item) in map.iter() {
                    bytes += count(key.len()) + leaf_bytes(item);
                    if matches!(item, Value::List(_) | Value::Map(_)) {
                        rest.push((item, depth + 1));
                    }
                }
                meter.bytes(bytes)?;
            }
            leaf => meter.bytes(leaf_bytes(leaf))?,
        }
    }
    Ok(())
}

fn leaf_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => count(text.len()),
        _ => 0,
    }
}
