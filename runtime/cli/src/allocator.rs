//! The allocator of this program.

#![expect(unsafe_code, reason = "it is a library in C")]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

unsafe extern "C" {
    /// Of mimalloc: gives what is free back to the system; with `force` at once.
    fn mi_collect(force: bool);
}

/// Gives back to the system what the start took and nothing holds any more: tools are compiled then, or their code is looked
/// through. The allocator would keep it for what comes next, and a server may then be idle for days.
pub(crate) fn give_back() {
    // SAFETY: it may be called at any time, from any thread, and touches nothing that is allocated.
    unsafe { mi_collect(true) }
}
