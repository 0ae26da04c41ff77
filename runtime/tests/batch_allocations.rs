//! An epoch of batches, and a training step of the static plan, allocate nothing: this test program
//! counts what its allocator is asked for. What oneDNN does inside is not counted.
#![allow(clippy::unwrap_used)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroUsize;

use nasc_runtime::backend::{Batch, SgdStep};
use nasc_runtime::data::{self, Batches, LastBatch, Normalization};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every request is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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
