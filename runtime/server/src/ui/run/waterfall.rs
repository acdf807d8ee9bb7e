//! The effects of a run in the order in which they were asked for, each as a bar over the time that it took.

use bloom_interpreter::program::Place;

use super::{Head, Spot};
use crate::followed::{Effect, Known};
use crate::ui::shell::Shell;
use crate::ui::show::{self, Time};
use crate::ui::texts::text;

/// So many effects stand on a page.
const PAGE: usize = 100;

/// The height of a row, and of what stands above the first, in pixels.
const ROW: usize = 36;
const TOP: usize = 24;

/// The effects of one page.
pub(super) struct Part {
    effects: Vec<(Effect, Option<Place>)>,
    /// From 1.
    page: usize,
    pages: usize,
    total: usize,
    /// When the first event was recorded, and the last one.
    span: Option<(i64, i64)>,
    is_over: bool,
}

impl Part {
    /// Those of a page; where none is named, of the first, or of the newest while the run goes on.
    pub(super) fn of(known: &Known, page: Option<usize>, is_over: bool) -> Self {
        let total = known.effects.len();
        let pages = total.div_ceil(PAGE).max(1);
        let page = page.unwrap_or(if is_over { 1 } else { pages }).clamp(1, pages);
        let shown = known.effects.iter().skip((page - 1) * PAGE).take(PAGE);
        let effects = shown.map(|effect| (effect.clone(), known.place(&effect.node))).collect();
        Self { effects, page, pages, total, span: known.span, is_over }
    }
}

/// What is drawn.
pub(super) struct Waterfall {
    pub(super) rows: Vec<Row>,
    pub(super) ticks: Vec<Tick>,
    pub(super) height: usize,
    pub(super) total: usize,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// An effect.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) label: String,
    /// In one sentence.
    pub(super) told: String,
    pub(super) href: String,
    pub(super) item: Option<String>,
    pub(super) spot: Option<Spot>,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) asked: Time,
    pub(super) took: String,
    pub(super) attempts: usize,
    pub(super) tokens: Option<String>,
    pub(super) cost: Option<String>,
    /// Where the bar begins, and how wide it is, in hundredths of the width.
    pub(super) x: String,
    pub(super) width: String,
    /// Where the label stands, and the bar.
    pub(super) text_y: usize,
    pub(super) bar_y: usize,
}

/// A line of the scale.
pub(super) struct Tick {
    pub(super) x: String,
    pub(super) label: String,
    pub(super) anchor: &'static str,
}

impl Waterfall {
    pub(super) fn of(part: Part, shell: &Shell, head: &Head, now: i64) -> Self {
        let Part { effects, page, pages, total, span, is_over } = part;
        let end = if is_over { span.map_or(now, |(_, last)| last) } else { now };
        let from = effects.iter().map(|(effect, _)| effect.asked_at).min().unwrap_or(0);
        let until = effects.iter().map(|(effect, _)| effect.until(end)).max().unwrap_or(from);
        let length = until.saturating_sub(from).max(1);
        let first = (page - 1) * PAGE + 1;
        let rows: Vec<Row> = effects
            .into_iter()
            .enumerate()
            .map(|(at, (effect, place))| {
                let took = effect.until(end).saturating_sub(effect.asked_at);
                let spot = place.map(|place| Spot::of(place, head));
                let kind = shell.named("effect", effect.kind.name());
                let state = state(&effect, is_over);
                let name = if effect.name.is_empty() { kind.clone() } else { format!("{kind} {}", effect.name) };
                let label = match &spot {
                    Some(spot) => format!("{name} · {}", spot.text),
                    None => name,
                };
                let outcome = effect.outcome.as_ref();
                Row {
                    number: first + at,
                    told: format!("{label}: {}, {}", shell.named("outcome", state), show::duration(shell.texts, took)),
                    label,
                    href: head.effect(effect.id.as_str()),
                    item: spot.as_ref().map(|spot| spot.item.clone()),
                    spot,
                    kind: effect.kind.name(),
                    name: effect.name,
                    state,
                    asked: Time(effect.asked_at),
                    took: show::duration(shell.texts, took),
                    attempts: effect.attempts.len() + 1,
                    tokens: outcome.filter(|outcome| outcome.tokens > 0).map(|outcome| show::number(outcome.tokens)),
                    cost: outcome
                        .filter(|outcome| outcome.cost_micro_usd > 0)
                        .map(|outcome| show::money(outcome.cost_micro_usd)),
                    x: hundredths(effect.asked_at.saturating_sub(from), length),
                    // One that took no time is seen, too.
                    width: hundredths(took.max(length / 300), length),
                    text_y: TOP + at * ROW + 14,
                    bar_y: TOP + at * ROW + 20,
                }
            })
            .collect();
        let tick = |quarter: i64| Tick {
            x: format!("{}", quarter * 25),
            label: show::duration(shell.texts, length * quarter / 4),
            anchor: match quarter {
                0 => "start",
                4 => "end",
                _ => "middle",
            },
        };
        let link = |page: usize| format!("{}?effects={page}#waterfall", head.path);
        Self {
            ticks: [0, 2, 4].map(tick).into(),
            height: TOP + rows.len() * ROW + 8,
            total,
            first,
            last: first + rows.len().saturating_sub(1),
            before: (page > 1).then(|| link(page - 1)),
            after: (page < pages).then(|| link(page + 1)),
            rows,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn counted(&self, shell: &Shell) -> String {
        text!(shell.texts, "effects-shown", first = self.first, last = self.last, total = self.total)
    }
}

/// Where an effect stands.
pub(super) fn state(effect: &Effect, is_over: bool) -> &'static str {
    match &effect.outcome {
        Some(outcome) if outcome.is_failure => "failed",
        Some(_) => "completed",
        None if is_over => "cancelled",
        None => "running",
    }
}

/// A part of a length in hundredths, with two digits.
fn hundredths(part: i64, length: i64) -> String {
    let part = i128::from(part.max(0)) * 10_000 / i128::from(length.max(1));
    format!("{}.{:02}", part / 100, part % 100)
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn bars_are_parts_of_the_whole_whatever_it_is() {
        assert_eq!(
            [(0, 9), (1, 3), (9, 9), (-1, 9)].map(|(part, length)| hundredths(part, length)),
            ["0.00", "33.33", "100.00", "0.00"]
        );
        assert_eq!(hundredths(i64::MAX, i64::MAX), "100.00");
        assert_eq!(hundredths(1, 0), "100.00");
    }
}
