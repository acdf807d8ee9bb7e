//! Times as people write them in front matter.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// An RFC 3339 time; or a date, or a date and time, without zone, which is UTC. None for any other text.
pub fn unix_milliseconds(text: &str) -> Option<i64> {
    let zoned = || text.parse::<Timestamp>().ok();
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    zoned().or_else(local).map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_forms_are_read() {
        for (text, expected) in [
            ("2026-02-14T08:02:34Z", Some(1_771_056_154_000)),
            ("2026-02-14T10:02:34.5+02:00", Some(1_771_056_154_500)),
            ("2026-02-14 08:02:34", Some(1_771_056_154_000)),
            ("2026-02-14T08:02", Some(1_771_056_120_000)),
            ("2026-02-14", Some(1_771_027_200_000)),
            ("2026-02-30", None),
            ("14.02.2026", None),
            ("", None),
        ] {
            assert_eq!(unix_milliseconds(text), expected, "{text}");
        }
    }
}
