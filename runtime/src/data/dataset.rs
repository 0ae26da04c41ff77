//! `Dataset` and `Split`: images and labels in memory, checked once on construction.
//! How they got there is the readers' business; how they become batches is in `batch`.

use std::fmt;

use sha2::{Digest, Sha256};

use super::error::DataError;
use super::hash::hexadecimal;
use super::normalize::{ChannelStatistics, Normalization, PixelScaling};

/// Channels, height and width of one image, in this order in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// Values of one image: channels x height x width.
    pub fn elements(&self) -> usize {
        self.channels.saturating_mul(self.plane())
    }

    /// Pixels of one channel: height x width.
    pub fn plane(&self) -> usize {
        self.height.saturating_mul(self.width)
    }

    /// `[channels, height, width]`.
    pub fn dims(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// The role of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SplitKind {
    /// Weights are fitted to it.
    Train,
    /// Fitness and choices come from it.
    Validation,
    /// Looked at when everything is decided.
    Test,
}

impl fmt::Display for SplitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SplitKind::Train => "train",
            SplitKind::Validation => "validation",
            SplitKind::Test => "test",
        })
    }
}

/// Images `[n, channels, height, width]` as bytes, and one label for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    images: Vec<u8>,
    labels: Vec<u32>,
}

impl Split {
    /// Unchecked until it becomes part of a [`Dataset`].
    pub fn new(images: Vec<u8>, labels: Vec<u32>) -> Self {
        Split { images, labels }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All pixels, NCHW.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Bytes of one image; 0 when empty.
    pub fn elements(&self) -> usize {
        self.images.len().checked_div(self.len()).unwrap_or(0)
    }

    /// The pixels of image `index`, CHW.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let elements = self.elements();
        let start = index.checked_mul(elements)?;
        self.images.get(start..start.checked_add(elements)?)
    }

    /// Number of images of each class.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Adds the images of `other` behind these.
    pub(super) fn append(&mut self, mut other: Split) {
        self.images.append(&mut other.images);
        self.labels.append(&mut other.labels);
    }

    /// The images whose mask is `keep`, in their old order. The mask has one entry per image.
    pub(super) fn filter(&self, mask: &[bool], keep: bool) -> Split {
        let elements = self.elements();
        let mut out = Split::default();
        for (index, _) in mask.iter().enumerate().filter(|(_, chosen)| **chosen == keep) {
            let start = index * elements;
            out.images.extend(self.images.get(start..start + elements).unwrap_or_default());
            out.labels.extend(self.labels.get(index));
        }
        out
    }

    fn check(&self, split: SplitKind, parts: &DatasetParts) -> Result<(), DataError> {
        if self.is_empty() {
            return Err(DataError::EmptySplit { split });
        }
        let expected = self.len().saturating_mul(parts.shape.elements());
        if self.images.len() != expected {
            let (labels, found) = (self.len(), self.images.len());
            return Err(DataError::PixelCount { split, labels, expected, found });
        }
        self.check_labels(split, parts.class_names.len())?;
        self.check_pixels(split, parts.pixel_max)
    }

    fn check_labels(&self, split: SplitKind, classes: usize) -> Result<(), DataError> {
        let wrong = self.labels.iter().position(|&label| label as usize >= classes);
        let Some(index) = wrong else { return Ok(()) };
        let label = self.labels.get(index).map_or(-1, |&label| i64::from(label));
        Err(DataError::LabelOutOfRange { file: split.to_string(), index, label, classes })
    }

    fn check_pixels(&self, split: SplitKind, pixel_max: u8) -> Result<(), DataError> {
        let pixel = self.images.iter().copied().max().unwrap_or(0);
        if pixel > pixel_max {
            return Err(DataError::PixelRange { split, pixel, pixel_max });
        }
        Ok(())
    }
}

/// The unchecked ingredients of a [`Dataset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetParts {
    /// What to call it in reports.
    pub name: String,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Value of white: 255, or 16 for the digits.
    pub pixel_max: u8,
    /// One name per class.
    pub class_names: Vec<String>,
    /// Images to fit weights to.
    pub train: Split,
    /// Images to choose by.
    pub validation: Split,
    /// Images to report on.
    pub test: Split,
}

/// A checked image-classification data set with three splits.
///
/// Every label has a class, every split has an image, every image has the same shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    parts: DatasetParts,
    statistics: ChannelStatistics,
}

impl Dataset {
    /// Checks the parts and measures the train split's channels.
    ///
    /// # Errors
    /// Sizes of 0, an empty split, pixels that do not match the labels, a label without a class,
    /// a pixel above white.
    pub fn new(parts: DatasetParts) -> Result<Self, DataError> {
        let classes = parts.class_names.len();
        if parts.shape.elements() == 0 || classes == 0 || parts.pixel_max == 0 {
            let (shape, pixel_max) = (parts.shape, parts.pixel_max);
            return Err(DataError::Sizes { shape, classes, pixel_max });
        }
        parts.train.check(SplitKind::Train, &parts)?;
        parts.validation.check(SplitKind::Validation, &parts)?;
        parts.test.check(SplitKind::Test, &parts)?;
        let statistics = ChannelStatistics::measure(&parts.train, parts.shape, parts.pixel_max);
        Ok(Dataset { parts, statistics })
    }

    /// What to call it in reports.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.parts.shape
    }

    /// Value of white, which is scaled to 1.
    pub fn pixel_max(&self) -> u8 {
        self.parts.pixel_max
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.parts.class_names.len()
    }

    /// One name per class, by label.
    pub fn class_names(&self) -> &[String] {
        &self.parts.class_names
    }

    /// The split of this role.
    pub fn split(&self, kind: SplitKind) -> &Split {
        match kind {
            SplitKind::Train => &self.parts.train,
            SplitKind::Validation => &self.parts.validation,
            SplitKind::Test => &self.parts.test,
        }
    }

    /// Images to fit weights to.
    pub fn train(&self) -> &Split {
        &self.parts.train
    }

    /// Images that fitness comes from.
    pub fn validation(&self) -> &Split {
        &self.parts.validation
    }

    /// Images for the final report.
    pub fn test(&self) -> &Split {
        &self.parts.test
    }

    /// Mean and deviation of each channel of the train split, after scaling white to 1.
    pub fn statistics(&self) -> &ChannelStatistics {
        &self.statistics
    }

    /// SHA-256 over shape, white, class count and all images and labels in order, in hexadecimal:
    /// equal for two data sets that train and evaluate alike. A run records it to notice on
    /// resuming that its data have changed.
    pub fn content_hash(&self) -> String {
        let mut hash = Sha256::new();
        let sizes =
            self.shape().dims().into_iter().chain([self.classes(), self.pixel_max().into()]);
        sizes.for_each(|size| hash.update((size as u64).to_le_bytes()));
        for split in [self.train(), self.validation(), self.test()] {
            hash.update((split.len() as u64).to_le_bytes());
            split.labels().iter().for_each(|label| hash.update(label.to_le_bytes()));
            hash.update(split.images());
        }
        hexadecimal(&hash.finalize())
    }

    /// What turns this data set's bytes into normalised floats.
    pub fn pixel_scaling(&self, normalization: Normalization) -> PixelScaling {
        let statistics = match normalization {
            Normalization::Symmetric => ChannelStatistics::symmetric(self.shape().channels),
            Normalization::DataStatistics => self.statistics.clone(),
        };
        PixelScaling::new(statistics, self.shape(), self.pixel_max())
    }
}
