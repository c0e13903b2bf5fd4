//! The `output-explorer` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    output_explorer::cli::run()
}
