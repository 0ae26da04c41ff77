//! NumPy arrays of images and labels: a `.npz` file, or a folder of `.npy` files, under the names that
//! are usual. Not here: the formats (`array`, `zip`).

mod array;
mod zip;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use self::array::{Array, Numbers};
use super::arrange::{RawParts, with_test};
use super::dataset::{ImageShape, Split};
use super::error::DataError;
use super::options::DataOptions;

/// What makes a reader recognise the layout, for messages.
pub(super) const DESCRIPTION: &str = "x_train.npy, y_train.npy, x_test.npy and y_test.npy";

/// Names of images and labels of train, validation and test, first those of Keras, then of MedMNIST. The
/// last is that of data sets that are not divided.
const NAMES: [[[&str; 2]; 3]; 4] = [
    [["x_train", "y_train"], ["x_val", "y_val"], ["x_test", "y_test"]],
    [
        ["train_images", "train_labels"],
        ["val_images", "val_labels"],
        ["test_images", "test_labels"],
    ],
    [["images", "labels"], ["", ""], ["", ""]],
    [["x", "y"], ["", ""], ["", ""]],
];

/// Arrays by name, without `.npy`.
type Arrays = BTreeMap<String, Vec<u8>>;

/// Whether a file is a `.npz` file by its first bytes and its name.
pub(super) fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npz")
}

/// Whether a folder holds arrays under known names.
pub(super) fn is_in(folder: &Path) -> bool {
    NAMES.iter().any(|[[images, _], ..]| folder.join(format!("{images}.npy")).is_file())
}

/// Reads a `.npz` file.
pub(super) fn read_npz(path: &Path, options: &DataOptions) -> Result<RawParts, DataError> {
    let file = path.display().to_string();
    let bytes = read(path, options.memory_limit)?;
    let members = zip::members(&bytes, options.memory_limit).map_err(damaged(&file))?;
    let named = members
        .into_iter()
        .filter_map(|(name, bytes)| Some((name.strip_suffix(".npy")?.to_owned(), bytes)));
    parts(&file, &named.collect(), options)
}

/// Reads a folder of `.npy` files.
pub(super) fn read_folder(folder: &Path, options: &DataOptions) -> Result<RawParts, DataError> {
    let mut arrays = Arrays::new();
    for name in NAMES.iter().flatten().flatten().filter(|name| !name.is_empty()) {
        let path = folder.join(format!("{name}.npy"));
        if path.is_file() {
            arrays.insert((*name).to_owned(), read(&path, options.memory_limit)?);
        }
    }
    parts(&folder.display().to_string(), &arrays, options)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let file = path.display().to_string();
    let bytes = fs::metadata(path).map_err(DataError::io("read", &file))?.len();
    if bytes > limit {
        return Err(DataError::TooLarge { file, bytes, limit });
    }
    fs::read(path).map_err(DataError::io("read", &file))
}

/// Images and labels of a split as they were found.
struct Found {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<i64>,
}

fn parts(file: &str, arrays: &Arrays, options: &DataOptions) -> Result<RawParts, DataError> {
    let usual = NAMES.iter().find(|[[images, _], ..]| arrays.contains_key(*images));
    let Some([train, validation, test]) = usual else {
        let found: Vec<&str> = arrays.keys().map(String::as_str).collect();
        let cause = format!(
            "it has the arrays {}; images and labels must be x_train and y_train (and x_test, y_test), \
             train_images and train_labels, images and labels, or x and y",
            found.join(", ")
        );
        return Err(DataError::Arrays { file: file.to_owned(), cause });
    };
    let train = split(file, arrays, *train)?.ok_or_else(|| missing(file, train[1]))?;
    let (validation, test) = (split(file, arrays, *validation)?, split(file, arrays, *test)?);
    let mut others = validation.iter().chain(&test);
    if let Some(other) = others.find(|other| other.shape != train.shape) {
        let (expected, found) = (train.shape, other.shape);
        return Err(DataError::ImageShape { file: file.to_owned(), index: 0, expected, found });
    }
    let all = [Some(&train), validation.as_ref(), test.as_ref()].into_iter().flatten();
    let mut classes: Vec<i64> = all.flat_map(|found| found.labels.iter().copied()).collect();
    classes.sort_unstable();
    classes.dedup();
    let shape = train.shape;
    let finish = |found: Found| {
        let position = |label| classes.binary_search(label).unwrap_or_default() as u32;
        Split::new(found.pixels, found.labels.iter().map(position).collect())
    };
    let class_names = classes.iter().map(i64::to_string).collect();
    let (train, validation, test) =
        with_test(finish(train), validation.map(finish), test.map(finish), options.seed);
    Ok(RawParts { shape, pixel_max: u8::MAX, class_names, train, validation, test })
}

/// One split; `None` if its images are not there.
fn split(
    file: &str,
    arrays: &Arrays,
    [images, labels]: [&str; 2],
) -> Result<Option<Found>, DataError> {
    let Some(pixels) = arrays.get(images) else { return Ok(None) };
    let stored = arrays.get(labels).ok_or_else(|| missing(file, labels))?;
    let named = |name: &str| format!("{file}: {name}");
    let pixels = array::parse(pixels).map_err(damaged(&named(images)))?;
    let stored = array::parse(stored).map_err(damaged(&named(labels)))?;
    let (shape, pixels) = pixels_of(pixels).map_err(damaged(&named(images)))?;
    let numbers = labels_of(&stored).map_err(damaged(&named(labels)))?;
    let count = pixels.len() / shape.elements().max(1);
    if count != numbers.len() {
        let cause = format!("it has {count} images and {} labels", numbers.len());
        return Err(DataError::Arrays { file: file.to_owned(), cause });
    }
    Ok(Some(Found { shape, pixels, labels: numbers }))
}

fn missing(file: &str, array: &str) -> DataError {
    let cause = format!("it lacks the array {array}");
    DataError::Arrays { file: file.to_owned(), cause }
}

fn damaged<T: Into<String>>(file: &str) -> impl Fn(T) -> DataError {
    let file = file.to_owned();
    move |cause| DataError::Arrays { file: file.clone(), cause: cause.into() }
}

/// Whole numbers, in one dimension or as a column.
fn labels_of(array: &Array) -> Result<Vec<i64>, String> {
    if array.shape.iter().skip(1).any(|&extent| extent != 1) || array.shape.is_empty() {
        return Err(format!("labels must be one number each, but its shape is {:?}", array.shape));
    }
    let whole = |value: f64| (value.fract() == 0.0).then_some(value as i64);
    let labels: Option<Vec<i64>> = array.numbers.to_floats().into_iter().map(whole).collect();
    labels.ok_or("labels must be whole numbers".to_owned())
}

/// Images of `[n, h, w]`, `[n, h, w, c]` or `[n, c, h, w]` with one channel or three, as NCHW bytes.
fn pixels_of(array: Array) -> Result<(ImageShape, Vec<u8>), String> {
    let (shape, last) = match *array.shape.as_slice() {
        [_, height, width] => (ImageShape { channels: 1, height, width }, false),
        [_, height, width, channels @ (1 | 3)] => (ImageShape { channels, height, width }, true),
        [_, channels @ (1 | 3), height, width] => (ImageShape { channels, height, width }, false),
        _ => {
            let shape = &array.shape;
            return Err(format!(
                "images must be [n, height, width], [n, height, width, channels] or \
                 [n, channels, height, width] with 1 or 3 channels, but its shape is {shape:?}"
            ));
        }
    };
    let bytes = bytes_of(array.numbers)?;
    Ok((shape, if last { channels_first(&bytes, shape) } else { bytes }))
}

/// Bytes as they are; floats from 0 to 1 times 255, from 0 to 255 rounded.
fn bytes_of(numbers: Numbers) -> Result<Vec<u8>, String> {
    let floats = match numbers {
        Numbers::Bytes(bytes) => return Ok(bytes),
        Numbers::Floats(floats) => floats,
    };
    let low = floats.iter().copied().fold(f64::INFINITY, f64::min);
    let high = floats.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(low >= 0.0 && high <= 255.0) || floats.iter().any(|value| value.is_nan()) {
        return Err(format!(
            "pixels must be 0 to 255, or 0 to 1, but they are {low} to {high}; save them as uint8"
        ));
    }
    let scale = if high <= 1.0 { 255.0 } else { 1.0 };
    Ok(floats.into_iter().map(|value| (value * scale).round() as u8).collect())
}

fn channels_first(bytes: &[u8], shape: ImageShape) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for image in bytes.chunks_exact(shape.elements().max(1)) {
        for channel in 0..shape.channels {
            out.extend(image.iter().skip(channel).step_by(shape.channels));
        }
    }
    out
}
