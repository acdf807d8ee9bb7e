//! The signs at the beginning of a line about a run.

use std::fmt;

use anstyle::AnsiColor;

use crate::narrator::Line;
use crate::report::cut;

/// What kind of thing a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Start,
    Good,
    Bad,
    Again,
    Out,
}

impl Mark {
    fn sign(self) -> (char, AnsiColor) {
        match self {
            Self::Start => ('▶', AnsiColor::Cyan),
            Self::Good => ('✓', AnsiColor::Green),
            Self::Bad => ('✗', AnsiColor::Red),
            Self::Again => ('↻', AnsiColor::Yellow),
            Self::Out => ('→', AnsiColor::Magenta),
        }
    }
}

/// Icons hold whole prompts; a line shows how they begin.
const ICON_WIDTH: usize = 60;

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, colour) = self.mark.sign();
        let (colour, dim) = (colour.on_default(), anstyle::Style::new().dimmed());
        write!(formatter, "{colour}{sign}{colour:#} {}", self.what)?;
        if !self.icon.is_empty() {
            write!(formatter, "  {dim}{}{dim:#}", cut(&self.icon, ICON_WIDTH))?;
        }
        if !self.detail.is_empty() {
            write!(formatter, "  {}", self.detail)?;
        }
        Ok(())
    }
}
