//! Handoffs: what the signer is asked for, what is reserved for it meanwhile, and what becomes of it.
//!
//! One handoff is one `create_raw_transaction` request, and at most one transaction.

pub mod check;
pub mod desk;
pub mod journal;
pub mod plan;
pub mod record;
pub mod request;
pub mod select;
pub mod track;
