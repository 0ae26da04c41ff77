//! Random variations of a batch of images: mirrored, shifted, with a square taken out. What happens to
//! an image depends on the seed, the epoch and its place in the epoch alone, not on batches or threads.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::dataset::ImageShape;
use super::normalize::PixelScaling;
use super::stratify;

/// How images are varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Augmentation {
    /// Whether every second image is mirrored left to right.
    pub flip: bool,
    /// Images are shifted by up to this many pixels each way, black coming in: a random crop of the
    /// padded image.
    pub crop: usize,
    /// Side of a square, centred anywhere, that is set to 0 after normalisation; 0 is none.
    // DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    pub cut_out: usize,
}

impl Augmentation {
    /// Images as they are.
    pub const NONE: Augmentation = Augmentation { flip: false, crop: 0, cut_out: 0 };
}

/// Random words that one image takes, whatever is done with them.
const WORDS: u128 = 8;
/// Streams of the seed below this belong to the order of epochs.
const FIRST_STREAM: u64 = 1 << 62;

/// Varies the images of an epoch in order.
#[derive(Debug)]
pub struct Augmenter {
    how: Augmentation,
    shape: ImageShape,
    black: Vec<f32>,
    seed: u64,
    plane: Vec<f32>,
}

impl Augmenter {
    /// For normalised images of a data set.
    pub fn new(how: Augmentation, pixels: &PixelScaling, seed: u64) -> Augmenter {
        let shape = pixels.shape();
        let statistics = pixels.statistics();
        let black = statistics.mean.iter().zip(&statistics.deviation);
        let black = black.map(|(&mean, &deviation)| (0.0 - mean) / deviation).collect();
        Augmenter { how, shape, black, seed, plane: vec![0.0; shape.plane()] }
    }

    /// Varies a batch, NCHW, whose first image is number `first` of `epoch`. Allocates nothing.
    pub fn vary(&mut self, images: &mut [f32], epoch: usize, first: usize) {
        if self.how == Augmentation::NONE {
            return;
        }
        let mut generator = stratify::generator(self.seed, FIRST_STREAM + epoch as u64);
        for (index, image) in images.chunks_exact_mut(self.shape.elements().max(1)).enumerate() {
            generator.set_word_pos((first + index) as u128 * WORDS);
            self.vary_one(image, &mut generator);
        }
    }

    fn vary_one(&mut self, image: &mut [f32], generator: &mut ChaCha8Rng) {
        let (height, width) = (self.shape.height, self.shape.width);
        let mut draw = |below: usize| below_from(generator.next_u32(), below);
        let mirrored = draw(2) == 1 && self.how.flip;
        let reach = 2 * self.how.crop + 1;
        let [down, right] = [draw(reach), draw(reach)].map(|at| offset(at, self.how.crop));
        let centre = [draw(height), draw(width)];
        for (plane, black) in image.chunks_exact_mut(self.shape.plane().max(1)).zip(&self.black) {
            if mirrored {
                plane.chunks_exact_mut(width).for_each(<[f32]>::reverse);
            }
            if self.how.crop > 0 {
                self.plane.copy_from_slice(plane);
                shift(&self.plane, plane, width, [down, right], *black);
            }
            if self.how.cut_out > 0 {
                cut(plane, width, centre, self.how.cut_out);
            }
        }
    }
}

/// A random word as a number below `below`.
// Lemire, "Fast Random Integer Generation in an Interval", 2019, without the rejection: the bias is
// below 2⁻²⁰ for images.
fn below_from(word: u32, below: usize) -> usize {
    ((u64::from(word) * below as u64) >> 32) as usize
}

fn offset(at: usize, most: usize) -> isize {
    at.cast_signed() - most.cast_signed()
}

/// Moves a plane by rows and columns; `fill` comes in.
fn shift(from: &[f32], to: &mut [f32], width: usize, by: [isize; 2], fill: f32) {
    let [down, right] = by;
    let keep = width.saturating_sub(right.unsigned_abs());
    let (source, target) = (right.min(0).unsigned_abs(), right.max(0).unsigned_abs());
    for (row, out) in (0_isize..).zip(to.chunks_exact_mut(width.max(1))) {
        out.fill(fill);
        let Ok(row) = usize::try_from(row - down) else { continue };
        let row = from.get(row * width..(row + 1) * width).unwrap_or_default();
        let kept = row.get(source..source + keep).unwrap_or_default();
        let out = out.get_mut(target..target + kept.len()).unwrap_or_default();
        out.copy_from_slice(kept);
    }
}

/// Sets a square around `centre` to 0, as far as it lies in the image.
fn cut(plane: &mut [f32], width: usize, centre: [usize; 2], side: usize) {
    let range = |centre: usize| centre.saturating_sub(side / 2)..centre + side.div_ceil(2);
    let [rows, columns] = centre.map(range);
    let all = plane.chunks_exact_mut(width.max(1));
    for row in all.skip(rows.start).take(rows.len()) {
        let end = columns.end.min(width);
        row.get_mut(columns.start..end).unwrap_or_default().fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, shift};

    #[test]
    fn a_plane_is_shifted_and_black_comes_in() {
        let from = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut to = [0.0; 6];
        shift(&from, &mut to, 3, [1, -1], 9.0);
        assert_eq!(to, [9.0, 9.0, 9.0, 2.0, 3.0, 9.0]);
        shift(&from, &mut to, 3, [-1, 2], 9.0);
        assert_eq!(to, [9.0, 9.0, 4.0, 9.0, 9.0, 9.0]);
        shift(&from, &mut to, 3, [0, 5], 9.0);
        assert_eq!(to, [9.0; 6]);
    }

    #[test]
    fn a_square_is_cut_at_the_border() {
        let mut plane = [1.0; 12];
        cut(&mut plane, 4, [0, 3], 2);
        assert_eq!(plane, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        cut(&mut plane, 4, [2, 0], 3);
        assert_eq!(plane, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    }
}
