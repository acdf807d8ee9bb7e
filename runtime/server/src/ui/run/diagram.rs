//! The diagram of a run, with what the run did.

use bloom_interpreter::replay::IconWalk;
use bloom_ir::Digest;
use bloom_ir::document::Locale;
use bloom_runtime::compiler::{Marks, Picture};
use bloom_runtime::record::RunStatus;

use crate::app::App;
use crate::error::ApiError;
use crate::followed::Loaded;
use crate::routes::flows::blocking;

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

/// The picture as a part of a page; none where the diagram is not kept, or cannot be drawn.
pub(super) async fn drawn(
    app: &App,
    loaded: &Loaded,
    marks: Marks,
    locale: Locale,
) -> Result<Option<String>, ApiError> {
    let Some(source) = &loaded.document.source else { return Ok(None) };
    let Ok(digest) = format!("sha256:{}", source.sha256).parse::<Digest>() else { return Ok(None) };
    let Some(bytes) = app.store().blob(digest).await? else { return Ok(None) };
    let (compiler, name) = (app.compiler.clone(), source.name.clone());
    let picture = Picture { locale: Some(locale), is_part: true, marks: Some(marks) };
    Ok(blocking(move || compiler.draw(&name, &bytes, &picture)).await?.ok())
}
