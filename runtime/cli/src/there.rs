//! Runs of a server: started, waited for, and told of.

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::remote::{Ask, Remote};
use crate::session::{Form, Session};
use crate::store::words;

/// The longest that a server holds an answer, in seconds.
const HELD: u64 = 30;

/// How often it is looked whether a run has ended that nothing is asked for any more.
const LOOK: Duration = Duration::from_millis(500);

/// Has a server start a run, waits for its end where that is wanted, and tells what became of it. What is asked bears an
/// idempotency key: sent again, it gives the same run.
pub(crate) async fn started<'a>(
    remote: &Remote<'_>,
    ask: impl Fn() -> Ask<'a>,
    waits: bool,
    session: &Session,
    out: &mut Out,
) -> anyhow::Result<Exit> {
    let mut run = loop {
        let run = remote.json(ask().query("wait", waits.then_some(HELD))).await?;
        if !waits || is_still(&run) {
            break run;
        }
    };
    // How it ended is told by the last of those that went on in its place.
    while waits
        && run["waiting"] != true
        && let Some(next) = run["continued_by_run_id"].as_str().map(str::to_owned)
    {
        run = loop {
            let path = ["api", "v1", "runs", next.as_str()];
            let run = remote.json(Ask::get(&path)).await?;
            if is_still(&run) {
                break run;
            }
            tokio::time::sleep(LOOK).await;
        };
    }
    tell(&run, session, out)?;
    Ok(match run["status"].as_str() {
        Some("completed" | "continued") => Exit::Completed,
        Some("failed" | "cancelled") => Exit::Failed,
        _ if waits => Exit::Waiting,
        _ => Exit::Completed,
    })
}

/// Whether it has ended, or only waits.
fn is_still(run: &Value) -> bool {
    run["waiting"] == true || !run["finished_at"].is_null()
}

fn tell(run: &Value, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    if session.form_by_terminal() == Form::Json {
        out.json(run)?;
        return Ok(());
    }
    let (id, status) = (run["run_id"].as_str().unwrap_or_default(), words::of_server(run, &session.catalogue));
    writeln!(out, "{}", text!(session.catalogue, "run-there", run = id, status = status))?;
    for told in [&run["error"], &run["result"]].into_iter().filter(|told| !told.is_null()) {
        match told.as_str() {
            Some(text) => writeln!(out, "{text}")?,
            None => writeln!(out, "{told}")?,
        }
    }
    Ok(())
}
