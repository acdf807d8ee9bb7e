//! Diagnostics as text: the icon, what is written in it, and a caret under the offending word.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, Title};
use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Place, Severity};
use bloom_ir::document::Locale;

/// The diagnostic for people, in lines; with colours for a terminal.
pub fn render(diagnostic: &Diagnostic, locale: Locale, color: bool) -> String {
    let level = match (diagnostic.severity, locale) {
        (Severity::Error, Locale::En) => Level::ERROR,
        (Severity::Error, Locale::Uk) => Level::ERROR.with_name("помилка"),
        (Severity::Warning, Locale::En) => Level::WARNING,
        (Severity::Warning, Locale::Uk) => Level::WARNING.with_name("попередження"),
    };
    let message = diagnostic.message(locale);
    let hint = diagnostic.hint(locale);
    let place = describe(diagnostic, locale);
    let mut group = drawn(level.primary_title(message.as_str()).id(diagnostic.code.0), diagnostic, &place);
    if let Some(hint) = &hint {
        let help = match locale {
            Locale::En => Level::HELP,
            Locale::Uk => Level::HELP.with_name("порада"),
        };
        group = group.element(help.message(hint.as_str()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The title with what it is about below it.
fn drawn<'a>(title: Title<'a>, diagnostic: &'a Diagnostic, place: &'a str) -> Group<'a> {
    match &diagnostic.place {
        Place::Item { text, span, .. } if !text.trim().is_empty() => {
            title.element(snippet(text, span.as_ref(), 1, place))
        }
        Place::Line { line, text, span } if !text.trim().is_empty() => {
            title.element(snippet(text, span.as_ref(), *line, place))
        }
        Place::File => Group::with_title(title),
        _ => title.element(Origin::path(place)),
    }
}

fn snippet<'a>(text: &'a str, span: Option<&Range<usize>>, line: usize, place: &'a str) -> Snippet<'a, Annotation<'a>> {
    let inside = |span: &&Range<usize>| {
        span.start < span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end)
    };
    let span = span.filter(inside).cloned().unwrap_or_else(|| first_line(text));
    Snippet::source(text).line_start(line).path(place).annotation(AnnotationKind::Primary.span(span))
}

fn first_line(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    let end = text[start..].find('\n').map_or(text.len(), |offset| start + offset);
    start..start + text[start..end].trim_end().len()
}

/// What the place is called.
fn describe(diagnostic: &Diagnostic, locale: Locale) -> String {
    match &diagnostic.place {
        Place::File => String::new(),
        Place::Item { id, .. } => {
            let kind = diagnostic.args.get("icon").map_or("", String::as_str);
            match icon_name(kind, locale) {
                name if kind == "params" => name.to_owned(),
                "" => match locale {
                    Locale::En => format!("icon {id}"),
                    Locale::Uk => format!("ікона {id}"),
                },
                name => format!("{name} {id}"),
            }
        }
        Place::Line { .. } => match locale {
            Locale::En => "pseudocode".to_owned(),
            Locale::Uk => "псевдокод".to_owned(),
        },
        Place::Node { node, pointer, item } => {
            let mut place = node.as_ref().map(|node| format!("{node} ")).unwrap_or_default();
            place.push_str(pointer);
            if let Some(item) = item {
                let icon = match locale {
                    Locale::En => "icon",
                    Locale::Uk => "ікона",
                };
                let _ = write!(place, " ({icon} {item})");
            }
            place
        }
    }
}

/// An icon type, for people.
fn icon_name(kind: &str, locale: Locale) -> &'static str {
    let names = match kind {
        "action" => ["action", "дія"],
        "arrow-loop" => ["arrow loop", "стрілка циклу"],
        "branch" => ["branch", "гілка"],
        "case" => ["case", "випадок"],
        "comment" => ["comment", "коментар"],
        "ctrlend" => ["control end", "кінець керування"],
        "ctrlstart" => ["control start", "початок керування"],
        "duration" => ["duration", "тривалість"],
        "end" => ["end", "кінець"],
        "input" => ["input", "введення"],
        "insertion" => ["insertion", "вставка"],
        "loopbegin" => ["loop", "цикл"],
        "loopend" => ["loop end", "кінець циклу"],
        "output" => ["output", "виведення"],
        "params" => ["parameters", "параметри"],
        "parbegin" => ["parallel", "паралель"],
        "parend" => ["end of parallel", "кінець паралелі"],
        "pause" => ["pause", "пауза"],
        "process" => ["process", "процес"],
        "question" => ["question", "питання"],
        "select" => ["select", "вибір"],
        "shelf" => ["shelf", "полиця"],
        "simpleinput" => ["simple input", "просте введення"],
        "simpleoutput" => ["simple output", "просте виведення"],
        "timer" => ["timer", "таймер"],
        _ => ["", ""],
    };
    match locale {
        Locale::En => names[0],
        Locale::Uk => names[1],
    }
}
