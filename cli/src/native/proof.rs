//! Proof that an artefact computes what nasc computes: samples with nasc's own results in evaluation
//! mode, and the comparison of another's results with them.

use std::path::Path;

use nasc_compiler::ir::CheckedGraph;
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::checkpoint;
use nasc_runtime::data::{self, Dataset, Normalization, SplitKind};
use nasc_runtime::state::StateDict;

use super::{Job, compiler, tensor};
use crate::error::{CliError, Exit};
use crate::number::{grouped, percent};
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// Samples that are compared at most.
const MOST: usize = 1_000;

/// Samples drawn from a seed where no data set fits.
const DRAWN: usize = 64;

/// Largest difference that is agreement, relative to the largest logit.
const TOLERANCE: f32 = 1e-4;

/// The file with inputs and results in a folder of C.
pub(super) const VECTORS: &str = "vectors.safetensors";

/// Inputs with nasc's results.
pub(super) struct Samples {
    /// Where they come from, such as `digits`.
    pub origin: String,
    pub count: usize,
    /// Extents of one input.
    extents: Vec<usize>,
    pub inputs: Vec<f32>,
    /// Empty if nasc cannot run the network.
    pub outputs: Vec<f32>,
    /// Why nasc cannot run it.
    pub problem: String,
    /// Elements of one result.
    width: usize,
    pub classes: Vec<String>,
}

impl Samples {
    /// Images of the job's data set, else of the digits if they fit, else drawn numbers.
    pub fn gather(
        job: &Job<'_>,
        environment: &Environment,
        output: &mut Output<'_>,
    ) -> Result<Samples, CliError> {
        let extents: Vec<usize> =
            extents(job.graph, &job.graph.inputs)?.into_iter().skip(1).collect();
        let width = extents_of_result(job.graph)?;
        let data = match job.data {
            Some(spec) => {
                let options = crate::data::options(environment);
                Some(crate::data::open(spec, &options, &mut Progress::new(output))?)
            }
            None => Some(data::digits()?).filter(|digits| fits(digits, &extents, width)),
        };
        let mut samples = match data {
            Some(data) if fits(&data, &extents, width) => from_data(&data, width),
            Some(data) => return Err(other_images(&data, &extents)),
            None => drawn(&extents, width),
        };
        match predictions(job.graph, job.state, &samples) {
            Ok(outputs) => samples.outputs = outputs,
            Err(error) => {
                // Behind the first line the error may show a trace of calls.
                let text = error.to_string();
                samples.problem = text.lines().next().unwrap_or_default().to_owned();
            }
        }
        Ok(samples)
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

    /// The first inputs and results.
    pub fn first(&self, count: usize) -> (&[f32], &[f32]) {
        let each = self.extents.iter().product::<usize>();
        (front(&self.inputs, each * count), front(&self.outputs, self.width * count))
    }

    /// As the tensors `inputs` and `outputs`.
    pub fn to_state(&self) -> StateDict {
        let shape = [vec![self.count], self.extents.clone()].concat();
        let rows = self.outputs.len() / self.width.max(1);
        let outputs = tensor(vec![rows, self.width], self.outputs.clone());
        let inputs = tensor(shape, self.inputs.clone());
        StateDict { tensors: [("inputs".into(), inputs), ("outputs".into(), outputs)].into() }
    }
}

/// The first elements, or all if there are fewer.
fn front(elements: &[f32], count: usize) -> &[f32] {
    elements.get(..count).unwrap_or(elements)
}

/// Extents of the only tensor in `ids` for one sample.
fn extents(
    graph: &CheckedGraph,
    ids: &[nasc_compiler::ir::ValueId],
) -> Result<Vec<usize>, CliError> {
    let [id] = ids else {
        let reason = "nasc writes C for networks with one input and one result".to_owned();
        return Err(CliError::Argument { argument: "--emit", reason });
    };
    let dims = graph.tensor_type(*id).map(|found| found.shape.0.clone()).unwrap_or_default();
    Ok(dims.iter().map(|dim| usize::try_from(dim.at_batch(1)).unwrap_or(0)).collect())
}

fn extents_of_result(graph: &CheckedGraph) -> Result<usize, CliError> {
    extents(graph, &graph.outputs).map(|extents| extents.iter().product())
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
fn from_data(data: &Dataset, width: usize) -> Samples {
    let scaling = data.pixel_scaling(Normalization::Symmetric);
    let elements = data.shape().elements();
    let splits = [SplitKind::Test, SplitKind::Validation, SplitKind::Train];
    let images = splits.iter().flat_map(|&kind| data.split(kind).images().chunks_exact(elements));
    let images: Vec<&[u8]> = images.take(MOST).collect();
    let mut inputs = vec![0.0; images.len() * elements];
    for (pixels, input) in images.iter().zip(inputs.chunks_exact_mut(elements)) {
        scaling.write_image(pixels, input);
    }
    Samples {
        origin: format!("images of {}", data.name()),
        count: images.len(),
        extents: data.shape().dims().to_vec(),
        inputs,
        outputs: Vec::new(),
        problem: String::new(),
        width,
        classes: data.class_names().to_vec(),
    }
}

/// Numbers from -1 to 1 from a fixed seed (SplitMix64, Steele et al. 2014).
fn drawn(extents: &[usize], width: usize) -> Samples {
    let mut state = 0_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    Samples {
        origin: "drawn inputs".to_owned(),
        count: DRAWN,
        extents: extents.to_vec(),
        inputs: (0..DRAWN * extents.iter().product::<usize>()).map(|_| next()).collect(),
        outputs: Vec::new(),
        problem: String::new(),
        width,
        classes: (0..width).map(|class| class.to_string()).collect(),
    }
}

/// nasc's results in evaluation mode, in 32-bit floats.
fn predictions(
    graph: &CheckedGraph,
    state: &StateDict,
    samples: &Samples,
) -> Result<Vec<f32>, nasc_runtime::RuntimeError> {
    let mut backend = CandleBackend::cpu(graph, 0)?;
    backend.load(state)?;
    let each = samples.extents.iter().product::<usize>().max(1);
    let mut outputs = Vec::new();
    for batch in samples.inputs.chunks(each * 50) {
        outputs.extend(backend.predict(batch, batch.len() / each)?);
    }
    Ok(outputs)
}

/// How results differ from nasc's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    samples: usize,
    /// Whether there are as many results as expected.
    complete: bool,
    /// Largest difference.
    absolute: f32,
    /// Largest difference relative to the largest result of the sample.
    relative: f32,
    /// Samples whose largest result is the same.
    same: usize,
}

impl Comparison {
    pub fn of(found: &[f32], expected: &[f32], samples: usize) -> Comparison {
        let width = (expected.len() / samples.max(1)).max(1);
        let complete = found.len() == expected.len();
        let start = Comparison { samples, complete, absolute: 0.0, relative: 0.0, same: 0 };
        let rows = found.chunks(width).zip(expected.chunks(width));
        rows.fold(start, |whole, (found, expected)| {
            let pairs = found.iter().zip(expected);
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, largest);
            let scale = expected.iter().map(|value| value.abs()).fold(f32::MIN_POSITIVE, largest);
            Comparison {
                absolute: largest(whole.absolute, difference),
                relative: largest(whole.relative, difference / scale),
                same: whole.same + usize::from(class(found) == class(expected)),
                ..whole
            }
        })
    }

    pub fn agrees(&self) -> bool {
        self.complete && self.relative <= TOLERANCE
    }

    pub fn line(&self, origin: &str) -> String {
        let same = percent(self.same as f64 / self.samples.max(1) as f64);
        let count = grouped(self.samples as u64);
        format!(
            "compared on {count} {origin}: largest difference {:.1e}, relative {:.1e}, same class {same}",
            self.absolute, self.relative
        )
    }
}

/// The larger one; not a number wins, so that it is seen.
fn largest(left: f32, right: f32) -> f32 {
    if left.is_nan() || right <= left { left } else { right }
}

fn class(row: &[f32]) -> usize {
    let pairs = row.iter().enumerate();
    pairs.fold((0, f32::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best }).0
}

/// Runs the test vectors of an artefact: a folder of C, or an executable.
pub(crate) fn verify(artefact: &Path, output: &mut Output<'_>) -> Result<Exit, CliError> {
    let (found, expected, samples) =
        if artefact.is_dir() { of_folder(artefact)? } else { of_executable(artefact)? };
    let comparison = Comparison::of(&found, &expected, samples);
    output.line(comparison.line("test vectors"))?;
    if comparison.agrees() {
        return Ok(Exit::Success);
    }
    output.remark("error: the results are not those that the artefact was made with")?;
    Ok(Exit::Program)
}

type Results = (Vec<f32>, Vec<f32>, usize);

fn of_folder(folder: &Path) -> Result<Results, CliError> {
    let vectors = checkpoint::load(&folder.join(VECTORS))?;
    let floats = |name: &str| vectors.floats(name).unwrap_or_default().to_vec();
    let count = vectors.tensors.get("inputs").and_then(|inputs| inputs.shape.first().copied());
    if floats("outputs").is_empty() {
        let reason = format!("{} was written without results to compare with", folder.display());
        return Err(CliError::Argument { argument: "verify", reason });
    }
    let place = tempfile::tempdir()
        .map_err(|source| CliError::Write { path: folder.to_owned(), source })?;
    let program = place.path().join("test");
    let purpose = compiler::Purpose::Test;
    compiler::compile(folder, &["model.c", "test.c"], &program, purpose)?;
    let found = compiler::run(&program, &[], &floats("inputs"))?;
    Ok((found, floats("outputs"), count.unwrap_or(0)))
}

fn of_executable(path: &Path) -> Result<Results, CliError> {
    let sizes = compiler::run(path, &["--sizes"], &[])?;
    let [count, inputs, _] = sizes.as_slice() else {
        let reason = format!("{} is no executable of `nasc compile --emit exe`", path.display());
        return Err(CliError::Argument { argument: "verify", reason });
    };
    let vectors = compiler::run(path, &["--vectors"], &[])?;
    let cut = (*count as usize * *inputs as usize).min(vectors.len());
    let (inputs, expected) = vectors.split_at(cut);
    let found = compiler::run(path, &["--raw"], inputs)?;
    Ok((found, expected.to_vec(), *count as usize))
}
