//! What is written in icons and in pseudocode, as trees.

mod compound;
mod expression;
mod icons;
mod keywords;
mod limits;
mod literal;
mod llm;
mod loops;
mod names;
mod operators;
mod parameters;
mod problem;
pub(crate) mod program;
mod sections;
mod shape;
mod statement;
pub(crate) mod unread;
mod vocabulary;
mod waiting;

pub(crate) use compound::compound;
pub(crate) use expression::{Expression, Use, expression as read_expression, input};
pub(crate) use icons::{input as input_icon, insertion, output as output_icon, process, timer};
pub(crate) use keywords::Keyword;
pub(crate) use llm::{LlmCall, Template, template_parts};
pub(crate) use loops::{LoopHead, literals, loop_head};
pub(crate) use names::{
    Near, Special, Speller, find_word, foreign_letter, is_callee, is_variable, is_word, nearest, script, skeleton,
    special, surface_name,
};
pub(crate) use operators::binary;
pub(crate) use parameters::{Parameters, declares_machine, parameters};
pub(crate) use problem::{Problem, Unit};
pub(crate) use sections::{is_format, remarks};
pub(crate) use statement::{
    Argument, AwaitKind, Due, Jump, Spanned, Statement, Target, condition, looks_like_code, prose, statements,
};
pub(crate) use vocabulary::Vocabulary;
pub(crate) use waiting::{Asked, due, duration_seconds, takes_time};

/// The grammar; its rules stay inside this module.
mod grammar {
    #![allow(missing_docs, reason = "generated from the grammar")]
    #[derive(pest_derive::Parser)]
    #[grammar = "text/grammar.pest"]
    pub(super) struct Grammar;
}

/// A part of a text that stands somewhere in it: spans are given in the whole text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Part<'a> {
    pub(crate) fn new(text: &'a str, offset: usize) -> Self {
        Self { text, offset }
    }

    fn span(&self, span: pest::Span<'_>) -> std::ops::Range<usize> {
        // Rules take the white space before what they looked for in vain.
        self.offset + span.start()..self.offset + span.start() + span.as_str().trim_end().len()
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// All of it without white space at its ends.
    pub(crate) fn trimmed(&self) -> Part<'a> {
        let start = self.text.len() - self.text.trim_start().len();
        Part { text: self.text.trim(), offset: self.offset + start }
    }

    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.text.len()
    }

    /// A part of this part.
    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> Part<'a> {
        Part { text: &self.text[range.clone()], offset: self.offset + range.start }
    }
}
