//! Dates and times of front matter, by their form.

/// Whether a text is a date or a time of ISO 8601, as `2026-02-14` or `2026-02-14T12:00:00Z`.
pub(super) fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<Option<u32>> = date.split('-').zip([4, 2, 2]).map(|(part, length)| number(part, length)).collect();
    let [Some(year), Some(month), Some(day)] = parts[..] else { return false };
    date.split('-').count() == 3 && (1..=days(year, month)).contains(&day) && time.is_none_or(is_time)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn is_time(text: &str) -> bool {
    let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone);
    let zone_holds = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
            number(hours, 2).is_some_and(|hours| hours < 24) && number(minutes, 2).is_some_and(|minutes| minutes < 60)
        }
        None => matches!(zone, "" | "Z"),
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<Option<u32>> = whole.split(':').map(|part| number(part, 2)).collect();
    let in_range = parts.iter().zip([23, 59, 60]).all(|(part, most)| part.is_some_and(|part| part <= most));
    zone_holds
        && (2..=3).contains(&parts.len())
        && in_range
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Whether a text has the form of a cron schedule: five fields of numbers, names, `*`, lists, ranges and steps.
pub(super) fn is_cron(text: &str) -> bool {
    let ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == 5
        && fields.iter().zip(ranges).all(|(field, range)| field.split(',').all(|part| in_cron(part, range)))
}

fn in_cron(part: &str, (least, most): (u32, u32)) -> bool {
    let (part, step) = part.split_once('/').map_or((part, None), |(part, step)| (part, Some(step)));
    let value = |text: &str| {
        text.parse().is_ok_and(|value: u32| (least..=most).contains(&value))
            || text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let holds = part == "*" || part.split_once('-').map_or_else(|| value(part), |(from, to)| value(from) && value(to));
    holds && step.is_none_or(|step| step.parse().is_ok_and(|step: u32| step > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_other_texts() {
        for text in ["2026-02-14", "2026-02-14T12:00:00Z", "2024-02-29T23:59", "2026-02-14T12:00:00.5+02:00"] {
            assert!(is_date(text), "{text}");
        }
        for text in
            ["2026-02-30", "14.02.2026", "2026-2-14", "2026-02-14T25:00:00Z", "2026-02-14Tnoon", "2026-02-14-1", ""]
        {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn schedules_have_five_fields() {
        for text in ["0 8 * * 1", "0 8 * * 1-5", "*/15 8-18 1,15 * mon"] {
            assert!(is_cron(text), "{text}");
        }
        for text in ["0 8 * *", "60 8 * * 1", "every day", "0 8 * * 1 2026", "*/0 * * * *"] {
            assert!(!is_cron(text), "{text}");
        }
    }
}
