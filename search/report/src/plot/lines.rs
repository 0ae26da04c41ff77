//! Lines over generations with bands of deviation: Figures 1 and 2 of the paper.

use super::frame::{Frame, LETTERS};
use super::pen::{Anchor, Drawn, Pen, clear};
use super::{Figure, series_color};
use crate::ablation::VariantFigures;
use crate::spread::Spread;
use crate::ticks;
use plotters::backend::DrawingBackend;

const PANEL: (f64, f64) = (430.0, 320.0);
const LEGEND: f64 = 190.0;

/// One line: means with deviations over generations.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Generation and figure, in order.
    pub points: Vec<(f64, Spread)>,
}

/// Lines over one pair of axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// The name of the upright axis.
    pub y_name: String,
    /// Whether the axis begins at 0.
    pub from_zero: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Panels beside each other, with one legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// The panels; their lines have the same order.
    pub panels: Vec<Panel>,
}

/// The line of one figure of each variant.
fn lines(
    variants: &[VariantFigures],
    figure: fn(&crate::ablation::StepSpread) -> Option<Spread>,
) -> Vec<Line> {
    let line = |variant: &VariantFigures| Line {
        name: variant.name.clone(),
        points: variant
            .steps
            .iter()
            .filter_map(|step| Some((f64::from(step.number), figure(step)?)))
            .collect(),
    };
    variants.iter().map(line).collect()
}

impl Lines {
    /// Figure 1: the best accuracy and the lowest loss of each generation.
    #[must_use]
    pub fn accuracy_and_loss(variants: &[VariantFigures]) -> Self {
        let panel = |title: &str, y_name: &str, lines| Panel {
            title: title.to_owned(),
            y_name: y_name.to_owned(),
            from_zero: false,
            lines,
        };
        let loss = lines(variants, |step| step.loss);
        // a table knows no losses
        let has_loss = loss.iter().flat_map(|line| &line.points).any(|(_, loss)| loss.mean > 0.0);
        let mut panels = vec![
            panel("Best of each generation", "accuracy", lines(variants, |step| step.best)),
            panel("Best so far", "accuracy", lines(variants, |step| step.best_so_far)),
        ];
        if has_loss {
            panels.push(panel("Lowest loss of each generation", "cross-entropy", loss));
        }
        Self { panels }
    }

    /// Figure 2: networks of each generation that could be trained.
    #[must_use]
    pub fn trainable(variants: &[VariantFigures]) -> Self {
        let panel = Panel {
            title: "Trainable networks of each generation".to_owned(),
            y_name: "networks".to_owned(),
            from_zero: true,
            lines: lines(variants, |step| step.trainable),
        };
        Self { panels: vec![panel] }
    }
}

impl Figure for Lines {
    fn size(&self) -> (u32, u32) {
        let width = PANEL.0 * self.panels.len() as f64 + LEGEND;
        (width.round() as u32, PANEL.1.round() as u32)
    }

    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        pen.background()?;
        let mut left = 0.0;
        for panel in &self.panels {
            panel.draw(pen, left)?;
            left += PANEL.0;
        }
        let names = self.panels.first().map(|panel| panel.lines.as_slice()).unwrap_or_default();
        for (place, line) in names.iter().enumerate() {
            let y = 50.0 + 21.0 * place as f64;
            let color = clear(series_color(place), 1.0);
            pen.line(&[(left + 8.0, y), (left + 30.0, y)], color, 2.5)?;
            pen.text(&line.name, (left + 38.0, y), LETTERS, Anchor::Start)?;
        }
        Ok(())
    }
}

impl Panel {
    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>, left: f64) -> Drawn<DB> {
        let Some(frame) = self.frame(left) else { return Ok(()) };
        let ticks =
            [ticks::linear(frame.x.0, frame.x.1, 8), ticks::linear(frame.y.0, frame.y.1, 6)];
        let [x_ticks, y_ticks] = &ticks;
        let names = [self.title.as_str(), "generation", self.y_name.as_str()];
        frame.draw(pen, [x_ticks, y_ticks], names)?;
        for (place, line) in self.lines.iter().enumerate() {
            let edge = |sign: f64| {
                let at =
                    move |&(x, spread): &(f64, Spread)| (x, spread.mean + sign * spread.deviation);
                line.points.iter().map(at)
            };
            let place_of = |(x, y): (f64, f64)| frame.at(x, y.clamp(frame.y.0, frame.y.1));
            let band: Vec<_> = edge(1.0).chain(edge(-1.0).rev()).map(place_of).collect();
            if line.points.len() > 1 {
                pen.polygon(&band, clear(series_color(place), 0.14))?;
            }
        }
        for (place, line) in self.lines.iter().enumerate() {
            let means = line.points.iter().map(|&(x, spread)| frame.at(x, spread.mean));
            let color = clear(series_color(place), 1.0);
            let means: Vec<_> = means.collect();
            pen.line(&means, color, 2.0)?;
            means.iter().try_for_each(|&mean| pen.dot(mean, 2.2, color))?;
        }
        Ok(())
    }

    /// Wide enough for all means, and for deviations that are no larger than all means together.
    fn frame(&self, left: f64) -> Option<Frame> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let low = points().map(|(_, one)| one.mean - one.deviation).reduce(f64::min)?;
        let high = points().map(|(_, one)| one.mean + one.deviation).reduce(f64::max)?;
        let last = points().map(|&(x, _)| x).reduce(f64::max)?;
        let room = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-6);
        let low = if self.from_zero { 0.0 } else { low - room };
        Some(Frame {
            across: (left + 72.0, left + PANEL.0 - 14.0),
            down: (38.0, PANEL.1 - 56.0),
            x: (if last > 1.0 { 1.0 } else { 0.0 }, last.max(1.0)),
            y: (low, high + room),
        })
    }
}
