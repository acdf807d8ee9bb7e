//! The outlines of icons, as the DRAKON standard draws them.

use std::fmt::Write as _;

use crate::read::Kind;

use super::layout::Placed;
use super::size::Shape;

/// The outline of a block, and lines drawn inside it, as SVG path data.
pub(super) fn outline(placed: &Placed) -> (String, String) {
    let (x, y, w, h) = (placed.x, placed.y, placed.block.width, placed.block.height);
    let (right, bottom, middle) = (x + w, y + h, y + h / 2);
    let upper = y + placed.block.upper_height;
    let rectangle = || polygon(&[(x, y), (right, y), (right, bottom), (x, bottom)]);
    let line = |from: (i64, i64), to: (i64, i64)| format!("M{} {}L{} {}", from.0, from.1, to.0, to.1);
    let mut inner = String::new();
    let outer = match placed.block.shape {
        Shape::Capsule => rounded(x, y, w, h, h.min(44) / 2),
        Shape::Letter => rounded(x, y, w, h, h / 2),
        Shape::Parameters => rounded(x, y, w, h, 7),
        Shape::Header => polygon(&[(x, y), (right, y), (right, bottom - 12), (x + w / 2, bottom), (x, bottom - 12)]),
        Shape::Address => polygon(&[(x + w / 2, y), (right, y + 12), (right, bottom), (x, bottom), (x, y + 12)]),
        Shape::Of(kind) => match kind {
            Kind::Question => polygon(&[
                (x + 14, y),
                (right - 14, y),
                (right, middle),
                (right - 14, bottom),
                (x + 14, bottom),
                (x, middle),
            ]),
            Kind::Select => polygon(&[(x + 16, y), (right, y), (right - 16, bottom), (x, bottom)]),
            Kind::Case => polygon(&[(x, y), (right, y), (right, bottom - 11), (x + w / 2, bottom), (x, bottom - 11)]),
            Kind::LoopBegin => {
                polygon(&[(x + 12, y), (right - 12, y), (right, y + 12), (right, bottom), (x, bottom), (x, y + 12)])
            }
            Kind::LoopEnd => polygon(&[
                (x, y),
                (right, y),
                (right, bottom - 12),
                (right - 12, bottom),
                (x + 12, bottom),
                (x, bottom - 12),
            ]),
            Kind::Insertion => {
                inner = line((x + 8, y), (x + 8, bottom)) + &line((right - 8, y), (right - 8, bottom));
                rectangle()
            }
            Kind::Process => {
                inner = line((x, y + 8), (right, y + 8)) + &line((x, bottom - 8), (right, bottom - 8));
                rectangle()
            }
            Kind::Shelf => {
                inner = line((x, upper), (right, upper));
                rectangle()
            }
            Kind::Input => {
                inner = polyline(&[(x, upper), (right, upper)]);
                polygon(&[
                    (x, y),
                    (right, y),
                    (right, bottom),
                    (x, bottom),
                    (x, upper + (bottom - upper)),
                    (x + 16, upper.midpoint(bottom)),
                    (x, upper),
                ])
            }
            Kind::Output => {
                inner = polyline(&[(x, upper), (right, upper)]);
                polygon(&[
                    (x, y),
                    (right - 16, y),
                    (right - 16, upper),
                    (right - 16, upper),
                    (right, upper.midpoint(bottom)),
                    (right - 16, bottom),
                    (x, bottom),
                ])
            }
            Kind::SimpleInput => polygon(&[(x, y), (right, y), (right, bottom), (x, bottom), (x + 16, middle)]),
            Kind::SimpleOutput => {
                polygon(&[(x, y), (right - 16, y), (right, middle), (right - 16, bottom), (x, bottom)])
            }
            Kind::Pause => polygon(&[(x, y), (right, y), (right - 14, bottom), (x + 14, bottom)]),
            Kind::Duration => polygon(&[(x + 14, y), (right - 14, y), (right, bottom), (x, bottom)]),
            Kind::Timer => {
                polygon(&[(x, y), (right, y), (right - 16, middle), (right, bottom), (x, bottom), (x + 16, middle)])
            }
            Kind::ControlStart => {
                inner = polygon(&[(x + 9, middle - 8), (x + 23, middle), (x + 9, middle + 8)]);
                rectangle()
            }
            Kind::ControlEnd => {
                inner =
                    polygon(&[(x + 9, middle - 7), (x + 23, middle - 7), (x + 23, middle + 7), (x + 9, middle + 7)]);
                rectangle()
            }
            Kind::Comment => {
                inner = line((x + 7, y + 6), (x + 7, bottom - 6));
                rounded(x, y, w, h, 6)
            }
            _ => rectangle(),
        },
    };
    if placed.block.shape == Shape::Of(Kind::Output) {
        inner = polyline(&[(x, upper), (right - 16, upper)]);
    }
    (outer, inner)
}

fn polyline(points: &[(i64, i64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(path, "{}{x} {y}", if index == 0 { 'M' } else { 'L' });
    }
    path
}

fn polygon(points: &[(i64, i64)]) -> String {
    polyline(points) + "Z"
}

fn rounded(x: i64, y: i64, width: i64, height: i64, r: i64) -> String {
    let (h_run, v_run) = (width - 2 * r, height - 2 * r);
    format!(
        "M{} {y}h{h_run}a{r} {r} 0 0 1 {r} {r}v{v_run}a{r} {r} 0 0 1 -{r} {r}h-{h_run}a{r} {r} 0 0 1 -{r} -{r}v-{v_run}a{r} {r} 0 0 1 {r} -{r}Z",
        x + r
    )
}
