//! What figures draw with: lines, areas, dots and letters at places in units, on any backend.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontTransform, IntoFont as _, RGBAColor, RGBColor, ShapeStyle, TextStyle,
};

/// What drawing gives.
pub type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Letters and axes.
pub(super) const INK: RGBColor = RGBColor(40, 44, 52);

/// Lines behind what is shown.
pub(super) const FAINT: RGBColor = RGBColor(225, 228, 232);

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins there, its middle at the height of the place.
    Start,
    /// It ends there, its middle at the height of the place.
    End,
    /// It is centred below the place.
    Below,
    /// It is centred above the place, or left of it when it is turned.
    Above,
}

/// A drawing area and how many of its pixels make a unit.
pub struct Pen<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
}

impl<'a, DB: DrawingBackend> Pen<'a, DB> {
    /// A pen for an area with so many pixels a unit.
    pub(super) fn new(area: &'a DrawingArea<DB, Shift>, scale: u32) -> Self {
        Self { area, scale: f64::from(scale) }
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn pixels(&self, places: &[(f64, f64)]) -> Vec<(i32, i32)> {
        places.iter().map(|&place| self.pixel(place)).collect()
    }

    fn stroke(&self, color: RGBAColor, width: f64) -> ShapeStyle {
        color.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    /// Everything in one colour.
    pub(super) fn background(&self) -> Drawn<DB> {
        self.area.fill(&RGBColor(255, 255, 255))
    }

    pub(super) fn line(&self, places: &[(f64, f64)], color: RGBAColor, width: f64) -> Drawn<DB> {
        self.area.draw(&PathElement::new(self.pixels(places), self.stroke(color, width)))
    }

    pub(super) fn polygon(&self, corners: &[(f64, f64)], color: RGBAColor) -> Drawn<DB> {
        self.area.draw(&Polygon::new(self.pixels(corners), color.filled()))
    }

    pub(super) fn rectangle(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        color: RGBAColor,
    ) -> Drawn<DB> {
        self.area.draw(&Rectangle::new([self.pixel(from), self.pixel(to)], color.filled()))
    }

    pub(super) fn dot(&self, place: (f64, f64), radius: f64, color: RGBAColor) -> Drawn<DB> {
        let radius = (radius * self.scale).round().max(1.0) as i32;
        self.area.draw(&Circle::new(self.pixel(place), radius, color.filled()))
    }

    /// Writes upright letters.
    pub(super) fn text(
        &self,
        text: &str,
        place: (f64, f64),
        size: f64,
        anchor: Anchor,
    ) -> Drawn<DB> {
        let (horizontal, vertical) = match anchor {
            Anchor::Start => (HPos::Left, VPos::Center),
            Anchor::End => (HPos::Right, VPos::Center),
            Anchor::Below => (HPos::Center, VPos::Top),
            Anchor::Above => (HPos::Center, VPos::Bottom),
        };
        let font = ("sans-serif", size * self.scale).into_font();
        let style = TextStyle::from(font).color(&INK).pos(Pos::new(horizontal, vertical));
        self.area.draw(&Text::new(text.to_owned(), self.pixel(place), style))
    }

    /// Writes letters from below to above, centred at a place.
    pub(super) fn turned(&self, text: &str, place: (f64, f64), size: f64) -> Drawn<DB> {
        let font =
            ("sans-serif", size * self.scale).into_font().transform(FontTransform::Rotate270);
        let style = TextStyle::from(font).color(&INK).pos(Pos::new(HPos::Center, VPos::Top));
        self.area.draw(&Text::new(text.to_owned(), self.pixel(place), style))
    }
}

/// A colour that lets what is below shine through.
pub(super) fn clear(color: RGBColor, opacity: f64) -> RGBAColor {
    color.mix(opacity)
}
