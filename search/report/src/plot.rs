//! Figures as files: each is drawn twice by the same code, as SVG and as PNG of twice the size.
//! What a figure shows lies in the modules below; pages have their own drawing, see `page`.

mod cloud;
mod frame;
mod lines;
mod map;
mod pen;

pub use cloud::Cloud;
pub use lines::{Line, Lines, Panel};
pub use map::{Map, Maps};

use crate::error::ReportError;
use image::RgbImage;
use pen::{Drawn, Pen};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea as _;
use plotters::style::{FontStyle, RGBColor, register_font};
use std::path::{Path, PathBuf};

/// Roboto, reduced to the letters that figures need; see assets/README.md.
const FONT: &[u8] = include_bytes!("../assets/roboto-latin.ttf");

/// Pixels of a PNG for one unit of a figure.
const PNG_SCALE: u32 = 2;

/// Colours that are told apart by everyone (after Okabe and Ito), the first for what is compared with.
const SERIES: [RGBColor; 12] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(127, 127, 127),
    RGBColor(188, 189, 34),
    RGBColor(23, 190, 207),
];

/// From unfit to fit: dark blue over green to yellow, brighter with every step.
const SHADES: [[f64; 3]; 6] = [
    [38.0, 20.0, 82.0],
    [49.0, 71.0, 135.0],
    [33.0, 117.0, 141.0],
    [38.0, 161.0, 124.0],
    [137.0, 201.0, 77.0],
    [251.0, 230.0, 60.0],
];

/// Something that can be drawn.
pub trait Figure {
    /// Width and height, in units of a screen's pixel.
    fn size(&self) -> (u32, u32);

    /// Draws it with a pen of any kind.
    ///
    /// # Errors
    /// Those of the backend.
    fn draw<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>) -> Drawn<DB>;
}

/// Writes a figure as `STEM.svg` and `STEM.png`; gives both paths.
///
/// # Errors
/// [`ReportError::Plot`] if it cannot be drawn, [`ReportError::File`] if it cannot be written.
pub fn save(figure: &impl Figure, stem: &Path) -> Result<[PathBuf; 2], ReportError> {
    let paths = [stem.with_extension("svg"), stem.with_extension("png")];
    let [svg, png] = &paths;
    let text = to_svg(figure).map_err(|reason| unable(svg, reason))?;
    std::fs::write(svg, text).map_err(|source| ReportError::File { path: svg.clone(), source })?;
    let picture = to_png(figure).map_err(|reason| unable(png, reason))?;
    picture.save(png).map_err(|error| unable(png, error.to_string()))?;
    Ok(paths)
}

fn unable(path: &Path, reason: String) -> ReportError {
    ReportError::Plot { path: path.to_owned(), reason }
}

fn to_svg(figure: &impl Figure) -> Result<String, String> {
    register()?;
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, figure.size()).into_drawing_area();
    figure.draw(&Pen::new(&area, 1)).map_err(|error| error.to_string())?;
    area.present().map_err(|error| error.to_string())?;
    drop(area);
    Ok(text)
}

fn to_png(figure: &impl Figure) -> Result<RgbImage, String> {
    register()?;
    let (width, height) = figure.size();
    let (width, height) = (width * PNG_SCALE, height * PNG_SCALE);
    let mut pixels = vec![255_u8; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        let area = backend.into_drawing_area();
        figure.draw(&Pen::new(&area, PNG_SCALE)).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    RgbImage::from_raw(width, height, pixels).ok_or_else(|| "its size is wrong".to_owned())
}

fn register() -> Result<(), String> {
    let known = register_font("sans-serif", FontStyle::Normal, FONT);
    known.map_err(|_| "the embedded font cannot be read".to_owned())
}

/// The colour of the series at a place.
fn series_color(place: usize) -> RGBColor {
    SERIES.get(place % SERIES.len()).copied().unwrap_or(RGBColor(0, 0, 0))
}

/// The colour of a share from 0 (unfit) to 1.
fn shade(share: f64) -> RGBColor {
    let position = share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64;
    let below = (position.floor() as usize).min(SHADES.len() - 2);
    let part = position - below as f64;
    let at = |place: usize| SHADES.get(place).copied().unwrap_or_default();
    let (low, high) = (at(below), at(below + 1));
    let mix = |one: f64, other: f64| (one + part * (other - one)).round() as u8;
    let ([r, g, b], [s, h, c]) = (low, high);
    RGBColor(mix(r, s), mix(g, h), mix(b, c))
}
