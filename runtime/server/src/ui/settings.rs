//! How the server is set, what it may use and has used, who may come in, and how its store is. No secret is on this page: what a
//! key is, its ends or its name.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::engine::{Budgets, Share};
use bloom_runtime::record::day_of;
use bloom_runtime::store::RunFilter;
use secrecy::ExposeSecret as _;

use super::policy;
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::Texts;
use crate::app::App;
use crate::auth::Holder;
use crate::control_plane::{self, Connection};
use crate::error::ApiError;
use crate::routes::health;
use crate::runtime_api;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/settings", get(settings))
}

#[derive(askama::Template)]
#[template(path = "settings.html")]
struct Settings {
    shell: Shell,
    server: Facts,
    plane: Plane,
    keys: Vec<Key>,
    tokens: Vec<Token>,
    owners: Vec<Owner>,
    /// Sessions that the server's key opened.
    key_sessions: usize,
    /// Whether whoever looks is an owner who is logged in.
    is_owner: bool,
    limits: Facts,
    profiles: Vec<Profile>,
    /// Agents that have a profile of their own.
    agents: Vec<(String, String)>,
    spent: Vec<Spent>,
    contexts: Vec<Context>,
    store: Facts,
    /// Why the store cannot be written, if it cannot.
    store_fails: Option<String>,
}

/// Names of texts, with what is to be told.
type Facts = Vec<(&'static str, String)>;

struct Plane {
    url: String,
    key: String,
    connection: Connection,
}

impl Plane {
    fn last_test(&self) -> Option<Time> {
        self.connection.last_test.map(Time)
    }

    fn last_success(&self) -> Option<Time> {
        self.connection.last_success.map(Time)
    }
}

struct Key {
    id: String,
    worker: String,
    created: Time,
    by: String,
    revoked: Option<Time>,
}

struct Token {
    id: String,
    worker: String,
    created: Time,
    by: String,
    expires: Time,
    status: &'static str,
}

struct Owner {
    name: String,
    set: Time,
    by: String,
    sessions: usize,
    /// Whether it is whoever looks.
    is_self: bool,
}

struct Profile {
    name: String,
    run: String,
    timeout: Option<String>,
    day: String,
}

/// What an agent has used today.
struct Spent {
    agent: String,
    calls: u64,
    tokens: u64,
    cost: String,
    /// How much of what it may use in a day, of that which it has used most of.
    share: Option<Used>,
}

struct Used {
    /// In hundredths, at most 100.
    percent: u64,
    limit: String,
}

struct Context {
    id: String,
    agents: Vec<String>,
    memories: Vec<String>,
    readers: Vec<String>,
}

async fn settings(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let (now, texts) = (app.clock.now(), viewer.texts);
    let target = control_plane::target(&app).await?;
    let worker_keys = app.worker_keys().read(app.store()).await?;
    let tokens = app.enroll_tokens().read(app.store()).await?;
    let owners = app.owners().read(app.store()).await?;
    let own = match &viewer.holder {
        Some(Holder::Owner(name, _)) => Some(name.clone()),
        _ => None,
    };
    let mut keys: Vec<Key> = worker_keys
        .0
        .iter()
        .rev()
        .map(|key| Key {
            id: key.id.clone(),
            worker: key.worker.to_string(),
            created: Time(key.created_at),
            by: key.created_by.to_string(),
            revoked: key.revoked_at.map(Time),
        })
        .collect();
    keys.sort_by_key(|key| key.revoked.is_some());
    let tokens = tokens.known().iter().rev().map(|token| Token {
        id: token.id.clone(),
        worker: token.worker.to_string(),
        created: Time(token.created_at),
        by: token.created_by.to_string(),
        expires: Time(token.expires_at),
        status: match token.used_at {
            Some(_) => "used",
            None if token.expires_at <= now => "expired",
            None => "open",
        },
    });
    let budgets = &app.engine.config().budgets;
    let contexts = app.store().contexts().await?.into_iter().map(|context| Context {
        id: context.id.to_string(),
        readers: context.delegations.iter().map(ToString::to_string).collect(),
        agents: context.agents,
        memories: context.memory_bindings,
    });
    let (store, store_fails) = store(&app, texts).await?;
    shell::page(&Settings {
        shell: viewer.shell(Section::Settings),
        server: server(&app, texts),
        plane: Plane {
            url: target.url.unwrap_or_default(),
            key: target.admin_key.map(|key| runtime_api::masked(key.expose_secret())).unwrap_or_default(),
            connection: app.control_plane().connection(),
        },
        keys,
        tokens: tokens.collect(),
        owners: owners
            .iter()
            .map(|owner| Owner {
                name: owner.name.to_string(),
                set: Time(owner.set_at),
                by: owner.set_by.to_string(),
                sessions: owner.sessions_at(now),
                is_self: own.as_ref() == Some(&owner.name),
            })
            .collect(),
        key_sessions: app.key_sessions().read(app.store()).await?.open_at(now),
        is_owner: own.is_some(),
        limits: limits(&app, texts),
        profiles: budgets
            .profiles
            .iter()
            .map(|(name, budget)| Profile {
                name: name.clone(),
                run: policy::allowance(&budget.run, texts),
                timeout: budget.timeout_seconds.map(|seconds| show::duration(texts, i64::from(seconds) * 1_000)),
                day: policy::allowance(&budget.day, texts),
            })
            .collect(),
        agents: budgets.agents.iter().map(|(agent, profile)| (agent.clone(), profile.clone())).collect(),
        spent: spent(&app, budgets, texts, now).await?,
        contexts: contexts.collect(),
        store,
        store_fails,
    })
}

fn server(app: &App, texts: &Texts) -> Facts {
    let config = &app.config;
    let signer = |key: &Option<bloom_ir::SigningKey>| key.as_ref().map(|key| key.public().id());
    let given = |is_given: bool| String::from(if is_given { "✓" } else { "–" });
    vec![
        ("settings-version", app.engine.config().version.clone()),
        ("settings-uptime", show::duration(texts, i64::try_from(app.uptime().as_millis()).unwrap_or(i64::MAX))),
        ("settings-url", app.own_url().unwrap_or_else(|| config.listen.to_string())),
        ("settings-tls", given(config.tls.is_some())),
        ("settings-key", given(app.key.is_some())),
        ("settings-session-secret", given(config.session_secret.is_some())),
        ("settings-agent-key", given(config.agent_key.is_some())),
        ("settings-signing-key", signer(&config.signing_key).unwrap_or_else(|| given(false))),
        ("settings-audit-key", signer(&config.audit_key).unwrap_or_else(|| given(false))),
    ]
}

fn limits(app: &App, texts: &Texts) -> Facts {
    let (config, engine) = (&app.config, app.engine.config());
    let seconds =
        |duration: std::time::Duration| show::duration(texts, i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    let any = |most: Option<u32>| most.map_or_else(|| String::from("∞"), show::number);
    let rate = |most: u32| any((most > 0).then_some(most));
    let share = |share: &Share| format!("{} + {}", any(share.at_once), any(share.queued));
    let mut facts = vec![
        ("limit-runs", any(engine.admission.at_once)),
        ("limit-runs-agent", share(&engine.admission.each_agent)),
        ("limit-depth", show::number(engine.max_depth)),
        ("limit-attempts", show::number(engine.attempts)),
        ("limit-tool", seconds(engine.tool_timeout)),
        ("limit-lease", seconds(engine.lease_ttl)),
        ("limit-offline", seconds(engine.worker_offline)),
        ("limit-proposal", seconds(engine.proposal_ttl)),
        ("limit-body", format!("{} MiB", config.max_body >> 20)),
        ("limit-connections", show::number(config.max_connections as u64)),
        ("limit-request", seconds(config.request_timeout)),
        ("limit-rate", rate(config.requests_per_minute)),
    ];
    if app.key.is_none() {
        facts.push(("limit-rate-open", rate(config.open_requests_per_minute)));
    }
    for (agent, own) in &engine.admission.agents {
        facts.push(("limit-runs-of", format!("{agent}: {}", share(own))));
    }
    facts
}

async fn spent(app: &App, budgets: &Budgets, texts: &Texts, now: i64) -> Result<Vec<Spent>, ApiError> {
    let mut today = app.store().spending(day_of(now)).await?;
    today.sort_by_key(|spent| std::cmp::Reverse((spent.charge.cost_micro_usd, spent.charge.tokens)));
    let of = |spending: bloom_runtime::record::Spending| {
        let (day, charge) = (budgets.of(&spending.agent, None).day, spending.charge);
        let used =
            [(charge.calls, day.calls), (charge.tokens, day.tokens), (charge.cost_micro_usd, day.cost_micro_usd)];
        let percent =
            used.into_iter().filter_map(|(used, most)| most.map(|most| used.saturating_mul(100) / most.max(1)));
        Spent {
            agent: spending.agent,
            calls: charge.calls,
            tokens: charge.tokens,
            cost: show::money(charge.cost_micro_usd),
            share: percent
                .max()
                .map(|percent| Used { percent: percent.min(100), limit: policy::allowance(&day, texts) }),
        }
    };
    Ok(today.into_iter().map(of).collect())
}

async fn store(app: &App, texts: &Texts) -> Result<(Facts, Option<String>), ApiError> {
    let runs = app.store().count_runs(&RunFilter::default(), u64::MAX).await?;
    let entries = app.store().audit_head().await?.map_or(0, |head| head.seq);
    let work = app.store().work_counts().await?;
    let facts = vec![
        ("store-runs", show::number(runs)),
        ("store-tasks", show::number(work.tasks.values().sum::<u64>())),
        ("store-leases", show::number(work.leases.values().sum::<u64>())),
        ("store-audit", show::number(entries)),
    ];
    Ok((facts, (!health::is_ready(app).await).then(|| texts.get("store-unwritable"))))
}
