//! An epoch of batches, and a training step of the static plan, allocate nothing: this test program
//! counts what its allocator is asked for. The memory that a training takes is as it was estimated. What oneDNN does inside is not counted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroUsize;

use nasc_compiler::ir::{CheckedGraph, Op, op};
use nasc_runtime::Workload;
use nasc_runtime::backend::cpu::CpuBackend;
use nasc_runtime::backend::{Backend as _, Batch, SgdStep};
use nasc_runtime::data::{self, Batches, LastBatch, Normalization};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are allocated and not freed, as far as this thread did both.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every request is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        LIVE.with(|bytes| bytes.set(bytes.get() + layout.size().cast_signed()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.with(|bytes| bytes.set(bytes.get() - layout.size().cast_signed()));
        // SAFETY: the pointer came from `alloc` above, which is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn shuffling_and_writing_batches_allocates_nothing() {
    let digits = data::digits().unwrap();
    let scaling = digits.pixel_scaling(Normalization::DataStatistics);
    let size = NonZeroUsize::new(32).unwrap();
    let mut batches = Batches::new(digits.train(), &scaling, size, LastBatch::Keep).unwrap();
    let recorded: Vec<u32> = (0..1204).rev().collect();
    let (mut images, mut labels) = (vec![0.0; batches.image_values()], vec![0; 32]);
    let before = allocations();
    assert!(before > 0, "the counter counts");
    let mut written = 0;
    for epoch in 0..3 {
        match epoch {
            0 => batches.rewind(),
            1 => batches.shuffle(5, epoch),
            _ => batches.set_order(&recorded).unwrap(),
        }
        while let Some(len) = batches.next_batch(&mut images, &mut labels).unwrap() {
            written += len;
        }
    }
    assert_eq!(allocations(), before);
    assert_eq!(written, 3 * 1204);
}

#[test]
fn a_step_of_the_static_plan_allocates_nothing() {
    let Some(mut backend) = support::planned(&support::small_cnn(), 1) else { return };
    let images: Vec<f32> = (0..32 * 64).map(|index| (index % 17) as f32 / 17.0).collect();
    let labels: Vec<u32> = (0..32).map(|index| index % 10).collect();
    let batch = Batch { images: &images, labels: &labels };
    let step = SgdStep {
        learning_rate: 0.05,
        momentum: 0.9,
        weight_decay: 1e-4,
        dampening: 0.0,
        nesterov: true,
    };
    let step = step.into();
    let first = backend.train_step(batch, &step).unwrap().loss;
    let before = allocations();
    let mut last = first;
    for _ in 0..100 {
        last = backend.train_step(batch, &step).unwrap().loss;
    }
    assert_eq!(allocations(), before);
    assert!(last < first / 2.0, "{first} {last}");
}

/// Convolutions and pooling, with batch norm or without, which lets batches be cut into slices.
fn images(with_norm: bool) -> CheckedGraph {
    let (mut net, input) = support::Net::new(&[3, 32, 32]);
    let mut x = net.conv("first", input, support::padded_conv(3, 16));
    if with_norm {
        x = net.batch_norm("norm", x, Some(0.1));
    }
    let x = net.relu(x);
    let x = net.max_pool(x, 2);
    let x = net.conv("second", x, support::padded_conv(16, 24));
    let x = net.relu(x);
    let x = net.flatten(x);
    let x = net.linear("head", x, 10);
    net.finish(x)
}

/// Attention over the rows of an image, whose weights are most of the memory.
fn sequence() -> CheckedGraph {
    let (mut net, input) = support::Net::new(&[256, 16]);
    let attention = op::Attention { is_causal: false, scale: None, mask: false, dropout: 0.0 };
    let x = net.op(Op::Attention(attention), &[input, input, input]);
    let x = net.flatten(x);
    let x = net.linear("head", x, 10);
    net.finish(x)
}

/// Bytes that a training of two batches and an evaluation leave allocated, over what was estimated.
fn real_over_estimate(graph: &CheckedGraph, pixels: usize, threads: usize) -> f64 {
    let threads = NonZeroUsize::new(threads).unwrap();
    let work = Workload { batch: 32, train: 52, evaluated: vec![41], moments: 1 };
    let estimate = CpuBackend::memory(graph, threads, &work).unwrap().unwrap();
    let images = vec![0.5; 32 * pixels];
    let labels = [1_u32; 32];
    let batch =
        |count: usize| Batch { images: &images[..count * pixels], labels: &labels[..count] };
    let step = SgdStep {
        learning_rate: 0.01,
        momentum: 0.9,
        weight_decay: 0.0,
        dampening: 0.0,
        nesterov: false,
    };
    let before = LIVE.with(Cell::get);
    let mut backend = CpuBackend::new(graph, 1, threads).unwrap().unwrap();
    for count in [32, 20] {
        backend.train_step(batch(count), &step.into()).unwrap();
    }
    backend.evaluate(batch(32)).unwrap();
    backend.evaluate(batch(9)).unwrap();
    let real = LIVE.with(Cell::get) - before;
    assert!((backend.allocated() as f64 / real as f64 - 1.0).abs() < 0.1, "{real}");
    real as f64 / estimate as f64
}

#[test]
fn the_estimate_is_what_a_training_allocates() {
    if support::planned(&images(true), 1).is_none() {
        return;
    }
    for threads in [1, 2, 3] {
        for (graph, pixels) in
            [(images(true), 3 * 32 * 32), (images(false), 3 * 32 * 32), (sequence(), 256 * 16)]
        {
            let ratio = real_over_estimate(&graph, pixels, threads);
            assert!((0.9..1.1).contains(&ratio), "{threads} threads: {ratio}");
        }
    }
}
