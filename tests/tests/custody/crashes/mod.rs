//! The explorer and the signer are killed: they go on rightly, and all money is accounted for.

mod finish;
mod moments;
mod player;
mod steps;
