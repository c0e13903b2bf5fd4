//! What must hold for any bytes that somebody hands to one of the two programs: a function for each kind of input.
//!
//! The fuzzer calls them with what it makes up, the ordinary tests with the corpus. A function says more than that
//! nothing panics: what is read is written back as the same, and what a refusal says is harmless.

mod answer;
mod chain;
mod entry;
mod frame;
mod policy;
mod secret;
mod signer;
mod store;

/// A name, as of a folder in the corpus, and what must hold for an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 10] = [
    ("address", chain::address),
    ("frame", frame::frame),
    ("journal", entry::journal),
    ("key_file", secret::key_file),
    ("output", chain::output),
    ("phrase", secret::phrase),
    ("policy", policy::policy),
    ("request", signer::request),
    ("response", answer::response),
    ("transaction", chain::transaction),
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some((_, target)) => target(bytes),
        None => panic!("there is no fuzz target {name}"),
    }
}

/// The most characters of a refusal's text: an excerpt of the input, and our own words about it.
const LONGEST_REFUSAL: usize = 1000;

/// A refusal goes to terminals, logs and other programs: it neither floods them nor commands them.
fn assert_harmless(refusal: &str) {
    assert!(refusal.chars().count() <= LONGEST_REFUSAL, "{} bytes: {refusal:?}", refusal.len());
    assert_shown(refusal);
}

/// A terminal shows it as it is: nothing in it is obeyed, invisible, or changes the direction of what follows.
fn assert_shown(text: &str) {
    let obeyed = |character: char| {
        let invisible = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
        character.is_control() || invisible.iter().any(|range| range.contains(&character))
    };
    assert!(!text.chars().any(obeyed), "{text:?}");
}
