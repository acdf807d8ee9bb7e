//! `bloom questions`: what runs ask people.

use std::io::Write as _;

use bloom_runtime::store::{QuestionFilter, Store as _};
use clap::{Args, Subcommand};

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table, one_line, plain};
use crate::report::Short;
use crate::session::{Form, Session};
use crate::store::{Store, words};

#[derive(Args, Debug)]
pub(crate) struct Questions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Show(Show),
}

#[derive(Args, Debug)]
struct List {
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
struct Show {
    #[arg(value_name = "QUESTION")]
    question: String,
}

impl Questions {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        match self.command {
            Command::List(list) => list.perform(&store, session, out).await,
            Command::Show(show) => show.perform(&store, session, out).await,
        }
    }
}

impl List {
    async fn perform(self, store: &Store<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let run = match &self.run {
            Some(run) => Some(store.run(run).await?.id),
            None => None,
        };
        let mut questions = store.inner.questions(&QuestionFilter { run, open: !self.all, limit: usize::MAX }).await?;
        questions.reverse();
        if session.form() == Form::Json {
            out.json(&questions)?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-question"),
            text!(catalogue, "column-run"),
            text!(catalogue, "column-agent"),
            text!(catalogue, "column-status"),
            text!(catalogue, "column-made"),
            text!(catalogue, "column-title"),
        ]);
        let ids = Short::among(questions.iter().map(|question| question.id.as_str()));
        let runs = Short::among(questions.iter().map(|question| question.run.as_str()));
        for question in questions {
            table.row([
                ids.of(question.id.as_str()),
                runs.of(question.run.as_str()),
                question.agent,
                words::question(question.status, catalogue),
                clock::local(question.created_at),
                question.asked.title,
            ]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}

impl Show {
    async fn perform(self, store: &Store<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let question = store.question(&self.question).await?;
        if session.form() == Form::Json {
            out.json(&question)?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut lines = vec![
            (text!(catalogue, "column-question"), question.id.to_string()),
            (text!(catalogue, "column-run"), question.run.to_string()),
            (text!(catalogue, "column-agent"), question.agent),
            (text!(catalogue, "column-status"), words::question(question.status, catalogue)),
            (text!(catalogue, "column-made"), clock::local(question.created_at)),
        ];
        if let Some(until) = question.until {
            lines.push((text!(catalogue, "column-expires"), clock::local(until)));
        }
        if let Some(by) = question.answered_by {
            lines.push((text!(catalogue, "column-answered"), format!("{by}, {}", clock::local(question.updated_at))));
        }
        lines.push((text!(catalogue, "column-answer"), serde_json::to_string(&question.asked.schema)?));
        for (name, value) in lines {
            writeln!(out, "{name}: {}", one_line(&value))?;
        }
        writeln!(out, "\n{}", plain(&question.asked.title))?;
        writeln!(out, "{}", plain(&question.asked.text))?;
        if let Some(answer) = question.answer {
            writeln!(out, "\n→ {}", serde_json::to_string_pretty(&answer)?)?;
        }
        Ok(Exit::Completed)
    }
}
