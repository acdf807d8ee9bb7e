//! Conversions, and division as doubles.

use bloom_ir::Value;

use crate::expr::budget::Meter;
use crate::expr::error::{EvalError, excerpt};
use crate::expr::operators::{as_double, divide_doubles, finite};

pub(super) fn bool(args: &[Value], _: &mut Meter) -> Result<Value, EvalError> {
    match args {
        [value @ Value::Bool(_)] => Ok(value.clone()),
        [Value::String(text)] => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
            _ => Err(refuse("bool", text, "`true` or `false`")),
        },
        _ => Err(EvalError::no_function("bool", args)),
    }
}

pub(super) fn int(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    match args {
        [value @ Value::Int(_)] => Ok(value.clone()),
        [Value::Double(number)] => match Value::number(number.trunc()) {
            // CEL refuses the least integer, as the doubles around it would round to it.
            Some(int @ Value::Int(_)) if int != Value::Int(i64::MIN) => Ok(int),
            _ => Err(EvalError::Overflow { operation: format!("int({number:?})") }),
        },
        [Value::String(text)] => {
            meter.scan(text)?;
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(refuse("int", text, "decimal digits"));
            }
            let overflow = |_| EvalError::Overflow { operation: format!("int('{}')", excerpt(text)) };
            text.parse().map(Value::Int).map_err(overflow)
        }
        _ => Err(EvalError::no_function("int", args)),
    }
}

pub(super) fn double(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    match args {
        [value @ (Value::Int(_) | Value::Double(_))] => {
            finite(as_double(value).unwrap_or_default(), meter).ok_or_else(|| EvalError::no_function("double", args))
        }
        [Value::String(text)] => {
            meter.scan(text)?;
            if !is_json_number(text) {
                return Err(refuse("double", text, "a JSON number"));
            }
            text.parse()
                .ok()
                .and_then(|number| finite(number, meter))
                .ok_or_else(|| EvalError::Overflow { operation: format!("double('{}')", excerpt(text)) })
        }
        _ => Err(EvalError::no_function("double", args)),
    }
}

pub(super) fn string(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    match args {
        [value @ Value::String(_)] => Ok(value.clone()),
        [value @ (Value::Bool(_) | Value::Int(_) | Value::Double(_))] => {
            let text = String::from_utf8(value.clone().normalized().to_bytes()).unwrap_or_default();
            meter.text(text.len())?;
            Ok(text.into())
        }
        _ => Err(EvalError::no_function("string", args)),
    }
}

pub(super) fn div(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    match args {
        [left, right] => match (as_double(left), as_double(right)) {
            (Some(left), Some(right)) => divide_doubles(left, right, meter),
            _ => Err(EvalError::no_function("div", args)),
        },
        _ => Err(EvalError::no_function("div", args)),
    }
}

/// The grammar of a number in RFC 8259, section 6.
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn refuse(function: &'static str, text: &str, wanted: &str) -> EvalError {
    EvalError::InvalidArgument { function, reason: format!("`{}` is not {wanted}", excerpt(text)) }
}
