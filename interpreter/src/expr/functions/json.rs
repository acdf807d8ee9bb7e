//! JSON as text.

use bloom_ir::Value;

use crate::expr::budget::{ELEMENT, Meter, count};
use crate::expr::error::EvalError;
use crate::expr::settle::measure;

pub(super) fn parse(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("json.parse", args)) };
    meter.scan(text)?;
    // There is an element for each two bytes at most, as in `[1,1,1]`. What it really comes to is measured below.
    meter.built = true;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| EvalError::InvalidArgument { function: "json.parse", reason: error.to_string() })?;
    measure(&value, meter)?;
    Ok(value)
}

pub(super) fn format(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [value] = args else { return Err(EvalError::no_function("json.format", args)) };
    // Parts that are shared in memory are written out each time, so this comes before anything is written.
    measure(value, meter)?;
    meter.bytes(ELEMENT)?;
    let text = String::from_utf8(value.clone().normalized().to_bytes()).unwrap_or_default();
    meter.bytes(count(text.len()))?;
    Ok(text.into())
}
