//! Functions of lists and maps.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use bloom_ir::Value;

use crate::expr::budget::{Meter, count};
use crate::expr::error::EvalError;
use crate::expr::operators::add;
use crate::expr::order::{order, total};
use crate::expr::settle::measure;

pub(super) fn size(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let size = match args {
        [Value::String(text)] => {
            meter.scan(text)?;
            text.chars().count()
        }
        [Value::List(items)] => items.len(),
        [Value::Map(map)] => map.len(),
        _ => return Err(EvalError::no_function("size", args)),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

pub(super) fn keys(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::Map(map)] = args else { return Err(EvalError::no_function("keys", args)) };
    meter.elements(map.len())?;
    Ok(map.keys().map(|key| Value::String(key.clone())).collect())
}

pub(super) fn merge(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::Map(first), Value::Map(second)] = args else { return Err(EvalError::no_function("merge", args)) };
    meter.elements(first.len() + second.len())?;
    let mut merged = (**first).clone();
    merged.extend(second.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(Value::Map(Arc::new(merged)))
}

pub(super) fn sum(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::List(items)] = args else { return Err(EvalError::no_function("sum", args)) };
    meter.steps(count(items.len()))?;
    let mut sum = Value::Int(0);
    for item in items.iter() {
        if !matches!(item, Value::Int(_) | Value::Double(_)) {
            return Err(list_with("sum", item, "number"));
        }
        sum = add(&sum, item, meter)?;
    }
    Ok(sum)
}

pub(super) fn min(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    extreme("min", Ordering::Less, args, meter)
}

pub(super) fn max(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    extreme("max", Ordering::Greater, args, meter)
}

/// The first one of those that come `first`.
fn extreme(name: &'static str, first: Ordering, args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let items = match args {
        [Value::List(items)] => items.as_slice(),
        [_, _] => args,
        _ => return Err(EvalError::no_function(name, args)),
    };
    let empty = || EvalError::InvalidArgument { function: name, reason: "the list is empty".to_owned() };
    check_ordered(name, items, meter)?;
    let mut best = items.first().ok_or_else(empty)?;
    for item in items {
        if order(item, best) == Some(first) {
            best = item;
        }
    }
    Ok(best.clone())
}

pub(super) fn sort(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::List(items)] = args else { return Err(EvalError::no_function("sort", args)) };
    charge_comparisons(items, meter)?;
    check_ordered("sort", items, meter)?;
    meter.elements(items.len())?;
    let mut sorted = items.to_vec();
    // All of them have an order: that was checked.
    sorted.sort_by(|left, right| order(left, right).unwrap_or(Ordering::Equal));
    Ok(Value::List(Arc::new(sorted)))
}

pub(super) fn distinct(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [list @ Value::List(items)] = args else { return Err(EvalError::no_function("distinct", args)) };
    measure(list, meter)?;
    charge_comparisons(items, meter)?;
    meter.elements(items.len())?;
    let mut seen = BTreeSet::new();
    Ok(items.iter().filter(|item| seen.insert(ByTotalOrder(item))).cloned().collect())
}

/// Comparing n elements with one another takes n log n comparisons, each through texts of some length.
fn charge_comparisons(items: &[Value], meter: &mut Meter) -> Result<(), EvalError> {
    let rounds = u64::from(items.len().checked_ilog2().unwrap_or(0)) + 1;
    for item in items {
        let bytes = item.as_str().map_or(0, str::len);
        meter.steps(rounds.saturating_mul(1 + count(bytes) / 64))?;
    }
    Ok(())
}

/// Whether every element has an order with the first one, and so with every other.
fn check_ordered(name: &'static str, items: &[Value], meter: &mut Meter) -> Result<(), EvalError> {
    meter.steps(count(items.len()))?;
    let Some(first) = items.first() else { return Ok(()) };
    match items.iter().find(|item| order(first, item).is_none()) {
        None => Ok(()),
        Some(item) if order(item, item).is_none() => Err(list_with(name, item, "number, of string or of bool")),
        Some(item) => Err(EvalError::WrongType {
            given: format!("{name} of {} together with {}", first.type_name(), item.type_name()),
            defined: String::new(),
        }),
    }
}

fn list_with(name: &'static str, item: &Value, of: &str) -> EvalError {
    EvalError::WrongType {
        given: format!("{name} of a list with {}", item.type_name()),
        defined: format!("{name} of a list of {of}"),
    }
}

struct ByTotalOrder<'a>(&'a Value);

impl Ord for ByTotalOrder<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        total(self.0, other.0)
    }
}

impl PartialOrd for ByTotalOrder<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for ByTotalOrder<'_> {}

impl PartialEq for ByTotalOrder<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
