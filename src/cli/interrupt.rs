//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use super::exit;

/// Set by the first Ctrl-C.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C lets images in flight end; the second ends the program.
pub fn stop_on_interrupt() {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("warning: Ctrl-C will not stop cleanly: {error}");
    }
}
