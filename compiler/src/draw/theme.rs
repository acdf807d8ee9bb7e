//! Colours. Text has a contrast of 7:1 or more against what it stands on, lines 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11).

/// Whether a picture is for a light page or a dark one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
    /// That of the page that the picture is a part of, which styles the classes itself.
    OfPage,
}

/// The colours of a theme, as `#rrggbb`.
pub(super) struct Palette {
    pub(super) paper: &'static str,
    pub(super) text: &'static str,
    pub(super) line: &'static str,
    pub(super) fill: &'static str,
    pub(super) title: &'static str,
    pub(super) question: &'static str,
    pub(super) looped: &'static str,
    pub(super) signal: &'static str,
    pub(super) note: &'static str,
    pub(super) taken: &'static str,
    pub(super) taken_fill: &'static str,
    pub(super) failed: &'static str,
    pub(super) failed_fill: &'static str,
    pub(super) never: &'static str,
    pub(super) badge_text: &'static str,
}

impl Theme {
    pub(super) fn palette(self) -> Palette {
        match self {
            Self::Light | Self::OfPage => Palette {
                paper: "#ffffff",
                text: "#1a2230",
                line: "#4a566b",
                fill: "#f7f9fc",
                title: "#dde6f4",
                question: "#fdf3d7",
                looped: "#e4f1e6",
                signal: "#ece9f8",
                note: "#fbfaf3",
                taken: "#0a58c2",
                taken_fill: "#dcebff",
                failed: "#b3261e",
                failed_fill: "#fde4e1",
                never: "#9a4a00",
                badge_text: "#ffffff",
            },
            Self::Dark => Palette {
                paper: "#12161d",
                text: "#eef2f8",
                line: "#a3b0c4",
                fill: "#1e2530",
                title: "#2b3a52",
                question: "#3a321c",
                looped: "#1f3626",
                signal: "#2e2a45",
                note: "#23241f",
                taken: "#7db4ff",
                taken_fill: "#173455",
                failed: "#ff8a80",
                failed_fill: "#4a1f1c",
                never: "#f0a860",
                badge_text: "#0c1017",
            },
        }
    }

    pub(super) fn style(self) -> String {
        let Palette {
            paper,
            text,
            line,
            fill,
            title,
            question,
            looped,
            signal,
            note,
            taken,
            taken_fill,
            failed,
            failed_fill,
            never,
            badge_text,
        } = self.palette();
        // A renderer without CSS variables draws it too, and a page around it may still restyle every class.
        format!(
            "\
.bloom text{{font-family:'DejaVu Sans','Noto Sans','Segoe UI',Arial,'Helvetica Neue',sans-serif;font-size:14px;fill:{text}}}
.bloom .paper{{fill:{paper}}}
.bloom .mid{{text-anchor:middle}}
.bloom .strong{{font-weight:700}}
.bloom .answer{{font-size:12px;fill:{text}}}
.bloom .way,.bloom .rail,.bloom .tie,.bloom .bar,.bloom .inner{{fill:none;stroke:{line};stroke-width:1.5;stroke-linejoin:round}}
.bloom .bar{{stroke-width:2}}
.bloom .head{{fill:{line};stroke:none}}
.bloom .shape{{fill:{fill};stroke:{line};stroke-width:1.5;stroke-linejoin:round}}
.bloom .title .shape,.bloom .end .shape,.bloom .branch .shape,.bloom .address .shape{{fill:{title}}}
.bloom .question .shape,.bloom .select .shape,.bloom .case .shape{{fill:{question}}}
.bloom .loop .shape{{fill:{looped}}}
.bloom .signal .shape,.bloom .time .shape,.bloom .flow .shape{{fill:{signal}}}
.bloom .comment .shape,.bloom .parameters .shape{{fill:{note};stroke-dasharray:4 3}}
.bloom .letter .shape{{fill:{paper}}}
.bloom .way.taken{{stroke:{taken};stroke-width:3.5}}
.bloom .head.taken{{fill:{taken}}}
.bloom .icon .shape.taken{{stroke:{taken};stroke-width:2.5}}
.bloom .icon .shape.current{{fill:{taken_fill};stroke:{taken};stroke-width:4}}
.bloom .icon .shape.failed{{fill:{failed_fill};stroke:{failed};stroke-width:4}}
.bloom .way.never{{stroke:{never};stroke-dasharray:5 4}}
.bloom .head.never{{fill:{never}}}
.bloom .icon .shape.never{{stroke:{never};stroke-width:2.5;stroke-dasharray:5 4}}
.bloom .badge rect{{fill:{taken}}}
.bloom .badge text{{font-size:11px;font-weight:700;text-anchor:middle;fill:{badge_text}}}
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrasts_are_those_of_wcag() {
        for theme in [Theme::Light, Theme::Dark] {
            let palette = theme.palette();
            let fills = [palette.paper, palette.fill, palette.title, palette.question, palette.looped, palette.signal];
            for fill in fills.into_iter().chain([palette.note, palette.taken_fill, palette.failed_fill]) {
                assert!(contrast(palette.text, fill) >= 7.0, "text on {fill}");
            }
            for line in [palette.line, palette.taken, palette.failed, palette.never] {
                assert!(contrast(line, palette.paper) >= 4.5, "{line}");
            }
            assert!(contrast(palette.badge_text, palette.taken) >= 4.5);
        }
    }
}
