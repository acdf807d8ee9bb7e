//! Whole programs in pseudocode, line by line; blocks are told by indentation.

use super::literal::{name, string_literal};
use super::loops::{self, LoopHead};
use super::sections::{Section, block_head, is_format, is_remark, line_end, sections, statement_end};
use super::statement::{self, Spanned, Statement};
use super::waiting::{self, Asked};
use super::{Parameters, Part, Problem, Vocabulary, keywords, llm, parameters};
use crate::codes;

/// A line of a program, and how deep it stands.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) indent: usize,
    pub(crate) content: Spanned<Content>,
}

/// What a line says.
#[derive(Debug)]
pub(crate) enum Content {
    If(Asked),
    Else,
    ElseIf(Asked),
    Loop(LoopHead),
    /// `ПОВТОРЮВАТИ`: left by a jump only.
    Repeat,
    Select(Asked),
    Case(Vec<Spanned<serde_json::Value>>),
    Branch(String),
    /// `ПАРАЛЕЛЬНО`: its paths follow.
    Parallel,
    /// `ШЛЯХ`
    Path,
    /// `КРОК 3:`: jumps may lead to the line below.
    Label(String),
    /// `ПРОПУСТИТИ`: nothing, where a block would be empty.
    Skip,
    Statement(Statement),
    /// The head of a block that could not be read.
    Broken,
}

/// A program that was read.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) title: String,
    pub(crate) parameters: Parameters,
    pub(crate) lines: Vec<Line>,
    /// Where the last line stands.
    pub(crate) end: std::ops::Range<usize>,
}

const BEGIN: [&str; 2] = ["ПОЧАТОК", "BEGIN"];
const END: [&str; 2] = ["КІНЕЦЬ", "END"];

const QUOTATION_MARKS: [char; 5] = ['"', '\'', '«', '“', '„'];

/// Whether the text holds a program.
pub(crate) fn is_program(text: &str) -> bool {
    text.lines().any(|line| keyword(line.trim(), &BEGIN).is_some())
}

/// What follows the keyword that the line begins with.
fn keyword<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| {
        let rest = line.strip_prefix(word)?;
        (!rest.starts_with(super::limits::is_letter)).then(|| rest.trim_start())
    })
}

/// Reads a program; what stands before `ПОЧАТОК` and after `КІНЕЦЬ` is not part of it.
pub(crate) fn program(text: &str, vocabulary: &Vocabulary<'_>) -> (Program, Vec<Problem>) {
    let mut reader = Reader { text, vocabulary, problems: Vec::new(), lines: Vec::new() };
    let program = reader.program();
    (program, reader.problems)
}

struct Reader<'a> {
    text: &'a str,
    vocabulary: &'a Vocabulary<'a>,
    problems: Vec<Problem>,
    lines: Vec<Line>,
}

impl Reader<'_> {
    fn program(&mut self) -> Program {
        let mut position = 0;
        let mut title = String::new();
        let mut begin = 0;
        while position < self.text.len() {
            let end = line_end(self.text, position);
            let line = &self.text[position..end];
            if let Some(rest) = keyword(line.trim(), &BEGIN) {
                title = string_literal_or_text(rest);
                begin = line.len() - line.trim_start().len();
                position = end + 1;
                break;
            }
            position = end + 1;
        }
        let start = position;
        let mut parameter_text = String::new();
        let mut closed = None;
        while position < self.text.len() {
            let end = line_end(self.text, position);
            let line = &self.text[position..end];
            let trimmed = line.trim();
            let indent = self.indentation(line, position);
            if trimmed.is_empty() || is_remark(trimmed) {
                position = end + 1;
                continue;
            }
            let here = position + (line.len() - line.trim_start().len());
            if indent <= begin && keyword(trimmed, &END) == Some("") {
                closed = Some(here..here + trimmed.len());
                break;
            }
            if keyword(trimmed, &["АВТОМАТ", "MACHINE"]) == Some("") {
                parameter_text.push_str("# machine\n");
                position = end + 1;
                continue;
            }
            if let Some(rest) = keyword(trimmed, &["ПАРАМЕТР", "ПАРАМЕТРИ", "PARAM", "PARAMS"]) {
                parameter_text.push_str(rest);
                parameter_text.push('\n');
                position = end + 1;
                continue;
            }
            position = self.line(here, indent);
        }
        if closed.is_none() {
            let last = self.lines.last().map_or(0..start.min(self.text.len()), |line| line.content.span.clone());
            self.problems.push(Problem::error(codes::NO_END, last));
        }
        let (parameters, problems) = parameters::parameters(&parameter_text);
        // Their lines are short; the whole block is marked.
        self.problems.extend(problems.into_iter().map(|problem| Problem { span: 0..0, ..problem }));
        let end = closed.unwrap_or(self.text.len()..self.text.len());
        Program { title, parameters, lines: std::mem::take(&mut self.lines), end }
    }

    fn indentation(&mut self, line: &str, position: usize) -> usize {
        let blank = &line[..line.len() - line.trim_start().len()];
        if blank.contains('\t') && !line.trim().is_empty() {
            self.problems.push(Problem::error(codes::INDENTATION, position..position + blank.len()));
        }
        blank.chars().count()
    }

    /// Reads the line that begins here; returns where the next one begins.
    fn line(&mut self, here: usize, indent: usize) -> usize {
        let text = self.text;
        // A head may go on over lines while its brackets are open.
        let end = statement_end(text, here);
        let trimmed = text[here..end].trim_end();
        let head =
            |words: &[&str]| keyword(trimmed, words).map(|after| Part::new(after, here + trimmed.len() - after.len()));
        let whole = here..here + trimmed.len();
        let content = if let Some(part) = head(&["ІНАКШЕ ЯКЩО", "ELSE IF", "ELSEIF", "ELIF"]) {
            waiting::asked(colonless(part)).map(Content::ElseIf)
        } else if let Some(part) = head(&["ІНАКШЕ", "ELSE"]) {
            alone(part, Content::Else)
        } else if let Some(part) = head(&["ЯКЩО", "IF"]) {
            waiting::asked(colonless(part)).map(Content::If)
        } else if keyword(trimmed, &["ДЛЯ", "FOR", "FOREACH"]).is_some() {
            let part = colonless(Part::new(trimmed, here));
            loops::loop_head(part).map(Content::Loop)
        } else if let Some(part) = head(&["ПОВТОРЮВАТИ", "REPEAT"]) {
            let part = colonless(part);
            if part.text().is_empty() { Ok(Content::Repeat) } else { loops::loop_head(part).map(Content::Loop) }
        } else if let Some(part) = head(&["ВИБІР", "SELECT"]) {
            waiting::asked(colonless(part)).map(Content::Select)
        } else if let Some(part) = head(&["ВИПАДОК", "CASE"]) {
            loops::literals(colonless(part)).map(Content::Case)
        } else if let Some(part) = head(&["ПАРАЛЕЛЬНО", "PARALLEL"]) {
            alone(part, Content::Parallel)
        } else if let Some(part) = head(&["ШЛЯХ", "PATH"]) {
            alone(part, Content::Path)
        } else if let Some(part) = head(&["ПРОПУСТИТИ", "SKIP"]) {
            alone(part, Content::Skip)
        } else if let Some(part) = head(&["КРОК", "STEP"]) {
            statement::label(colonless(part)).map(Content::Label)
        } else if let Some(part) = head(&["ГІЛКА", "BRANCH"]) {
            Ok(Content::Branch(string_literal_or_text(colonless(part).text())))
        } else {
            return self.statement(here, indent);
        };
        self.push(content, indent, whole);
        end + 1
    }

    fn push(&mut self, content: Result<Content, Problem>, indent: usize, span: std::ops::Range<usize>) {
        match content {
            Ok(node) => self.lines.push(Line { indent, content: Spanned { node, span } }),
            Err(problem) => {
                self.problems.push(problem);
                self.lines.push(Line { indent, content: Spanned { node: Content::Broken, span } });
            }
        }
    }

    fn statement(&mut self, here: usize, indent: usize) -> usize {
        let end = if let Some(colon) = block_head(self.text, here) {
            self.block_end(colon, indent)
        } else {
            let end = statement_end(self.text, here);
            let next = (end + 1).min(self.text.len());
            if is_format(&self.text[next..]) { statement_end(self.text, next) } else { end }
        };
        for section in sections(Part::new(&self.text[here..end], here)) {
            let read = match section {
                Section::Statement(part) => statement::statement(part, self.vocabulary),
                Section::Block(block) => llm::block(&block)
                    .map(|call| Spanned { span: block.head.range(), node: Statement::Llm(Box::new(call)) }),
            };
            let misspelt = || keywords::misspelt_head(Part::new(&self.text[here..end], here));
            match read {
                // A block whose head is misspelt is still a block: what stands in it is looked at.
                Ok(Spanned { node: Statement::Prose(_), span })
                    if !self.text[here..].starts_with(QUOTATION_MARKS) && misspelt().is_some() =>
                {
                    self.problems.extend(misspelt());
                    self.lines.push(Line { indent, content: Spanned { node: Content::Broken, span } });
                }
                Ok(Spanned { node, span }) => {
                    self.lines.push(Line { indent, content: Spanned { node: Content::Statement(node), span } });
                }
                Err(problem) => self.problems.push(misspelt().unwrap_or(problem)),
            }
        }
        end + 1
    }

    /// The block of an LLM call is what stands deeper than its head, and its format.
    fn block_end(&self, colon: usize, indent: usize) -> usize {
        let mut end = line_end(self.text, colon);
        while end < self.text.len() {
            let next = end + 1;
            let line = &self.text[next..line_end(self.text, next)];
            let deeper = line.len() - line.trim_start().len() > indent;
            if !line.trim().is_empty() && is_format(line) {
                return statement_end(self.text, next);
            }
            if !line.trim().is_empty() && !deeper {
                break;
            }
            end = line_end(self.text, next);
        }
        end.min(self.text.len())
    }
}

/// A word that stands alone on its line.
fn alone(part: Part<'_>, content: Content) -> Result<Content, Problem> {
    let part = colonless(part);
    if part.text().is_empty() {
        Ok(content)
    } else {
        Err(Problem::error(codes::SYNTAX, part.range()).with("found", part.text()).with("expected", "other"))
    }
}

fn colonless(part: Part<'_>) -> Part<'_> {
    let part = part.trimmed();
    let length = part.text().trim_end_matches(':').trim_end().len();
    part.slice(0..length)
}

fn string_literal_or_text(text: &str) -> String {
    let text = text.trim();
    match text.chars().next() {
        Some('"' | '\'' | '«' | '“' | '„') => string_literal(text),
        _ => name(text),
    }
}
