//! Whether anything panicked on this thread: what is spawned tells nobody.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

/// Notes panics from now on.
pub(crate) fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.set(true);
            others(info);
        }));
    });
}

/// Whether there was a panic since this was asked last.
pub(crate) fn take() -> bool {
    PANICKED.take()
}
