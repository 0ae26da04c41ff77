//! Times training steps of a network on random images: `step NET.py [--batch 128] [--steps 20]
//! [--threads 1] [--candle]`. Prints the median in milliseconds. `scripts/bench_train.py` runs it
//! beside PyTorch.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use nasc_compiler::CompileOptions;
use nasc_compiler::source::SourceFile;
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::backend::cpu::CpuBackend;
use nasc_runtime::backend::{Backend, Batch, SgdStep};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().ok_or("name a network")?;
    let number = |name: &str, default: usize| -> Result<usize, Failure> {
        let value = arguments.iter().position(|argument| argument == name);
        let value = value.and_then(|position| arguments.get(position + 1));
        Ok(value.map_or(Ok(default), |value| value.parse())?)
    };
    let (batch, steps) = (number("--batch", 128)?, number("--steps", 20)?);
    let threads = NonZeroUsize::new(number("--threads", 1)?).ok_or("at least one thread")?;
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;

    let source = SourceFile::new(file.clone(), std::fs::read_to_string(file)?);
    let mut options = CompileOptions::image(3, 32, 32);
    options.training = true;
    let compiled =
        nasc_compiler::compile(&source, &options).map_err(|found| format!("{found:?}"))?;
    let mut backend: Box<dyn Backend> = if arguments.iter().any(|argument| argument == "--candle") {
        Box::new(CandleBackend::cpu(&compiled.graph, 1)?)
    } else {
        nasc_runtime::onednn::install(&library())?;
        let planned = CpuBackend::new(&compiled.graph, 1, threads)?;
        Box::new(planned.ok_or("the static plan lacks an operation of this network")?)
    };
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let images: Vec<f32> = (0..batch * 3 * 32 * 32).map(|_| draw()).collect();
    let labels: Vec<u32> = (0..batch as u32).map(|index| index % 10).collect();
    let batch = Batch { images: &images, labels: &labels };
    let sgd = SgdStep {
        learning_rate: 0.01,
        momentum: 0.9,
        weight_decay: 0.0,
        dampening: 0.0,
        nesterov: false,
    };
    let sgd = sgd.into();
    let began = Instant::now();
    backend.train_step(batch, &sgd)?;
    println!("first {:.3}", began.elapsed().as_secs_f64() * 1e3);
    let mut times = Vec::new();
    for _ in 0..steps {
        let began = Instant::now();
        backend.train_step(batch, &sgd)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("median {:.3}", times.get(times.len() / 2).copied().unwrap_or(f64::NAN));
    Ok(())
}

/// Where `scripts/fetch-onednn.sh` puts it.
fn library() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("NASC_CACHE").unwrap_or_else(|| {
        let home = folder("HOME").unwrap_or_default().join(".cache");
        folder("XDG_CACHE_HOME").unwrap_or(home).join("nasc")
    });
    cache.join("onednn/libdnnl.so.3")
}
