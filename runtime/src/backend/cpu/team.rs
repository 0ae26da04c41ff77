//! Threads that divide a batch: each runs the whole program on its share and meets the others where
//! statistics of the whole batch are needed. Not here: how the threads are started.

#![expect(unsafe_code, reason = "slots that each thread writes alone")]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A meeting point and a table that every member writes its own row of.
#[derive(Debug)]
pub struct Team {
    size: usize,
    waiting: AtomicUsize,
    round: AtomicUsize,
    stopped: AtomicBool,
    table: UnsafeCell<Vec<f32>>,
}

// SAFETY: rows of the table are written by their member alone, and read after a barrier.
unsafe impl Sync for Team {}

/// One member's view.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The team.
    pub team: &'a Team,
    /// Which member, from 0.
    pub rank: usize,
}

impl Team {
    /// A team whose members exchange up to `floats` in all.
    pub fn new(size: usize, floats: usize) -> Team {
        Team {
            size,
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            table: UnsafeCell::new(vec![0.0; size * floats]),
        }
    }

    /// Begins a pass, after one that may have been broken off.
    pub fn begin(&mut self) {
        *self.waiting.get_mut() = 0;
        *self.stopped.get_mut() = false;
    }

    /// Tells all members to break off; none waits for another from then on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether a member told to break off.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Returns when all members have called it, or when one told to break off.
    pub fn wait(&self) {
        if self.size == 1 {
            return;
        }
        let round = self.round.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.size {
            self.waiting.store(0, Ordering::Release);
            self.round.store(round + 1, Ordering::Release);
            return;
        }
        let mut spins = 0;
        while self.round.load(Ordering::Acquire) == round && !self.is_stopped() {
            spins += 1;
            if spins < 4000 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

impl Member<'_> {
    /// Publishes `local` in the part of the table that begins at `offset` (per member), waits, and
    /// calls `each` with every member's floats in order of rank. A part is used once in a pass.
    pub fn exchange(&self, offset: usize, local: &[f32], mut each: impl FnMut(&[f32])) {
        if self.team.size == 1 {
            return each(local);
        }
        let len = local.len();
        let base = offset * self.team.size;
        // SAFETY: the row belongs to this member; the table is long enough by construction.
        unsafe {
            let table = (*self.team.table.get()).as_mut_ptr();
            std::ptr::copy_nonoverlapping(local.as_ptr(), table.add(base + self.rank * len), len);
        }
        self.team.wait();
        if self.team.is_stopped() {
            return;
        }
        for rank in 0..self.team.size {
            // SAFETY: all rows were written before the barrier, and are not written again before
            // all members have passed another one.
            each(unsafe {
                let table = (*self.team.table.get()).as_ptr();
                std::slice::from_raw_parts(table.add(base + rank * len), len)
            });
        }
    }
}
