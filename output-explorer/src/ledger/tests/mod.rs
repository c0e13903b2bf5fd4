//! Stories of a ledger, told one by one.

mod copy;
mod events;
mod forms;
mod lives;
mod own;
mod pages;
mod webhooks;
