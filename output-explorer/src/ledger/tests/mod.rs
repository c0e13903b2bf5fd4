//! Stories of a ledger, told one by one.

mod lives;
mod own;
mod webhooks;
