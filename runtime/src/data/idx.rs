//! The IDX files of MNIST and the data sets made after it, plain or gzipped.
//! Layout: <http://yann.lecun.com/exdb/mnist/>, "the IDX file format".

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;

use super::arrange::RawParts;
use super::dataset::{ImageShape, Split};
use super::error::DataError;
use super::files::Files;

const LAYOUT: &str = "IDX (MNIST)";
/// Train and test, images and labels, without the endings that copies differ in.
const TRAIN: [&str; 2] = ["train-images", "train-labels"];
const TEST: [&str; 2] = ["t10k-images", "t10k-labels"];
/// Tried in this order, for images (3 dimensions) and labels (1).
const ENDINGS: [&str; 4] = ["-idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte", ".idx{}-ubyte.gz"];

/// What makes a reader recognise the layout, for messages.
pub(super) const DESCRIPTION: &str = "train-images-idx3-ubyte and its three siblings (MNIST)";

/// Whether images of this layout are there.
pub(super) fn is_in(files: &Files) -> bool {
    [TRAIN, TEST].iter().any(|[images, _]| present(files, images, 3).is_some())
}

/// The name of the file that is there.
fn present(files: &Files, stem: &str, dimensions: u8) -> Option<String> {
    let ending = |ending: &&str| ending.replace("{}", &dimensions.to_string());
    ENDINGS.iter().map(|pattern| format!("{stem}{}", ending(pattern))).find(|name| files.has(name))
}

/// Reads all four files.
pub(super) fn read(files: &Files, memory_limit: u64) -> Result<RawParts, DataError> {
    let (shape, train) = split(files, TRAIN, memory_limit)?;
    let (test_shape, test) = split(files, TEST, memory_limit)?;
    if test_shape != shape {
        let file = files.describe(&present(files, TEST[0], 3).unwrap_or_default());
        return Err(DataError::ImageShape { file, index: 0, expected: shape, found: test_shape });
    }
    let largest = train.labels().iter().chain(test.labels()).max().copied().unwrap_or(0);
    let class_names = (0..=largest).map(|class| class.to_string()).collect();
    Ok(RawParts { shape, pixel_max: u8::MAX, class_names, train, validation: None, test })
}

fn split(
    files: &Files,
    [images, labels]: [&str; 2],
    memory_limit: u64,
) -> Result<(ImageShape, Split), DataError> {
    let ([count, height, width], pixels, _) = array::<3>(files, images, memory_limit)?;
    let ([label_count], labels, file) = array::<1>(files, labels, memory_limit)?;
    if count != label_count {
        let expected = format!("{count} labels behind its 8 bytes of header");
        return Err(DataError::Length { file, expected, found: labels.len() as u64 + 8 });
    }
    let labels = labels.into_iter().map(u32::from).collect();
    Ok((ImageShape { channels: 1, height, width }, Split::new(pixels, labels)))
}

/// Extents, values and full name of an IDX file of unsigned bytes with `N` dimensions.
fn array<const N: usize>(
    files: &Files,
    stem: &str,
    memory_limit: u64,
) -> Result<([usize; N], Vec<u8>, String), DataError> {
    let name = present(files, stem, N as u8).unwrap_or(format!("{stem}-idx{N}-ubyte"));
    let file = files.describe(&name);
    let stored = files.read(&name, LAYOUT)?;
    let bytes = if name.ends_with(".gz") {
        Cow::Owned(unpack(&stored, memory_limit, &file)?)
    } else {
        stored
    };
    // Two zeros, 8 for unsigned bytes, the number of dimensions.
    let magic = [0, 0, 8, N as u8];
    let wrong = || DataError::Magic { file: file.clone(), expected: "an IDX file of bytes" };
    let mut rest = bytes.strip_prefix(&magic).ok_or_else(wrong)?;
    let mut extents = [0; N];
    for extent in &mut extents {
        let (value, behind) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        *extent = u32::from_be_bytes(*value) as usize;
        rest = behind;
    }
    let expected = extents.iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent));
    if expected != Some(rest.len()) {
        let expected = format!("{extents:?} values behind the header");
        return Err(DataError::Length { file, expected, found: bytes.len() as u64 });
    }
    Ok((extents, rest.to_vec(), file))
}

fn unpack(stored: &[u8], memory_limit: u64, file: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let damaged = |source| DataError::Archive { file: file.to_owned(), source };
    let mut reader = GzDecoder::new(stored).take(memory_limit.saturating_add(1));
    reader.read_to_end(&mut bytes).map_err(damaged)?;
    let (file, found) = (file.to_owned(), bytes.len() as u64);
    if found > memory_limit {
        return Err(DataError::TooLarge { file, bytes: found, limit: memory_limit });
    }
    Ok(bytes)
}
