//! Archives as Voronoi maps, brighter where the elite is fitter: Figure 3 of the paper.

use super::frame::{Frame, LETTERS};
use super::pen::{Anchor, Drawn, Pen, clear};
use super::{Figure, shade};
use crate::ticks::{self, Tick};
use crate::voronoi::Place;
use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use std::collections::BTreeMap;

const PANEL: (f64, f64) = (470.0, 400.0);

/// Cells without an elite.
const EMPTY: RGBColor = RGBColor(240, 241, 243);

/// One archive.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Its title.
    pub title: String,
    /// The names of both axes.
    pub names: [String; 2],
    /// The marks of both axes.
    pub ticks: [Vec<Tick>; 2],
    /// The polygons of all cells.
    pub cells: Vec<Vec<Place>>,
    /// The fitness of the elites, by cell.
    pub fitness: BTreeMap<usize, f64>,
    /// Whether fitness is a share, written in percent.
    pub is_share: bool,
}

/// Maps beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Maps {
    /// The maps.
    pub maps: Vec<Map>,
}

impl Figure for Maps {
    fn size(&self) -> (u32, u32) {
        ((PANEL.0 * self.maps.len() as f64).round() as u32, PANEL.1.round() as u32)
    }

    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB> {
        pen.background()?;
        for (place, map) in self.maps.iter().enumerate() {
            map.draw(pen, PANEL.0 * place as f64)?;
        }
        Ok(())
    }
}

impl Map {
    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>, left: f64) -> Drawn<DB> {
        let frame = Frame {
            across: (left + 72.0, left + PANEL.0 - 88.0),
            down: (38.0, PANEL.1 - 56.0),
            x: (0.0, 1.0),
            y: (0.0, 1.0),
        };
        let ([x_name, y_name], [x_ticks, y_ticks]) = (&self.names, &self.ticks);
        frame.draw(pen, [x_ticks, y_ticks], [&self.title, x_name, y_name])?;
        let (low, high) = self.range();
        for (cell, polygon) in self.cells.iter().enumerate() {
            let mut corners: Vec<_> = polygon.iter().map(|at| frame.at(at[0], at[1])).collect();
            let share =
                |fitness: f64| if high > low { (fitness - low) / (high - low) } else { 1.0 };
            let color = self.fitness.get(&cell).map_or(EMPTY, |&fitness| shade(share(fitness)));
            pen.polygon(&corners, clear(color, 1.0))?;
            corners.extend(corners.first().copied());
            pen.line(&corners, clear(RGBColor(255, 255, 255), 1.0), 1.0)?;
        }
        self.legend(pen, frame.across.1 + 16.0, (low, high))
    }

    /// The least and the greatest fitness.
    fn range(&self) -> (f64, f64) {
        let low = self.fitness.values().copied().reduce(f64::min).unwrap_or(0.0);
        (low, self.fitness.values().copied().reduce(f64::max).unwrap_or(1.0))
    }

    fn legend<DB: DrawingBackend>(
        &self,
        pen: &Pen<'_, DB>,
        left: f64,
        (low, high): (f64, f64),
    ) -> Drawn<DB> {
        const STEPS: u32 = 48;
        let (top, bottom) = (60.0, PANEL.1 - 80.0);
        let height = (bottom - top) / f64::from(STEPS);
        for step in 0..STEPS {
            let y = bottom - f64::from(step + 1) * height;
            let color = shade(f64::from(step) / f64::from(STEPS - 1));
            pen.rectangle((left, y), (left + 14.0, y + height + 0.5), clear(color, 1.0))?;
        }
        let written = |value: f64| {
            if self.is_share { format!("{:.1} %", value * 100.0) } else { ticks::short(value) }
        };
        pen.text(&written(high), (left + 19.0, top + 4.0), LETTERS, Anchor::Start)?;
        pen.text(&written(low), (left + 19.0, bottom - 4.0), LETTERS, Anchor::Start)
    }
}
