//! Times: Unix milliseconds, RFC 3339 text, and the proleptic Gregorian calendar at fixed offsets.
//!
//! The arithmetic is written out here, about a page, because its results are fixed for ever; the tests hold it against
//! a date library.

use std::fmt::Write as _;

use bloom_ir::Value;

use crate::expr::budget::Meter;
use crate::expr::error::{EvalError, excerpt};

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z
const FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z
const LAST: i64 = 253_402_300_799_999;

pub(super) fn parse(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [Value::String(text)] = args else { return Err(EvalError::no_function("date.parse", args)) };
    meter.scan(text)?;
    let time = read(text).ok_or_else(|| {
        refuse("date.parse", format!("`{}` is no RFC 3339 date, as 2026-11-21 or 2026-11-21T08:30:00Z", excerpt(text)))
    })?;
    within_range("date.parse", Some(time)).map(Value::Int)
}

pub(super) fn format(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    const NAME: &str = "date.format";
    let (time, offset, pattern) = match args {
        [Value::Int(time)] => (*time, "Z", None),
        [Value::Int(time), Value::String(offset)] => (*time, &**offset, None),
        [Value::Int(time), Value::String(offset), Value::String(pattern)] => (*time, &**offset, Some(&**pattern)),
        _ => return Err(EvalError::no_function(NAME, args)),
    };
    within_range(NAME, Some(time))?;
    let local = time + offset_of(NAME, offset)?;
    let zone = if matches!(offset, "z") { "Z" } else { offset };
    let pattern = match pattern {
        None => format!("%Y-%m-%dT%H:%M:%S.%L{zone}"),
        Some(pattern) => {
            meter.scan(pattern)?;
            pattern.to_owned()
        }
    };
    let text = by_pattern(local, zone, &pattern)?;
    meter.text(text.len())?;
    Ok(text.into())
}

pub(super) fn add(args: &[Value], _: &mut Meter) -> Result<Value, EvalError> {
    const NAME: &str = "date.add";
    let (time, amount, unit, offset) = match args {
        [Value::Int(time), Value::Int(amount), Value::String(unit)] => (*time, *amount, unit, "Z"),
        [Value::Int(time), Value::Int(amount), Value::String(unit), Value::String(offset)] => {
            (*time, *amount, unit, &**offset)
        }
        _ => return Err(EvalError::no_function(NAME, args)),
    };
    within_range(NAME, Some(time))?;
    let offset = offset_of(NAME, offset)?;
    let sum = match (&**unit, milliseconds(unit)) {
        ("months", _) => add_months(time + offset, amount).map(|local| local - offset),
        ("years", _) => {
            amount.checked_mul(12).and_then(|months| add_months(time + offset, months)).map(|local| local - offset)
        }
        (_, Some(length)) => amount.checked_mul(length).and_then(|span| time.checked_add(span)),
        _ => return Err(no_unit(NAME, unit, ", months or years")),
    };
    within_range(NAME, sum).map(Value::Int)
}

pub(super) fn diff(args: &[Value], _: &mut Meter) -> Result<Value, EvalError> {
    const NAME: &str = "date.diff";
    let [Value::Int(later), Value::Int(earlier), Value::String(unit)] = args else {
        return Err(EvalError::no_function(NAME, args));
    };
    within_range(NAME, Some(*later))?;
    within_range(NAME, Some(*earlier))?;
    let length = milliseconds(unit).ok_or_else(|| no_unit(NAME, unit, ""))?;
    Ok(Value::Int((later - earlier) / length))
}

/// The Unix milliseconds of an RFC 3339 text, as `date.parse` reads it.
pub(in crate::expr) fn from_text(text: &str) -> Option<i64> {
    within_range("date.parse", read(text)).ok()
}

/// The length of a unit that has one.
fn milliseconds(unit: &str) -> Option<i64> {
    match unit {
        "ms" => Some(1),
        "seconds" => Some(1000),
        "minutes" => Some(MINUTE),
        "hours" => Some(60 * MINUTE),
        "days" => Some(DAY),
        "weeks" => Some(7 * DAY),
        _ => None,
    }
}

fn no_unit(function: &'static str, unit: &str, more: &str) -> EvalError {
    refuse(function, format!("`{}` is none of ms, seconds, minutes, hours, days, weeks{more}", excerpt(unit)))
}

fn refuse(function: &'static str, reason: String) -> EvalError {
    EvalError::InvalidArgument { function, reason }
}

fn within_range(function: &'static str, time: Option<i64>) -> Result<i64, EvalError> {
    time.filter(|time| (FIRST..=LAST).contains(time))
        .ok_or_else(|| refuse(function, "the time is not between the years 0000 and 9999".to_owned()))
}

/// The milliseconds that an offset adds.
fn offset_of(function: &'static str, offset: &str) -> Result<i64, EvalError> {
    read_offset(offset).ok_or_else(|| refuse(function, format!("`{}` is no offset, as Z or +02:00", excerpt(offset))))
}

fn read_offset(offset: &str) -> Option<i64> {
    let (sign, digits) = match (offset, offset.split_at_checked(1)?) {
        ("Z" | "z", _) => return Some(0),
        (_, ("+", digits)) => (1, digits),
        (_, ("-", digits)) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes) = (read_number(hours, 2)?, read_number(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * MINUTE)
}

/// Exactly so many digits.
fn read_number(digits: &str, length: usize) -> Option<i64> {
    let valid = digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_digit());
    valid.then(|| digits.parse().ok()).flatten()
}

/// RFC 3339, section 5.6: `full-date` or `date-time`.
fn read(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (read_number(year, 4)?, read_number(month, 2)?, read_number(day, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (read_number(hour, 2)?, read_number(minute, 2)?, read_number(second, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|character: char| !character.is_ascii_digit())?;
            let (digits, offset) = rest.split_at_checked(end)?;
            let kept = digits.get(..3).unwrap_or(digits);
            (read_number(&format!("{kept:0<3}"), 3).filter(|_| !digits.is_empty())?, offset)
        }
        None => (0, rest),
    };
    Some(midnight + ((hour * 60 + minute) * 60 + second) * 1000 + fraction - read_offset(offset)?)
}

fn by_pattern(local: i64, zone: &str, pattern: &str) -> Result<String, EvalError> {
    let (days, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    let mut text = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        // Writing to a string cannot fail.
        let _ = match characters.next() {
            // A local year may lie one beyond the range of times.
            Some('Y') => write!(text, "{year:04}"),
            Some('m') => write!(text, "{month:02}"),
            Some('d') => write!(text, "{day:02}"),
            Some('H') => write!(text, "{:02}", clock / (60 * MINUTE)),
            Some('M') => write!(text, "{:02}", clock / MINUTE % 60),
            Some('S') => write!(text, "{:02}", clock / 1000 % 60),
            Some('L') => write!(text, "{:03}", clock % 1000),
            Some('j') => write!(text, "{:03}", days - days_from_civil(year, 1, 1) + 1),
            // 1970-01-01 was a Thursday.
            Some('u') => write!(text, "{}", (days + 3).rem_euclid(7) + 1),
            Some('z') => write!(text, "{zone}"),
            Some('%') => write!(text, "%"),
            other => {
                let other = other.map_or(String::new(), String::from);
                return Err(refuse("date.format", format!("the pattern has `%{other}`, which means nothing")));
            }
        };
    }
    Ok(text)
}

/// The same time of day so many months later, or on the month's last day where it is shorter.
fn add_months(local: i64, months: i64) -> Option<i64> {
    let (days, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    let count = (year * 12 + month - 1).checked_add(months)?;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    // Far beyond the range that the caller allows; this keeps the arithmetic below from overflowing.
    if !(-1..=10_000).contains(&year) {
        return None;
    }
    Some(days_from_civil(year, month, day.min(days_in_month(year, month))) * DAY + clock)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, by Howard Hinnant's `days_from_civil` (chrono-Compatible Low-Level Date Algorithms): years
/// begin in March, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse, by the same author.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use jiff::{Timestamp, ToSpan};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_calendar_agrees_with_a_library(days in FIRST / DAY..LAST / DAY, months in -2400..2400_i32) {
            let (year, month, day) = civil_from_days(days);
            let date = Date::new(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), i8::try_from(day).unwrap());
            let epoch = Date::new(1970, 1, 1).unwrap();
            prop_assert_eq!(epoch.checked_add(days.days()).unwrap(), date.clone().unwrap());
            prop_assert_eq!(days_from_civil(year, month, day), days);
            let date = date.unwrap();
            let text = by_pattern(days * DAY, "Z", "%Y %m %d %j %u").unwrap();
            prop_assert_eq!(text, format!(
                "{:04} {:02} {:02} {:03} {}",
                year, month, day, date.day_of_year(), date.weekday().to_monday_one_offset()
            ));
            if let Ok(later) = date.checked_add(months.months()) && (0..=9999).contains(&later.year()) {
                let days = (later - epoch).get_days();
                prop_assert_eq!(add_months(days_from_civil(year, month, day) * DAY, months.into()), Some(i64::from(days) * DAY));
            }
        }

        #[test]
        fn texts_agree_with_a_library(time in FIRST..LAST, minutes in -1439..1440_i64) {
            let sign = if minutes < 0 { '-' } else { '+' };
            let offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
            prop_assert_eq!(read_offset(&offset), Some(minutes * MINUTE));
            let local = time + minutes * MINUTE;
            prop_assume!((FIRST..=LAST).contains(&local));
            let text = by_pattern(local, &offset, "%Y-%m-%dT%H:%M:%S.%L%z").unwrap();
            prop_assert_eq!(text.parse::<Timestamp>().unwrap().as_millisecond(), time);
            prop_assert_eq!(read(&text), Some(time));
        }
    }

    #[test]
    fn only_rfc_3339_is_read() {
        for (text, time) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:00.1z", Some(100)),
            ("1970-01-01 00:00:00.1239+00:00", Some(123)),
            ("1969-12-31T23:59:59.999-00:00", Some(-1)),
            ("2024-02-29", Some(1_709_164_800_000)),
            ("2023-02-29", None),
            ("1970-1-01", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00Z", None),
            ("1970-01-01T24:00:00Z", None),
            ("1970-01-01T23:59:60Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00+2:00", None),
            ("1970-01-01T00:00:00+24:00", None),
            ("1970-01-01T00:00:00Z ", None),
            ("+970-01-01", None),
            ("тисяча", None),
            ("", None),
        ] {
            assert_eq!(read(text), time, "{text}");
        }
    }
}
