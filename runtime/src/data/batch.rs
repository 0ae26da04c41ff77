//! Batches: an order over a split, and normalised floats written into the caller's buffers.
//! After construction nothing allocates. Augmentation is not done here.

use std::num::NonZeroUsize;

use super::dataset::Split;
use super::error::DataError;
use super::normalize::PixelScaling;
use super::stratify;

/// What happens to the images left over when a split does not divide into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// The last batch is smaller.
    Keep,
    /// Left-over images are skipped in this epoch.
    Drop,
}

/// Walks a split in batches. Starts in the split's own order, as evaluation wants it.
///
/// ```
/// # use std::num::NonZeroUsize;
/// # use nasc_runtime::data::{self, Batches, LastBatch, Normalization};
/// # fn main() -> Result<(), data::DataError> {
/// let digits = data::digits()?;
/// let pixels = digits.pixel_scaling(Normalization::Symmetric);
/// let size = NonZeroUsize::MIN.saturating_add(31);
/// let mut batches = Batches::new(digits.train(), &pixels, size, LastBatch::Keep)?;
/// let mut images = vec![0.0; batches.image_values()];
/// let mut labels = vec![0; size.get()];
/// for epoch in 0..2 {
///     batches.shuffle(7, epoch);
///     while let Some(len) = batches.next_batch(&mut images, &mut labels)? {
///         assert!(len <= 32);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Batches<'a> {
    split: &'a Split,
    pixels: &'a PixelScaling,
    batch_size: NonZeroUsize,
    last: LastBatch,
    order: Vec<u32>,
    position: usize,
}

impl<'a> Batches<'a> {
    /// Sequential batches over `split`.
    ///
    /// # Errors
    /// [`DataError::Scaling`] if the scaling was made for images of another size.
    pub fn new(
        split: &'a Split,
        pixels: &'a PixelScaling,
        batch_size: NonZeroUsize,
        last: LastBatch,
    ) -> Result<Self, DataError> {
        let expected = split.len().saturating_mul(pixels.shape().elements());
        if split.images().len() != expected {
            let (images, found, shape) = (split.len(), split.images().len(), pixels.shape());
            return Err(DataError::Scaling { images, found, shape });
        }
        let order = identity(split).collect();
        Ok(Batches { split, pixels, batch_size, last, order, position: 0 })
    }

    /// Begins an epoch in the order that `seed` and `epoch` fix. The earlier order has no influence,
    /// so epoch 5 is the same whether or not epochs 0 to 4 were run.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        self.rewind();
        stratify::shuffle(&mut self.order, &mut stratify::generator(seed, epoch));
    }

    /// Begins an epoch in the split's own order.
    pub fn rewind(&mut self) {
        self.order.clear();
        self.order.extend(identity(self.split));
        self.position = 0;
    }

    /// Begins an epoch in a given order, such as one recorded from another framework. It may be
    /// shorter than the split and may repeat images.
    ///
    /// # Errors
    /// [`DataError::Order`] if an index is outside the split; the old order then stays.
    pub fn set_order(&mut self, order: &[u32]) -> Result<(), DataError> {
        let len = self.split.len();
        if let Some(&index) = order.iter().find(|&&index| index as usize >= len) {
            return Err(DataError::Order { index, len });
        }
        self.order.clear();
        self.order.extend_from_slice(order);
        self.position = 0;
        Ok(())
    }

    /// Passes over the first `images` of the epoch, as if their batches had been taken.
    pub fn skip(&mut self, images: usize) {
        self.position = images.min(self.order.len());
    }

    /// The order of this epoch, as indices into the split.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Batches in an epoch of the present order.
    pub fn batches_per_epoch(&self) -> usize {
        match self.last {
            LastBatch::Keep => self.order.len().div_ceil(self.batch_size.get()),
            LastBatch::Drop => self.order.len() / self.batch_size,
        }
    }

    /// Floats that the image buffer needs: batch size x channels x height x width.
    pub fn image_values(&self) -> usize {
        self.batch_size.get().saturating_mul(self.pixels.shape().elements())
    }

    /// Writes the next batch to the front of the buffers, `images` as NCHW, and gives its number of
    /// images; `None` at the end of the epoch. Values behind the batch are left as they were.
    ///
    /// # Errors
    /// [`DataError::Buffer`] if a buffer is too small for the batch.
    pub fn next_batch(
        &mut self,
        images: &mut [f32],
        labels: &mut [u32],
    ) -> Result<Option<usize>, DataError> {
        let left = self.order.len().saturating_sub(self.position);
        let len = left.min(self.batch_size.get());
        let short = len < self.batch_size.get();
        if len == 0 || (short && self.last == LastBatch::Drop) {
            return Ok(None);
        }
        let chosen = self.order.get(self.position..self.position + len).unwrap_or_default();
        write_batch(self.split, self.pixels, chosen, images, labels)?;
        self.position += len;
        Ok(Some(len))
    }
}

fn identity(split: &Split) -> impl Iterator<Item = u32> {
    (0_u32..).zip(split.labels()).map(|(index, _)| index)
}

fn write_batch(
    split: &Split,
    pixels: &PixelScaling,
    chosen: &[u32],
    images: &mut [f32],
    labels: &mut [u32],
) -> Result<(), DataError> {
    let elements = pixels.shape().elements();
    check_buffer("images", images.len(), chosen.len().saturating_mul(elements))?;
    check_buffer("labels", labels.len(), chosen.len())?;
    let out = images.chunks_exact_mut(elements).zip(labels);
    for (&index, (image, label)) in chosen.iter().zip(out) {
        let source = split.image(index as usize).zip(split.labels().get(index as usize));
        if let Some((source, &class)) = source {
            pixels.write_image(source, image);
            *label = class;
        }
    }
    Ok(())
}

fn check_buffer(buffer: &'static str, found: usize, needed: usize) -> Result<(), DataError> {
    if found < needed {
        return Err(DataError::Buffer { buffer, needed, found });
    }
    Ok(())
}
