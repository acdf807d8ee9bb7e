//! Which of two values comes first.

use std::cmp::Ordering;

use bloom_ir::Value;

/// The order of two numbers, two texts (by code points) or two Booleans; `None` for any other pair.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => Some(int_with_double(*left, *right)),
        (Value::Double(left), Value::Int(right)) => Some(int_with_double(*right, *left).reverse()),
        // UTF-8 sorts as code points do.
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// An order over all values in which those come together that are equal. It is for finding equal ones, and no order
/// that an expression can see. Depth is bounded by the caller.
pub(super) fn total(left: &Value, right: &Value) -> Ordering {
    if let Some(order) = order(left, right) {
        return order;
    }
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            first_difference(left.iter().zip(right.iter()), total).unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Map(left), Value::Map(right)) => first_difference(left.iter().zip(right.iter()), |left, right| {
            left.0.cmp(right.0).then_with(|| total(left.1, right.1))
        })
        .unwrap_or_else(|| left.len().cmp(&right.len())),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn first_difference<T>(
    mut pairs: impl Iterator<Item = (T, T)>,
    compare: impl Fn(T, T) -> Ordering,
) -> Option<Ordering> {
    pairs.find_map(|(left, right)| Some(compare(left, right)).filter(|order| order.is_ne()))
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Double(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
    }
}

/// Exact, where converting the integer would round.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(super) fn int_with_double(int: i64, double: f64) -> Ordering {
    // 2^63, exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double >= LIMIT {
        return Ordering::Less;
    }
    if double < -LIMIT {
        return Ordering::Greater;
    }
    let whole = double.trunc();
    int.cmp(&(whole as i64)).then_with(|| whole.partial_cmp(&double).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_doubles_compare_exactly() {
        for (int, double, expected) in [
            (1, 1.0, Ordering::Equal),
            (1, 1.5, Ordering::Less),
            (-1, -1.5, Ordering::Greater),
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (i64::MAX, 9_223_372_036_854_775_808.0, Ordering::Less),
            (i64::MIN, -9_223_372_036_854_775_808.0, Ordering::Equal),
            (i64::MIN, -1e300, Ordering::Greater),
            (0, -0.0, Ordering::Equal),
        ] {
            assert_eq!(int_with_double(int, double), expected, "{int} {double}");
        }
    }
}
