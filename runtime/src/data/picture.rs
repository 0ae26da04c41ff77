//! Single pictures: PNG and JPEG files brought to the shape that a network takes.

use std::fs;
use std::path::Path;

use image::DynamicImage;
use image::imageops::FilterType;

use super::dataset::ImageShape;
use super::decode;
use super::error::DataError;

/// The picture in a PNG or JPEG file as `[channels, height, width]` bytes, resized if its size differs
/// (its middle in the wanted proportions; bilinear, with averaging where it shrinks) and made grey if one channel is wanted.
///
/// # Errors
/// [`DataError::Io`] or [`DataError::Decode`].
pub fn read_image(path: &Path, shape: ImageShape) -> Result<Vec<u8>, DataError> {
    let file = path.display().to_string();
    let encoded = fs::read(path).map_err(DataError::io("read", &file))?;
    let mut out = vec![0; shape.elements()];
    decode::decode_resized(&encoded, &mut out, shape, &file)?;
    Ok(out)
}

/// Resizes a picture unless it has the size already.
pub(super) fn resized(picture: DynamicImage, shape: ImageShape) -> DynamicImage {
    let (width, height) = (shape.width as u32, shape.height as u32);
    if (picture.width(), picture.height()) == (width, height) {
        return picture;
    }
    picture.resize_to_fill(width, height, FilterType::Triangle)
}
