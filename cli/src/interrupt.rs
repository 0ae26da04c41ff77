//! Ctrl-C as a question that long work asks now and then. A second Ctrl-C ends the process at once.

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Exit;

static ASKED: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();

/// Whether Ctrl-C was pressed since [`watch`] was called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interrupt(());

/// Begins to catch Ctrl-C.
pub(crate) fn watch() -> Interrupt {
    ASKED.store(false, Ordering::Relaxed);
    HANDLER.get_or_init(|| {
        let handler = || {
            if ASKED.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            tracing::warn!(%error, "Ctrl-C will end nasc without a last word");
        }
    });
    Interrupt(())
}

impl Interrupt {
    /// Whether to stop.
    pub(crate) fn asked(self) -> bool {
        ASKED.load(Ordering::Relaxed)
    }

    /// The same as an answer to work that reports progress.
    pub(crate) fn flow(self) -> ControlFlow<()> {
        if self.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
