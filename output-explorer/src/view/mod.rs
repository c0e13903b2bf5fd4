//! What the world outside is shown, by the HTTP API and in webhooks: types whose JSON and whose description in the OpenAPI
//! document are one.

mod money;
pub mod text;

pub use money::Money;
