//! The frame of a plot: where values lie on the paper, marks on both axes, names.

use super::pen::{Anchor, Drawn, FAINT, INK, Pen, clear};
use crate::ticks::Tick;
use plotters::backend::DrawingBackend;

/// Size of most letters.
pub(super) const LETTERS: f64 = 13.0;

/// A rectangle on the paper, and the values at its ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Left and right edge.
    pub(super) across: (f64, f64),
    /// Upper and lower edge.
    pub(super) down: (f64, f64),
    /// Values at the left and right edge.
    pub(super) x: (f64, f64),
    /// Values at the lower and upper edge.
    pub(super) y: (f64, f64),
}

impl Frame {
    /// The place of a value.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low);
        let ((left, right), (top, bottom)) = (self.across, self.down);
        (left + share(x, self.x) * (right - left), bottom - share(y, self.y) * (bottom - top))
    }

    /// Marks with faint lines, the names of both axes and a title.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        pen: &Pen<'_, DB>,
        [x_ticks, y_ticks]: [&[Tick]; 2],
        [title, x_name, y_name]: [&str; 3],
    ) -> Drawn<DB> {
        let ((left, right), (top, bottom)) = (self.across, self.down);
        for tick in x_ticks {
            let (x, _) = self.at(tick.at, self.y.0);
            pen.line(&[(x, top), (x, bottom)], clear(FAINT, 1.0), 1.0)?;
            pen.text(&tick.label, (x, bottom + 6.0), LETTERS, Anchor::Below)?;
        }
        for tick in y_ticks {
            let (_, y) = self.at(self.x.0, tick.at);
            pen.line(&[(left, y), (right, y)], clear(FAINT, 1.0), 1.0)?;
            pen.text(&tick.label, (left - 6.0, y), LETTERS, Anchor::End)?;
        }
        pen.line(&[(left, top), (left, bottom), (right, bottom)], clear(INK, 1.0), 1.0)?;
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        pen.text(title, (middle.0, top - 9.0), LETTERS + 2.0, Anchor::Above)?;
        pen.text(x_name, (middle.0, bottom + 24.0), LETTERS, Anchor::Below)?;
        pen.turned(y_name, (left - 58.0, middle.1), LETTERS)
    }
}
