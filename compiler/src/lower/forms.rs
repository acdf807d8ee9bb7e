//! What each icon was understood as.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::read::ItemId;
use crate::text::{Expression, LoopHead, Spanned, Statement};

/// What each icon of a diagram was understood as.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    forms: BTreeMap<ItemId, Form>,
    seconds: BTreeMap<ItemId, u32>,
}

/// What an icon was understood as.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each icon at most")]
pub(crate) enum Form {
    /// Any that does something.
    Statements(Vec<Spanned<Statement>>),
    Question(Asked),
    Select {
        on: Asked,
        cases: Vec<CaseForm>,
    },
    Loop(LoopHead),
}

/// A condition, or prose.
#[derive(Debug)]
pub(crate) enum Asked {
    Expression(Expression),
    Prose(String),
}

impl From<&Result<Expression, String>> for Asked {
    fn from(asked: &Result<Expression, String>) -> Self {
        match asked {
            Ok(expression) => Self::Expression(expression.clone()),
            Err(text) => Self::Prose(text.clone()),
        }
    }
}

/// A case of a choice.
#[derive(Debug)]
pub(crate) struct CaseForm {
    /// Of prose the text; none: this case takes what is left.
    pub(crate) values: Vec<Value>,
    pub(crate) to: ItemId,
}

impl Forms {
    pub(crate) fn of(&self, item: ItemId) -> Option<&Form> {
        self.forms.get(&item)
    }

    /// Whether an icon is prose as a whole.
    pub(crate) fn is_prose(&self, item: ItemId) -> bool {
        match self.of(item) {
            Some(Form::Statements(statements)) => {
                matches!(statements.as_slice(), [Spanned { node: Statement::Prose(_), .. }])
            }
            _ => false,
        }
    }

    /// The limit of time from the duration beside an icon.
    pub(crate) fn seconds(&self, item: ItemId) -> Option<u32> {
        self.seconds.get(&item).copied()
    }

    pub(super) fn set(&mut self, item: ItemId, form: Form) {
        self.forms.insert(item, form);
    }

    pub(super) fn limit(&mut self, item: ItemId, seconds: u32) {
        self.seconds.insert(item, seconds);
    }
}
