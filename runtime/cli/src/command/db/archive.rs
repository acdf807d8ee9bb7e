//! `bloom db archive`: moves runs that ended long ago to a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bloom_runtime::clock::Clock as _;
use bloom_store::Kept;
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::json;

use super::{data, explained};
use crate::catalogue::{Catalogue, text};
use crate::clock;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(super) struct Archive {
    #[arg(value_name = "FILE", required_unless_present = "dry_run")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "AGE")]
    older_than: String,
    #[arg(long)]
    dry_run: bool,
}

impl Archive {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (catalogue, now) = (&session.catalogue, session.clock.now());
        let before = time_before(&self.older_than, now, catalogue)?;
        let file = self.file.as_deref().unwrap_or(Path::new(""));
        let explained = |error| explained(error, file, catalogue);
        data(session)?;
        let store = Store::open(session)?.inner;
        let plan = store.archivable(before).await.map_err(explained)?;
        let (runs, events, kept) = (plan.runs(), plan.events(), plan.kept);
        let archived = if self.dry_run || runs == 0 {
            None
        } else {
            Some(store.archive(plan, file, now, &owner()).await.map_err(explained)?)
        };
        match session.form() {
            Form::Json => out.json(&json!({
                "before": clock::iso(before),
                "runs": runs,
                "events": events,
                "kept": {
                    "proposals": kept.proposals,
                    "artifacts": kept.artifacts,
                    "held": kept.held,
                    "linked": kept.linked,
                },
                "file": archived.map(|_| file),
                "sha256": archived.map(|contents| contents.digest),
            }))?,
            Form::Text => {
                let before = clock::local(before);
                let path = file.display().to_string();
                let line = match archived {
                    Some(_) => text!(catalogue, "db-archived", runs = runs, events = events, path = path),
                    None if runs == 0 => text!(catalogue, "db-nothing-to-archive", before = before),
                    None => text!(catalogue, "db-would-archive", runs = runs, events = events, before = before),
                };
                writeln!(out, "{line}")?;
                tell(kept, catalogue, out)?;
            }
        }
        Ok(Exit::Completed)
    }
}

/// Which runs stay.
fn tell(kept: Kept, catalogue: &Catalogue, out: &mut Out) -> std::io::Result<()> {
    let lines = [
        (kept.proposals, text!(catalogue, "db-kept-proposals", count = kept.proposals)),
        (kept.artifacts, text!(catalogue, "db-kept-artifacts", count = kept.artifacts)),
        (kept.held, text!(catalogue, "db-kept-held", count = kept.held)),
        (kept.linked, text!(catalogue, "db-kept-linked", count = kept.linked)),
    ];
    for (_, line) in lines.iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The time that lies so long ago, in Unix milliseconds.
fn time_before(age: &str, now: i64, catalogue: &Catalogue) -> anyhow::Result<i64> {
    let span = age.parse::<Span>().ok().filter(|span| !span.is_negative());
    let now = Timestamp::from_millisecond(now)?.to_zoned(TimeZone::system());
    let time = span.and_then(|span| now.checked_sub(span).ok());
    let bad = || Explained::usage(text!(catalogue, "db-bad-age", age = age)).hint(text!(catalogue, "db-bad-age-hint"));
    Ok(time.ok_or_else(bad)?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    #[test]
    fn an_age_has_a_unit_and_does_not_lie_ahead() {
        let catalogue = Catalogue::of(Locale::En);
        let now = 1_700_000_000_000;
        let before = |age: &str| time_before(age, now, &catalogue).map(|time| now - time).ok();
        assert_eq!(before("36h"), Some(36 * 3_600_000));
        assert_eq!(before("0s"), Some(0));
        // Days may have an hour more or less.
        assert!(before("90d").is_some_and(|age| (age - 90 * 86_400_000).abs() <= 3_600_000));
        for bad in ["", "90", "d", "-1d", "90 parsecs", "99999999999999d"] {
            assert_eq!(before(bad), None, "{bad}");
        }
    }
}
