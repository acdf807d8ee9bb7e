//! The time and fresh ids of this machine: the only place that asks for them.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bloom_ir::Digest;
use bloom_runtime::clock::{Clock, Ids};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The clock of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn elapsed(&self) -> i64 {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Ids that sort by the time they were made (UUID version 7, RFC 9562).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeOrderedIds;

impl Ids for TimeOrderedIds {
    fn fresh(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    fn secret(&self) -> String {
        let mut bytes = [0; 32];
        // Where there is no chance at all, the random parts of two ids are better than nothing that works.
        if getrandom::fill(&mut bytes).is_err() {
            return format!("{}{}", self.fresh(), self.fresh());
        }
        Digest::of(&bytes).hex()
    }
}

/// A time of the store (Unix milliseconds) as people read it: local, to the second, with the zone.
pub(crate) fn local(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| at.to_string(),
        |time| time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
    )
}

/// A time as a server tells it (ISO 8601), as people read it.
pub(crate) fn told(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |time: Timestamp| local(time.as_millisecond()))
}

/// A time of the store as programs read it: ISO 8601 in UTC, always with milliseconds, as a server tells it. What is beyond the
/// years that can be written is the last moment of them, or the first.
pub(crate) fn iso(at: i64) -> String {
    let furthest = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", Timestamp::from_millisecond(at).unwrap_or(furthest))
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_beyond_all_years_are_times_to_programs() {
        for far in [i64::MIN, i64::MAX] {
            assert!(super::iso(far).parse::<super::Timestamp>().is_ok(), "{}", super::iso(far));
        }
    }
}
