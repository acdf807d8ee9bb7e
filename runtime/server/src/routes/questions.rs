//! Questions of runs to people.

use axum::Extension;
use axum::extract::State;
use bloom_ir::Value;
use bloom_runtime::record::{QuestionId, RunId};
use bloom_runtime::store::QuestionFilter;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common, Conflicting, Named, Refusable};
use crate::app::App;
use crate::auth::Identity;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::view::{Question, Questions};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(answer))
}

/// Which questions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Of this run.
    run: Option<String>,
    /// Also those that were answered or closed.
    all: Option<bool>,
    /// At most so many: 1 to 100, else 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Questions that wait for an answer, newest first.
#[utoipa::path(get, path = "/api/v1/questions", tag = "questions", params(Filter), responses((status = 200, body = Questions), Common))]
async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Result<axum::Json<Questions>, ApiError> {
    let limit = filter.limit.unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit", "it must be 1 to 100"));
    }
    let filter = QuestionFilter { run: filter.run.map(RunId::new), open: !filter.all.unwrap_or(false), limit };
    let questions = app.store().questions(&filter).await?;
    Ok(axum::Json(Questions { questions: questions.iter().map(Question::of).collect() }))
}

/// A question.
#[utoipa::path(get, path = "/api/v1/questions/{id}", tag = "questions", params(("id" = String, Path)), responses((status = 200, body = Question), Named))]
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Question>, ApiError> {
    let found = app.store().question(&QuestionId::new(id.as_str())).await?;
    found.map(|question| axum::Json(Question::of(&question))).ok_or_else(|| ApiError::not_found("question", id))
}

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// What the question's schema asks for.
    answer: serde_json::Value,
}

/// Answer a question. The answer must be what it asks for; who answered is recorded.
#[utoipa::path(
    post, path = "/api/v1/questions/{id}/answer", tag = "questions", params(("id" = String, Path)),
    request_body = Answer, responses((status = 200, body = Question), Named, Conflicting, Bodied, Refusable)
)]
async fn answer(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Json(Answer { answer }): Json<Answer>,
) -> Result<axum::Json<Question>, ApiError> {
    let question = app.engine.answer(&QuestionId::new(id), Value::from(answer), &by).await?;
    tracing::Span::current().record("run", question.run.as_str());
    Ok(axum::Json(Question::of(&question)))
}
