//! What is known of a network besides its graph, for the metadata of a model.

use std::sync::Arc;

use nasc_compiler::emit::onnx::Preprocessing;
use nasc_compiler::{Compiled, cost};
use nasc_runtime::data::{Dataset, ImageTask};
use sha2::{Digest as _, Sha256};

use super::CompileArgs;
use crate::data;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::progress::Progress;
use crate::verify::samples::Scaling;

/// Opens the data set that a network is for.
pub(super) fn open(
    spec: &str,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Arc<Dataset>, CliError> {
    data::open(spec, &data::options(environment), &mut Progress::new(output)).map(Arc::new)
}

/// What is known of a network besides its graph.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The data set that it is for.
    pub data: Option<Arc<Dataset>>,
    /// How its images were normalised.
    pub scaling: Scaling,
    source_hash: String,
    /// Accuracies, parents and the like, of a run.
    pub of_run: Vec<(&'static str, String)>,
}

/// How nasc normalises unless it is told otherwise: −1 to 1.
const SYMMETRIC: f32 = 0.5;

impl Facts {
    /// `task` is what the weights say of themselves.
    pub fn new(
        args: &CompileArgs,
        data: Option<Arc<Dataset>>,
        task: Option<&ImageTask>,
        source: &str,
    ) -> Facts {
        let own = |given: &Option<Vec<f32>>, known: Option<&Vec<f32>>| {
            given.as_ref().or(known).cloned().unwrap_or_else(|| vec![SYMMETRIC])
        };
        let scaling = Scaling {
            mean: own(&args.mean, task.map(|task| &task.mean)),
            deviation: own(&args.deviation, task.map(|task| &task.deviation)),
        };
        let source_hash = hexadecimal(&Sha256::digest(source));
        Facts { data, scaling, source_hash, of_run: Vec::new() }
    }

    /// Keys and values, those that are known.
    pub fn metadata(&self, compiled: &Compiled) -> Vec<(String, String)> {
        let cost = cost::analyze(&compiled.graph);
        let mut all = vec![
            ("nasc.entry", compiled.entry.clone()),
            ("nasc.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("nasc.params", cost.params.to_string()),
            ("nasc.macs", cost.macs.to_string()),
            ("nasc.peak_activation_bytes", cost.peak_activation_bytes.to_string()),
            ("nasc.source_sha256", self.source_hash.clone()),
            ("nasc.mean", list(&self.scaling.mean)),
            ("nasc.deviation", list(&self.scaling.deviation)),
            ("nasc.layout", "NCHW".to_owned()),
        ];
        if let Some(data) = &self.data {
            all.push(("nasc.data", data.name().to_owned()));
            all.push(("nasc.labels", data.class_names().join(",")));
            all.push(("nasc.white", data.pixel_max().to_string()));
        }
        all.extend(self.of_run.iter().cloned());
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// How an image becomes an input; a single number stands for all channels.
    pub fn preprocessing(&self, channels: u64) -> Preprocessing {
        let spread = |numbers: &[f32]| match numbers {
            [number] => vec![*number; usize::try_from(channels).unwrap_or(0)],
            _ => numbers.to_vec(),
        };
        let white = self.data.as_ref().map_or(255.0, |data| f32::from(data.pixel_max()));
        let Scaling { mean, deviation } = &self.scaling;
        Preprocessing { white, mean: spread(mean), deviation: spread(deviation) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(numbers: &[f32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
