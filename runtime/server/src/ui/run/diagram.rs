//! The diagram of a run, or its pseudocode, with what the run did.

use std::collections::BTreeSet;

use askama::Template as _;
use bloom_interpreter::replay::IconWalk;
use bloom_ir::Digest;
use bloom_ir::document::{Source, SourceKind};
use bloom_runtime::compiler::{Marks, Picture};
use bloom_runtime::record::RunStatus;

use crate::app::App;
use crate::error::ApiError;
use crate::followed::Loaded;
use crate::routes::flows::blocking;
use crate::ui::show;
use crate::ui::texts::Texts;

/// What a run did.
pub(super) fn marks(walk: IconWalk, status: RunStatus) -> Marks {
    let position = walk.position.into_iter().collect();
    let marks = Marks { visits: walk.icons, time_ms: walk.waited_ms, ways: walk.ways, ..Marks::default() };
    match status {
        RunStatus::Failed => Marks { failed: position, ..marks },
        RunStatus::Completed | RunStatus::Cancelled | RunStatus::Continued => marks,
        RunStatus::Requested | RunStatus::Queued | RunStatus::Running => Marks { current: position, ..marks },
    }
}

/// More lines are not shown.
const LINES: usize = 5_000;

/// Pseudocode, line by line.
#[derive(askama::Template)]
#[template(path = "run-lines.html")]
struct Lines<'t> {
    lines: Vec<Line<'t>>,
}

struct Line<'t> {
    number: String,
    text: &'t str,
    /// Of one that a run can come to.
    did: Option<Did>,
}

struct Did {
    state: &'static str,
    /// How often and how long.
    told: Option<String>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str, source: &Source, marks: &Marks, texts: &Texts) -> Self {
        let known: BTreeSet<&str> = source.map.values().map(|spot| spot.item.as_str()).collect();
        let line = |(at, text): (usize, &'t str)| {
            let number = at.saturating_add(1).to_string();
            let did = known.contains(number.as_str()).then(|| Did::of(&number, marks, texts));
            Line { number, text, did }
        };
        Self { lines: text.lines().take(LINES).enumerate().map(line).collect() }
    }
}

impl Did {
    fn of(line: &str, marks: &Marks, texts: &Texts) -> Self {
        let visits = marks.visits.get(line).copied().unwrap_or_default();
        let state = match () {
            () if marks.failed.contains(line) => "failed",
            () if marks.current.contains(line) => "current",
            () if visits > 0 => "taken",
            () => "",
        };
        let often = (visits > 1).then(|| format!("×{visits}"));
        let long = marks.time_ms.get(line).filter(|ms| **ms > 0);
        let long = long.map(|ms| show::duration(texts, i64::try_from(*ms).unwrap_or(i64::MAX)));
        let told: Vec<String> = often.into_iter().chain(long).collect();
        Self { state, told: (!told.is_empty()).then(|| told.join(" ")) }
    }
}

/// The picture, or the lines, as a part of a page (HTML); none where the file is not kept, or cannot be drawn.
pub(super) async fn drawn(app: &App, loaded: &Loaded, marks: Marks, texts: &Texts) -> Result<Option<String>, ApiError> {
    let Some(source) = &loaded.document.source else { return Ok(None) };
    let Ok(digest) = format!("sha256:{}", source.sha256).parse::<Digest>() else { return Ok(None) };
    let Some(bytes) = app.store().blob(digest).await? else { return Ok(None) };
    if source.kind == SourceKind::Pseudocode {
        let text = String::from_utf8_lossy(&bytes);
        let written = Lines::of(&text, source, &marks, texts).render();
        return written.map(Some).map_err(|error| ApiError::internal(&error));
    }
    let (compiler, name) = (app.compiler.clone(), source.name.clone());
    let picture = Picture { locale: Some(texts.locale()), is_part: true, marks: Some(marks) };
    Ok(blocking(move || compiler.draw(&name, &bytes, &picture)).await?.ok())
}
