//! What the model in `tests/model` found, told one by one.

mod lives;
