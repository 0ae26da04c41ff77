//! Trains a network and records what `scripts/parity.py` needs to repeat it in PyTorch: pixels,
//! order of images, first weights and losses.
//!
//! `cargo run --release -p nasc-runtime --example parity -- NET.py DATA FOLDER --epochs 10`

use std::error::Error;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::data::{self, Batches, DataOptions, Dataset, LastBatch, Normalization};
use nasc_runtime::train::{TrainConfig, TrainEvent, TrainReport, Trainer};
use nasc_runtime::{checkpoint, init};
use serde_json::json;

const USAGE: &str = "usage: parity NET.py DATA FOLDER [--epochs 10] [--batch-size 128] \
                     [--learning-rate 0.01] [--momentum 0.9] [--threads 1] [--seed 1]";

/// Steps whose losses are recorded.
const RECORDED_STEPS: usize = 200;

struct Arguments {
    network: PathBuf,
    data: String,
    folder: PathBuf,
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    momentum: f64,
    threads: usize,
    seed: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments().ok_or(USAGE)?;
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    let threads = NonZeroUsize::new(arguments.threads).ok_or(USAGE)?;
    let options = DataOptions::paper(arguments.folder.join("cache"), threads);
    std::fs::create_dir_all(&arguments.folder)?;
    let data = data::open(&arguments.data, &options, &mut |_| {})?;
    let shape = data.shape().dims().map(|extent| extent as u64);
    let text = std::fs::read_to_string(&arguments.network)?;
    let source = SourceFile::new(arguments.network.display().to_string(), text);
    let options = CompileOptions::image(shape[0], shape[1], shape[2]);
    let graph = compile(&source, &options).map_err(|errors| format!("{errors:?}"))?.graph;

    let batch_size = NonZeroUsize::new(arguments.batch_size).ok_or(USAGE)?;
    let mut config = TrainConfig::sgd(
        arguments.epochs,
        batch_size,
        arguments.learning_rate,
        arguments.momentum,
        arguments.seed,
    );
    config.record_steps = true;
    let initial = init::initialize(&graph, config.seed);
    checkpoint::save(&initial, &arguments.folder.join("initial.safetensors"))?;
    config.initial = Some(initial);
    let order = orders(&data, &config)?;
    record_inputs(&arguments, &data, &order)?;
    config.order = Some(order);
    let mut trainer = Trainer::new(&graph, &data, &config)?;
    let report = trainer.run(|event| {
        if let TrainEvent::Epoch { epoch, report } = event {
            println!(
                "epoch {:3}  loss {:.6}  {:.2} s",
                epoch + 1,
                report.train_loss,
                report.seconds
            );
        }
        ControlFlow::Continue(())
    })?;
    record_losses(&arguments.folder, &report)?;
    println!(
        "recorded in {}; now: python3 scripts/parity.py {} {0}",
        arguments.folder.display(),
        arguments.network.display()
    );
    Ok(())
}

/// The arguments; `None` if they make no sense.
fn arguments() -> Option<Arguments> {
    let mut given = std::env::args().skip(1);
    let (network, data, folder) = (given.next()?.into(), given.next()?, given.next()?.into());
    let mut arguments = Arguments {
        network,
        data,
        folder,
        epochs: 10,
        batch_size: 128,
        learning_rate: 0.01,
        momentum: 0.9,
        threads: 1,
        seed: 1,
    };
    while let Some(option) = given.next() {
        let value = given.next()?;
        match option.as_str() {
            "--epochs" => arguments.epochs = value.parse().ok()?,
            "--batch-size" => arguments.batch_size = value.parse().ok()?,
            "--learning-rate" => arguments.learning_rate = value.parse().ok()?,
            "--momentum" => arguments.momentum = value.parse().ok()?,
            "--threads" => arguments.threads = value.parse().ok()?,
            "--seed" => arguments.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(arguments)
}

/// The order in which each epoch sees the images.
fn orders(data: &Dataset, config: &TrainConfig) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let pixels = data.pixel_scaling(config.normalization);
    let mut batches = Batches::new(data.train(), &pixels, config.batch_size, LastBatch::Keep)?;
    let epochs = (0..config.epochs as u64).map(|epoch| {
        batches.shuffle(config.seed, epoch);
        batches.order().to_vec()
    });
    Ok(epochs.collect())
}

fn record_inputs(
    arguments: &Arguments,
    data: &Dataset,
    order: &[Vec<u32>],
) -> Result<(), Box<dyn Error>> {
    let folder = &arguments.folder;
    let scaling = data.pixel_scaling(Normalization::Symmetric);
    let settings = json!({
        "shape": data.shape().dims(),
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate,
        "momentum": arguments.momentum,
        "epochs": arguments.epochs,
        "threads": arguments.threads,
        "pixel_scale": data.pixel_max(),
        // the same number in every channel
        "mean": scaling.statistics().mean.first(),
        "deviation": scaling.statistics().deviation.first(),
    });
    std::fs::write(folder.join("parity.json"), settings.to_string())?;
    std::fs::write(folder.join("images.u8"), data.train().images())?;
    let labels: Vec<u8> =
        data.train().labels().iter().map(|&label| u8::try_from(label)).collect::<Result<_, _>>()?;
    std::fs::write(folder.join("labels.u8"), labels)?;
    let order: Vec<u8> = order.iter().flatten().flat_map(|index| index.to_le_bytes()).collect();
    std::fs::write(folder.join("order.u32"), order)?;
    Ok(())
}

fn record_losses(folder: &Path, report: &TrainReport) -> Result<(), Box<dyn Error>> {
    let epochs = report.epochs.iter();
    let epochs: Vec<_> =
        epochs.map(|epoch| json!({"loss": epoch.train_loss, "seconds": epoch.seconds})).collect();
    let steps: Vec<f64> = report.step_losses.iter().copied().take(RECORDED_STEPS).collect();
    std::fs::write(
        folder.join("losses.json"),
        json!({"epochs": epochs, "steps": steps}).to_string(),
    )?;
    Ok(())
}
