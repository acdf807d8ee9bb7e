//! Functions of texts.

use bloom_ir::Value;

use crate::expr::budget::{Meter, count};
use crate::expr::error::EvalError;

pub(super) fn contains(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text), Value::String(part)] = args else { return Err(EvalError::no_function("contains", args)) };
    meter.scan(text)?;
    Ok(text.contains(&**part).into())
}

pub(super) fn starts_with(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(EvalError::no_function("startsWith", args));
    };
    meter.scan(part)?;
    Ok(text.starts_with(&**part).into())
}

pub(super) fn ends_with(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text), Value::String(part)] = args else { return Err(EvalError::no_function("endsWith", args)) };
    meter.scan(part)?;
    Ok(text.ends_with(&**part).into())
}

pub(super) fn lower(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("lower", args)) };
    meter.scan(text)?;
    let lower = text.to_lowercase();
    meter.text(lower.len())?;
    Ok(lower.into())
}

pub(super) fn upper(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("upper", args)) };
    meter.scan(text)?;
    let upper = text.to_uppercase();
    meter.text(upper.len())?;
    Ok(upper.into())
}

pub(super) fn trim(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("trim", args)) };
    meter.scan(text)?;
    let trimmed = text.trim_matches(is_white_space);
    meter.text(trimmed.len())?;
    Ok(trimmed.into())
}

pub(super) fn split(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text), Value::String(separator)] = args else {
        return Err(EvalError::no_function("split", args));
    };
    meter.scan(text)?;
    meter.text(text.len())?;
    if separator.is_empty() {
        meter.elements(text.chars().count())?;
        let mut buffer = [0; 4];
        return Ok(text.chars().map(|character| Value::from(&*character.encode_utf8(&mut buffer))).collect());
    }
    meter.elements(text.matches(&**separator).count() + 1)?;
    Ok(text.split(&**separator).map(Value::from).collect())
}

pub(super) fn join(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let (items, separator) = match args {
        [Value::List(items)] => (items, ""),
        [Value::List(items), Value::String(separator)] => (items, &**separator),
        _ => return Err(EvalError::no_function("join", args)),
    };
    meter.steps(count(items.len()))?;
    let mut texts: Vec<&str> = Vec::with_capacity(items.len());
    for item in items.iter() {
        let Value::String(text) = item else {
            return Err(EvalError::WrongType {
                given: format!("join() of a list with {}", item.type_name()),
                defined: "join() of a list of string".to_owned(),
            });
        };
        meter.text(text.len() + separator.len())?;
        texts.push(text);
    }
    Ok(texts.join(separator).into())
}

pub(super) fn replace(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text), Value::String(from), Value::String(to)] = args else {
        return Err(EvalError::no_function("replace", args));
    };
    meter.scan(text)?;
    let found = text.matches(&**from).count();
    meter.bytes(count(text.len()).saturating_add(count(found).saturating_mul(count(to.len()))))?;
    Ok(text.replace(&**from, to).into())
}

pub(super) fn lines(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("lines", args)) };
    meter.scan(text)?;
    Ok(number(text.lines().count()))
}

pub(super) fn words(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("words", args)) };
    meter.scan(text)?;
    Ok(number(text.split(is_white_space).filter(|word| !word.is_empty()).count()))
}

pub(super) fn tokens(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("tokens", args)) };
    meter.scan(text)?;
    let mut tokens = 0;
    let mut run = (Class::Space, 0_usize);
    for character in text.chars() {
        let class = Class::of(character);
        if class != run.0 {
            tokens += run.0.tokens(run.1);
            run = (class, 0);
        }
        run.1 += 1;
    }
    Ok(number(tokens + run.0.tokens(run.1)))
}

/// What `tokens` tells apart. It depends on no table, so it cannot change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Digit,
    /// Any other ASCII character.
    Sign,
    /// Any character beyond ASCII.
    Foreign,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            character if is_white_space(character) => Self::Space,
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            character if character.is_ascii() => Self::Sign,
            _ => Self::Foreign,
        }
    }

    /// Of a run of so many characters.
    fn tokens(self, characters: usize) -> usize {
        match self {
            Self::Space => 0,
            Self::Letter => characters.div_ceil(4),
            Self::Digit => characters.div_ceil(3),
            Self::Sign => characters,
            Self::Foreign => characters.div_ceil(2),
        }
    }
}

/// Unicode's property `White_Space`, written out so that it cannot change.
fn is_white_space(character: char) -> bool {
    matches!(
        character,
        '\u{9}'..='\u{D}'
            | ' '
            | '\u{85}'
            | '\u{A0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200A}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
    )
}

fn number(count: usize) -> Value {
    // A text has fewer characters than i64 has values.
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
