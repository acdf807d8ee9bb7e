//! What a run may use. A limit ends the run as a whole: no `on_error` and no `catch` takes it, since what would follow
//! is beyond the limit too.

use bloom_ir::Value;

use crate::effect::EffectError;
use crate::expr::MAX_VALUE_DEPTH;

/// How large a run's state may grow: its variables, cursors and inputs together, in the units of [`weight`].
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// A limit that a run has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nodes since the last recorded result.
    Steps,
    /// Tokens of all LLM calls.
    Tokens,
    /// Proposals.
    Proposals,
    /// Bytes of state.
    State,
    /// Levels of nesting of one value.
    Depth,
}

impl Limit {
    /// The error's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Steps => "limit_steps",
            Self::Tokens => "limit_tokens",
            Self::Proposals => "limit_proposals",
            Self::State => "limit_state",
            Self::Depth => "limit_depth",
        }
    }

    /// The error that ends the run; `details` hold `limit` and `measured`.
    pub(crate) fn exceeded(self, limit: u64, measured: u64) -> EffectError {
        let message = match self {
            Self::Steps => {
                format!("{measured} nodes were entered since the last recorded result; the limit is {limit}")
            }
            Self::Tokens => format!("the run has used {measured} tokens; the limit is {limit}"),
            Self::Proposals => format!("this would be proposal {measured} of the run; the limit is {limit}"),
            Self::State => format!("the state would take {measured} bytes or more; the limit is {limit}"),
            Self::Depth => format!("a value is nested {measured} levels deep or more; the limit is {limit}"),
        };
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        EffectError::new(self.code(), message)
            .with_details([("limit", number(limit)), ("measured", number(measured))].into_iter().collect())
    }
}

/// The bytes that a value counts for: 16 for each value in it, and the bytes of its texts and keys. Stops at
/// [`MAX_STATE_BYTES`] and [`MAX_VALUE_DEPTH`], so that shared parts cannot make it run for long.
pub(crate) fn weight(value: &Value) -> Result<u64, EffectError> {
    let mut total = 0;
    add_weight(value, 0, &mut total)?;
    Ok(total)
}

/// What a value counts for beside its text and members.
pub(crate) const CELL: u64 = 16;

fn add_weight(value: &Value, depth: usize, total: &mut u64) -> Result<(), EffectError> {
    *total = total.saturating_add(CELL);
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
        Value::String(text) => *total = total.saturating_add(text.len() as u64),
        Value::List(items) => {
            let depth = deeper(depth)?;
            for item in items.iter() {
                add_weight(item, depth, total)?;
            }
        }
        Value::Map(map) => {
            let depth = deeper(depth)?;
            for (key, value) in map.iter() {
                *total = total.saturating_add(key.len() as u64);
                add_weight(value, depth, total)?;
            }
        }
    }
    if *total > MAX_STATE_BYTES {
        return Err(Limit::State.exceeded(MAX_STATE_BYTES, *total));
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize, EffectError> {
    let depth = depth.saturating_add(1);
    if depth > MAX_VALUE_DEPTH {
        return Err(Limit::Depth.exceeded(MAX_VALUE_DEPTH as u64, depth as u64));
    }
    Ok(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |value, _| std::iter::once(value).collect())
    }

    #[test]
    fn texts_keys_and_cells_count() {
        let value: Value = [("ключ", Value::from("ab")), ("k", Value::Int(1))].into_iter().collect();
        assert_eq!(weight(&value), Ok(3 * 16 + 8 + 1 + 2));
    }

    #[test]
    fn depth_is_measured() {
        assert!(weight(&nested(MAX_VALUE_DEPTH)).is_ok());
        let error = weight(&nested(MAX_VALUE_DEPTH + 1)).unwrap_err();
        assert_eq!(error.code, "limit_depth");
        assert_eq!(error.details.unwrap().get("measured"), Some(&Value::Int(101)));
    }

    #[test]
    fn shared_parts_cannot_make_it_run_for_long() {
        let mut value = Value::from("x");
        for _ in 0..90 {
            value = [value.clone(), value].into_iter().collect();
        }
        assert_eq!(weight(&value).unwrap_err().code, "limit_state");
    }
}
