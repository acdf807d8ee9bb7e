//! What happens to all runs and proposals: server-sent events.
//!
//! Their ids are the numbers of the audit log, which is where what is told is read from. So whoever comes back is told what it
//! missed, and who is slow holds nobody up.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event as Sent;
use bloom_ir::Value;
use bloom_runtime::record::{AuditEntry, ProposalId, RunId};
use serde_json::json;
use tokio::sync::{broadcast, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::Common;
use super::run_events::{last_event, stream};
use crate::app::App;
use crate::error::ApiError;
use crate::feed::Heard;
use crate::view;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// So many entries are read at a time; the rest stays in the store until the client has taken what they say.
const HELD: u64 = 64;

/// So many proposals are known to have been told of: they are told as they are made, and would be again when their run ends.
const REMEMBERED: usize = 1024;

/// What nobody tells of, as a proposal that expires, is noticed within this time.
const LOOK: Duration = Duration::from_secs(15);

/// What happens to all runs, from now on: `run.status.changed` (`run_id`, `status`, `agent_slug`), `run.step.completed` (`run_id`,
/// `step_name`, `effect`, `status`), `proposal.created` (`proposal_id`, `run_id`, `agent_slug`, `action`) and
/// `proposal.status.changed` (`proposal_id`, `status`). Changes of a status have a number as `id`; after `Last-Event-ID` the stream
/// goes on behind it. Steps and new proposals have none: steps that were missed stand at `runs/{id}/steps`, and proposals that
/// were missed are told when their run ends.
#[utoipa::path(
    get, path = "/api/v1/events/stream", tag = "runs",
    params(("Last-Event-ID" = Option<u64>, Header, description = "the last number that was received")),
    responses((status = 200, description = "server-sent events", body = String, content_type = "text/event-stream"), Common)
)]
async fn events(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    // What comes while the head is read is told, too.
    let (heard, stopping) = (app.hub.feed().watch(), app.stopping());
    let head = app.store().audit_head().await?.map_or(0, |head| head.seq);
    let last = last_event(&headers)?.map_or(head, |last| last.min(head));
    let (held, proposed) = (VecDeque::new(), BTreeSet::new());
    let follower = Follower { app, next: last.saturating_add(1), is_due: true, held, heard, proposed, stopping };
    Ok(stream(futures::stream::unfold(follower, |mut follower| async move {
        let sent = follower.next().await?;
        Some((Ok(sent), follower))
    })))
}

/// Reads what comes, as fast as the client takes it.
struct Follower {
    app: App,
    /// The number of the entry that is due.
    next: u64,
    /// Whether the log may have entries that were not looked at.
    is_due: bool,
    held: VecDeque<Sent>,
    heard: broadcast::Receiver<Heard>,
    /// The proposals that were told of.
    proposed: BTreeSet<String>,
    stopping: watch::Receiver<bool>,
}

impl Follower {
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(sent) = self.held.pop_front() {
                return Some(sent);
            }
            if self.is_due {
                self.look().await?;
                continue;
            }
            let heard = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stops| *stops) => return None,
                heard = self.heard.recv() => heard,
                () = tokio::time::sleep(LOOK) => Ok(Heard::More),
            };
            match heard {
                Ok(Heard::Step { run, effect, node, is_failed }) => {
                    let status = if is_failed { "failed" } else { "completed" };
                    let data = json!({ "run_id": run, "step_name": node, "effect": effect, "status": status });
                    return Some(sent("run.step.completed", data));
                }
                Ok(Heard::Proposed(id)) => self.propose(&id).await?,
                // Whatever was missed: what is recorded is in the store.
                Ok(Heard::More) | Err(broadcast::error::RecvError::Lagged(_)) => self.is_due = true,
                // Who tells lives as long as the server.
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Takes the entries that are due. An error of the store ends the stream; the client asks again from where it was.
    async fn look(&mut self) -> Option<()> {
        let entries = self.app.store().audit(self.next..=self.next.saturating_add(HELD - 1)).await.ok()?;
        self.is_due = !entries.is_empty();
        for entry in &entries {
            self.next = entry.seq.saturating_add(1);
            self.take(entry).await?;
        }
        Some(())
    }

    /// Takes what an entry of the audit log says; `None` where the store fails.
    async fn take(&mut self, entry: &AuditEntry) -> Option<()> {
        let (note, id) = (&entry.note, entry.seq.to_string());
        let Some((kind, change)) = note.action.split_once('_') else { return Some(()) };
        match (note.entity_type.as_str(), kind) {
            ("run", "run") => {
                let Some(run) = self.app.store().run(&RunId::new(note.entity_id.as_str())).await.ok()? else {
                    return Some(());
                };
                let status = match change {
                    "queued" => "queued",
                    "started" | "forked" => "running",
                    "completed" | "failed" | "cancelled" | "continued" => change,
                    _ => return Some(()),
                };
                let made = note.detail.get("proposals").and_then(Value::as_list).unwrap_or_default();
                for proposal in made.iter().filter_map(Value::as_str) {
                    self.propose(&ProposalId::new(proposal)).await?;
                }
                let data = json!({
                    "run_id": run.id, "status": status, "agent_slug": run.flow, "at": view::time(note.at),
                });
                self.held.push_back(sent("run.status.changed", data).id(id));
            }
            ("proposal", "proposal") => {
                let data = json!({ "proposal_id": note.entity_id, "status": change, "at": view::time(note.at) });
                self.held.push_back(sent("proposal.status.changed", data).id(id));
            }
            _ => {}
        }
        Some(())
    }

    /// Tells once that something was proposed.
    async fn propose(&mut self, id: &ProposalId) -> Option<()> {
        if !self.proposed.insert(id.to_string()) {
            return Some(());
        }
        if self.proposed.len() > REMEMBERED {
            // Ids that are made later sort behind the others.
            self.proposed.pop_first();
        }
        if let Some(proposal) = self.app.store().proposal(id).await.ok()? {
            let data = json!({
                "proposal_id": id, "run_id": proposal.run, "agent_slug": proposal.agent, "action": proposal.action,
            });
            self.held.push_back(sent("proposal.created", data));
        }
        Some(())
    }
}

/// Its data says what it is, too, for clients that look at nothing else.
fn sent(kind: &str, mut data: serde_json::Value) -> Sent {
    data["type"] = kind.into();
    Sent::default().event(kind).data(data.to_string())
}
