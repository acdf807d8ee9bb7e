//! `--limit NAME=VALUE`: how much a run of a flow that is compiled here may use.

use bloom_ir::document::Limits;
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
        if self.limit.is_empty() {
            return Ok(None);
        }
        // Their names are those of the document.
        let mut limits = serde_json::to_value(Limits::default())?;
        for given in &self.limit {
            let refused = |message| Err(Explained::usage(message).hint(hint(catalogue)).into());
            let Some((name, value)) = given.split_once('=') else {
                return refused(text!(catalogue, "limit-bad", given = given));
            };
            let Some(member) = limits.get_mut(name) else {
                return refused(text!(catalogue, "limit-unknown", name = name));
            };
            // A run without time or steps ends before it begins; one without tokens or proposals may be meant.
            let least = u64::from(!matches!(name, "max_tokens" | "max_proposals"));
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

fn hint(catalogue: &Catalogue) -> String {
    let limits = serde_json::to_value(Limits::default()).unwrap_or_default();
    let known: Vec<String> =
        limits.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    text!(catalogue, "limit-hint", known = known.join(", "))
}
