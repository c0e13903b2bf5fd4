//! The `round-trip` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    custody_tests::round_trip::run()
}
