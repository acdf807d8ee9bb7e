//! What agents use.

use bloom_interpreter::effect::Usage;
use serde::{Deserialize, Serialize};

use super::Spent;

/// What LLMs were asked and have answered: a run's own calls, without those of runs that it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Calls that were asked for.
    pub calls: u64,
    /// Tokens in and out.
    pub tokens: u64,
    /// In millionths of a US dollar, as far as the providers say.
    pub cost_micro_usd: u64,
}

impl Charge {
    /// Adds what a call has used.
    pub fn add_usage(&mut self, usage: &Usage) {
        self.tokens = self.tokens.saturating_add(usage.tokens());
        self.cost_micro_usd = self.cost_micro_usd.saturating_add(usage.cost_micro_usd.unwrap_or_default());
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    /// What is left of it without the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    fn each(self, other: Self, change: fn(u64, u64) -> u64) -> Self {
        Self {
            calls: change(self.calls, other.calls),
            tokens: change(self.tokens, other.tokens),
            cost_micro_usd: change(self.cost_micro_usd, other.cost_micro_usd),
        }
    }
}

impl From<Spent> for Charge {
    /// Without the call itself.
    fn from(spent: Spent) -> Self {
        let Spent { tokens, cost_micro_usd } = spent;
        Self { calls: 0, tokens, cost_micro_usd }
    }
}

/// What the runs of an agent have used in one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The flow's id.
    pub agent: String,
    /// The day in UTC, by the time of what was recorded: days since 1970-01-01.
    pub day: i64,
    /// What they have used.
    pub charge: Charge,
}

/// The day in UTC of a time in Unix milliseconds, as days since 1970-01-01.
pub fn day_of(at: i64) -> i64 {
    at.div_euclid(24 * 60 * 60 * 1000)
}
