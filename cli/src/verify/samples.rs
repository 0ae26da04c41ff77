//! Samples with nasc's own results in evaluation mode, which artefacts are compared with: images of
//! a data set, or drawn numbers where none fits.

use nasc_compiler::cost;
use nasc_compiler::ir::{CheckedGraph, DType, ValueId};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::data::{self, Dataset, SplitKind};
use nasc_runtime::state::StateDict;

use super::comparison::class_of;
use crate::error::CliError;

/// Samples that are compared at most.
const MOST: usize = 1_000;

/// Samples drawn from a seed where no data set fits.
const DRAWN: usize = 64;

/// Multiply-accumulates that drawn samples may cost; images are asked for.
const DRAWN_MACS: u64 = 20_000_000_000;

/// Samples that are computed together. Statistics of a batch, where a network uses them, are those
/// of such a batch everywhere.
pub(crate) const BATCH: usize = 50;

/// What is proved: a network with its weights, and where its inputs come from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub graph: &'a CheckedGraph,
    pub state: &'a StateDict,
    pub data: Option<&'a Dataset>,
    /// Whether the digits stand in where no data set is named.
    pub digits: bool,
    pub scaling: &'a Scaling,
}

/// What normalising subtracts and divides by, where white is 1: one number, or one for each channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scaling {
    pub mean: Vec<f32>,
    pub deviation: Vec<f32>,
}

/// Images of bytes, channels first.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub pixels: Vec<u8>,
    pub labels: Vec<u32>,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// The byte that stands for white.
    white: u8,
}

/// Inputs with nasc's results.
pub(crate) struct Samples {
    /// Where they come from, such as `images of digits`.
    pub origin: String,
    /// The data set that they are images of.
    pub data: Option<String>,
    pub count: usize,
    /// Extents of one input.
    pub extents: Vec<usize>,
    pub inputs: Vec<f32>,
    /// The inputs as bytes, if they are images.
    pub images: Option<Images>,
    /// Empty if nasc cannot run the network.
    pub outputs: Vec<f32>,
    /// Why nasc cannot run it.
    pub problem: String,
    /// Elements of one result.
    pub width: usize,
    pub classes: Vec<String>,
}

impl Samples {
    /// Images of the data set, else of the digits if they fit, else drawn numbers.
    pub fn gather(subject: &Subject<'_>) -> Result<Samples, CliError> {
        let (extents, width) = match (row(subject, 0), result(subject)) {
            (Some(extents), Some(width)) => (extents, width),
            _ => {
                return Ok(Samples::impossible(
                    "nasc runs networks of one float input and one result",
                ));
            }
        };
        let digits = match subject.data {
            None if subject.digits => {
                Some(data::digits()?).filter(|digits| fits(digits, &extents, width))
            }
            _ => None,
        };
        let mut samples = match subject.data.or(digits.as_ref()) {
            Some(data) if fits(data, &extents, width) => of_data(data, subject.scaling, width),
            Some(data) => return Err(other_images(data, &extents)),
            None => drawn(subject, &extents, width),
        };
        match predictions(subject, &samples) {
            Ok(outputs) => samples.outputs = outputs,
            Err(error) => {
                // Behind the first line the error may show a trace of calls.
                let text = error.to_string();
                samples.problem = text.lines().next().unwrap_or_default().to_owned();
            }
        }
        Ok(samples)
    }

    fn impossible(problem: &str) -> Samples {
        Samples {
            origin: String::new(),
            data: None,
            count: 0,
            extents: Vec::new(),
            inputs: Vec::new(),
            images: None,
            outputs: Vec::new(),
            problem: problem.to_owned(),
            width: 0,
            classes: Vec::new(),
        }
    }

    /// Whether there is something to compare with.
    pub fn is_comparable(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Channels, rows and columns, if the inputs are images.
    pub fn image_shape(&self) -> Option<[u64; 3]> {
        match *self.extents.as_slice() {
            [channels @ (1 | 3), height, width] => {
                Some([channels, height, width].map(|e| e as u64))
            }
            _ => None,
        }
    }

    /// Elements of one input.
    pub fn length(&self) -> usize {
        self.extents.iter().product()
    }

    /// The first inputs and results, and how many they are.
    pub fn first(&self, count: usize) -> (&[f32], &[f32], usize) {
        let count = count.min(self.count);
        let inputs = front(&self.inputs, self.length() * count);
        (inputs, front(&self.outputs, self.width * count), count)
    }

    /// The class of each result, or that it is uncertain.
    pub fn result_classes(&self) -> Vec<i64> {
        self.outputs.chunks(self.width.max(1)).map(class_of).collect()
    }
}

/// The first elements, or all if there are fewer.
fn front<T>(elements: &[T], count: usize) -> &[T] {
    elements.get(..count).unwrap_or(elements)
}

/// Extents of the only value among `ids` for one sample, if it is one of floats.
fn only(graph: &CheckedGraph, ids: &[ValueId]) -> Option<Vec<usize>> {
    let [id] = ids else { return None };
    let found = graph.tensor_type(*id).filter(|found| found.dtype == DType::F32)?;
    let extent = |dim: &nasc_compiler::ir::Dim| usize::try_from(dim.at_batch(1)).ok();
    found.shape.0.iter().map(extent).collect()
}

/// Extents of one input behind the batch.
fn row(subject: &Subject<'_>, batch: usize) -> Option<Vec<usize>> {
    let mut extents = only(subject.graph, &subject.graph.inputs)?;
    (batch < extents.len()).then(|| extents.remove(batch)).filter(|&extent| extent == 1)?;
    Some(extents)
}

fn result(subject: &Subject<'_>) -> Option<usize> {
    only(subject.graph, &subject.graph.outputs).map(|extents| extents.iter().product())
}

fn fits(data: &Dataset, extents: &[usize], width: usize) -> bool {
    data.shape().dims() == extents && data.classes() == width
}

fn other_images(data: &Dataset, extents: &[usize]) -> CliError {
    let (images, classes) = (data.shape(), data.classes());
    let reason =
        format!("its {images} images of {classes} classes do not fit a network of {extents:?}");
    CliError::Argument { argument: "--data", reason }
}

/// Images of the test split, then of the others.
pub(crate) fn images(data: &Dataset, most: usize) -> Images {
    of_splits(data, &[SplitKind::Test, SplitKind::Validation, SplitKind::Train], most)
}

/// The first images of some splits.
pub(crate) fn of_splits(data: &Dataset, splits: &[SplitKind], most: usize) -> Images {
    let elements = data.shape().elements();
    let splits = || splits.iter().map(|&kind| data.split(kind));
    let pixels = splits().flat_map(|split| split.images().chunks_exact(elements)).take(most);
    let labels = splits().flat_map(|split| split.labels()).take(most).copied();
    Images {
        pixels: pixels.flatten().copied().collect(),
        labels: labels.collect(),
        shape: data.shape().dims(),
        white: data.pixel_max(),
    }
}

impl Images {
    /// As the network takes them: `(byte / white − mean) / deviation`.
    pub fn scaled(&self, scaling: &Scaling) -> Vec<f32> {
        let [channels, height, width] = self.shape;
        let number = |all: &[f32], channel: usize| all.get(channel).or(all.last()).copied();
        let planes = self.pixels.chunks((height * width).max(1)).zip((0..channels).cycle());
        let plane = |(pixels, channel): (&[u8], usize)| {
            let mean = number(&scaling.mean, channel).unwrap_or(0.0);
            let deviation = number(&scaling.deviation, channel).unwrap_or(1.0);
            let white = f32::from(self.white);
            let value = |&pixel: &u8| (f32::from(pixel) / white - mean) / deviation;
            pixels.iter().map(value).collect::<Vec<f32>>()
        };
        planes.flat_map(plane).collect()
    }

    /// The bytes with the channels of a pixel side by side.
    pub fn channels_last(&self) -> Vec<u8> {
        let [channels, height, width] = self.shape;
        let plane = height * width;
        let image = |pixels: &[u8]| {
            let places = (0..plane).flat_map(|p| (0..channels).map(move |c| c * plane + p));
            places.filter_map(|place| pixels.get(place).copied()).collect::<Vec<u8>>()
        };
        self.pixels.chunks((plane * channels).max(1)).flat_map(image).collect()
    }
}

fn of_data(data: &Dataset, scaling: &Scaling, width: usize) -> Samples {
    let images = images(data, MOST);
    Samples {
        origin: format!("images of {}", data.name()),
        data: Some(data.name().to_owned()),
        count: images.labels.len(),
        extents: data.shape().dims().to_vec(),
        inputs: images.scaled(scaling),
        images: Some(images),
        outputs: Vec::new(),
        problem: String::new(),
        width,
        classes: data.class_names().to_vec(),
    }
}

/// Bytes from a fixed seed (SplitMix64, Steele et al. 2014).
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Drawn images, or numbers from -1 to 1 where the input is none.
fn drawn(subject: &Subject<'_>, extents: &[usize], width: usize) -> Samples {
    let macs = cost::analyze(subject.graph).macs.max(1);
    let count = usize::try_from(DRAWN_MACS / macs).unwrap_or(DRAWN).clamp(2, DRAWN);
    let pixels = bytes(count * extents.iter().product::<usize>());
    let images = <[usize; 3]>::try_from(extents).ok().map(|shape| Images {
        pixels: pixels.clone(),
        labels: Vec::new(),
        shape,
        white: u8::MAX,
    });
    let inputs = match &images {
        Some(images) => images.scaled(subject.scaling),
        None => pixels.iter().map(|&byte| f32::from(byte) / 127.5 - 1.0).collect(),
    };
    Samples {
        origin: "drawn inputs".to_owned(),
        data: None,
        count,
        extents: extents.to_vec(),
        inputs,
        images,
        outputs: Vec::new(),
        problem: String::new(),
        width,
        classes: (0..width).map(|class| class.to_string()).collect(),
    }
}

/// nasc's results in evaluation mode, in 32-bit floats.
fn predictions(
    subject: &Subject<'_>,
    samples: &Samples,
) -> Result<Vec<f32>, nasc_runtime::RuntimeError> {
    predict(subject.graph, subject.state, &samples.inputs, samples.length())
}

/// Results of a network for inputs of `length` elements each.
pub(crate) fn predict(
    graph: &CheckedGraph,
    state: &StateDict,
    inputs: &[f32],
    length: usize,
) -> Result<Vec<f32>, nasc_runtime::RuntimeError> {
    let mut backend = CandleBackend::cpu(graph, 0)?;
    backend.load(state)?;
    let mut outputs = Vec::new();
    for batch in inputs.chunks(length.max(1) * BATCH) {
        outputs.extend(backend.predict(batch, batch.len() / length.max(1))?);
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_scaled_by_channel_and_turned_round() {
        let images = Images {
            pixels: vec![0, 255, 255, 0],
            labels: Vec::new(),
            shape: [2, 1, 2],
            white: 255,
        };
        let scaling = Scaling { mean: vec![0.5, 0.0], deviation: vec![0.5] };
        assert_eq!(images.scaled(&scaling), [-1.0, 1.0, 2.0, 0.0]);
        assert_eq!(images.channels_last(), [0, 255, 255, 0].map(|byte: u8| byte));
    }
}
