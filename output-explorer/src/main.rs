//! The `output-explorer` program.

use std::process::ExitCode;

// sled lives on short-lived allocations: the system's allocator makes an import half again as long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    output_explorer::cli::run()
}
