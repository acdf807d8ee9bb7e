//! The words that a picture adds to those of its diagram.

use bloom_ir::document::Locale;

use crate::read::Kind;

/// The words of a language.
pub(super) struct Words {
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    pub(super) end: &'static str,
    pub(super) title: &'static str,
    pub(super) parameters: &'static str,
    pub(super) address: &'static str,
    pub(super) goes_on: &'static str,
    pub(super) visited: &'static str,
    pub(super) took: &'static str,
    pub(super) current: &'static str,
    pub(super) failed: &'static str,
    pub(super) never: &'static str,
    pub(super) icons: &'static str,
    /// Milliseconds, seconds, minutes, hours.
    units: [&'static str; 4],
    names: fn(Kind) -> &'static str,
}

impl Words {
    pub(super) fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::Uk => &UKRAINIAN,
            Locale::En => &ENGLISH,
        }
    }

    /// A time in the unit that suits it.
    pub(super) fn duration(&self, milliseconds: u64) -> String {
        let [ms, s, min, h] = self.units;
        match milliseconds {
            0..1_000 => format!("{milliseconds} {ms}"),
            1_000..60_000 => format!("{}.{} {s}", milliseconds / 1_000, milliseconds % 1_000 / 100),
            60_000..3_600_000 => format!("{} {min} {} {s}", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
            _ => format!("{} {h} {} {min}", milliseconds / 3_600_000, milliseconds % 3_600_000 / 60_000),
        }
    }

    /// What an icon is called.
    pub(super) fn kind(&self, kind: Kind) -> &'static str {
        (self.names)(kind)
    }
}

static ENGLISH: Words = Words {
    yes: "Yes",
    no: "No",
    end: "End",
    title: "Begin",
    parameters: "Parameters",
    address: "Address",
    goes_on: "Goes on at",
    visited: "visits",
    took: "time",
    current: "current",
    failed: "failed",
    never: "never reached",
    icons: "icons",
    units: ["ms", "s", "min", "h"],
    names: |kind| match kind {
        Kind::Action => "Action",
        Kind::ArrowLoop => "Loop",
        Kind::Branch => "Branch",
        Kind::Case => "Case",
        Kind::Comment => "Comment",
        Kind::ControlEnd => "End of control",
        Kind::ControlStart => "Start of control",
        Kind::Duration => "Duration",
        Kind::End => "End",
        Kind::Input => "Input",
        Kind::Insertion => "Insertion",
        Kind::LoopBegin => "Begin of loop",
        Kind::LoopEnd => "End of loop",
        Kind::Output => "Output",
        Kind::ParBegin => "Begin of parallel",
        Kind::ParEnd => "End of parallel",
        Kind::Pause => "Pause",
        Kind::Process => "Process",
        Kind::Question => "Question",
        Kind::Select => "Select",
        Kind::Shelf => "Shelf",
        Kind::SimpleInput => "Simple input",
        Kind::SimpleOutput => "Simple output",
        Kind::Timer => "Timer",
    },
};

static UKRAINIAN: Words = Words {
    yes: "Так",
    no: "Ні",
    end: "Кінець",
    title: "Початок",
    parameters: "Параметри",
    address: "Адреса",
    goes_on: "Далі",
    visited: "відвідувань",
    took: "час",
    current: "поточна",
    failed: "помилка",
    never: "не досягнуто",
    icons: "ікон",
    units: ["мс", "с", "хв", "год"],
    names: |kind| match kind {
        Kind::Action => "Дія",
        Kind::ArrowLoop => "Цикл",
        Kind::Branch => "Гілка",
        Kind::Case => "Варіант",
        Kind::Comment => "Коментар",
        Kind::ControlEnd => "Кінець контролю",
        Kind::ControlStart => "Початок контролю",
        Kind::Duration => "Тривалість",
        Kind::End => "Кінець",
        Kind::Input => "Введення",
        Kind::Insertion => "Вставка",
        Kind::LoopBegin => "Початок циклу",
        Kind::LoopEnd => "Кінець циклу",
        Kind::Output => "Виведення",
        Kind::ParBegin => "Початок паралельних шляхів",
        Kind::ParEnd => "Кінець паралельних шляхів",
        Kind::Pause => "Пауза",
        Kind::Process => "Процес",
        Kind::Question => "Питання",
        Kind::Select => "Вибір",
        Kind::Shelf => "Полиця",
        Kind::SimpleInput => "Просте введення",
        Kind::SimpleOutput => "Просте виведення",
        Kind::Timer => "Таймер",
    },
};
