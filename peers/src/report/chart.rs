//! A bar for each subject.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::RowFigures;
use crate::rows::OURS;

const WIDTH: u32 = 820;
const BAR: i32 = 22;
const TOP: i32 = 56;
const LABELS: i32 = 250;
const VALUES: i32 = 130;

const OUR_COLOUR: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const THEIR_COLOUR: RGBColor = RGBColor(0xa8, 0xb0, 0xb8);

/// Draws the medians, and a line from the smallest to the largest value of each.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "pixels"
)]
pub(crate) fn draw(path: &Path, row: &RowFigures<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let height = TOP + BAR * row.subjects.len() as i32 + 16;
    let area = SVGBackend::new(path, (WIDTH, height as u32)).into_drawing_area();
    let failed = |error: DrawingAreaErrorKind<_>| -> Box<dyn Error + Send + Sync> {
        error.to_string().into()
    };
    area.fill(&WHITE).map_err(failed)?;
    let text = |size: i32| ("sans-serif", size).into_text_style(&area);
    area.draw_text(row.name, &text(18), (12, 10)).map_err(failed)?;
    area.draw_text(&format!("{}; less is better", row.unit.text()), &text(13), (12, 32))
        .map_err(failed)?;

    // The slowest bars would make all others vanish: they are cut and say their number.
    let room = f64::from(WIDTH as i32 - LABELS - VALUES);
    let ours = row.subjects.iter().find(|figures| figures.peer == OURS);
    let longest = row.subjects.iter().map(|figures| figures.median).fold(0.0, f64::max);
    let scale = ours.map_or(longest, |ours| longest.min(ours.median * 12.0)).max(f64::MIN_POSITIVE);
    let to_x = |value: f64| LABELS + (value.min(scale) / scale * room) as i32;
    let right = Pos::new(HPos::Right, VPos::Center);
    let left = Pos::new(HPos::Left, VPos::Center);
    for (figures, top) in row.subjects.iter().zip((TOP..).step_by(BAR as usize)) {
        let middle = top + BAR / 2;
        let pinned = if figures.pinned { "" } else { "(not pinned)" };
        let name = [figures.peer, figures.how, pinned].join(" ");
        let style = text(13);
        area.draw_text(name.trim(), &style.pos(right), (LABELS - 8, middle)).map_err(failed)?;
        let colour = if figures.peer.starts_with(OURS) { OUR_COLOUR } else { THEIR_COLOUR };
        let bar = [(LABELS, top + 4), (to_x(figures.median), top + BAR - 4)];
        area.draw(&Rectangle::new(bar, colour.filled())).map_err(failed)?;
        if figures.median <= scale {
            let spread = vec![(to_x(figures.min), middle), (to_x(figures.max), middle)];
            area.draw(&PathElement::new(spread, BLACK)).map_err(failed)?;
        }
        let cut = if figures.median > scale { "… " } else { "" };
        let value = format!("{cut}{:.1}", figures.median);
        let x = to_x(figures.max.max(figures.median)) + 8;
        area.draw_text(&value, &text(13).pos(left), (x, middle)).map_err(failed)?;
    }
    area.present().map_err(failed)?;
    Ok(())
}
