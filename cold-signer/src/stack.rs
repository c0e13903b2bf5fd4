//! Overwriting the stack below a call, where those that have returned left what was moved: the wiping of a key cannot follow
//! it there.

/// So far down, in bytes: deeper than any call that has a key.
const DEPTH: usize = 64 << 10;

/// Overwrites the stack of this thread below the caller.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "it is the stack that is meant")]
pub(crate) fn wipe() {
    let mut below = [0_u8; DEPTH];
    std::hint::black_box(&mut below);
}

/// The same for the threads that open records and try keys on behalf of others.
pub(crate) fn wipe_workers() {
    rayon::broadcast(|_| wipe());
}
