//! Diagnostics as text: the icon among its neighbours, what is written in it, and a caret under the offending word.

mod excerpt;

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Place, Severity};
use bloom_ir::document::Locale;
use unicode_width::UnicodeWidthStr as _;

use crate::outline::{Neighbours, Outline, Way};
use crate::read::Icon;
use excerpt::{Row, cut, one_line, plain, rows};

/// Everything fits in so many columns, save messages and hints, which terminals wrap.
const COLUMNS: usize = 80;
/// Where the line between icons stands.
const SKEWER: &str = "      ";

/// The diagnostic for people, in lines; with colours for a terminal. The outline is that of the file that it is about.
pub fn render(diagnostic: &Diagnostic, outline: &Outline, locale: Locale, color: bool) -> String {
    let mut drawing = Drawing { text: String::new(), locale, paint: Paint::new(diagnostic.severity, color), here: ' ' };
    drawing.title(diagnostic);
    match &diagnostic.place {
        Place::File => {}
        Place::Item { id, text, span } => {
            let kind = diagnostic.args.get("icon").map_or("", String::as_str);
            drawing.item(kind, id, text, span.as_ref(), outline);
        }
        Place::Line { line, text, span } => drawing.line(*line, text, span.as_ref(), outline),
        Place::Node { node, pointer, item } => {
            let mut place = node.as_ref().map(|node| format!("{node} ")).unwrap_or_default();
            place.push_str(pointer);
            if let Some(item) = item {
                let icon = drawing.say("icon", "ікона");
                let _ = write!(place, " ({icon} {item})");
            }
            let _ = writeln!(drawing.text, "   {}", plain(&place));
        }
    }
    if let Some(hint) = diagnostic.hint(locale) {
        let help = drawing.say("hint", "порада");
        let style = drawing.paint.help;
        let _ = writeln!(drawing.text, "   {style}{help}:{style:#} {}", plain(&hint));
    }
    drawing.text.truncate(drawing.text.trim_end().len());
    drawing.text
}

/// An icon among its neighbours, or a line between the ones before and after it, in lines; with colours for a terminal. The
/// outline is that of its file or its document; `text` is what is written in the icon.
pub fn excerpt(item: &str, text: &str, outline: &Outline, locale: Locale, color: bool) -> String {
    let mut drawing = Drawing { text: String::new(), locale, paint: Paint::here(color), here: '→' };
    match item.parse() {
        Ok(line) if outline.has_lines() => drawing.line(line, text, None, outline),
        _ => drawing.item("", item, text, None, outline),
    }
    drawing.text.truncate(drawing.text.trim_end().len());
    drawing.text
}

/// The colours of a drawing; without any where none are wanted.
struct Paint {
    /// Of what is wrong.
    mark: Style,
    /// Of what only shows where it is.
    frame: Style,
    help: Style,
    strong: Style,
}

impl Paint {
    /// Of what is shown without anything being wrong.
    fn here(color: bool) -> Self {
        let plain = Style::new();
        if !color {
            return Self { mark: plain, frame: plain, help: plain, strong: plain };
        }
        let here = AnsiColor::Cyan.on_default();
        Self { mark: here, frame: here, help: here, strong: here.bold() }
    }

    fn new(severity: Severity, color: bool) -> Self {
        let plain = Style::new();
        if !color {
            return Self { mark: plain, frame: plain, help: plain, strong: plain };
        }
        let mark = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
        };
        Self {
            mark: mark.on_default().bold(),
            frame: plain.dimmed(),
            help: AnsiColor::Cyan.on_default(),
            strong: plain.bold(),
        }
    }
}

struct Drawing {
    text: String,
    locale: Locale,
    paint: Paint,
    /// What stands before the line that this is about.
    here: char,
}

impl Drawing {
    fn say(&self, english: &'static str, ukrainian: &'static str) -> &'static str {
        match self.locale {
            Locale::En => english,
            Locale::Uk => ukrainian,
        }
    }

    fn title(&mut self, diagnostic: &Diagnostic) {
        let level = match diagnostic.severity {
            Severity::Error => self.say("error", "помилка"),
            Severity::Warning => self.say("warning", "попередження"),
        };
        let (mark, strong) = (self.paint.mark, self.paint.strong);
        let message = diagnostic.message(self.locale);
        let (code, message) = (diagnostic.code, plain(&message));
        let _ = writeln!(self.text, "{mark}{level}[{code}]{mark:#}{strong}: {message}{strong:#}");
    }

    /// The icon in a frame, with what comes before it and after it.
    fn item(&mut self, kind: &str, id: &str, text: &str, span: Option<&Range<usize>>, outline: &Outline) {
        let neighbours = outline.neighbours(id, self.locale);
        let name = match &neighbours {
            Some(neighbours) => self.name(neighbours.icon),
            None if kind == "params" => icon_name(kind, self.locale).to_owned(),
            None => format!("{} {}", self.say("icon", "ікона"), cut(&plain(id), 30)),
        };
        let mut rows = rows(text, span, COLUMNS - 8);
        if let Some(upper) = neighbours.as_ref().map(|neighbours| one_line(&neighbours.icon.secondary))
            && !upper.is_empty()
        {
            rows.insert(0, Row { text: cut(&upper, COLUMNS - 8), mark: None });
        }
        let widest = rows.iter().map(|row| row.text.width()).max().unwrap_or(0);
        let inner = widest.max(name.width() + 6).max(24);
        let frame = self.paint.frame;
        let has_before = neighbours.as_ref().is_some_and(|neighbours| !neighbours.before.is_empty());
        let has_after = neighbours.as_ref().is_some_and(|neighbours| !neighbours.after.is_empty());
        if let Some(neighbours) = &neighbours {
            self.before(neighbours);
        }
        let joint = |joined: bool, sign: char| if joined { sign } else { '─' };
        let rest = "─".repeat((inner + 2).saturating_sub(name.width() + 5));
        let top = joint(has_before, '┴');
        let strong = self.paint.strong;
        let _ = writeln!(self.text, "   {frame}┌──{top}{frame:#} {strong}{name}{strong:#} {frame}{rest}┐{frame:#}");
        for Row { text, mark } in &rows {
            let space = " ".repeat(inner.saturating_sub(text.width()));
            let _ = writeln!(self.text, "   {frame}│{frame:#} {text}{space} {frame}│{frame:#}");
            if let Some(mark) = mark {
                let style = self.paint.mark;
                let carets = "^".repeat(mark.len());
                let (lead, space) = (" ".repeat(mark.start), " ".repeat(inner.saturating_sub(mark.end)));
                let _ =
                    writeln!(self.text, "   {frame}│{frame:#} {lead}{style}{carets}{style:#}{space} {frame}│{frame:#}");
            }
        }
        let bottom = joint(has_after, '┬');
        let _ = writeln!(self.text, "   {frame}└──{bottom}{}┘{frame:#}", "─".repeat(inner - 1));
        if let Some(neighbours) = &neighbours {
            self.after(neighbours);
        }
    }

    fn before(&mut self, neighbours: &Neighbours<'_>) {
        let frame = self.paint.frame;
        for way in &neighbours.before {
            let label = if way.label.is_empty() { String::new() } else { format!(" ({})", way.label) };
            let shown = self.shown(way, &label, COLUMNS - SKEWER.len());
            let _ = writeln!(self.text, "{SKEWER}{shown}");
        }
        if neighbours.more_before > 0 {
            let more = self.more(neighbours.more_before);
            let _ = writeln!(self.text, "{SKEWER}{more}");
        }
        if !neighbours.before.is_empty() {
            let _ = writeln!(self.text, "{SKEWER}{frame}│{frame:#}");
        }
    }

    fn after(&mut self, neighbours: &Neighbours<'_>) {
        let frame = self.paint.frame;
        let widest = neighbours.after.iter().map(|way| way.label.width()).max().unwrap_or(0);
        let more = (neighbours.more_after > 0).then(|| self.more(neighbours.more_after));
        let ways = neighbours.after.iter().map(Some).chain(more.is_some().then_some(None));
        let count = neighbours.after.len() + usize::from(more.is_some());
        for (index, way) in ways.enumerate() {
            let corner = if index + 1 == count { '└' } else { '├' };
            let (label, shown) = match way {
                None => (String::new(), more.clone().unwrap_or_default()),
                Some(way) => (way.label.clone(), self.shown(way, "", COLUMNS - SKEWER.len() - 6 - widest)),
            };
            let arm = if widest == 0 {
                "─→".to_owned()
            } else {
                format!("─ {label}{} →", " ".repeat(widest.saturating_sub(label.width())))
            };
            let _ = writeln!(self.text, "{SKEWER}{frame}{corner}{arm}{frame:#} {shown}");
        }
    }

    /// An icon beside the one that this is about.
    fn shown(&self, way: &Way<'_>, label: &str, columns: usize) -> String {
        let Some(icon) = way.icon else { return self.say("nothing", "нічого").to_owned() };
        let name = format!("{}{label}", self.name(icon));
        let text = one_line(&icon.reading());
        if text.is_empty() { name } else { cut(&format!("{name}: {text}"), columns) }
    }

    fn name(&self, icon: &Icon) -> String {
        // Of a document it may not be known.
        let kind = if icon.type_name.is_empty() { "" } else { icon.kind.name() };
        let kind = icon_name(kind, self.locale);
        format!("{kind} {}", cut(&plain(&icon.id), 30))
    }

    fn more(&self, count: usize) -> String {
        match self.locale {
            Locale::En => format!("… and {count} more"),
            Locale::Uk => format!("… і ще {count}"),
        }
    }

    /// The line between the ones before and after it.
    fn line(&mut self, line: usize, text: &str, span: Option<&Range<usize>>, outline: &Outline) {
        let [before, after] = outline.lines_around(line);
        let digits = after.map_or(line, |(number, _)| number).to_string().len().max(2);
        let columns = COLUMNS - digits - 6;
        let frame = self.paint.frame;
        let numbered = |number: usize| format!("   {number:>digits$} ");
        let beside = |drawing: &mut Self, (number, text): (usize, &str)| {
            for row in rows(text, None, columns).into_iter().take(1) {
                let _ = writeln!(drawing.text, "{frame}{}│{frame:#} {}", numbered(number), row.text);
            }
        };
        if let Some(before) = before {
            beside(self, before);
        }
        for Row { text, mark } in rows(text, span, columns) {
            let here = self.here;
            let _ = writeln!(self.text, "{frame} {here}{}│{frame:#} {text}", &numbered(line)[2..]);
            if let Some(mark) = mark {
                let style = self.paint.mark;
                let (margin, lead) = (" ".repeat(digits + 4), " ".repeat(mark.start));
                let carets = "^".repeat(mark.len());
                let _ = writeln!(self.text, "{margin}{frame}│{frame:#} {lead}{style}{carets}{style:#}");
            }
        }
        if let Some(after) = after {
            beside(self, after);
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
        _ => ["icon", "ікона"],
    };
    match locale {
        Locale::En => names[0],
        Locale::Uk => names[1],
    }
}
