//! `bloom runs`: the runs of the store, or of a server.

use bloom_runtime::record::RunStatus;
use bloom_runtime::store::{RunFilter, Store as _};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table};
use crate::remote::{Ask, Remote, ServerArg};
use crate::report::Short;
use crate::session::{Form, Session};
use crate::store::{Store, words};

#[derive(Args, Debug)]
pub(crate) struct Runs {
    #[arg(long, value_name = "ID")]
    flow: Option<String>,
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    Continued,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Continued => "continued",
        }
    }
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::Continued => Self::Continued,
        }
    }
}

/// A run in the table.
struct Row {
    id: String,
    flow: String,
    status: String,
    started: String,
    events: String,
    tokens: String,
    /// The run that it was forked from, and at which event.
    origin: Option<(String, u64)>,
}

impl Runs {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (json, rows) = match self.server.remote(session)? {
            Some(remote) => self.there(&remote, session).await?,
            None => self.here(session).await?,
        };
        match session.form() {
            Form::Json => out.json(&json)?,
            Form::Text => table(rows, session).write(out)?,
        }
        Ok(Exit::Completed)
    }

    async fn here(self, session: &Session) -> anyhow::Result<(Value, Vec<Row>)> {
        let status = self.status.map(RunStatus::from);
        let filter = RunFilter { flow: self.flow, status, limit: self.limit, ..RunFilter::default() };
        let runs = Store::open(session)?.inner.runs(&filter).await?;
        let rows = runs.iter().map(|run| Row {
            id: run.id.to_string(),
            flow: format!("{}@{}", run.flow, run.version),
            status: words::standing(run, &session.catalogue),
            started: run.started_at().map(clock::local).unwrap_or_default(),
            events: run.events.to_string(),
            tokens: run.tokens.to_string(),
            origin: run.origin.as_ref().map(|origin| (origin.run.to_string(), origin.at)),
        });
        Ok((serde_json::to_value(&runs)?, rows.collect()))
    }

    async fn there(self, remote: &Remote<'_>, session: &Session) -> anyhow::Result<(Value, Vec<Row>)> {
        /// A server tells no more at a time.
        const PAGE: usize = 100;
        let (mut runs, mut cursor) = (Vec::new(), None::<String>);
        while runs.len() < self.limit {
            let ask = Ask::get(&["api", "v1", "runs"])
                .query("flow", self.flow.as_ref())
                .query("status", self.status.map(Status::name))
                .query("limit", Some(PAGE.min(self.limit - runs.len())))
                .query("cursor", cursor.as_ref());
            let mut answer = remote.json(ask).await?;
            if let Value::Array(page) = answer["runs"].take() {
                runs.extend(page);
            }
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let rows = runs.iter().map(|run| {
            let of = |name: &str| run[name].as_str().unwrap_or_default();
            Row {
                id: of("run_id").to_owned(),
                flow: format!("{}@{}", of("agent_slug"), of("flow_version")),
                status: words::of_server(run, &session.catalogue),
                started: clock::told(of("started_at")),
                events: run["events"].to_string(),
                tokens: run["tokens"].to_string(),
                origin: run["origin"]["run_id"]
                    .as_str()
                    .zip(run["origin"]["at"].as_u64())
                    .map(|(run, at)| (run.to_owned(), at)),
            }
        });
        let rows = rows.collect();
        Ok((Value::Array(runs), rows))
    }
}

fn table(rows: Vec<Row>, session: &Session) -> Table {
    let catalogue = &session.catalogue;
    let mut table = Table::with_head([
        text!(catalogue, "column-run"),
        text!(catalogue, "column-flow"),
        text!(catalogue, "column-status"),
        text!(catalogue, "column-started"),
        text!(catalogue, "column-events"),
        text!(catalogue, "column-tokens"),
        text!(catalogue, "column-fork-of"),
    ]);
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let short = Short::among(ids.iter().map(String::as_str));
    for row in rows {
        let origin = row.origin.map(|(run, at)| format!("{}#{at}", short.of(&run))).unwrap_or_default();
        table.row([short.of(&row.id), row.flow, row.status, row.started, row.events, row.tokens, origin]);
    }
    table
}
