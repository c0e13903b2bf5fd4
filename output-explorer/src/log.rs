//! What is said while a command runs.

use std::io::{self, Write};

/// Tells the user something that is not the command's output.
pub(crate) fn say(text: &str) {
    // With standard error closed there is nobody to tell, and nobody to tell about that.
    let _ = writeln!(io::stderr(), "{text}");
}
