//! What is known of a network besides its graph, for the metadata of a model.

use nasc_compiler::emit::onnx::Preprocessing;
use nasc_compiler::{Compiled, cost};
use sha2::{Digest as _, Sha256};

use super::CompileArgs;
use crate::data;
use crate::error::CliError;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// What a model says of the data it is for.
#[derive(Debug, Clone)]
pub(super) struct Data {
    /// Its name.
    pub name: String,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// The byte that stands for white.
    pub white: f32,
}

impl Data {
    /// Opens a data set to read what it says of itself.
    pub fn open(
        spec: &str,
        environment: &Environment,
        output: &mut Output<'_>,
    ) -> Result<Data, CliError> {
        let data = data::open(spec, &data::options(environment), &mut Progress::new(output))?;
        let labels = data.class_names().iter().map(ToString::to_string).collect();
        Ok(Data { name: data.name().to_owned(), labels, white: f32::from(data.pixel_max()) })
    }
}

/// What is known of a network besides its graph.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    data: Option<Data>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    source_hash: String,
    /// Accuracies, parents and the like, of a run.
    pub of_run: Vec<(&'static str, String)>,
}

impl Facts {
    pub fn new(args: &CompileArgs, data: Option<Data>, source: &str) -> Facts {
        Facts {
            data,
            mean: args.mean.clone(),
            deviation: args.deviation.clone(),
            source_hash: hexadecimal(&Sha256::digest(source)),
            of_run: Vec::new(),
        }
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
            ("nasc.mean", list(&self.mean)),
            ("nasc.deviation", list(&self.deviation)),
            ("nasc.layout", "NCHW".to_owned()),
        ];
        if let Some(data) = &self.data {
            all.push(("nasc.data", data.name.clone()));
            all.push(("nasc.labels", data.labels.join(",")));
            all.push(("nasc.white", data.white.to_string()));
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
        let white = self.data.as_ref().map_or(255.0, |data| data.white);
        Preprocessing { white, mean: spread(&self.mean), deviation: spread(&self.deviation) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(numbers: &[f32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
