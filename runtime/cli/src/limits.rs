//! `--limit NAME=VALUE`: how much a run of a flow that is compiled here may use.

use bloom_interpreter::usd;
use bloom_ir::document::Limits;
use bloom_runtime::record::RunRecord;
use clap::Args;
use serde_json::Value;

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;

/// The limits that are to be other than the format's own. They are part of the program, so they are signed with it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LimitArgs {
    #[arg(long, value_name = "NAME=VALUE")]
    limit: Vec<String>,
}

impl LimitArgs {
    /// `None` where none was given.
    pub(crate) fn limits(&self, catalogue: &Catalogue) -> anyhow::Result<Option<Limits>> {
        self.over(Limits::default(), catalogue)
    }

    /// These limits, with those that were given in their place; `None` where none was given.
    pub(crate) fn over(&self, limits: Limits, catalogue: &Catalogue) -> anyhow::Result<Option<Limits>> {
        if self.limit.is_empty() {
            return Ok(None);
        }
        // Their names are those of the document, which leaves out the one that need not be there.
        let mut limits = serde_json::to_value(limits)?;
        if let Some(members) = limits.as_object_mut() {
            members.entry("max_cost_micro_usd").or_insert(Value::Null);
        }
        for given in &self.limit {
            let refused = |message| Err(Explained::usage(message).hint(hint(catalogue)).into());
            let Some((name, value)) = given.split_once('=') else {
                return refused(text!(catalogue, "limit-bad", given = given));
            };
            let Some(member) = limits.get_mut(name) else {
                return refused(text!(catalogue, "limit-unknown", name = name));
            };
            // A run without time or steps ends before it begins; one without tokens or proposals may be meant.
            let least = u64::from(!matches!(name, "max_tokens" | "max_cost_micro_usd" | "max_proposals"));
            match value.parse::<u64>() {
                Ok(number) if number >= least => *member = Value::from(number),
                _ => return refused(text!(catalogue, "limit-not-a-number", name = name, value = value, least = least)),
            }
        }
        match serde_json::from_value(limits) {
            Ok(limits) => Ok(Some(limits)),
            // A number of 64 bits where the limit has 32.
            Err(_) => Err(Explained::usage(text!(catalogue, "limit-too-large", most = u32::MAX)).into()),
        }
    }

    /// The limits of one run of a program that may be signed already: those that were given must not be wider.
    pub(crate) fn within(&self, signed: Limits, name: &str, catalogue: &Catalogue) -> anyhow::Result<Option<Limits>> {
        let limits = self.over(signed, catalogue)?;
        if limits.is_some_and(|limits| limits.narrowed(signed) != limits) {
            return Err(Explained::usage(text!(catalogue, "limit-of-signed", name = name))
                .hint(text!(catalogue, "limit-of-signed-hint"))
                .into());
        }
        Ok(limits)
    }

    /// Refuses limits for a program that has its own already.
    pub(crate) fn none_for(&self, name: &str, catalogue: &Catalogue) -> anyhow::Result<()> {
        if self.limit.is_empty() {
            return Ok(());
        }
        Err(Explained::usage(text!(catalogue, "limit-of-signed", name = name))
            .hint(text!(catalogue, "limit-of-signed-hint"))
            .into())
    }
}

/// The limits that people ask for most, each by itself.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct BudgetArgs {
    #[arg(long, value_name = "NUMBER")]
    max_tokens: Option<u64>,
    #[arg(long, value_name = "DOLLARS")]
    max_cost: Option<String>,
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl BudgetArgs {
    /// These and the other ones.
    pub(crate) fn with(&self, other: &LimitArgs, catalogue: &Catalogue) -> anyhow::Result<LimitArgs> {
        let cost = match &self.max_cost {
            None => None,
            Some(dollars) => Some(
                micro(dollars).ok_or_else(|| Explained::usage(text!(catalogue, "limit-not-money", value = dollars)))?,
            ),
        };
        let own = [("max_tokens", self.max_tokens), ("max_cost_micro_usd", cost), ("timeout_seconds", self.timeout)];
        let own = own.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        Ok(LimitArgs { limit: other.limit.iter().cloned().chain(own).collect() })
    }
}

/// Dollars in millionths: digits, and up to six after a point.
fn micro(dollars: &str) -> Option<u64> {
    let (whole, part) = dollars.split_once('.').unwrap_or((dollars, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 6 {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

/// What a run has used of its limits: time, tokens, money.
pub(crate) fn used(run: &RunRecord, limits: Option<Limits>, catalogue: &Catalogue) -> String {
    let took = u64::try_from(run.updated_at.saturating_sub(run.created_at)).unwrap_or_default();
    let limits = run.limits.or(limits).unwrap_or_default();
    let mut used = vec![
        crate::narrator::seconds(took),
        text!(catalogue, "run-tokens", tokens = run.tokens, limit = limits.max_tokens),
    ];
    match limits.max_cost_micro_usd {
        Some(limit) => used.push(text!(catalogue, "run-cost-of", cost = usd(run.cost_micro_usd), limit = usd(limit))),
        None if run.cost_micro_usd > 0 => used.push(text!(catalogue, "run-cost", cost = usd(run.cost_micro_usd))),
        None => {}
    }
    used.join(", ")
}

fn hint(catalogue: &Catalogue) -> String {
    let limits = serde_json::to_value(Limits::default()).unwrap_or_default();
    let known: Vec<String> =
        limits.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    text!(catalogue, "limit-hint", known = known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_millionth() {
        let read = ["0", "1", "0.5", "12.345678", "0.000001"].map(micro);
        assert_eq!(read, [Some(0), Some(1_000_000), Some(500_000), Some(12_345_678), Some(1)]);
        for text in ["", ".5", "1.", "-1", "1e3", "0.0000001", "1,5", "99999999999999"] {
            assert_eq!(micro(text), None, "{text}");
        }
    }
}
