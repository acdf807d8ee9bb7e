//! `bloom workers key`: keys of workers, each for one worker and nobody else.

use std::io::Write as _;

use bloom_runtime::clock::{Clock as _, Ids as _};
use bloom_runtime::record::{WorkerId, WorkerKey, WorkerKeys};
use bloom_runtime::store::Store as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::catalogue::text;
use crate::clock::{self, TimeOrderedIds};
use crate::failure::{Exit, Explained};
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(super) struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
    List(List),
    Revoke(Revoke),
}

#[derive(Args, Debug)]
struct New {
    #[arg(value_name = "WORKER")]
    worker: String,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Revoke {
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    server: ServerArg,
}

const KEYS: [&str; 3] = ["api", "v1", "worker-keys"];

impl Key {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::New(new) => new.perform(session, out).await,
            Command::List(list) => list.perform(session, out).await,
            Command::Revoke(revoke) => revoke.perform(session, out).await,
        }
    }
}

/// Keeps all keys, and writes down what became of one.
async fn keep(store: &Store<'_>, keys: &WorkerKeys, action: &str, key: &WorkerKey, at: i64) -> anyhow::Result<()> {
    let note = key.note(at, &owner(), action);
    Ok(store.inner.put_setting(WorkerKeys::SETTING, serde_json::to_string(keys)?, vec![note]).await?)
}

impl New {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let told = if let Some(remote) = self.server.remote(session)? {
            remote.json(Ask::post(&KEYS, serde_json::to_vec(&json!({ "worker": self.worker }))?)).await?
        } else {
            let worker = WorkerId::named(&self.worker).map_err(|error| {
                anyhow::Error::new(error).context(Explained::usage(text!(
                    session.catalogue,
                    "worker-bad-name",
                    name = &self.worker
                )))
            })?;
            let (store, at) = (Store::open(session)?, session.clock.now());
            let secret = WorkerKeys::secret(&TimeOrderedIds.secret());
            let mut keys: WorkerKeys = store.setting(WorkerKeys::SETTING).await?;
            let key = keys.issue(TimeOrderedIds.fresh(), worker, &secret, &owner(), at).clone();
            keep(&store, &keys, "worker_key_issued", &key, at).await?;
            json!({ "id": key.id, "worker": key.worker, "secret": secret })
        };
        match session.form() {
            Form::Json => out.json(&told)?,
            Form::Text => {
                let of = |name: &str| told[name].as_str().unwrap_or_default();
                writeln!(out, "{}", of("secret"))?;
                writeln!(out, "{}", text!(session.catalogue, "worker-key-made", id = of("id"), worker = &self.worker))?;
            }
        }
        Ok(Exit::Completed)
    }
}

impl List {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-key"),
            text!(catalogue, "column-worker"),
            text!(catalogue, "column-made"),
            text!(catalogue, "column-revoked"),
        ]);
        let json = if let Some(remote) = self.server.remote(session)? {
            let keys = remote.json(Ask::get(&KEYS)).await?["keys"].take();
            for key in keys.as_array().into_iter().flatten() {
                let of = |name: &str| key[name].as_str().unwrap_or_default();
                let revoked = key["revoked_at"].as_str().map(clock::told).unwrap_or_default();
                table.row([of("id").to_owned(), of("worker").to_owned(), clock::told(of("created_at")), revoked]);
            }
            keys
        } else {
            let keys = Store::open(session)?.setting::<WorkerKeys>(WorkerKeys::SETTING).await?;
            for key in &keys.0 {
                let revoked = key.revoked_at.map(clock::local).unwrap_or_default();
                table.row([key.id.clone(), key.worker.to_string(), clock::local(key.created_at), revoked]);
            }
            let shown = |key: &WorkerKey| {
                let made = clock::iso(key.created_at);
                let revoked = key.revoked_at.map(clock::iso);
                json!({ "id": key.id, "worker": key.worker, "created_at": made, "created_by": key.created_by, "revoked_at": revoked })
            };
            keys.0.iter().map(shown).collect::<Value>()
        };
        match session.form() {
            Form::Json => out.json(&json)?,
            Form::Text => table.write(out)?,
        }
        Ok(Exit::Completed)
    }
}

impl Revoke {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let told = if let Some(remote) = self.server.remote(session)? {
            let [api, v1, keys] = KEYS;
            remote.json(Ask::delete(&[api, v1, keys, &self.id])).await?
        } else {
            let (store, at) = (Store::open(session)?, session.clock.now());
            let mut keys: WorkerKeys = store.setting(WorkerKeys::SETTING).await?;
            let refused = || Explained::failed(text!(session.catalogue, "worker-key-not-revoked", id = &self.id));
            let revoked = keys.revoke(&self.id, at).cloned();
            let key = revoked.map_err(|error| anyhow::Error::new(error).context(refused()))?;
            keep(&store, &keys, "worker_key_revoked", &key, at).await?;
            json!({ "id": key.id, "worker": key.worker, "revoked_at": clock::iso(at) })
        };
        match session.form() {
            Form::Json => out.json(&told)?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "worker-key-revoked", id = &self.id))?,
        }
        Ok(Exit::Completed)
    }
}
