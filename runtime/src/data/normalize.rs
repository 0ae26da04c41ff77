//! From bytes to floats: channel statistics and the scaling that applies them.

use super::dataset::{ImageShape, Split};

/// Which mean and deviation are applied after scaling white to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Mean 0.5 and deviation 0.5 in every channel: pixels lie in -1..=1.
    // The training loop of Nasir et al., "LLMatic" (GECCO 2024), normalises this way.
    Symmetric,
    /// Mean and deviation of each channel of the train split.
    DataStatistics,
}

/// Mean and standard deviation of each channel, on the scale where white is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelStatistics {
    /// One mean per channel.
    pub mean: Vec<f32>,
    /// One deviation (over all pixels, divided by their number) per channel.
    pub deviation: Vec<f32>,
}

impl ChannelStatistics {
    /// Mean 0.5, deviation 0.5.
    pub fn symmetric(channels: usize) -> Self {
        ChannelStatistics { mean: vec![0.5; channels], deviation: vec![0.5; channels] }
    }

    /// Measures a split exactly, from one histogram per channel. A constant channel gets
    /// deviation 1, so that normalising it gives zeros.
    pub(super) fn measure(split: &Split, shape: ImageShape, pixel_max: u8) -> Self {
        let mut histograms = vec![[0_u64; 256]; shape.channels];
        for image in split.images().chunks_exact(shape.elements().max(1)) {
            for (plane, histogram) in image.chunks_exact(shape.plane()).zip(&mut histograms) {
                count(plane, histogram);
            }
        }
        let moments = histograms.iter().map(|histogram| moments(histogram, pixel_max));
        let (mean, deviation) = moments.unzip();
        ChannelStatistics { mean, deviation }
    }
}

#[expect(clippy::indexing_slicing, reason = "a byte indexes a table of 256")]
fn count(plane: &[u8], histogram: &mut [u64; 256]) {
    for &pixel in plane {
        histogram[usize::from(pixel)] += 1;
    }
}

/// Mean and deviation of a histogram of bytes, scaled by `pixel_max`.
fn moments(histogram: &[u64; 256], pixel_max: u8) -> (f32, f32) {
    let levels = || (0_u32..).map(f64::from).zip(histogram.iter().map(|&count| count as f64));
    let total: f64 = levels().map(|(_, count)| count).sum::<f64>().max(1.0);
    let mean = levels().map(|(level, count)| level * count).sum::<f64>() / total;
    let variance =
        levels().map(|(level, count)| (level - mean).powi(2) * count).sum::<f64>() / total;
    let scale = f64::from(pixel_max);
    let deviation = if variance > 0.0 { variance.sqrt() / scale } else { 1.0 };
    ((mean / scale) as f32, deviation as f32)
}

/// Byte to normalised float, channel by channel.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelScaling {
    statistics: ChannelStatistics,
    shape: ImageShape,
    pixel_max: f32,
}

impl PixelScaling {
    pub(super) fn new(statistics: ChannelStatistics, shape: ImageShape, pixel_max: u8) -> Self {
        PixelScaling { statistics, shape, pixel_max: f32::from(pixel_max) }
    }

    /// Shape of the images it was made for.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Mean and deviation that are applied.
    pub fn statistics(&self) -> &ChannelStatistics {
        &self.statistics
    }

    /// Writes one image, `[channels, height, width]` in and out.
    pub fn write_image(&self, pixels: &[u8], out: &mut [f32]) {
        let plane = self.shape.plane();
        let planes = pixels.chunks_exact(plane).zip(out.chunks_exact_mut(plane));
        let channels = self.statistics.mean.iter().zip(&self.statistics.deviation);
        for ((pixels, out), (&mean, &deviation)) in planes.zip(channels) {
            write_plane(pixels, out, self.pixel_max, mean, deviation);
        }
    }
}

/// In float32 and in the order of torchvision's `ToTensor` and `Normalize`, so that the result is
/// the same to the last bit. The divisions are vectorised; multiplying by reciprocals would round
/// differently.
fn write_plane(pixels: &[u8], out: &mut [f32], pixel_max: f32, mean: f32, deviation: f32) {
    for (out, &pixel) in out.iter_mut().zip(pixels) {
        *out = (f32::from(pixel) / pixel_max - mean) / deviation;
    }
}
