//! `bloom tasks`: what is asked of workers.

use std::io::Write as _;

use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::{TaskId, TaskStatus};
use bloom_runtime::store::{Store as _, StoreError, TaskFilter};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use crate::catalogue::text;
use crate::clock;
use crate::failure::{Exit, Explained};
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner, words};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tasks {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, the tasks are listed.
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Requeue(Requeue),
}

#[derive(Args, Debug)]
struct List {
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Requeue {
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Queued,
    Leased,
    Running,
    Completed,
    Failed,
    Dead,
}

impl From<Status> for TaskStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Leased => Self::Leased,
            Status::Running => Self::Running,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Dead => Self::Dead,
        }
    }
}

const TASKS: [&str; 3] = ["api", "runtime", "llm-tasks"];

impl Tasks {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            None => self.list.perform(session, out).await,
            Some(Command::List(list)) => list.perform(session, out).await,
            Some(Command::Requeue(requeue)) => requeue.perform(session, out).await,
        }
    }
}

impl List {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-task"),
            text!(catalogue, "column-agent"),
            text!(catalogue, "column-status"),
            text!(catalogue, "column-made"),
            text!(catalogue, "column-attempts"),
        ]);
        let status = self.status.map(TaskStatus::from);
        let json = if let Some(remote) = self.server.remote(session)? {
            let status = status.map(serde_json::to_value).transpose()?;
            let status = status.as_ref().and_then(Value::as_str);
            let mut tasks = remote.json(Ask::get(&TASKS).query("status", status)).await?;
            if let Some(tasks) = tasks.as_array_mut() {
                tasks.truncate(self.limit);
            }
            for task in tasks.as_array().into_iter().flatten() {
                let of = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
                let status = serde_json::from_value(task["status"].clone());
                let status = status.map_or_else(|_| of("status"), |status| words::task(status, catalogue));
                let made = clock::local(task["created_at"].as_i64().unwrap_or_default());
                let attempts = format!("{}/{}", task["attempts"], task["max_attempts"]);
                table.row([of("id"), of("agent_slug"), status, made, attempts]);
            }
            tasks
        } else {
            let tasks = Store::open(session)?
                .inner
                .list_tasks(&TaskFilter { status, limit: self.limit, ..TaskFilter::default() })
                .await?;
            for task in &tasks {
                let (made, attempts) =
                    (clock::local(task.created_at), format!("{}/{}", task.attempts, task.max_attempts));
                let status = words::task(task.status, catalogue);
                table.row([task.id.to_string(), task.agent_slug.clone(), status, made, attempts]);
            }
            serde_json::to_value(&tasks)?
        };
        match session.form() {
            Form::Json => out.json(&json)?,
            Form::Text => table.write(out)?,
        }
        Ok(Exit::Completed)
    }
}

impl Requeue {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let task = if let Some(remote) = self.server.remote(session)? {
            let [api, runtime, tasks] = TASKS;
            remote.json(Ask::post(&[api, runtime, tasks, &self.task, "requeue"], b"{}".to_vec())).await?
        } else {
            let store = Store::open(session)?;
            let id = TaskId::new(self.task.as_str());
            let missing = || Explained::failed(text!(session.catalogue, "no-such-task", id = &self.task));
            let task = store.inner.task(&id).await?.ok_or_else(missing)?;
            let now = session.clock.now();
            let note = task.audit_note("task_requeued", &owner(), now);
            match store.inner.requeue(&id, now, vec![note]).await {
                Ok(task) => serde_json::to_value(task)?,
                Err(StoreError::Task(error)) => {
                    let refused = Explained::failed(text!(session.catalogue, "task-not-requeued", id = &self.task));
                    return Err(anyhow::Error::new(error).context(refused));
                }
                Err(error) => return Err(crate::store::explained(error, &session.catalogue)),
            }
        };
        match session.form() {
            Form::Json => out.json(&task)?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "task-requeued", id = &self.task))?,
        }
        Ok(Exit::Completed)
    }
}
