//! `bloom contexts`: what keeps runs of one purpose apart from those of another.

use std::io::Write as _;

use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::{Context, ContextId};
use bloom_runtime::store::Store as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::failure::Exit;
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Contexts {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, the contexts are listed.
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Set(Set),
    Delegate(Leave),
    Revoke(Leave),
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Show {
    #[arg(value_name = "CONTEXT")]
    context: String,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Set {
    #[arg(value_name = "CONTEXT")]
    context: String,
    #[arg(long = "agent", value_name = "FLOW")]
    agents: Vec<String>,
    #[arg(long = "memory", value_name = "FLOW")]
    memories: Vec<String>,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Leave {
    #[arg(value_name = "CONTEXT")]
    context: String,
    #[arg(value_name = "READER")]
    reader: String,
    #[command(flatten)]
    server: ServerArg,
}

const CONTEXTS: [&str; 3] = ["api", "v1", "contexts"];

impl Contexts {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            None => self.list.perform(session, out).await,
            Some(Command::List(list)) => list.perform(session, out).await,
            Some(Command::Show(show)) => show.perform(session, out).await,
            Some(Command::Set(set)) => set.perform(session, out).await,
            Some(Command::Delegate(leave)) => leave.perform(true, session, out).await,
            Some(Command::Revoke(leave)) => leave.perform(false, session, out).await,
        }
    }
}

/// A context as the server shows it.
fn shown(context: &Context) -> Value {
    let Context { id, agents, memory_bindings, delegations, .. } = context;
    json!({ "id": id, "agents": agents, "memory_bindings": memory_bindings, "delegations": delegations })
}

/// Changes a context of the store of this machine.
async fn changed(
    id: &str,
    action: &str,
    session: &Session,
    change: impl FnOnce(&mut Context),
) -> anyhow::Result<Value> {
    let store = Store::open(session)?;
    let mut context = store.inner.context(&ContextId::new(id)).await?;
    change(&mut context);
    let context = context.tidy();
    let note = context.note(session.clock.now(), &owner(), action);
    store.inner.put_context(context.clone(), vec![note]).await?;
    Ok(shown(&context))
}

fn tell(contexts: &[Value], catalogue: &Catalogue, out: &mut Out) -> anyhow::Result<()> {
    let mut table = Table::with_head([
        text!(catalogue, "column-context"),
        text!(catalogue, "column-agents"),
        text!(catalogue, "column-memories"),
        text!(catalogue, "column-readers"),
    ]);
    for context in contexts {
        let names = |member: &str, none: String| {
            let names: Vec<&str> = context[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if names.is_empty() { none } else { names.join(", ") }
        };
        let all = || text!(catalogue, "context-all");
        let id = context["id"].as_str().unwrap_or_default().to_owned();
        table.row([
            id,
            names("agents", all()),
            names("memory_bindings", all()),
            names("delegations", String::from("–")),
        ]);
    }
    table.write(out)?;
    Ok(())
}

fn told(context: &Value, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    match session.form() {
        Form::Json => out.json(context)?,
        Form::Text => tell(std::slice::from_ref(context), &session.catalogue, out)?,
    }
    Ok(Exit::Completed)
}

impl List {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let contexts = match self.server.remote(session)? {
            Some(remote) => remote.json(Ask::get(&CONTEXTS)).await?["contexts"].take(),
            None => Store::open(session)?.inner.contexts().await?.iter().map(shown).collect(),
        };
        match session.form() {
            Form::Json => out.json(&contexts)?,
            Form::Text if contexts.as_array().is_none_or(Vec::is_empty) => {
                writeln!(out, "{}", text!(session.catalogue, "contexts-none"))?;
            }
            Form::Text => tell(contexts.as_array().map_or(&[][..], Vec::as_slice), &session.catalogue, out)?,
        }
        Ok(Exit::Completed)
    }
}

impl Show {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let [api, v1, contexts] = CONTEXTS;
        let context = match self.server.remote(session)? {
            Some(remote) => remote.json(Ask::get(&[api, v1, contexts, &self.context])).await?,
            None => shown(&Store::open(session)?.inner.context(&ContextId::new(self.context.as_str())).await?),
        };
        told(&context, session, out)
    }
}

impl Set {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let [api, v1, contexts] = CONTEXTS;
        let (agents, memory_bindings) = (self.agents, self.memories);
        let context = if let Some(remote) = self.server.remote(session)? {
            let body = serde_json::to_vec(&json!({ "agents": agents, "memory_bindings": memory_bindings }))?;
            remote.json(Ask::put(&[api, v1, contexts, &self.context], body)).await?
        } else {
            let change = |context: &mut Context| (context.agents, context.memory_bindings) = (agents, memory_bindings);
            changed(&self.context, "context_set", session, change).await?
        };
        told(&context, session, out)
    }
}

impl Leave {
    async fn perform(self, is_given: bool, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let [api, v1, contexts] = CONTEXTS;
        let path = [api, v1, contexts, &self.context, "delegations", &self.reader];
        let context = if let Some(remote) = self.server.remote(session)? {
            let ask = if is_given { Ask::put(&path, b"{}".to_vec()) } else { Ask::delete(&path) };
            remote.json(ask).await?
        } else {
            let reader = ContextId::new(self.reader.as_str());
            let action = if is_given { "context_delegated" } else { "context_revoked" };
            let change = |context: &mut Context| {
                context.delegations.retain(|known| *known != reader);
                context.delegations.extend(is_given.then_some(reader));
            };
            changed(&self.context, action, session, change).await?
        };
        told(&context, session, out)
    }
}
