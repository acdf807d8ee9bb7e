//! Questions to people.

use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_runtime::record::{Question, QuestionId, QuestionStatus, RunId};
use bloom_runtime::store::{QuestionFilter, StoreError};

use super::{Key, Rows, Stage, Table, read, require, row};
use crate::embedded::snapshot::Snapshot;

/// Keeps a question: a new one, or its answer.
pub(super) fn keep(stage: &mut Stage<'_>, question: &Question) -> Result<(), StoreError> {
    let effect = Key::new().text(question.run.as_str()).text(question.effect.as_str()).build();
    match stage.get(Table::QuestionsByEffect, &effect)? {
        Some(id) if row::id(&id)? != question.id.as_str() => {
            return Err(StoreError::Exists { kind: "question of effect", id: question.effect.to_string() });
        }
        Some(_) => {}
        None => stage.put(Table::QuestionsByEffect, effect, question.id.as_str().into()),
    }
    put(stage, question);
    Ok(())
}

/// An effect has its outcome: its question, if it has one and nobody answered, is closed.
pub(super) fn resolve(stage: &mut Stage<'_>, run: &RunId, effect: &EffectId, at: i64) -> Result<(), StoreError> {
    let key = Key::new().text(run.as_str()).text(effect.as_str()).build();
    let Some(id) = stage.get(Table::QuestionsByEffect, &key)? else { return Ok(()) };
    close(stage, row::id(&id)?, at)
}

/// The run has ended, and its questions with it.
pub(super) fn close_all(stage: &mut Stage<'_>, run: &RunId, at: i64) -> Result<(), StoreError> {
    for id in ids_of_run(stage, run)? {
        close(stage, &id, at)?;
    }
    Ok(())
}

fn close(stage: &mut Stage<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    let mut question: Question = require(stage, Table::Questions, "question", id)?;
    if question.close(at) {
        put(stage, &question);
    }
    Ok(())
}

pub(in super::super) fn question(rows: &impl Rows, id: &QuestionId) -> Result<Option<Question>, StoreError> {
    read(rows, Table::Questions, id.as_str())
}

pub(in super::super) fn questions(rows: &Snapshot, filter: &QuestionFilter) -> Result<Vec<Question>, StoreError> {
    let wanted = |question: &Question| !filter.open || question.status == QuestionStatus::Open;
    let mut found: Vec<Question> = Vec::new();
    if let Some(run) = &filter.run {
        for id in ids_of_run(rows, run)? {
            found.push(require(rows, Table::Questions, "question", &id)?);
        }
        found.retain(wanted);
        found.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        found.truncate(filter.limit);
        return Ok(found);
    }
    let table = if filter.open { Table::OpenQuestions } else { Table::QuestionsByTime };
    rows.descend(table, &Key::new().span(), |_, id| {
        if found.len() == filter.limit {
            return Ok(ControlFlow::Break(()));
        }
        found.push(require(rows, Table::Questions, "question", row::id(id)?)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn ids_of_run(rows: &impl Rows, run: &RunId) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::QuestionsByEffect, &Key::new().text(run.as_str()).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

fn put(stage: &mut Stage<'_>, question: &Question) {
    let time = || Key::new().signed(question.created_at).text(question.id.as_str()).build();
    let id = || question.id.as_str().into();
    stage.put(Table::QuestionsByTime, time(), id());
    match question.status {
        QuestionStatus::Open => stage.put(Table::OpenQuestions, time(), id()),
        QuestionStatus::Answered | QuestionStatus::Closed => stage.remove(Table::OpenQuestions, time()),
    }
    stage.put(Table::Questions, id(), row::encode(question));
}
