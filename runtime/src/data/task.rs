//! `ImageTask`: what a trained classifier must be told about the images that it was trained on, so that
//! others can be given to it. Weights files carry it.

use serde::{Deserialize, Serialize};

use super::dataset::{Dataset, ImageShape};
use super::error::DataError;
use super::normalize::{ChannelStatistics, Normalization, PixelScaling};

/// Images that a classifier takes, and what its outputs mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTask {
    /// `[channels, height, width]`.
    pub image: [usize; 3],
    /// One name per class.
    pub class_names: Vec<String>,
    /// Subtracted from each channel, where white is 1.
    pub mean: Vec<f32>,
    /// Each channel is divided by it.
    pub deviation: Vec<f32>,
}

impl ImageTask {
    /// That of a data set.
    pub fn of(data: &Dataset, normalization: Normalization) -> ImageTask {
        let scaling = data.pixel_scaling(normalization);
        ImageTask {
            image: data.shape().dims(),
            class_names: data.class_names().to_vec(),
            mean: scaling.statistics().mean.clone(),
            deviation: scaling.statistics().deviation.clone(),
        }
    }

    /// Shape of an image.
    pub fn shape(&self) -> ImageShape {
        let [channels, height, width] = self.image;
        ImageShape { channels, height, width }
    }

    /// What turns bytes, of which `white` is the largest, into what the network takes.
    pub fn scaling(&self, white: u8) -> PixelScaling {
        let (mean, deviation) = (self.mean.clone(), self.deviation.clone());
        PixelScaling::new(ChannelStatistics { mean, deviation }, self.shape(), white)
    }

    /// Whether a data set has such images and classes.
    ///
    /// # Errors
    /// [`DataError::OtherTask`] says what differs.
    pub fn check(&self, data: &Dataset) -> Result<(), DataError> {
        let describe =
            |shape: ImageShape, classes: usize| format!("{shape} images of {classes} classes");
        let found = describe(data.shape(), data.classes());
        let expected = describe(self.shape(), self.class_names.len());
        if found == expected {
            return Ok(());
        }
        Err(DataError::OtherTask { name: data.name().to_owned(), found, expected })
    }
}
