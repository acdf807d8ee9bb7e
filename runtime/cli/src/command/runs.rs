//! `bloom runs`: the runs of the store.

use bloom_runtime::record::RunStatus;
use bloom_runtime::store::{RunFilter, Store as _};
use clap::{Args, ValueEnum};

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table};
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
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Running,
    Completed,
    Failed,
    Cancelled,
    Continued,
}

impl Runs {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let status = self.status.map(|status| match status {
            Status::Running => RunStatus::Running,
            Status::Completed => RunStatus::Completed,
            Status::Failed => RunStatus::Failed,
            Status::Cancelled => RunStatus::Cancelled,
            Status::Continued => RunStatus::Continued,
        });
        let filter = RunFilter { flow: self.flow, status, limit: self.limit, ..RunFilter::default() };
        let runs = Store::open(session)?.inner.runs(&filter).await?;
        if session.form() == Form::Json {
            out.json(&runs)?;
            return Ok(Exit::Completed);
        }
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
        let short = Short::among(runs.iter().map(|run| run.id.as_str()));
        for run in runs {
            table.row([
                short.of(run.id.as_str()),
                format!("{}@{}", run.flow, run.version),
                words::standing(&run, catalogue),
                clock::local(run.created_at),
                run.events.to_string(),
                run.tokens.to_string(),
                run.origin.map(|origin| format!("{}#{}", short.of(origin.run.as_str()), origin.at)).unwrap_or_default(),
            ]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}
