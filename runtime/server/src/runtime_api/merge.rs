//! Workers that the control plane knows are workers here, too.

use std::time::Duration;

use axum::http::Method;
use bloom_runtime::engine::Sighting;
use bloom_runtime::record::{Actor, Capabilities, WorkerId, WorkerStatus};
use serde_json::Value;

use super::form::{Form, boolean, few_texts, number, text, url};
use super::worker;
use crate::app::App;
use crate::control_plane::{self, PlaneError, Target};

/// So many are taken.
const MOST: usize = 1000;

/// Asks the control plane from time to time which workers there are: for ever. Where there is none, it waits for one.
pub(crate) async fn serve(app: App) {
    let mut changes = app.control_plane().changes();
    loop {
        changes.mark_unchanged();
        let pause = match control_plane::target(&app).await {
            Ok(Target { url: None, .. }) => Duration::MAX,
            Ok(_) => {
                merge(&app).await;
                app.config.control_plane.sync_every
            }
            Err(error) => {
                tracing::error!(%error, "the settings of the control plane cannot be read");
                app.config.control_plane.sync_every
            }
        };
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn merge(app: &App) {
    let limit = app.config.control_plane.timeout;
    let answer = match control_plane::ask_once(app, Method::GET, "/agents", None, limit).await {
        Ok(answer) => answer,
        // That it is not there was told when it was first seen.
        Err(PlaneError::Down(_) | PlaneError::None) => return,
        Err(error) => return tracing::warn!(?error, "the control plane did not say which workers there are"),
    };
    let listed = answer.as_array().or_else(|| answer.get("agents").and_then(Value::as_array));
    let by = Actor("membridge".to_owned());
    for agent in listed.into_iter().flatten().take(MOST) {
        let Some((id, sighting)) = read(agent, app.clock.now()) else { continue };
        if let Err(error) = app.engine.sight_worker(&id, sighting, &by).await {
            tracing::warn!(worker = %id, %error, "what the control plane says of a worker was not kept");
        }
    }
}

/// An agent as the control plane lists it. What cannot be read is passed over: it is not ours to correct.
fn read(agent: &Value, now: i64) -> Option<(WorkerId, Sighting)> {
    let said = |names: &[&str]| names.iter().find_map(|name| agent.get(*name)).filter(|value| !value.is_null());
    let said_text = |names: &[&str]| said(names).and_then(|value| text(0..=1024)(value).ok());
    let name = worker::name(said(&["name", "node_id", "id"])?).ok()?;
    let status = match said_text(&["status"]).as_deref() {
        None => None,
        Some("online") => Some(WorkerStatus::Online),
        Some("syncing") => Some(WorkerStatus::Syncing),
        Some("error") => Some(WorkerStatus::Error),
        Some(_) => Some(WorkerStatus::Offline),
    };
    let heard_at = match said(&["last_heartbeat", "last_seen"]) {
        Some(time) => milliseconds(time).map(|at| at.min(now)),
        None => Some(now),
    };
    let sighting = Sighting {
        url: said(&["url"]).and_then(|value| url(value).ok()),
        status,
        capabilities: said(&["capabilities"]).and_then(capabilities),
        ip_addrs: said(&["ip_addrs"]).and_then(|value| few_texts(value).ok()),
        obs_count: said(&["obs_count"]).and_then(Value::as_u64),
        db_sha: said_text(&["db_sha"]),
        agent_version: said_text(&["agent_version", "version"]),
        os_info: said_text(&["os_info"]),
        heard_at: heard_at.filter(|_| status != Some(WorkerStatus::Offline)),
    };
    Some((name, sighting))
}

fn capabilities(value: &Value) -> Option<Capabilities> {
    let mut form = Form::of(value.as_object()?.clone());
    Some(Capabilities {
        claude_cli: form.get("claude_cli", boolean).unwrap_or(true),
        max_concurrency: form.get("max_concurrency", number(1..=32_u32)).unwrap_or(1),
        labels: form.get("labels", few_texts).unwrap_or_default(),
        // Who pulls speaks to this server itself.
        provides: Vec::new(),
    })
}

/// Unix milliseconds, seconds, or a text (ISO 8601).
fn milliseconds(time: &Value) -> Option<i64> {
    if let Some(text) = time.as_str() {
        return text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    }
    // Seconds until the year 5138, and milliseconds since the year 1973.
    let number = time.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "what is outside of the range is taken for its end")]
    let at = if number < 1e11 { (number * 1000.0) as i64 } else { number as i64 };
    Some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn agent_is_read_as_the_control_plane_lists_it() {
        let agent = json!({
            "name": "rpi4b", "url": "http://10.0.0.2:8001/", "status": "online", "obs_count": 1234, "db_sha": "dead",
            "capabilities": { "claude_cli": true, "max_concurrency": 2, "labels": ["arm64"] }, "ip_addrs": ["10.0.0.2"],
            "last_seen": 1_700_000_000.5,
        });
        let (id, sighting) = read(&agent, 1_800_000_000_000).unwrap();
        assert_eq!((id.as_str(), sighting.url.as_deref()), ("rpi4b", Some("http://10.0.0.2:8001")));
        assert_eq!((sighting.heard_at, sighting.obs_count), (Some(1_700_000_000_500), Some(1234)));
        assert_eq!(sighting.capabilities.unwrap().max_concurrency, 2);

        let (_, bare) = read(&json!({ "node_id": "alpine", "capabilities": null, "url": 5 }), 9).unwrap();
        assert_eq!((bare.heard_at, bare.url, bare.capabilities.is_none()), (Some(9), None, true));
        let talkative = json!({ "name": "x", "version": "v".repeat(1025), "ip_addrs": vec!["10.0.0.2"; 65] });
        let (_, talkative) = read(&talkative, 9).unwrap();
        assert_eq!((talkative.agent_version, talkative.ip_addrs), (None, None), "nobody keeps that");
        let (_, gone) = read(&json!({ "name": "x", "status": "gone" }), 9).unwrap();
        assert_eq!((gone.heard_at, gone.status), (None, Some(WorkerStatus::Offline)));
        for odd in [json!({}), json!(1), json!({ "name": "local:1" }), json!({ "name": ".." }), json!({ "name": 1 })] {
            assert!(read(&odd, 9).is_none(), "{odd}");
        }
    }

    #[test]
    fn times_are_read_however_they_are_written() {
        let at = 1_772_000_000_000;
        for time in [json!(at), json!(at / 1000), json!("2026-02-25T06:13:20Z")] {
            assert_eq!(milliseconds(&time), Some(at), "{time}");
        }
        assert_eq!(milliseconds(&json!("yesterday")), None);
    }
}
