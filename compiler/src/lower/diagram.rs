//! Icons to steps.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};

use super::Lowering;
use super::draft::{ANSWER, NOWHERE, Op, Step, StepId, Wish};
use super::forms::{Asked, CaseForm, Form};
use super::statements::Ways;
use crate::Prose;
use crate::codes;
use crate::graph::Graph;
use crate::read::{Icon, ItemId, Kind};
use crate::text::{self, Expression, LoopHead, Part, Problem, Spanned, Statement, Target, Unit, binary};

/// How the rounds of a `for` loop go on.
#[derive(Clone, Copy)]
struct Rounds {
    /// The step that a round ends with.
    again: StepId,
    /// What follows the loop.
    leave: StepId,
}

/// Where prose stands.
pub(super) struct Spot {
    pub(super) unit: usize,
    /// The reserved step that it fills.
    pub(super) at: StepId,
    pub(super) span: std::ops::Range<usize>,
}

impl Spot {
    /// What the prose that stands here was answered.
    fn answer(&self) -> Expression {
        let answer = Expr::Variable(ANSWER.to_owned());
        Expression::made(Expr::Member { target: Box::new(answer), name: "answer".to_owned() }, self.span.clone())
    }
}

impl Lowering<'_> {
    /// Every icon that a run can come to, once.
    pub(super) fn icons(&mut self, graph: &Graph<'_>) {
        let count = graph.diagram.icons.len();
        // The head of each icon is known before any icon is lowered, so that ways can meet in it.
        let mut heads = vec![NOWHERE; count];
        for item in (0..count).filter(|item| graph.reachable[*item]) {
            let icon = graph.icon(item);
            let unit = self.draft.unit(Unit::icon(&icon.id, &icon.kind, &icon.text).under(&icon.secondary));
            heads[item] = self.draft.reserve(unit);
            self.icon_types.insert(icon.id.clone(), icon.type_name.clone());
        }
        let head = |item: Option<ItemId>| item.map_or(NOWHERE, |item| heads[item]);
        for (item, icon) in graph.diagram.icons.iter().enumerate() {
            if icon.kind == Kind::Branch && graph.reachable[item] {
                self.branches.insert(icon.text.trim().to_lowercase(), heads[item]);
            }
        }
        let end =
            graph.diagram.icons.iter().position(|icon| icon.kind == Kind::End).filter(|end| graph.reachable[*end]);
        // A loop's begin decides what its end does; ends come later in no particular order.
        let mut rounds: Vec<Option<Rounds>> = vec![None; count];
        for item in (0..count).filter(|item| graph.reachable[*item] && graph.icon(*item).kind == Kind::LoopBegin) {
            let after = head(graph.partner[item].and_then(|end| graph.icon(end).one));
            rounds[item] = Some(self.loop_begin(graph, item, heads[item], head(graph.icon(item).one), after));
        }
        // Whether a word in a question is a variable or prose is known when all variables are.
        let decides = |item: &ItemId| matches!(graph.icon(*item).kind, Kind::Question | Kind::Select);
        let (late, early): (Vec<ItemId>, Vec<ItemId>) =
            (0..count).filter(|item| graph.reachable[*item]).partition(decides);
        for item in early {
            let icon = graph.icon(item);
            let at = heads[item];
            let unit = self.draft.steps[at].unit;
            let around = graph.enclosing[item].filter(|begin| graph.path[*begin] == graph.path[item]);
            let around = around.and_then(|begin| rounds[begin]);
            let ways = Ways {
                next: head(icon.one),
                end: end.map(|end| heads[end]),
                in_path: graph.path[item].is_some(),
                again: around.map(|around| around.again),
                leave: around.map(|around| around.leave),
            };
            match icon.kind {
                // Loops were begun above, and a fork has made its end a join.
                Kind::LoopBegin | Kind::ParEnd => {}
                Kind::LoopEnd => {
                    let again =
                        graph.partner[item].and_then(|begin| rounds[begin]).map_or(NOWHERE, |rounds| rounds.again);
                    self.place(at, unit, Vec::new(), again);
                }
                Kind::End => {
                    let value = Expression::made(Expr::Map(Vec::new()), 0..0);
                    let op = Op::Return { status: bloom_ir::document::ReturnStatus::Completed, value };
                    self.draft.steps[at] = Step { op, unit, part: None, first: true, span: 0..0 };
                }
                Kind::ParBegin => self.parallel(graph, item, &heads),
                Kind::ArrowLoop | Kind::Branch | Kind::Case | Kind::Comment | Kind::Duration => {
                    self.place(at, unit, Vec::new(), ways.next);
                }
                _ => {
                    let statements = self.icon_statements(icon, unit);
                    if let Some(forms) = &mut self.forms {
                        forms.set(item, Form::Statements(statements.clone()));
                    }
                    self.sequence(at, unit, statements, &ways);
                    self.timed(graph, item, at, ways.next);
                }
            }
        }
        let variables = self.draft.steps.iter().flat_map(|step| step.op.sets()).map(str::to_owned);
        self.variables = variables.collect();
        for item in late {
            let icon = graph.icon(item);
            let at = heads[item];
            if icon.kind == Kind::Question {
                self.question(item, icon, at, [head(icon.one), head(icon.two)]);
            } else {
                self.select(graph, item, at, &heads);
            }
            self.timed(graph, item, at, NOWHERE);
        }
        self.draft.entry = heads[graph.entry];
        self.draft.catch = graph.catch.map(|catch| heads[catch]);
    }

    fn parallel(&mut self, graph: &Graph<'_>, item: ItemId, heads: &[StepId]) {
        // Heads of further paths are the fork's own.
        let Some(parallel) = graph.parallels.get(&item) else { return };
        let at = heads[item];
        let unit = self.draft.steps[at].unit;
        let join = heads[parallel.end];
        if join == NOWHERE {
            return;
        }
        let to = |item: Option<ItemId>| item.map_or(NOWHERE, |item| heads[item]);
        let branches = parallel.paths.iter().map(|path| (to(graph.icon(*path).one), Vec::new())).collect();
        let icons = parallel.paths.iter().filter(|path| heads[**path] != NOWHERE);
        let icons = icons.map(|path| self.draft.steps[heads[*path]].unit).collect();
        let op = Op::Fork { branches, join, icons };
        self.draft.steps[at] = Step { op, unit, part: None, first: true, span: 0..0 };
        let next = to(graph.icon(parallel.end).one);
        let unit = self.draft.steps[join].unit;
        self.draft.steps[join] = Step { op: Op::Join { fork: at, next }, unit, part: None, first: true, span: 0..0 };
    }

    /// What an icon does.
    fn icon_statements(&mut self, icon: &Icon, unit: usize) -> Vec<Spanned<Statement>> {
        let reading = icon.reading();
        let whole = 0..icon.text.trim_end().len();
        if reading.is_empty() {
            if !matches!(icon.kind, Kind::Action) && !self.options.opaque {
                self.problem(unit, Problem::error(codes::NO_TEXT, 0..0));
            }
            return Vec::new();
        }
        let prose = |text| vec![Spanned { node: Statement::Prose(text), span: whole.clone() }];
        if self.options.opaque {
            return prose(reading);
        }
        let plain = matches!(icon.kind, Kind::Action | Kind::ControlStart | Kind::ControlEnd);
        if plain {
            let (statements, problems) = text::statements(Part::new(&icon.text, 0), self.vocabulary);
            for problem in problems {
                self.problem(unit, problem);
            }
            return paragraphs(statements);
        }
        let lower = Part::new(&icon.text, 0);
        let vocabulary = self.vocabulary;
        let read = match icon.kind {
            Kind::Pause => text::due(lower).map(|due| Spanned { node: Statement::Sleep(due), span: whole.clone() }),
            Kind::Timer => text::timer(lower, vocabulary),
            Kind::Insertion => text::insertion(lower, vocabulary),
            Kind::Process => text::process(&icon.secondary, lower, vocabulary),
            Kind::Input | Kind::SimpleInput => text::input_icon(&icon.secondary, lower, vocabulary),
            Kind::Output | Kind::SimpleOutput => text::output_icon(&icon.secondary, lower, vocabulary),
            _ => {
                let (statements, problems) = self.shelf(icon);
                if !problems.is_empty() {
                    self.perhaps_set.extend(text::unread::words(&icon.secondary));
                }
                for problem in problems {
                    self.problem(unit, problem);
                }
                return statements;
            }
        };
        match read {
            Ok(Spanned { node: Statement::Prose(_), .. }) => prose(reading),
            Ok(statement) => vec![statement],
            Err(_) if !text::looks_like_code(&reading) => prose(reading),
            Err(problem) => {
                self.problem(unit, problem);
                Vec::new()
            }
        }
    }

    /// The upper text is what changes, the lower one its value.
    fn shelf(&self, icon: &Icon) -> (Vec<Spanned<Statement>>, Vec<Problem>) {
        let lower = &icon.text;
        let text = format!("{} ← {}", icon.secondary.trim(), lower.trim());
        let start = text.len() - lower.trim().len();
        let (statements, problems) = text::statements(Part::new(&text, 0), self.vocabulary);
        // Spans are in the joined text; those in the lower one are moved there, others mark the icon as a whole.
        let lead = lower.len() - lower.trim_start().len();
        let shift = |span: std::ops::Range<usize>| {
            if span.start >= start { span.start - start + lead..span.end - start + lead } else { 0..0 }
        };
        if !problems.is_empty() && !text::looks_like_code(&icon.reading()) {
            let prose = Spanned { node: Statement::Prose(icon.reading()), span: 0..lower.len() };
            return (vec![prose], Vec::new());
        }
        let problems = problems.into_iter().map(|problem| Problem { span: shift(problem.span.clone()), ..problem });
        let statements = statements
            .into_iter()
            .map(|Spanned { node, .. }| Spanned { node: shift_uses(node, &shift), span: 0..lower.len() });
        (statements.collect(), problems.collect())
    }

    /// The duration beside an icon limits the steps from `at` up to `until` that take time.
    fn timed(&mut self, graph: &Graph<'_>, item: ItemId, at: StepId, until: StepId) {
        let Some(side) = graph.icon(item).side.map(|side| graph.icon(side)) else { return };
        if self.options.opaque || side.kind != Kind::Duration {
            return;
        }
        let unit = self.draft.steps[at].unit;
        let side_unit = self.draft.unit(Unit::icon(&side.id, &side.kind, &side.text));
        let seconds = match text::duration_seconds(Part::new(&side.text, 0)) {
            Ok(seconds) => seconds,
            Err(problem) => {
                self.problem(side_unit, problem);
                return;
            }
        };
        if let Some(forms) = &mut self.forms {
            forms.limit(item, seconds);
        }
        let mut any = false;
        let mut step = at;
        while step != until
            && let Some(Step { op, unit: of, .. }) = self.draft.steps.get_mut(step).filter(|step| step.unit == unit)
        {
            debug_assert_eq!(*of, unit);
            any |= op.limit(seconds);
            step = op.next_mut().map_or(NOWHERE, |next| *next);
        }
        if !any {
            self.problem(side_unit, Problem::warning(codes::NOTHING_TO_TIME, 0..side.text.len()));
        }
    }

    /// Whether a text that could be read as an expression is prose all the same: a literal, or a lone word that is no
    /// variable.
    fn is_prose(&self, expression: &Expression) -> bool {
        match &expression.expr {
            Expr::Literal(Literal::String(_)) => true,
            Expr::Variable(name) => {
                self.options.prose != Prose::Error
                    && text::special(name).is_none()
                    && !self.parameters.contains(name)
                    && !self.variables.contains(name)
            }
            _ => false,
        }
    }

    /// A question: its condition, or prose that is to be decided.
    pub(super) fn asked(
        &mut self,
        unit: usize,
        read: Result<Expression, Problem>,
        reading: &str,
    ) -> Option<Result<Expression, String>> {
        let unread = match read {
            Ok(expression) if !self.is_prose(&expression) => return Some(Ok(expression)),
            Ok(expression) => match expression.as_text() {
                Some(text) => (text.to_owned(), Problem::error(codes::PROSE_QUESTION, expression.span)),
                None => (reading.trim().to_owned(), Problem::error(codes::PROSE_QUESTION, expression.span)),
            },
            Err(problem) if problem.code == codes::PROSE_QUESTION => (reading.trim().to_owned(), problem),
            Err(problem) => {
                self.problem(unit, problem);
                return None;
            }
        };
        let (text, problem) = unread;
        if self.options.prose == Prose::Error {
            self.problem(unit, problem);
            return None;
        }
        Some(Err(text))
    }

    fn question(&mut self, item: ItemId, icon: &Icon, at: StepId, [one, two]: [StepId; 2]) {
        let unit = self.draft.steps[at].unit;
        let reading = icon.reading();
        let asked = if self.options.opaque {
            Some(Err(reading))
        } else if reading.is_empty() {
            self.problem(unit, Problem::error(codes::NO_TEXT, 0..0));
            None
        } else {
            if let Some(problem) = text::compound(Part::new(&icon.text, 0)) {
                self.problem(unit, problem);
            }
            let read = text::condition(Part::new(&icon.text, 0));
            self.asked(unit, read, &icon.text)
        };
        let (then, otherwise) = if icon.one_is_yes { (one, two) } else { (two, one) };
        if let (Some(forms), Some(asked)) = (&mut self.forms, &asked) {
            forms.set(item, Form::Question(Asked::from(asked)));
        }
        match asked {
            None => {}
            Some(Ok(when)) => {
                let span = when.span.clone();
                let op = Op::If { when, then, otherwise };
                self.draft.steps[at] = Step { op, unit, part: None, first: true, span };
            }
            Some(Err(text)) => {
                let spot = Spot { unit, at, span: 0..icon.text.len() };
                self.decided(&spot, text, then, otherwise);
            }
        }
    }

    /// A question by prose: an LLM or a person says yes or no. Returns the step that goes by the answer.
    pub(super) fn decided(&mut self, spot: &Spot, text: String, then: StepId, otherwise: StepId) -> StepId {
        let decision = self.answered(spot, Wish::Decided, text);
        self.draft.steps[decision].op = Op::If { when: spot.answer(), then, otherwise };
        decision
    }

    /// Puts a prose step; returns the step that decides by its answer.
    fn answered(&mut self, spot: &Spot, wish: Wish, text: String) -> StepId {
        let step = |op, part, first| Step { op, unit: spot.unit, part: Some(part), first, span: spot.span.clone() };
        let decision = self.draft.push(step(Op::Pass { shown: false, next: NOWHERE }, 1, false));
        let op = Op::Prose { wish, text, follows: false, timeout: None, next: decision };
        self.draft.steps[spot.at] = step(op, 0, true);
        decision
    }

    fn select(&mut self, graph: &Graph<'_>, item: ItemId, at: StepId, heads: &[StepId]) {
        let unit = self.draft.steps[at].unit;
        let icon = graph.icon(item);
        let whole = 0..icon.text.len();
        let cases: Vec<(&Icon, usize, StepId)> = graph
            .cases
            .get(&item)
            .into_iter()
            .flatten()
            .filter(|case| heads[**case] != NOWHERE)
            .map(|case| {
                let icon = graph.icon(*case);
                (icon, self.draft.steps[heads[*case]].unit, icon.one.map_or(NOWHERE, |one| heads[one]))
            })
            .collect();
        let icons = cases.iter().map(|(_, unit, _)| *unit).collect();
        let asked = if self.options.opaque {
            Some(Err(icon.reading()))
        } else if icon.text.trim().is_empty() {
            self.problem(unit, Problem::error(codes::NO_TEXT, 0..0));
            None
        } else {
            let read = text::condition(Part::new(&icon.text, 0));
            self.asked(unit, read, &icon.text)
        };
        if let Some(Err(text)) = asked {
            let opaque = self.options.opaque;
            let text_of = |icon: &Icon| if opaque { icon.reading() } else { unquoted(&icon.text) };
            if let Some(forms) = &mut self.forms {
                let cases = cases
                    .iter()
                    .map(|(icon, ..)| CaseForm { values: vec![text_of(icon).into()], to: icon.one.unwrap_or(item) });
                let cases = cases.collect();
                forms.set(item, Form::Select { on: Asked::Prose(text.clone()), cases });
            }
            let cases = cases.iter().map(|(icon, _, to)| (text_of(icon), *to)).collect();
            self.chosen(&Spot { unit, at, span: whole }, text, cases, icons);
            return;
        }
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut read = Vec::new();
        let mut otherwise = None;
        let mut forms = Vec::new();
        for (icon, case_unit, to) in cases {
            let mut form = CaseForm { values: Vec::new(), to: icon.one.unwrap_or(item) };
            if icon.text.trim().is_empty() {
                otherwise = Some(to);
                forms.push(form);
                continue;
            }
            match text::literals(Part::new(&icon.text, 0)) {
                Ok(literals) => {
                    let mut values = Vec::new();
                    for Spanned { node, span } in literals {
                        let written = node.to_string();
                        if !seen.insert(written.clone()) {
                            self.problem(case_unit, Problem::error(codes::REPEATED_CASE, span).with("name", &written));
                        }
                        values.push(node);
                    }
                    form.values.clone_from(&values);
                    forms.push(form);
                    read.push((values, to));
                }
                Err(problem) => self.problem(case_unit, problem),
            }
        }
        if let Some(Ok(on)) = asked {
            if let Some(known) = &mut self.forms {
                known.set(item, Form::Select { on: Asked::Expression(on.clone()), cases: forms });
            }
            let span = on.span.clone();
            let op = Op::Choice { on, cases: read, otherwise, icons };
            self.draft.steps[at] = Step { op, unit, part: None, first: true, span };
        }
    }

    /// A choice by prose: an LLM or a person picks one of the texts. An empty last text takes what is left.
    pub(super) fn chosen(&mut self, spot: &Spot, text: String, texts: Vec<(String, StepId)>, icons: Vec<usize>) {
        let mut answers: Vec<String> = Vec::with_capacity(texts.len());
        let mut known: BTreeSet<String> = BTreeSet::new();
        // How often a text was met, so that none is numbered from the start again.
        let mut met: BTreeMap<String, u32> = BTreeMap::new();
        let mut cases = Vec::new();
        let mut otherwise = None;
        for (index, (text, to)) in texts.into_iter().enumerate() {
            let name = if text.trim().is_empty() { "*" } else { text.trim() };
            let mut unique = name.to_owned();
            if known.contains(name) && !self.options.opaque {
                let unit = icons.get(index).copied().unwrap_or(spot.unit);
                let written = serde_json::Value::from(name);
                self.problem(unit, Problem::error(codes::REPEATED_CASE, 0..0).with("name", written));
            }
            // Equal texts are told apart, so that each case can be chosen.
            let number = met.entry(unique.clone()).or_insert(1);
            while known.contains(&unique) {
                *number += 1;
                unique = format!("{name} ({number})");
            }
            known.insert(unique.clone());
            answers.push(unique.clone());
            if text.trim().is_empty() {
                otherwise = Some(to);
            } else {
                cases.push((vec![serde_json::Value::String(unique)], to));
            }
        }
        let choice = self.answered(spot, Wish::Chosen(answers), text);
        if cases.is_empty() {
            // There is no choice: the only case is passed.
            let step = &mut self.draft.steps[choice];
            step.unit = icons.first().copied().unwrap_or(step.unit);
            step.op = Op::Pass { shown: true, next: otherwise.unwrap_or(NOWHERE) };
        } else {
            self.draft.steps[choice].op = Op::Choice { on: spot.answer(), cases, otherwise, icons };
        }
    }

    /// Lowers a `for` loop up to its body.
    fn loop_begin(&mut self, graph: &Graph<'_>, item: ItemId, at: StepId, body: StepId, after: StepId) -> Rounds {
        let unit = self.draft.steps[at].unit;
        let icon = graph.icon(item);
        let text = &icon.text;
        let broken = Rounds { again: NOWHERE, leave: after };
        if self.options.opaque {
            self.loop_form(item, &LoopHead::Prose(icon.reading()));
            let again = self.another(&Spot { unit, at, span: 0..text.len() }, icon.reading(), body, after);
            return Rounds { again, leave: after };
        }
        if text.trim().is_empty() {
            self.problem(unit, Problem::error(codes::NO_TEXT, 0..0));
            return broken;
        }
        match text::loop_head(Part::new(text, 0)) {
            Ok(head) => {
                self.loop_form(item, &head);
                let again = self.loop_steps(unit, at, head, body, after, 0..text.len());
                Rounds { again, leave: after }
            }
            Err(_) if self.options.prose != Prose::Error && !text::looks_like_code(text) => {
                self.loop_form(item, &LoopHead::Prose(text.trim().to_owned()));
                let spot = Spot { unit, at, span: 0..text.len() };
                let again = self.another(&spot, text.trim().to_owned(), body, after);
                Rounds { again, leave: after }
            }
            Err(problem) => {
                self.problem(unit, problem);
                broken
            }
        }
    }

    fn loop_form(&mut self, item: ItemId, head: &LoopHead) {
        if let Some(forms) = &mut self.forms {
            forms.set(item, Form::Loop(head.clone()));
        }
    }

    /// A loop by prose; returns the step that asks whether there is another round.
    fn another(&mut self, spot: &Spot, text: String, body: StepId, after: StepId) -> StepId {
        let decision = self.answered(spot, Wish::Another, text);
        self.draft.steps[decision].op = Op::If { when: spot.answer(), then: body, otherwise: after };
        spot.at
    }

    /// The steps at the head of a loop; returns the one that a round ends with.
    pub(super) fn loop_steps(
        &mut self,
        unit: usize,
        at: StepId,
        head: LoopHead,
        body: StepId,
        after: StepId,
        span: std::ops::Range<usize>,
    ) -> StepId {
        let step = |op, part, first| Step { op, unit, part: Some(part), first, span: span.clone() };
        match head {
            LoopHead::Each { key, item, over } => {
                let cursor = self.draft.number();
                let iter = self.draft.push(step(Op::Iter { cursor, item, key, next: body, done: after }, 1, false));
                self.draft.steps[at] = step(Op::Each { over, cursor, next: iter }, 0, true);
                iter
            }
            LoopHead::Counting { variable, start, condition, step: advance } => {
                let test = self.draft.push(step(Op::If { when: condition, then: body, otherwise: after }, 1, false));
                let advance =
                    self.draft.push(step(Op::Set { into: variable.clone(), value: advance, next: test }, 2, false));
                self.draft.steps[at] = step(Op::Set { into: variable, value: start, next: test }, 0, true);
                advance
            }
            LoopHead::Times { count } => {
                let round = format!("${}", self.draft.number());
                let span = count.span.clone();
                let int = |int| Expression::made(Expr::Literal(Literal::Int(int)), span.clone());
                let literal = matches!(count.expr, Expr::Literal(_));
                let limit = format!("${}", self.draft.number());
                let bound = if literal { count.expr.clone() } else { Expr::Variable(limit.clone()) };
                let variable = |name: &str| Expr::Variable(name.to_owned());
                let when = Expression::made(binary(BinaryOp::Less, variable(&round), bound), span.clone());
                let test = self.draft.push(step(Op::If { when, then: body, otherwise: after }, 1, false));
                let one_more = binary(BinaryOp::Add, variable(&round), Expr::Literal(Literal::Int(1)));
                let one_more = Expression::made(one_more, span.clone());
                let advance =
                    self.draft.push(step(Op::Set { into: round.clone(), value: one_more, next: test }, 2, false));
                // How often is settled before the first round.
                let zero = |next| Op::Set { into: round, value: int(0), next };
                if literal {
                    self.draft.steps[at] = step(zero(test), 0, true);
                } else {
                    let zero = self.draft.push(step(zero(test), 0, false));
                    self.draft.steps[at] = step(Op::Set { into: limit, value: count, next: zero }, 0, true);
                }
                advance
            }
            LoopHead::Prose(text) => {
                if self.options.prose == Prose::Error {
                    self.problem(unit, Problem::error(codes::LOOP_TEXT, span.clone()));
                }
                self.another(&Spot { unit, at, span }, text, body, after)
            }
        }
    }
}

/// A text, or what a literal says.
fn unquoted(text: &str) -> String {
    let literal = text::literals(Part::new(text, 0)).ok();
    match literal.as_deref() {
        Some([Spanned { node: serde_json::Value::String(text), .. }]) => text.clone(),
        _ => text.trim().to_owned(),
    }
}

/// Lines of prose that stand together are one step.
fn paragraphs(statements: Vec<Spanned<Statement>>) -> Vec<Spanned<Statement>> {
    let mut joined: Vec<Spanned<Statement>> = Vec::with_capacity(statements.len());
    for statement in statements {
        if let Statement::Prose(line) = &statement.node
            && let Some(Spanned { node: Statement::Prose(text), .. }) = joined.last_mut()
        {
            text.push('\n');
            text.push_str(line);
        } else {
            joined.push(statement);
        }
    }
    joined
}

fn shift_uses(statement: Statement, shift: &impl Fn(std::ops::Range<usize>) -> std::ops::Range<usize>) -> Statement {
    match statement {
        Statement::Assign { target, mut value } => {
            for name in &mut value.uses {
                name.span = shift(name.span.clone());
            }
            value.span = shift(value.span.clone());
            Statement::Assign { target: Target { span: 0..0, ..target }, value }
        }
        other => other,
    }
}
