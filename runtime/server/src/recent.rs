//! How many runs ended in each minute of the last hour, and how long they took.
//!
//! Nothing is kept of a run: a minute holds counts of durations, rounded to an eighth, so that what is kept is the same however
//! many runs there are.

use std::collections::BTreeMap;

/// So many minutes are looked back at.
pub(crate) const MINUTES: usize = 60;

/// The same, as a span of time.
const SPAN: i64 = 60;

/// In milliseconds.
const MINUTE: i64 = 60_000;

/// What happened in a minute.
#[derive(Clone, Debug, Default)]
struct Minute {
    /// Which: minutes since the epoch.
    number: i64,
    /// How many runs took so long, by [`bucket`].
    took: BTreeMap<u32, u64>,
}

/// The last hour, minute by minute.
#[derive(Debug)]
pub(crate) struct Recent(Vec<Minute>);

/// What is told of the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastHour {
    /// Runs that ended, by minute, the oldest first; the last one is the minute that is not over.
    pub(crate) ended: [u64; MINUTES],
    /// How long 95 of 100 of them took at most, in milliseconds; none where none ended.
    pub(crate) p95: [Option<i64>; MINUTES],
    /// The same of the whole hour.
    pub(crate) p95_of_all: Option<i64>,
}

impl LastHour {
    /// How many runs ended.
    pub(crate) fn total(&self) -> u64 {
        self.ended.iter().sum()
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self(vec![Minute { number: i64::MIN, ..Minute::default() }; MINUTES])
    }
}

impl Recent {
    /// A run ended, at a time in Unix milliseconds, and took so many milliseconds.
    pub(crate) fn note(&mut self, at: i64, took: i64) {
        let number = at.div_euclid(MINUTE);
        let slot = usize::try_from(number.rem_euclid(SPAN)).unwrap_or_default();
        let Some(minute) = self.0.get_mut(slot) else { return };
        // What comes late is of a minute that is told no more. A minute that is far ahead was told by a clock that was set since.
        if minute.number != number && (minute.number < number || minute.number > number.saturating_add(SPAN)) {
            *minute = Minute { number, took: BTreeMap::new() };
        }
        if minute.number == number {
            *minute.took.entry(bucket(took)).or_default() += 1;
        }
    }

    /// The hour before a time in Unix milliseconds.
    pub(crate) fn before(&self, now: i64) -> LastHour {
        let first = now.div_euclid(MINUTE).saturating_sub(SPAN - 1);
        let mut last = LastHour { ended: [0; MINUTES], p95: [None; MINUTES], p95_of_all: None };
        let mut all = BTreeMap::new();
        for minute in &self.0 {
            let Ok(place) = usize::try_from(minute.number.saturating_sub(first)) else { continue };
            let (Some(ended), Some(p95)) = (last.ended.get_mut(place), last.p95.get_mut(place)) else { continue };
            (*ended, *p95) = (minute.took.values().sum(), percentile(&minute.took));
            for (bucket, count) in &minute.took {
                *all.entry(*bucket).or_default() += count;
            }
        }
        last.p95_of_all = percentile(&all);
        last
    }
}

/// So many buckets are between a power of two and the next one, as a power of two.
const PARTS: u32 = 3;

/// Longer than that is told as that: a year, about.
const LONGEST: u64 = 1 << 35;

/// The bucket of a duration: exact below 16 ms, then eight to each power of two.
fn bucket(ms: i64) -> u32 {
    let ms = u64::try_from(ms).unwrap_or_default().min(LONGEST);
    let power = ms.checked_ilog2().unwrap_or_default().saturating_sub(PARTS);
    (power << PARTS) + u32::try_from(ms >> power).unwrap_or(u32::MAX)
}

/// The longest duration of a bucket, in milliseconds.
fn longest_of(bucket: u32) -> i64 {
    let power = (bucket >> PARTS).saturating_sub(1);
    let part = i64::from(bucket) - (i64::from(power) << PARTS);
    ((part + 1) << power) - 1
}

/// 95 of 100 take no longer.
fn percentile(took: &BTreeMap<u32, u64>) -> Option<i64> {
    let total: u64 = took.values().sum();
    let mut left = total.saturating_mul(95).div_ceil(100);
    took.iter().find_map(|(bucket, count)| {
        if *count >= left {
            return Some(longest_of(*bucket));
        }
        left -= count;
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_a_bucket_that_ends_at_most_an_eighth_later() {
        let mut before = 0;
        for ms in (0..5_000).chain([60_000, 3_599_999, 86_400_000, 1 << 35]) {
            let bucket = bucket(ms);
            assert!(bucket >= before, "{ms}");
            before = bucket;
            let end = longest_of(bucket);
            assert!(ms <= end && end <= ms + ms / 8, "{ms} is told as {end}");
        }
        assert_eq!(bucket(i64::MAX), bucket(1 << 35));
        assert_eq!(bucket(-1), 0);
    }

    #[test]
    fn the_last_hour_is_told_minute_by_minute() {
        let (mut recent, hour) = (Recent::default(), 60 * MINUTE);
        assert_eq!(recent.before(hour).total(), 0);
        for _ in 0..95 {
            recent.note(hour, 10);
        }
        for _ in 0..5 {
            recent.note(hour + 59_999, 5_000);
        }
        recent.note(hour + MINUTE, 700);
        let told = recent.before(hour + MINUTE);
        assert_eq!((told.ended[58], told.ended[59], told.total()), (100, 1, 101));
        assert_eq!((told.p95[58], told.p95[59], told.p95[57]), (Some(10), Some(longest_of(bucket(700))), None));
        assert_eq!(told.p95_of_all, Some(longest_of(bucket(700))), "of 101 runs the 96th");

        let later = recent.before(hour + 60 * MINUTE);
        assert_eq!((later.ended[0], later.total()), (1, 1), "the first minute is an hour ago");
        assert_eq!(recent.before(hour + 61 * MINUTE).total(), 0);
        assert_eq!(recent.before(hour - MINUTE).total(), 0, "nor is anything told of what is to come");
    }

    #[test]
    fn a_minute_takes_the_place_of_the_one_an_hour_before_and_not_the_other_way_round() {
        let mut recent = Recent::default();
        recent.note(0, 1);
        recent.note(60 * MINUTE, 1);
        recent.note(5, 1);
        assert_eq!(recent.before(60 * MINUTE).ended[59], 1);
        // The clock was set back by a day.
        recent.note(-24 * 60 * MINUTE, 1);
        assert_eq!(recent.before(-24 * 60 * MINUTE).total(), 1);
        assert_eq!(recent.0.len(), MINUTES, "however many there are");
    }
}
