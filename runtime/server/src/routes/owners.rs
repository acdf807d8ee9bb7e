//! Owners: listed by who has the server's key, and changed by each other.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows::blocking;
use super::responses::{Bodied, Common, Conflicting, Named};
use crate::app::App;
use crate::auth::Holder;
use crate::error::{ApiError, Code};
use crate::extract::{Json, Path};
use crate::owner::{self, BadOwnerName, HashedPassword, OwnerName, Owners, PasswordError};
use crate::view::time;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(set, remove))
}

/// A person who decides.
#[derive(Serialize, ToSchema)]
struct OwnerView {
    #[schema(example = "Олена")]
    name: String,
    /// When the password was set.
    set_at: String,
    set_by: String,
}

impl OwnerView {
    fn of(owner: &owner::Owner) -> Self {
        Self { name: owner.name.to_string(), set_at: time(owner.set_at), set_by: owner.set_by.to_string() }
    }
}

/// Owners, by the order in which they came.
#[derive(Serialize, ToSchema)]
struct OwnerList {
    owners: Vec<OwnerView>,
}

/// All owners.
#[utoipa::path(get, path = "/api/v1/owners", tag = "session", responses((status = 200, body = OwnerList), Common))]
async fn list(State(app): State<App>) -> Result<axum::Json<OwnerList>, ApiError> {
    let owners = app.owners().read(app.store()).await?;
    Ok(axum::Json(OwnerList { owners: owners.iter().map(OwnerView::of).collect() }))
}

/// A password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// At least 12 characters.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    password: String,
}

/// Set the password of an owner, who may be new; sessions of that owner end. Only an owner who is logged in may do this.
#[utoipa::path(
    put, path = "/api/v1/owners/{name}", tag = "session", params(("name" = String, Path)), request_body = NewPassword,
    responses((status = 200, body = OwnerView), Named, Bodied)
)]
async fn set(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    Path(name): Path<String>,
    Json(new): Json<NewPassword>,
) -> Result<axum::Json<OwnerView>, ApiError> {
    let by = holder.owner()?.actor();
    let name: OwnerName = name.parse().map_err(|bad: BadOwnerName| ApiError::invalid("name", bad.to_string()))?;
    let hashing = app.hashing().clone().acquire_owned().await.map_err(|error| ApiError::internal(&error))?;
    let (password, random) = (SecretString::from(new.password), app.ids.secret());
    let hashed = blocking(move || {
        let _hashing = hashing;
        HashedPassword::of(&password, &random)
    });
    let hashed = hashed.await?.map_err(|error| match error {
        PasswordError::Short | PasswordError::Long => ApiError::invalid("password", error.to_string()),
        PasswordError::Hash(_) => ApiError::internal(&error),
    })?;
    let (at, of) = (app.clock.now(), name.clone());
    let set = move |owners: &mut Owners| Ok(((), owners.set(&of, hashed, &by, at)));
    app.owners().change(app.store(), set).await?;
    let owners = app.owners().read(app.store()).await?;
    let gone = || ApiError::not_found("owner", &name);
    owners.iter().find(|owner| owner.name == name).map(|owner| axum::Json(OwnerView::of(owner))).ok_or_else(gone)
}

/// Remove an owner; sessions of that owner end. Only an owner who is logged in may do this, and one stays.
#[utoipa::path(
    delete, path = "/api/v1/owners/{name}", tag = "session", params(("name" = String, Path)),
    responses((status = 204, description = "removed"), Named, Conflicting)
)]
async fn remove(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let by = holder.owner()?.actor();
    let missing = ApiError::not_found("owner", &name);
    let Ok(name) = name.parse::<OwnerName>() else { return Err(missing) };
    let at = app.clock.now();
    let remove = move |owners: &mut Owners| {
        let note = owners.remove(&name, &by, at).ok_or(missing)?;
        if owners.is_empty() {
            return Err(ApiError::new(Code::InvalidTransition, "nobody would be left to log in"));
        }
        Ok(((), note))
    };
    app.owners().change(app.store(), remove).await?;
    Ok(StatusCode::NO_CONTENT)
}
