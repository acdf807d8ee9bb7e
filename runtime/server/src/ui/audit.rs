//! The log of who did what: newest first, by what was done, to what, by whom and when; and whether its entries are as they were
//! written.

use std::ops::RangeInclusive;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_ir::Value;
use bloom_runtime::record::{AuditChain, AuditEntry};
use bloom_runtime::store::StoreError;
use serde::Deserialize;

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Query;
use crate::view;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/audit", get(list))
}

/// Entries of a page.
const PAGE: usize = 50;

/// Entries that are read at a time.
const READ: u64 = 500;

/// Entries that are looked through for those of a page.
const LOOKED_AT: u64 = 20_000;

/// Entries of one record that are looked for among so many.
const LOOKED_AT_FOR_ONE: u64 = 2_000;

/// Those that are shown of one record.
const OF_ONE: usize = 20;

/// No more are verified at once: the program does the whole log.
const MOST_VERIFIED: u64 = 50_000;

/// Entries are written in the order of their times, up to so many milliseconds: who writes takes the time before.
const SLACK: i64 = 10_000;

/// What a form of the page asks for: what was left empty is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    action: String,
    entity: String,
    actor: String,
    run: String,
    from: String,
    to: String,
    /// The number of the entry that the page before ended with.
    cursor: String,
    /// How many of the newest are to be verified.
    verify: String,
}

impl Asked {
    fn parts(&self) -> [(&'static str, &String); 6] {
        [
            ("action", &self.action),
            ("entity", &self.entity),
            ("actor", &self.actor),
            ("run", &self.run),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn is_plain(&self) -> bool {
        self.cursor.is_empty() && self.parts().iter().all(|(_, value)| value.is_empty())
    }

    fn wants(&self, entry: &AuditEntry) -> bool {
        let (note, is) = (&entry.note, |wanted: &str, has: &str| wanted.is_empty() || wanted == has);
        let is_of_run =
            note.job_id.as_ref() == Some(&self.run) || note.entity_type == "run" && note.entity_id == self.run;
        note.action.starts_with(self.action.as_str())
            && is(&self.entity, &note.entity_id)
            && (self.actor.is_empty() || note.actor.0.to_lowercase().contains(&self.actor.to_lowercase()))
            && (self.run.is_empty() || is_of_run)
    }
}

/// An entry as lists show it.
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) at: Time,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) entity_type: String,
    pub(super) entity_id: String,
    /// The page of that record, where it has one.
    pub(super) path: Option<String>,
    pub(super) run: Option<String>,
    /// What else it says, as JSON.
    pub(super) detail: Option<String>,
    pub(super) prev: String,
    pub(super) hash: String,
}

impl Entry {
    fn of(entry: &AuditEntry) -> Self {
        let note = &entry.note;
        let is_empty = note.detail == Value::Null || note.detail == Value::empty_map();
        Self {
            seq: entry.seq,
            at: Time(note.at),
            actor: note.actor.to_string(),
            action: note.action.clone(),
            path: path(&note.entity_type, &note.entity_id),
            entity_type: note.entity_type.clone(),
            entity_id: note.entity_id.clone(),
            run: note.job_id.clone().filter(|run| *run != note.entity_id),
            detail: (!is_empty).then(|| show::json(&note.detail)),
            prev: entry.prev.to_string(),
            hash: entry.hash.to_string(),
        }
    }
}

/// The page of a record.
fn path(kind: &str, id: &str) -> Option<String> {
    let part = view::segment;
    Some(match kind {
        "proposal" => format!("/proposals/{}", part(id)),
        "question" => format!("/questions/{}", part(id)),
        "run" => format!("/runs/{}", part(id)),
        "flow" => match id.split_once('@') {
            Some((id, version)) => format!("/flows/{}/versions/{}", part(id), part(version)),
            None => format!("/flows/{}", part(id)),
        },
        "task" => format!("/tasks/{}", part(id)),
        "worker" => format!("/workers/{}", part(id)),
        "owner" | "context" | "worker_key" | "enroll_token" | "config" => String::from("/settings"),
        _ => return None,
    })
}

/// Where the log shows what was done to one record.
pub(super) fn path_of(id: &str) -> String {
    let id = view::segment(id);
    format!("/audit?entity={id}")
}

/// What was done to one record between two times, newest first, as far as it stands close to the later one.
pub(super) async fn of_entity(
    app: &App,
    kind: &str,
    id: &str,
    span: RangeInclusive<i64>,
) -> Result<Vec<Entry>, ApiError> {
    let last = last_until(app, *span.end()).await?;
    let mut found = Vec::new();
    let mut walk = Walk { app, next: last, left: LOOKED_AT_FOR_ONE };
    while let Some(entries) = walk.read().await? {
        let is_over = entries.first().is_some_and(|entry| entry.note.at < span.start().saturating_sub(SLACK));
        let own = |entry: &&AuditEntry| entry.note.entity_type == kind && entry.note.entity_id == id;
        found.extend(entries.iter().rev().filter(own).map(Entry::of));
        if is_over || found.len() >= OF_ONE {
            break;
        }
    }
    found.truncate(OF_ONE);
    Ok(found)
}

/// Goes back in the log.
struct Walk<'a> {
    app: &'a App,
    /// The number of the newest entry that was not read; 0 at the beginning of the log.
    next: u64,
    /// How many are to be read at most.
    left: u64,
}

impl Walk<'_> {
    /// The entries before, oldest first; `None` where there are no more, or enough were read.
    async fn read(&mut self) -> Result<Option<Vec<AuditEntry>>, ApiError> {
        let count = READ.min(self.left).min(self.next);
        if count == 0 {
            return Ok(None);
        }
        let first = self.next - count + 1;
        let entries = self.app.store().audit(first..=self.next).await?;
        (self.next, self.left) = (first - 1, self.left - count);
        Ok(Some(entries))
    }
}

async fn head(app: &App) -> Result<u64, ApiError> {
    Ok(app.store().audit_head().await?.map_or(0, |head| head.seq))
}

/// The number of an entry after which none was written up to this time; 0 where there is none. It is looked for by halves.
async fn last_until(app: &App, at: i64) -> Result<u64, ApiError> {
    let at = at.saturating_add(SLACK);
    let (mut low, mut high) = (0, head(app).await?);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let entry = app.store().audit(middle..=middle).await?;
        match entry.first() {
            Some(entry) if entry.note.at > at => high = middle - 1,
            _ => low = middle,
        }
    }
    Ok(low)
}

/// What was verified, and what was found.
struct Verified {
    from: u64,
    /// The last entry that is as it was written; below `from` where none is.
    to: u64,
    head: String,
    at: Time,
    fault: Option<String>,
}

impl Verified {
    /// Whether it began with the first entry of the log.
    fn is_whole(&self) -> bool {
        self.from == 1
    }
}

/// Verifies the newest entries: that each names the hash of the one before it, and has the hash of what it says.
async fn verified(app: &App, count: u64) -> Result<Verified, ApiError> {
    let last = head(app).await?;
    let from = last.saturating_sub(count.min(MOST_VERIFIED).saturating_sub(1)).max(1);
    let mut chain = AuditChain::default();
    if from > 1 {
        // The one before is taken as it is.
        match app.store().audit(from - 1..=from - 1).await?.first() {
            Some(before) => chain = AuditChain::after(before),
            None => return Err(ApiError::not_found("audit entry", from - 1)),
        }
    }
    let mut fault = None;
    let mut due = from;
    'log: while due <= last {
        let entries = match app.store().audit(due..=last.min(due + READ - 1)).await {
            Ok(entries) => entries,
            Err(StoreError::Damaged(what)) => {
                fault = Some(what);
                break;
            }
            Err(error) => return Err(error.into()),
        };
        if entries.is_empty() {
            fault = Some(format!("audit entry {due}: it is missing"));
        }
        for entry in &entries {
            if let Err(found) = chain.accept(entry) {
                fault = Some(found.to_string());
                break 'log;
            }
        }
        if fault.is_some() {
            break;
        }
        due = chain.seq() + 1;
    }
    Ok(Verified { from, to: chain.seq(), head: chain.head().to_string(), at: Time(app.clock.now()), fault })
}

#[derive(askama::Template)]
#[template(path = "audit.html")]
struct Page {
    shell: Shell,
    is_live: bool,
    total: u64,
    entries: Vec<Entry>,
    /// How many were looked at for them, where there is something that they had to be.
    looked_at: Option<u64>,
    next: Option<String>,
    verified: Option<Verified>,
    signs: bool,
    asked: Asked,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let number = |field: &str, text: &String| {
        let number = some(text).map(|text| text.parse::<u64>()).transpose();
        number.map_err(|_| ApiError::invalid(field, "it must be a number"))
    };
    let (from, to) = (view::time_from("from", some(&asked.from))?, view::time_to("to", some(&asked.to))?);
    let total = head(&app).await?;
    let last = match (number("cursor", &asked.cursor)?, to) {
        (Some(cursor), _) => cursor.saturating_sub(1).min(total),
        (None, Some(to)) => last_until(&app, to).await?,
        (None, None) => total,
    };
    let is_in_time =
        |entry: &AuditEntry| from.is_none_or(|from| entry.note.at >= from) && to.is_none_or(|to| entry.note.at < to);
    let mut entries = Vec::new();
    let mut walk = Walk { app: &app, next: last, left: LOOKED_AT };
    let (mut cursor, mut looked_at, mut is_over) = (last, 0, false);
    'log: while let Some(read) = walk.read().await? {
        for entry in read.iter().rev() {
            if from.is_some_and(|from| entry.note.at < from.saturating_sub(SLACK)) {
                is_over = true;
                break 'log;
            }
            (cursor, looked_at) = (entry.seq, looked_at + 1);
            if is_in_time(entry) && asked.wants(entry) {
                entries.push(Entry::of(entry));
            }
            if entries.len() == PAGE {
                break 'log;
            }
        }
    }
    let next = (!is_over && cursor > 1).then(|| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(asked.parts().into_iter().filter(|(_, value)| !value.is_empty()));
        format!("/audit?{}", query.append_pair("cursor", &cursor.to_string()).finish())
    });
    let verified = match number("verify", &asked.verify)? {
        Some(count) if total > 0 => Some(verified(&app, count.max(1)).await?),
        _ => None,
    };
    shell::page(&Page {
        shell: viewer.shell(Section::Audit),
        is_live: asked.is_plain() && verified.is_none(),
        total,
        entries,
        looked_at: (!asked.is_plain()).then_some(looked_at),
        next,
        verified,
        signs: app.config.audit_key.is_some(),
        asked,
    })
}
