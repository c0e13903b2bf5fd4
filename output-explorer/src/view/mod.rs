//! What the world outside is shown, by the HTTP API and in webhooks: types whose JSON and whose description in the OpenAPI
//! document are one.

pub mod event;
mod money;
pub mod text;
mod transaction;
pub mod webhook;

pub use money::Money;
pub use transaction::TransactionState;
