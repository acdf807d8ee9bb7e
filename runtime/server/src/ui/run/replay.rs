//! A run is proven: replayed by its program, event by event.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::replay::{Verdict, What};

use super::effects::cut;
use super::{Head, Spot};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;
use crate::routes::runs;
use crate::ui::shell::{self, Html, Section, Shell, Viewer};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs/{id}/replay", get(page))
}

#[derive(askama::Template)]
#[template(path = "run-replay.html")]
struct ReplayPage {
    shell: Shell,
    head: Head,
    agrees: bool,
    agreed: u64,
    /// What was found, in a sentence.
    told: String,
    /// The same, exactly.
    exactly: Option<String>,
    differs: Option<Differs>,
}

/// The first event that differs.
struct Differs {
    seq: u64,
    what: &'static str,
    path: String,
    recorded: String,
    replayed: String,
    spot: Option<Spot>,
}

async fn page(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    let run = runs::named(&app, id).await?;
    let (shell, head) = (viewer.shell(Section::Runs), Head::of(&run));
    let report = app.engine.replay(&run.id, None).await?;
    let told = match &report.verdict {
        Verdict::Same => "replay-same",
        Verdict::Unfinished | Verdict::Stopped => "replay-unfinished",
        Verdict::Broken(_) => "replay-broken",
        Verdict::OtherProgram { .. } => "replay-other-program",
        Verdict::Misplaced { .. } => "replay-misplaced",
        Verdict::Erased { .. } => "replay-erased",
        Verdict::Unlinked { .. } => "replay-unlinked",
        Verdict::Diverged(_) => "replay-diverged",
    };
    let differs = match &report.verdict {
        Verdict::Diverged(found) => Some(Differs {
            seq: found.seq,
            what: match found.what {
                What::Start => "start",
                What::Kind => "kind",
                What::Request => "request",
                What::Emission => "emission",
                What::End => "end",
                What::State => "state",
            },
            path: found.path.clone(),
            recorded: cut(serde_json::to_string_pretty(&found.recorded).unwrap_or_default()),
            replayed: cut(serde_json::to_string_pretty(&found.replayed).unwrap_or_default()),
            spot: found.place.clone().map(|place| Spot::of(place, &head)),
        }),
        _ => None,
    };
    shell::page(&ReplayPage {
        agrees: report.verdict.agrees(),
        agreed: report.agreed,
        told: shell.t(told),
        exactly: (!report.verdict.agrees()).then(|| cut(report.verdict.to_string())),
        differs,
        head,
        shell,
    })
}
