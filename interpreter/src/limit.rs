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
    /// What all LLM calls cost, in millionths of a US dollar.
    Cost,
    /// Proposals.
    Proposals,
    /// Bytes of state.
    State,
    /// Bytes of an answer, or of the run's result.
    Result,
    /// Bytes of what is asked for or handed out at once.
    Event,
    /// Levels of nesting of one value.
    Depth,
}

impl Limit {
    /// The error's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Steps => "limit_steps",
            Self::Tokens => "limit_tokens",
            Self::Cost => "limit_cost",
            Self::Proposals => "limit_proposals",
            Self::State => "limit_state",
            Self::Result => "limit_result",
            Self::Event => "limit_event",
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
            Self::Cost => format!("the run has cost {} USD; the limit is {} USD", usd(measured), usd(limit)),
            Self::Proposals => format!("this would be proposal {measured} of the run; the limit is {limit}"),
            Self::State => format!("the state would take {measured} bytes or more; the limit is {limit}"),
            Self::Result => format!("a result has {measured} bytes or more; the limit is {limit}"),
            Self::Event => {
                format!("what is asked for or handed out at once has {measured} bytes or more; the limit is {limit}")
            }
            Self::Depth => format!("a value is nested {measured} levels deep or more; the limit is {limit}"),
        };
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        EffectError::new(self.code(), message)
            .with_details([("limit", number(limit)), ("measured", number(measured))].into_iter().collect())
    }
}

/// An amount of millionths of a US dollar, in dollars.
pub fn usd(micro: u64) -> String {
    let (whole, part) = (micro / 1_000_000, micro % 1_000_000);
    let part = format!("{part:06}");
    // Cents always, and what is smaller where it is there.
    let (cents, rest) = part.split_at(2);
    format!("{whole}.{cents}{}", rest.trim_end_matches('0'))
}

/// The bytes that a part of the state counts for: 16 for each value in it, and the bytes of its texts and keys. Stops at
/// [`MAX_STATE_BYTES`] and [`MAX_VALUE_DEPTH`], so that shared parts cannot make it run for long.
pub(crate) fn weight(value: &Value) -> Result<u64, EffectError> {
    weight_within(Limit::State, value)
}

/// The same of a value that comes or goes at once; it may have as many bytes as the state.
pub(crate) fn weight_within(limit: Limit, value: &Value) -> Result<u64, EffectError> {
    let mut total = 0;
    add_weight(limit, value, 0, &mut total)?;
    Ok(total)
}

/// What a value counts for beside its text and members.
pub(crate) const CELL: u64 = 16;

fn add_weight(limit: Limit, value: &Value, depth: usize, total: &mut u64) -> Result<(), EffectError> {
    *total = total.saturating_add(CELL);
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
        Value::String(text) => *total = total.saturating_add(text.len() as u64),
        Value::List(items) => {
            let depth = deeper(depth)?;
            for item in items.iter() {
                add_weight(limit, item, depth, total)?;
            }
        }
        Value::Map(map) => {
            let depth = deeper(depth)?;
            for (key, value) in map.iter() {
                *total = total.saturating_add(key.len() as u64);
                add_weight(limit, value, depth, total)?;
            }
        }
    }
    if *total > MAX_STATE_BYTES {
        return Err(limit.exceeded(MAX_STATE_BYTES, *total));
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
    fn each_limit_says_itself_and_what_was_measured() {
        for (limit, code, message) in [
            (Limit::Steps, "limit_steps", "8 nodes were entered since the last recorded result; the limit is 7"),
            (Limit::Tokens, "limit_tokens", "the run has used 8 tokens; the limit is 7"),
            (Limit::Cost, "limit_cost", "the run has cost 0.000008 USD; the limit is 0.000007 USD"),
            (Limit::Proposals, "limit_proposals", "this would be proposal 8 of the run; the limit is 7"),
            (Limit::State, "limit_state", "the state would take 8 bytes or more; the limit is 7"),
            (Limit::Result, "limit_result", "a result has 8 bytes or more; the limit is 7"),
            (
                Limit::Event,
                "limit_event",
                "what is asked for or handed out at once has 8 bytes or more; the limit is 7",
            ),
            (Limit::Depth, "limit_depth", "a value is nested 8 levels deep or more; the limit is 7"),
        ] {
            let error = limit.exceeded(7, 8);
            assert_eq!((error.code.as_str(), error.message.as_str()), (code, message));
            let details = error.details.unwrap();
            assert_eq!((details.get("limit"), details.get("measured")), (Some(&Value::Int(7)), Some(&Value::Int(8))));
        }
    }

    #[test]
    fn dollars_have_cents_and_what_is_smaller_where_it_is_there() {
        let shown = [0, 1, 10_000, 1_234_500, 20_000_000].map(usd);
        assert_eq!(shown, ["0.00", "0.000001", "0.01", "1.2345", "20.00"]);
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
