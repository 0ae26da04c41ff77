//! The embedded data set: 1,797 handwritten digits of 8x8 pixels with 17 grey levels.
//!
//! Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning
//! Repository, 1998, <https://doi.org/10.24432/C50P49>, CC BY 4.0; its 1,797 images written by the
//! thirteen people of the original test part, in the order of scikit-learn's copy.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::arrange::RawParts;
use super::dataset::{Dataset, DatasetParts, ImageShape, Split};
use super::error::DataError;

/// Made by `scripts/make-digits.py`: zlib over magic, count (u32, little endian), labels, pixels.
const PACKED: &[u8] = include_bytes!("../../assets/digits.bin.zlib");
const MAGIC: &[u8] = b"NASCDIG1";
const FILE: &str = "embedded digits";
const SHAPE: ImageShape = ImageShape { channels: 1, height: 8, width: 8 };
/// Pixels count the set cells of a 4x4 block of the original bitmap, so they run from 0 to 16.
const PIXEL_MAX: u8 = 16;
const CLASSES: usize = 10;

/// The digits with their three fixed splits: 1,204 train, 297 validation, 296 test images.
///
/// Of every six images of a class, in file order, four go to train, one to validation and one to
/// test, so that every class and every part of the collection is in each split.
///
/// # Errors
/// Only if the embedded bytes are damaged.
pub fn digits() -> Result<Dataset, DataError> {
    let RawParts { shape, pixel_max, class_names, train, validation, test } = raw()?;
    let (name, validation) = ("digits".to_owned(), validation.unwrap_or_default());
    Dataset::new(DatasetParts { name, shape, pixel_max, class_names, train, validation, test })
}

/// The three fixed splits.
pub(super) fn raw() -> Result<RawParts, DataError> {
    let (labels, pixels) = unpack(PACKED)?;
    Ok(split(&labels, &pixels))
}

/// Labels and pixels out of the packed form.
fn unpack(packed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), DataError> {
    let mut raw = Vec::new();
    // 2^20 is far above the real 116,817 bytes and bounds what damaged bytes can unpack to.
    let mut reader = ZlibDecoder::new(packed).take(1 << 20);
    reader
        .read_to_end(&mut raw)
        .map_err(|source| DataError::Archive { file: FILE.to_owned(), source })?;
    let magic = DataError::Magic { file: FILE.to_owned(), expected: "packed digits" };
    let body = raw.strip_prefix(MAGIC).ok_or(magic)?;
    let short = |expected: usize| DataError::Length {
        file: FILE.to_owned(),
        expected: expected.to_string(),
        found: body.len() as u64,
    };
    let (count, body) = body.split_first_chunk::<4>().ok_or_else(|| short(4))?;
    let count = u32::from_le_bytes(*count) as usize;
    let expected = count.saturating_mul(1 + SHAPE.elements());
    if body.len() != expected {
        return Err(short(expected.saturating_add(4)));
    }
    let (labels, pixels) = body.split_at_checked(count).ok_or_else(|| short(expected))?;
    Ok((labels.to_vec(), pixels.to_vec()))
}

fn split(labels: &[u8], pixels: &[u8]) -> RawParts {
    let [mut train, mut validation, mut test] =
        [Split::default(), Split::default(), Split::default()];
    let mut seen = std::collections::BTreeMap::<u8, usize>::new();
    for (&label, image) in labels.iter().zip(pixels.chunks_exact(SHAPE.elements())) {
        let position = seen.entry(label).or_default();
        let target = match *position % 6 {
            4 => &mut validation,
            5 => &mut test,
            _ => &mut train,
        };
        target.append(Split::new(image.to_vec(), vec![u32::from(label)]));
        *position += 1;
    }
    RawParts {
        shape: SHAPE,
        pixel_max: PIXEL_MAX,
        class_names: (0..CLASSES).map(|class| class.to_string()).collect(),
        train,
        validation: Some(validation),
        test,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_first_image_is_scikit_learns() {
        let (labels, pixels) = unpack(PACKED).unwrap();
        let mut counts = [0; CLASSES];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        // numpy.bincount(load_digits().target), and the sum of all pixels.
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>(), 561_718);
        assert_eq!(labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(pixels[..16], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        for cut in (0..PACKED.len()).step_by(997) {
            assert!(unpack(&PACKED[..cut]).is_err());
        }
    }
}
