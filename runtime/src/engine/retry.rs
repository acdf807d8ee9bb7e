//! How often, and after which delay.

use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Digest;
use bloom_ir::document::Retry;

use super::config::EngineConfig;

/// The retry policy of one effect.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) attempts: u32,
    backoff: Vec<Duration>,
    not_retryable: Vec<String>,
}

impl Schedule {
    /// The node's own policy, else the engine's.
    pub(super) fn new(config: &EngineConfig, own: Option<&Retry>) -> Self {
        let own_backoff = own.map(|retry| retry.backoff_ms.as_slice()).unwrap_or_default();
        Self {
            attempts: own.map_or(config.attempts, |retry| retry.attempts).max(1),
            backoff: if own_backoff.is_empty() {
                config.backoff.clone()
            } else {
                own_backoff.iter().copied().map(Duration::from_millis).collect()
            },
            not_retryable: own.map(|retry| retry.not_retryable.clone()).unwrap_or_default(),
        }
    }

    /// Whether another attempt could cure that.
    pub(super) fn may_retry(&self, error: &EffectError) -> bool {
        error.retryable && !self.not_retryable.contains(&error.code)
    }

    /// The delay after attempt `attempt` (from 1). The jitter is taken from `key`, which differs from run to run, so runs
    /// that failed together do not come back together; no source of chance is needed.
    pub(super) fn delay(&self, attempt: u32, key: &str) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let base = self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default();
        let digest = Digest::of(format!("{key}/{attempt}").as_bytes());
        let [first, second, ..] = *digest.as_bytes();
        let part = f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX);
        // Whole milliseconds, because that is what is recorded.
        Duration::from_millis(u64::try_from(base.mul_f64(1.0 + part / 4.0).as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_jitter_and_the_last_repeats() {
        let schedule = Schedule::new(&EngineConfig::default(), None);
        let delays = [1, 2, 3, 9].map(|attempt| schedule.delay(attempt, "run-1/n1#1").as_millis());
        for (delay, base) in delays.into_iter().zip([1000, 2000, 4000, 4000]) {
            assert!((base..=base * 5 / 4).contains(&delay), "{delays:?}");
        }
        assert_eq!(schedule.delay(1, "a"), schedule.delay(1, "a"));
        assert_ne!(schedule.delay(1, "a"), schedule.delay(1, "b"));
    }

    #[test]
    fn a_node_may_have_its_own_policy() {
        let own = Retry { attempts: 5, backoff_ms: vec![10], not_retryable: vec!["busy".to_owned()] };
        let schedule = Schedule::new(&EngineConfig::default(), Some(&own));
        assert_eq!(schedule.attempts, 5);
        assert!(schedule.delay(4, "a").as_millis() <= 12);
        let error = |code: &str| EffectError { retryable: true, ..EffectError::new(code, "") };
        assert!(schedule.may_retry(&error("slow")));
        assert!(!schedule.may_retry(&error("busy")));
        assert!(!schedule.may_retry(&EffectError::new("gone", "")));
    }
}
