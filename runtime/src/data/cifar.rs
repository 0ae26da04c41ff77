//! CIFAR-10 and CIFAR-100 in the two layouts of their page, <https://www.cs.toronto.edu/~kriz/cifar.html>:
//! fixed-size binary records and Python pickles. Both hold red, green and blue planes in turn.

use super::arrange::RawParts;
use super::dataset::{ImageShape, Split};
use super::error::DataError;
use super::files::Files;
use super::pickle;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

/// How one file encodes images and labels.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    /// Records of `label_bytes` labels, the last of which counts, then the pixels.
    Binary { label_bytes: usize },
    /// A dictionary with `data` and a list of labels.
    Pickle { labels: &'static str, class_names: &'static str },
}

/// One of the published layouts.
#[derive(Debug)]
pub(super) struct Layout {
    /// Name for messages.
    pub(super) name: &'static str,
    /// Name of the data set.
    pub(super) dataset: &'static str,
    /// Name of the folder in the published archive.
    pub(super) folder: &'static str,
    /// Name of the published archive.
    pub(super) archive: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    classes: usize,
    encoding: Encoding,
}

/// All published layouts that are read.
pub(super) const LAYOUTS: [Layout; 4] = [
    Layout {
        name: "CIFAR-10 binary",
        dataset: "cifar10",
        folder: "cifar-10-batches-bin",
        archive: "cifar-10-binary.tar.gz",
        train: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        test: "test_batch.bin",
        names: "batches.meta.txt",
        classes: 10,
        encoding: Encoding::Binary { label_bytes: 1 },
    },
    Layout {
        name: "CIFAR-10 Python",
        dataset: "cifar10",
        folder: "cifar-10-batches-py",
        archive: "cifar-10-python.tar.gz",
        train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        test: "test_batch",
        names: "batches.meta",
        classes: 10,
        encoding: Encoding::Pickle { labels: "labels", class_names: "label_names" },
    },
    Layout {
        name: "CIFAR-100 binary",
        dataset: "cifar100",
        folder: "cifar-100-binary",
        archive: "cifar-100-binary.tar.gz",
        train: &["train.bin"],
        test: "test.bin",
        names: "fine_label_names.txt",
        classes: 100,
        // A coarse label, then the fine one.
        encoding: Encoding::Binary { label_bytes: 2 },
    },
    Layout {
        name: "CIFAR-100 Python",
        dataset: "cifar100",
        folder: "cifar-100-python",
        archive: "cifar-100-python.tar.gz",
        train: &["train"],
        test: "test",
        names: "meta",
        classes: 100,
        encoding: Encoding::Pickle { labels: "fine_labels", class_names: "fine_label_names" },
    },
];

impl Layout {
    /// Whether `name` is a file of this layout.
    pub(super) fn knows(&self, name: &str) -> bool {
        name == self.test || name == self.names || self.train.contains(&name)
    }

    /// Whether a file with images of this layout is there.
    pub(super) fn is_in(&self, files: &Files) -> bool {
        files.has(self.test) || self.train.iter().any(|name| files.has(name))
    }

    /// The files that make a reader recognise it, for messages.
    pub(super) fn description(&self) -> String {
        let first = self.train.first().copied().unwrap_or_default();
        format!("{first} and {} ({})", self.test, self.name)
    }

    /// Reads all files.
    pub(super) fn read(&self, files: &Files) -> Result<RawParts, DataError> {
        let class_names = self.class_names(files)?;
        let mut train = Split::default();
        let mut sibling = None;
        for name in self.train {
            let bytes = files.read(name, self.name)?;
            self.check_sibling(&bytes, &mut sibling, &files.describe(name))?;
            train.append(self.split(&bytes, &files.describe(name))?);
        }
        let bytes = files.read(self.test, self.name)?;
        let test = self.split(&bytes, &files.describe(self.test))?;
        Ok(RawParts {
            shape: SHAPE,
            pixel_max: u8::MAX,
            class_names,
            train,
            validation: None,
            test,
        })
    }

    /// The binary train batches are all of one length, which shows a cut at a record's end.
    fn check_sibling(
        &self,
        bytes: &[u8],
        sibling: &mut Option<usize>,
        file: &str,
    ) -> Result<(), DataError> {
        let (Encoding::Binary { .. }, found) = (self.encoding, bytes.len()) else { return Ok(()) };
        let expected = *sibling.get_or_insert(found);
        if found == expected {
            return Ok(());
        }
        let expected = format!("{expected} like the batches before it");
        Err(DataError::Length { file: file.to_owned(), expected, found: found as u64 })
    }

    fn split(&self, bytes: &[u8], file: &str) -> Result<Split, DataError> {
        let (labels, images) = match self.encoding {
            Encoding::Binary { label_bytes } => records(bytes, label_bytes, file)?,
            Encoding::Pickle { labels, .. } => batch(bytes, labels, file)?,
        };
        let classes = self.classes;
        let checked = labels.into_iter().enumerate().map(|(index, label)| {
            let valid = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
            let file = || file.to_owned();
            valid.ok_or_else(|| DataError::LabelOutOfRange { file: file(), index, label, classes })
        });
        Ok(Split::new(images, checked.collect::<Result<_, _>>()?))
    }

    /// The published names, or numbers if their file is absent or has another count.
    fn class_names(&self, files: &Files) -> Result<Vec<String>, DataError> {
        let numbers = || (0..self.classes).map(|class| class.to_string()).collect();
        if !files.has(self.names) {
            return Ok(numbers());
        }
        let bytes = files.read(self.names, self.name)?;
        let names = match self.encoding {
            Encoding::Binary { .. } => lines(&bytes),
            Encoding::Pickle { class_names, .. } => pickle::parse(&bytes)
                .and_then(|meta| meta.texts(meta.entry(class_names)?))
                .map_err(|source| DataError::Pickle { file: files.describe(self.names), source })?,
        };
        Ok(if names.len() == self.classes { names } else { numbers() })
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Labels and pixels of fixed-size records.
fn records(bytes: &[u8], label_bytes: usize, file: &str) -> Result<(Vec<i64>, Vec<u8>), DataError> {
    let record = label_bytes + SHAPE.elements();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let expected = format!("a multiple of {record} (one image)");
        let found = bytes.len() as u64;
        return Err(DataError::Length { file: file.to_owned(), expected, found });
    }
    let mut labels = Vec::with_capacity(bytes.len() / record);
    let mut images = Vec::with_capacity(bytes.len());
    for record in bytes.chunks_exact(record) {
        let (label, pixels) = record.split_at_checked(label_bytes).unwrap_or_default();
        labels.extend(label.last().map(|&label| i64::from(label)));
        images.extend_from_slice(pixels);
    }
    Ok((labels, images))
}

/// Labels and pixels of a pickled dictionary.
fn batch(bytes: &[u8], labels: &str, file: &str) -> Result<(Vec<i64>, Vec<u8>), DataError> {
    let damaged = |source| DataError::Pickle { file: file.to_owned(), source };
    let pickle = pickle::parse(bytes).map_err(damaged)?;
    let labels = pickle.entry(labels).and_then(|id| pickle.integers(id)).map_err(damaged)?;
    let data = pickle.entry("data").and_then(|id| pickle.byte_array(id)).map_err(damaged)?;
    if data.shape != [labels.len(), SHAPE.elements()] {
        let expected = format!("{} for {} labels", labels.len() * SHAPE.elements(), labels.len());
        let found = data.bytes.len() as u64;
        return Err(DataError::Length { file: format!("{file}, entry data"), expected, found });
    }
    Ok((labels, data.bytes.to_vec()))
}
