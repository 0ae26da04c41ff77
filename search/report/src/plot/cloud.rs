//! All networks of a table in grey, those that a search found and the best of each generation: Figure 4
//! of the paper.

use super::frame::{Frame, LETTERS};
use super::pen::{Anchor, Drawn, Pen, clear};
use super::{Figure, series_color};
use crate::ticks;
use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;

const SIZE: (f64, f64) = (760.0, 430.0);

/// Cost and accuracy of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    /// Its title.
    pub title: String,
    /// All networks: multiply-accumulates, accuracy in percent.
    pub all: Vec<(f64, f64)>,
    /// Those that were found.
    pub found: Vec<(f64, f64)>,
    /// The best of each generation.
    pub best: Vec<(f64, f64)>,
    /// Accuracies below are left out, so that the best can be told apart.
    pub from: f64,
}

impl Figure for Cloud {
    fn size(&self) -> (u32, u32) {
        (SIZE.0 as u32, SIZE.1 as u32)
    }

    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        pen.background()?;
        let high = self.all.iter().map(|&(_, accuracy)| accuracy).fold(self.from, f64::max);
        let macs = || self.all.iter().map(|&(macs, _)| macs);
        let least = macs().reduce(f64::min).unwrap_or(0.0);
        let most = macs().reduce(f64::max).unwrap_or(1.0);
        let frame = Frame {
            across: (72.0, SIZE.0 - 190.0),
            down: (38.0, SIZE.1 - 56.0),
            x: (least * 0.98, most * 1.02),
            y: (self.from, high + (high - self.from) * 0.04),
        };
        let ticks =
            [ticks::linear(frame.x.0, frame.x.1, 6), ticks::linear(frame.y.0, frame.y.1, 8)];
        let [x_ticks, y_ticks] = &ticks;
        let names = [self.title.as_str(), "multiply-accumulates", "test accuracy, %"];
        frame.draw(pen, [x_ticks, y_ticks], names)?;
        let layers = [
            (&self.all, RGBColor(150, 155, 162), 0.35, 1.2, "all networks"),
            (&self.found, series_color(1), 0.8, 1.8, "found"),
            (&self.best, series_color(2), 1.0, 3.2, "best of each generation"),
        ];
        for (place, (points, color, opacity, radius, name)) in layers.into_iter().enumerate() {
            for &(macs, accuracy) in points.iter().filter(|point| point.1 >= self.from) {
                pen.dot(frame.at(macs, accuracy), radius, clear(color, opacity))?;
            }
            let y = 60.0 + 21.0 * place as f64;
            pen.dot((SIZE.0 - 176.0, y), 4.0, clear(color, 1.0))?;
            pen.text(name, (SIZE.0 - 166.0, y), LETTERS, Anchor::Start)?;
        }
        Ok(())
    }
}
